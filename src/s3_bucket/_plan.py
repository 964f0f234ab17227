"""S3's limits, and the arithmetic of parts and ranges. Pure: tested without a server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from s3_bucket.exceptions import IntegrityError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s3_bucket._models import ByteRange

MIB = 1024 * 1024

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
MIN_PART_SIZE = 5 * MIB
"""S3 refuses a smaller part, but for the last."""
MAX_PART_SIZE = 5 * 1024 * MIB
"""S3 refuses a larger part."""
MAX_PARTS = 10_000
"""S3 refuses a higher part number."""
MAX_OBJECT_SIZE = MAX_PARTS * MAX_PART_SIZE
"""48.8 TiB: the most that a multipart upload can hold, and S3's limit for an object since December 2025."""
MAX_COPY_SIZE = 5 * 1024 * MIB
"""CopyObject refuses a longer object: it is copied in parts."""
COPY_PART_SIZE = 256 * MIB
"""So long are the parts of such a copy at least: no bytes of them come here, and each costs a request."""
MAX_PAGE_KEYS = 1_000
"""S3 lists no more keys to a page, and deletes no more in one request."""

MAX_METADATA_BYTES = 2_048
"""S3 takes no longer names and values, together."""

DEFAULT_PART_SIZE = 8 * MIB
CHUNK_SIZE = MIB
"""The length of a reader's chunks."""

EQUAL_STREAM_PARTS = 5_000
"""So many parts of a stream of unknown length are equal anyway (40 GB of 8 MiB parts), as some vendors require."""
STREAM_PARTS_A_STEP = 490
"""After those, the part size doubles every so many parts, so that 10,000 parts hold more than 5 TiB."""

_PARTIAL = 206
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)", re.ASCII)


def part_size_for(size: int, preferred: int) -> int:
    """Return the size of every part but the last of an object of known size: 10,000 of them must suffice."""
    if size > MAX_OBJECT_SIZE:
        msg = f"data: {size} bytes are more than the {MAX_OBJECT_SIZE} that an S3 object can have"
        raise InvalidInput(msg, argument="data")
    needed = -(-size // MAX_PARTS)
    return max(preferred, -(-needed // MIB) * MIB)


def stream_part_size(number: int, preferred: int, *, equal: bool = False) -> int:
    """Return the size of part `number` (from 1) of a stream whose length nobody knows; of all, if they must be equal.

    What doesn't fit into 10,000 equal parts is refused then, when it has come to that.
    """
    if equal:
        return preferred
    steps = max(0, number - 1 - EQUAL_STREAM_PARTS) // STREAM_PARTS_A_STEP + (number > EQUAL_STREAM_PARTS)
    return min(preferred << steps, MAX_PART_SIZE)


def ranges(start: int, stop: int, length: int) -> Iterator[tuple[int, int]]:
    """Cut the bytes from start to stop into half-open ranges of `length`, the last one shorter."""
    for at in range(start, stop, length):
        yield at, min(at + length, stop)


def range_header(byte_range: ByteRange) -> str:
    """Return the Range header for a half-open range (RFC 9110, 14.1.2), whose end is inclusive."""
    start, stop = byte_range
    if start < 0:
        return f"bytes={start}"
    return f"bytes={start}-{'' if stop is None else stop - 1}"


def placed(byte_range: ByteRange | None, status: int, content_range: str | None, length: int) -> tuple[int, int]:
    """Say where in the object the body of an answer lies: (its first byte's position, the object's size).

    Raises:
        IntegrityError: the answer is not the range that was asked for. A server or proxy that ignores Range, or
            answers another one, would otherwise put the wrong bytes into the right place.
    """
    if byte_range is None:
        if status == _PARTIAL:
            msg = f"asked for the whole object, but a part of it, {content_range!r}, came"
            raise IntegrityError(msg, status=status, retryable=True)
        return 0, length
    match = _CONTENT_RANGE.fullmatch(content_range or "")
    if status != _PARTIAL or match is None:
        msg = f"asked for {range_header(byte_range)}, but status {status} with Content-Range {content_range!r} came"
        raise IntegrityError(msg, status=status, retryable=True)
    first, last, size = (int(number) for number in match.groups())
    if (first, last + 1) != _expected(byte_range, size) or last + 1 - first != length:
        msg = f"asked for {range_header(byte_range)}, but {content_range!r} with {length} bytes came"
        raise IntegrityError(msg, status=status, retryable=True)
    return first, size


def range_length(content_range: str | None) -> int | None:
    """Return how many bytes a Content-Range announces, if there is one."""
    match = _CONTENT_RANGE.fullmatch(content_range or "")
    return None if match is None else int(match[2]) + 1 - int(match[1])


def _expected(byte_range: ByteRange, size: int) -> tuple[int, int]:
    start, stop = byte_range
    if start < 0:
        return max(0, size + start), size
    return start, size if stop is None else min(stop, size)
