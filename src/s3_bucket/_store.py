"""The seam: everything above asks an ObjectStore, everything below is one.

An ObjectStore makes exactly one attempt for each call and says by a BucketException how it failed; who retries,
and how many requests there are at a time, is decided above (see _async/_retry.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from s3_bucket._models import Buffer, ByteRange, ObjectInfo, UploadInfo
    from s3_bucket.exceptions import BucketException

NOTHING: Mapping[str, str] = {}


class GetRequest(NamedTuple):
    """Which object, or which bytes of it, under which conditions."""

    bucket: str
    key: str
    range: ByteRange | None = None
    version_id: str | None = None
    if_match: str | None = None
    if_none_match: str | None = None
    response_content_type: str | None = None
    checksums: bool = False
    """Whether HEAD is to tell the checksums that the server keeps, too (of an object under a KMS key, that takes the
    permission to decrypt it)."""
    customer: Mapping[str, str] | None = None
    """The parameters that carry the customer's key with which the object is encrypted."""
    bypass_governance: bool = False
    """Whether to delete it though it is locked, where the permissions allow that."""

    def pinned(self, info: ObjectInfo, byte_range: ByteRange | None = None) -> GetRequest:
        """Return the request for this range of the same version as an answer was of."""
        version_id = self.version_id or info.version_id
        return self._replace(range=byte_range, version_id=version_id, if_match=info.etag, if_none_match=None)


class Piece(NamedTuple):
    """Bytes of an object that have arrived.

    Attributes:
        info: the object; its size is the whole object's.
        start: the position in the object of the first byte that arrived.
        stop: where the answer's body ends; more than arrived, if the buffer held less.
        data: the buffer that was filled.
    """

    info: ObjectInfo
    start: int
    stop: int
    data: memoryview


Allocate: TypeAlias = "Callable[[int], memoryview]"
"""Given the length of the body, returns the buffer for it. Of a longer body than that, no more is received."""


class Arrival:
    """Bytes of an object on their way into a buffer: what has come before a failure is not lost with it.

    Attributes:
        piece: what is coming, from when the head of the answer has been read.
        filled: how many bytes have come.
    """

    def __init__(self, allocate: Allocate) -> None:
        self._allocate = allocate
        self.piece: Piece | None = None
        self.filled = 0

    def begin(self, info: ObjectInfo, start: int, stop: int) -> memoryview:
        """Note what the head of the answer says; return the buffer for the body."""
        self.piece = Piece(info, start, stop, self._allocate(stop - start))
        return self.piece.data

    def whole(self) -> Piece:
        """Return what has come."""
        if self.piece is None:
            msg = "the store has put nothing into the arrival"
            raise RuntimeError(msg)
        return self.piece


class PutOptions(NamedTuple):
    """What goes with the bytes of an object that is written."""

    headers: Mapping[str, str] = NOTHING
    """By PutObject's parameter names: ContentType, CacheControl, StorageClass, Tagging, ..."""
    metadata: Mapping[str, str] = NOTHING
    if_match: str | None = None
    if_absent: bool = False
    algorithm: str | None = None
    """The checksum that S3 is to compare and to keep: "CRC32", "SHA1" or "SHA256"; None for what is usual there."""
    expected: str | None = None
    """What it must be for all of the data, in base64."""


class CopyRequest(NamedTuple):
    """What to copy where, and what the copy is to have of its own.

    Attributes:
        source: the object that is copied.
        bucket: where the copy goes.
        key: its key.
        given: what goes with the copy instead of what goes with the source; and the conditions for the copy's key.
        keeps_metadata: whether the copy has the source's metadata.
        tags: the copy's tags; None for the source's.
    """

    source: GetRequest
    bucket: str
    key: str
    given: PutOptions
    keeps_metadata: bool = True
    tags: Mapping[str, str] | None = None

    @property
    def is_onto_itself(self) -> bool:
        """Whether the copy takes the source's place."""
        return (self.source.bucket, self.source.key) == (self.bucket, self.key)


class Written(NamedTuple):
    """What S3 said of an object that it has stored."""

    etag: str
    version_id: str | None = None
    checksums: Mapping[str, str] = NOTHING
    encryption: str | None = None


WRITE_TOKEN = "s3-bucket-token"  # noqa: S105  # no secret: it tells our own writes from others'
"""The metadata of a conditional write by which it is known again. Users don't see it."""


class Stored(NamedTuple):
    """What is stored under a key now, as far as it tells whose write it was."""

    written: Written
    size: int
    token: str | None


class Upload(NamedTuple):
    """A multipart upload that has begun.

    Attributes:
        checksum: how the server will keep the checksum of the object: "FULL_OBJECT", "COMPOSITE", None for not at all.
        algorithm: of that checksum, where another one than the usual CRC32 was asked for.
        encryption: how the server has said that it encrypts the object.
        customer: the parameters that carry the customer's key for that, which every part needs again.
    """

    bucket: str
    key: str
    upload_id: str
    checksum: str | None = None
    encryption: str | None = None
    customer: Mapping[str, str] = NOTHING
    algorithm: str | None = None


class Part(NamedTuple):
    """A part that S3 has stored, as CompleteMultipartUpload wants it named.

    Attributes:
        checksum: by the upload's own algorithm, if it has one.
    """

    number: int
    etag: str
    size: int = 0
    crc32: str | None = None
    checksum: str | None = None

    @classmethod
    def of(cls, algorithm: str | None, number: int, etag: str, size: int, told: Mapping[str, Any]) -> Part:
        """Return the part of an upload by this algorithm, of which these parameters of S3's tell the checksums."""
        return cls(number, etag, size, told.get("ChecksumCRC32"), told.get(f"Checksum{algorithm}"))


class ListRequest(NamedTuple):
    """Which keys to list."""

    bucket: str
    prefix: str = ""
    start_after: str | None = None
    limit: int | None = None
    delimiter: str | None = None


class Page(NamedTuple):
    """A page of a listing; `token` asks for the next one, None if there is none.

    With a delimiter, `prefixes` stand for the keys that have one after the prefix that was asked for.
    """

    objects: Sequence[ObjectInfo]
    token: str | None
    prefixes: Sequence[str] = ()


class UploadsPage(NamedTuple):
    """A page of the multipart uploads that have begun and not ended.

    Attributes:
        uploads: those that say when they began.
        now: what time it is at the server.
        after: asks for the next page: (key, upload id) of the last one, None if there is none.
    """

    uploads: Sequence[UploadInfo]
    now: datetime
    after: tuple[str, str] | None


Condition: TypeAlias = "Sequence[str | int]"
"""Of a form's policy: how it compares, which field, and with what."""


class PresignRequest(NamedTuple):
    """What is to be signed for somebody who has no credentials.

    Attributes:
        operation: "GetObject", "PutObject" or "PostObject".
        expires_in: seconds.
        parameters: by GetObject's parameter names.
        options: what goes with an object that is written.
        fields: of a form, besides what `options` makes.
        conditions: of a form, on the fields that it leaves open, and on the size.
    """

    operation: str
    bucket: str
    key: str
    expires_in: int
    parameters: Mapping[str, str] = NOTHING
    options: PutOptions = PutOptions()
    fields: Mapping[str, str] = NOTHING
    conditions: Sequence[Condition] = ()


@dataclass(frozen=True, slots=True)
class Presigned:
    """What was signed; no repr of it shows that.

    Attributes:
        expires: when it ends, in UTC.
        headers: those that must be sent with it.
        fields: of a form.
    """

    url: str = field(repr=False)
    expires: datetime
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    fields: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


class ObjectStore(Protocol):
    """The operations of S3 that everything else is made of."""

    async def get(self, request: GetRequest, arrival: Arrival) -> None:
        """Receive into the arrival, until its buffer is full."""
        ...

    async def head(self, request: GetRequest) -> ObjectInfo: ...

    async def stored(self, bucket: str, key: str, customer: Mapping[str, str] | None = None) -> Stored:
        """Ask HEAD for what a write left behind."""
        ...

    async def put(self, bucket: str, key: str, body: Buffer, options: PutOptions) -> Written: ...

    async def delete(self, request: GetRequest) -> None: ...

    async def delete_batch(self, bucket: str, keys: Sequence[str]) -> Mapping[str, BucketException]:
        """Delete up to 1,000 keys; return the errors of those that failed."""
        ...

    async def list_page(self, request: ListRequest, token: str | None, max_keys: int) -> Page: ...

    async def create_upload(self, bucket: str, key: str, options: PutOptions) -> Upload: ...

    async def upload_part(self, upload: Upload, number: int, body: Buffer) -> Part: ...

    async def complete_upload(self, upload: Upload, parts: Sequence[Part], options: PutOptions) -> Written: ...

    async def abort_upload(self, upload: Upload) -> None: ...

    async def list_uploads(self, bucket: str, prefix: str, after: tuple[str, str] | None) -> UploadsPage: ...

    async def head_bucket(self, bucket: str) -> None: ...

    async def create_bucket(self, bucket: str) -> None: ...

    async def presign(self, request: PresignRequest) -> Presigned:
        """Sign for somebody else; nothing is sent."""
        ...

    async def call(self, bucket: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]: ...

    async def aclose(self) -> None: ...
