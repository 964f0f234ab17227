"""CopyObject, and what UploadPartCopy has in common with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s3_bucket import _plan
from s3_bucket.testing import _conditions, _digests, _objects
from s3_bucket.testing._server import Operation, Server, object_of, operation
from s3_bucket.testing._state import Content, Refused, StoredBucket, Version

if TYPE_CHECKING:
    from s3_bucket.testing._state import Parameters

COPYING = (
    "MetadataDirective TaggingDirective CopySourceIfMatch CopySourceIfNoneMatch CopySourceIfModifiedSince"
    " CopySourceIfUnmodifiedSince CopySourceSSECustomerAlgorithm CopySourceSSECustomerKey CopySourceSSECustomerKeyMD5"
    " ExpectedSourceBucketOwner"
)
_CHANGING = ("StorageClass", "ServerSideEncryption", "SSECustomerKey", "WebsiteRedirectLocation")


def copy_object(server: Server, parameters: Parameters) -> dict[str, Any]:
    """CopyObject."""
    bucket = server.bucket(parameters)
    source, source_bucket = source_of(server, parameters)
    _check_copy(bucket, source, parameters)
    version = _objects.new_version(server, _of_copy(source, parameters), source.content or Content())
    if parameters.get("TaggingDirective") != "REPLACE":
        version.tags = dict(source.tags)
    version.checksums = _copied_checksums(server, source, parameters, version)
    version.etag = _objects.etag_of(version)
    bucket.add(version)
    told = _objects.written(server, parameters, version)
    result = {"ETag": told.pop("ETag"), "LastModified": version.modified, **version.checksums}
    told = {name: value for name, value in told.items() if not name.startswith("Checksum")}
    return {"CopyObjectResult": result, **told, **source_told(source, source_bucket)}


def _check_copy(bucket: StoredBucket, source: Version, parameters: Parameters) -> None:
    if source.size > _plan.MAX_PART_SIZE:
        raise Refused(400, "InvalidRequest", "The specified copy source is larger than the maximum allowable size")
    newest = bucket.visible(parameters["Key"])
    if newest is source and not _replaces(parameters) and not any(parameters.get(name) for name in _CHANGING):
        why = "This copy request is illegal because it is trying to copy an object to itself without changing it."
        raise Refused(400, "InvalidRequest", why)
    _conditions.check_write(newest, parameters)


def _replaces(parameters: Parameters) -> bool:
    return bool(parameters.get("MetadataDirective") == "REPLACE")


def source_told(source: Version, bucket: StoredBucket) -> dict[str, str]:
    """Return which version was copied, where there are versions."""
    return {"CopySourceVersionId": source.version_id} if bucket.versioning else {}


def _of_copy(source: Version, parameters: Parameters) -> dict[str, Any]:
    """Return the parameters as if all of the new object had been given."""
    if _replaces(parameters):
        return dict(parameters)
    described = {name: source.told[name] for name in _objects.DESCRIBING.split() if name in source.told}
    expires = {"Expires": source.told["ExpiresString"]} if "ExpiresString" in source.told else {}
    given = {name: value for name, value in parameters.items() if name not in _objects.DESCRIBING.split()}
    return {**given, **described, **expires, "Metadata": source.metadata}


def _copied_checksums(server: Server, source: Version, parameters: Parameters, version: Version) -> dict[str, str]:
    """Return the source's checksums; what was made of parts is made anew, of the whole."""
    algorithms = [name for name in _digests.ALGORITHMS if f"Checksum{name}" in source.checksums]
    wanted = {"ChecksumAlgorithm": parameters.get("ChecksumAlgorithm", *algorithms[:1])} if algorithms else parameters
    made = _digests.received(server.personality, wanted, version.content or Content())
    return _digests.whole(made)


def source_of(server: Server, parameters: Parameters) -> tuple[Version, StoredBucket]:
    """Return the version that is to be copied, and its bucket."""
    named = _source(parameters["CopySource"])
    source = object_of(server, named)
    _conditions.check_source(source, parameters)
    _objects.check_customer_key(source, _objects.customer_key(parameters, "CopySource"))
    _objects.check_restored(server, source)
    return source, server.bucket(named)


def _source(given: Any) -> dict[str, Any]:
    """Return what names the source, from either of the forms that botocore takes."""
    if not isinstance(given, str):
        return dict(given)
    path, _, version_id = given.partition("?versionId=")
    bucket, _, key = path.removeprefix("/").partition("/")
    return {"Bucket": bucket, "Key": key, **({"VersionId": version_id} if version_id else {})}


OPERATIONS: dict[str, Operation] = {
    "CopyObject": operation(copy_object, "Bucket Key CopySource", f"{_objects.WRITTEN} {COPYING} IfMatch IfNoneMatch"),
}
