"""The values that users receive. Pure: no I/O, nothing of botocore."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, Self, TypeAlias, TypedDict, TypeVar

from s3_bucket.exceptions import BulkError

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping
    from datetime import datetime
    from os import PathLike

    from s3_bucket._encryption import SSE
    from s3_bucket._keeping import CannedACL, ObjectLock, RestoreStatus

T = TypeVar("T")


class ReadableFile(Protocol):
    """A binary file: open(path, "rb"), io.BytesIO, a socket's makefile."""

    def read(self, n: int, /) -> bytes: ...


class AsyncReadableFile(Protocol):
    """A binary file whose read is awaited: of anyio, aiofiles, or a web framework's upload."""

    def read(self, n: int, /) -> Awaitable[bytes]: ...


Buffer: TypeAlias = "bytes | bytearray | memoryview[int]"
Data: TypeAlias = (
    "str | Buffer | PathLike[str] | ReadableFile | AsyncReadableFile | Iterable[Buffer] | AsyncIterable[Buffer]"
)
ByteRange: TypeAlias = "tuple[int, int | None]"


ChecksumName: TypeAlias = Literal["CRC32", "SHA1", "SHA256"]
Checksum: TypeAlias = "ChecksumName | Mapping[ChecksumName, str]"


class MorePutKeywords(TypedDict, total=False):
    """put()'s keyword-only arguments, for the calls that take the same ones."""

    if_absent: bool
    if_match: str | None
    cache_control: str | None
    content_disposition: str | None
    content_encoding: str | None
    content_language: str | None
    expires: datetime | None
    storage_class: str | None
    tags: Mapping[str, str] | None
    encryption: SSE | str | None
    checksum: Checksum | None
    acl: CannedACL | None
    lock: ObjectLock | None
    legal_hold: bool


class PutKeywords(MorePutKeywords, total=False):
    """All of put()'s arguments but the key and the data."""

    content_type: str | None
    metadata: Mapping[str, str] | None


@dataclass(frozen=True)  # without slots: see object_info()
class ObjectInfo:
    """What S3 knows of an object besides its bytes.

    A listing brings only the key, size, etag, last_modified and storage_class; a put brings what was sent and the
    etag and version_id that came back. What a call did not bring is None or empty.

    Attributes:
        key: the object's name.
        size: its length in bytes.
        etag: the entity tag without quotes; only good for comparing (it is no checksum of the content).
        last_modified: when it was written, with a time zone.
        content_type: the media type, such as "text/plain".
        metadata: the user's own metadata; names in lower case.
        version_id: the version, in a bucket with versioning.
        storage_class: where it is kept; None means "STANDARD".
        checksums: the checksums that S3 keeps, by algorithm ("CRC32"), in Base64.
        cache_control, content_disposition, content_encoding, content_language, expires: the HTTP header's value.
        encryption: the server-side encryption: "AES256", "aws:kms", "aws:kms:dsse", or "SSE-C" for a customer's key.
        restore: how far the restoring of an archived object has come; None if none was asked for.
        archive_status: of an object of the class INTELLIGENT_TIERING that is archived: "ARCHIVE_ACCESS" or
            "DEEP_ARCHIVE_ACCESS". (Only head() brings it.)
        lock: until when this version can't be deleted; None also where the credentials may not ask.
        legal_hold: whether it can't be deleted until somebody takes that back; None where S3 doesn't say.
        tag_count: how many tags it has, where the server says.
        token: what this library notes with a conditional write, to know it again; the write's own, and nothing else.
    """

    key: str
    size: int
    etag: str
    last_modified: datetime | None = None
    content_type: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    version_id: str | None = None
    storage_class: str | None = None
    checksums: Mapping[str, str] = field(default_factory=dict[str, str])
    cache_control: str | None = None
    content_disposition: str | None = None
    content_encoding: str | None = None
    content_language: str | None = None
    expires: str | None = None
    encryption: str | None = None
    tag_count: int | None = None
    token: str | None = field(default=None, repr=False, compare=False)
    restore: RestoreStatus | None = None
    archive_status: str | None = None
    lock: ObjectLock | None = None
    legal_hold: bool | None = None


NAMED = {
    "ContentType": "content_type",
    "StorageClass": "storage_class",
    "CacheControl": "cache_control",
    "ContentDisposition": "content_disposition",
    "ContentEncoding": "content_encoding",
    "ContentLanguage": "content_language",
}
"""S3's names of what an ObjectInfo keeps in the words in which it was sent, or came."""


def object_info(fields: dict[str, Any]) -> ObjectInfo:
    """Return an ObjectInfo with these fields, at least key, size, etag, metadata and checksums.

    Every get makes one, and a frozen dataclass sets its fifteen fields one by one, which takes five times as long.
    """
    info = object.__new__(ObjectInfo)
    info.__dict__.update(fields)
    return info


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a transfer has come.

    Attributes:
        key: the object's key; of many objects, of the one that has moved last.
        done: bytes that S3 has confirmed to have, or that are in the file; of many objects, of all together.
        total: bytes in all; None while that isn't known. In the end it is, and done is as many.
    """

    key: str
    done: int
    total: int | None


ProgressCallback: TypeAlias = "Callable[[Progress], object]"


@dataclass(frozen=True, slots=True)
class Prefix:
    """What list_dir() gives in the place of all keys that begin so: what a directory is in a file system.

    Attributes:
        prefix: how they begin, the delimiter included.
    """

    prefix: str


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """One version of an object, or a delete marker: in a bucket with versioning, what hides an object from its time on.

    Attributes:
        key: the object's name.
        version_id: the version; "null" for what was written while the bucket had no versioning.
        is_latest: whether it is what get() finds without a version_id: a delete marker then is a NoSuchKey.
        is_delete_marker: whether it is a delete marker: it has no bytes and no etag; deleting it, by its version_id,
            brings back the version before it.
        size: the version's length in bytes; 0 for a delete marker.
        etag: the entity tag without quotes; empty for a delete marker.
        last_modified: when it was written, with a time zone.
        storage_class: where it is kept; None for a delete marker.
    """

    key: str
    version_id: str
    is_latest: bool
    is_delete_marker: bool
    size: int = 0
    etag: str = ""
    last_modified: datetime | None = None
    storage_class: str | None = None


@dataclass(frozen=True, slots=True)
class UploadInfo:
    """A multipart upload that has begun, and was neither completed nor aborted.

    Attributes:
        key: the object that it was to become.
        upload_id: its name on the server.
        initiated: when it began, with a time zone.
    """

    key: str
    upload_id: str
    initiated: datetime


class GetResult(tuple[bytes, dict[str, str]]):  # noqa: SLOT001  # a tuple has no room for slots
    """What get() returns: the pair (data, metadata), with the object's ``info`` beside it.

    Attributes:
        info: everything else that S3 said of the object.
    """

    info: ObjectInfo

    def __new__(cls, data: bytes, info: ObjectInfo) -> Self:
        self = super().__new__(cls, (data, dict(info.metadata)))
        self.info = info
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self[0], self.info)

    @property
    def data(self) -> bytes:
        """The object's bytes: the pair's first."""
        return self[0]

    @property
    def metadata(self) -> dict[str, str]:
        """The user's own metadata: the pair's second."""
        return self[1]


@dataclass(frozen=True, slots=True)
class Result(Generic[T]):
    """The outcome of one item of a bulk call.

    Attributes:
        key: the item's key ("" where the item had none that could be read).
        index: the item's place in what was given, from 0.
        value: what the call is for: the bytes of get_many; None elsewhere.
        info: the object, where the call learns of it.
        error: why it failed, or None.
        ok: whether it succeeded.
    """

    key: str
    index: int
    value: T | None = None
    info: ObjectInfo | None = None
    error: Exception | None = None

    @property
    def ok(self) -> bool:
        """Whether the item succeeded."""
        return self.error is None


def raise_failed(results: Iterable[Result[Any]]) -> None:
    """Raise one BulkError if any of the results failed; otherwise do nothing.

    Args:
        results: what a bulk call delivered.

    Raises:
        BulkError: it holds all results, and is an ExceptionGroup of the failures.

    Example:
        >>> import s3_bucket as S3
        >>> S3.raise_failed([])
    """
    outcomes = list(results)
    if not all(result.ok for result in outcomes):
        raise BulkError("some items failed; .results has every outcome", outcomes)
