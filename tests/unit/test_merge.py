"""Merging two changes of one JSON document: both are in what comes out, or it is a conflict."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_bucket._async import _merge

LEAVES = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a", 1.0, 0.5])
NAMES = st.sampled_from(["a", "b", "c"])
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=12
)
OBJECTS = st.dictionaries(st.text(), DOCUMENTS, max_size=4)


def outcome(base: Any, ours: Any, theirs: Any) -> str:
    """Return what comes out, as JSON, or the path of the conflict."""
    try:
        return json.dumps(_merge.merged(base, ours, theirs), sort_keys=True)
    except _merge.Conflict as conflict:
        return f"conflict at {conflict.path}"


@given(DOCUMENTS, DOCUMENTS)
def test_one_change(base: Any, changed: Any) -> None:
    """Where only one has changed something, that is what comes out."""
    assert outcome(base, changed, base) == outcome(base, base, changed) == json.dumps(changed, sort_keys=True)


@given(DOCUMENTS, DOCUMENTS, DOCUMENTS)
def test_either_way(base: Any, ours: Any, theirs: Any) -> None:
    """It doesn't matter who is who: of several conflicts, another one may be named."""
    one, other = outcome(base, ours, theirs), outcome(base, theirs, ours)
    assert one == other or (one.startswith("conflict") and other.startswith("conflict"))


@given(OBJECTS, OBJECTS, OBJECTS)
def test_members_apart(base: Any, ours: Any, theirs: Any) -> None:
    """Changes of different members never conflict, and each is in what comes out."""
    mine = {f"mine {name}": value for name, value in ours.items()}
    other = {f"other {name}": value for name, value in theirs.items()}
    assert _merge.merged(base, base | mine, base | other) == base | mine | other


@given(DOCUMENTS, DOCUMENTS)
def test_the_same_change(base: Any, changed: Any) -> None:
    """The same change by both is a conflict, unless it removes: it may be a count, and one would be lost."""
    made = outcome(base, changed, changed)
    assert made.startswith("conflict") or _merge.same(json.loads(made), changed)
    assert outcome({"n": 5}, {"n": 6}, {"n": 6}) == "conflict at ('n',)"


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "expected"),
    [
        ({"a": {"b": 1, "c": 1}}, {"a": {"b": 2, "c": 1}}, {"a": {"b": 1, "c": 3}}, '{"a": {"b": 2, "c": 3}}'),
        ({"a": 1, "b": 1}, {"b": 1}, {"a": 1, "b": 2}, '{"b": 2}'),
        ({"a": 1, "b": 1}, {"b": 1}, {"b": 2}, '{"b": 2}'),
        ({"a": 1}, {}, {"a": 2}, "conflict at ('a',)"),
        ({"a": {"b": 1}}, {}, {"a": {"b": 2}}, "conflict at ('a',)"),
        ({}, {"a": {"b": 1}}, {"a": {"c": 1}}, "conflict at ('a',)"),
        ({"a": [1]}, {"a": [1, 2]}, {"a": [1, 3]}, "conflict at ('a',)"),
        ([1], [1, 2], [0, 1], "conflict at ()"),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {"c": 2}}}, {"a": {"b": {"c": 3}}}, "conflict at ('a', 'b', 'c')"),
        ({"a": 1}, {"a": True}, {"a": 1}, '{"a": true}'),
        ({"a": 1}, {"a": 1.0}, {"a": 1, "b": None}, '{"a": 1.0, "b": null}'),
    ],
)
def test_documents(base: Any, ours: Any, theirs: Any, expected: str) -> None:
    """Members are merged by name; lists and all other values are one; 1, 1.0 and true are three."""
    assert outcome(base, ours, theirs) == expected


def test_endless() -> None:
    """Documents too deep to be looked through are a conflict."""
    deep: Any = {}
    for _ in range(100_000):
        deep = {"a": deep}
    with pytest.raises(_merge.Conflict):
        _merge.merged({}, deep, {"b": 1})
    while deep:  # collected at once, it would go as deep
        deep = deep.get("a")
