"""What ``python -m tests.faults`` does: it runs cells in some processes, and tells, or writes the table."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tests import engine
from tests.faults import faultlist, report, selection
from tests.faults.cells import Outcome, Verdict
from tests.faults.peers import offers
from tests.faults.runner import Ran, Runner
from tests.faults.world import PART

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.faults.cells import Cell

ALONE = 90.0
"""Seconds after which a process with one cell is killed."""
LIMIT = 1_800.0
"""Seconds after which the processes are killed, whatever they do."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seeds", type=int, help="run every cell, with so many seeds")
    parser.add_argument("--cells", type=int, default=2_000, help="without --seeds: how many of the first seed's cells")
    parser.add_argument("--fault", action="append", help="only this fault; may be given again")
    parser.add_argument("--operation", action="append", help="only this operation; may be given again")
    parser.add_argument("--face", action="append", help="only this face; may be given again")
    parser.add_argument("--engine", action="append", choices=engine.ENGINES, help="only over this engine")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--lanes", type=int, default=16, help="cells at a time, of each face, in each process")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for all")
    parser.add_argument("--write", type=Path, help="put the table into this file")
    parser.add_argument("--peers", action="store_true", help="run other clients, which must be installed")
    parser.add_argument("--peer", action="append", choices=tuple(offers.NAMES), help="only this one")
    parser.add_argument("--verbose", action="store_true", help="tell every cell of the peers")
    parser.add_argument("--shard", help=argparse.SUPPRESS)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run; return the exit code: 0 if no cell is red."""
    options = _parser().parse_args(arguments)
    if options.shard:
        return _work(options)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # whoever ends this process means its children, too
    begun = time.monotonic()
    if options.peers:
        return _compare(arguments, options)
    records = [record for name in _engines(options) for record in _over(name, arguments, options)]
    if options.write:
        report.write(options.write, "ours", report.ours(records, _command(options)))
    return _told(records, len(_engines(options)) * len(chosen(options)), time.monotonic() - begun)


def _engines(options: argparse.Namespace) -> Sequence[str]:
    return options.engine or engine.ENGINES


def _over(name: str, arguments: Sequence[str], options: argparse.Namespace) -> list[dict[str, Any]]:
    """Run the cells over one engine."""
    shares = [[*arguments, "--shard", f"{number}/{options.processes}"] for number in range(options.processes)]
    return [{**record, "engine": name} for record in _gathered(shares, options.limit, {engine.VARIABLE: name})]


def _compare(arguments: Sequence[str], options: argparse.Namespace) -> int:
    """Run the same cells with other clients, each in a process of its own."""
    begun = time.monotonic()
    shares = [[*arguments, "--peer", name, "--shard", "0/1"] for name in options.peer or offers.USUAL]
    records = [record for record in _gathered(shares, options.limit) if "fault" in record]
    for name in options.peer or offers.USUAL:
        records += _alone(arguments, options, name)
    if options.write:
        report.write(options.write, "peers", report.peers(records, options.write.read_text(encoding="utf-8")))
    for record in records if options.verbose else ():
        _print(json.dumps(record))
    counts = Counter((record["face"], kind) for record in records for kind in record["kinds"] or [record["outcome"]])
    _print(f"{len(records)} cells in {time.monotonic() - begun:.0f} s: {dict(sorted(counts.items()))}")
    return 0 if records else 1


def _alone(arguments: Sequence[str], options: argparse.Namespace, name: str) -> list[dict[str, Any]]:
    """Run each cell of the faults that kill whole processes in a process of its own."""
    records = []
    for cell in selection.every([0], [name], offers.peer(name).offers):
        if cell.fault.name in offers.DEADLY and not options.fault:
            which = ["--fault", cell.fault.name, "--operation", cell.operation.name]
            share = [*arguments, "--peer", name, *which, "--shard", "0/1"]
            ran = [record for record in _gathered([share], ALONE) if "fault" in record]
            records += ran or [_record(Ran(cell, Verdict(Outcome.RED, ("the process died",), ("crash",)), 0.0, 0))]
    return records


def chosen(options: argparse.Namespace) -> list[Cell]:
    """Return the cells that the command line names."""
    if options.peers:
        return _of_peer(options)
    cells = selection.every(range(options.seeds or 1), options.face or selection.FACES, options.operation)
    if options.fault:
        cells = [cell for cell in cells if cell.fault.name in options.fault]
    return cells if options.seeds else selection.some(cells, options.cells, 0)


def _of_peer(options: argparse.Namespace) -> list[Cell]:
    name = options.peer[-1]
    kind = offers.peer(name)
    cells = selection.every(range(options.seeds or 1), [name], kind.offers)
    return [
        cell
        for cell in cells
        if (cell.fault.blocking or kind.cancels) and cell.fault.name not in offers.LEFT_OUT
        if cell.fault.name in (options.fault or faultlist.BY_NAME.keys() - offers.DEADLY)
        if not options.operation or cell.operation.name in options.operation
    ]


def _runner(options: argparse.Namespace) -> Runner:
    if options.peers:
        name = options.peer[-1]
        return Runner({name: offers.peer(name)}, named=False, lanes=options.lanes)
    from s3_bucket import _plan  # noqa: PLC0415  # as below
    from s3_bucket._async import _retry  # noqa: PLC0415  # as below
    from tests.conformance.faces import FACES  # noqa: PLC0415  # the library, which the peers' environment doesn't have

    engine.choose()
    _retry.FIRST_DELAY, _retry.LONGEST_DELAY = 0.05, 1.1  # waiting is tested elsewhere
    _plan.COPY_PART_SIZE = PART  # what is copied has two parts, as what is uploaded
    return Runner(FACES, lanes=options.lanes)


def _work(options: argparse.Namespace) -> int:
    """Run one process's share, telling each cell in a line of JSON."""
    number, count = (int(part) for part in options.shard.split("/"))
    runner = _runner(options)
    outcome = runner.run(selection.slowest_first(chosen(options)[number::count]), lambda ran: _say(_record(ran)))
    for complaint in outcome.complaints:
        _say({"complaint": complaint})
    _say({"end": True})
    os._exit(0)  # a thread that hangs would keep the process


def _say(record: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(record) + "\n")
    sys.stdout.flush()


def _record(ran: Ran) -> dict[str, Any]:
    cell, verdict = ran.cell, ran.verdict
    return {
        "fault": cell.fault.name,
        "operation": cell.operation.name,
        "face": cell.face,
        "seed": cell.seed,
        "outcome": verdict.outcome.value,
        "kinds": verdict.kinds,
        "reasons": verdict.reasons,
        "seconds": round(ran.seconds, 2),
        "requests": ran.requests,
    }


def _gathered(
    shares: Sequence[Sequence[str]], limit: float, variables: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Run a process for each share, all at a time, and return what they said."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= variables or {}
    environment |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/nonexistent/config"}
    environment |= {"AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/credentials"}
    until = time.monotonic() + limit
    running: list[tuple[subprocess.Popen[bytes], IO[bytes]]] = []
    try:
        for share in shares:
            said = tempfile.TemporaryFile()  # noqa: SIM115  # it is closed below
            command = [sys.executable, "-m", "tests.faults", *share]
            running.append((subprocess.Popen(command, stdout=said, env=environment, start_new_session=True), said))
        return [record for process, said in running for record in _output(process, said, until)]
    finally:
        for process, said in running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            said.close()


def _output(process: subprocess.Popen[bytes], said: IO[bytes], until: float) -> Iterator[dict[str, Any]]:
    """Wait for a process, or kill it and all that it started; return what it had said by then."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(max(1.0, until - time.monotonic()))
    said.seek(0)
    yield from (json.loads(line) for line in said if line.startswith(b"{") and line.endswith(b"\n"))


def _told(records: list[dict[str, Any]], cells: int, seconds: float) -> int:
    """Tell what came out; return the exit code."""
    ran = [record for record in records if "fault" in record]
    complaints = [f"{record['engine']}: {record['complaint']}" for record in records if "complaint" in record]
    red = [record for record in ran if record["outcome"] == "red"]
    for record in sorted(red, key=lambda record: (record["fault"], record["operation"])):
        name = " / ".join(str(record[part]) for part in ("fault", "operation", "face", "engine", "seed"))
        _print(f"RED {name} ({record['seconds']} s, {record['requests']} requests): {'; '.join(record['reasons'])}")
    for complaint in complaints:
        _print(f"COMPLAINT {complaint!r}")
    counts = Counter(record["outcome"] for record in ran)
    _print(f"{len(ran)} of {cells} cells in {seconds:.0f} s: {dict(counts)}; {len(complaints)} complaints")
    return 0 if not red and not complaints and len(ran) == cells else 1


def _command(options: argparse.Namespace) -> str:
    return f"python -m nox -s faults -- --seeds {options.seeds}" if options.seeds else "python -m nox -s faults"


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
