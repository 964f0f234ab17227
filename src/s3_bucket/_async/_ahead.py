"""Short files are read before their turn comes, many at a time: for one alone, the way to a thread takes longest.

What the system has in memory, one thread reads, when it is needed: several of them, and the event loop beside them,
would do little but hand the interpreter's lock to each other, which takes many times as long as the reading. What a
disk or a network has to bring, several threads wait for, while the group before is on its way to the server.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import TYPE_CHECKING, Any, TypeAlias

from s3_bucket._async import _shield
from s3_bucket._async._sources import FileSource, file_source

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Sequence

Read: TypeAlias = "list[tuple[Any, FileSource | None]]"

GROUP = 128
"""Files that are read together; of two such groups, the short ones are in memory."""
QUICK = 200e-6
"""Seconds a file: less than what the threads would cost each other. From memory it takes about 10 us."""
THREADS = 4
"""Into how many worker threads a group of slow files is divided."""
TRY_AGAIN = 16
"""While files are slow, every so-manieth group is read as if they were quick, which tells whether they are by now."""


async def read_ahead(files: Collection[Any]) -> AsyncGenerator[tuple[Any, FileSource | None], None]:
    """Yield the (path, key) pairs, each with its file's source if that could be read ahead.

    What isn't a pair, or can't be read, has none: whose turn it is then says why.
    """
    groups = _groups(files)
    try:
        async for group in groups:
            for each in group:
                yield each
    finally:
        await groups.aclose()


async def _groups(files: Collection[Any]) -> AsyncGenerator[Read, None]:
    left, numbers = iter(files), itertools.count()
    is_slow = False
    reading: list[asyncio.Task[Read]] = []
    try:
        while True:
            number, group = next(numbers), list(itertools.islice(left, GROUP))
            if is_slow and group and number % TRY_AGAIN:
                reading.append(asyncio.ensure_future(_wait_for(group)))
                if len(reading) > 1:
                    yield await reading[0]
                    del reading[0]
                continue
            while reading:
                yield await reading[0]
                del reading[0]
            if not group:
                return
            read, seconds = await _shield.in_thread(_read_here, group)
            is_slow = seconds > QUICK * len(group)
            yield read
    finally:
        await _shield.cancel(reading)


async def _wait_for(group: Sequence[Any]) -> Read:
    shares = [group[at : at + GROUP // THREADS] for at in range(0, len(group), GROUP // THREADS)]
    async with asyncio.TaskGroup() as threads:  # which, unlike gather(), ends when all have ended
        reading = [threads.create_task(_shield.in_thread(_read_here, share)) for share in shares]
    return [each for task in reading for each in task.result()[0]]


def _read_here(share: Sequence[Any]) -> tuple[Read, float]:
    """Return the items with their sources, and how many seconds it took."""
    begun = time.perf_counter()
    return [(item, _short(item)) for item in share], time.perf_counter() - begun


def _short(item: Any) -> FileSource | None:
    try:
        path, _ = item
        source = file_source(path)
        return source if source.read_ahead() else None
    except Exception:  # noqa: BLE001  # it is raised again where it is the item's outcome
        return None
