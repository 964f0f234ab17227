"""Cancelling at any moment: everything stops, and nothing is left behind."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest

import s3_bucket as S3
from tests.tiny_s3 import TinyS3, tiny_s3

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

MIB = 1024 * 1024
PART = 5 * MIB
SIZE = 3 * PART + 1
LONGEST = 60
STEPS = range(0, 160, 11)


async def drip() -> AsyncIterator[bytes]:
    """Give the bytes of three parts and a bit."""
    for _ in range(3):
        yield bytes(PART)
    yield b"!"


async def put(bucket: S3.AsyncBucket, _: Path) -> None:
    """Upload an iterator."""
    await bucket.put("key", drip())


async def upload_file(bucket: S3.AsyncBucket, place: Path) -> None:
    """Upload a file."""
    await bucket.upload_file(place / "large", "key")


async def write(bucket: S3.AsyncBucket, _: Path) -> None:
    """Upload what a writer is given."""
    async with bucket.open_writer("key") as writer:
        async for piece in drip():
            await writer.write(piece)


async def get(bucket: S3.AsyncBucket, _: Path) -> None:
    """Fetch into memory."""
    await bucket.get("key")


async def download_file(bucket: S3.AsyncBucket, place: Path) -> None:
    """Fetch into a file."""
    await bucket.download_file("key", place / "down")


async def read(bucket: S3.AsyncBucket, _: Path) -> None:
    """Read with and without the next piece on its way, and all the rest at once."""
    async with bucket.open_reader("key") as reader:
        for _ in range(3):
            await reader.read(MIB)
        await reader.seek(0)
        await reader.read()


async def list_all(bucket: S3.AsyncBucket, _: Path) -> None:
    """List three pages."""
    async for _ in bucket.list():
        pass


async def put_many(bucket: S3.AsyncBucket, _: Path) -> None:
    """Store large and small items."""
    async for result in bucket.put_many([("a", b"1"), ("b", drip()), ("c", b"2"), ("d", drip())]):
        assert result.ok


async def get_many(bucket: S3.AsyncBucket, _: Path) -> None:
    """Fetch objects."""
    async for result in bucket.get_many(["a", "b"]):
        assert result.ok


async def download_files(bucket: S3.AsyncBucket, place: Path) -> None:
    """Fetch objects into files."""
    async for result in bucket.download_files([("a", place / "down"), ("b", place / "down-too")]):
        assert result.ok


async def upload_files(bucket: S3.AsyncBucket, place: Path) -> None:
    """Store files."""
    async for result in bucket.upload_files([(place / "small", "a"), (place / "large", "b"), (place / "small", "c")]):
        assert result.ok


OPERATIONS: dict[str, Callable[[S3.AsyncBucket, Path], Awaitable[None]]] = {
    function.__name__: function
    for function in (
        put,
        upload_file,
        write,
        get,
        download_file,
        read,
        list_all,
        put_many,
        get_many,
        download_files,
        upload_files,
    )
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a directory with a large file and a small one."""
    (tmp_path / "large").write_bytes(bytes(SIZE))
    (tmp_path / "small").write_bytes(b"data")
    return tmp_path


@asynccontextmanager
async def surroundings(concurrency: int) -> AsyncIterator[tuple[TinyS3, S3.AsyncBucket]]:
    """Give a server and a bucket there, whose store is open."""
    async with (
        tiny_s3(SIZE) as (server, url),
        S3.AsyncBucket("bucket", endpoint_url=url, part_size=PART, max_concurrency=concurrency) as bucket,
    ):
        await bucket.put("first", b"")
        yield server, bucket


async def cancelled(task: asyncio.Task[Any]) -> bool:
    """Wait for the end of a task, and return whether it was a cancellation; nothing else may come out."""
    try:
        async with asyncio.timeout(LONGEST):
            await asyncio.wait({task})
    finally:
        task.cancel()
    return task.cancelled() or task.result() is not None


async def nothing_is_left(server: TinyS3, bucket: S3.AsyncBucket, concurrency: int, place: Path) -> None:
    """Check that nothing of an operation is left."""
    others = asyncio.all_tasks() - server.tasks - {asyncio.current_task()}
    assert others == set()
    assert server.uploads == set()
    left = await asyncio.to_thread(os.listdir, place)
    assert [name for name in left if name.endswith(".s3part")] == []
    # All slots are free again: as many calls as there are slots, and more, come to an end.
    async with asyncio.timeout(LONGEST):
        await asyncio.gather(*(bucket.put("after", b"data") for _ in range(concurrency + 1)))
    await server.at_most(2 * concurrency)  # there may be two kinds of connections, kept apart


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("name", OPERATIONS)
async def test_at_every_request(name: str, concurrency: int, place: Path) -> None:
    """Cancelled when a request arrives or has been answered, whichever it is, an operation leaves nothing."""
    async with surroundings(concurrency) as (server, bucket):
        moment = 0
        while await cancel_at_event(OPERATIONS[name](bucket, place), server, moment):
            server.watch = lambda: None
            await nothing_is_left(server, bucket, concurrency, place)
            moment += 1
        server.watch = lambda: None
        await nothing_is_left(server, bucket, concurrency, place)
        await OPERATIONS[name](bucket, place)
    assert moment > 1


async def cancel_at_event(operation: Any, server: TinyS3, moment: int) -> bool:
    """Cancel an operation at an event of the server's; return whether it came to that."""
    task = asyncio.ensure_future(operation)
    left = moment

    def count() -> None:
        nonlocal left
        if left == 0:
            task.cancel()
        left -= 1

    server.watch = count
    return await cancelled(task)


@pytest.mark.parametrize("name", OPERATIONS)
async def test_at_many_steps(name: str, place: Path) -> None:
    """Cancelled after any number of turns of the loop, an operation leaves nothing."""
    async with surroundings(2) as (server, bucket):
        for steps in STEPS:
            task = asyncio.ensure_future(OPERATIONS[name](bucket, place))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await cancelled(task)
            assert asyncio.all_tasks() - server.tasks - {asyncio.current_task()} == set()
            assert server.uploads == set()
        await nothing_is_left(server, bucket, 2, place)


@pytest.mark.parametrize("name", OPERATIONS)
async def test_by_anyio(name: str, place: Path) -> None:
    """The cancellation of anyio, which comes again at every turn of the loop, leaves nothing either."""
    async with surroundings(2) as (server, bucket):
        for moment in (0, 2, 3, 5, 8):
            with anyio.CancelScope() as scope:
                left = moment

                def count(scope: anyio.CancelScope = scope) -> None:
                    nonlocal left
                    if left == 0:
                        scope.cancel()
                    left -= 1

                server.watch = count
                await OPERATIONS[name](bucket, place)
            server.watch = lambda: None
            await nothing_is_left(server, bucket, 2, place)


async def test_closing_while_anyio_cancels() -> None:
    """A bucket whose block is left by anyio's cancellation closes its connections all the same."""
    async with tiny_s3() as (server, url):
        with anyio.CancelScope() as scope:
            async with S3.AsyncBucket("bucket", endpoint_url=url) as bucket:
                await bucket.put("key", b"")
                scope.cancel()
                await anyio.lowlevel.checkpoint()
        await server.at_most(0)


async def test_ten_thousand_files_half_way(place: Path) -> None:
    """Cancelling 10,000 uploads half way stops them at once and leaves nothing."""
    async with surroundings(10) as (server, bucket):

        async def upload() -> None:
            async for result in bucket.upload_files((place / "small", str(number)) for number in range(10_000)):
                assert result.ok

        assert await cancel_at_event(upload(), server, 2_000)
        count = len(server.requests)
        server.watch = lambda: None
        assert count < 1_100
        await nothing_is_left(server, bucket, 10, place)


async def test_a_timeout_around_a_call(place: Path) -> None:
    """asyncio.timeout() ends in TimeoutError, as around any coroutine."""
    async with surroundings(2) as (server, bucket):
        with pytest.raises(TimeoutError):  # noqa: PT012  # the whole block is what must fail
            async with asyncio.timeout(None) as deadline:

                def pass_deadline() -> None:
                    server.watch = lambda: None
                    deadline.reschedule(0)

                server.watch = pass_deadline
                await bucket.put("key", drip())
        await nothing_is_left(server, bucket, 2, place)


class Cancelling:
    """Cancels the running task's read at the next request that arrives."""

    def __init__(self, server: TinyS3) -> None:
        self._server = server

    async def __call__(self, operation: Any) -> None:  # noqa: D102  # it is what its class says
        assert await cancel_at_event(operation, self._server, 0)
        self._server.watch = lambda: None


async def test_a_cancelled_read_moves_nothing() -> None:
    """After a read that was cancelled the reader stands where it stood, and never gives bytes of elsewhere."""
    async with surroundings(2) as (server, bucket), numbered(server), bucket.open_reader("key") as reader:
        cancel = Cancelling(server)
        await reader.seek(2 * PART)
        await cancel(reader.read(4))
        assert await reader.tell() == 2 * PART
        await reader.seek(MIB)
        assert await reader.read(4) == at(MIB)
        await reader.seek(2 * PART)
        assert await reader.read(4) == at(2 * PART)


def at(position: int) -> bytes:
    """Return the four bytes that stand there."""
    return position.to_bytes(4, "big")


@asynccontextmanager
async def numbered(server: TinyS3) -> AsyncIterator[None]:
    """Let every four bytes of the server's object say where they stand."""
    whole = b"".join(at(position) for position in range(0, SIZE - 1, 4))
    made_up = server._object  # the test's own server

    def cut(method: str, headers: dict[str, str]) -> tuple[str, dict[str, str], bytes]:
        status, answer, _ = made_up(method, headers)
        start = int(headers.get("range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        return status, answer, whole[start : start + int(answer["content-length"])] if method == "GET" else b""

    server._object = cut  # type: ignore[method-assign]
    yield
