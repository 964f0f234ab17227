"""What a process holds: file descriptors, threads and tasks, before the cells and after them."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import time
from dataclasses import dataclass
from pathlib import Path

POOLS = ("s3-bucket", "cells", "asyncio_")
"""Threads that are made as they are needed, and stay."""
SETTLE = 5.0
"""Seconds in which the servers must have noticed that the connections are closed."""


@dataclass(frozen=True)
class Census:
    """How many there are of each."""

    descriptors: int
    threads: int
    tasks: int


def taken() -> Census:
    """Count now."""
    gc.collect()
    threads = [thread for thread in threading.enumerate() if not thread.name.startswith(POOLS)]
    return Census(len(list(Path("/proc/self/fd").iterdir())), len(threads), len(asyncio.all_tasks()))


async def leaks(before: Census) -> list[str]:
    """Say what there is more of than before, when all has had time to end."""
    until = time.monotonic() + SETTLE
    while told(before, now := taken()) and time.monotonic() < until:  # noqa: ASYNC110  # nothing tells when
        await asyncio.sleep(0.1)
    return told(before, now) and [*told(before, now), f"open are: {', '.join(sorted(opened()))}"]


def opened() -> list[str]:
    """Return what the file descriptors are of."""
    found = []
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(str(path.readlink()))
    return found


def told(before: Census, after: Census) -> list[str]:
    """Say what there is more of."""
    counted = {name: getattr(after, name) - getattr(before, name) for name in Census.__dataclass_fields__}
    return [f"{count} {name} more than before the cells" for name, count in counted.items() if count > 0]
