"""Progress: counted exactly, told in order, and ended by what the callback raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_bucket import _progress
from s3_bucket._models import Progress
from s3_bucket.exceptions import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

COUNTS = st.lists(st.integers(0, 1000), max_size=20)


@given(counts=COUNTS)
def test_known_total(counts: Sequence[int]) -> None:
    """Of what is known to be so long, nothing is told twice, the total never changes, and the end is all of it."""
    told: list[Progress] = []
    meter = _progress.Meter(told.append, "key")
    meter.begin(sum(counts))
    for count in counts:
        meter.moved(count)
    meter.end()
    assert [progress.done for progress in told] == sorted({progress.done for progress in told})
    assert {(progress.key, progress.total) for progress in told} == {("key", sum(counts))}
    assert (told[0].done, told[-1].done) == (0, sum(counts))


@given(counts=COUNTS)
def test_unknown_total(counts: Sequence[int]) -> None:
    """Of what nobody knows the length of, the total is told at the end."""
    told: list[Progress] = []
    meter = _progress.Meter(told.append, "key")
    meter.begin(None)
    for count in counts:
        meter.moved(count)
    meter.end()
    assert {progress.total for progress in told[:-1]} == {None}
    assert told[-1] == Progress("key", sum(counts), sum(counts))


def test_nobody_wants_to_know() -> None:
    """Without a callback, nothing happens."""
    meter = _progress.Meter(None, "key")
    meter.begin(5)
    meter.moved(5)
    meter.end()
    assert _progress.Job(None).of("key") is None


def test_many_objects() -> None:
    """The bytes of all objects of a job are added up, whoever moves in between."""
    told: list[Progress] = []
    job = _progress.Job(told.append, 30)
    one, two = (_progress.Meter(job.of(key), key) for key in ("one", "two"))
    for meter, total in ((one, 10), (two, 20)):
        meter.begin(total)
    one.moved(4)
    two.moved(20)
    one.moved(6)
    assert told == [Progress("one", 4, 30), Progress("two", 24, 30), Progress("one", 30, 30)]
    assert job.failure is None


def test_what_the_callback_of_many_raises() -> None:
    """What the callback raises comes out of the transfer, and the job knows it."""

    def callback(progress: Progress) -> None:
        raise RuntimeError(progress.key)

    job = _progress.Job(callback)
    meter = _progress.Meter(job.of("key"), "key")
    meter.begin(5)
    with pytest.raises(RuntimeError, match="key") as caught:
        meter.moved(5)
    assert job.failure is caught.value
    other = _progress.Meter(job.of("other"), "other")
    with pytest.raises(RuntimeError) as again:
        other.moved(1)
    assert again.value is caught.value


async def awaited(progress: Progress) -> None:
    """Would have to be awaited."""


@pytest.mark.parametrize("callback", [5, "print", awaited])
def test_no_callback(callback: Any) -> None:
    """What can't be called, or would have to be awaited, is refused."""
    with pytest.raises(InvalidInput, match=r"^progress: "):
        _progress.checked(callback)
    assert _progress.checked(print) is print  # type: ignore[comparison-overlap]
    assert _progress.checked(None) is None
