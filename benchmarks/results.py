"""What has come out: medians of the rounds, and who was the best. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from benchmarks import clients
from benchmarks.cases import GIB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.cases import Case
    from benchmarks.clients import Row
    from benchmarks.orders import Figures


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a case's table: medians of its rounds, each of its own."""

    row: Row
    rate: float
    """Operations, or bytes, a second."""
    cpu: float
    """Seconds of CPU for an operation, or for a GiB."""
    peak: float
    """MiB; the highest of all rounds."""
    seconds: float
    spread: float
    """How far the rounds' rates are apart, as a part of the median."""


@dataclass(slots=True)
class Results:
    """The figures of all rounds, by case and row; and who failed, with the reason."""

    figures: dict[tuple[str, Row], list[Figures]] = field(default_factory=lambda: defaultdict(list))
    failures: dict[tuple[str, Row], str] = field(default_factory=dict)

    def add(self, case: Case, row: Row, figures: Figures) -> None:
        """Keep the figures of a round."""
        self.figures[case.name, row].append(figures)

    def fail(self, case: Case, row: Row, reason: str) -> None:
        """Keep the reason of a failure."""
        self.failures[case.name, row] = reason

    def failed(self, case: Case, row: Row) -> bool:
        """Whether this has failed."""
        return (case.name, row) in self.failures

    def lines(self, case: Case) -> list[Line]:
        """Return the rows of a case's table, the fastest first; who failed is not in it."""
        found = [
            line(case, row, figures)
            for (name, row), figures in self.figures.items()
            if name == case.name and figures and not self.failed(case, row)
        ]
        return sorted(found, key=lambda line: -line.rate)

    def reasons(self, case: Case) -> Iterator[tuple[Row, str]]:
        """Yield who failed in a case, and why."""
        for (name, row), reason in self.failures.items():
            if name == case.name:
                yield row, reason


def line(case: Case, row: Row, rounds: list[Figures]) -> Line:
    """Return the medians of some rounds."""
    done = [figures.size if case.by_bytes else figures.operations for figures in rounds]
    rates = [amount / figures.seconds for amount, figures in zip(done, rounds, strict=True)]
    unit = GIB if case.by_bytes else 1
    rate = median(rates)
    return Line(
        row,
        rate,
        median(figures.cpu / amount * unit for amount, figures in zip(done, rounds, strict=True)),
        max(figures.peak for figures in rounds),
        median(figures.seconds for figures in rounds),
        (max(rates) - min(rates)) / rate,
    )


def ours(lines: list[Line], loop: str | None = None) -> Line | None:
    """Return our fastest row, on any loop or on this one."""
    return next((line for line in lines if _client(line).ours and loop in {None, line.row.loop}), None)


def best_peer(lines: list[Line], loop: str | None = None) -> Line | None:
    """Return the fastest of the others, on whichever loop it is, or on this one."""
    return next((line for line in peers(lines) if loop in {None, line.row.loop}), None)


def peers(lines: list[Line]) -> list[Line]:
    """Return the rows of the others."""
    return [line for line in lines if _client(line).peer]


def named(lines: list[Line], name: str) -> Line | None:
    """Return a client's fastest row."""
    return next((line for line in lines if line.row.name == name), None)


def _client(line: Line) -> clients.Client:
    return clients.BY_NAME[line.row.name]
