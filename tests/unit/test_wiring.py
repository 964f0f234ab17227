"""What is taken from an aiobotocore client: where requests go to, with which credentials, and what a refusal means."""

from __future__ import annotations

import datetime
import logging
import ssl
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aiobotocore.credentials import AioRefreshableCredentials
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from s3_bucket import exceptions
from s3_bucket._async._botocore import wiring as wiring_module
from s3_bucket._async._botocore.signing import Keys, Note
from s3_bucket._async._botocore.store import BotocoreStore
from s3_bucket._async._botocore.wiring import Endpoint, Origin, Wiring, document
from s3_bucket._async._errors import Target
from s3_bucket._config import Settings
from tests.certificates import self_signed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

LOCAL = "http://127.0.0.1:9000"
AMAZON = "s3.eu-west-1.amazonaws.com"


@asynccontextmanager
async def wired(**settings: Any) -> AsyncIterator[Wiring]:
    """Open a client with these settings, which sends nothing."""
    store = await BotocoreStore.open(Settings(**{"region": "eu-west-1", **settings}))
    try:
        yield store.wiring()
    finally:
        await store.aclose()


def endpoint(host: str, port: int, name: str, path: str, *, secure: bool = False) -> Endpoint:
    """Return an endpoint of plain S3 in that region."""
    return Endpoint(Origin(host, port, secure), name, path, "eu-west-1", "s3")


ENDPOINTS: dict[str, tuple[dict[str, Any], str, Endpoint | None]] = {
    "an address": ({"endpoint_url": LOCAL}, "bucket", endpoint("127.0.0.1", 9000, "127.0.0.1:9000", "/bucket/")),
    "an address of IPv6": (
        {"endpoint_url": "http://[::1]:9000"},
        "bucket",
        endpoint("::1", 9000, "[::1]:9000", "/bucket/"),
    ),
    "an address of IPv6 without a port": (
        {"endpoint_url": "http://[::80]"},
        "bucket",
        endpoint("::80", 80, "[::80]", "/bucket/"),
    ),
    "virtual": (
        {"endpoint_url": "https://s3.example", "addressing_style": "virtual"},
        "bucket",
        endpoint("bucket.s3.example", 443, "bucket.s3.example", "/", secure=True),
    ),
    "path": (
        {"endpoint_url": "https://s3.example", "addressing_style": "path"},
        "bucket",
        endpoint("s3.example", 443, "s3.example", "/bucket/", secure=True),
    ),
    "a base path": (
        {"endpoint_url": LOCAL + "/base/path", "addressing_style": "path"},
        "bucket",
        endpoint("127.0.0.1", 9000, "127.0.0.1:9000", "/base/path/bucket/"),
    ),
    "a base path, virtual": (
        {"endpoint_url": "http://s3.example:9000/base/", "addressing_style": "virtual"},
        "bucket",
        endpoint("bucket.s3.example", 9000, "bucket.s3.example:9000", "/base/"),
    ),
    "the default port": (
        {"endpoint_url": "http://s3.example:80", "addressing_style": "path"},
        "bucket",
        endpoint("s3.example", 80, "s3.example", "/bucket/"),
    ),
    "the default port of TLS": (
        {"endpoint_url": "https://s3.example:443", "addressing_style": "virtual"},
        "bucket",
        endpoint("bucket.s3.example", 443, "bucket.s3.example", "/", secure=True),
    ),
    "the other's default port": (
        {"endpoint_url": "https://s3.example:80", "addressing_style": "path"},
        "bucket",
        endpoint("s3.example", 80, "s3.example:80", "/bucket/", secure=True),
    ),
    "Amazon": ({}, "bucket", endpoint(f"bucket.{AMAZON}", 443, f"bucket.{AMAZON}", "/", secure=True)),
    "Amazon, with dots": ({}, "a.bucket", endpoint(AMAZON, 443, AMAZON, "/a.bucket/", secure=True)),
    "Amazon, path": (
        {"addressing_style": "path"},
        "bucket",
        endpoint(AMAZON, 443, AMAZON, "/bucket/", secure=True),
    ),
    "an access point": ({}, "arn:aws:s3:eu-west-1:123456789012:accesspoint/mine", None),
    "an access point of several regions": ({}, "arn:aws:s3::123456789012:accesspoint/mine.mrap", None),
    "an Outpost": ({}, "arn:aws:s3-outposts:eu-west-1:123456789012:outpost/op-1/accesspoint/mine", None),
    "S3 Express": ({}, "bucket--euw1-az1--x-s3", None),
}


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize("anonymous", [False, True])
async def test_endpoint(name: str, *, anonymous: bool) -> None:
    """Requests go where botocore's rules say; what they want more for than a plain signature is left to the client."""
    settings, bucket, expected = ENDPOINTS[name]
    if expected is not None and anonymous:
        expected = replace(expected, region="")
    async with wired(anonymous=anonymous, **settings) as wiring:
        assert wiring.is_anonymous is anonymous
        assert wiring.known(bucket) is None
        assert await wiring.endpoint(bucket) == expected
        assert wiring.known(bucket) == expected
        assert await wiring.endpoint(bucket) == expected


async def test_endpoints_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many buckets' endpoints are remembered; the others are found out again."""
    monkeypatch.setattr(wiring_module, "MOST_ENDPOINTS", 2)
    async with wired(endpoint_url=LOCAL) as wiring:
        for bucket in ("one", "two", "three"):
            assert await wiring.endpoint(bucket)
        assert wiring.known("one") is None
        assert wiring.known("three") is not None


async def test_bad_bucket() -> None:
    """A bucket of which botocore makes no endpoint is its error."""
    async with wired() as wiring:
        with pytest.raises(boto.BotoCoreError):
            await wiring.endpoint("bucket--x-s3")


@pytest.mark.parametrize("way", ["proxy", "certificate"])
async def test_not_direct(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, way: str) -> None:
    """Through a proxy, or with a client certificate, the client itself sends all, which is told once."""
    if way == "proxy":
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setattr(wiring_module, "_told", set())
    caplog.set_level(logging.INFO, "s3_bucket")
    async with wired(endpoint_url="http://s3.example", addressing_style="path") as wiring:
        if way == "certificate":
            wiring._client._endpoint.http_session._cert_file = "client.pem"
        assert [await wiring.endpoint(bucket) for bucket in ("one", "two", "one")] == [None] * 3
    assert [record.message for record in caplog.records if "by aiobotocore" in record.message] == [
        "requests go through a proxy, or with a client certificate: by aiobotocore, which is slower"
    ]


async def test_past_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server for which there is no proxy is asked directly."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    async with wired(endpoint_url=LOCAL) as wiring:
        assert await wiring.endpoint("bucket") is not None


# Credentials


async def test_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are no credentials, there are none, and no error: the client says what is missing."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    async with wired() as wiring:
        assert await wiring.credentials() is None
        assert wiring.frozen() is None


async def test_fixed_credentials() -> None:
    """Credentials that never change are asked for once."""
    given = {"aws_access_key_id": "id", "aws_secret_access_key": "secret", "aws_session_token": "token"}
    async with wired(**given) as wiring:
        assert wiring.frozen() is None
        found = await wiring.credentials()
        assert (found.access_key, found.secret_key, found.token) == ("id", "secret", "token")
        assert wiring.frozen() is found


async def test_refreshed_credentials() -> None:
    """Credentials that expire are looked at from time to time, and are others then."""
    fetched = 0

    def told(life: float) -> dict[str, str]:
        expiry = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=life)
        return {
            "access_key": f"key-{fetched}",
            "secret_key": "s",
            "token": "t",
            "expiry_time": expiry.isoformat(),
        }

    async def fetch() -> dict[str, str]:
        nonlocal fetched
        fetched += 1
        return told(3_600.0)

    async with wired() as wiring:
        credentials = AioRefreshableCredentials.create_from_metadata(told(3_600.0), fetch, "a source")
        wiring._signing.keys = Keys(credentials, 10.0)
        assert wiring.frozen() is None
        first = await wiring.credentials()
        assert first.access_key == "key-0"
        assert wiring.frozen() is first
        credentials._expiry_time -= datetime.timedelta(hours=2)
        wiring._signing.keys._looked -= 3_600.0
        assert wiring.frozen() is None
        second = await wiring.credentials()
        assert second.access_key == "key-1"
        assert wiring.frozen() is second


async def test_credentials_that_do_not_come() -> None:
    """Credentials that can't be fetched are botocore's error, which says so."""

    async def fail() -> Any:
        msg = "no network"
        raise OSError(msg)

    expired = {"access_key": "k", "secret_key": "s", "token": "t", "expiry_time": "2020-01-01T00:00:00Z"}
    async with wired() as wiring:
        credentials = AioRefreshableCredentials.create_from_metadata(expired, fail, "a source")
        wiring._signing.keys = Keys(credentials, 10.0)
        with pytest.raises(boto.BotoCoreError):
            await wiring.credentials()


# TLS


def test_context(tmp_path: Path) -> None:
    """TLS is as strict as the client's own, with the same authorities."""
    import asyncio  # noqa: PLC0415  # this test blocks, as whoever calls it in a thread may

    own = tmp_path / "own.pem"
    self_signed(own)

    async def contexts() -> list[ssl.SSLContext]:
        found = []
        for verify in (True, False, str(own)):
            async with wired(endpoint_url="https://127.0.0.1", verify=verify) as wiring:
                found.append(wiring.context())
        return found

    strict, lax, given = asyncio.run(contexts())
    assert (strict.verify_mode, strict.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert (lax.verify_mode, lax.check_hostname) == (ssl.CERT_NONE, False)
    assert (given.verify_mode, given.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert strict.cert_store_stats()["x509"] > 10
    assert given.cert_store_stats()["x509"] == 1


# Refusals

GET, HEAD = Target("GetObject", "bucket", "key"), Target("HeadObject", "bucket", "key")
REGION = {"x-amz-bucket-region": b"us-west-2"}
MALFORMED = b"<Error><Code>AuthorizationHeaderMalformed</Code></Error>"


@pytest.mark.parametrize(
    ("target", "status", "headers", "body", "expected"),
    [
        (GET, 301, {}, b"", True),
        (GET, 302, {}, b"", True),
        (GET, 307, REGION, b"", True),
        (GET, 400, REGION, b"", True),
        (GET, 400, {}, MALFORMED, True),
        (HEAD, 400, {}, b"", True),
        (GET, 400, {}, b"<Error><Code>InvalidArgument</Code></Error>", False),
        (GET, 403, REGION, b"", False),
        (GET, 404, REGION, b"", False),
        (HEAD, 403, {}, b"", False),
        (GET, 308, {}, b"", False),
        (GET, 500, {}, MALFORMED, False),
    ],
)
async def test_elsewhere(
    target: Target, status: int, headers: dict[str, bytes], body: bytes, *, expected: bool
) -> None:
    """A refusal that may be about the region is the client's, on Amazon; where the bucket is, is asked anew then."""
    async with wired() as wiring:
        assert await wiring.endpoint("bucket")
        assert wiring.is_elsewhere(target, status, headers, body) is expected
        assert (wiring.known("bucket") is None) is expected
    async with wired(endpoint_url=LOCAL) as wiring:
        assert await wiring.endpoint("bucket")
        assert not wiring.is_elsewhere(target, status, headers, body)
        assert wiring.known("bucket")


def error(code: str, message: str) -> bytes:
    """Return S3's words for a refusal."""
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


@pytest.mark.parametrize(
    ("target", "status", "body", "kind"),
    [
        (GET, 404, error("NoSuchKey", "no"), exceptions.NoSuchKey),
        (GET, 404, error("NoSuchBucket", "no"), exceptions.NoSuchBucket),
        (HEAD, 404, b"", exceptions.NoSuchKey),
        (GET, 403, error("AccessDenied", "no"), exceptions.BucketAccessDenied),
        (GET, 304, b"", exceptions.BucketException),
        (GET, 503, b"<html>not S3's</html>", exceptions.BucketException),
    ],
)
async def test_refuse(target: Target, status: int, body: bytes, kind: type[Exception]) -> None:
    """A refusal becomes the exception that the same answer becomes through the client."""
    async with wired(endpoint_url=LOCAL) as wiring:
        with pytest.raises(kind) as caught:
            await wiring.refuse(target, status, {"x-amz-request-id": b"r\xff"}, body, Note())
    assert isinstance(caught.value, exceptions.BucketException)
    assert (caught.value.status, caught.value.bucket, caught.value.key) == (status, "bucket", "key")


async def test_refuse_masks() -> None:
    """What the server repeats of the secrets stands in no message."""
    body = error("SignatureDoesNotMatch", "you signed with the secret-of-mine")
    async with wired(endpoint_url=LOCAL) as wiring:
        with pytest.raises(exceptions.BucketException) as caught:
            await wiring.refuse(GET, 403, {}, body, Note(["secret-of-mine"]))
    assert "secret-of-mine" not in str(caught.value)
    assert "***" in str(caught.value)


async def test_refuse_nonsense() -> None:
    """A refusal that can't be parsed is botocore's error, which is translated above."""
    async with wired(endpoint_url=LOCAL) as wiring:
        with pytest.raises((ResponseParserError, exceptions.BucketException)):
            await wiring.refuse(GET, 403, {}, b"<Error><Code>", Note())


@pytest.mark.parametrize(
    ("body", "root"),
    [
        (b"", None),
        (b" \r\n", "Error"),
        (b"<CopyObjectResult/>", "CopyObjectResult"),
        (b"  <?xml version='1.0'?><Error><Code>InternalError</Code></Error>", "Error"),
        (b"<Error xmlns='x'/>", "{x}Error"),
        (b"<Error><Code>", "Error"),
        (b"no XML", "Error"),
        (b"<!DOCTYPE a><Error/>", None),
    ],
)
def test_document(body: bytes, root: str | None) -> None:
    """An answer of success whose body is an error, or broken off, is none; what S3 would not have made is no body."""
    found = document(body)
    assert (None if found is None else found.tag) == root
