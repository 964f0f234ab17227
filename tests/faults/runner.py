"""Runs cells: many at a time, each in a bucket and a directory of its own, and looks at what they leave behind."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import itertools
import logging
import os
import random
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.faults import census, faultlist, operations
from tests.faults.cells import ATTEMPTS, Cell, Outcome, Seen, Verdict, judged
from tests.faults.rig import Rig
from tests.faults.service import Hosted
from tests.faults.world import CONTROL, CONTROL_KEY, PART, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

CONNECT_SECONDS = 1.5
READ_SECONDS = 2.0
SLACK = 20.0
"""Seconds for backing off, for aborting, and for a busy machine."""
CUT_OFF = 10.0
"""Seconds after the allowed ones, after which a call that still runs has hung."""
SETTLE = 5.0
"""Seconds within which the server must have nothing left of a call that has ended."""
LANES = 24
"""Cells at a time, of each face. The cells of a lane share a client, one after another."""

Open = "Callable[..., Any]"
_cell_of_context: contextvars.ContextVar[list[str] | None] = contextvars.ContextVar("cell", default=None)


@dataclass(frozen=True)
class Ran:
    """A cell that has been run."""

    cell: Cell
    verdict: Verdict
    seconds: float
    requests: int


@dataclass
class Report:
    """What came out of all."""

    ran: list[Ran] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    """What belongs to no single cell: leaks, and what was said on no cell's behalf."""


class _Threads(ThreadPoolExecutor):
    """Threads of which one may hang for ever: nobody waits for their end."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002  # as it is
        """Take no more work."""
        super().shutdown(wait=False, cancel_futures=cancel_futures)


class _Log(logging.Handler):
    """Keeps each line for the cell in whose context it was written."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.unclaimed: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        lines = _cell_of_context.get()
        (self.unclaimed if lines is None else lines).append(self.format(record))


class Lane:
    """Runs cells one after another, with one client for each endpoint."""

    def __init__(self, number: int, face: str, make: Callable[..., Any], turn: asyncio.Lock) -> None:
        self.number = number
        self.face = face
        self._make = make
        self._turn = turn
        self._holders: dict[str, Any] = {}
        self._life = itertools.count()
        self._renew()

    def _renew(self) -> None:
        self._keys = {
            "aws_access_key_id": f"AKIACANARY{self.face}{self.number}X{next(self._life)}".upper(),
            "aws_secret_access_key": f"canary-secret-{self.number}",
            "aws_session_token": f"canary-token-{self.number}",
        }

    def settings(self, world: World) -> dict[str, Any]:
        """Return a bucket's keywords."""
        return {
            "region": "us-east-1",
            "part_size": PART,
            "connect_timeout": CONNECT_SECONDS,
            "read_timeout": READ_SECONDS,
            "max_attempts": ATTEMPTS,
            **self._keys,
            **world.settings,
        }

    def bucket(self, name: str, settings: Mapping[str, Any]) -> Any:
        """Return a bucket, whose client is shared by all of the same settings."""
        return self._make(name, **settings)

    async def open(self, world: World) -> None:
        """Have a client for the cell, if its settings can be: making one takes long, and is no part of a call."""
        settings = self.settings(world)
        which = repr(sorted(settings.items(), key=str))
        async with self._turn:
            if which not in self._holders:
                with contextlib.suppress(Exception):
                    self._holders[which] = self._make("holder", **settings)
                    await self._holders[which].__aenter__()

    async def start_anew(self) -> None:
        """Forget the client: what it was used for has gone wrong."""
        await self.aclose()
        self._renew()

    async def aclose(self) -> None:
        """Close the clients."""
        holders, self._holders = self._holders, {}
        gc.collect()
        for holder in holders.values():
            with contextlib.suppress(Exception):
                await asyncio.wait_for(holder.__aexit__(None, None, None), 20)


class Runner:
    """Runs cells of some faces; `faces` has what makes a bucket of each."""

    def __init__(self, faces: Mapping[str, Callable[..., Any]], *, named: bool = True, lanes: int = LANES) -> None:
        self._faces = faces
        self._named = named
        self._lanes = lanes
        self._numbers = itertools.count()
        self._log = _Log()
        self.report = Report()

    def run(self, cells: Iterable[Cell], told: Callable[[Ran], None] = lambda _: None) -> Report:
        """Run them all."""
        with tempfile.TemporaryDirectory(prefix="faults-") as directory, self._listening(), Rig() as rig:
            os.environ["XDG_STATE_HOME"] = str(Path(directory, "state"))
            asyncio.run(self._run(list(cells), Path(directory), rig, told))
            self.report.complaints += [f"the rig itself: {error!r}" for error in rig.mistakes()]
            self.report.complaints += [f"left: {path}" for path in Path(directory, "state").rglob("*.json")]
        self.report.complaints += [line for line in self._log.unclaimed if "canary" in line.lower()]
        return self.report

    @contextlib.contextmanager
    def _listening(self) -> Iterator[None]:
        """Hear what the library logs, and what asyncio and Python complain of."""
        ours, theirs = logging.getLogger("s3_bucket"), logging.getLogger("asyncio")
        level, hook, propagate = ours.level, sys.unraisablehook, ours.propagate
        ours.propagate = False  # whoever kept the records would keep the exceptions in them, and what hangs on those
        ours.addHandler(self._log)
        ours.setLevel(logging.DEBUG)
        complaining = _Complaints(self.report.complaints)
        theirs.addHandler(complaining)
        sys.unraisablehook = lambda said: self.report.complaints.append(
            f"unraisable: {said.exc_value!r} {said.object!r}"
        )
        try:
            yield
        finally:
            ours.removeHandler(self._log)
            ours.setLevel(level)
            ours.propagate = propagate
            theirs.removeHandler(complaining)
            sys.unraisablehook = hook

    async def _run(self, cells: list[Cell], directory: Path, rig: Rig, told: Callable[[Ran], None]) -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(_Threads(4 * self._lanes, thread_name_prefix="cells"))
        before = await self._warm(directory, rig) if self._named else None
        await asyncio.gather(*(self._face(face, cells, directory, rig, told) for face in self._faces))
        if before:
            self.report.complaints += await census.leaks(before)

    async def _warm(self, directory: Path, rig: Rig) -> census.Census:
        """Have made what is made once and stays; return what there is then."""
        for face in self._faces:
            lane = Lane(-1, face, self._faces[face], asyncio.Lock())
            await self.run_cell(
                Cell(faultlist.BY_NAME["none"], operations.BY_NAME["get"], face, -1), lane, directory, rig
            )
            await lane.aclose()
        return census.taken()

    async def _face(self, face: str, cells: list[Cell], directory: Path, rig: Rig, told: Callable[[Ran], None]) -> None:
        turn = asyncio.Lock()
        mine = iter([cell for cell in cells if cell.face == face])

        async def lane(number: int) -> None:
            lane = Lane(number, face, self._faces[face], turn)
            for cell in mine:
                ran = await self.run_cell(cell, lane, directory, rig)
                self.report.ran.append(ran)
                told(ran)
            await lane.aclose()

        await asyncio.gather(*(lane(number) for number in range(self._lanes)))

    async def run_cell(self, cell: Cell, lane: Lane, directory: Path, rig: Rig) -> Ran:
        """Run one cell and judge it."""
        number = next(self._numbers)
        hosted = Hosted(f"cell-{number}", random.Random(f"server {cell.name}"))  # noqa: S311  # repeatable
        home = directory / str(number)
        home.mkdir()
        world = World(cell.operation, hosted, home, random.Random(cell.name), rig.addresses)  # noqa: S311  # repeatable
        world.begin()
        cell.fault.provoke(world, cell.fault)
        rig.service.cells[hosted.realm.name] = hosted
        try:
            seen = await self._seen(cell, world, lane, rig)
            verdict = judged(cell, world, seen, named=self._named)
        finally:
            del rig.service.cells[hosted.realm.name]
            for path in world.noted():
                path.unlink()
            shutil.rmtree(home, ignore_errors=True)
        if verdict.outcome is Outcome.RED or not self._named:  # what others leave behind must not be the next one's
            await lane.start_anew()
        return Ran(cell, verdict, seen.seconds, seen.requests)

    async def _seen(self, cell: Cell, world: World, lane: Lane, rig: Rig) -> Seen:
        await lane.open(world)
        before, files_before, lines = world.objects(), world.files(), list[str]()
        begun = time.monotonic()
        allowed = _allowed(cell)

        async def do() -> Any:
            return await cell.operation.run(lane.bucket(world.bucket_name, lane.settings(world)), world)

        context = contextvars.copy_context()
        context.run(_cell_of_context.set, lines)
        task = asyncio.get_running_loop().create_task(world.around(do), context=context)
        loop = asyncio.get_running_loop()
        world.cancel = lambda: loop.call_soon_threadsafe(task.cancel)
        await asyncio.wait({task}, timeout=allowed + CUT_OFF)
        seconds = time.monotonic() - begun
        hung = not task.done()
        rig.release(world.hosted)
        if hung:
            task.cancel()
            await asyncio.wait({task}, timeout=CUT_OFF)
        value, error = _ended(task)
        leaves = cell.fault.leaves_upload or "keeps" in cell.operation.traits
        await _settled(world, 0.0 if leaves else SETTLE)
        requests, times = len(world.hosted.requests), tuple(world.hosted.times)
        realm = world.hosted.realm
        seen = Seen(
            value, error, hung, seconds, allowed, world.objects(), before, frozenset(realm.uploads), world.files(),
            files_before, requests, times, world.hosted.provoked > 0, "\n".join(lines),
            strangers=rig.visits(realm.name), noted=world.noted(),
        )  # fmt: skip
        afterwards = "" if hung or not self._named else await _health(world, lane, error if requests else None)
        return Seen(**{**{name: getattr(seen, name) for name in seen.__dataclass_fields__}, "afterwards": afterwards})


class _Complaints(logging.Handler):
    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(f"asyncio: {self.format(record)}")


def _allowed(cell: Cell) -> float:
    """Return the seconds that are promised, and some for a busy machine."""
    once = ATTEMPTS * (CONNECT_SECONDS + READ_SECONDS)
    several = "anything" in cell.fault.name or cell.fault.throttles
    return once * (cell.operation.calls if several else 1) + SLACK


def _ended(task: asyncio.Task[Any]) -> tuple[Any, BaseException | None]:
    if not task.done():
        return None, None
    if task.cancelled():
        return None, asyncio.CancelledError()
    return (None, task.exception()) if task.exception() else (task.result(), None)


async def _settled(world: World, seconds: float) -> None:
    """Wait until the server has no upload of this cell, or for so long."""
    until = time.monotonic() + seconds
    while world.hosted.realm.uploads.keys() - world.planted and time.monotonic() < until:  # noqa: ASYNC110  # the server is in another thread
        await asyncio.sleep(0.05)


async def _health(world: World, lane: Lane, raised: BaseException | None) -> str:
    """Return what is wrong with the client after the fault: one that is used again must work.

    And what can be gone on with must be, after an error that was more than a refusal to send anything.
    """
    hosted = world.hosted
    hosted.injections, hosted.plan, hosted.closes, hosted.realm.exists = (), None, False, True
    world.put(CONTROL_KEY, CONTROL)
    if world.settings["endpoint_url"] not in {world.addresses["service"], world.addresses["proxy"]}:
        return ""
    settings = {**lane.settings(world)}
    if settings["aws_access_key_id"] is None:
        return ""
    try:
        bucket = lane.bucket(hosted.realm.name, settings)
        data = (await asyncio.wait_for(bucket.get(CONTROL_KEY), 3 * (CONNECT_SECONDS + READ_SECONDS) + SLACK)).data
        if "keeps" in world.operation.traits and raised is not None:
            await _gone_on(world, bucket)
        if hosted.realm.unheard and hasattr(bucket, "abort_stale_uploads"):
            return await _swept(bucket, hosted)
    except Exception as error:  # noqa: BLE001  # it is what is told
        return f"{type(error).__name__}: {error}"
    return "" if data == CONTROL else f"{data[:50]!r} came instead of the control object"


async def _gone_on(world: World, bucket: Any) -> None:
    """Make the same call again, which must succeed now, with what is there now, and leave nothing."""
    realm = world.hosted.realm
    is_upload = "source" in world.operation.traits
    if not (world.source.is_file() if is_upload else world.key in realm.objects):
        return
    await asyncio.wait_for(world.operation.run(bucket, world), 3 * (CONNECT_SECONDS + READ_SECONDS) + SLACK)
    there, file = realm.objects[world.key].data, world.source if is_upload else world.destination
    assert file.read_bytes() == there, f"{len(there)} bytes, which are others than the file's"
    assert not realm.uploads.keys() - realm.unheard, f"{realm.uploads.keys() - realm.unheard} left after that"
    left = [str(path) for path in (*world.directory.rglob(".*.s3part*"), *world.noted())]
    assert not left, f"{left} left after that"


async def _swept(bucket: Any, hosted: Hosted) -> str:
    """Sweep the uploads of whose id the client can't know."""
    for upload_id in hosted.realm.unheard & hosted.realm.uploads.keys():
        hosted.realm.uploads[upload_id].initiated = "2020-01-01T00:00:00.000Z"
    await bucket.abort_stale_uploads(older_than=3_600)
    left = hosted.realm.unheard & hosted.realm.uploads.keys()
    return f"abort_stale_uploads() has left {sorted(left)}" if left else ""
