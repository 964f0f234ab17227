"""What became of a write whose answer was lost, as the tokens tell it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_bucket._async import _history
from s3_bucket._models import ObjectInfo
from s3_bucket._store import WRITE_TOKEN, PutOptions, Stored, Written

PLAIN = ObjectInfo("key", 1, "etag")


def stored(token: str | None, etag: str = "other") -> Stored:
    """Return what HEAD tells of an object."""
    return Stored(Written(etag), 1, token)


@pytest.mark.parametrize(
    ("token", "etag", "before", "expected"),
    [
        ("ours,base", "e", ("base",), True),
        ("later,ours,base", "e", ("base",), True),
        ("later,ours", "e", ("base",), True),
        ("theirs,base", "e", ("base",), False),
        ("base,older", "e", ("base", "older"), False),
        ("theirs,older", "e", ("base", "older"), None),
        ("theirs", "e", ("base",), None),
        (None, "e", ("base",), None),
        (None, "base", ("base",), False),
        ("theirs,none", "e", ("none",), False),
    ],
)
def test_cases(token: str | None, etag: str, before: tuple[str, ...], expected: bool | None) -> None:  # noqa: FBT001
    """Ours among the writes was carried out; what it was to replace, without ours, was not; else it can't be said."""
    assert _history.has(stored(token, etag), "ours", before) is expected


def test_of() -> None:
    """An object is known by its tokens, else by its etag, a missing one as such."""
    assert _history.of(None) == (_history.NONE,)
    assert _history.of(PLAIN) == ("etag",)
    assert _history.of(ObjectInfo("key", 1, "etag", token="b,a")) == ("b", "a")


@given(st.lists(st.booleans(), min_size=1, max_size=2 * _history.MOST), st.integers(0, 2_040))
def test_writes(carried_out: list[bool], used: int) -> None:
    """Whatever writes follow on one that was lost, it is never taken for another than it was."""
    options = PutOptions(metadata={"m": "x" * used})
    history: tuple[str, ...] = ("base",)
    known = _history.noted(options, "ours", history).metadata.get(WRITE_TOKEN) if carried_out[0] else None
    for number in range(len(carried_out)):
        before = tuple(known.split(",")) if known else ("base",)
        known = _history.noted(options, f"later-{number}", before).metadata.get(WRITE_TOKEN)
    assert _history.has(stored(known), "ours", history) in {carried_out[0], None}


def test_room() -> None:
    """The tokens take the room that the user's own metadata leaves, and none where there is none."""
    for used in (0, 1_500, 2_000, 2_030, 2_048):
        noted = _history.noted(PutOptions(metadata={"m": "x" * (used - 1)} if used else {}), "t" * 16, ("b" * 16,) * 99)
        assert sum(len(name) + len(value) for name, value in noted.metadata.items()) <= 2_048
        assert (WRITE_TOKEN in noted.metadata) == (used <= 2_000)
    assert len(_history.noted(PutOptions(), "t", ("b",) * 99).metadata[WRITE_TOKEN].split(",")) == _history.MOST
