"""Checksums: the law of combining them, and what is compared with what."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_bucket import _sums
from s3_bucket._async import _checksums
from s3_bucket._models import ObjectInfo
from s3_bucket._store import GetRequest, Piece
from s3_bucket.exceptions import IntegrityError

if TYPE_CHECKING:
    from s3_bucket._models import Buffer

REQUEST = GetRequest("bucket", "key")
DATA = bytes(range(200))


def info(checksum: str | None, size: int = len(DATA)) -> ObjectInfo:
    """Return an object of which the server keeps this CRC32."""
    return ObjectInfo("key", size, "etag", checksums={} if checksum is None else {"CRC32": checksum})


RIGHT = _sums.text(zlib.crc32(DATA))


@given(pieces=st.lists(st.binary(max_size=300)))
def test_combined(pieces: list[bytes]) -> None:
    """The CRC32s of pieces, combined, are the CRC32 of the whole."""
    parts = [(zlib.crc32(piece), len(piece)) for piece in pieces]
    assert _checksums.combined(parts) == zlib.crc32(b"".join(pieces))


def test_combined_large() -> None:
    """Pieces of a MiB are no different from those of a few bytes."""
    piece = bytes(range(256)) * 4096
    assert _checksums.combined([(zlib.crc32(piece), len(piece))] * 16) == zlib.crc32(piece * 16)


@given(number=st.integers(0, 2**32 - 1))
def test_written(number: int) -> None:
    """What is written is read as the same number."""
    assert _checksums.number(_sums.text(number)) == number


@pytest.mark.parametrize("length", [0, 1, _checksums.QUICK, _checksums.QUICK + 1])
async def test_crc32(length: int) -> None:
    """A checksum is the same whichever thread it is computed in, and goes on from another one."""
    data = bytes(length)
    assert await _checksums.crc32(data, 5) == zlib.crc32(data, 5)


@pytest.mark.parametrize("checksum", [None, RIGHT, "AAAAAA==-3"])
async def test_nothing_to_say(checksum: str | None) -> None:
    """A right checksum, none, or one of parts, is no error."""
    await _checksums.check_piece(REQUEST, Piece(info(checksum), 0, len(DATA), memoryview(DATA)))


async def test_wrong() -> None:
    """A wrong one is an IntegrityError that names both."""
    piece = Piece(info("AAAAAA=="), 0, len(DATA), memoryview(DATA))
    with pytest.raises(IntegrityError, match=r"'key' .* AAAAAA==, .*" + RIGHT[:6]):
        await _checksums.check_piece(REQUEST, piece)


@pytest.mark.parametrize(("start", "size"), [(1, len(DATA)), (0, len(DATA) + 1)])
async def test_a_piece_of_an_object(start: int, size: int) -> None:
    """What is not the whole object can't be compared."""
    await _checksums.check_piece(REQUEST, Piece(info("AAAAAA==", size), start, start + 200, memoryview(DATA)))


@pytest.mark.parametrize(("checksum", "wrong"), [(RIGHT, False), ("AAAAAA==", True)])
async def test_running(checksum: str, *, wrong: bool) -> None:
    """Bytes that come one after another are compared with the last of them."""
    running = _checksums.Running(REQUEST, info(checksum))
    await running.passed(DATA[:50], 0)
    await running.passed(DATA[50:190], 50)
    if wrong:
        with pytest.raises(IntegrityError):
            await running.passed(DATA[190:], 190)
    else:
        await running.passed(DATA[190:], 190)


@pytest.mark.parametrize(
    ("checksum", "wrong"), [(RIGHT, False), ("AAAAAA==", True), (None, False), ("AAAAAA==-3", False)]
)
def test_scattered(checksum: str | None, *, wrong: bool) -> None:
    """Pieces that come in any order are compared together; not where the server keeps nothing to compare them with."""
    scattered = _checksums.Scattered(REQUEST, info(checksum))
    for at, until in ((150, 200), (0, 50), (50, 150)):
        scattered.passed(DATA[at:until], at)
    if wrong:
        with pytest.raises(IntegrityError):
            scattered.check()
    else:
        scattered.check()


@pytest.mark.parametrize("pieces", [[(1, 199)], [(0, 100), (150, 50)], [(0, 100), (50, 100), (101, 99)]])
async def test_jumping(pieces: list[tuple[int, int]]) -> None:
    """Bytes that don't follow one another say nothing about the whole."""
    running = _checksums.Running(REQUEST, info("AAAAAA=="))
    for at, length in pieces:
        data: Buffer = DATA[at : at + length]
        await running.passed(data, at)
