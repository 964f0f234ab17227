"""Which cells are run. Pure."""

from __future__ import annotations

import random
from collections import Counter
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
    by_fault: dict[str, list[Cell]] = {}
    for cell in rng.sample(cells, len(cells)):
        by_fault.setdefault(cell.fault.name, []).append(cell)
    met: Counter[str] = Counter()
    chosen: list[Cell] = []
    while len(chosen) < min(count, len(cells)):
        for left in filter(None, by_fault.values()):
            rarest = min(range(len(left)), key=lambda at: met[left[at].operation.name])
            chosen.append(left.pop(rarest))
            met[chosen[-1].operation.name] += 1
    return chosen[:count]


def slowest_first(cells: list[Cell]) -> list[Cell]:
    """Return them in an order in which the last ones don't keep all waiting."""
    shuffled = random.Random(0).sample(cells, len(cells))  # noqa: S311  # repeatable
    return sorted(shuffled, key=lambda cell: cell.fault.words != STALLS)
