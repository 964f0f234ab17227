"""Operations that are sent by their names: what they take and what they answer, in S3's own words. Pure."""

from __future__ import annotations

from datetime import UTC
from heapq import merge
from typing import TYPE_CHECKING, Any

from s3_bucket._async import _errors
from s3_bucket._models import ObjectVersion
from s3_bucket.exceptions import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from s3_bucket._async._errors import Target
    from s3_bucket.exceptions import BucketException

Marker = tuple[str, str]
"""Where a page of versions ends: (key, version id)."""


def bare(etag: str) -> str:
    """Return the etag as S3 made it: proxies that compress, or could, put W/ before it."""
    return etag.removeprefix("W/").strip('"')


def utc(time: datetime | None) -> datetime | None:
    """Return the time in the standard library's UTC: botocore's is dateutil's, and local in listings."""
    return time if time is None or time.tzinfo is UTC else time.astimezone(UTC)


def typed(headers: Mapping[str, str]) -> dict[str, Any]:
    """Return what goes with an object as botocore takes it: one of the parameters must be a bool."""
    parameters: dict[str, Any] = dict(headers)
    if "BucketKeyEnabled" in parameters:
        parameters["BucketKeyEnabled"] = parameters["BucketKeyEnabled"] == "true"
    return parameters


def require_of(target: Target, entry: Mapping[str, Any], *names: str) -> None:
    """Raise unless an entry of the answer has what S3 always says of it."""
    for name in names:
        if name not in entry:
            raise _errors.not_s3(target, f"an entry has no {name}")


def broken_off(target: Target) -> BucketException:
    """Return the exception for a listing that has more, but no way on."""
    msg = f"the listing of {_errors.where(target)} breaks off: the server says that there is more, but not where"
    return _errors.make(IntegrityError, target, msg, retryable=True)


def versions_parameters(prefix: str, after: Marker | None) -> dict[str, Any]:
    """Return the parameters of ListObjectVersions."""
    if after is None:
        return {"Prefix": prefix}
    key, version_id = after
    return {"Prefix": prefix, "KeyMarker": key, **({"VersionIdMarker": version_id} if version_id else {})}


def versions_page(
    target: Target, answer: Mapping[str, Any], after: Marker | None
) -> tuple[list[ObjectVersion], Marker | None]:
    """Return the versions and delete markers of a page, as S3 orders them, and what asks for the next page.

    Raises:
        IntegrityError: it is not the last, but there is no way on: ending here would hide what follows.
    """
    if "IsTruncated" not in answer:
        raise _errors.not_s3(target, "it has no IsTruncated")
    versions = [_version(target, entry) for entry in answer.get("Versions", [])]
    markers = [_marker(target, entry) for entry in answer.get("DeleteMarkers", [])]
    # Two lists, each in order; neither is sorted anew: what was uploaded in parts has the time of its beginning.
    page = list(merge(versions, markers, key=_place))
    following = _following(answer, page) if answer["IsTruncated"] else None
    if answer["IsTruncated"] and following in {None, after}:
        raise broken_off(target)
    return page, following


def _following(answer: Mapping[str, Any], page: list[ObjectVersion]) -> Marker | None:
    """Return what asks for the next page, by the key of this one's last entry: Ceph 16 spoils its NextKeyMarker."""
    key, version_id = answer.get("NextKeyMarker"), answer.get("NextVersionIdMarker") or ""
    last = [entry.key for entry in page if version_id in {"", entry.version_id}]
    return (last[-1] if last else key, version_id) if key else None


def _place(version: ObjectVersion) -> tuple[bytes, bool, float]:
    age = 0.0 if version.last_modified is None else -version.last_modified.timestamp()
    return version.key.encode("utf-8", "surrogatepass"), not version.is_latest, age


def _version(target: Target, entry: Mapping[str, Any]) -> ObjectVersion:
    require_of(target, entry, "Key", "VersionId", "IsLatest", "Size", "ETag")
    return ObjectVersion(
        entry["Key"],
        entry["VersionId"],
        entry["IsLatest"],
        is_delete_marker=False,
        size=entry["Size"],
        etag=bare(entry["ETag"]),
        last_modified=utc(entry.get("LastModified")),
        storage_class=entry.get("StorageClass"),
    )


def _marker(target: Target, entry: Mapping[str, Any]) -> ObjectVersion:
    require_of(target, entry, "Key", "VersionId", "IsLatest")
    modified = utc(entry.get("LastModified"))
    return ObjectVersion(
        entry["Key"], entry["VersionId"], entry["IsLatest"], is_delete_marker=True, last_modified=modified
    )


def version_parameters(key: str, version_id: str | None) -> dict[str, Any]:
    """Return the parameters that name an object or, with an id, a version of it."""
    return {"Key": key} if version_id is None else {"Key": key, "VersionId": version_id}


def tagging_parameters(key: str, version_id: str | None, tags: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the parameters of GetObjectTagging and DeleteObjectTagging and, with tags, of PutObjectTagging."""
    parameters = version_parameters(key, version_id)
    if tags is not None:
        parameters["Tagging"] = {"TagSet": [{"Key": name, "Value": value} for name, value in tags.items()]}
    return parameters


def tag_set(target: Target, answer: Mapping[str, Any], count: int | None = None) -> dict[str, str]:
    """Return the tags of an answer to GetObjectTagging; `count` is how many HEAD has said that there are."""
    tags: list[dict[str, str]] = answer.get("TagSet") or []
    if count and "TagSet" not in answer:
        raise _errors.not_s3(target, "it has no TagSet")
    for tag in tags:
        require_of(target, tag, "Key", "Value")
    return {tag["Key"]: tag["Value"] for tag in tags}
