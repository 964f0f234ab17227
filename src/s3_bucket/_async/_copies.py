"""Copies: what goes with one, what is asked of S3 for it, and whether it came out right. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from s3_bucket import _checks
from s3_bucket._async import _errors
from s3_bucket._async._shapes import bare, typed
from s3_bucket._models import NAMED
from s3_bucket._store import Part, PutOptions, Written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_bucket._async._errors import Target
    from s3_bucket._models import ObjectInfo
    from s3_bucket._store import CopyRequest, Upload

_TOLD = NAMED | {"Expires": "expires"}
_CONTENT = _TOLD.keys() - {"StorageClass"}
"""What CopyObject keeps or replaces together with the metadata."""
_OF_OTHER_SERVICES = frozenset({"EXPRESS_ONEZONE", "FSX_ONTAP", "FSX_OPENZFS", "OUTPOSTS", "SNOW"})
"""Storage classes that are where a bucket is, and can't be asked for."""
_MD5 = re.compile(r"[0-9a-f]{32}", re.ASCII)
_OWN_KEYS = (None, "AES256")
"""Encryption under which an etag is an MD5 of the bytes."""


def kept(source: ObjectInfo, given: PutOptions, *, keeps_metadata: bool = True) -> PutOptions:
    """Return what is given, and of everything else what goes with the source."""
    headers = {name: getattr(source, field) for name, field in _TOLD.items()}
    if source.storage_class in _OF_OTHER_SERVICES:
        del headers["StorageClass"]
    return PutOptions(
        {name: value for name, value in headers.items() if value is not None} | dict(given.headers),
        source.metadata if keeps_metadata else given.metadata,
        given.if_match,
        given.if_absent,
        given.algorithm,
    )


def tagged(options: PutOptions, tags: Mapping[str, str]) -> PutOptions:
    """Return the options with these tags."""
    return options._replace(headers={**options.headers, **_checks.tagging(tags)})


def replaces(request: CopyRequest) -> bool:
    """Whether CopyObject is told what goes with the copy: it keeps all of it, or none, but for the tags."""
    return request.is_onto_itself or not request.keeps_metadata or bool(_CONTENT & request.given.headers.keys())


def copy_parameters(request: CopyRequest, source: ObjectInfo) -> dict[str, Any]:
    """Return the parameters of CopyObject."""
    options = kept(source, request.given, keeps_metadata=request.keeps_metadata)
    parameters: dict[str, Any] = {"Key": request.key, **_source(request, source)}
    if replaces(request):
        parameters |= {"MetadataDirective": "REPLACE", "Metadata": dict(options.metadata), **typed(options.headers)}
    else:
        parameters |= {name: value for name, value in typed(options.headers).items() if name not in _CONTENT}
    if request.tags is not None:
        parameters["TaggingDirective"] = "REPLACE"
    if request.given.algorithm is not None:
        parameters["ChecksumAlgorithm"] = request.given.algorithm
    return parameters


def part_parameters(
    request: CopyRequest, source: ObjectInfo, upload: Upload, number: int, start: int, stop: int
) -> dict[str, Any]:
    """Return the parameters of UploadPartCopy."""
    return {
        "Key": upload.key,
        "UploadId": upload.upload_id,
        "PartNumber": number,
        "CopySourceRange": f"bytes={start}-{stop - 1}",
        **upload.customer,
        **_source(request, source),
    }


def _source(request: CopyRequest, source: ObjectInfo) -> dict[str, Any]:
    """Return what names the source: the version, or at least the etag, that was seen first."""
    where = {"Bucket": request.source.bucket, "Key": request.source.key}
    version_id = request.source.version_id or source.version_id
    return {
        "CopySource": where if version_id is None else {**where, "VersionId": version_id},
        "CopySourceIfMatch": f'"{source.etag}"',
        **{f"CopySource{name}": value for name, value in (request.source.customer or {}).items()},
    }


def copied(target: Target, answer: Mapping[str, Any]) -> Written:
    """Return what CopyObject said: a 200 that says nothing of a copy is none."""
    return Written(_etag(target, answer.get("CopyObjectResult")), answer.get("VersionId"))


def copied_part(target: Target, upload: Upload, number: int, size: int, answer: Mapping[str, Any]) -> Part:
    """Return what UploadPartCopy said."""
    result: Mapping[str, Any] = answer.get("CopyPartResult") or {}
    _etag(target, result)
    return Part.of(upload.algorithm, number, result["ETag"], size, result)


def _etag(target: Target, result: Mapping[str, Any] | None) -> str:
    if not result or not result.get("ETag"):
        raise _errors.not_s3(target, "it has no ETag")
    return bare(result["ETag"])


def difference(source: ObjectInfo, copy: ObjectInfo, etag: str) -> str | None:
    """Return in what an object differs from what the copy of the source, with this etag, must be; None, if in nothing.

    An etag is no proof of a difference where it is made of parts, or under a key of KMS; a checksum of parts is none.
    """
    if copy.etag != etag:
        return f"its etag is {copy.etag!r}, and the copy's was {etag!r}; has somebody replaced it since?"
    if copy.size != source.size:
        return f"it has {copy.size} bytes, and the source has {source.size}"
    for algorithm in source.checksums.keys() & copy.checksums.keys():
        ours, theirs = copy.checksums[algorithm], source.checksums[algorithm]
        if ours != theirs and "-" not in ours + theirs:
            return f"its {algorithm} is {ours}, and the source's is {theirs}"
    if _is_md5(source) and _is_md5(copy) and source.etag != copy.etag:
        return f"its etag is {copy.etag!r}, and the source's is {source.etag!r}"
    return None


def _is_md5(info: ObjectInfo) -> bool:
    return _MD5.fullmatch(info.etag) is not None and info.encryption in _OWN_KEYS
