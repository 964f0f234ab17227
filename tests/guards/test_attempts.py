"""A request is sent as often as max_attempts says: neither botocore nor aiohttp multiplies it."""

from __future__ import annotations

import asyncio
import errno
import resource
import socket
from typing import TYPE_CHECKING

import pytest

import s3_bucket as S3
from tests.certificates import self_signed
from tests.guards.script import BUCKET, Reply, Request, Script, error, reply, serving
from tests.guards.test_redirects import CALLS

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path

FAULTS = {
    "500": (error(500, "InternalError"), S3.UnknownBucketException),
    "503": (error(503, "SlowDown"), S3.Throttled),
    "502 in HTML": (reply(502, b"<html>Bad Gateway</html>"), S3.BucketException),
    "429": (reply(429), S3.Throttled),
    "reset": (Reply(end="rst"), S3.BucketConnectionError),
    "closed": (Reply(end="fin"), S3.BucketConnectionError),
    "half a head": (Reply(b"HTTP/1.1 200 OK\r\nContent-Le", "fin"), S3.BucketConnectionError),
    "no HTTP": (Reply(b"SSH-2.0-OpenSSH_9.6\r\n", "fin"), S3.BucketConnectionError),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", CALLS)
async def test_attempts_on_the_wire(call: str, fault: str, script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """What may pass is tried max_attempts times, counted on the wire."""
    answer, kind = FAULTS[fault]
    script.always(answer)
    with pytest.raises(kind) as caught:
        await CALLS[call](make(max_attempts=3))
    assert len(script.requests) == 3
    assert caught.value.retryable


@pytest.mark.parametrize("end", ["rst", "fin"])
@pytest.mark.parametrize("call", CALLS)
async def test_stale_connections_count_once(call: str, end: str, script: Script, bucket: S3.AsyncBucket) -> None:
    """A kept connection that has died costs one attempt, not two requests of one attempt."""
    await bucket.put("key", b"secret bytes")
    del script.requests[:]
    script.always(Reply(end=end))
    with pytest.raises(S3.BucketConnectionError):
        await CALLS[call](bucket)
    assert len(script.requests) == 2


async def test_attempts_of_the_blocking_face(script: Script, blocking: S3.Bucket) -> None:
    """The blocking face counts alike."""
    script.always(error(503, "SlowDown"))
    with pytest.raises(S3.Throttled):
        await asyncio.to_thread(blocking.put, "key", b"bytes")
    assert len(script.requests) == 2


async def test_the_second_attempt_succeeds(script: Script, bucket: S3.AsyncBucket) -> None:
    """A put whose first attempt broke off is sent again, whole."""
    faults = [Reply(end="rst")]
    script.answers["key"] = lambda request: faults.pop() if faults else script.good(request)
    await bucket.put("key", bytes(3_000_000))
    assert script.objects["key"] == bytes(3_000_000)


@pytest.mark.parametrize("status", [400, 403, 409])
@pytest.mark.parametrize("call", CALLS)
async def test_refusals_are_not_repeated(call: str, status: int, script: Script, bucket: S3.AsyncBucket) -> None:
    """What the server refuses is asked once."""
    script.always(error(status, "AccessDenied" if status == 403 else "NobodyKnowsThis"))
    with pytest.raises(S3.BucketException) as caught:
        await CALLS[call](bucket)
    assert len(script.requests) == 1
    assert isinstance(caught.value, S3.BucketAccessDenied) == (status == 403)


async def test_an_error_in_a_200_is_a_refusal(script: Script, bucket: S3.AsyncBucket) -> None:
    """AccessDenied in an answer of status 200 is that error, and is not asked again."""
    script.answers["CompleteMultipartUpload"] = lambda _: error(200, "AccessDenied")
    with pytest.raises(S3.BucketAccessDenied):
        await bucket.put("key", bytes(6_000_000))
    assert script.operations().count("CompleteMultipartUpload") == 1
    assert "key" not in script.objects


@pytest.mark.parametrize("code", ["InternalError", "SlowDown"])
@pytest.mark.parametrize("space", ["", " \r\n"])
async def test_what_may_pass_in_a_200_is_tried_again(
    code: str, space: str, script: Script, bucket: S3.AsyncBucket
) -> None:
    """InternalError or SlowDown in an answer of status 200 is an error, tried again."""
    faults = [reply(200, f"{space}<Error><Code>{code}</Code></Error>".encode())]
    script.answers["CompleteMultipartUpload"] = lambda request: faults.pop() if faults else script.good(request)
    assert (await bucket.put("key", bytes(6_000_000))).etag == script.etags["key"]
    assert script.operations().count("CompleteMultipartUpload") == 2


@pytest.mark.parametrize(
    ("header", "seconds"), [({"Retry_After": "3"}, 3.0), ({"x_amz_retry_after": "1500"}, 1.5), ({}, None)]
)
@pytest.mark.parametrize("call", CALLS)
async def test_when_the_server_wants_the_next(
    call: str, header: dict[str, str], seconds: float | None, script: Script, make: Callable[..., S3.AsyncBucket]
) -> None:
    """When the server wants the next attempt is in the error."""
    script.always(error(503, "SlowDown", **header))
    with pytest.raises(S3.Throttled) as caught:
        await CALLS[call](make(max_attempts=1))
    assert caught.value.retry_after == seconds


async def test_no_more_files(script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """Where this computer can't open another connection, the error may pass, and its errno says why."""
    script.objects["key"] = b"1"
    script.answers["*"] = lambda request: script.good(request).ending("fin")
    bucket = make(max_attempts=1)
    await bucket.get("key")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as highest:
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest.fileno(), hard))
    try:
        with pytest.raises(S3.BucketConnectionError) as caught:
            await asyncio.gather(*(bucket.get("key") for _ in range(10)))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert caught.value.errno == errno.EMFILE
    assert caught.value.retryable
    assert (await bucket.get("key")).data == b"1"


async def test_an_ipv6_address(make: Callable[..., S3.AsyncBucket]) -> None:
    """An endpoint may be the address of a computer, of either version of the protocol."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError:
        pytest.skip("this computer has no ::1")
    async with serving(host="::1") as script:
        bucket = make(endpoint_url=script.url)
        await bucket.put("key", bytes(6_000_000))
        assert (await bucket.get("key")).data == bytes(6_000_000)
        assert [info.key async for info in bucket.list()] == ["key"]
        assert {request.headers["host"] for request in script.requests} == {script.url.removeprefix("http://")}


async def test_connection_refused(make: Callable[..., S3.AsyncBucket]) -> None:
    """Nobody listening is a BucketConnectionError, also a ConnectionError."""
    async with serving() as gone:
        url = gone.url
    with pytest.raises(S3.BucketConnectionError) as caught:
        await make(endpoint_url=url).get("key")
    assert isinstance(caught.value, ConnectionError)


async def test_an_unknown_host(make: Callable[..., S3.AsyncBucket]) -> None:
    """A host that does not exist is a BucketConnectionError."""
    with pytest.raises(S3.BucketConnectionError):
        await make(endpoint_url="http://no-such-host.invalid").get("key")


@pytest.mark.parametrize("call", CALLS)
async def test_a_silent_server(call: str, script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """A server that does not answer within read_timeout is a BucketTimeout."""
    script.always(Reply(end="silent"))
    with pytest.raises(S3.BucketTimeout):
        await CALLS[call](make(read_timeout=0.05))
    assert len(script.requests) == 2


async def test_a_server_silent_within_the_body(script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """A body that stops coming is a BucketTimeout."""
    script.always(reply(200, b"half", length=8, end="silent", ETag='"e"'))
    with pytest.raises(S3.BucketTimeout):
        await make(read_timeout=0.05, max_attempts=1).get("key")


async def test_no_expectation(script: Script, bucket: S3.AsyncBucket) -> None:
    """No request waits for "100 Continue": the server never sends it, and nothing hangs."""
    script.answers["headers only"] = lambda _: reply(500)

    async def answer(request: Request) -> Reply:
        return script.good(request)

    script.answers.clear()
    script.answers["*"] = answer
    await bucket.put("small", b"1")
    await bucket.put("large", bytes(6_000_000))
    assert not [request for request in script.requests if "expect" in request.headers]


async def test_bodies_have_a_length(script: Script, bucket: S3.AsyncBucket) -> None:
    """No body is sent chunked: S3 refuses that."""
    await bucket.put("large", bytes(6_000_000))
    assert not [request for request in script.requests if "transfer-encoding" in request.headers]
    assert script.objects["large"] == bytes(6_000_000)


@pytest.fixture
def foreign_certificate(tmp_path: Path) -> ssl.SSLContext:
    """Return the TLS of a server whose certificate nobody has signed but itself."""
    return self_signed(tmp_path / "server.pem")


async def test_a_wrong_certificate(
    foreign_certificate: ssl.SSLContext, make: Callable[..., S3.AsyncBucket], caplog: pytest.LogCaptureFixture
) -> None:
    """A certificate that can't be verified stays so: one attempt, and the error says what is wrong."""
    async with serving(foreign_certificate) as script:
        with pytest.raises(S3.BucketConnectionError, match=r"(?i)certificate") as caught:
            await make(endpoint_url=script.url).put("key", b"bytes")
        assert script.requests == []
    assert not caught.value.retryable
    assert not [record for record in caplog.records if record.name == "s3_bucket"]


async def test_verification_can_be_given_up(
    foreign_certificate: ssl.SSLContext,
    make: Callable[..., S3.AsyncBucket],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """verify=False, or the path of the certificate, lets the same server be used; the first is warned of, once."""
    async with serving(foreign_certificate) as script:
        for verify, region in ((False, "a"), (False, "b"), (str(tmp_path / "server.pem"), "a")):
            await make(endpoint_url=script.url, verify=verify, region=region).put("key", b"bytes")
        assert len(script.requests) == 3
        assert script.requests[0].target == f"/{BUCKET}/key"
        warnings = [record.getMessage() for record in caplog.records if record.name == "s3_bucket"]
        assert len(warnings) == 1
        assert script.url in warnings[0]


async def test_nothing_to_verify(
    script: Script, make: Callable[..., S3.AsyncBucket], caplog: pytest.LogCaptureFixture
) -> None:
    """verify=False is no news where there is no TLS."""
    await make(verify=False).put("key", b"bytes")
    assert not [record for record in caplog.records if record.name == "s3_bucket"]
