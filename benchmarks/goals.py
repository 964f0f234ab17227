"""What must be reached, each against others in the same run. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from benchmarks import cases, results
from benchmarks.cases import ASYNCIO, UVLOOP

if TYPE_CHECKING:
    from collections.abc import Collection

    from benchmarks.results import Line, Results

BEST = "the best peer"
BEST_ON_ASYNCIO = "the best peer on asyncio's own loop"


class Measure(Enum):
    """What is compared."""

    RATE = "speed"
    CPU = "CPU"
    PEAK = "peak memory"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Goal:
    """At least ``wanted`` times the other's speed; at most so much of its CPU or time; at most so many MiB.

    The best peer is the fastest, on whichever loop it is fastest.
    """

    case: str
    wanted: float
    measure: Measure = Measure.RATE
    other: str = BEST
    loop: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A goal, what has been measured for it, and whether it was reached; None, where something is missing."""

    goal: Goal
    ours: float | None
    other: float | None
    other_name: str
    ratio: float | None
    reached: bool | None


GOALS = (
    Goal("get-4k-32", 1.7, loop=ASYNCIO),
    Goal("get-4k-32", 1.7, other=BEST_ON_ASYNCIO, loop=ASYNCIO),
    Goal("get-4k-32", 10, other="aiobotocore", loop=ASYNCIO),
    Goal("get-4k-32", 3, loop=UVLOOP),
    Goal("get-4k-32", 3, other=BEST_ON_ASYNCIO, loop=UVLOOP),
    Goal("get-4k-32", 20, other="aiobotocore", loop=UVLOOP),
    Goal("put-4k-32", 2.5, loop=UVLOOP),
    Goal("put-4k-32", 2.5, other=BEST_ON_ASYNCIO, loop=UVLOOP),
    Goal("put-4k-32", 20, other="aiobotocore", loop=UVLOOP),
    Goal("get-4k-32", 1 / 3, Measure.CPU, loop=UVLOOP),
    Goal("blocking-get", 5, other="boto3"),
    Goal("download-file-1g", 2),
    Goal("download-file-1g", 0.6, Measure.CPU),
    Goal("download-file-1g", 160, Measure.PEAK),
    Goal("upload-file-1g", 1.3),
    Goal("upload-file-1g", 0.6, Measure.CPU),
    Goal("upload-file-1g", 160, Measure.PEAK),
    Goal("upload-files", 3),
    Goal("start", 1, Measure.TIME, other="boto3"),
)


def outcomes(found: Results, names: Collection[str]) -> list[Outcome]:
    """Return what has become of the goals of these cases."""
    return [outcome(goal, found.lines(cases.BY_NAME[goal.case])) for goal in GOALS if goal.case in names]


def outcome(goal: Goal, lines: list[Line]) -> Outcome:
    """Return what has become of one."""
    line = results.ours(lines, goal.loop)
    other = _other(goal, lines)
    ours, theirs = value(goal.measure, line), value(goal.measure, other)
    name = str(other.row) if other else goal.other
    if ours is None or theirs is None:
        return Outcome(goal, ours, theirs, name, None, None)
    ratio = ours if goal.measure is Measure.PEAK else ours / theirs
    reached = ratio >= goal.wanted if goal.measure is Measure.RATE else ratio <= goal.wanted
    return Outcome(goal, ours, theirs, name, ratio, reached)


def _other(goal: Goal, lines: list[Line]) -> Line | None:
    if goal.other in {BEST, BEST_ON_ASYNCIO}:
        return results.best_peer(lines, ASYNCIO if goal.other == BEST_ON_ASYNCIO else None)
    return results.named(lines, goal.other)


def value(measure: Measure, line: Line | None) -> float | None:
    """Return what is compared."""
    if line is None:
        return None
    return {Measure.RATE: line.rate, Measure.CPU: line.cpu, Measure.PEAK: line.peak, Measure.TIME: line.seconds}[
        measure
    ]
