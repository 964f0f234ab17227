"""A directory of 100,000 files goes there and back in bounded memory, in a program of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests import shelf_s3

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COUNT = 100_000
MOST = 64
"""MiB that the whole way may take beyond what the library takes for one object."""

PROGRAM = """
import asyncio, resource, sys
from pathlib import Path
from s3_bucket import AsyncBucket

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

def make(root, count):
    for number in range(count):
        directory = root / f"{number % 100:02}"
        directory.mkdir(parents=True, exist_ok=number >= 100)
        (directory / f"file-{number}").write_bytes(b"%d" % number)

def read(root):
    return {int(path.name[5:]): int(path.read_bytes()) for path in root.rglob("file-*")}

async def main(url, count):
    make(Path("here"), count)
    bucket = AsyncBucket("bucket", endpoint_url=url)
    await bucket.put("elsewhere", b"data")
    await bucket.get("elsewhere")
    before = peak()
    up = await bucket.upload_dir("here", "there", delete=True)
    assert (up.transferred, len(up.results)) == (count, count), up
    again = await bucket.plan_upload_dir("here", "there", delete=True)
    assert (again.transfers, again.deletions, again.unchanged) == (0, 0, count), again
    down = await bucket.download_dir("there", "back", delete=True)
    assert (down.transferred, down.transferred_bytes) == (count, up.transferred_bytes), down
    print(peak() - before)
    assert read(Path("back")) == {number: number for number in range(count)}

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


@pytest.fixture
def server() -> Iterator[str]:
    """Run a small S3 in a process of its own."""
    command = [sys.executable, shelf_s3.__file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.communicate()


@pytest.mark.timeout(1_500)
def test_a_hundred_thousand_files(server: str, tmp_path: Path) -> None:
    """They are uploaded, found to be the same, and downloaded; memory stays within 64 MiB of that of one object."""
    # Debug mode keeps tracebacks, and coverage would take three times as long: what is run here is measured elsewhere.
    disturbing = ("COVERAGE_", "PYTHONDEVMODE", "PYTHONASYNCIODEBUG")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(disturbing)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, server, str(COUNT)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=1_400,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < MOST
