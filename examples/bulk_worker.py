"""A worker that uploads files as they come, through a queue: ``python examples/bulk_worker.py BUCKET DIRECTORY``.

For a list of files that is known, ``bucket.upload_files`` does all this in one call. A queue is for jobs that arrive
while the program runs: here a thread finds them in a directory; it might be a message broker.

On Ctrl-C or SIGTERM it looks for no more jobs, does those in the queue, and says what was done.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import s3_bucket as S3

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKERS = 20

# How many jobs may wait. What finds them waits when the workers can't keep up: memory stays as it is.
WAITING = 100

Jobs: TypeAlias = "asyncio.Queue[Path | None]"


@dataclass
class Tally:
    """What became of the jobs."""

    uploaded: int = 0
    failed: list[str] = field(default_factory=list)


async def main(bucket_name: str, directory: Path) -> int:
    """Upload all files below the directory; return the exit status."""
    jobs: Jobs = asyncio.Queue(WAITING)
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)

    tally = Tally()
    async with S3.AsyncBucket(bucket_name, max_concurrency=WORKERS) as bucket, asyncio.TaskGroup() as tasks:
        for _ in range(WORKERS):
            tasks.create_task(work(bucket, directory, jobs, tally))
        await feed(jobs, directory, stopping)

    for line in tally.failed:
        print(line, file=sys.stderr)
    print(f"{tally.uploaded} uploaded, {len(tally.failed)} failed{', stopped early' if stopping.is_set() else ''}")
    return 1 if tally.failed else 0


async def feed(jobs: Jobs, directory: Path, stopping: asyncio.Event) -> None:
    """Give the workers their jobs, and then the sign that there are no more."""
    paths = found(directory)
    while not stopping.is_set() and (path := await asyncio.to_thread(next, paths, None)):
        await jobs.put(path)
    for _ in range(WORKERS):
        await jobs.put(None)


async def work(bucket: S3.AsyncBucket, directory: Path, jobs: Jobs, tally: Tally) -> None:
    """Do one job after the other; one that fails stops nobody."""
    while path := await jobs.get():
        try:
            await bucket.upload_file(path, path.relative_to(directory).as_posix())
            tally.uploaded += 1
        except (S3.Exceptions.BucketException, OSError) as error:
            tally.failed.append(f"{path}: {error}")


def found(directory: Path) -> Iterator[Path]:
    """Find the files below a directory, one by one."""
    for parent, _, names in os.walk(directory):
        yield from (Path(parent, name) for name in names)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], Path(sys.argv[2]))))
