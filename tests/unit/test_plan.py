"""The arithmetic of parts and ranges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_bucket import _plan
from s3_bucket.exceptions import IntegrityError, InvalidInput

TIB = 1024**4
PART_SIZES = st.integers(_plan.MIN_PART_SIZE, _plan.MAX_PART_SIZE)


@given(start=st.integers(0, 10**6), length=st.integers(0, 10**4), step=st.integers(1, 10**4))
def test_ranges_cover_exactly_once(start: int, length: int, step: int) -> None:
    """Ranges follow each other from start to stop, all of one length but the last, which is no longer."""
    cut = list(_plan.ranges(start, start + length, step))
    assert [at for at, _ in cut] + [start + length] == [start] * (not cut) + [start] * bool(cut) + [
        until for _, until in cut
    ]
    assert {until - at for at, until in cut[:-1]} <= {step}
    assert all(0 < until - at <= step for at, until in cut)


@given(size=st.integers(0, _plan.MAX_OBJECT_SIZE), preferred=PART_SIZES)
def test_parts_of_a_known_size(size: int, preferred: int) -> None:
    """10,000 parts suffice for every size, none is too large or smaller than was preferred."""
    length = _plan.part_size_for(size, preferred)
    assert -(-size // length) <= _plan.MAX_PARTS
    assert preferred <= length <= max(preferred, _plan.MAX_PART_SIZE)


def test_known_sizes_at_the_limits() -> None:
    """The preferred size holds as long as it can; what no object can have is refused."""
    eight = _plan.DEFAULT_PART_SIZE
    assert _plan.part_size_for(0, eight) == eight
    assert _plan.part_size_for(10_000 * eight, eight) == eight
    assert _plan.part_size_for(10_000 * eight + 1, eight) == eight + _plan.MIB
    assert _plan.part_size_for(_plan.MAX_OBJECT_SIZE, eight) == _plan.MAX_PART_SIZE
    with pytest.raises(InvalidInput, match="data"):
        _plan.part_size_for(_plan.MAX_OBJECT_SIZE + 1, eight)


@given(preferred=PART_SIZES, number=st.integers(1, _plan.MAX_PARTS - 1))
def test_parts_of_a_stream(preferred: int, number: int) -> None:
    """Parts of a stream never shrink, are never too large, and the first half of them are equal."""
    length, following = (_plan.stream_part_size(each, preferred) for each in (number, number + 1))
    assert preferred <= length <= following <= _plan.MAX_PART_SIZE
    assert number > _plan.EQUAL_STREAM_PARTS or length == preferred


@pytest.mark.parametrize("preferred", [_plan.MIN_PART_SIZE, _plan.DEFAULT_PART_SIZE, _plan.MAX_PART_SIZE])
def test_a_stream_reaches_the_limit(preferred: int) -> None:
    """10,000 parts of a stream hold more than 5 TiB, whatever part size was preferred."""
    assert sum(_plan.stream_part_size(number, preferred) for number in range(1, 10_001)) > 5 * TIB


@pytest.mark.parametrize(
    ("byte_range", "header"),
    [((0, 1), "bytes=0-0"), ((5, 10), "bytes=5-9"), ((7, None), "bytes=7-"), ((-3, None), "bytes=-3")],
)
def test_range_headers(byte_range: tuple[int, int | None], header: str) -> None:
    """A half-open range is written with its last byte."""
    assert _plan.range_header(byte_range) == header


@given(
    start=st.integers(-50, 50), length=st.one_of(st.none(), st.integers(1, 60)), size=st.integers(1, 60), lie=st.data()
)
def test_the_right_answer_is_placed(start: int, length: int | None, size: int, lie: st.DataObject) -> None:
    """Exactly what a slice would give is taken; any other Content-Range is not."""
    byte_range = (start, None if start < 0 or length is None else start + length)
    positions = range(size)[byte_range[0] : byte_range[1]]
    if not positions:
        return
    first, last = positions[0], positions[-1]
    assert _plan.placed(byte_range, 206, f"bytes {first}-{last}/{size}", len(positions)) == (first, size)
    other = lie.draw(st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 99)))
    if other != (first, last, len(positions)):
        with pytest.raises(IntegrityError):
            _plan.placed(byte_range, 206, f"bytes {other[0]}-{other[1]}/{size}", other[2])


@pytest.mark.parametrize("content_range", [None, "bytes 0-4/5", "bytes 1-5/6"])
def test_a_part_is_not_the_whole(content_range: str | None) -> None:
    """Where the whole was asked for, a part of it, even if it is all of it, is not S3's answer."""
    with pytest.raises(IntegrityError, match="whole"):
        _plan.placed(None, 206, content_range, 5)


def test_the_whole_is_placed_at_the_start() -> None:
    """Where no range was asked for, the body is the object."""
    assert _plan.placed(None, 200, None, 7) == (0, 7)


@pytest.mark.parametrize("status", [200, 203, 204])
@pytest.mark.parametrize("header", ["bytes 0-4/9", None])
def test_no_partial_content(status: int, header: str | None) -> None:
    """Another status than 206 is not the range, whatever its headers say."""
    with pytest.raises(IntegrityError) as caught:
        _plan.placed((0, 5), status, header, 5)
    assert (caught.value.status, caught.value.retryable) == (status, True)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "bytes",
        "bytes */9",
        "bytes 0-4/*",
        "bytes 0-4/9 ",
        "bytes 0-4/9\n",
        "bytes -4/9",
        "items 0-4/9",
        "bytes \u0660-4/9",
    ],
)
def test_no_content_range(header: str) -> None:
    """What is no Content-Range is refused."""
    with pytest.raises(IntegrityError):
        _plan.placed((0, 5), 206, header, 5)
