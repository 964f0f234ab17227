"""Which cells are run. Pure."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING

from tests.faults.cells import Cell
from tests.faults.faultlist import FAULTS
from tests.faults.operations import OPERATIONS
from tests.faults.terms import STALLS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FACES = ("async", "blocking")


def every(seeds: Iterable[int], faces: Sequence[str] = FACES, operations: Iterable[str] | None = None) -> list[Cell]:
    """Return all cells there are."""
    offered = None if operations is None else frozenset(operations)
    return [
        Cell(fault, operation, face, seed)
        for seed in seeds
        for fault in FAULTS
        for operation in OPERATIONS
        for face in faces
        if fault.applies(operation) and (fault.blocking or face != "blocking")
        if offered is None or operation.name in offered
    ]


def some(cells: list[Cell], count: int, seed: int) -> list[Cell]:
    """Return a seeded choice, in which each fault and each operation has its share."""
    rng = random.Random(seed)  # noqa: S311  # repeatable
    shuffled = rng.sample(cells, len(cells))
    by_fault: dict[str, list[Cell]] = {}
    for cell in shuffled:
        by_fault.setdefault(cell.fault.name, []).append(cell)
    rounds = itertools.zip_longest(*by_fault.values())
    return [cell for row in rounds for cell in row if cell is not None][:count]


def slowest_first(cells: list[Cell]) -> list[Cell]:
    """Return them in an order in which the last ones don't keep all waiting."""
    shuffled = random.Random(0).sample(cells, len(cells))  # noqa: S311  # repeatable
    return sorted(shuffled, key=lambda cell: cell.fault.words != STALLS)
