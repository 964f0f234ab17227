"""botocore's parameters and answers, to and from the seam's types. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from s3_bucket import _plan, _sums
from s3_bucket._async import _checksums, _errors
from s3_bucket._async._botocore import keeping
from s3_bucket._async._errors import Refusal, Target
from s3_bucket._async._shapes import bare, broken_off, require_of, typed, utc
from s3_bucket._encryption import customer_of
from s3_bucket._models import NAMED, ObjectInfo, UploadInfo, object_info
from s3_bucket._store import WRITE_TOKEN, Page, Stored, Upload, UploadsPage, Written
from s3_bucket.exceptions import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from s3_bucket._store import GetRequest, Part, Piece, PutOptions
    from s3_bucket.exceptions import BucketException

FULL_OBJECT = "FULL_OBJECT"
"""The kind of checksum that can be compared with an object however it is read."""
_CHECKSUMS = {f"Checksum{algorithm}": algorithm for algorithm in ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")}
_NO_CONTENT = 204
_VENDORS = ("x-amz", "x-goog")
"""How every answer of an S3 has at least one header begin: the request's id."""
MOST_TAGS = 500_000
"""Tags in an answer: a page of a thousand keys has some twenty thousand, and each takes a hundred bytes of memory."""
_FIELDS = NAMED | {"VersionId": "version_id", "ExpiresString": "expires", "ServerSideEncryption": "encryption"}
"""What GetObject and HeadObject say in words that ObjectInfo keeps as they are."""
_LOCKED = frozenset({"ObjectLockLegalHoldStatus", "ObjectLockMode"})
_LARGEST = 2**63 - 1
"""Bytes: no file system holds more, and no vendor's object."""


def harmless(body: bytes) -> bytes:
    """Return the body as it may be parsed: nothing, where S3 would not have made it.

    S3's XML has no DOCTYPE, which can make a few bytes expand to all memory, and is UTF-8: in UTF-16 a DOCTYPE would
    not be seen. The white space that S3 sends before a late answer may not stand before an XML declaration.
    """
    start = body.lstrip()
    if not start.startswith(b"<"):
        return b"" if b"\0" in body[:4] or body.startswith((b"\xff\xfe", b"\xfe\xff")) else body
    return b"" if start[1:2] == b"\0" or b"<!DOCTYPE" in start or start.count(b"<") > MOST_TAGS else start


def time(value: Any) -> datetime | None:
    """Return the time that a text means, in the standard library's UTC; None, if it means none."""
    from botocore.utils import parse_timestamp  # noqa: PLC0415  # the rest is good for stores without botocore

    try:
        return parse_timestamp(value).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, OSError, RuntimeError):
        return None


def given(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that have a value."""
    return {name: value for name, value in parameters.items() if value is not None}


def get_parameters(request: GetRequest) -> dict[str, Any]:
    """Return the parameters of GetObject, HeadObject and DeleteObject."""
    return given(
        {
            "Bucket": request.bucket,
            "Key": request.key,
            "Range": _plan.range_header(request.range) if request.range else None,
            "VersionId": request.version_id,
            "IfMatch": f'"{request.if_match}"' if request.if_match else None,
            "IfNoneMatch": f'"{request.if_none_match}"' if request.if_none_match else None,
            "ResponseContentType": request.response_content_type,
            "ChecksumMode": "ENABLED" if request.checksums else None,
            "BypassGovernanceRetention": request.bypass_governance or None,
        }
    ) | dict(request.customer or {})


def put_parameters(options: PutOptions) -> dict[str, Any]:
    """Return what PutObject and CreateMultipartUpload take alike."""
    return {**typed(options.headers), "Metadata": dict(options.metadata)}


def checksum_parameters(options: PutOptions, checksum: Mapping[str, str]) -> Mapping[str, str]:
    """Return the checksum of what PutObject sends; of what is locked, S3 wants its algorithm named besides."""
    algorithm = options.algorithm or "CRC32"
    if _LOCKED.isdisjoint(options.headers) or f"Checksum{algorithm}" not in checksum:
        return checksum
    return {**checksum, "ChecksumAlgorithm": algorithm}


def conditions(options: PutOptions) -> dict[str, str]:
    """Return what PutObject and CompleteMultipartUpload take alike.

    The etag goes without quotes: Amazon takes it either way, Ceph compares it as it is.
    """
    return given({"IfMatch": options.if_match, "IfNoneMatch": "*" if options.if_absent else None})


def upload_parameters(upload: Upload) -> dict[str, str]:
    """Return what names a multipart upload."""
    return {"Bucket": upload.bucket, "Key": upload.key, "UploadId": upload.upload_id}


def part_parameters(upload: Upload, number: int) -> dict[str, Any]:
    """Return what UploadPart takes besides the body."""
    return {**upload_parameters(upload), **upload.customer, "PartNumber": number}


def complete_parameters(upload: Upload, parts: Sequence[Part]) -> dict[str, Any]:
    """Return what CompleteMultipartUpload takes of the parts; their checksums, if the server keeps any.

    A server that keeps the whole object's is told that, too, and compares it with what it puts together. One that keeps
    them of an object under a customer's key wants that once more.
    """
    algorithm = upload.algorithm or "CRC32"
    sums = [part.crc32 if algorithm == "CRC32" else part.checksum for part in parts]
    known = upload.checksum is not None and all(sums)
    named = [
        given({"PartNumber": part.number, "ETag": part.etag, f"Checksum{algorithm}": made if known else None})
        for part, made in zip(parts, sums, strict=True)
    ]
    whole: dict[str, Any] = {}
    if known and upload.checksum == FULL_OBJECT and algorithm == "CRC32":
        crc = _checksums.combined((_checksums.number(part.crc32 or ""), part.size) for part in parts)
        whole = {
            "ChecksumCRC32": _sums.text(crc),
            "ChecksumType": FULL_OBJECT,
            "MpuObjectSize": sum(part.size for part in parts),
        }
    return {**upload_parameters(upload), **upload.customer, "MultipartUpload": {"Parts": named}, **whole}


def status(answer: Mapping[str, Any]) -> int:
    """Return the HTTP status."""
    return int(answer["ResponseMetadata"]["HTTPStatusCode"])


def body_length(answer: Mapping[str, Any]) -> int | None:
    """Return how many bytes the body has, if the server says."""
    length = answer.get("ContentLength")
    return None if length is None else int(length)


def require(target: Target, answer: Mapping[str, Any], *names: str) -> None:
    """Raise unless the answer has what S3 always says: an empty or foreign 200 is no success."""
    for name in names:
        if answer.get(name) in {None, ""}:
            raise _errors.not_s3(target, f"it has no {name}", status(answer))


def require_s3(target: Target, answer: Mapping[str, Any]) -> None:
    """Raise unless an answer without content looks like S3's: a login page has status 200, too."""
    headers: Mapping[str, str] = answer["ResponseMetadata"].get("HTTPHeaders", {})
    if status(answer) != _NO_CONTENT and not any(name.startswith(_VENDORS) for name in headers):
        raise _errors.not_s3(target, f"it has no header {_VENDORS[0]}...", status(answer))


def says_nothing(answer: Mapping[str, Any]) -> bool:
    """Whether nothing came but a status and headers."""
    return all(value in (None, "", [], {}) for name, value in answer.items() if name != "ResponseMetadata")


def not_whole(target: Target, piece: Piece, came: int) -> BucketException:
    """Return the exception for a body of another length than was announced."""
    what = f"{came} bytes and then no more" if came < len(piece.data) else "more bytes"
    msg = f"of {_errors.where(target)}, {what} came instead of {piece.stop - piece.start}"
    return _errors.make(IntegrityError, target, msg, retryable=True)


def info(key: str, answer: Mapping[str, Any], size: int) -> ObjectInfo:
    """Return the object that the headers of GetObject or HeadObject describe."""
    told = {_FIELDS[name]: value for name, value in answer.items() if name in _FIELDS}
    told["key"], told["size"], told["etag"] = key, size, bare(answer["ETag"])
    told["last_modified"] = utc(answer.get("LastModified"))
    told["checksums"] = checksums(answer)
    if "TagCount" in answer:
        told["tag_count"] = answer["TagCount"]
    told["metadata"] = kept = metadata(answer) if "Metadata" in answer else {}
    if WRITE_TOKEN in kept:
        told["token"] = kept.pop(WRITE_TOKEN)
    if not keeping.KEPT.isdisjoint(answer):
        told.update(keeping.kept(answer))
    return object_info(told)


def stored(target: Target, answer: Mapping[str, Any]) -> Stored:
    """Return what HeadObject says of whose write it was."""
    token = metadata(answer).get(WRITE_TOKEN)
    return Stored(written(target, answer), answer["ContentLength"], token)


def metadata(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return the user's metadata, the names in lower case: so Amazon keeps them, and not every vendor does."""
    return {name.lower(): text for name, text in answer.get("Metadata", {}).items()}


def checksums(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return the checksums in an answer, by algorithm."""
    return {_CHECKSUMS[name]: value for name, value in answer.items() if name in _CHECKSUMS}


def written(target: Target, answer: Mapping[str, Any]) -> Written:
    """Return what PutObject or CompleteMultipartUpload said."""
    require(target, answer, "ETag")
    return Written(bare(answer["ETag"]), answer.get("VersionId"), checksums(answer), keeping.encryption(answer))


def begun(target: Target, answer: Mapping[str, Any], options: PutOptions) -> Upload:
    """Return the multipart upload that has begun, as CreateMultipartUpload says."""
    require(target, answer, "UploadId")
    keeps = answer.get("ChecksumAlgorithm") == (options.algorithm or "CRC32")
    kind = answer.get("ChecksumType", "COMPOSITE") if keeps else None
    place = (target.bucket or "", target.key or "", answer["UploadId"])
    return Upload(*place, kind, keeping.encryption(answer), customer_of(options.headers), options.algorithm)


def completed(target: Target, answer: Mapping[str, Any], upload: Upload) -> Written:
    """Return what CompleteMultipartUpload said; of a customer's key, only the beginning of the upload tells."""
    whole = written(target, answer)
    return whole if whole.encryption else whole._replace(encryption=upload.encryption)


def page(target: Target, answer: Mapping[str, Any], token: str | None) -> Page:
    """Return a page of a listing.

    Raises:
        IntegrityError: it is not the last, but there is no way on: ending here would hide the keys that follow.
    """
    require(target, answer, "Name", "IsTruncated")
    for entry in answer.get("Contents", []):
        require_of(target, entry, "Key", "Size", "ETag")
        if not entry["Key"] or not 0 <= entry["Size"] <= _LARGEST:
            raise _errors.not_s3(target, "it lists what can't be an object", status(answer))
    following = answer.get("NextContinuationToken")
    if not answer["IsTruncated"]:
        following = None
    elif not following or following == token:
        raise broken_off(target)
    prefixes = [entry["Prefix"] for entry in answer.get("CommonPrefixes", []) if entry.get("Prefix")]
    return Page([_listed(entry) for entry in answer.get("Contents", [])], following, prefixes)


def _listed(entry: Mapping[str, Any]) -> ObjectInfo:
    return object_info(
        {
            "key": entry["Key"],
            "size": entry["Size"],
            "etag": bare(entry["ETag"]),
            "last_modified": utc(entry.get("LastModified")),
            "storage_class": entry.get("StorageClass"),
            "metadata": {},
            "checksums": {},
        }
    )


def uploads_page(target: Target, prefix: str, answer: Mapping[str, Any], after: tuple[str, str] | None) -> UploadsPage:
    """Return a page of multipart uploads: those whose age is known, and whose key begins as was asked for."""
    require(target, answer, "Bucket", "IsTruncated")
    uploads = [
        UploadInfo(entry["Key"], entry["UploadId"], entry["Initiated"])
        for entry in answer.get("Uploads", [])
        if all(entry.get(name) for name in ("Key", "UploadId", "Initiated"))
    ]
    following = None
    if answer["IsTruncated"]:
        following = (answer.get("NextKeyMarker", ""), answer.get("NextUploadIdMarker", ""))
        if following in {after, ("", "")}:
            raise broken_off(target)
    return UploadsPage([upload for upload in uploads if upload.key.startswith(prefix)], _now(answer), following)


def _now(answer: Mapping[str, Any]) -> datetime:
    """Return the time at the server: this computer's clock may be another one."""
    try:
        now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    except (LookupError, ValueError):
        return datetime.now(UTC)
    return now if now.tzinfo else now.replace(tzinfo=UTC)


def batch_errors(bucket: str, keys: Sequence[str], answer: Mapping[str, Any]) -> dict[str, BucketException]:
    """Return the errors of a DeleteObjects: its status is 200 whatever became of the keys."""
    refused = {
        entry["Key"]: _errors.from_refusal(
            Target("DeleteObjects", bucket, entry["Key"]),
            Refusal(None, entry.get("Code", ""), entry.get("Message", "")),
        )
        for entry in answer.get("Errors", [])
        if "Key" in entry
    }
    deleted = (entry.get("Key", "") for entry in answer.get("Deleted", []))
    silent = _errors.undelivered(keys, [*refused, *deleted])
    if len(silent) == len(keys):
        raise _errors.not_s3(Target("DeleteObjects", bucket), "it names none of the keys", status(answer))
    return refused | {key: _errors.not_s3(Target("DeleteObjects", bucket, key), "it lacks the key") for key in silent}
