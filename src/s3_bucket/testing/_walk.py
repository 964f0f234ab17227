"""Keys in S3's order, some of them rolled up into common prefixes, page by page. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

T = TypeVar("T")

_LAST = b"\xff"
"""No byte of UTF-8, and larger than all of them."""


class Entry(NamedTuple):
    """A key, or a prefix that stands for all keys that begin with it."""

    name: bytes
    is_prefix: bool

    @property
    def end(self) -> bytes:
        """After what a listing goes on that has shown the entry."""
        return self.name + _LAST if self.is_prefix else self.name


def walk(
    keys: Sequence[bytes], prefix: bytes, delimiter: bytes, after: bytes, shows: Callable[[bytes], bool]
) -> Iterator[Entry]:
    """Go through the sorted keys that begin with the prefix and come after `after`."""
    at = max(bisect_left(keys, prefix), bisect_right(keys, after) if after else 0)
    while at < len(keys) and keys[at].startswith(prefix):
        if not shows(keys[at]):
            at += 1
            continue
        entry = _entry(keys[at], prefix, delimiter)
        yield entry
        at = bisect_left(keys, entry.end) if entry.is_prefix else at + 1


def _entry(key: bytes, prefix: bytes, delimiter: bytes) -> Entry:
    found = key.find(delimiter, len(prefix)) if delimiter else -1
    return Entry(key, is_prefix=False) if found < 0 else Entry(key[: found + len(delimiter)], is_prefix=True)


def paged(items: Iterable[T], most: int) -> tuple[list[T], bool]:
    """Return the first items, and whether there are more; of none there are none."""
    taken = list(islice(items, most + 1))
    return taken[:most], len(taken) > most > 0
