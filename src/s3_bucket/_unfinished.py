"""What an unfinished transfer leaves for the next call to go on with: as text, and what of it is still good. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from s3_bucket import _plan
from s3_bucket._encryption import Secret
from s3_bucket._store import Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from s3_bucket._store import PutOptions

T = TypeVar("T")

_MD5 = re.compile(r"[0-9a-f]{32}", re.ASCII)
_RANGE = re.compile(rb"(\d{1,20}) (\d{1,20}) ([0-9a-f]{8})")


class BegunUpload(NamedTuple):
    """A multipart upload of a file.

    Attributes:
        upload_id: its name on the server.
        checksum: how the server will keep the object's CRC32, as in Upload.
        token: by what the object is known as this upload's, if there was room for it in the metadata.
        size: the file's length in bytes.
        mtime_ns: when it was last changed.
        part_size: of all parts but the last.
        options: the digest of what goes with the object. It was fixed when the upload began, and can't be asked for.
    """

    upload_id: str
    checksum: str | None
    token: str | None
    size: int
    mtime_ns: int
    part_size: int
    options: str

    def is_same(self, other: BegunUpload) -> bool:
        """Whether the other one would make the same object of the same parts."""
        return (self.size, self.mtime_ns, self.part_size, self.options) == (
            other.size,
            other.mtime_ns,
            other.part_size,
            other.options,
        )


class BegunDownload(NamedTuple):
    """A download into a file.

    Attributes:
        endpoint_url: of the settings.
        bucket: the bucket's name.
        key: the object's key.
        version_id: the version that was asked for.
        etag: the object's, by which it is known that it is still the same.
        size: its length in bytes.
        checksums: those of the whole object: they are told to those only who ask for all of it.
    """

    endpoint_url: str | None
    bucket: str
    key: str
    version_id: str | None
    etag: str
    size: int
    checksums: Mapping[str, str]

    @property
    def source(self) -> tuple[str | None, ...]:
        """What was asked for."""
        return self.endpoint_url, self.bucket, self.key, self.version_id


class Range(NamedTuple):
    """Bytes that have arrived: from start to stop, and their CRC32."""

    start: int
    stop: int
    crc: int


def text(begun: BegunUpload | BegunDownload) -> bytes:
    """Return the line that begins a journal."""
    return json.dumps(begun._asdict()).encode() + b"\n"


def upload_of(journal: bytes) -> BegunUpload | None:
    """Return what a journal says of an upload; None if it says nothing that makes sense."""
    return _begun(BegunUpload, journal)


def download_of(journal: bytes) -> tuple[BegunDownload | None, list[Range]]:
    """Return what a journal says of a download, and what has arrived of it."""
    head, _, lines = journal.partition(b"\n")
    begun = _begun(BegunDownload, head)
    return begun, [] if begun is None else arrived(lines, begun.size)


def _begun(kind: type[T], journal: bytes) -> T | None:
    try:
        return kind(**json.loads(journal))
    except (ValueError, TypeError):  # a crash of the machine may leave anything, and another release other fields
        return None


def digest(options: PutOptions) -> str:
    """Return what stands for all that goes with an object, but for the conditions under which it appears.

    For a customer's key stands the digest of it that S3 tells everybody: here, too, nothing else is written down.
    """
    headers = {name: value for name, value in options.headers.items() if not isinstance(value, Secret)}
    given = sorted(headers.items()), sorted(options.metadata.items())
    return hashlib.sha256(json.dumps([*given, options.algorithm]).encode()).hexdigest()


# Uploads


def parts_page(answer: Mapping[str, Any], after: int, algorithm: str | None = None) -> tuple[list[Part], int | None]:
    """Return the parts that an answer to ListParts names, and after which one to ask for more, None if there are none.

    A listing that breaks off is no failure: what isn't listed is sent again.
    """
    parts = [
        Part.of(algorithm, entry["PartNumber"], entry["ETag"], entry["Size"], entry)
        for entry in answer.get("Parts", [])
        if all(entry.get(name) is not None for name in ("PartNumber", "ETag", "Size"))
    ]
    following = answer.get("NextPartNumberMarker") or 0
    return parts, following if answer.get("IsTruncated") and following > after else None


def placed(parts: Iterable[Part], size: int, part_size: int) -> list[tuple[Part, int, int]]:
    """Return those that may be parts of a file of this size, each with the place where its bytes then begin and end."""
    found = {part.number: part for part in parts}
    return [
        (found[number], start, stop)
        for number, (start, stop) in numbered(size, part_size)
        if number in found and found[number].size == stop - start
    ]


def numbered(size: int, part_size: int) -> Iterator[tuple[int, tuple[int, int]]]:
    """Return every part's number, and where its bytes begin and end."""
    return enumerate(_plan.ranges(0, size, part_size), 1)


def holds(part: Part, crc32: str, md5: str) -> bool:
    """Whether the part holds bytes that have these checksums.

    An etag is the MD5 of the bytes unless they are encrypted with a key of KMS or of the user's. Then it is made of
    something else, and, without a CRC32, what the part holds can't be known.
    """
    if part.crc32 is not None:
        return part.crc32 == crc32
    etag = part.etag.strip('"')
    return _MD5.fullmatch(etag) is not None and etag == md5


# Downloads


def range_line(arrived: Range) -> bytes:
    """Return the line of a journal that says what has arrived."""
    return b"%d %d %08x\n" % arrived


def arrived(lines: bytes, size: int) -> list[Range]:
    """Return what the lines of a journal say, in the object's order; of what overlaps, what was written last.

    A line that a crash has cut, or filled with zeros, says nothing.
    """
    starts: list[int] = []
    found: dict[int, Range] = {}
    for line in reversed(lines.split(b"\n")):
        match = _RANGE.fullmatch(line)
        each = Range(int(match[1]), int(match[2]), int(match[3], 16)) if match else Range(0, 0, 0)
        at = bisect_left(starts, each.start)
        follows = at == 0 or found[starts[at - 1]].stop <= each.start
        precedes = at == len(starts) or each.stop <= starts[at]
        if each.start < each.stop <= size and follows and precedes:
            starts.insert(at, each.start)
            found[each.start] = each
    return [found[start] for start in starts]


def missing(size: int, there: Iterable[tuple[int, int]], length: int) -> Iterator[tuple[int, int]]:
    """Cut what isn't there of so many bytes into ranges of `length`, or shorter.

    Args:
        size: how many bytes there should be.
        there: where what is there begins and ends, in order; nothing twice.
        length: of a range.
    """
    at = 0
    for start, stop in [*there, (size, size)]:
        yield from _plan.ranges(at, start, length)
        at = stop
