"""Checksums, as S3 writes them: of bytes, of bytes that come in pieces, and compared with what the server keeps."""

from __future__ import annotations

import asyncio
import base64
import zlib
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

from s3_bucket import _sums
from s3_bucket._async import _errors
from s3_bucket._async._errors import Target
from s3_bucket.exceptions import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from s3_bucket._models import Buffer, ObjectInfo
    from s3_bucket._store import GetRequest, Piece, PutOptions
    from s3_bucket._sums import Sum
    from s3_bucket.exceptions import BucketException

T = TypeVar("T")

QUICK = 1024 * 1024
"""Bytes whose checksum takes less time than going to another thread for it."""
_POLYNOMIAL = 0xEDB88320
"""CRC-32 (ISO 3309), reflected."""


async def summed(function: Callable[..., T], data: Buffer, *more: Any) -> T:
    """Return what a checksum's function makes of the bytes; in another thread, where there are many."""
    if len(data) <= QUICK:
        return function(data, *more)
    return await asyncio.to_thread(function, data, *more)


async def crc32(data: Buffer, before: int = 0) -> int:
    """Return the CRC32 of the bytes, which follow on those of which `before` is the CRC32."""
    return await summed(zlib.crc32, data, before)


async def of(algorithm: str, data: Buffer) -> str:
    """Return a checksum of the bytes."""
    return await summed(partial(_sums.of, algorithm), data)


def number(written: str) -> int:
    """Return the CRC32 that S3 wrote so."""
    return int.from_bytes(base64.b64decode(written), "big")


def combined(pieces: Iterable[tuple[int, int]]) -> int:
    """Return the CRC32 of bytes that lie one after another, from (CRC32, length) of each piece.

    A CRC is linear: what `length` zero bytes after it make of it is a matrix over GF(2), here a column for each bit
    (zlib's crc32_combine, which Python doesn't offer).
    """
    whole = 0
    for crc, length in pieces:
        whole = _applied(_zeros(length), whole) ^ crc
    return whole


@lru_cache(maxsize=32)
def _zeros(length: int) -> tuple[int, ...]:
    """Return the matrix of so many zero bytes: that of one, squared and multiplied as the bits of the length say."""
    power = (_POLYNOMIAL, *(1 << bit for bit in range(31)))  # one zero bit
    for _ in range(3):
        power = _product(power, power)
    matrix = tuple(1 << bit for bit in range(32))
    while length:
        if length & 1:
            matrix = _product(power, matrix)
        power = _product(power, power)
        length >>= 1
    return matrix


def _product(after: tuple[int, ...], before: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(_applied(after, column) for column in before)


def _applied(matrix: tuple[int, ...], vector: int) -> int:
    result = 0
    for column in matrix:
        if vector & 1:
            result ^= column
        vector >>= 1
    return result


def kept(info: ObjectInfo) -> str | None:
    """Return the CRC32 of the whole object, if the server keeps it; one of parts ("...-3") is none."""
    checksum = info.checksums.get("CRC32", "-")
    return None if "-" in checksum else checksum


def compare(request: GetRequest, info: ObjectInfo, crc: int) -> None:
    """Raise IntegrityError if what came has another CRC32 than the server keeps."""
    if kept(info) not in {None, _sums.text(crc)}:
        raise _different(request, info, "CRC32", _sums.text(crc))


def _different(request: GetRequest, info: ObjectInfo, algorithm: str, came: str) -> BucketException:
    target = Target("GetObject", request.bucket, request.key)
    place, named = _errors.where(target), info.checksums[algorithm]
    msg = f"the {algorithm} of {place} is {named}, what arrived has {came}; nothing was kept"
    return _errors.make(IntegrityError, target, msg, retryable=True)


def expecting(options: PutOptions) -> Sum | None:
    """Return what makes the checksum that was said of the data, if one was."""
    return None if options.expected is None or options.algorithm is None else _sums.running(options.algorithm)


def expect(bucket: str, key: str, options: PutOptions, made: Sum) -> None:
    """Raise IntegrityError if what is to be stored has another checksum than was said."""
    came = made.text()
    if came != options.expected:
        target = Target("PutObject", bucket, key)
        place, algorithm = _errors.where(target), options.algorithm
        msg = (
            f"the {algorithm} of what was to be stored as {place} is {came}, not {options.expected}; nothing was stored"
        )
        raise _errors.make(IntegrityError, target, msg)


class Running:
    """The CRC32 of an object whose bytes come one after another; of one that is read here and there, none is known."""

    def __init__(self, request: GetRequest, info: ObjectInfo) -> None:
        self._request = request
        self._info = info
        self._crc = 0
        self._at = 0

    async def passed(self, data: Buffer, at: int) -> None:
        """Note the bytes at this position; raise IntegrityError if the object ends with them and is another one."""
        if kept(self._info) is None or at != self._at:
            return
        self._crc, self._at = await crc32(data, self._crc), at + len(data)
        if self._at == self._info.size:
            compare(self._request, self._info, self._crc)


class Scattered:
    """The CRC32 of an object whose pieces come in any order, in worker threads."""

    def __init__(self, request: GetRequest, info: ObjectInfo) -> None:
        self._request = request
        self._info = info
        self._pieces: dict[int, tuple[int, int]] = {}
        self.is_wanted = kept(info) is not None
        """Whether there is one to compare it with."""

    def passed(self, data: Buffer, at: int) -> None:
        """Note the bytes at this position."""
        self._pieces[at] = zlib.crc32(data), len(data)

    def check(self) -> None:
        """Raise IntegrityError if all that has come is another object than the server keeps."""
        if self.is_wanted:
            compare(self._request, self._info, combined(self._pieces[at] for at in sorted(self._pieces)))


async def check_piece(request: GetRequest, piece: Piece) -> None:
    """Compare a piece that is the whole object."""
    if piece.start != 0 or len(piece.data) != piece.info.size:
        return
    if kept(piece.info) is not None:
        compare(request, piece.info, await crc32(piece.data))
    for algorithm in _sums.SHAS & piece.info.checksums.keys():
        came = await of(algorithm, piece.data)
        if piece.info.checksums[algorithm] != came and "-" not in piece.info.checksums[algorithm]:  # that of parts
            raise _different(request, piece.info, algorithm, came)
