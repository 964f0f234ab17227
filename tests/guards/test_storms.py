"""Storms: a server that refuses much is asked for less at a time, and in the end for everything."""

from __future__ import annotations

import asyncio
import os
import random
from typing import TYPE_CHECKING

from tests.guards.script import Reply, Request, Script, error

if TYPE_CHECKING:
    from collections.abc import Callable

    import s3_bucket as S3

KEYS = int(os.environ.get("S3_TEST_STORM", "2000"))


async def test_three_in_ten_are_refused(script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """With 30 % of all requests refused by SlowDown, every key succeeds, with at most 1.5 requests for each."""
    dice = random.Random(7)  # noqa: S311  # the same storm every time

    def answer(request: Request) -> Reply:
        return error(503, "SlowDown") if dice.random() < 0.3 else script.good(request)

    script.answers["*"] = answer
    bucket = make(max_attempts=5)
    results = [result async for result in bucket.put_many((f"key-{n}", b"data") for n in range(KEYS))]
    assert [result.key for result in results if not result.ok] == []
    assert len(script.objects) == KEYS
    assert len(script.requests) <= 1.5 * KEYS


async def test_only_so_many_at_a_time(script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """A server that bears two requests at a time is soon asked for no more, and then hardly ever refuses."""
    running = refused = 0

    async def answer(request: Request) -> Reply:
        nonlocal running, refused
        running += 1
        try:
            if running > 2:
                refused += 1
                return error(503, "SlowDown")
            await asyncio.sleep(0.002)  # how long the server takes
            return script.good(request)
        finally:
            running -= 1

    script.answers["*"] = answer
    bucket = make(max_attempts=5, max_concurrency=10)
    results = [result async for result in bucket.put_many((f"key-{n}", b"data") for n in range(400))]
    assert all(result.ok for result in results)
    assert refused < 200
