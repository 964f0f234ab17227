"""What etags and checksums say of contents."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_bucket import _plan
from s3_bucket._directories import _contents
from s3_bucket._directories._contents import Etag
from s3_bucket._plan import MIB


def md5(data: bytes) -> Any:
    """Return the MD5 of some bytes."""
    return hashlib.md5(data, usedforsecurity=False)


def etag_of(data: bytes, part_size: int) -> str:
    """Return the etag that S3 gives an object of such parts."""
    parts = [data[at : at + part_size] for at in range(0, len(data), part_size)]
    return f"{md5(b''.join(md5(part).digest() for part in parts)).hexdigest()}-{len(parts)}"


@given(st.binary(min_size=1, max_size=200), st.integers(1, 60), st.lists(st.integers(1, 50)))
def test_etags(data: bytes, part_size: int, cuts: list[int]) -> None:
    """However bytes come, the etag is S3's: of one piece, and of parts."""
    whole, parts = Etag(len(data), in_parts=False), Etag(part_size, in_parts=True)
    at = 0
    for cut in [*cuts, len(data)]:
        for each in (whole, parts):
            each.update(data[at : at + cut])
        at += cut
    assert whole.text() == md5(data).hexdigest()
    assert parts.text() == etag_of(data, part_size)


def test_more_bytes_than_the_object_has() -> None:
    """A file that has grown is not taken for the object that it begins with."""
    whole = Etag(3, in_parts=False)
    whole.update(b"abcdef!")
    assert whole.text() != md5(b"abc").hexdigest()


MD5 = "0" * 32


@pytest.mark.parametrize(
    ("etag", "size", "expected"),
    [
        (MD5, 5, [5]),
        (f"{MD5}-1", 5, [5, MIB, *(mib * MIB for mib in (5, 8))]),
        (f"{MD5}-3", 20 * MIB, [-(-20 * MIB // 3), 7 * MIB, 8 * MIB]),
        (f"{MD5}-3", 3 * 7_000_000, [7_000_000, 7 * MIB, 8 * MIB]),
        (f"{MD5}-2", 8 * MIB + 1, [4 * MIB + 1, 5 * MIB, 8 * MIB]),
        ("opaque", 5, []),
        (MD5.upper().replace("0", "A"), 5, []),
        (f"{MD5}-0", 5, []),
        (f"{MD5}-7", 5, []),
    ],
)
def test_part_sizes(etag: str, size: int, expected: list[int]) -> None:
    """Tried are the part sizes that give so many parts: the usual ones, our own, and equal ones; of no MD5, none."""
    tried = _contents.part_sizes(etag, size, 8 * MIB)
    assert [each for each in tried if each in expected] == expected
    count = int(etag.partition("-")[2] or 1) if expected else 0
    assert all(-(-size // each) == count for each in tried)


@given(st.integers(1, _plan.MAX_OBJECT_SIZE), st.integers(5, 5_000))
def test_own_parts_are_tried(size: int, mib: int) -> None:
    """Of whatever size an object of ours is, the length of its parts is among those that are tried."""
    length = _plan.part_size_for(size, mib * MIB)
    assert length in _contents.part_sizes(f"{MD5}-{-(-size // length)}", size, mib * MIB)


DATA = b"some data"
CRC32 = base64.b64encode(zlib.crc32(DATA).to_bytes(4, "big")).decode()
SHA1 = base64.b64encode(hashlib.sha1(DATA, usedforsecurity=False).digest()).decode()
SHA256 = base64.b64encode(hashlib.sha256(DATA).digest()).decode()


@pytest.mark.parametrize(
    "answer",
    [
        {"ChecksumCRC32": CRC32, "ChecksumType": "FULL_OBJECT"},
        {"ChecksumCRC32": CRC32},
        {"ChecksumSHA256": SHA256},
        {"ChecksumSHA1": SHA1},
        {"ChecksumCRC32": None, "ChecksumSHA1": SHA1},
        {"ChecksumCRC64NVME": "other", "ChecksumSHA256": SHA256},
    ],
)
def test_checksums(answer: dict[str, str]) -> None:
    """A checksum of the whole object is made of the same bytes as S3 makes it."""
    found = _contents.checksum(answer)
    assert found is not None
    made, expected = found
    made.update(DATA[:3])
    made.update(DATA[3:])
    assert made.text() == expected


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"ChecksumCRC64NVME": "AAAAAAAAAAA="},
        {"ChecksumCRC32": CRC32 + "-2"},
        {"ChecksumCRC32": CRC32, "ChecksumType": "COMPOSITE"},
    ],
)
def test_no_checksum(answer: dict[str, str]) -> None:
    """One of the parts, or of another kind, says nothing of the whole."""
    assert _contents.checksum(answer) is None
