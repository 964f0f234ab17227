"""The operations on objects."""

from __future__ import annotations

import base64
import hashlib
import re
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from s3_bucket import _plan
from s3_bucket.testing import _conditions, _digests, _locks
from s3_bucket.testing._server import STATUS, Operation, Server, object_of, operation, quoted, version_told
from s3_bucket.testing._state import NO_VERSION, Content, Refused, StoredBucket, Version

if TYPE_CHECKING:
    from s3_bucket.testing._state import Parameters

DESCRIBING = "CacheControl ContentDisposition ContentEncoding ContentLanguage ContentType WebsiteRedirectLocation"
ENCRYPTING = "ServerSideEncryption SSEKMSKeyId SSEKMSEncryptionContext BucketKeyEnabled SSECustomerAlgorithm"
CUSTOMER = "SSECustomerKey SSECustomerKeyMD5"
LOCKING = "ObjectLockMode ObjectLockRetainUntilDate ObjectLockLegalHoldStatus"
WRITTEN = f"{DESCRIBING} {ENCRYPTING} {CUSTOMER} {LOCKING} Expires StorageClass Metadata Tagging ACL ChecksumAlgorithm"
"""What PutObject, CopyObject and CreateMultipartUpload take alike."""
READING = (
    "VersionId Range PartNumber ChecksumMode IfMatch IfNoneMatch IfModifiedSince IfUnmodifiedSince SSECustomerAlgorithm"
    f" {CUSTOMER} ResponseCacheControl ResponseContentDisposition ResponseContentEncoding ResponseContentLanguage"
    " ResponseContentType ResponseExpires"
)
ENCRYPTED = ("ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled", "SSECustomerAlgorithm", "SSECustomerKeyMD5")
ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
STORAGE_CLASSES = ARCHIVES | {
    *("STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "REDUCED_REDUNDANCY"),
}
DEFAULT_TYPE = "binary/octet-stream"

_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


def new_version(server: Server, parameters: Parameters, content: Content) -> Version:
    """Return what is to be stored; all but its etag and checksums."""
    bucket = server.bucket(parameters)
    version = Version(parameters["Key"], server.next_version(bucket), server.now(), content)
    version.told = _told(parameters)
    version.metadata = metadata(parameters)
    version.tags = dict(parse_qsl(parameters.get("Tagging") or "", keep_blank_values=True))
    version.customer_key = customer_key(parameters)
    version.acl = parameters.get("ACL", "private")
    version.lock = _locks.of_write(bucket, parameters)
    return version


def _told(parameters: Parameters) -> dict[str, Any]:
    told = {name: parameters[name] for name in (*DESCRIBING.split(), *ENCRYPTED) if parameters.get(name)}
    told.setdefault("ContentType", DEFAULT_TYPE)
    if parameters.get("SSECustomerKey"):
        told["SSECustomerKeyMD5"] = customer_key(parameters)
    else:
        told.setdefault("ServerSideEncryption", "AES256")  # so Amazon does since 2023, unasked
    expires = parameters.get("Expires")
    if expires is not None:
        told["ExpiresString"] = expires if isinstance(expires, str) else format_datetime(expires, usegmt=True)
    storage_class = parameters.get("StorageClass", "STANDARD")
    if storage_class not in STORAGE_CLASSES:
        raise Refused(400, "InvalidStorageClass", "The storage class you specified is not valid")
    if storage_class != "STANDARD":
        told["StorageClass"] = storage_class
    return told


def metadata(parameters: Parameters) -> dict[str, str]:
    """Return the user's metadata as S3 keeps it."""
    pairs = {name.lower(): text for name, text in parameters.get("Metadata", {}).items()}
    if sum(len(name) + len(text) for name, text in pairs.items()) > _plan.MAX_METADATA_BYTES:
        raise Refused(400, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
    return pairs


def customer_key(parameters: Parameters, prefix: str = "") -> str | None:
    """Return the MD5 of the key that the customer gives with the request."""
    key = parameters.get(f"{prefix}SSECustomerKey")
    if key is None:
        return None
    raw = key.encode() if isinstance(key, str) else bytes(key)
    if f"{prefix}SSECustomerKeyMD5" in parameters:  # then it is in Base64 already, for aiobotocore, too
        raw = base64.b64decode(raw)
    if len(raw) != 32:  # noqa: PLR2004  # of AES256
        raise Refused(400, "InvalidArgument", "The secret key was invalid for the specified algorithm.")
    return _digests.base64_of(hashlib.md5(raw, usedforsecurity=False).digest())


def check_customer_key(version: Version, given: str | None) -> None:
    """Raise unless it is the key that the object was encrypted with."""
    if version.customer_key is None and given is not None:
        raise Refused(400, "InvalidRequest", "The encryption parameters are not applicable to this object.")
    if version.customer_key is not None and given is None:
        why = "The object was stored using a form of Server Side Encryption. The correct parameters must be provided"
        raise Refused(400, "InvalidRequest", why)
    if version.customer_key != given:
        raise Refused(403, "AccessDenied", "Access Denied")


def etag_of(version: Version) -> str:
    """Return the etag: the MD5, but where another's key makes the bytes that are stored."""
    content = version.content or Content()
    is_md5 = version.told.get("ServerSideEncryption") == "AES256"
    return (content.md5 if is_md5 else hashlib.md5(content.md5 + b"encrypted", usedforsecurity=False).digest()).hex()


def written(server: Server, parameters: Parameters, version: Version) -> dict[str, Any]:
    """Return what is said of a version that has been stored."""
    encrypted = {name: version.told[name] for name in ENCRYPTED if name in version.told}
    return {"ETag": quoted(version.etag), **version.checksums, **encrypted} | version_told(server, parameters, version)


def put_object(server: Server, parameters: Parameters) -> dict[str, Any]:
    """PutObject."""
    bucket = server.bucket(parameters)
    content: Content = parameters.get("Body") or Content()
    _conditions.check_write(bucket.visible(parameters["Key"]), parameters)
    version = new_version(server, parameters, content)
    version.checksums = _digests.whole(_digests.received(server.personality, parameters, content))
    version.etag = etag_of(version)
    bucket.add(version)
    return written(server, parameters, version)


def head_object(server: Server, parameters: Parameters) -> dict[str, Any]:
    """HeadObject."""
    version = object_of(server, parameters)
    check_customer_key(version, customer_key(parameters))
    _conditions.check_read(version, parameters)
    start, stop, is_partial = _span(version, parameters)
    answer = {**_described(server, parameters, version), "ContentLength": stop - start}
    if is_partial:
        answer |= {STATUS: 206, "ContentRange": f"bytes {start}-{stop - 1}/{version.size}"}
    if "PartNumber" in parameters and version.parts:
        answer["PartsCount"] = len(version.parts)
    if not is_partial and parameters.get("ChecksumMode") == "ENABLED":
        answer |= version.checksums
    return answer


def get_object(server: Server, parameters: Parameters) -> dict[str, Any]:
    """GetObject."""
    answer = head_object(server, parameters)
    version = object_of(server, parameters)
    check_restored(server, version)
    start, stop, _ = _span(version, parameters)
    answer["Body"] = memoryview((version.content or Content()).data)[start:stop]
    return answer


def is_restored(server: Server, version: Version) -> bool:
    """Whether the archive has brought it back, for now."""
    return version.restored_until is not None and version.restored_until > server.now()


def check_restored(server: Server, version: Version) -> None:
    """Raise if it lies in the archive."""
    if version.told.get("StorageClass") in ARCHIVES and not is_restored(server, version):
        raise Refused(403, "InvalidObjectState", "The operation is not valid for the object's storage class")


def _described(server: Server, parameters: Parameters, version: Version) -> dict[str, Any]:
    answer = {
        "AcceptRanges": "bytes",
        "ETag": quoted(version.etag),
        "LastModified": version.modified,
        "Metadata": dict(version.metadata),
        **version.told,
        **version.lock,
        **version_told(server, parameters, version),
    }
    if version.tags:
        answer["TagCount"] = len(version.tags)
    if is_restored(server, version) and version.restored_until is not None:
        until = format_datetime(version.restored_until, usegmt=True)
        answer["Restore"] = f'ongoing-request="false", expiry-date="{until}"'
    for name in (*DESCRIBING.split(), "Expires"):
        if parameters.get(f"Response{name}"):
            answer["ExpiresString" if name == "Expires" else name] = parameters[f"Response{name}"]
    return answer


def _span(version: Version, parameters: Parameters) -> tuple[int, int, bool]:
    """Return from where to where the answer goes, and whether it is a part of the object."""
    if parameters.get("PartNumber") is not None:
        return _part_span(version, parameters["PartNumber"])
    match = _RANGE.fullmatch(parameters.get("Range") or "")
    if not match or match[0] == "bytes=-":
        return 0, version.size, False
    start, stop = span(match[1], match[2], version.size)
    if start >= stop:
        raise Refused(416, "InvalidRange", "The requested range is not satisfiable")
    return start, stop, True


def span(first: str, last: str, size: int) -> tuple[int, int]:
    """Return the half-open range that a Range header's two numbers mean."""
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(int(last) + 1, size) if last else size


def _part_span(version: Version, number: int) -> tuple[int, int, bool]:
    parts = version.parts or (version.size,)
    if not 1 <= number <= len(parts):
        raise Refused(416, "InvalidPartNumber", "The requested partnumber is not satisfiable")
    start = sum(parts[: number - 1])
    return start, start + parts[number - 1], bool(version.size)


def delete_object(server: Server, parameters: Parameters) -> dict[str, Any]:
    """DeleteObject."""
    bucket, key = server.bucket(parameters), parameters["Key"]
    if server.personality.deletes_on_condition:
        _conditions.check_match(bucket.visible(key), parameters.get("IfMatch"))
    version_id = parameters.get("VersionId")
    if version_id is None:
        return {STATUS: 204, **_hide(server, bucket, key)}
    found = [version for version in bucket.versions.get(key, ()) if version.version_id == version_id]
    for version in found:
        _locks.check_delete(server, version, parameters)
    bucket.remove(key, version_id)
    marker = {"DeleteMarker": True} if found and found[0].content is None else {}
    return {STATUS: 204, "VersionId": version_id, **marker}


def _hide(server: Server, bucket: StoredBucket, key: str) -> dict[str, Any]:
    """Delete the object; in a bucket with versions, put a marker upon it."""
    if not bucket.versioning:
        bucket.remove(key, NO_VERSION)
        return {}
    marker = Version(key, server.next_version(bucket), server.now())
    bucket.add(marker)
    return {"DeleteMarker": True, "VersionId": marker.version_id}


def delete_objects(server: Server, parameters: Parameters) -> dict[str, Any]:
    """DeleteObjects."""
    server.bucket(parameters)
    objects = parameters["Delete"]["Objects"]
    if not 1 <= len(objects) <= _plan.MAX_PAGE_KEYS:
        raise Refused(400, "MalformedXML", "The XML you provided was not well-formed")
    deleted: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for entry in objects:
        one = {"Bucket": parameters["Bucket"], "IfMatch": entry.get("ETag"), **entry}
        try:
            done = delete_object(server, one)
        except Refused as refused:
            errors.append({**entry, "Code": refused.code, "Message": refused.message})
        else:
            deleted.append(_outcome(entry, done))
    quiet = parameters["Delete"].get("Quiet")
    return ({} if quiet else {"Deleted": deleted}) | ({"Errors": errors} if errors else {})


def _outcome(entry: dict[str, Any], done: dict[str, Any]) -> dict[str, Any]:
    named: dict[str, Any] = {name: entry[name] for name in ("Key", "VersionId") if name in entry}
    if not done.get("DeleteMarker"):
        return named
    return {**named, "DeleteMarker": True, "DeleteMarkerVersionId": done["VersionId"]}


def get_object_attributes(server: Server, parameters: Parameters) -> dict[str, Any]:
    """GetObjectAttributes."""
    version = object_of(server, parameters)
    check_customer_key(version, customer_key(parameters))
    all_of_it = {
        "ETag": version.etag,
        "Checksum": version.checksums,
        "ObjectParts": {"TotalPartsCount": len(version.parts)} if version.parts else {},
        "StorageClass": version.told.get("StorageClass", "STANDARD"),
        "ObjectSize": version.size,
    }
    wanted = {
        name: value for name, value in all_of_it.items() if name in parameters["ObjectAttributes"] and value != {}
    }
    return {"LastModified": version.modified, **wanted, **version_told(server, parameters, version)}


OPERATIONS: dict[str, Operation] = {
    "PutObject": operation(
        put_object, "Bucket Key", f"{WRITTEN} {_digests.GIVEN} Body ContentLength ContentMD5 IfMatch IfNoneMatch"
    ),
    "HeadObject": operation(head_object, "Bucket Key", READING),
    "GetObject": operation(get_object, "Bucket Key", READING),
    "DeleteObject": operation(delete_object, "Bucket Key", "VersionId IfMatch BypassGovernanceRetention MFA"),
    "DeleteObjects": operation(
        delete_objects, "Bucket Delete", "ChecksumAlgorithm BypassGovernanceRetention MFA ContentMD5"
    ),
    "GetObjectAttributes": operation(
        get_object_attributes,
        "Bucket Key ObjectAttributes",
        f"VersionId MaxParts PartNumberMarker SSECustomerAlgorithm {CUSTOMER}",
    ),
}
