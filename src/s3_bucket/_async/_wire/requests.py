"""The hot operations as HTTP: headers and queries out, botocore's names for the headers that come back. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from s3_bucket import _plan
from s3_bucket._async._botocore import answers
from s3_bucket._async._sigv4 import canonical_query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_bucket._store import GetRequest, PutOptions

_CUSTOMER = {
    "SSECustomerAlgorithm": "x-amz-server-side-encryption-customer-algorithm",
    "SSECustomerKey": "x-amz-server-side-encryption-customer-key",
    "SSECustomerKeyMD5": "x-amz-server-side-encryption-customer-key-md5",
}
_PUT = {
    "ContentType": "content-type",
    "CacheControl": "cache-control",
    "ContentDisposition": "content-disposition",
    "ContentEncoding": "content-encoding",
    "ContentLanguage": "content-language",
    "Expires": "expires",
    "StorageClass": "x-amz-storage-class",
    "Tagging": "x-amz-tagging",
    "ServerSideEncryption": "x-amz-server-side-encryption",
    "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
    "SSEKMSEncryptionContext": "x-amz-server-side-encryption-context",
    "BucketKeyEnabled": "x-amz-server-side-encryption-bucket-key-enabled",
    **_CUSTOMER,
    "ACL": "x-amz-acl",
    "ObjectLockMode": "x-amz-object-lock-mode",
    "ObjectLockRetainUntilDate": "x-amz-object-lock-retain-until-date",
    "ObjectLockLegalHoldStatus": "x-amz-object-lock-legal-hold",
    "IfMatch": "if-match",
    "IfNoneMatch": "if-none-match",
    "ChecksumAlgorithm": "x-amz-sdk-checksum-algorithm",
    "ChecksumCRC32": "x-amz-checksum-crc32",
    "ChecksumSHA1": "x-amz-checksum-sha1",
    "ChecksumSHA256": "x-amz-checksum-sha256",
    "ContentMD5": "content-md5",
}
_ANSWERED = {
    "etag": "ETag",
    "content-type": "ContentType",
    "content-length": "ContentLength",
    "content-range": "ContentRange",
    "last-modified": "LastModified",
    "cache-control": "CacheControl",
    "content-disposition": "ContentDisposition",
    "content-encoding": "ContentEncoding",
    "content-language": "ContentLanguage",
    "expires": "ExpiresString",
    "x-amz-version-id": "VersionId",
    "x-amz-storage-class": "StorageClass",
    "x-amz-tagging-count": "TagCount",
    "x-amz-server-side-encryption": "ServerSideEncryption",
    "x-amz-server-side-encryption-customer-algorithm": "SSECustomerAlgorithm",
    "x-amz-restore": "Restore",
    "x-amz-archive-status": "ArchiveStatus",
    "x-amz-object-lock-mode": "ObjectLockMode",
    "x-amz-object-lock-retain-until-date": "ObjectLockRetainUntilDate",
    "x-amz-object-lock-legal-hold": "ObjectLockLegalHoldStatus",
    "x-amz-checksum-crc32": "ChecksumCRC32",
    "x-amz-checksum-crc32c": "ChecksumCRC32C",
    "x-amz-checksum-crc64nvme": "ChecksumCRC64NVME",
    "x-amz-checksum-sha1": "ChecksumSHA1",
    "x-amz-checksum-sha256": "ChecksumSHA256",
    "x-amz-checksum-type": "ChecksumType",
}
_NUMBERS = {"ContentLength", "TagCount"}
_METADATA = "x-amz-meta-"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def get_headers(request: GetRequest) -> dict[str, str]:
    """Return the headers of GetObject, HeadObject and DeleteObject that say which bytes, and when."""
    headers: dict[str, str] = {}
    if request.range is not None:
        headers["range"] = _plan.range_header(request.range)
    if request.if_match is not None:
        headers["if-match"] = f'"{request.if_match}"'
    if request.if_none_match is not None:
        headers["if-none-match"] = f'"{request.if_none_match}"'
    if request.checksums:
        headers["x-amz-checksum-mode"] = "ENABLED"
    if request.customer:
        headers |= {_CUSTOMER[name]: value for name, value in request.customer.items()}
    if request.bypass_governance:
        headers["x-amz-bypass-governance-retention"] = "true"
    return headers


def get_query(request: GetRequest) -> str:
    """Return the query of GetObject and HeadObject."""
    if request.version_id is None and request.response_content_type is None:
        return ""
    given = {"versionId": request.version_id, "response-content-type": request.response_content_type}
    return canonical_query(answers.given(given).items())


def delete_query(request: GetRequest) -> str:
    """Return the query of DeleteObject."""
    return "" if request.version_id is None else canonical_query([("versionId", request.version_id)])


def part_query(upload_id: str, number: int) -> str:
    """Return the query of UploadPart."""
    return canonical_query([("partNumber", str(number)), ("uploadId", upload_id)])


def put_headers(options: PutOptions, checksum: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of PutObject and UploadPart."""
    given = {**options.headers, **answers.conditions(options), **answers.checksum_parameters(options, checksum)}
    headers = {_PUT[name]: value for name, value in given.items()}
    for name, value in options.metadata.items():
        headers[_METADATA + name.lower()] = value
    return headers


def checksum_headers(checksum: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of an operation that must have a checksum, whose algorithm S3 wants named besides."""
    headers = {_PUT[name]: value for name, value in checksum.items()}
    return headers if "ContentMD5" in checksum else {**headers, _PUT["ChecksumAlgorithm"]: "CRC32"}


def is_known(options: PutOptions) -> bool:
    """Whether there is a header for everything that goes with the object."""
    return options.headers.keys() <= _PUT.keys()


def head(method: str, path: str, query: str, headers: Mapping[str, str], unsigned: str, length: int | None) -> bytes:
    """Return a request's line and headers.

    Args:
        method: of the request.
        path: percent-encoded.
        query: percent-encoded.
        headers: those that are signed, and the signature.
        unsigned: lines that are not, each with its line break.
        length: of the body; None, if there is none and nobody expects one.
    """
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    body = "" if length is None else f"content-length: {length}\r\n"
    target = f"{path}?{query}" if query else path
    return f"{method} {target} HTTP/1.1\r\n{lines}{unsigned}{body}\r\n".encode()


def answer(status: int, headers: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the answer under botocore's names, as the tables of answers.py take it."""
    named: dict[str, Any] = {"ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers}}
    metadata: dict[str, str] = {}
    for name, value in headers.items():
        if name in _ANSWERED:
            named[_ANSWERED[name]] = value.decode("utf-8", "surrogateescape")
        elif name.startswith(_METADATA):
            metadata[name[len(_METADATA) :]] = value.decode("utf-8", "surrogateescape")
    if metadata:
        named["Metadata"] = metadata
    for name in _NUMBERS & named.keys():
        named[name] = int(named[name])
    if "LastModified" in named:
        named["LastModified"] = time(named["LastModified"])
    if "ObjectLockRetainUntilDate" in named:
        named["ObjectLockRetainUntilDate"] = time(named["ObjectLockRetainUntilDate"])
    return named


@lru_cache(maxsize=4096)
def time(text: str) -> datetime | None:
    """Return the time that a header means, quickly where it is as RFC 9110 (5.6.7) prefers it."""
    try:
        if len(text) == 29 and text.endswith(" GMT"):  # noqa: PLR2004  # "Sun, 06 Nov 1994 08:49:37 GMT"
            day, month, year = int(text[5:7]), _MONTHS.index(text[8:11]) + 1, int(text[12:16])
            return datetime(year, month, day, int(text[17:19]), int(text[20:22]), int(text[23:25]), tzinfo=UTC)
    except ValueError:
        pass
    return answers.time(text)
