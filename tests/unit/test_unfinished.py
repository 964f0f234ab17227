"""What an unfinished transfer leaves: read back as it was written, or not at all; what is missing, exactly."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_bucket import _plan, _unfinished
from s3_bucket._encryption import SSE
from s3_bucket._store import Part, PutOptions
from s3_bucket._unfinished import BegunDownload, BegunUpload, Range

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZE = 1000
TEXTS = st.text(max_size=10)
NUMBERS = st.integers(0, 2**60)
UPLOADS = st.builds(BegunUpload, TEXTS, st.none() | TEXTS, st.none() | TEXTS, NUMBERS, NUMBERS, NUMBERS, TEXTS)
CHECKSUMS = st.dictionaries(TEXTS, TEXTS)
DOWNLOADS = st.builds(BegunDownload, st.none() | TEXTS, TEXTS, TEXTS, st.none() | TEXTS, TEXTS, NUMBERS, CHECKSUMS)
RANGES = st.builds(
    lambda start, length, crc: Range(start, start + length, crc), NUMBERS, NUMBERS, st.integers(0, 2**32 - 1)
)
CUTS = st.sets(st.integers(0, SIZE)).map(sorted)


@given(begun=UPLOADS)
def test_uploads(begun: BegunUpload) -> None:
    """What is noted of an upload is read back; a note that a crash has cut says nothing."""
    text = _unfinished.text(begun)
    assert _unfinished.upload_of(text) == begun
    assert _unfinished.upload_of(text[:-2]) is None
    assert _unfinished.upload_of(bytes(len(text))) is None


@given(begun=DOWNLOADS, cuts=CUTS)
def test_downloads(begun: BegunDownload, cuts: Sequence[int]) -> None:
    """What is noted of a download is read back, with all that has arrived."""
    begun = begun._replace(size=SIZE)
    ranges = [Range(start, stop, start) for start, stop in pairwise(cuts)]
    journal = _unfinished.text(begun) + b"".join(map(_unfinished.range_line, reversed(ranges)))
    assert _unfinished.download_of(journal) == (begun, ranges)


@given(journal=st.binary() | st.text().map(str.encode))
def test_anything(journal: bytes) -> None:
    """Whatever stands in a journal instead is no note, and no failure."""
    assert _unfinished.upload_of(journal) is None
    assert _unfinished.download_of(journal) == (None, [])


@pytest.mark.parametrize("other", [b"[]", b"{}", b'{"upload_id": "a"}', b'"text"', b"\xff", b"5"])
def test_other_notes(other: bytes) -> None:
    """JSON that is no note, or another release's, is none."""
    assert _unfinished.upload_of(other) is None


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        ({"upload_id": "2", "checksum": "COMPOSITE", "token": "2"}, True),
        ({"size": 2}, False),
        ({"mtime_ns": 2}, False),
        ({"part_size": 2}, False),
        ({"options": "2"}, False),
    ],
)
def test_same_uploads(change: dict[str, Any], *, is_same: bool) -> None:
    """An upload is the same if it would make the same object of the same parts."""
    begun = BegunUpload("1", None, "1", 1, 1, 1, "1")
    assert begun._replace(**change).is_same(begun) is is_same


def test_digest_of_a_secret() -> None:
    """Of a customer's key, the digest that S3 tells everybody says which one it is: the key itself is in no digest."""
    mine, another = (SSE.c(letter * 32).parameters for letter in (b"a", b"b"))
    assert _unfinished.digest(PutOptions(mine)) != _unfinished.digest(PutOptions(another))
    without = {name: value for name, value in mine.items() if name != "SSECustomerKey"}
    assert _unfinished.digest(PutOptions(mine)) == _unfinished.digest(PutOptions(without))


def test_digest() -> None:
    """What goes with an object is told apart by name and value, in any order; conditions aren't looked at."""
    options = PutOptions({"a": "1", "b": "2"}, {"c": "3"})
    same = PutOptions({"b": "2", "a": "1"}, {"c": "3"}, if_absent=True)
    assert _unfinished.digest(options) == _unfinished.digest(same)
    others = [
        PutOptions({"a": "1"}),
        PutOptions({}, {"a": "1"}),
        PutOptions({"a": "2"}),
        PutOptions({"a1": ""}),
        options,
    ]
    assert len({_unfinished.digest(other) for other in others}) == len(others)


# Parts


@pytest.mark.parametrize(
    ("answer", "after"),
    [
        ({}, None),
        ({"IsTruncated": False, "NextPartNumberMarker": 9}, None),
        ({"IsTruncated": True, "NextPartNumberMarker": 9}, 9),
        ({"IsTruncated": True, "NextPartNumberMarker": 5}, None),
        ({"IsTruncated": True}, None),
    ],
)
def test_pages(answer: dict[str, Any], after: int | None) -> None:
    """A listing goes on as long as it leads on."""
    assert _unfinished.parts_page(answer, 5) == ([], after)


def test_parts_of_a_page() -> None:
    """A part that the server doesn't describe as S3 does isn't there."""
    whole = {"PartNumber": 1, "ETag": '"a"', "Size": 0}
    entries = [{**whole, "ChecksumCRC32": "AAAAAA=="}, whole, {"PartNumber": 1}, {**whole, "Size": None}, {}]
    parts, _ = _unfinished.parts_page({"Parts": entries}, 0)
    assert parts == [Part(1, '"a"', 0, "AAAAAA=="), Part(1, '"a"', 0)]


@given(size=st.integers(0, 200), part_size=st.integers(1, 50), sizes=st.dictionaries(st.integers(0, 300), NUMBERS))
def test_places(size: int, part_size: int, sizes: dict[int, int]) -> None:
    """Those parts are taken that are as long as the file's part of that number, each with its place."""
    cut = list(_plan.ranges(0, size, part_size))
    right = {number: stop - start for number, (start, stop) in enumerate(cut, 1) if number % 2}
    parts = [Part(number, "etag", length) for number, length in {**sizes, **right}.items()]
    placed = _unfinished.placed(parts, size, part_size)
    assert right.keys() <= {part.number for part, _, _ in placed}
    assert all(cut[part.number - 1] == (start, stop) for part, start, stop in placed)
    assert all(part.size == stop - start for part, start, stop in placed)


MD5 = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("part", "holds"),
    [
        (Part(1, f'"{MD5}"', 1), True),
        (Part(1, MD5, 1), True),
        (Part(1, MD5[::-1], 1), False),
        (Part(1, "of KMS", 1), False),
        (Part(1, "of KMS", 1, "crc"), True),
        (Part(1, MD5, 1, "other"), False),
    ],
)
def test_what_a_part_holds(part: Part, *, holds: bool) -> None:
    """A part holds what its CRC32 says, or its etag, if that is an MD5."""
    assert _unfinished.holds(part, "crc", MD5) is holds


def test_an_etag_that_only_looks_equal() -> None:
    """An etag that is no MD5 says nothing, whatever the bytes' MD5 is."""
    assert not _unfinished.holds(Part(1, "short", 1), "crc", "short")


# Ranges


@given(lines=st.lists(RANGES), size=st.integers(0, 2**62))
def test_what_has_arrived(lines: Sequence[Range], size: int) -> None:
    """Of any lines, what is taken lies inside the object, in its order, and nothing twice; the last line always is."""
    found = _unfinished.arrived(b"".join(map(_unfinished.range_line, lines)), size)
    ends = [at for each in found for at in (each.start, each.stop)]
    assert ends == sorted(ends)
    assert all(0 <= each.start < each.stop <= size for each in found)
    assert set(found) <= set(lines)
    if lines and lines[-1].start < lines[-1].stop <= size:
        assert lines[-1] in found


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (b"", []),
        (b"0 5 0000000a\n5 9 0000000b\n", [Range(0, 5, 10), Range(5, 9, 11)]),
        (b"0 5 0000000a\n5 9 0000", [Range(0, 5, 10)]),
        (b"0 5 0000000a\n\0\0\0\0\n5 9 0000000b\n", [Range(0, 5, 10), Range(5, 9, 11)]),
        (b"0 5 0000000a\n4 9 0000000b\n", [Range(4, 9, 11)]),
        (b"0 5 0000000a\n0 5 0000000b\n", [Range(0, 5, 11)]),
        (b"4 9 0000000a\n0 5 0000000b\n", [Range(0, 5, 11)]),
        (b"0 11 0000000a\n5 5 0000000a\n6 5 0000000a\n-1 5 0000000a\n", []),
    ],
)
def test_lines(lines: bytes, found: list[Range]) -> None:
    """What was written last is what holds; what makes no sense is left out."""
    assert _unfinished.arrived(lines, 10) == found


@given(cuts=CUTS, size=st.integers(0, SIZE), length=st.integers(1, 300))
def test_what_is_missing(cuts: Sequence[int], size: int, length: int) -> None:
    """What is there and what is missing make the whole, nothing twice, in ranges that are not too long."""
    ends = [cut for cut in cuts if cut <= size]
    there = list(zip(ends[::2], ends[1::2], strict=False))
    missing = list(_unfinished.missing(size, there, length))
    assert all(stop - start <= length for start, stop in missing)
    assert [at for start, stop in sorted([*there, *missing]) for at in range(start, stop)] == list(range(size))
