"""The tables, as Markdown that can be read as it is. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import cases
from benchmarks.cases import Verb
from benchmarks.goals import Measure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.cases import Case
    from benchmarks.goals import Goal, Outcome
    from benchmarks.results import Line, Results

MICRO, MEGA, MILLI = 1e-6, 1e6, 1e-3
RATES = {Verb.LIST: "keys/s", Verb.DELETE_MANY: "keys/s", Verb.UPLOAD_FILES: "files/s", Verb.START: "ms"}
SIGNS = {True: "yes", False: "NO", None: "-"}
WORDS = {Measure.RATE: "at least {} x", Measure.CPU: "at most {} x", Measure.TIME: "at most {} x"}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown, its columns as wide as what is in them; all but the first to the right."""
    lines = [list(head), *map(list, rows)]
    widths = [max(3, *(len(line[column]) for line in lines)) for column in range(len(head))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(_joined(line, widths) for line in [lines[0], rule, *lines[1:]])


def _joined(cells: Sequence[str], widths: Sequence[int]) -> str:
    [first, *others] = zip(cells, widths, strict=True)
    return f"| {' | '.join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)])} |"


def digits(value: float) -> str:
    """Return a number with the digits that mean something."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2g}"  # noqa: PLR2004  # two


def rate(case: Case, line: Line) -> str:
    """Return how fast it was, in the unit of the case."""
    if case.verb is Verb.START:
        return digits(line.seconds / MILLI)
    return digits(line.rate / MEGA if case.by_bytes else line.rate)


def cpu(case: Case, value: float) -> str:
    """Return the CPU of a GiB in seconds, of the start in milliseconds, of an operation in microseconds."""
    if case.by_bytes:
        return f"{value:.2f}"
    return digits(value / (MILLI if case.verb is Verb.START else MICRO))


def cpu_unit(case: Case) -> str:
    """Return the unit of that."""
    if case.by_bytes:
        return "s/GiB"
    return "ms" if case.verb is Verb.START else "µs"


def head(case: Case) -> tuple[str, ...]:
    """Return the heads of a case's columns."""
    rates = "MB/s" if case.by_bytes else RATES.get(case.verb, "operations/s")
    return "client", rates, f"CPU {cpu_unit(case)}", "peak MiB", "± %"


def of(case: Case, found: Results) -> str:
    """Return a case's table."""
    rows = [
        (str(line.row), rate(case, line), cpu(case, line.cpu), f"{line.peak:.0f}", f"{line.spread * 50:.0f}")
        for line in found.lines(case)
    ]
    return table(head(case), rows)


def text(case: Case, found: Results) -> str:
    """Return a case with its table and what failed."""
    failed = [f"{row}: {reason}" for row, reason in found.reasons(case)]
    return "\n".join([f"## {case.title}", "", of(case, found), *failed, ""])


def reached(outcomes: Iterable[Outcome]) -> str:
    """Return the table of what must be reached."""
    columns = ("case", "we", "other", "who", "ratio", "wanted", "reached")
    return table(columns, [_outcome(outcome) for outcome in outcomes])


def _outcome(outcome: Outcome) -> tuple[str, ...]:
    goal, case = outcome.goal, cases.BY_NAME[outcome.goal.case]
    loop = f", {goal.loop}" if goal.loop else ""
    name = f"{case.title}{loop}: {goal.measure.value}"
    ratio = "-" if outcome.ratio is None else f"{outcome.ratio:.2f}"
    if goal.measure is Measure.PEAK:
        ratio = "" if outcome.ratio is not None else "-"
    values = (value(case, goal.measure, amount) for amount in (outcome.ours, outcome.other))
    return (name, *values, outcome.other_name, ratio, wanted(goal), SIGNS[outcome.reached])


def wanted(goal: Goal) -> str:
    """Return what must be reached, in words."""
    if goal.measure is Measure.PEAK:
        return f"under {goal.wanted:.0f} MiB"
    return f"{WORDS[goal.measure].format(f'{goal.wanted:.2g}')} {goal.other}"


def value(case: Case, measure: Measure, value: float | None) -> str:
    """Return what is compared, with its unit."""
    if value is None:
        return "-"
    match measure:
        case Measure.RATE:
            return f"{digits(value / MEGA)} MB/s" if case.by_bytes else f"{digits(value)}/s"
        case Measure.CPU:
            return f"{cpu(case, value)} {cpu_unit(case)}"
        case Measure.PEAK:
            return f"{value:.0f} MiB"
        case _:
            return f"{value / MILLI:.0f} ms"
