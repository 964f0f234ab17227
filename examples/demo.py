"""The main job on real input, told step by step: ``python examples/demo.py``.

It starts an S3 of its own (moto, on the loopback interface), or uses the one that AWS_ENDPOINT_URL names with the
credentials of the standard AWS chain. It makes a bucket and temporary files of its own, and removes them.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import s3_bucket as S3

if TYPE_CHECKING:
    from collections.abc import Iterator

MEBIBYTE = 1024 * 1024
REPOSITORY = Path(__file__).resolve().parents[1]
LARGE = "generated.bin"

# A process of its own: it shares no interpreter lock with what is measured, and ends when its input does.
SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print("http://%s:%s" % server.get_host_and_port(), flush=True)
sys.stdin.read()
"""


def main() -> int:
    """Run the demonstration; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mebibytes", type=int, default=256, help="size of the generated file (default: 256)")
    size = parser.parse_args().mebibytes * MEBIBYTE
    with endpoint(), tempfile.TemporaryDirectory(prefix="s3-bucket-demo-") as directory:
        name = f"s3-bucket-demo-{uuid.uuid4().hex[:12]}"
        try:
            return demonstrate(name, size, Path(directory))
        finally:
            asyncio.run(remove(name))


@contextmanager
def endpoint() -> Iterator[None]:
    """Use the S3 that the environment names, or one that lives as long as the demonstration."""
    given = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if given:
        say(f"Using the S3 at {given}")
        yield
        return
    # In a session of its own: Ctrl-C must reach this program, which still needs the server to clean up.
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        url = process.stdout.readline().strip() if process.stdout else ""
        if not url:
            sys.exit('No S3 could be started: python3 -m pip install "moto[server]", or set AWS_ENDPOINT_URL.')
        say(f"Started an S3 of its own (moto) at {url}")
        S3.init("demo", "demo-secret", region="us-east-1", endpoint_url=url)
        yield
    finally:
        process.communicate()


def demonstrate(name: str, size: int, directory: Path) -> int:
    """Store, fetch and compare; return the exit status."""
    files = {path.relative_to(REPOSITORY).as_posix(): path for path in repository_files()}
    wanted = {key: sha256(path) for key, path in files.items()}
    large = directory / LARGE
    with timed(f"Generated a file of {shown(size)} of noise", size):
        wanted[LARGE] = generate(large, size)

    asyncio.run(store(name, files, large, size))
    awaited = asyncio.run(fetch_awaited(name, list(files), directory / "copy.bin"))
    blocking = fetch_blocking(name, list(files))

    say("\nWhat is not there is an exception, of one tree, that says what it is about:")
    try:
        S3.Bucket(name).get("no such key")
    except S3.Exceptions.NoSuchKey as error:
        say(f"  caught {type(error).__name__}: {error}")

    say("\nComparing:")
    for face, found in (("awaited", awaited), ("blocking", blocking)):
        same = sum(found.get(key) == digest for key, digest in wanted.items())
        say(f"  {face}: {same} of {len(wanted)} objects came back with the SHA-256 that they were stored with")
    whole = awaited == blocking == wanted
    different = sorted(
        key for key, digest in wanted.items() if awaited.get(key) != digest or blocking.get(key) != digest
    )
    say("\nAll is well." if whole else f"\nNOT what was stored came back: {', '.join(different)}")
    return 0 if whole else 1


async def store(name: str, files: dict[str, Path], large: Path, large_size: int) -> None:
    """Upload the repository's files, several at a time, and the large file in parallel parts."""
    async with S3.AsyncBucket(name) as bucket:
        await bucket.create()
        say(f"Made the bucket {bucket.name}\n")

        size = sum(path.stat().st_size for path in files.values())
        results: list[S3.Result[None]] = []
        with timed(f"  upload_files: {len(files)} files of this repository, {shown(size)}", size):
            async for result in bucket.upload_files((path, key) for key, path in files.items()):
                results.append(result)
                progress(len(results), len(files))
        S3.raise_failed(results)

        with timed(f"  upload_file: one file of {shown(large_size)} in parallel parts", large_size):
            await bucket.upload_file(large, LARGE)


async def fetch_awaited(name: str, keys: list[str], copy: Path) -> dict[str, str]:
    """Fetch everything by awaiting; return the SHA-256 by key."""
    say("\nReading back, awaited:")
    found: dict[str, str] = {}
    async with S3.AsyncBucket(name) as bucket:
        with timed(f"  get_many: {len(keys)} objects"):
            async for result in bucket.get_many(keys):
                found[result.key] = hashlib.sha256(result.value or b"").hexdigest()
        info = await bucket.head(LARGE)
        with timed(f"  download_file: {shown(info.size)} in parallel ranges", info.size):
            await bucket.download_file(LARGE, copy)
        found[LARGE] = await asyncio.to_thread(sha256, copy)
    return found


def fetch_blocking(name: str, keys: list[str]) -> dict[str, str]:
    """Fetch everything by blocking calls; return the SHA-256 by key."""
    say("\nReading back, blocking:")
    found: dict[str, str] = {}
    bucket = S3.Bucket(name)
    with timed(f"  get: {len(keys)} objects, one after the other"):
        for key in keys:
            data, _metadata = bucket.get(key)
            found[key] = hashlib.sha256(data).hexdigest()
    with bucket.open_reader(LARGE) as reader, timed(f"  open_reader: {shown(reader.info.size)}", reader.info.size):
        found[LARGE] = hashlib.file_digest(reader, "sha256").hexdigest()
    return found


async def remove(name: str) -> None:
    """Delete the bucket and all that is in it."""
    with suppress(S3.Exceptions.NoSuchBucket):
        async with S3.AsyncBucket(name) as bucket:
            async for _ in bucket.delete_many(info.key async for info in bucket.list()):
                pass
            await bucket.delete_bucket()
            say("Removed the bucket and the temporary files.")


def repository_files() -> list[Path]:
    """Return the repository's files, without what is hidden or made by tools."""
    found = REPOSITORY.rglob("*")
    return sorted(path for path in found if path.is_file() and not is_made(path.relative_to(REPOSITORY)))


def is_made(path: Path) -> bool:
    """Whether a path belongs to a tool, not to the repository."""
    return any(part.startswith(".") or part in {"__pycache__", "build", "dist"} for part in path.parts)


def generate(path: Path, size: int) -> str:
    """Write a file of random bytes; return its SHA-256."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for start in range(0, size, MEBIBYTE):
            block = os.urandom(min(MEBIBYTE, size - start))
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def sha256(path: Path) -> str:
    """Return a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def timed(what: str, size: int | None = None) -> Iterator[None]:
    """Say what was done, in what time and at what rate."""
    begin = time.perf_counter()
    yield
    seconds = time.perf_counter() - begin
    rate = f", {size / MEBIBYTE / seconds:,.0f} MiB/s" if size and size >= MEBIBYTE else ""
    clear = "\r\x1b[K" if sys.stdout.isatty() else ""
    say(f"{clear}{what}: {seconds:.2f} s{rate}")


def progress(done: int, total: int) -> None:
    """Draw the progress line; a file or a pipe gets none."""
    if sys.stdout.isatty():
        filled = 40 * done // total
        print(f"\r  [{'#' * filled}{'.' * (40 - filled)}] {done} of {total}", end="", flush=True)


def shown(size: int) -> str:
    """Return a number of bytes for the eye."""
    return f"{size / MEBIBYTE:,.1f} MiB" if size >= MEBIBYTE else f"{size / 1024:,.1f} KiB"


def say(text: str) -> None:
    """Print a line at once: the reader waits for it."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
