"""What is sent is what the vendor takes: its region, its checksums, its conditions; what was given explicitly wins."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import pytest

import s3_bucket as S3
from tests.guards.script import error

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.guards.script import Reply, Request, Script

LARGE = bytes(6_000_000)


def md5(body: bytes) -> str:
    """Return the Content-MD5 of a body."""
    return base64.b64encode(hashlib.md5(body).digest()).decode()  # noqa: S324  # S3's own


def checksums(request: Request) -> set[str]:
    """Return the names of the headers that carry a checksum, or speak of one."""
    return {
        name for name in request.headers if name == "content-md5" or name.startswith(("x-amz-checksum", "x-amz-sdk"))
    }


@pytest.mark.parametrize("vendor", ["r2", "b2", "gcs", "ceph"])
@pytest.mark.parametrize("data", [b"small", LARGE], ids=["small", "large"])
async def test_content_md5(vendor: str, data: bytes, script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """Vendors that know no CRC32 are sent a Content-MD5 from the first request on, and never anything else."""
    await make(vendor=vendor).put("key", data)
    assert script.objects["key"] == data
    sent = {name for request in script.requests for name in checksums(request)}
    assert sent == {"content-md5"}
    bodies = [request for request in script.requests if request.method == "PUT"]
    assert all(request.headers["content-md5"] == md5(request.body) for request in bodies)


async def test_explicit_checksums(script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """Checksums that were given explicitly are sent, whatever the vendor."""
    await make(vendor="r2", checksums="when_supported").put("key", b"data")
    assert checksums(script.requests[-1]) == {"x-amz-checksum-crc32"}


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"vendor": "minio"}, {"content-md5"}),
        ({"vendor": "wasabi"}, {"content-md5"}),
        ({"checksums": "when_required"}, {"content-md5"}),
        ({"vendor": "aws"}, {"x-amz-checksum-crc32", "x-amz-sdk-checksum-algorithm"}),
        ({}, {"x-amz-checksum-crc32", "x-amz-sdk-checksum-algorithm"}),
    ],
)
async def test_deleting_together(
    settings: dict[str, Any], wanted: set[str], script: Script, make: Callable[..., S3.AsyncBucket]
) -> None:
    """DeleteObjects carries the checksum that the vendor wants, and it is right."""
    results = [result.ok async for result in make(**settings).delete_many(["a", "b"])]
    assert results == [True, True]
    (request,) = script.requests
    assert checksums(request) == wanted
    assert request.headers.get("content-md5", md5(request.body)) == md5(request.body)


async def test_a_refusal_is_learned_for_deletions(script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """Who has refused a CRC32 once gets a Content-MD5 where objects are deleted together, too."""

    def answer(request: Request) -> Reply:
        known = any(name.startswith("x-amz-checksum") for name in request.headers)
        return (
            error(400, "InvalidArgument", "Unsupported header 'x-amz-checksum-crc32'")
            if known
            else script.good(request)
        )

    script.answers["*"] = answer  # type: ignore[assignment]  # of good() it is a reply
    bucket = make()
    await bucket.put("key", b"data")
    assert [result.ok async for result in bucket.delete_many(["key"])] == [True]
    assert checksums(script.requests[-1]) == {"content-md5"}


@pytest.mark.parametrize(
    ("settings", "region"),
    [
        ({"vendor": "r2"}, "auto"),
        ({"vendor": "r2", "region": "weur"}, "weur"),
        ({"vendor": "ceph"}, "us-east-1"),
        ({}, "us-east-1"),
    ],
)
@pytest.mark.parametrize("operation", ["put", "delete_many"])
async def test_region(
    settings: dict[str, Any], region: str, operation: str, script: Script, make: Callable[..., S3.AsyncBucket]
) -> None:
    """Requests are signed for the vendor's region, unless another one was given."""
    bucket = make(**settings)
    if operation == "put":
        await bucket.put("key", b"data")
    else:
        assert [result.ok async for result in bucket.delete_many(["key"])] == [True]
    assert f"/{region}/s3/aws4_request" in script.requests[-1].headers["authorization"]


REFUSED = "Unsupported header 'x-amz-checksum-mode' received for this API call."


def refusing_to_tell(script: Script) -> None:
    """Let the server refuse to be asked for checksums."""

    def answer(request: Request) -> Reply:
        asked = "x-amz-checksum-mode" in request.headers
        return error(400, "InvalidArgument", REFUSED) if asked else script.good(request)

    script.answers["GetObject"] = answer


async def test_asking_for_checksums(script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """A vendor that is known to refuse the question for checksums is not asked."""
    refusing_to_tell(script)
    script.objects["key"] = b"data"
    assert (await make(vendor="b2", max_attempts=1).get("key")).data == b"data"
    assert script.operations() == ["GetObject"]


async def test_asking_for_checksums_is_learned(
    script: Script, make: Callable[..., S3.AsyncBucket], caplog: pytest.LogCaptureFixture
) -> None:
    """An unknown one that refuses it is asked without, then and from then on, which is told once."""
    refusing_to_tell(script)
    script.objects["key"] = b"data"
    bucket = make()
    results = [result.ok async for result in bucket.get_many(["key"] * 5)]  # refused at the same time
    assert results == [True] * 5
    assert (await bucket.get("key")).data == b"data"
    asked = ["x-amz-checksum-mode" in request.headers for request in script.requests]
    assert (len(asked) - sum(asked), asked[-1]) == (6, False)
    assert [record.levelname for record in caplog.records if record.name == "s3_bucket"] == ["WARNING"]


@pytest.mark.parametrize("refusal", [error(400, "InvalidArgument", "another reason"), error(404, "NoSuchKey")])
async def test_refused_for_another_reason(refusal: Reply, script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """What is refused for another reason is not asked again, and checksums are still asked for."""
    script.answers["GetObject"] = lambda _: refusal
    bucket = make()
    for _ in range(2):
        with pytest.raises(S3.BucketException):
            await bucket.get("key")
    assert ["x-amz-checksum-mode" in request.headers for request in script.requests] == [True, True]


@pytest.mark.parametrize("vendor", ["ceph", "b2", "gcs"])
async def test_conditions(vendor: str, script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """What the vendor would not keep is refused before anything is sent."""
    bucket = make(vendor=vendor)
    with pytest.raises(S3.InvalidInput, match=r"^if_absent: .*CompleteMultipartUpload"):
        await bucket.put("key", LARGE, if_absent=True)
    with pytest.raises(S3.InvalidInput, match=r"^if_match: .*DeleteObject"):
        await bucket.delete("key", if_match="etag")
    assert script.requests == []


async def test_conditions_of_the_unknown(script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """Of an unknown vendor HEAD is asked before, and what doesn't hold is not sent."""
    bucket = make()
    await bucket.put("key", b"old")
    with pytest.raises(S3.KeyAlreadyExists):
        await bucket.put("key", LARGE, if_absent=True)
    assert "CompleteMultipartUpload" not in script.operations()
    assert script.operations()[-2:] == ["HeadObject", "AbortMultipartUpload"]
    assert script.objects["key"] == b"old"


async def test_wrong_region(script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """A bucket that is in another region is told so by check(), with the setting."""
    script.always(error(301, "PermanentRedirect", x_amz_bucket_region="eu-west-1"))
    report = await make().check()
    assert report.settings == {"region": "eu-west-1"}
    assert not report.ok


@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "SignatureDoesNotMatch"])
async def test_wrong_credentials(code: str, script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """Credentials that the server refuses are a finding of check(), in words."""
    script.always(error(403, code))
    report = await make().check()
    assert [finding.topic for finding in report.findings] == ["credentials"]
    assert "the server refuses the credentials" in str(report)
    assert not report.ok
