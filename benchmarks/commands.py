"""What ``python -m benchmarks`` does: it measures, and tells, or writes the document."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import cases, clients, document, goals, machine, tables
from benchmarks.processes import Environment
from benchmarks.rounds import Run
from benchmarks.servers.rig import Rig
from benchmarks.servers.sink import NoSinkError, version
from tests.servers.ceph import NoCephError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.cases import Case
    from benchmarks.clients import Client

ROUNDS = 5


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--case", action="append", metavar="NAME", help="only this case, or those of a pattern such as put-*"
    )
    parser.add_argument("--client", action="append", metavar="NAME", help="only this client; as above")
    parser.add_argument("--loop", action="append", choices=cases.BOTH, help="only on this loop; as above")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="at most so many rounds of each case")
    parser.add_argument("--quick", action="store_true", help="one short round of the cases that have a goal")
    parser.add_argument(
        "--write", type=Path, metavar="PATH", help="put the tables into this file, and a plot beside it"
    )
    parser.add_argument("--list", action="store_true", help="name the cases and the clients")
    parser.add_argument("--source", metavar="PATH", help="the directory of the package, if it is not installed")
    for name, who in ENVIRONMENTS.items():
        default = os.environ.get(f"BENCH_{name.upper()}", sys.executable)
        parser.add_argument(f"--{name}", metavar="PYTHON", default=default, help=f"the interpreter of {who}")
    return parser


ENVIRONMENTS = {
    clients.OURS: "the package",
    clients.PEERS: "the other clients",
    clients.CRT: "s3transfer with awscrt",
    clients.OLD: "release 1.4.0",
}


def main(arguments: Sequence[str]) -> int:
    """Run; return the exit code."""
    options = _parser().parse_args(arguments)
    if options.list:
        _say("\n".join(["cases:", *cases.BY_NAME, "", "clients:", *clients.BY_NAME]))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # whoever ends this process means its children, too
    environments = _environments(options)
    chosen = _clients(options, environments)
    chosen_cases = _cases(options)
    begun = time.monotonic()
    try:
        with Rig(environments[clients.OURS]) as rig:
            run = Run(rig, environments, chosen, _say, options.loop or cases.BOTH)
            _measure(run, chosen_cases)
    except NoSinkError as error:
        sys.exit(str(error))
    _say(tables.reached(goals.outcomes(run.results, [case.name for case in chosen_cases])))
    if options.write:
        write(options, chosen_cases, run)
    _say(f"\n{time.monotonic() - begun:.0f} s")
    return 0


def _measure(run: Run, chosen: Sequence[Case]) -> None:
    """Measure the cases; those that need a Ceph are left out where there is none."""
    for case in chosen:
        try:
            run.case(case)
        except NoCephError as error:
            _say(f"{case.name} is left out: {error}")


def write(options: argparse.Namespace, chosen: Sequence[Case], run: Run) -> None:
    """Write the document, and the plot beside it."""
    from benchmarks import plot  # noqa: PLC0415  # whoever only measures needs no matplotlib

    picture = options.write.with_suffix(".svg")
    text = document.document(
        chosen,
        run.results,
        machine=machine.described(),
        versions=[*machine.versions(run.environments, run.clients), version()],
        plot=picture.name,
        quick=options.quick,
    )
    options.write.write_text(text, encoding="utf-8")
    plot.write(picture, run.results)


def _environments(options: argparse.Namespace) -> dict[str, Environment]:
    source = str(Path(options.source).resolve()) if options.source else None
    named = {name: Environment(getattr(options, name)) for name in ENVIRONMENTS}
    return named | {clients.OURS: Environment(options.ours, source)}


def _cases(options: argparse.Namespace) -> list[Case]:
    wanted = {goal.case for goal in goals.GOALS} if options.quick and not options.case else None
    found = [
        case for case in cases.CASES if (wanted is None or case.name in wanted) and _matches(case.name, options.case)
    ]
    return [cases.limited(cases.quick(case) if options.quick else case, options.rounds) for case in found]


def _matches(name: str, patterns: Sequence[str] | None) -> bool:
    return not patterns or any(fnmatch(name, pattern) for pattern in patterns)


def _clients(options: argparse.Namespace, environments: Mapping[str, Environment]) -> list[Client]:
    """Return who is wanted and there; say who is not."""
    found = []
    for client in clients.CLIENTS:
        if not _matches(client.name, options.client):
            continue
        if environments[client.environment].has(client):
            found.append(client)
        else:
            _say(f"{client.name} is not there: left out")
    return found


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
