"""One budget of connections: nobody starves, nothing leaks, and no signature grows old in a queue."""

from __future__ import annotations

import asyncio
import datetime
from typing import TYPE_CHECKING

import pytest

import s3_bucket as S3
from tests.guards.script import Reply, Request, Script, reply

if TYPE_CHECKING:
    from collections.abc import Callable

LARGE = bytes(12_000_000)


async def test_forgotten_readers_starve_nobody(script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """Fifty readers that are opened and left hold no connection: other calls go on with two."""
    script.objects["key"] = LARGE
    bucket = make(max_concurrency=2)
    opened = [bucket.open_reader("key") for _ in range(50)]
    readers = [await each.__aenter__() for each in opened]
    async with asyncio.timeout(10):
        assert (await bucket.get("key", range=(0, 4))).data == bytes(4)
        assert await readers[-1].read(3) == bytes(3)
    for each in opened:
        await each.__aexit__(None, None, None)


async def test_cancelled_calls_starve_nobody(script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """Calls that are cancelled while they wait for an answer, or within one, give their connection back."""
    arrived = asyncio.Event()

    async def answer(request: Request) -> Reply:
        arrived.set()
        return reply(200, b"1", length=100, end="silent", ETag='"e"')

    script.answers["slow"] = answer
    script.objects["key"] = b"quick"
    bucket = make(max_concurrency=1)
    for _ in range(5):
        task = asyncio.ensure_future(bucket.get("slow"))
        await arrived.wait()
        arrived.clear()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with asyncio.timeout(10):
        assert (await bucket.get("key")).data == b"quick"


async def test_signatures_are_fresh(script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """A request is signed when it has a connection, not before it waits for one."""
    ages: list[float] = []

    async def answer(request: Request) -> Reply:
        signed = datetime.datetime.strptime(request.headers["x-amz-date"] + "+0000", "%Y%m%dT%H%M%SZ%z")
        ages.append((datetime.datetime.now(datetime.UTC) - signed).total_seconds())
        await asyncio.wait([asyncio.ensure_future(script.stopping.wait())], timeout=0.7)  # an answer takes so long
        return script.good(request)

    script.objects["key"] = b"1"
    script.answers["*"] = answer
    bucket = make(max_concurrency=1)
    await asyncio.gather(*(bucket.get("key") for _ in range(5)))
    assert len(ages) == 5
    assert max(ages) <= 2  # whole seconds are signed


async def test_as_many_requests_as_were_allowed(script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """All calls together send max_concurrency requests at a time, and use as many connections."""
    running, most = 0, 0

    async def answer(request: Request) -> Reply:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(5):
            await asyncio.sleep(0)
        running -= 1
        return script.good(request)

    script.objects["key"] = LARGE
    script.answers["*"] = answer
    bucket = make(max_concurrency=3)
    await asyncio.gather(*(bucket.get("key") for _ in range(5)), *(bucket.put(str(n), b"x") for n in range(20)))
    assert most == 3


async def test_a_server_that_stops_reading(script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """A server that takes the headers and then no more of the body is a BucketTimeout, not a hang."""
    script.answers["headers only"] = lambda _: reply(500)
    script.answers["*"] = lambda _: Reply(end="silent")
    bucket = make(connect_timeout=0.5, read_timeout=0.2, max_attempts=1, part_size=64 * 1024 * 1024)
    async with asyncio.timeout(10):
        with pytest.raises(S3.BucketTimeout):
            await bucket.put("key", bytes(32 * 1024 * 1024))
