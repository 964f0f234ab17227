"""The operations on multipart uploads."""

from __future__ import annotations

import hashlib
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from s3_bucket import _plan
from s3_bucket.testing import _conditions, _copies, _digests, _objects
from s3_bucket.testing._server import OWNER, STATUS, Operation, Server, bare, operation, quoted
from s3_bucket.testing._state import Content, Refused, StartedUpload, StoredPart
from s3_bucket.testing._walk import paged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from s3_bucket.testing._state import Parameters

_RANGE = re.compile(r"bytes=(\d+)-(\d+)", re.ASCII)


def create(server: Server, parameters: Parameters) -> dict[str, Any]:
    """CreateMultipartUpload."""
    bucket = server.bucket(parameters)
    sample = _objects.new_version(server, parameters, Content())  # what can't be stored is refused now
    upload = StartedUpload(parameters["Key"], server.identified("upload"), server.now(), dict(parameters))
    bucket.uploads[upload.upload_id] = upload
    answer = {"Bucket": bucket.name, "Key": upload.key, "UploadId": upload.upload_id}
    encrypted = {name: sample.told[name] for name in _objects.ENCRYPTED if name in sample.told}
    return {**answer, **encrypted, **_announced(server, upload)}


def _announced(server: Server, upload: StartedUpload) -> dict[str, str]:
    """Return which checksum the object will have."""
    algorithm = upload.parameters.get("ChecksumAlgorithm")
    if algorithm is None or not server.personality.keeps_checksums:
        return {}
    usual = _digests.FULL_OBJECT if algorithm == "CRC64NVME" else _digests.COMPOSITE
    return {"ChecksumAlgorithm": algorithm, "ChecksumType": upload.parameters.get("ChecksumType", usual)}


def _upload_of(server: Server, parameters: Parameters) -> StartedUpload:
    upload = server.bucket(parameters).uploads.get(parameters["UploadId"])
    if upload is None or upload.key != parameters["Key"]:
        raise Refused(
            404,
            "NoSuchUpload",
            "The specified multipart upload does not exist. The upload ID may be"
            " invalid, or the upload may have been aborted or completed.",
        )
    return upload


def upload_part(server: Server, parameters: Parameters) -> dict[str, Any]:
    """UploadPart."""
    upload = _upload_of(server, parameters)
    content: Content = parameters.get("Body") or Content()
    summed = _digests.received(server.personality, parameters, content)
    part = _keep(server, upload, parameters, content, summed)
    return {"ETag": quoted(part.etag), **summed}


def _keep(
    server: Server, upload: StartedUpload, parameters: Parameters, content: Content, summed: dict[str, str]
) -> StoredPart:
    number = parameters["PartNumber"]
    if not 1 <= number <= _plan.MAX_PARTS:
        raise Refused(400, "InvalidArgument", f"Part number must be an integer between 1 and {_plan.MAX_PARTS}")
    if len(content) > _plan.MAX_PART_SIZE:
        raise Refused(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
    if _objects.customer_key(upload.parameters) != _objects.customer_key(parameters):
        raise Refused(
            400,
            "InvalidRequest",
            "The multipart upload initiate requested encryption. Subsequent part"
            " requests must include the appropriate encryption parameters.",
        )
    part = upload.parts[number] = StoredPart(content, content.md5.hex(), server.now(), summed)
    return part


def upload_part_copy(server: Server, parameters: Parameters) -> dict[str, Any]:
    """UploadPartCopy."""
    upload = _upload_of(server, parameters)
    source, bucket = _copies.source_of(server, parameters)
    data = memoryview((source.content or Content()).data)
    wanted = parameters.get("CopySourceRange")
    if wanted is not None:
        match = _RANGE.fullmatch(wanted)
        if not match or not int(match[1]) <= int(match[2]) < source.size:
            raise Refused(
                400, "InvalidArgument", f"Range specified is not valid for source object of size: {source.size}"
            )
        data = data[int(match[1]) : int(match[2]) + 1]
    content = Content(data)
    algorithm = {"ChecksumAlgorithm": _announced(server, upload).get("ChecksumAlgorithm")}
    summed = _digests.received(server.personality, algorithm, content)
    part = _keep(server, upload, parameters, content, summed)
    result = {"ETag": quoted(part.etag), "LastModified": part.modified, **summed}
    return {"CopyPartResult": result, **_copies.source_told(source, bucket)}


def complete(server: Server, parameters: Parameters) -> dict[str, Any]:
    """CompleteMultipartUpload."""
    bucket, upload = server.bucket(parameters), _upload_of(server, parameters)
    parts = _named_parts(upload, parameters.get("MultipartUpload", {}).get("Parts", []))
    _check_lengths(server, parts)
    if server.personality.completes_on_condition:
        _conditions.check_write(bucket.visible(upload.key), parameters)
    version = _objects.new_version(server, upload.parameters, Content(b"".join(part.content.data for part in parts)))
    version.parts = tuple(len(part.content) for part in parts)
    announced = _announced(server, upload)
    version.checksums = _digests.of_parts(announced.get("ChecksumAlgorithm"), announced.get("ChecksumType"), parts)
    _check_whole(parameters, version.size, version.checksums)
    md5s = b"".join(part.content.md5 for part in parts)
    version.etag = f"{hashlib.md5(md5s, usedforsecurity=False).hexdigest()}-{len(parts)}"
    bucket.add(version)
    del bucket.uploads[upload.upload_id]
    told = _objects.written(server, parameters, version)
    return {"Bucket": bucket.name, "Key": upload.key, "Location": f"/{bucket.name}/{upload.key}", **told}


def _named_parts(upload: StartedUpload, named: Sequence[dict[str, Any]]) -> list[StoredPart]:
    if not named:
        raise Refused(400, "MalformedXML", "The XML you provided was not well-formed")
    if any(entry["PartNumber"] >= after["PartNumber"] for entry, after in pairwise(named)):
        raise Refused(400, "InvalidPartOrder", "The list of parts was not in ascending order.")
    return [_named_part(upload, entry) for entry in named]


def _named_part(upload: StartedUpload, entry: dict[str, Any]) -> StoredPart:
    part = upload.parts.get(entry["PartNumber"])
    if part is None or part.etag != bare(entry.get("ETag", "")):
        raise Refused(400, "InvalidPart", "One or more of the specified parts could not be found.")
    if any(entry.get(name, kept) != kept for name, kept in part.checksums.items()):
        raise Refused(400, "InvalidPart", "The checksum of a part is not the one that it was uploaded with.")
    return part


def _check_lengths(server: Server, parts: Sequence[StoredPart]) -> None:
    lengths = [len(part.content) for part in parts]
    if any(length < _plan.MIN_PART_SIZE for length in lengths[:-1]):
        raise Refused(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
    uneven = len(set(lengths[:-1])) > 1 or lengths[-1] > lengths[0]
    if server.personality.equal_parts and uneven:
        raise Refused(400, "InvalidPart", "All non-trailing parts must have the same length.")


def _check_whole(parameters: Parameters, size: int, checksums: dict[str, str]) -> None:
    if parameters.get("MpuObjectSize", size) != size:
        raise Refused(400, "InvalidRequest", "The size of the object is not the one that was given")
    crc32 = checksums.get("ChecksumCRC32")
    if crc32 is not None and parameters.get("ChecksumCRC32", crc32) != crc32:
        raise _digests.bad_digest("CRC32")


def abort(server: Server, parameters: Parameters) -> dict[str, Any]:
    """AbortMultipartUpload."""
    upload = _upload_of(server, parameters)
    del server.bucket(parameters).uploads[upload.upload_id]
    return {STATUS: 204}


def list_parts(server: Server, parameters: Parameters) -> dict[str, Any]:
    """ListParts."""
    upload = _upload_of(server, parameters)
    after = int(parameters.get("PartNumberMarker") or 0)
    most = parameters.get("MaxParts", _plan.MAX_PAGE_KEYS)
    page, is_truncated = paged((number for number in sorted(upload.parts) if number > after), most)
    answer = {
        "Bucket": parameters["Bucket"],
        "Key": upload.key,
        "UploadId": upload.upload_id,
        "PartNumberMarker": after,
        "MaxParts": most,
        "IsTruncated": is_truncated,
        "StorageClass": upload.parameters.get("StorageClass", "STANDARD"),
        "Initiator": OWNER,
        "Owner": OWNER,
        **_announced(server, upload),
    }
    parts = {"Parts": [_listed(number, upload.parts[number]) for number in page]} if page else {}
    return {**answer, **parts, **({"NextPartNumberMarker": page[-1]} if is_truncated else {})}


def _listed(number: int, part: StoredPart) -> dict[str, Any]:
    told = {"PartNumber": number, "LastModified": part.modified, "ETag": quoted(part.etag), "Size": len(part.content)}
    return {**told, **part.checksums}


def list_uploads(server: Server, parameters: Parameters) -> dict[str, Any]:
    """ListMultipartUploads."""
    bucket, prefix = server.bucket(parameters), parameters.get("Prefix", "")
    after = parameters.get("KeyMarker", ""), parameters.get("UploadIdMarker", "")
    most = parameters.get("MaxUploads", _plan.MAX_PAGE_KEYS)
    found = sorted(bucket.uploads.values(), key=lambda upload: (upload.key.encode(), upload.upload_id))
    following = (upload for upload in found if upload.key.startswith(prefix) and _comes_after(upload, *after))
    page, is_truncated = paged(following, most)
    answer = {
        "Bucket": bucket.name,
        "Prefix": prefix,
        "KeyMarker": after[0],
        "UploadIdMarker": after[1],
        "MaxUploads": most,
        "IsTruncated": is_truncated,
    }
    if page:
        answer["Uploads"] = [_started(upload) for upload in page]
    if is_truncated:
        answer |= {"NextKeyMarker": page[-1].key, "NextUploadIdMarker": page[-1].upload_id}
    return answer


def _comes_after(upload: StartedUpload, key: str, upload_id: str) -> bool:
    if upload.key == key:
        return bool(upload_id) and upload.upload_id > upload_id
    return upload.key.encode() > key.encode()


def _started(upload: StartedUpload) -> dict[str, Any]:
    storage_class = upload.parameters.get("StorageClass", "STANDARD")
    named = {"Key": upload.key, "UploadId": upload.upload_id, "Initiated": upload.initiated}
    return {**named, "StorageClass": storage_class, "Initiator": OWNER, "Owner": OWNER}


_CUSTOMER = f"SSECustomerAlgorithm {_objects.CUSTOMER}"
_UPLOAD = "Bucket Key UploadId"
OPERATIONS: dict[str, Operation] = {
    "CreateMultipartUpload": operation(create, "Bucket Key", f"{_objects.WRITTEN} ChecksumType"),
    "UploadPart": operation(
        upload_part,
        f"{_UPLOAD} PartNumber",
        f"Body ContentLength ContentMD5 ChecksumAlgorithm {_digests.GIVEN} {_CUSTOMER}",
    ),
    "UploadPartCopy": operation(
        upload_part_copy, f"{_UPLOAD} PartNumber CopySource", f"CopySourceRange {_copies.COPYING} {_CUSTOMER}"
    ),
    "CompleteMultipartUpload": operation(
        complete,
        _UPLOAD,
        f"MultipartUpload IfMatch IfNoneMatch MpuObjectSize ChecksumType {_digests.GIVEN} {_CUSTOMER}",
    ),
    "AbortMultipartUpload": operation(abort, _UPLOAD, "IfMatchInitiatedTime"),
    "ListParts": operation(list_parts, _UPLOAD, f"PartNumberMarker MaxParts {_CUSTOMER}"),
    "ListMultipartUploads": operation(
        list_uploads, "Bucket", "Prefix KeyMarker UploadIdMarker MaxUploads EncodingType"
    ),
}
