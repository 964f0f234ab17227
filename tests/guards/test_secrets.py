"""No secret leaves by an exception, a log line, a repr or a pickle."""

from __future__ import annotations

import asyncio
import base64
import logging
import pickle
import traceback
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import pytest_asyncio

import s3_bucket as S3
from tests.certificates import self_signed
from tests.guards.script import BUCKET, Reply, Script, error, reply, serving
from tests.guards.test_redirects import CALLS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

SECRETS = {
    "aws_access_key_id": "AKIAVERYPRIVATEKEYID",
    "aws_secret_access_key": "very-secret-key-of-forty-characters",
    "aws_session_token": "very-secret-session-token",
}
ECHO = (
    f"<AWSAccessKeyId>{SECRETS['aws_access_key_id']}</AWSAccessKeyId>"
    "<StringToSign>AWS4-HMAC-SHA256 what-was-signed</StringToSign>"
    f"<Token-0>{SECRETS['aws_session_token']}</Token-0>"
    f"<CanonicalRequest>x-amz-security-token:{SECRETS['aws_session_token']}</CanonicalRequest>"
)
PRIVATE = [*SECRETS.values(), "what-was-signed", "AWS4-HMAC-SHA256", "0a" * 32]


def said_by(caught: BaseException) -> str:
    """Return all that an exception shows of itself."""
    inner = f"{caught!s} {caught!r} {caught.__dict__!r} {caught.args!r}"
    return inner + repr(pickle.dumps(caught)) + "".join(traceback.format_exception(caught))


REPEATED = " ".join([*SECRETS.values(), "X-Amz-Signature=" + "0a" * 32])
DENIED = "<R><Deleted><Key>a</Key></Deleted><Error><Key>key</Key><Code>{0}</Code><Message>{0}</Message></Error></R>"
ANSWERS = {
    "message": error(403, "SignatureDoesNotMatch", REPEATED),
    "code": error(500, SECRETS["aws_secret_access_key"]),
    "error in a 200": error(200, "InternalError", REPEATED),
    "another encoding": error(403, "AccessDenied", quote(REPEATED, safe="")),
    "request id": error(500, "InternalError", x_amz_request_id=SECRETS["aws_session_token"]),
    "region": reply(301, x_amz_bucket_region=SECRETS["aws_session_token"]),
    "no header": Reply(f"HTTP/1.1 200 OK\r\nodd {REPEATED}\r\n\r\n".encode(), "fin"),
    "no status": Reply(f"HTTP/1.1 {REPEATED}\r\n\r\n".encode(), "fin"),
    "a long header": Reply(f"HTTP/1.1 200 OK\r\nX: {REPEATED}{'x' * 20_000}\r\n\r\n".encode(), "fin"),
    "half of XML": reply(200, f"<R>{REPEATED}".encode()),
    "size": reply(200, f"<R><Contents><Size>{REPEATED}</Size></Contents></R>".encode()),
    "echo": error(403, "SignatureDoesNotMatch", more=ECHO),
    "echo of 500": error(500, "InternalError", more=ECHO),
    "echo in a header": reply(500, x_amz_echo=SECRETS["aws_session_token"]),
    "no XML": reply(400, SECRETS["aws_session_token"].encode()),
    "200 with it": reply(200, SECRETS["aws_session_token"].encode()),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("answer", ANSWERS)
async def test_no_secret_in_exceptions_and_logs(
    call: str, answer: str, script: Script, make: Callable[..., S3.AsyncBucket], caplog: pytest.LogCaptureFixture
) -> None:
    """A server that echoes keys, token and what was signed does not get them into an exception or our log."""
    caplog.set_level(logging.DEBUG, "s3_bucket")
    script.always(ANSWERS[answer])
    with pytest.raises(S3.BucketException) as caught:
        await CALLS[call](make(**SECRETS))
    logged = "".join(record.getMessage() for record in caplog.records if record.name == "s3_bucket")
    assert not [secret for secret in PRIVATE if secret in said_by(caught.value) + logged]
    assert script.requests[0].headers["x-amz-security-token"] == SECRETS["aws_session_token"]


async def test_retries_are_logged(script: Script, bucket: S3.AsyncBucket, caplog: pytest.LogCaptureFixture) -> None:
    """Each retry is one line of the logger "s3_bucket"."""
    caplog.set_level(logging.INFO, "s3_bucket")
    script.always(error(503, "SlowDown"))
    with pytest.raises(S3.Throttled):
        await bucket.get("key")
    assert [record.getMessage()[:16] for record in caplog.records if record.name == "s3_bucket"] == ["attempt 1 failed"]


async def test_no_secret_of_a_batch(script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """What DeleteObjects says of a key is masked like all that a server says."""
    script.always(reply(200, DENIED.format(REPEATED).encode()))
    results = [result async for result in make(**SECRETS).delete_many(["a", "key"])]
    assert [result.ok for result in results] == [True, False]
    assert results[1].error
    assert not [secret for secret in PRIVATE if secret in said_by(results[1].error)]


KEY = b"0123456789abcdef0123456789abcdef"
SENT = base64.b64encode(KEY).decode()
MINE = S3.SSE.c(KEY)
OF_A_CUSTOMER = [KEY.decode(), SENT, quote(SENT, safe="")]
KEYED: dict[str, Callable[[S3.AsyncBucket], Awaitable[Any]]] = {
    "get": lambda bucket: bucket.get("key", encryption=MINE),
    "head": lambda bucket: bucket.head("key", encryption=MINE),
    "put": lambda bucket: bucket.put("key", b"bytes", encryption=MINE),
    "put in parts": lambda bucket: bucket.put("key", bytes(6_000_000), encryption=MINE),
    "call": lambda bucket: bucket.call(
        "PutObject", Key="key", Body=b"1", SSECustomerKey=KEY, SSECustomerAlgorithm="AES256"
    ),
}
KEY_REPEATED = f"no: {KEY.decode()}, {SENT}; {quote(SENT, safe='')}"
KEY_ANSWERS = {
    "message": error(400, "InvalidArgument", KEY_REPEATED),
    "code": error(400, SENT),
    "server's fault": error(500, "InternalError", KEY_REPEATED),
    "echo": error(400, "InvalidArgument", more=f"<ArgumentValue>{SENT}</ArgumentValue>"),
    "request id": error(400, "InvalidArgument", x_amz_request_id=SENT),
    "a header": reply(500, x_amz_server_side_encryption_customer_key=SENT),
    "no XML": reply(400, SENT.encode()),
    "no header": Reply(f"HTTP/1.1 200 OK\r\nodd {KEY_REPEATED}\r\n\r\n".encode(), "fin"),
    "no status": Reply(f"HTTP/1.1 {KEY_REPEATED}\r\n\r\n".encode(), "fin"),
}


@pytest_asyncio.fixture
async def secure(tmp_path: Path) -> AsyncIterator[tuple[Script, dict[str, Any]]]:
    """Run a scripted server behind TLS; return it, and the settings to reach it."""
    certificate = tmp_path / "server.pem"
    async with serving(await asyncio.to_thread(self_signed, certificate)) as script:
        yield script, {"endpoint_url": script.url, "verify": str(certificate)}


@pytest.mark.parametrize("anonymous", [False, True])
@pytest.mark.parametrize("call", KEYED)
@pytest.mark.parametrize("answer", KEY_ANSWERS)
async def test_no_key_of_a_customer(
    call: str,
    answer: str,
    secure: tuple[Script, dict[str, Any]],
    make: Callable[..., S3.AsyncBucket],
    caplog: pytest.LogCaptureFixture,
    *,
    anonymous: bool,
) -> None:
    """A key that the customer encrypts with is in no exception and no log, whatever the server repeats of it."""
    caplog.set_level(logging.DEBUG, "s3_bucket")
    script, place = secure
    script.always(KEY_ANSWERS[answer])
    with pytest.raises(S3.BucketException) as caught:
        await KEYED[call](make(**place, anonymous=anonymous))
    logged = "".join(record.getMessage() for record in caplog.records if record.name == "s3_bucket")
    shown = said_by(caught.value) + logged
    assert not [secret for secret in OF_A_CUSTOMER if secret in shown]
    assert script.requests[0].headers["x-amz-server-side-encryption-customer-key"] == SENT


async def test_a_key_is_masked(secure: tuple[Script, dict[str, Any]], make: Callable[..., S3.AsyncBucket]) -> None:
    """The rest of what the server says of a key is told."""
    script, place = secure
    script.always(error(400, "InvalidArgument", f"no: {KEY.decode()}, {SENT}"))
    with pytest.raises(S3.BucketException) as caught:
        await make(**place).put("key", b"1", encryption=MINE)
    assert caught.value.error_message == "no: ***, ***"


@pytest.mark.parametrize("call", KEYED)
async def test_no_key_over_http(call: str, script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """Over plain HTTP it is never sent: the call is refused, and no connection is opened."""
    for anonymous in (False, True):
        with pytest.raises(S3.InvalidInput, match="plain HTTP") as caught:
            await KEYED[call](make(anonymous=anonymous))
        assert not [secret for secret in OF_A_CUSTOMER if secret in said_by(caught.value)]
        assert (caught.value.sent, caught.value.bucket, caught.value.key) == (False, BUCKET, "key")
    assert (script.requests, script._connections) == ([], 0)


async def test_no_key_to_another_place(
    secure: tuple[Script, dict[str, Any]], script: Script, make: Callable[..., S3.AsyncBucket]
) -> None:
    """A server that redirects to plain HTTP gets no key there."""
    first, place = secure
    for call in KEYED.values():
        first.always(reply(307, Location=f"{script.url}/elsewhere"))
        with pytest.raises(S3.BucketException):
            await call(make(**place))
    assert script._connections == 0
