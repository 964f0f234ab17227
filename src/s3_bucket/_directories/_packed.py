"""Very many small values in little memory: a hundred thousand paths take a few MB. Pure."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")

BLOCK = 1_000
"""So many values are compressed together; a look at one unpacks so many."""


class Packed(Sequence[T], Generic[T]):
    """A sequence that only grows, of values made of what JSON has words for.

    Args:
        make: makes a value of its fields.
    """

    def __init__(self, make: Callable[..., T]) -> None:
        self._make = make
        self._blocks: list[bytes] = []
        self._last: list[tuple[Any, ...]] = []

    def __repr__(self) -> str:
        return f"<{len(self)} values>"

    def add(self, *fields: Any) -> None:
        """Append the value that these fields make."""
        self._last.append(fields)
        if len(self._last) == BLOCK:
            self._blocks.append(zlib.compress(json.dumps(self._last).encode(), 1))
            self._last = []

    def __len__(self) -> int:
        return len(self._blocks) * BLOCK + len(self._last)

    def __iter__(self) -> Iterator[T]:
        for number in range(len(self._blocks) + 1):
            for fields in self._block(number):
                yield self._make(*fields)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        places = range(len(self))[index]
        if isinstance(places, int):
            return self._make(*self._block(places // BLOCK)[places % BLOCK])
        by_block = groupby(places, lambda place: place // BLOCK)
        return [
            self._make(*block[place % BLOCK])
            for number, inside in by_block
            for block in [self._block(number)]
            for place in inside
        ]

    def _block(self, number: int) -> Sequence[Sequence[Any]]:
        if number == len(self._blocks):
            return self._last
        block: list[list[Any]] = json.loads(zlib.decompress(self._blocks[number]))
        return block
