"""Listings in pages are the whole listing, whatever the keys and the length of a page."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from s3_bucket.testing._walk import Entry, paged, walk

if TYPE_CHECKING:
    from collections.abc import Callable

KEYS = st.lists(st.text("ab/é", min_size=1, max_size=6).map(str.encode), unique=True).map(sorted)


def plainly(keys: list[bytes], prefix: bytes, delimiter: bytes) -> list[Entry]:
    """Return what a listing shows, found without any cleverness."""
    entries = []
    for key in keys:
        if key.startswith(prefix):
            head, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, b"", b"")
            entries.append(Entry(prefix + head + found, is_prefix=True) if found else Entry(key, is_prefix=False))
    return [entry for entry, _ in groupby(entries)]


@given(
    KEYS,
    st.sampled_from([b"", b"a", b"a/", b"b", "é".encode()]),
    st.sampled_from([b"", b"/", b"ab"]),
    st.integers(1, 5),
)
def test_pages(keys: list[bytes], prefix: bytes, delimiter: bytes, most: int) -> None:
    """Page after page gives what all of it gives."""
    shows: Callable[[bytes], bool] = lambda _: True
    found: list[Entry] = []
    after, more = b"", True
    while more:
        page, more = paged(walk(keys, prefix, delimiter, after, shows), most)
        assert len(page) == most if more else len(page) <= most
        found += page
        after = page[-1].end if page else b""
    assert found == plainly(keys, prefix, delimiter)


@given(KEYS, st.sets(st.sampled_from([b"a", b"a/", b"a/b", b"b"])))
def test_hidden_keys(keys: list[bytes], hidden: set[bytes]) -> None:
    """What is hidden is not there, nor makes a common prefix."""
    left = [key for key in keys if key not in hidden]
    assert list(walk(keys, b"", b"/", b"", lambda key: key not in hidden)) == plainly(left, b"", b"/")


def test_a_page_of_none() -> None:
    """A page of no keys ends the listing, as on S3."""
    assert paged([1, 2], 0) == ([], False)
