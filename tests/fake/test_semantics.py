"""What S3 does besides what the conformance suite asks: the fake does it too, in botocore's shapes."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import s3_bucket as S3
from s3_bucket import _plan
from tests.fake.conftest import NAME
from tests.fake.test_fake import LARGE, MIB, of_parts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from s3_bucket.testing import FakeS3

CUSTOMER = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"k" * 32}
LATER = datetime.now(UTC) + timedelta(days=10)
EARLIER = datetime.now(UTC) - timedelta(days=10)


async def refused(call: Any, code: str, status: int) -> S3.BucketException:
    """Await a call that S3 refuses so."""
    with pytest.raises(S3.BucketException) as raised:
        await call
    assert (raised.value.error_code, raised.value.status) == (code, status)
    return raised.value


# Writing and reading


async def pieces() -> AsyncIterator[bytes]:
    """Give a body piece by piece."""
    yield b"in "
    yield b"pieces"


class AsyncFile:
    """A file whose read is awaited."""

    async def read(self) -> bytes:
        """Return all."""
        return b"awaited"


@pytest.mark.parametrize(
    ("body", "stored"),
    [
        ("text", b"text"),
        (bytearray(b"bytes"), b"bytes"),
        (io.BytesIO(b"file"), b"file"),
        (AsyncFile(), b"awaited"),
        (None, b""),
    ],
    ids=["str", "bytearray", "file", "async-file", "none"],
)
async def test_bodies(body: Any, stored: bytes, bucket: S3.AsyncBucket) -> None:
    """call() takes every kind of body that aiobotocore takes."""
    await bucket.call("PutObject", Key="key", **({} if body is None else {"Body": body}))
    assert (await bucket.get("key")).data == stored


async def test_other_bodies(bucket: S3.AsyncBucket) -> None:
    """A body may come in pieces; what is no body is refused."""
    await bucket.call("PutObject", Key="key", Body=pieces())
    assert (await bucket.get("key")).data == b"in pieces"
    with pytest.raises(S3.InvalidInput) as raised:
        await bucket.call("PutObject", Key="key", Body=5)
    assert raised.value.argument == "Body"


async def test_what_is_told(bucket: S3.AsyncBucket) -> None:
    """A GetObject tells all that was put, and what it is asked to tell instead."""
    expires = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    await bucket.call(
        "PutObject", Key="key", Body=b"data", Expires=expires, Tagging="a=b&c=", StorageClass="STANDARD", ACL="private"
    )
    told = await bucket.call("GetObject", Key="key", ResponseContentType="x/y", ResponseExpires="never")
    assert (told["ContentType"], told["ExpiresString"], told["TagCount"], told["AcceptRanges"]) == (
        "x/y",
        "never",
        2,
        "bytes",
    )
    assert "StorageClass" not in told
    head = await bucket.call("HeadObject", Key="key")
    assert (head["ContentType"], head["ExpiresString"]) == ("binary/octet-stream", "Wed, 02 Jan 2030 03:04:05 GMT")


@pytest.mark.parametrize(
    ("given", "came"),
    [
        ("bytes=2-", b"23456789"),
        ("bytes=2-3", b"23"),
        ("bytes=2-99", b"23456789"),
        ("bytes=-2", b"89"),
        ("bytes=-99", b"0123456789"),
        ("bytes=-", b"0123456789"),
        ("lines=1-2", b"0123456789"),
    ],
)
async def test_ranges(given: str, came: bytes, bucket: S3.AsyncBucket) -> None:
    """Ranges are S3's, and what is none is overlooked."""
    await bucket.put("key", b"0123456789")
    assert (await bucket.call("GetObject", Key="key", Range=given))["Body"] == came


@pytest.mark.parametrize("given", ["bytes=10-", "bytes=-0", "bytes=5-4"])
async def test_unsatisfiable_ranges(given: str, bucket: S3.AsyncBucket) -> None:
    """A range of nothing can't be satisfied."""
    await bucket.put("key", b"0123456789")
    await refused(bucket.call("GetObject", Key="key", Range=given), "InvalidRange", 416)


async def test_parts_are_kept(bucket: S3.AsyncBucket) -> None:
    """Each part can be got by its number; an object of one PUT is one part."""
    await of_parts(bucket, 5 * MIB, 3)
    answer = await bucket.call("GetObject", Key="parts", PartNumber=2)
    assert (answer["Body"], answer["PartsCount"], answer["ContentRange"]) == (
        b"\0\0\0",
        2,
        f"bytes {5 * MIB}-{5 * MIB + 2}/{5 * MIB + 3}",
    )
    await refused(bucket.call("HeadObject", Key="parts", PartNumber=3), "416", 416)
    await bucket.put("key", b"data")
    assert "PartsCount" not in await bucket.call("GetObject", Key="key", PartNumber=1)
    told = await bucket.call("GetObjectAttributes", Key="parts", ObjectAttributes=["ObjectParts", "ObjectSize"])
    assert (told["ObjectParts"], told["ObjectSize"]) == ({"TotalPartsCount": 2}, 5 * MIB + 3)
    told = await bucket.call("GetObjectAttributes", Key="key", ObjectAttributes=["ObjectParts", "Checksum", "ETag"])
    assert told["Checksum"]["ChecksumType"] == "FULL_OBJECT"
    assert "ObjectParts" not in told


async def test_conditions_of_time(bucket: S3.AsyncBucket) -> None:
    """Times decide where no etag is given."""
    etag = (await bucket.put("key", b"data")).etag
    await refused(bucket.call("GetObject", Key="key", IfUnmodifiedSince=EARLIER), "PreconditionFailed", 412)
    await refused(bucket.call("GetObject", Key="key", IfModifiedSince=LATER), "304", 304)
    for held in (
        {"IfUnmodifiedSince": LATER},
        {"IfModifiedSince": EARLIER},
        {"IfMatch": etag, "IfUnmodifiedSince": EARLIER},
        {"IfNoneMatch": "other", "IfModifiedSince": LATER},
    ):
        assert (await bucket.call("GetObject", Key="key", **held))["Body"] == b"data"


async def test_conditions_that_s3_lacks(bucket: S3.AsyncBucket) -> None:
    """A write knows no If-None-Match but "*"; If-Match of a missing object is NoSuchKey."""
    await refused(bucket.call("PutObject", Key="key", IfNoneMatch="etag"), "NotImplemented", 501)
    await refused(bucket.call("PutObject", Key="key", IfMatch="etag"), "NoSuchKey", 404)
    await refused(bucket.call("DeleteObject", Key="key", IfMatch="*"), "NoSuchKey", 404)
    await bucket.put("key", b"data")
    await bucket.call("DeleteObject", Key="key", IfMatch="*")
    assert not await bucket.exists("key")


def sums(data: bytes) -> dict[str, str]:
    """Return the checksums of the data, as S3 writes them."""
    digests = {
        "CRC32": zlib.crc32(data).to_bytes(4, "big"),
        "SHA1": hashlib.sha1(data).digest(),  # noqa: S324  # S3 has it
        "SHA256": hashlib.sha256(data).digest(),
    }
    return {f"Checksum{name}": base64.b64encode(digest).decode() for name, digest in digests.items()}


@pytest.mark.parametrize("name", ["ChecksumCRC32", "ChecksumSHA1", "ChecksumSHA256"])
async def test_checksums(name: str, bucket: S3.AsyncBucket) -> None:
    """A checksum that is wrong refuses the bytes; one that is right is kept, and so is one that is only named."""
    right, wrong = sums(b"data")[name], sums(b"other")[name]
    await refused(bucket.call("PutObject", Key="key", Body=b"data", **{name: wrong}), "BadDigest", 400)
    algorithm = name.removeprefix("Checksum")
    for given in ({name: right}, {"ChecksumAlgorithm": algorithm}):
        assert (await bucket.call("PutObject", Key="key", Body=b"data", **given))[name] == right
    assert (await bucket.get("key")).info.checksums == {algorithm: right}
    [listed] = (await bucket.call("ListObjectsV2"))["Contents"]
    assert (listed["ChecksumAlgorithm"], listed["ChecksumType"]) == ([algorithm], "FULL_OBJECT")


async def test_other_digests(bucket: S3.AsyncBucket) -> None:
    """Content-MD5 is compared; a CRC32C is kept as it is given."""
    await refused(bucket.call("PutObject", Key="key", Body=b"data", ContentMD5="AAAA"), "BadDigest", 400)
    await bucket.call("PutObject", Key="key", Body=b"data", ChecksumCRC32C="as given")
    assert (await bucket.call("HeadObject", Key="key", ChecksumMode="ENABLED"))["ChecksumCRC32C"] == "as given"


async def test_what_cannot_be_stored(bucket: S3.AsyncBucket) -> None:
    """What S3 refuses to store is refused."""
    await refused(bucket.call("PutObject", Key="key", StorageClass="ATTIC"), "InvalidStorageClass", 400)
    await refused(bucket.call("PutObject", Key="key", Metadata={"a": "b" * 2048}), "MetadataTooLarge", 400)
    await refused(bucket.call("PutObject", Key="key", SSECustomerKey="short"), "InvalidArgument", 400)


async def test_customer_keys(bucket: S3.AsyncBucket) -> None:
    """What was encrypted by a customer's key is had with that key only, and its etag is no MD5."""
    put = await bucket.call("PutObject", Key="key", Body=b"data", **CUSTOMER)
    assert put["ETag"] != f'"{hashlib.md5(b"data", usedforsecurity=False).hexdigest()}"'
    assert put["SSECustomerKeyMD5"]
    assert "ServerSideEncryption" not in put
    assert (await bucket.call("GetObject", Key="key", **CUSTOMER))["Body"] == b"data"
    await refused(bucket.call("GetObject", Key="key"), "InvalidRequest", 400)
    await refused(bucket.call("GetObject", Key="key", SSECustomerKey="o" * 32), "AccessDenied", 403)
    await bucket.put("plain", b"data")
    await refused(bucket.call("GetObject", Key="plain", **CUSTOMER), "InvalidRequest", 400)
    upload = {
        "Key": "parts",
        "UploadId": (await bucket.call("CreateMultipartUpload", Key="parts", **CUSTOMER))["UploadId"],
    }
    await refused(bucket.call("UploadPart", PartNumber=1, Body=b"data", **upload), "InvalidRequest", 400)
    await bucket.call("UploadPart", PartNumber=1, Body=b"data", **upload, **CUSTOMER)


async def test_archive(fake: FakeS3, bucket: S3.AsyncBucket) -> None:
    """What lies in the archive is had after it was restored, until that ends."""
    await bucket.put("key", b"data", storage_class="GLACIER")
    await bucket.put("plain", b"data")
    await refused(bucket.get("key"), "InvalidObjectState", 403)
    await refused(bucket.call("CopyObject", Key="copy", CopySource=f"{NAME}/key"), "InvalidObjectState", 403)
    await refused(bucket.call("RestoreObject", Key="plain"), "InvalidObjectState", 403)
    for status in (202, 200):
        answer = await bucket.call("RestoreObject", Key="key", RestoreRequest={"Days": 2})
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
    assert (await bucket.get("key")).data == b"data"
    assert 'ongoing-request="false"' in (await bucket.call("HeadObject", Key="key"))["Restore"]
    fake.pass_time(timedelta(days=3))
    await refused(bucket.get("key"), "InvalidObjectState", 403)


# Versions


async def test_delete_markers(versioned: S3.AsyncBucket) -> None:
    """A deleted object leaves a marker, which can be listed and deleted, but not read."""
    first = await versioned.put("key", b"first")
    hidden = await versioned.call("DeleteObject", Key="key")
    assert hidden["DeleteMarker"]
    marker = hidden["VersionId"]
    await refused(versioned.call("GetObject", Key="key", VersionId=marker), "MethodNotAllowed", 405)
    await refused(versioned.call("HeadObject", Key="key", VersionId=marker), "405", 405)
    await refused(versioned.call("GetObject", Key="key", VersionId="unheard-of"), "NoSuchVersion", 404)
    listed = await versioned.call("ListObjectVersions")
    assert [(entry["VersionId"], entry["IsLatest"]) for entry in listed["DeleteMarkers"]] == [(marker, True)]
    assert [(entry["VersionId"], entry["IsLatest"]) for entry in listed["Versions"]] == [(first.version_id, False)]
    assert "Contents" not in await versioned.call("ListObjectsV2")
    assert (await versioned.call("DeleteObject", Key="key", VersionId=marker))["DeleteMarker"]
    assert (await versioned.get("key")).data == b"first"
    assert "DeleteMarker" not in await versioned.call("DeleteObject", Key="key", VersionId="unheard-of")


async def test_suspended_versions(versioned: S3.AsyncBucket) -> None:
    """While versioning is suspended, what is written has the version "null", of which there is one."""
    old = await versioned.put("key", b"old")
    await versioned.call("PutBucketVersioning", VersioningConfiguration={"Status": "Suspended"})
    assert (await versioned.call("GetBucketVersioning"))["Status"] == "Suspended"
    for data in (b"new", b"newer"):
        assert (await versioned.put("key", data)).version_id == "null"
    listed = await versioned.call("ListObjectVersions", Prefix="k")
    assert [entry["VersionId"] for entry in listed["Versions"]] == ["null", old.version_id]
    assert (await versioned.call("DeleteObject", Key="key"))["VersionId"] == "null"
    listed = await versioned.call("ListObjectVersions")
    assert [entry["VersionId"] for entry in listed["Versions"]] == [old.version_id]


@pytest.mark.parametrize("most", [1, 2, 3, 100])
@pytest.mark.parametrize("delimiter", [None, "/"])
async def test_pages_of_versions(most: int, delimiter: str | None, versioned: S3.AsyncBucket) -> None:
    """Page by page, each version comes once, the newest of a key first; common prefixes too."""
    for key in ("a", "a", "b/1", "b/2", "b/2", "c"):
        await versioned.put(key, b"data")
    await versioned.delete("a")
    options = {"Delimiter": delimiter} if delimiter else {}
    found: list[Any] = []
    markers: dict[str, str] = {}
    for _ in range(20):
        page = await versioned.call("ListObjectVersions", MaxKeys=most, **options, **markers)
        for kind in ("Versions", "DeleteMarkers", "CommonPrefixes"):
            found += [(kind[0], entry.get("Key") or entry["Prefix"]) for entry in page.get(kind, [])]
        if not page["IsTruncated"]:
            break
        markers = {"KeyMarker": page["NextKeyMarker"]}
        markers |= {"VersionIdMarker": page["NextVersionIdMarker"]} if "NextVersionIdMarker" in page else {}
    b = [("C", "b/")] if delimiter else [("V", "b/1"), ("V", "b/2"), ("V", "b/2")]
    assert sorted(found) == sorted([("D", "a"), ("V", "a"), ("V", "a"), *b, ("V", "c")])
    assert not page["IsTruncated"]


async def test_deleting_together(versioned: S3.AsyncBucket) -> None:
    """DeleteObjects deletes by version and by etag, and tells each outcome unless it is to be quiet."""
    info = await versioned.put("a", b"data")
    await versioned.put("b", b"data")
    objects = [{"Key": "a", "VersionId": info.version_id}, {"Key": "b", "ETag": "other"}, {"Key": "c"}]
    answer = await versioned.call("DeleteObjects", Delete={"Objects": objects})
    assert [entry["Key"] for entry in answer["Deleted"]] == ["a", "c"]
    assert answer["Deleted"][1]["DeleteMarker"]
    assert [(entry["Key"], entry["Code"]) for entry in answer["Errors"]] == [("b", "PreconditionFailed")]
    quiet = await versioned.call("DeleteObjects", Delete={"Objects": [{"Key": "b"}], "Quiet": True})
    assert "Deleted" not in quiet
    await refused(versioned.call("DeleteObjects", Delete={"Objects": []}), "MalformedXML", 400)


async def test_versions_keep_a_bucket(versioned: S3.AsyncBucket) -> None:
    """A bucket with versions is not empty, though it lists nothing."""
    info = await versioned.put("key", b"data")
    await versioned.delete("key")
    with pytest.raises(S3.BucketNotEmpty):
        await versioned.delete_bucket()
    for version_id in (info.version_id, (await versioned.call("ListObjectVersions"))["DeleteMarkers"][0]["VersionId"]):
        await versioned.call("DeleteObject", Key="key", VersionId=version_id)
    await versioned.delete_bucket()


# Listings


async def test_delimiter(bucket: S3.AsyncBucket) -> None:
    """Keys are rolled up into common prefixes, in order with the others, page by page; both kinds of listing agree."""
    for key in ("a", "b/1", "b/2", "c/1", "d"):
        await bucket.put(key, b"data")
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = await bucket.call("ListObjectsV2", Delimiter="/", MaxKeys=1, **token)
        found += names(page)
        if not page["IsTruncated"]:
            break
        assert page["KeyCount"] == 1
        token = {"ContinuationToken": page["NextContinuationToken"]}
    marker: dict[str, str] = {}
    old: list[str] = []
    while True:
        page = await bucket.call("ListObjects", Delimiter="/", MaxKeys=1, **marker)
        old += names(page)
        if not page["IsTruncated"]:
            break
        marker = {"Marker": page["NextMarker"]}
    assert found == old == ["a", "b/", "c/", "d"]
    assert names(await bucket.call("ListObjects", Marker="b/1", Prefix="b/")) == ["b/2"]
    assert "NextMarker" not in await bucket.call("ListObjects", MaxKeys=1)


def names(page: dict[str, Any]) -> list[str]:
    """Return the keys and common prefixes of a page."""
    return [e["Key"] for e in page.get("Contents", [])] + [e["Prefix"] for e in page.get("CommonPrefixes", [])]


async def test_odd_listings(bucket: S3.AsyncBucket) -> None:
    """No page has more than a thousand keys, one of none is the last, and a token must be one."""
    assert "Uploads" not in await bucket.call("ListMultipartUploads")
    await bucket.call("PutObject", Key="key")
    page = await bucket.call("ListObjectsV2", MaxKeys=5000)
    assert page["MaxKeys"] == 1000
    assert "ChecksumAlgorithm" not in page["Contents"][0]
    page = await bucket.call("ListObjectsV2", MaxKeys=0)
    assert (page["IsTruncated"], page["KeyCount"]) == (False, 0)
    await refused(bucket.call("ListObjectsV2", ContinuationToken="a"), "InvalidArgument", 400)


async def test_pages_of_uploads(bucket: S3.AsyncBucket) -> None:
    """Uploads are listed by key and id, page by page, and their parts by number."""
    begun = [(key, (await bucket.call("CreateMultipartUpload", Key=key))["UploadId"]) for key in ("b", "a", "b", "c")]
    found: list[Any] = []
    markers: dict[str, str] = {}
    while True:
        page = await bucket.call("ListMultipartUploads", MaxUploads=1, **markers)
        found += [(entry["Key"], entry["UploadId"]) for entry in page["Uploads"]]
        if not page["IsTruncated"]:
            break
        markers = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}
    assert found == sorted(begun)
    assert [entry["Key"] for entry in (await bucket.call("ListMultipartUploads", KeyMarker="b"))["Uploads"]] == ["c"]
    key, upload_id = begun[0]
    upload = {"Key": key, "UploadId": upload_id}
    assert "Parts" not in await bucket.call("ListParts", **upload)
    for number in (3, 1, 2):
        await bucket.call("UploadPart", PartNumber=number, Body=bytes(number), **upload)
    page = await bucket.call("ListParts", MaxParts=2, **upload)
    assert [(part["PartNumber"], part["Size"]) for part in page["Parts"]] == [(1, 1), (2, 2)]
    page = await bucket.call("ListParts", PartNumberMarker=page["NextPartNumberMarker"], **upload)
    assert [part["PartNumber"] for part in page["Parts"]] == [3]


# Uploads


@pytest.fixture
async def upload(bucket: S3.AsyncBucket) -> dict[str, Any]:
    """Return what names an upload that has begun."""
    begun = await bucket.call("CreateMultipartUpload", Key="key", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    return {"Key": "key", "UploadId": begun["UploadId"]}


async def test_refused_parts(bucket: S3.AsyncBucket, upload: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """What can't be a part is refused, and what is no upload."""
    await refused(bucket.call("UploadPart", PartNumber=0, Body=b"", **upload), "InvalidArgument", 400)
    await refused(bucket.call("UploadPart", PartNumber=10_001, Body=b"", **upload), "InvalidArgument", 400)
    await refused(bucket.call("UploadPart", PartNumber=1, **upload | {"Key": "other"}), "NoSuchUpload", 404)
    await refused(bucket.call("AbortMultipartUpload", Key="key", UploadId="none"), "NoSuchUpload", 404)
    monkeypatch.setattr(_plan, "MAX_PART_SIZE", 3)
    await refused(bucket.call("UploadPart", PartNumber=1, Body=b"data", **upload), "EntityTooLarge", 400)


async def test_refused_completions(bucket: S3.AsyncBucket, upload: dict[str, Any]) -> None:
    """An upload is completed by its own parts, in order, all but the last of 5 MiB, and of the sums that are given."""
    etags = {}
    for number, data in ((1, b"a"), (2, b"b")):
        part = await bucket.call(
            "UploadPart", PartNumber=number, Body=data, ChecksumCRC32=sums(data)["ChecksumCRC32"], **upload
        )
        etags[number] = {"PartNumber": number, "ETag": part["ETag"]}

    async def complete(*parts: dict[str, Any], **more: Any) -> Any:
        return await bucket.call("CompleteMultipartUpload", MultipartUpload={"Parts": list(parts)}, **upload, **more)

    one, two = etags[1], etags[2]
    await refused(complete(), "MalformedXML", 400)
    await refused(bucket.call("CompleteMultipartUpload", **upload), "MalformedXML", 400)
    await refused(complete(two, one), "InvalidPartOrder", 400)
    await refused(complete(one, {"PartNumber": 7, "ETag": "x"}), "InvalidPart", 400)
    await refused(complete({"PartNumber": 1, "ETag": two["ETag"]}), "InvalidPart", 400)
    await refused(complete({**one, "ChecksumCRC32": "AAAAAA=="}), "InvalidPart", 400)
    await refused(complete(one, two), "EntityTooSmall", 400)
    await refused(complete(one, MpuObjectSize=5), "InvalidRequest", 400)
    await refused(complete(one, ChecksumCRC32="AAAAAA=="), "BadDigest", 400)
    done = await complete(one, MpuObjectSize=1, ChecksumCRC32=sums(b"a")["ChecksumCRC32"])
    assert done["ChecksumType"] == "FULL_OBJECT"


async def test_checksums_of_parts(bucket: S3.AsyncBucket) -> None:
    """Unless the object's own is wanted, the checksum is made of the parts', and says of how many."""
    begun = await bucket.call("CreateMultipartUpload", Key="key", ChecksumAlgorithm="CRC32")
    upload = {"Key": "key", "UploadId": begun["UploadId"]}
    part = await bucket.call("UploadPart", PartNumber=1, Body=b"data", **upload)
    named = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    done = await bucket.call("CompleteMultipartUpload", MultipartUpload=named, **upload)
    crc = zlib.crc32(zlib.crc32(b"data").to_bytes(4, "big")).to_bytes(4, "big")
    assert (done["ChecksumCRC32"], done["ChecksumType"]) == (f"{base64.b64encode(crc).decode()}-1", "COMPOSITE")
    begun = await bucket.call("CreateMultipartUpload", Key="key", ChecksumAlgorithm="CRC64NVME")
    assert begun["ChecksumType"] == "FULL_OBJECT"


# Copies


async def test_copies(versioned: S3.AsyncBucket) -> None:
    """A copy has what the source has, but for its storage class; or what is given instead."""
    source = await versioned.put(
        "key", b"data", "text/x-old", {"a": "old"}, tags={"t": "old"}, storage_class="STANDARD_IA", expires=LATER
    )
    await versioned.put("key", b"newer")
    named = {"Bucket": NAME, "Key": "key", "VersionId": source.version_id}
    answer = await versioned.call("CopyObject", Key="copy", CopySource=named)
    assert answer["CopySourceVersionId"] == source.version_id
    got = await versioned.get("copy")
    assert got == (b"data", {"a": "old"})
    assert (got.info.content_type, got.info.storage_class, got.info.expires) == ("text/x-old", None, source.expires)
    assert got.info.checksums == source.checksums
    assert (await versioned.call("GetObjectTagging", Key="copy"))["TagSet"] == [{"Key": "t", "Value": "old"}]
    text = f"{NAME}/key?versionId={source.version_id}"
    await versioned.call(
        "CopyObject",
        Key="copy",
        CopySource=text,
        MetadataDirective="REPLACE",
        TaggingDirective="REPLACE",
        Metadata={"b": "new"},
        ContentType="text/x-new",
        Tagging="t=new",
    )
    got = await versioned.get("copy")
    assert (got.metadata, got.info.content_type, got.info.expires) == ({"b": "new"}, "text/x-new", None)
    assert (await versioned.call("GetObjectTagging", Key="copy"))["TagSet"] == [{"Key": "t", "Value": "new"}]


async def test_conditions_of_copies(bucket: S3.AsyncBucket) -> None:
    """The source's conditions and the destination's are kept apart."""
    info = await bucket.put("key", b"data")
    source = {"Key": "copy", "CopySource": f"/{NAME}/key"}
    await bucket.call("CopyObject", **source, CopySourceIfMatch=info.etag, IfNoneMatch="*")
    await refused(bucket.call("CopyObject", **source, CopySourceIfMatch="other"), "PreconditionFailed", 412)
    await refused(bucket.call("CopyObject", **source, CopySourceIfNoneMatch=info.etag), "PreconditionFailed", 412)
    await refused(bucket.call("CopyObject", **source, IfNoneMatch="*"), "PreconditionFailed", 412)
    await refused(bucket.call("CopyObject", Key="copy", CopySource=f"{NAME}/missing"), "NoSuchKey", 404)
    await refused(bucket.call("CopyObject", Key="copy", CopySource="never-made/key"), "NoSuchBucket", 404)


async def test_copies_onto_itself(bucket: S3.AsyncBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object is copied onto itself to change it, and not else; one that is too long is copied in parts only."""
    await bucket.call("PutObject", Key="key", Body=b"data")
    itself = {"Key": "key", "CopySource": f"{NAME}/key"}
    await refused(bucket.call("CopyObject", **itself), "InvalidRequest", 400)
    await bucket.call("CopyObject", **itself, StorageClass="STANDARD_IA")
    await bucket.call("CopyObject", **itself, MetadataDirective="REPLACE", ChecksumAlgorithm="SHA1")
    assert (await bucket.get("key")).info.checksums == {"SHA1": sums(b"data")["ChecksumSHA1"]}
    monkeypatch.setattr(_plan, "MAX_PART_SIZE", 3)
    await refused(bucket.call("CopyObject", Key="copy", CopySource=f"{NAME}/key"), "InvalidRequest", 400)


async def test_copies_of_parts(bucket: S3.AsyncBucket, upload: dict[str, Any]) -> None:
    """Parts are copied whole or by range; the checksum is made of what was copied."""
    await bucket.put("source", LARGE)
    part = {"CopySource": f"{NAME}/source", **upload}
    for bad in ("bytes=5-", f"bytes=0-{len(LARGE)}", "bytes=2-1"):
        await refused(bucket.call("UploadPartCopy", PartNumber=1, CopySourceRange=bad, **part), "InvalidArgument", 400)
    first = await bucket.call("UploadPartCopy", PartNumber=1, CopySourceRange=f"bytes=1-{6 * MIB}", **part)
    second = await bucket.call("UploadPartCopy", PartNumber=2, **part)
    parts = [{"PartNumber": at, "ETag": copy["CopyPartResult"]["ETag"]} for at, copy in ((1, first), (2, second))]
    await bucket.call("CompleteMultipartUpload", MultipartUpload={"Parts": parts}, **upload)
    got = await bucket.get("key")
    assert got.data == LARGE[1 : 6 * MIB + 1] + LARGE
    assert got.info.checksums == {"CRC32": sums(got.data)["ChecksumCRC32"]}


# What belongs to a bucket, or to an object


@pytest.mark.parametrize(
    ("name", "parameter", "value", "missing", "is_wrapped"),
    [
        ("BucketCors", "CORSConfiguration", {"CORSRules": []}, "NoSuchCORSConfiguration", False),
        ("BucketPolicy", "Policy", "{}", "NoSuchBucketPolicy", True),
        ("BucketTagging", "Tagging", {"TagSet": [{"Key": "a", "Value": "b"}]}, "NoSuchTagSet", False),
    ],
)
async def test_kept(
    name: str,
    parameter: str,
    value: Any,
    missing: str,
    is_wrapped: bool,  # noqa: FBT001
    bucket: S3.AsyncBucket,
) -> None:
    """What is put to a bucket comes back as it was, until it is deleted."""
    await refused(bucket.call(f"Get{name}"), missing, 404)
    await bucket.call(f"Put{name}", **{parameter: value})
    answer = await bucket.call(f"Get{name}")
    answer.pop("ResponseMetadata")
    assert answer == ({parameter: value} if is_wrapped else value)
    await bucket.call(f"Delete{name}")
    await bucket.call(f"Delete{name}")
    await refused(bucket.call(f"Get{name}"), missing, 404)


async def test_buckets(fake: FakeS3, bucket: S3.AsyncBucket) -> None:
    """Buckets have a region, are listed by name, and can't be made again in another region."""
    await S3.AsyncBucket("other", region="eu-west-1").create()
    assert (await S3.AsyncBucket("other").call("HeadBucket"))["BucketRegion"] == "eu-west-1"
    listed = (await bucket.call("ListBuckets"))["Buckets"]
    assert [(entry["Name"], entry["BucketRegion"]) for entry in listed] == [(NAME, "us-east-1"), ("other", "eu-west-1")]
    assert (await bucket.call("ListBuckets", Prefix="o"))["Buckets"] == listed[1:]
    assert (await bucket.call("GetBucketLocation"))["LocationConstraint"] is None
    assert "Status" not in await bucket.call("GetBucketVersioning")
    with pytest.raises(S3.BucketAlreadyExists):
        await S3.AsyncBucket("other").create()


async def test_tags(bucket: S3.AsyncBucket) -> None:
    """Tags are put, got and deleted."""
    await bucket.put("key", b"data", tags={"a": "b"})
    tags = [{"Key": "c", "Value": "d"}]
    await bucket.call("PutObjectTagging", Key="key", Tagging={"TagSet": tags})
    assert (await bucket.call("GetObjectTagging", Key="key"))["TagSet"] == tags
    await bucket.call("DeleteObjectTagging", Key="key")
    assert (await bucket.call("GetObjectTagging", Key="key"))["TagSet"] == []


async def test_acl(bucket: S3.AsyncBucket) -> None:
    """A canned ACL is told as its grants."""
    await bucket.call("PutObject", Key="key", ACL="public-read")
    grants = (await bucket.call("GetObjectAcl", Key="key"))["Grants"]
    assert [grant["Permission"] for grant in grants] == ["FULL_CONTROL", "READ"]
    await bucket.call("PutObjectAcl", Key="key", ACL="private")
    assert len((await bucket.call("GetObjectAcl", Key="key"))["Grants"]) == 1


@pytest.fixture
async def locking(fake: FakeS3) -> S3.AsyncBucket:
    """Return an empty bucket whose objects can be locked."""
    bucket = S3.AsyncBucket("with-locks")
    await bucket.call("CreateBucket", ObjectLockEnabledForBucket=True)
    return bucket


async def test_legal_hold(locking: S3.AsyncBucket, bucket: S3.AsyncBucket) -> None:
    """What is held can't be deleted until it is let go; a bucket without locks has none."""
    version = {"Key": "key", "VersionId": (await locking.put("key", b"data")).version_id}
    await refused(locking.call("GetObjectLegalHold", **version), "NoSuchObjectLockConfiguration", 404)
    await locking.call("PutObjectLegalHold", LegalHold={"Status": "ON"}, **version)
    assert (await locking.call("GetObjectLegalHold", **version))["LegalHold"] == {"Status": "ON"}
    await refused(locking.call("DeleteObject", **version), "AccessDenied", 403)
    await locking.call("DeleteObject", Key="key")  # a marker hides it; nothing is lost
    await locking.call("PutObjectLegalHold", LegalHold={"Status": "OFF"}, **version)
    await locking.call("DeleteObject", **version)
    await bucket.put("key", b"data")
    await refused(bucket.call("PutObjectLegalHold", Key="key", LegalHold={"Status": "ON"}), "InvalidRequest", 400)
    await refused(bucket.call("PutObject", Key="key", ObjectLockLegalHoldStatus="ON"), "InvalidRequest", 400)


@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
async def test_retention(mode: str, fake: FakeS3, locking: S3.AsyncBucket) -> None:
    """What is retained can't be deleted before its time, but by who may bypass governance."""
    lock = {"ObjectLockMode": mode, "ObjectLockRetainUntilDate": LATER}
    put = await locking.call("PutObject", Key="key", **lock)
    version = {"Key": "key", "VersionId": put["VersionId"]}
    head = await locking.call("HeadObject", **version)
    assert {name: head[name] for name in lock} == lock
    until = (await locking.call("GetObjectRetention", **version))["Retention"]["RetainUntilDate"]
    longer, shorter = ({"Mode": mode, "RetainUntilDate": until + timedelta(days=days)} for days in (1, -1))
    await locking.call("PutObjectRetention", Retention=longer, **version)
    await refused(locking.call("PutObjectRetention", Retention=shorter, **version), "AccessDenied", 403)
    await refused(locking.call("DeleteObject", **version), "AccessDenied", 403)
    bypassing = {"BypassGovernanceRetention": True, **version}
    if mode == "GOVERNANCE":
        await locking.call("PutObjectRetention", Retention={}, **bypassing)
        await refused(locking.call("GetObjectRetention", **version), "NoSuchObjectLockConfiguration", 404)
    else:
        await refused(locking.call("DeleteObject", **bypassing), "AccessDenied", 403)
        fake.pass_time(timedelta(days=12))
    await locking.call("DeleteObject", **version)
    await refused(locking.call("PutObject", Key="key", ObjectLockMode=mode), "InvalidArgument", 400)


async def test_parameters(bucket: S3.AsyncBucket) -> None:
    """A parameter that is missing is named; those that change nothing here are taken."""
    with pytest.raises(S3.InvalidInput, match="CopySource") as raised:
        await bucket.call("CopyObject", Key="key")
    assert raised.value.argument == "CopySource"
    await bucket.call("PutObject", Key="key", ExpectedBucketOwner="123456789012")


# Presigning


async def test_presigning(bucket: S3.AsyncBucket) -> None:
    """What is presigned shows what was asked for, and nobody answers there."""
    url = await bucket.presign_get("a/b c", version_id="1", response_content_type="x/y")
    assert url.startswith(f"http://127.0.0.1:1/{NAME}/a/b%20c?")
    assert "versionId=1" in url
    assert "response-content-type=x%2Fy" in url
    put = await bucket.presign_put("key", content_type="x/y", metadata={"A": "b"})
    assert (put.method, put.headers) == ("PUT", {"content-type": "x/y", "x-amz-meta-a": "b"})
    post = await bucket.presign_post("key", max_size=5)
    assert post.url == f"http://127.0.0.1:1/{NAME}"
    assert post.fields["key"] == "key"
    assert json.loads(base64.b64decode(post.fields["policy"]))["conditions"]
    with pytest.raises(S3.NoCredentials):
        await S3.AsyncBucket(NAME, anonymous=True).presign_get("key")
