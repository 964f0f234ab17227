"""A client's process: ``python -m benchmarks.child ORDER`` warms up, measures, and says so in one line of JSON."""

from __future__ import annotations

import asyncio
import importlib
import itertools
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.orders import Figures, Order

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

WARM_UP = 0.25
"""Seconds: connections are made, signing keys are cached."""
AGAIN = ("get", "put")
"""What is done for some seconds; everything else is done once."""


PIECE = 256 << 10
"""Bytes that are written at a time to have the machine's memory ready."""


class Meter:
    """The time and the CPU of what is done between its start and its end."""

    def __init__(self) -> None:
        self._cpu, self._begun = cpu(), time.perf_counter()

    def figures(self, operations: int, size: int) -> Figures:
        """Return what has been measured so far, of this many operations."""
        seconds, used = time.perf_counter() - self._begun, cpu() - self._cpu
        return Figures(operations, size * operations, seconds, used, peak())


def cpu() -> float:
    """Return the CPU seconds of this process, all its threads together."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak() -> float:
    """Return the most memory that this process has had, in MiB.

    Linux's ru_maxrss begins with what the parent had when it forked.
    """
    status = Path("/proc/self/status")
    if status.exists():
        [line] = [line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)


class Task:
    """An order, as calls of a client's method: the same for blocking and awaited clients."""

    def __init__(self, order: Order, peer: Any) -> None:
        self.order = order
        self.call: Callable[..., Any] = getattr(peer, "get" if order.verb == "start" else order.verb)
        self._keys = (f"{order.key}/{number}" for number in itertools.count())
        self._data = b"s3" * (order.size // 2) if order.verb in {"put", "upload"} else b""
        self._path = str(Path(order.directory, str(order.size)))

    def arguments(self) -> tuple[Any, ...]:
        """Return the arguments of the next call."""
        match self.order.verb:
            case "list":
                return ()
            case "put" | "upload":
                return next(self._keys), self._data
            case "download_file":
                # New each time: to write over a file is cheaper than to replace it whole, which not every client does.
                Path(f"{self._path}.downloaded").unlink(missing_ok=True)
                return next(self._keys), f"{self._path}.downloaded"
            case "upload_file":
                return self._path, next(self._keys)
            case "upload_files" | "delete_many":
                return (self._many(),)
        return (next(self._keys),)

    def _many(self) -> list[Any]:
        """Return files and keys, or keys only."""
        keys = list(itertools.islice(self._keys, self.order.count))
        if self.order.verb == "delete_many":
            return keys
        return [(str(Path(self._path, str(number))), key) for number, key in enumerate(keys)]

    def ready(self) -> tuple[Any, ...]:
        """Return the arguments of what is done once, and have the memory at hand that it will need.

        On a virtual machine, memory that was free for some seconds is the host's, and to have it back costs several
        times what a client does with it: whoever came after a pause would seem slow.
        """
        arguments = self.arguments()
        if self.order.size >= 1 << 30:
            path = Path(f"{self._path}.memory")
            with path.open("wb", buffering=0) as file:
                for _ in range(0, self.order.size * 5 // 4, PIECE):
                    file.write(bytes(PIECE))
            path.unlink()
        return arguments

    def check(self, got: Any) -> None:
        """Raise unless all has arrived: no client is fast with half of it."""
        order = self.order
        match order.verb:
            case "get" | "start" | "download":
                wanted = order.size
            case "list":
                wanted = order.count
            case "download_file":
                wanted, got = order.size, Path(f"{self._path}.downloaded").stat().st_size
            case _:
                return
        if got != wanted:
            raise RuntimeError(f"{order.kind}.{order.verb}: {got} instead of {wanted}")

    def once(self, meter: Meter, got: Any) -> Figures:
        """Return the figures of one call, which has just ended."""
        figures = meter.figures(self.order.count, self.order.size)
        self.check(got)
        return figures


async def awaited(order: Order, kind: Callable[..., Any]) -> None:
    """Measure a client with coroutines."""
    peer = kind(order.setup)
    task = Task(order, peer)
    await peer.open()
    if order.verb == "start":
        task.check(await task.call(*task.arguments()))
        say(Figures(1, order.size, 0.0, cpu(), peak()))
    else:
        # What is imported or connected only when it is needed is there from now on.
        await peer.get(order.warm)
        say(await _measured(task))
    await peer.close()


async def _measured(task: Task) -> Figures:
    if task.order.verb in AGAIN:
        await _repeat(task, WARM_UP)
        meter = Meter()
        return meter.figures(await _repeat(task, task.order.seconds), task.order.size)
    arguments = task.ready()
    meter = Meter()
    return task.once(meter, await task.call(*arguments))


async def _repeat(task: Task, seconds: float) -> int:
    until = time.perf_counter() + seconds

    async def worker() -> int:
        done = 0
        while not done or time.perf_counter() < until:
            task.check(await task.call(*task.arguments()))
            done += 1
        return done

    return sum(await asyncio.gather(*(worker() for _ in range(task.order.concurrency))))


def blocking(order: Order, kind: Callable[..., Any]) -> None:
    """Measure a client whose methods block, in as many threads as the case has calls at a time."""
    peer = kind(order.setup)
    task = Task(order, peer)
    peer.open()
    if order.verb == "start":
        task.check(task.call(*task.arguments()))
        say(Figures(1, order.size, 0.0, cpu(), peak()))
    else:
        peer.get(order.warm)
        say(_measured_in_threads(task))
    peer.close()


def _measured_in_threads(task: Task) -> Figures:
    if task.order.verb in AGAIN:
        _repeat_in_threads(task, WARM_UP)
        meter = Meter()
        return meter.figures(_repeat_in_threads(task, task.order.seconds), task.order.size)
    arguments = task.ready()
    meter = Meter()
    return task.once(meter, task.call(*arguments))


def _repeat_in_threads(task: Task, seconds: float) -> int:
    until = time.perf_counter() + seconds

    def worker() -> int:
        done = 0
        while not done or time.perf_counter() < until:
            task.check(task.call(*task.arguments()))
            done += 1
        return done

    if task.order.concurrency == 1:
        return worker()
    with ThreadPoolExecutor(task.order.concurrency) as threads:
        return sum(future.result() for future in [threads.submit(worker) for _ in range(task.order.concurrency)])


def say(figures: Figures) -> None:
    """Tell the parent."""
    sys.stdout.write(figures.text() + "\n")
    sys.stdout.flush()


def run(loop: str, main: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine on the loop of this name."""
    if loop == "uvloop":
        import uvloop  # noqa: PLC0415  # only where it is asked for

        uvloop.run(main)
    else:
        asyncio.run(main)


def main(text: str) -> None:
    """Carry out an order."""
    order = Order.of(text)
    kind = getattr(importlib.import_module(f"benchmarks.peers.{order.module}"), order.kind)
    if kind.blocking:
        blocking(order, kind)
    else:
        run(order.loop, awaited(order, kind))


if __name__ == "__main__":
    main(sys.argv[1])
