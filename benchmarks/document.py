"""docs/benchmarks.md. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import goals, results, tables
from benchmarks.cases import Verb
from benchmarks.goals import Measure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.cases import Case
    from benchmarks.results import Line, Results

HEAD = """# How fast it is

This file is generated: `python -m nox -s bench -- --write docs/benchmarks.md`.
"""
QUICK = """
**A quick run**: one short round of some cases. Its figures say no more than an order of magnitude.
"""
HOW = """
## How it was measured

* All clients in one run, in turn: in each round every client runs once, in a process of its own, and the next round
  begins with another of them. The figures are medians of the rounds; "± %" is half of what lies between the fastest and
  the slowest round. Absolute figures move with the machine; ratios hold.
* The server is an nginx on the same machine, over loopback, which answers at once, verifies nothing and stores nothing;
  for deletions it is a Ceph RADOS Gateway. It takes one core, and shares all of them with the client.
* CPU is that of the client's process, user and system, all threads. Peak memory is that of the whole process, with the
  interpreter, the imports and, where an object is held in memory, the object.
* Each client has its defaults, but for the number of its connections, which is that of the case (10 for objects of
  1 GiB), and parts of 8 MiB where it takes a size. Files go through its own managed transfers, where it has any.
  Clients with coroutines run on asyncio's own loop and on uvloop, blocking ones in as many threads as there are calls
  at a time.
* Every client counts the bytes and keys that it gets: a wrong number is a failure. Before the measured part there is
  one request, and a quarter of a second of the same where the case lasts some time. Files are in the page cache; and
  before an object of 1 GiB, as much memory is used and freed, so that no client waits until a virtual machine's host
  has given it back.
* "the floor" is no client: a few lines that sign and parse and do nothing else, in the same Python.
* Clients that would take minutes get 1,000 of the 10,000 files, and fewer rounds of what is done once. From the start
  of the process to the first object, the time is the parent's: interpreter, imports, client, connection, one get.
"""


def document(
    cases: Sequence[Case], found: Results, *, machine: str, versions: Sequence[str], plot: str, quick: bool
) -> str:
    """Return the whole file."""
    names = {case.name for case in cases}
    parts = [HEAD, QUICK if quick else "", f"\n![The fastest row of each client]({plot})\n"]
    parts += ["\n## What must be reached\n\n", tables.reached(goals.outcomes(found, names)), "\n"]
    parts += ["\n## Where others are better\n\n", lost(cases, found), "\n"]
    parts += ["\n## All cases\n", *(f"\n{_case(case, found)}\n" for case in cases)]
    parts += [HOW, f"\n## The machine\n\n{machine}.\n\n{', '.join(versions)}.\n"]
    return "".join(parts)


def _case(case: Case, found: Results) -> str:
    failed = "".join(f"\n{row} failed: {reason}.\n" for row, reason in found.reasons(case))
    return f"### {case.title}\n\n{tables.of(case, found)}\n{failed}".rstrip()


def lost(cases: Sequence[Case], found: Results) -> str:
    """Return what others do better: the speed and the CPU of every case."""
    rows = [row for case in cases for row in _lost(case, found.lines(case))]
    if not rows:
        return "Nowhere, in these cases."
    return tables.table(("case", "we", "other", "who"), rows)


def _lost(case: Case, lines: list[Line]) -> Iterator[tuple[str, ...]]:
    ours = results.ours(lines)
    others = results.peers(lines)
    if ours is None or not others:
        return
    fastest, thriftiest = others[0], min(others, key=lambda line: line.cpu)
    speed = Measure.TIME if case.verb is Verb.START else Measure.RATE
    measures = ((speed, fastest, fastest.rate > ours.rate), (Measure.CPU, thriftiest, thriftiest.cpu < ours.cpu))
    for measure, other, better in measures:
        if better:
            values = (tables.value(case, measure, goals.value(measure, line)) for line in (ours, other))
            yield (f"{case.title}: {measure.value}", *values, str(other.row))
