"""A strict little S3: what one cell of the matrix has on the server, and how S3 answers. No I/O."""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote, unquote_plus, urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from tests.guards.script import Reply, Request, error, reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MIN_PART = 5 * 1024 * 1024
PAGE = 2
"""Keys to a page of a listing: with three objects there are two pages."""
DATE = "Mon, 23 Nov 2026 00:00:00 GMT"
ID = {"x_amz_request_id": "request-1"}

_NAMES = {
    ("POST", "uploads"): "CreateMultipartUpload",
    ("PUT", "uploadId"): "UploadPart",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("GET", "uploadId"): "ListParts",
    ("GET", "uploads"): "ListMultipartUploads",
    ("POST", "delete"): "DeleteObjects",
    ("GET", "list-type"): "ListObjectsV2",
    ("GET", "location"): "GetBucketLocation",
    ("GET", "versioning"): "GetBucketVersioning",
    ("GET", "tagging"): "GetObjectTagging",
    ("PUT", "tagging"): "PutObjectTagging",
    ("DELETE", "tagging"): "DeleteObjectTagging",
}
_COPIES = {"UploadPart": "UploadPartCopy", "PutObject": "CopyObject"}
"""What a request is that names a source instead of sending bytes."""


@dataclass(frozen=True)
class Arrived(Request):
    """A request to one of many buckets."""

    @property
    def bucket(self) -> str:
        """The bucket's name, in path style."""
        return unquote(urlsplit(self.target).path).lstrip("/").partition("/")[0]

    @property
    def key(self) -> str:
        """The object's key, in path style."""
        return unquote(urlsplit(self.target).path[1:].partition("/")[2])

    @property
    def operation(self) -> str:
        """S3's name for it."""
        name = self._named()
        return _COPIES.get(name, name) if "x-amz-copy-source" in self.headers else name

    def _named(self) -> str:
        for (method, argument), name in _NAMES.items():
            if method == self.method and argument in self.query:
                return name
        verb = {"PUT": "Put", "GET": "Get"}.get(self.method, self.method.capitalize())
        return {"PutBucket": "CreateBucket"}.get(name := verb + ("Object" if self.key else "Bucket"), name)

    @property
    def source(self) -> tuple[str, str]:
        """The bucket and the key that are copied from."""
        bucket, _, key = unquote_plus(self.headers["x-amz-copy-source"]).removeprefix("/").partition("/")
        return bucket, key


@dataclass(frozen=True)
class Stored:
    """An object."""

    data: bytes = field(repr=False)
    etag: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    crc32: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass
class Upload:
    """A multipart upload that has begun."""

    key: str
    headers: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    parts: dict[int, bytes] = field(default_factory=dict[int, bytes], repr=False)
    initiated: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"))


def md5(data: bytes) -> str:
    """Return the ETag that S3 gives to a simple object."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def crc32(data: bytes) -> str:
    """Return the checksum as S3 writes it."""
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def stored(data: bytes, **headers: str) -> Stored:
    """Return an object with a full checksum, as S3 keeps it."""
    return Stored(data, md5(data), headers, crc32(data))


class Realm:
    """One bucket, and what becomes of it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.exists = True
        self.objects: dict[str, Stored] = {}
        self.uploads: dict[str, Upload] = {}
        self.unheard: set[str] = set()
        """Uploads of which the client can't know: the answer that had the id was lost."""
        self.ignores_if_match = False
        self._begun = 0

    def answer(self, request: Arrived) -> Reply:
        """Return what S3 answers."""
        if not self.exists and request.operation != "CreateBucket":
            return refused(request, 404, "NoSuchBucket")
        damaged = _damage(request)
        if damaged:
            return error(400, damaged, **ID)
        return _HANDLERS.get(request.operation, lambda *_: reply(200, **ID))(self, request)

    def create_upload(self, request: Arrived) -> Reply:
        """Begin a multipart upload."""
        self._begun += 1
        upload_id = f"{self.name}-upload-{self._begun}"
        self.uploads[upload_id] = Upload(request.key, _kept(request), _tags(request))
        body = f"<R><Bucket>{self.name}</Bucket><Key>k</Key><UploadId>{upload_id}</UploadId></R>"
        return reply(200, body.encode(), **ID)

    def lost(self, answer: bytes, begun_before: set[str]) -> None:
        """Note that an answer to CreateMultipartUpload does not arrive, or that this is all that does."""
        for upload_id in self.uploads.keys() - begun_before:
            if f"<UploadId>{upload_id}</UploadId></R>".encode() not in answer:
                self.unheard.add(upload_id)


def refused(request: Request, status: int, code: str) -> Reply:
    """Return an error; to a HEAD, without a body."""
    return reply(status, **ID) if request.method == "HEAD" else error(status, code, **ID)


def _damage(request: Arrived) -> str | None:
    """Return the error code if the body is not the one that was signed or summed."""
    signed = request.headers.get("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
    if re.fullmatch("[0-9a-f]{64}", signed) and hashlib.sha256(request.body).hexdigest() != signed:
        return "XAmzContentSHA256Mismatch"
    summed = request.headers.get("x-amz-checksum-crc32")
    if summed is not None and crc32(request.body) != summed:
        return "BadDigest"
    digest = request.headers.get("content-md5")
    if digest is not None and base64.b64decode(digest).hex() != md5(request.body):
        return "BadDigest"
    return None


def _kept(request: Request) -> dict[str, str]:
    names = ("content-type", "content-encoding", "cache-control")
    return {name: value for name, value in request.headers.items() if name in names or name.startswith("x-amz-meta-")}


def _tags(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.headers.get("x-amz-tagging", ""), keep_blank_values=True))


def _condition(realm: Realm, request: Arrived) -> Reply | None:
    """Return the refusal, if a condition on what is written does not hold."""
    there = realm.objects.get(request.key)
    if request.headers.get("if-none-match") == "*" and there is not None:
        return error(412, "PreconditionFailed", **ID)
    wanted = request.headers.get("if-match")
    if wanted is not None and (there is None or wanted.strip('"') != there.etag):
        return error(412, "PreconditionFailed", **ID)
    return None


def _get(realm: Realm, request: Arrived) -> Reply:
    there = realm.objects.get(request.key)
    if there is None:
        return refused(request, 404, "NoSuchKey")
    wanted = request.headers.get("if-match")
    if wanted is not None and wanted.strip('"') != there.etag and not realm.ignores_if_match:
        return refused(request, 412, "PreconditionFailed")
    return _piece(there, request)


def _piece(there: Stored, request: Request) -> Reply:
    size = len(there.data)
    about = {"ETag": f'"{there.etag}"', "Accept_Ranges": "bytes", "Last_Modified": DATE, **there.headers, **ID}
    if there.tags:
        about["x_amz_tagging_count"] = str(len(there.tags))
    span = _span(request.headers.get("range", ""), size)
    if span is None:
        if there.crc32 and request.headers.get("x-amz-checksum-mode", "").upper() == "ENABLED":
            about |= {"x_amz_checksum_crc32": there.crc32, "x_amz_checksum_type": "FULL_OBJECT"}
        return reply(200, there.data, **about)
    start, stop = span
    if start >= stop:
        return refused(request, 416, "InvalidRange")
    return reply(206, there.data[start:stop], Content_Range=f"bytes {start}-{stop - 1}/{size}", **about)


def _span(header: str, size: int) -> tuple[int, int] | None:
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header)
    if not match:
        return None
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(int(last) + 1 if last else size, size)


def _put(realm: Realm, request: Arrived) -> Reply:
    refusal = _condition(realm, request)
    if refusal:
        return refusal
    tag = md5(request.body)
    summed = request.headers.get("x-amz-checksum-crc32")
    realm.objects[request.key] = Stored(request.body, tag, _kept(request), summed, _tags(request))
    return reply(200, ETag=f'"{tag}"', **ID, **({"x_amz_checksum_crc32": summed} if summed else {}))


def _part(realm: Realm, request: Arrived) -> Reply:
    upload = realm.uploads.get(request.query["uploadId"][0])
    if upload is None:
        return error(404, "NoSuchUpload", **ID)
    upload.parts[int(request.query["partNumber"][0])] = request.body
    summed = request.headers.get("x-amz-checksum-crc32")
    return reply(200, ETag=f'"{md5(request.body)}"', **ID, **({"x_amz_checksum_crc32": summed} if summed else {}))


def _source(realm: Realm, request: Arrived) -> Stored | Reply:
    """Return the object that is copied, or the refusal."""
    bucket, key = request.source
    there = realm.objects.get(key)
    if bucket != realm.name or there is None:
        return error(404, "NoSuchKey" if bucket == realm.name else "NoSuchBucket", **ID)
    wanted = request.headers.get("x-amz-copy-source-if-match")
    if wanted is not None and wanted.strip('"') != there.etag and not realm.ignores_if_match:
        return error(412, "PreconditionFailed", **ID)
    return there


def _copy(realm: Realm, request: Arrived) -> Reply:
    source = _source(realm, request)
    if isinstance(source, Reply):
        return source
    keeps = request.headers.get("x-amz-metadata-directive") != "REPLACE"
    keeps_tags = request.headers.get("x-amz-tagging-directive") != "REPLACE"
    headers, tags = source.headers if keeps else _kept(request), source.tags if keeps_tags else _tags(request)
    realm.objects[request.key] = Stored(source.data, md5(source.data), headers, source.crc32, tags)
    return _copied("CopyObjectResult", md5(source.data))


def _copied(element: str, tag: str) -> Reply:
    about = f"<LastModified>2026-11-23T00:00:00.000Z</LastModified><ETag>&quot;{tag}&quot;</ETag>"
    return reply(200, f"<{element}>{about}</{element}>".encode(), **ID)


def _part_copy(realm: Realm, request: Arrived) -> Reply:
    upload = realm.uploads.get(request.query["uploadId"][0])
    if upload is None:
        return error(404, "NoSuchUpload", **ID)
    source = _source(realm, request)
    if isinstance(source, Reply):
        return source
    start, stop = _span(request.headers.get("x-amz-copy-source-range", ""), len(source.data)) or (0, len(source.data))
    if start >= stop:
        return error(400, "InvalidRange", **ID)
    part = upload.parts[int(request.query["partNumber"][0])] = source.data[start:stop]
    return _copied("CopyPartResult", md5(part))


def _complete(realm: Realm, request: Arrived) -> Reply:
    upload_id = request.query["uploadId"][0]
    upload = realm.uploads.get(upload_id)
    if upload is None:
        return error(404, "NoSuchUpload", **ID)
    refusal = _condition(realm, request)
    if refusal:
        return refusal
    named = re.findall(rb"<PartNumber>(\d+)</PartNumber>", request.body)
    parts = [upload.parts.get(int(number)) for number in named]
    if not parts or any(part is None for part in parts):
        return error(400, "InvalidPart", **ID)
    found = [part for part in parts if part is not None]
    if any(len(part) < MIN_PART for part in found[:-1]):
        return error(400, "EntityTooSmall", **ID)
    tag = f"{md5(b''.join(bytes.fromhex(md5(part)) for part in found))}-{len(found)}"
    realm.objects[upload.key] = Stored(b"".join(found), tag, upload.headers, tags=upload.tags)
    del realm.uploads[upload_id]
    body = f"<R><Bucket>{realm.name}</Bucket><Key>k</Key><ETag>&quot;{tag}&quot;</ETag></R>"
    return reply(200, body.encode(), **ID)


def _abort(realm: Realm, request: Arrived) -> Reply:
    gone = realm.uploads.pop(request.query["uploadId"][0], None)
    return error(404, "NoSuchUpload", **ID) if gone is None else reply(204, **ID)


def _list(realm: Realm, request: Arrived) -> Reply:
    query = request.query
    prefix = query.get("prefix", [""])[0]
    after = query.get("continuation-token", query.get("start-after", [""]))[0]
    keys = sorted((key for key in realm.objects if key.startswith(prefix) and key > after), key=str.encode)
    page = keys[: min(PAGE, int(query.get("max-keys", ["1000"])[0]))]
    shown = quote if query.get("encoding-type") == ["url"] else escape
    contents = "".join(_entry(shown(key), realm.objects[key]) for key in page)
    more = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if len(page) < len(keys) else ""
    encoding = "<EncodingType>url</EncodingType>" if shown is quote else ""
    body = (
        f"<R><Name>{realm.name}</Name><Prefix>{shown(prefix)}</Prefix>{encoding}<KeyCount>{len(page)}</KeyCount>"
        f"<MaxKeys>1000</MaxKeys><IsTruncated>{str(bool(more)).lower()}</IsTruncated>{more}{contents}</R>"
    )
    return reply(200, body.encode(), **ID)


def _entry(key: str, there: Stored) -> str:
    return (
        f"<Contents><Key>{key}</Key><LastModified>2026-11-23T00:00:00.000Z</LastModified>"
        f"<ETag>&quot;{there.etag}&quot;</ETag><Size>{len(there.data)}</Size><StorageClass>STANDARD</StorageClass></Contents>"
    )


def _delete_many(realm: Realm, request: Arrived) -> Reply:
    keys = [element.text or "" for element in ET.fromstring(request.body).iter() if element.tag.endswith("Key")]  # noqa: S314  # it is what the client under test wrote
    for key in keys:
        realm.objects.pop(key, None)
    deleted = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
    return reply(200, f"<R>{deleted}</R>".encode(), **ID)


def _delete(realm: Realm, request: Arrived) -> Reply:
    there, wanted = realm.objects.get(request.key), request.headers.get("if-match")
    if wanted is not None and there is not None and wanted.strip('"') != there.etag and not realm.ignores_if_match:
        return error(412, "PreconditionFailed", **ID)
    realm.objects.pop(request.key, None)
    return reply(204, **ID)


def _create_bucket(realm: Realm, request: Arrived) -> Reply:
    realm.exists = True
    return reply(200, Location=f"/{realm.name}", **ID)


def _delete_bucket(realm: Realm, request: Arrived) -> Reply:
    if realm.objects:
        return error(409, "BucketNotEmpty", **ID)
    realm.exists = False
    return reply(204, **ID)


def _list_uploads(realm: Realm, request: Arrived) -> Reply:
    prefix = request.query.get("prefix", [""])[0]
    uploads = "".join(
        f"<Upload><Key>{escape(upload.key)}</Key><UploadId>{upload_id}</UploadId><Initiated>{upload.initiated}</Initiated></Upload>"
        for upload_id, upload in realm.uploads.items()
        if upload.key.startswith(prefix)
    )
    body = f"<R><Bucket>{realm.name}</Bucket><IsTruncated>false</IsTruncated>{uploads}</R>"
    return reply(200, body.encode(), **ID)


def _list_parts(realm: Realm, request: Arrived) -> Reply:
    upload = realm.uploads.get(request.query["uploadId"][0])
    if upload is None:
        return error(404, "NoSuchUpload", **ID)
    parts = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>&quot;{md5(part)}&quot;</ETag><Size>{len(part)}</Size></Part>"
        for number, part in sorted(upload.parts.items())
    )
    return reply(200, f"<R><IsTruncated>false</IsTruncated>{parts}</R>".encode(), **ID)


def _get_tags(realm: Realm, request: Arrived) -> Reply:
    there = realm.objects.get(request.key)
    if there is None:
        return error(404, "NoSuchKey", **ID)
    tags = "".join(
        f"<Tag><Key>{escape(name)}</Key><Value>{escape(value)}</Value></Tag>" for name, value in there.tags.items()
    )
    return reply(200, f"<R><TagSet>{tags}</TagSet></R>".encode(), **ID)


def _put_tags(realm: Realm, request: Arrived) -> Reply:
    there = realm.objects.get(request.key)
    if there is None:
        return error(404, "NoSuchKey", **ID)
    given = ET.fromstring(request.body).iter()  # noqa: S314  # it is what the client under test wrote
    texts = [element.text or "" for element in given if element.tag.endswith(("Key", "Value"))]
    realm.objects[request.key] = replace(there, tags=dict(zip(texts[::2], texts[1::2], strict=True)))
    return reply(200, **ID)


def _location(realm: Realm, request: Arrived) -> Reply:
    return reply(200, b"<LocationConstraint>eu-west-1</LocationConstraint>", **ID)


_HANDLERS: dict[str, Callable[[Realm, Arrived], Reply]] = {
    "GetObject": _get,
    "HeadObject": _get,
    "PutObject": _put,
    "CreateMultipartUpload": Realm.create_upload,
    "UploadPart": _part,
    "CopyObject": _copy,
    "UploadPartCopy": _part_copy,
    "GetObjectTagging": _get_tags,
    "PutObjectTagging": _put_tags,
    "CompleteMultipartUpload": _complete,
    "AbortMultipartUpload": _abort,
    "ListObjectsV2": _list,
    "DeleteObjects": _delete_many,
    "DeleteObject": _delete,
    "CreateBucket": _create_bucket,
    "DeleteBucket": _delete_bucket,
    "ListMultipartUploads": _list_uploads,
    "ListParts": _list_parts,
    "GetBucketLocation": _location,
}
