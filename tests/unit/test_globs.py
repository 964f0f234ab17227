"""Patterns of paths mean what their table says."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_bucket._directories import _globs
from s3_bucket._directories._globs import Selection

MATCHES = [
    ("*.jpg", ["a.jpg", ".jpg", "a\nb.jpg"], ["d/a.jpg", "a.jpeg", "a.jpg2", "A.JPG"]),
    ("**/*.jpg", ["a.jpg", "d/a.jpg", "d/e/a.jpg"], ["a.png", "a.jpg/b"]),
    ("d/**", ["d/", "d/a", "d/e/a"], ["d", "da", "e/d/a"]),
    ("d/", ["d/", "d/a", "d/e/a"], ["d", "da", "e/d/a"]),
    ("**/d/", ["d/a", "e/d/a"], ["d", "e/da"]),
    ("**", ["a", "d/a", "d/e/"], []),
    ("a/**/b", ["a/b", "a/c/b", "a/c/d/b"], ["a/cb", "ab", "a/b/c"]),
    ("a**b", ["ab", "axb"], ["a/b"]),
    ("?", ["a", "é"], ["", "ab", "/"]),
    ("[ab]", ["a", "b"], ["c", "ab"]),
    ("[!ab]", ["c", "-"], ["a", "/", ""]),
    ("x[!a]y", ["xby"], ["x/y", "xay"]),
    ("[a-c]x", ["ax", "cx"], ["dx", "-x"]),
    ("[]x]", ["]", "x"], ["[", "a"]),
    ("[!]x]", ["a"], ["]", "x"]),
    ("[^a]", ["^", "a"], ["b"]),
    ("[[]", ["["], ["a"]),
    ("[*]", ["*"], ["a"]),
    ("a.b+(c)|d", ["a.b+(c)|d"], ["axb+(c)|d", "d"]),
    ("[a\\&&~~||b]", ["\\", "&", "~", "|", "a"], ["c"]),
]


@pytest.mark.parametrize(("pattern", "yes", "no"), MATCHES, ids=[pattern for pattern, _, _ in MATCHES])
def test_grammar(pattern: str, yes: list[str], no: list[str]) -> None:
    """Each form matches what it should, and nothing else."""
    selection = Selection([pattern])
    assert [path for path in yes if not selection.has(path)] == []
    assert [path for path in no if selection.has(path)] == []


def test_include_and_exclude() -> None:
    """What is excluded is left out, whatever includes it; without an include, all is meant; without any, nothing is."""
    selection = Selection(["**/*.jpg", "docs/"], ["**/.*", "docs/old/"])
    assert [
        path for path in ("a.jpg", "d/b.jpg", "docs/x", "docs/old/x.jpg", ".a.jpg", "a.png") if selection.has(path)
    ] == [
        "a.jpg",
        "d/b.jpg",
        "docs/x",
    ]
    assert Selection().has("anything")
    assert not Selection([]).has("anything")


def test_whole_directories() -> None:
    """A directory of which everything is excluded need not be looked into; any other must."""
    selection = Selection(None, ["node_modules/", "**/.git/**", "a/*", "**/*.pyc"])
    assert [
        path for path in ("node_modules", ".git", "x/.git", "a", "x", "x/node_modules") if selection.leaves_out(path)
    ] == [
        "node_modules",
        ".git",
        "x/.git",
    ]
    assert Selection(None, ["**"]).leaves_out("anything")


@pytest.mark.parametrize("pattern", ["[", "a/[b", "[z-a]", "[]", "[!]"])
def test_broken_patterns(pattern: str) -> None:
    """A set that is not closed, or runs backwards, is an error, not a text."""
    with pytest.raises((ValueError, re.error)):
        _globs.expression(pattern)


@given(st.text(st.characters(codec="utf-8", exclude_characters="*?["), min_size=1))
def test_other_characters_mean_themselves(path: str) -> None:
    """A pattern without special characters matches itself and nothing longer."""
    selection = Selection([path])
    assert selection.has(path)
    assert path.endswith("/") or not selection.has(path + "x")
