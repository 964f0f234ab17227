"""A packed sequence is a sequence, and small."""

from __future__ import annotations

import pickle

import pytest

from s3_bucket._directories._outcomes import DirReport, Outcomes
from s3_bucket._directories._packed import BLOCK, Packed
from s3_bucket._directories._tree import Unplanned
from s3_bucket._models import Result
from s3_bucket.exceptions import BulkError, NoSuchKey


@pytest.mark.parametrize("count", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK])
def test_sequence(count: int) -> None:
    """What was added comes back, by number, slice and iteration, however much there is."""
    packed = Packed(Unplanned)
    for number in range(count):
        packed.add(f"path/{number}", "é\udcff")
    expected = [Unplanned(f"path/{number}", "é\udcff") for number in range(count)]
    assert len(packed) == count
    assert repr(packed) == f"<{count} values>"
    assert list(packed) == packed[:] == list(pickle.loads(pickle.dumps(packed))) == expected  # noqa: S301  # our own
    assert packed[BLOCK - 2 : BLOCK + 2 : 3] == expected[BLOCK - 2 : BLOCK + 2 : 3]
    assert packed[-3:] == expected[-3:]
    for index in (-1, 0, BLOCK):
        if -count <= index < count:
            assert packed[index] == expected[index]
        else:
            with pytest.raises(IndexError):
                packed[index]


def test_size() -> None:
    """A hundred thousand paths take a few MB."""
    packed = Packed(Unplanned)
    for number in range(100_000):
        packed.add(f"some/where/in/a/tree/{number:06}/file-{number}.txt", "new")
    assert sum(map(len, packed._blocks)) < 5_000_000


def outcomes(*, failures: int, successes: int) -> Outcomes:
    """Return so many outcomes of each kind."""
    made = Outcomes()
    made.add(Result(f"bad/{number}", number, error=NoSuchKey(f"no {number}")) for number in range(failures))
    made.add(Result(f"good/{number}", number) for number in range(successes))
    return made


def test_outcomes() -> None:
    """Outcomes are a sequence: the failures first, whole, and then the others."""
    both = outcomes(failures=2, successes=3)
    assert len(both) == 5
    assert repr(both) == "<5 outcomes, 2 of them failures>"
    assert [each.key for each in both] == [each.key for each in both[:]]
    assert [each.key for each in both] == ["bad/0", "bad/1", "good/0", "good/1", "good/2"]
    assert isinstance(both[1].error, NoSuchKey)
    assert both[-1] == Result("good/2", 2)


def test_bulk_error_of_outcomes() -> None:
    """A BulkError holds them as it holds a list, pickled too."""
    error = pickle.loads(pickle.dumps(BulkError("some failed", outcomes(failures=2, successes=1_500))))  # noqa: S301
    assert str(error) == "some failed (2 of 1502 failed)"
    assert len(error.exceptions) == 2
    assert sum(result.ok for result in error.results) == 1_500


def test_reports_in_words() -> None:
    """A report says what was done; that of a dry run what would be."""
    fields = {"plan": "the plan", "skipped": (), "refused": (), "results": ()}
    done = DirReport(dry_run=False, transferred=1_000, transferred_bytes=2_000, deleted=3, unchanged=4, **fields)  # type: ignore[arg-type]
    assert str(done) == "1,000 transferred (2,000 bytes), 3 deleted, 4 unchanged, 0 skipped"
    dry = DirReport(dry_run=True, transferred=0, transferred_bytes=0, deleted=0, unchanged=4, **fields)  # type: ignore[arg-type]
    assert str(dry) == "the plan\n(a dry run: nothing was done)"
