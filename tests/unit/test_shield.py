"""Cleanups run to their end, and no cancellation is lost that nobody else raises."""

from __future__ import annotations

import asyncio
import threading

import anyio
import pytest

from s3_bucket._async import _shield


async def test_shielded_runs_to_its_end() -> None:
    """However often the caller is cancelled, the cleanup ends."""
    begun, go, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def cleanup() -> None:
        begun.set()
        await go.wait()
        ended.set()

    task = asyncio.ensure_future(_shield.shielded(cleanup(), 60))
    await begun.wait()
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    go.set()
    await asyncio.wait([task])
    assert ended.is_set()


async def test_shielded_from_anyio() -> None:
    """A cancelled scope of anyio's, which cancels again and again, does not stop a cleanup either."""
    ended = []

    async def cleanup() -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        ended.append(1)

    with anyio.CancelScope() as scope:
        scope.cancel()
        try:
            await anyio.sleep_forever()
        finally:
            await _shield.shielded(cleanup(), 60)
    assert ended
    assert scope.cancelled_caught


async def test_shielded_is_limited() -> None:
    """A cleanup that takes longer than allowed is given up."""
    with pytest.raises(TimeoutError):
        await _shield.shielded(asyncio.Event().wait(), 0.01)  # type: ignore[arg-type]


async def test_shielded_raises() -> None:
    """What the cleanup raises is raised."""

    async def cleanup() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await _shield.shielded(cleanup(), 60)


async def test_in_thread() -> None:
    """A function's result, or what it raises, comes back from the thread."""
    assert await _shield.in_thread(divmod, 7, 3) == (2, 1)
    with pytest.raises(ZeroDivisionError):
        await _shield.in_thread(divmod, 7, 0)


@pytest.mark.parametrize("fails", [True, False])
async def test_in_thread_waits_when_cancelled(*, fails: bool) -> None:
    """Cancelled, it waits for its thread, which can't be stopped, and is cancelled then, whatever came of it."""
    begun, go, ended = asyncio.Event(), threading.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def work() -> None:
        loop.call_soon_threadsafe(begun.set)
        go.wait()
        ended.set()
        if fails:
            raise ZeroDivisionError

    task = asyncio.ensure_future(_shield.in_thread(work))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_cancel() -> None:
    """Tasks are cancelled and awaited, also those that take their time, fail in it, or are done."""
    log = []

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            log.append("slow")

    async def failing() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ZeroDivisionError

    async def done() -> None:
        raise ZeroDivisionError

    tasks = [asyncio.ensure_future(each()) for each in (slow, failing, done)]
    await asyncio.sleep(0)
    await _shield.cancel(tasks)
    assert log == ["slow"]
    assert all(task.done() for task in tasks)
    await _shield.cancel([])


async def test_cancel_is_cancelled() -> None:
    """Cancelled while it waits for the tasks' end, it waits on, and is cancelled then."""
    go = asyncio.Event()

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await go.wait()

    inner = asyncio.ensure_future(slow())
    await asyncio.sleep(0)
    task = asyncio.ensure_future(_shield.cancel([inner]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert inner.cancelled()
