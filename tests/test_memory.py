"""How much memory is needed, measured in programs of their own, with a server that keeps nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests import tiny_s3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MIB = 1024 * 1024
KIB = 1024

PROGRAM = """
import asyncio, resource, sys
from s3_bucket import AsyncBucket

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

async def drip(size):
    for _ in range(size // 1024 ** 2):
        yield bytes(1024 ** 2)

async def main():
    bucket = AsyncBucket("bucket", endpoint_url=sys.argv[1], part_size=8 * 1024 ** 2, max_concurrency=4)
    await bucket.put("small", b"data")
    await anext(bucket.get_many(["small"]))
    before = peak()
    await work(bucket)
    print(peak() - before)

asyncio.run(main())
"""


@pytest.fixture
def server() -> Iterator[str]:
    """Run a tiny S3 in a process of its own, whose objects are of 4 KiB."""
    with subprocess.Popen(
        [sys.executable, tiny_s3.__file__, str(4 * KIB)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.communicate()


@pytest.fixture
def cost(server: str, tmp_path: Path) -> Callable[[str], int]:
    """Return what runs work(bucket) in a program of its own, and says how many bytes of memory it took."""

    def measure(work: str) -> int:
        program = tmp_path / "program.py"
        program.write_text(work + PROGRAM)
        done = subprocess.run(
            [sys.executable, program, server],
            env={**os.environ, "PYTHONDEVMODE": ""},  # debug mode keeps tracebacks, and takes five times as long
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return int(done.stdout)

    return measure


def test_put_of_a_gibibyte(cost: Callable[[str], int]) -> None:
    """A GiB from an async iterator costs no more than part_size x max_concurrency and 64 MiB."""
    assert cost("async def work(bucket): await bucket.put('key', drip(1024 ** 3))\n") < 4 * 8 * MIB + 64 * MIB


def test_writer_of_a_quarter(cost: Callable[[str], int]) -> None:
    """open_writer costs no more than put."""
    work = """
async def work(bucket):
    async with bucket.open_writer('key') as writer:
        async for piece in drip(1024 ** 3 // 4):
            await writer.write(piece)
"""
    assert cost(work) < 4 * 8 * MIB + 64 * MIB


def test_many_large_puts_share_one_budget(cost: Callable[[str], int]) -> None:
    """Ten uploads at a time cost a part more each, which is being filled, not ten times a budget."""
    work = """
async def work(bucket):
    await asyncio.gather(*(bucket.put(str(number), drip(64 * 1024 ** 2)) for number in range(10)))
"""
    assert cost(work) < (4 + 2 * 10) * 8 * MIB + 64 * MIB


def test_many_gets(cost: Callable[[str], int]) -> None:
    """Fetching 5,000 objects of 4 KiB, 20 MB in all, and dropping them, keeps memory flat."""
    work = """
async def work(bucket):
    count = 0
    async for result in bucket.get_many(str(number) for number in range(5_000)):
        assert result.ok and len(result.value) == 4096, result
        count += 1
    assert count == 5_000
"""
    assert cost(work) < 10 * MIB


def test_ten_thousand_files(cost: Callable[[str], int], tmp_path: Path) -> None:
    """Uploading 10,000 files of 4 KiB keeps memory flat."""
    (tmp_path / "file").write_bytes(bytes(4 * KIB))
    work = f"""
async def work(bucket):
    count = 0
    async for result in bucket.upload_files(({str(tmp_path / "file")!r}, str(number)) for number in range(10_000)):
        assert result.ok, result
        count += 1
    assert count == 10_000
"""
    assert cost(work) < 16 * MIB
