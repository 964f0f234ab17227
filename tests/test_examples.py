"""The programs in examples/, and those that release 1.4.0 documented, each run as its user runs it."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
from asyncio.subprocess import PIPE
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

import s3_bucket as S3

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

REPOSITORY = Path(__file__).resolve().parents[1]
EXAMPLES = REPOSITORY / "examples"
STRICT = (sys.executable, "-X", "dev", "-W", "error")
MEBIBYTE = 1024 * 1024
LOUD = ("PYTHONDEVMODE", "PYTHONWARNINGS")

# uvicorn waits for its lifespan and its requests; this is the hard limit for all of it.
SECONDS = 100


def stored(endpoint_url: str, bucket: str, key: str) -> bytes:
    """Return an object's bytes."""
    return S3.Bucket(bucket, endpoint_url=endpoint_url).get(key).data


@pytest.fixture
def documented_files(make_bucket: Callable[[str], str]) -> Iterator[Path]:
    """Provide what the documentation of release 1 takes for granted; return the file that it downloads."""
    make_bucket("my-bucket")
    make_bucket("my-website-data")
    source, destination = Path("/tmp/file_to_upload.txt"), Path("/tmp/destination_filename.txt")  # noqa: S108
    # The paths are the documentation's, so one test at a time may have them, of all that run on the machine.
    with Path("/tmp/s3-bucket-documented-files.lock").open("w") as lock:  # noqa: S108
        fcntl.flock(lock, fcntl.LOCK_EX)
        source.write_text("a file to upload")
        destination.unlink(missing_ok=True)
        yield destination
        source.unlink()
        destination.unlink()


def test_legacy_script(aws_endpoint: str, documented_files: Path, run_strictly: Callable[..., str]) -> None:
    """The documented blocking calls work, word for word, in a script that closes nothing."""
    assert run_strictly(EXAMPLES / "legacy_script.py").splitlines() == [
        "b'some bytes' {'owner': 'me'}",
        "a str is stored as UTF-8",
        "no such key: some key in my-bucket",
        "no such bucket: my-bucket-name",
    ]
    assert documented_files.read_text() == "a file to upload"
    assert stored(aws_endpoint, "my-bucket", "json_data_1") == b"a str is stored as UTF-8"


def test_programs_of_release_1(aws_endpoint: str, documented_files: Path, run_strictly: Callable[..., str]) -> None:
    """Every program of 1.4.0's README runs word for word, one after the other as they stand there."""
    text = (REPOSITORY / "tests" / "documented_1_4_0.md").read_text(encoding="utf-8")
    programs = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    # The one placeholder: the reader is to put a name there.
    whole = "\n".join(programs).replace("'your bucket name'", "'my-bucket'")
    assert run_strictly("-", program=f"{whole}\nprint(data, metadata)") == "b\"{'a': 1, 'b': 2}\" {}\n"
    assert documented_files.read_text() == "a file to upload"


def test_bulk_worker(aws_endpoint: str, bucket_name: str, run_strictly: Callable[..., str], tmp_path: Path) -> None:
    """The worker uploads every file that the queue brings, and says how many."""
    for number in range(150):
        path = tmp_path / f"{number % 7}" / f"{number}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"file {number}")
    assert run_strictly(EXAMPLES / "bulk_worker.py", bucket_name, tmp_path) == "150 uploaded, 0 failed\n"
    assert stored(aws_endpoint, bucket_name, "2/149.txt") == b"file 149"


def test_bulk_worker_tells_what_failed(aws_endpoint: str, tmp_path: Path) -> None:
    """A job that fails stops nobody; it is told at the end, and in the exit status."""
    (tmp_path / "lonely.txt").write_text("nowhere to go")
    done = subprocess.run(
        [*STRICT, EXAMPLES / "bulk_worker.py", "no-such-bucket", tmp_path],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "0 uploaded, 1 failed\n")
    assert "lonely.txt" in done.stderr
    assert "Unclosed" not in done.stderr


async def test_bulk_worker_stops_gracefully(
    gate: Gate, bucket_name: str, complaints: Callable[[str], str], tmp_path: Path
) -> None:
    """On Ctrl-C the worker looks for no more files, finishes what it has taken, and says so."""
    total = 500
    await asyncio.to_thread(fill, tmp_path, total)
    process = await asyncio.create_subprocess_exec(
        *STRICT,
        EXAMPLES / "bulk_worker.py",
        bucket_name,
        tmp_path,
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, "AWS_ENDPOINT_URL": gate.url},
    )
    try:
        async with asyncio.timeout(SECONDS):
            # The first requests wait at the gate: the signal comes while jobs are under way, and no sooner.
            await gate.reached(1)
            process.send_signal(signal.SIGINT)
            gate.opened.set()
            out, err = await process.communicate()
    finally:
        await end(process)
    uploaded = re.fullmatch(r"(\d+) uploaded, 0 failed, stopped early\n", out.decode())
    assert (process.returncode, complaints(err.decode())) == (0, "")
    assert uploaded
    assert 0 < int(uploaded[1]) < total


def fill(directory: Path, count: int) -> None:
    """Write so many files."""
    for number in range(count):
        (directory / f"{number}.txt").write_text(f"file {number}")


async def test_demo(tmp_path: Path) -> None:
    """The demonstration brings everything back as it was stored, with an S3 of its own, and leaves nothing behind."""
    # Not in development mode: aiohttp would refuse moto's second Server header.
    environment = {name: value for name, value in os.environ.items() if name not in LOUD}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", EXAMPLES / "demo.py", "--mebibytes", "20"),
        stdout=PIPE,
        stderr=PIPE,
        env={**environment, "TMPDIR": str(tmp_path)},
    )
    try:
        async with asyncio.timeout(SECONDS):
            out, err = await process.communicate()
    finally:
        await end(process)
    text = out.decode()
    assert (process.returncode, err) == (0, b""), text
    assert "caught NoSuchKey" in text
    assert "All is well." in text
    assert "Removed the bucket" in text
    assert not await asyncio.to_thread(lambda: list(tmp_path.iterdir()))


async def test_demo_uses_the_s3_that_the_environment_names(aws_endpoint: str, run_strictly: Callable[..., str]) -> None:
    """With AWS_ENDPOINT_URL, the demonstration works there, and no bucket of its own is left."""
    out = await asyncio.to_thread(run_strictly, EXAMPLES / "demo.py", "--mebibytes", "1")
    assert f"Using the S3 at {aws_endpoint}" in out
    name = re.findall(r"s3-bucket-demo-\w+", out)[0]
    assert not await S3.AsyncBucket(name).bucket_exists()


class Gate:
    """A relay before moto, which counts connections and holds them back until it is opened."""

    def __init__(self) -> None:
        self.url = ""
        self.connections = 0
        self.opened = asyncio.Event()
        self._changed = asyncio.Condition()

    async def relay(self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection's bytes both ways, once the gate is open."""
        async with self._changed:
            self.connections += 1
            self._changed.notify_all()
        await self.opened.wait()
        url = urlsplit(target)
        onwards_reader, onwards_writer = await asyncio.open_connection(url.hostname, url.port)
        with closing(writer), closing(onwards_writer):
            await asyncio.gather(pump(reader, onwards_writer), pump(onwards_reader, writer))

    async def reached(self, connections: int) -> None:
        """Wait until so many connections have come."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.connections >= connections)


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes one way, until there are no more."""
    try:
        while data := await reader.read(MEBIBYTE):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except (ConnectionError, RuntimeError):  # one side has gone: the other is told so by the end of its connection
        writer.close()


@pytest.fixture
async def gate(endpoint_url: str) -> AsyncIterator[Gate]:
    """Put a closed gate before moto."""
    gate = Gate()
    handlers: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(gate.relay(endpoint_url, reader, writer))
        handlers.add(task)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    gate.url = "http://127.0.0.1:{1}".format(*server.sockets[0].getsockname())
    yield gate
    server.close()
    for task in handlers:
        task.cancel()
    await asyncio.gather(*handlers, return_exceptions=True)


async def end(process: asyncio.subprocess.Process) -> None:
    """Make sure that a child process has ended."""
    if process.returncode is None:
        process.kill()
        await process.wait()


@pytest.fixture
async def client(gate: Gate, bucket_name: str, complaints: Callable[[str], str]) -> AsyncIterator[httpx.AsyncClient]:
    """Run fastapi_service.py under uvicorn for a client; stop it by Ctrl-C, and see that it ended cleanly."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        # The socket is handed down open: no port can be lost to somebody else, and clients may connect at once.
        process = await asyncio.create_subprocess_exec(
            *STRICT,
            *("-m", "uvicorn", "--app-dir", str(EXAMPLES), "--fd", str(listener.fileno())),
            *("--log-level", "warning", "fastapi_service:app"),
            env={**os.environ, "AWS_ENDPOINT_URL": gate.url, "BUCKET": bucket_name},
            pass_fds=[listener.fileno()],
            stdout=PIPE,
            stderr=PIPE,
        )
        base_url = "http://127.0.0.1:{1}".format(*listener.getsockname())
    try:
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(base_url=base_url, timeout=60, limits=limits, trust_env=False) as client:
            yield client
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(SECONDS):
            out, err = await process.communicate()
    finally:
        await end(process)
    assert (out, complaints(err.decode())) == (b"", "")
    # uvicorn ends by the signal that it was stopped with.
    assert process.returncode in {0, -signal.SIGINT}


async def test_service_shares_one_pool(
    client: httpx.AsyncClient, gate: Gate, endpoint_url: str, bucket_name: str
) -> None:
    """A hundred requests at once are all answered, over no more connections than max_concurrency."""
    await S3.AsyncBucket(bucket_name, endpoint_url=endpoint_url).put("key", b"hello")
    waiting = asyncio.gather(*(client.get("/objects/key") for _ in range(100)))
    await gate.reached(10)
    # Nothing of S3 gets through, but the service has turns enough to open an eleventh connection if it would.
    others = await asyncio.gather(*(client.get("/openapi.json") for _ in range(100)))
    assert {other.status_code for other in others} == {200}
    assert gate.connections == 10
    gate.opened.set()
    assert {(answer.status_code, answer.content) for answer in await waiting} == {(200, b"hello")}


async def test_service_streams(client: httpx.AsyncClient, gate: Gate) -> None:
    """An upload and a download of many pieces pass through whole, the length known before the first byte."""
    gate.opened.set()
    block = os.urandom(MEBIBYTE)

    async def blocks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield block

    put = await client.put("/objects/large.bin", content=blocks())
    assert (put.status_code, put.json()["size"]) == (201, 20 * MEBIBYTE)
    digest = hashlib.sha256()
    async with client.stream("GET", "/streams/large.bin") as answer:
        assert answer.headers["content-length"] == str(20 * MEBIBYTE)
        async for chunk in answer.aiter_bytes():
            digest.update(chunk)
    assert digest.digest() == hashlib.sha256(block * 20).digest()


async def test_service_outlives_clients_that_leave(client: httpx.AsyncClient, gate: Gate) -> None:
    """Clients that leave in the middle of a download take no connection with them: the next ones are served."""
    gate.opened.set()
    await client.put("/objects/large.bin", content=os.urandom(20 * MEBIBYTE))
    for _ in range(15):
        async with client.stream("GET", "/streams/large.bin") as answer:
            await anext(answer.aiter_bytes())
    answers = await asyncio.gather(*(client.get("/streams/large.bin") for _ in range(3)))
    assert {len(answer.content) for answer in answers} == {20 * MEBIBYTE}


@pytest.mark.parametrize("path", ["/objects/missing", "/streams/missing"])
async def test_service_errors(client: httpx.AsyncClient, gate: Gate, path: str) -> None:
    """A missing object is a real 404, streamed or not; what S3 can't hold is the client's mistake."""
    gate.opened.set()
    missing = await client.get(path)
    assert (missing.status_code, missing.json()) == (404, {"detail": "NoSuchKey", "key": "missing"})
    too_long = await client.get(path + "x" * 2_000)
    assert (too_long.status_code, too_long.json()["detail"]) == (400, "InvalidInput")
    assert (await client.delete("/objects/missing")).status_code == 204
