"""Checksums go with everything that is sent, in the form that the vendor takes."""

from __future__ import annotations

import base64
import hashlib
import logging
import zlib
from typing import TYPE_CHECKING, Any

import pytest

import s3_bucket as S3
from tests.guards.script import Request, Script, error

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.guards.script import Reply

LARGE = bytes(6_000_000)
REFUSALS = {
    "B2": error(400, "InvalidArgument", "Unsupported header 'x-amz-checksum-crc32' received for this API call."),
    "without a message": error(501, "NotImplemented"),
    "an unknown code": error(400, "WhateverWeCallIt", "The Checksum is not supported"),
}


def refusing(script: Script, refusal: Reply) -> None:
    """Let the server refuse whatever carries a checksum of Amazon's."""

    def answer(request: Request) -> Reply:
        known = any(name.startswith(("x-amz-checksum-", "x-amz-sdk-checksum")) for name in request.headers)
        return refusal if known else script.good(request)

    script.answers["*"] = answer


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the library warned of."""
    return [record.getMessage() for record in caplog.records if record.name == "s3_bucket"]


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("data", [b"small", LARGE], ids=["small", "large"])
async def test_a_vendor_that_refuses(
    refusal: str, data: bytes, script: Script, bucket: S3.AsyncBucket, caplog: pytest.LogCaptureFixture
) -> None:
    """A vendor that refuses CRC32 is learned with one request, told once, and gets Content-MD5 from then on."""
    caplog.set_level(logging.WARNING, "s3_bucket")
    refusing(script, REFUSALS[refusal])
    for key in ("first", "second"):
        await bucket.put(key, data)
        assert script.objects[key] == data
    assert len(warnings(caplog)) == 1
    assert "Content-MD5" in warnings(caplog)[0]
    refused = [request for request in script.requests if "x-amz-checksum-algorithm" in request.headers]
    refused += [request for request in script.requests if "x-amz-checksum-crc32" in request.headers]
    assert len(refused) == 1
    last = next(request for request in reversed(script.requests) if request.body and request.method == "PUT")
    assert last.headers["content-md5"] == base64.b64encode(hashlib.md5(last.body).digest()).decode()  # noqa: S324


async def test_a_refusal_for_another_reason(
    script: Script, make: Callable[..., S3.AsyncBucket], caplog: pytest.LogCaptureFixture
) -> None:
    """What is refused without a checksum, too, was refused for another reason, which is told; nothing is learned."""
    script.answers["PutObject"] = lambda _: error(400, "InvalidArgument", "no such storage class")
    bucket = make()
    with pytest.raises(S3.BucketException, match="no such storage class"):
        await bucket.put("key", b"data")
    assert len(script.requests) == 2
    script.answers.clear()
    await bucket.put("key", b"data")
    assert "x-amz-checksum-crc32" in script.requests[-1].headers
    assert warnings(caplog) == []


@pytest.mark.parametrize("checksums", ["when_supported", "when_required", "auto"])
async def test_nothing_to_learn(checksums: str, script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """Who has said what to send, and who has been answered once, is not asked again."""
    bucket = make(checksums=checksums)
    await bucket.put("key", b"data")
    script.answers["PutObject"] = lambda _: error(400, "InvalidArgument")
    with pytest.raises(S3.BucketException):
        await bucket.put("key", b"data")
    assert len(script.requests) == 2


async def test_refused_by_many_at_once(
    script: Script, bucket: S3.AsyncBucket, caplog: pytest.LogCaptureFixture
) -> None:
    """Puts that are refused at the same time are all sent again, and told of once."""
    refusing(script, REFUSALS["B2"])
    results = [result async for result in bucket.put_many((f"key-{n}", b"data") for n in range(20))]
    assert all(result.ok for result in results)
    assert len(warnings(caplog)) == 1


@pytest.mark.parametrize("data", [b"small", LARGE], ids=["small", "large"])
@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
async def test_a_chosen_checksum_is_refused(
    algorithm: Any, data: bytes, script: Script, bucket: S3.AsyncBucket, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the algorithm was chosen, a vendor's refusal is told, and nothing is sent without it or learned of it."""
    refusing(script, REFUSALS["B2"])
    with pytest.raises(S3.BucketException, match="Unsupported header"):
        await bucket.put("key", data, checksum=algorithm)
    assert len(script.requests) == 1
    assert warnings(caplog) == []
    script.answers.clear()
    await bucket.put("key", b"data")
    assert "x-amz-checksum-crc32" in script.requests[-1].headers


@pytest.mark.parametrize("checksums", ["when_required", "auto"])
async def test_a_chosen_checksum(checksums: str, script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """The algorithm that was chosen goes with the object, whatever the settings say, and with each of its parts."""
    bucket = make(checksums=checksums)
    await bucket.put("key", b"data", checksum="SHA256")
    sent = {name: value for name, value in script.requests[-1].headers.items() if "checksum" in name}
    assert sent == {"x-amz-checksum-sha256": base64.b64encode(hashlib.sha256(b"data").digest()).decode()}
    await bucket.put("key", LARGE, checksum="CRC32")
    assert all(
        "x-amz-checksum-crc32" in request.headers for request in script.requests if "partNumber" in request.target
    )
    assert sum("partNumber" in request.target for request in script.requests) == 2


async def test_the_whole_object_s_checksum(script: Script, bucket: S3.AsyncBucket) -> None:
    """A server that keeps the checksum of whole objects is told that of all parts together, and their size."""
    await bucket.put("key", LARGE)
    completed = next(each for each in script.requests if each.operation == "CompleteMultipartUpload")
    whole = base64.b64encode(zlib.crc32(LARGE).to_bytes(4, "big")).decode()
    assert completed.headers["x-amz-checksum-crc32"] == whole
    assert completed.headers["x-amz-checksum-type"] == "FULL_OBJECT"
    assert completed.headers["x-amz-mp-object-size"] == str(len(LARGE))
    assert completed.body.count(b"<ChecksumCRC32>") == 2
