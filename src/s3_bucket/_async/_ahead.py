"""Short files are read before their turn comes, many at a time: for one alone, the way to a thread takes longest."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

from s3_bucket._async import _shield
from s3_bucket._async._sources import FileSource, file_source

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Sequence

GROUP = 64
"""Files that are read together; of two such groups, the short ones are in memory."""
THREADS = 4
"""Into how many worker threads a group is divided: a disk may take long to find each file."""


async def read_ahead(files: Collection[Any]) -> AsyncGenerator[tuple[Any, FileSource | None], None]:
    """Yield the (path, key) pairs, each with its file's source if that could be read ahead.

    What isn't a pair, or can't be read, has none: whose turn it is then says why.
    """
    left = iter(files)
    groups = iter(lambda: list(itertools.islice(left, GROUP)), [])
    reading: list[asyncio.Task[list[tuple[Any, FileSource | None]]]] = []
    try:
        for group in itertools.chain(groups, [[]]):
            reading.append(asyncio.ensure_future(_read(group)))
            if len(reading) > 1:  # while a group is on its way to the server, the next one is read
                for each in await reading[0]:
                    yield each
                del reading[0]
    finally:
        await _shield.cancel(reading)


async def _read(group: Sequence[Any]) -> list[tuple[Any, FileSource | None]]:
    shares = [group[at : at + GROUP // THREADS] for at in range(0, len(group), GROUP // THREADS)]
    async with asyncio.TaskGroup() as threads:  # which, unlike gather(), ends when all have ended
        reading = [threads.create_task(_shield.in_thread(_read_here, share)) for share in shares]
    read = itertools.chain.from_iterable(task.result() for task in reading)
    return list(zip(group, read, strict=True))


def _read_here(share: Sequence[Any]) -> list[FileSource | None]:
    return [_short(item) for item in share]


def _short(item: Any) -> FileSource | None:
    try:
        path, _ = item
        source = file_source(path)
        return source if source.read_ahead() else None
    except Exception:  # noqa: BLE001  # it is raised again where it is the item's outcome
        return None
