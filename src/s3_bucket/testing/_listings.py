"""The operations that list objects."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from s3_bucket import _plan
from s3_bucket.testing._server import OWNER, Operation, Server, operation, quoted
from s3_bucket.testing._state import Refused, StoredBucket, Version
from s3_bucket.testing._walk import Entry, paged, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from s3_bucket.testing._state import Parameters


def list_objects_v2(server: Server, parameters: Parameters) -> dict[str, Any]:
    """ListObjectsV2."""
    token = parameters.get("ContinuationToken")
    after = parameters.get("StartAfter", "").encode() if token is None else _resumed(token)
    answer, page = _listing(server, parameters, after)
    shown = {name: parameters[name] for name in ("StartAfter", "ContinuationToken") if name in parameters}
    answer |= {"KeyCount": len(page), **shown}
    if answer["IsTruncated"]:
        answer["NextContinuationToken"] = base64.urlsafe_b64encode(page[-1].end).decode()
    return answer


def _resumed(token: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(token)
    except binascii.Error:
        raise Refused(400, "InvalidArgument", "The continuation token provided is incorrect") from None


def list_objects(server: Server, parameters: Parameters) -> dict[str, Any]:
    """ListObjects, whose marker is a key, or a common prefix that is done."""
    answer, page = _listing(server, parameters, _after(parameters, "Marker"))
    answer["Marker"] = parameters.get("Marker", "")
    if answer["IsTruncated"] and "Delimiter" in parameters:
        answer["NextMarker"] = page[-1].name.decode()
    return answer


def _after(parameters: Parameters, marker: str) -> bytes:
    name, delimiter = parameters.get(marker, ""), parameters.get("Delimiter")
    is_prefix = bool(delimiter) and name.endswith(delimiter) and name.startswith(parameters.get("Prefix", ""))
    return Entry(name.encode(), is_prefix).end


def _listing(server: Server, parameters: Parameters, after: bytes) -> tuple[dict[str, Any], Sequence[Entry]]:
    bucket = server.bucket(parameters)
    answer = _head(parameters, "Name", "MaxKeys")

    def shows(key: bytes) -> bool:
        return bucket.visible(key.decode()) is not None

    page, answer["IsTruncated"] = paged(_entries(bucket, parameters, after, shows), answer["MaxKeys"])
    keys = [entry.name.decode() for entry in page if not entry.is_prefix]
    if keys:
        answer["Contents"] = [_listed(bucket.versions[key][-1]) for key in keys]
    return answer | _prefixes(page), page


def _head(parameters: Parameters, name: str, most: str) -> dict[str, Any]:
    answer = {name: parameters["Bucket"], "Prefix": parameters.get("Prefix", "")}
    if parameters.get("Delimiter"):
        answer["Delimiter"] = parameters["Delimiter"]
    # Amazon lists no more keys to a page, whatever is asked for.
    return {**answer, most: min(parameters.get(most, _plan.MAX_PAGE_KEYS), _plan.MAX_PAGE_KEYS)}


def _entries(
    bucket: StoredBucket, parameters: Parameters, after: bytes, shows: Callable[[bytes], bool]
) -> Iterator[Entry]:
    prefix, delimiter = parameters.get("Prefix", ""), parameters.get("Delimiter", "")
    return walk(bucket.keys, prefix.encode(), delimiter.encode(), after, shows)


def _prefixes(page: Sequence[Entry]) -> dict[str, Any]:
    prefixes = [{"Prefix": entry.name.decode()} for entry in page if entry.is_prefix]
    return {"CommonPrefixes": prefixes} if prefixes else {}


def _listed(version: Version) -> dict[str, Any]:
    return {
        "Key": version.key,
        "LastModified": version.modified,
        "ETag": quoted(version.etag),
        "Size": version.size,
        "StorageClass": version.told.get("StorageClass", "STANDARD"),
    } | _summed(version)


def _summed(version: Version) -> dict[str, Any]:
    algorithms = [name.removeprefix("Checksum") for name in version.checksums if name != "ChecksumType"]
    if not algorithms:
        return {}
    return {"ChecksumAlgorithm": algorithms, "ChecksumType": version.checksums["ChecksumType"]}


def list_versions(server: Server, parameters: Parameters) -> dict[str, Any]:
    """ListObjectVersions."""
    bucket = server.bucket(parameters)
    answer = _head(parameters, "Name", "MaxKeys")
    answer |= {name: parameters.get(name, "") for name in ("KeyMarker", "VersionIdMarker")}
    page, answer["IsTruncated"] = paged(_versions(bucket, parameters), answer["MaxKeys"])
    shown = [(version, is_latest) for _, version, is_latest in page if version is not None]
    versions = [_version(*one) for one in shown if one[0].content is not None]
    markers = [_marker(*one) for one in shown if one[0].content is None]
    answer |= {"Versions": versions} if versions else {}
    answer |= {"DeleteMarkers": markers} if markers else {}
    if answer["IsTruncated"]:
        entry, version, _ = page[-1]
        answer["NextKeyMarker"] = entry.name.decode()
        answer |= {"NextVersionIdMarker": version.version_id} if version is not None else {}
    return answer | _prefixes([entry for entry, *_ in page])


def _versions(bucket: StoredBucket, parameters: Parameters) -> Iterator[tuple[Entry, Version | None, bool]]:
    """Give each version, the newest of a key first, and each common prefix without one."""
    marker, version_id = parameters.get("KeyMarker", ""), parameters.get("VersionIdMarker")
    left = [] if version_id is None else bucket.versions.get(marker, [])
    ids = [version.version_id for version in left]
    if version_id in ids:  # the rest of the key at which the last page ended
        for version in reversed(left[: ids.index(version_id)]):
            yield Entry(marker.encode(), is_prefix=False), version, False
    for entry in _entries(bucket, parameters, _after(parameters, "KeyMarker"), _shows_all):
        if entry.is_prefix:
            yield entry, None, False
        else:
            newest, *older = reversed(bucket.versions[entry.name.decode()])
            yield entry, newest, True
            yield from ((entry, version, False) for version in older)


def _shows_all(_: bytes) -> bool:
    return True


def _version(version: Version, is_latest: bool) -> dict[str, Any]:  # noqa: FBT001  # a field of the answer
    return {**_listed(version), "VersionId": version.version_id, "IsLatest": is_latest, "Owner": OWNER}


def _marker(version: Version, is_latest: bool) -> dict[str, Any]:  # noqa: FBT001  # as above
    named = {"Key": version.key, "VersionId": version.version_id, "LastModified": version.modified}
    return {**named, "IsLatest": is_latest, "Owner": OWNER}


_COMMON = "Prefix Delimiter MaxKeys EncodingType OptionalObjectAttributes"
OPERATIONS: dict[str, Operation] = {
    "ListObjectsV2": operation(list_objects_v2, "Bucket", f"{_COMMON} StartAfter ContinuationToken FetchOwner"),
    "ListObjects": operation(list_objects, "Bucket", f"{_COMMON} Marker"),
    "ListObjectVersions": operation(list_versions, "Bucket", f"{_COMMON} KeyMarker VersionIdMarker"),
}
