"""Shards that an executor is given: whoever stops waiting leaves none behind."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Executor, Future
from typing import Any

import pytest

from s3_bucket._async import _shards
from s3_bucket._async._shards import Place, Task
from s3_bucket.exceptions import BucketException

TASK = Task(Place(object, "bucket", {}, has_keys=False), "upload_files", {})


class Slow(Executor):
    """An executor that takes its time to take something, and does nothing with it."""

    def __init__(self, *, starts: bool) -> None:
        self.asked = threading.Event()
        self.may_take = threading.Event()
        self.has_taken = threading.Event()
        self.given: list[Future[Any]] = []
        self._starts = starts

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        """Take it when it may be taken."""
        self.asked.set()
        assert self.may_take.wait(10)
        future: Future[Any] = Future()
        if self._starts:
            future.set_running_or_notify_cancel()
        self.given.append(future)
        self.has_taken.set()
        return future


async def stopped_while_handing_over(executor: Slow) -> asyncio.Task[Any]:
    """Return what was cancelled while the executor was about to take a shard, and has taken it since."""
    waiting = asyncio.ensure_future(_shards.submitted(executor, TASK, []))
    await asyncio.to_thread(executor.asked.wait)
    waiting.cancel()
    await asyncio.sleep(0)
    executor.may_take.set()
    return waiting


async def test_taken_back() -> None:
    """A shard that is being handed over when nobody wants it any more is taken back."""
    executor = Slow(starts=False)
    waiting = await stopped_while_handing_over(executor)
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert [future.cancelled() for future in executor.given] == [True]


async def test_waited_for() -> None:
    """One that has begun by then is waited for."""
    executor = Slow(starts=True)
    waiting = await stopped_while_handing_over(executor)
    await asyncio.to_thread(executor.has_taken.wait)
    assert not waiting.done()
    executor.given[0].set_result([])
    with pytest.raises(asyncio.CancelledError):
        await waiting


@pytest.mark.parametrize("is_stopped", [False, True])
async def test_an_executor_that_takes_nothing(*, is_stopped: bool) -> None:
    """An executor that was shut down is told of as one that has not done it; who has stopped isn't told."""

    class Down(Slow):
        def submit(self, *_: Any, **__: Any) -> Future[Any]:
            super().submit()
            msg = "cannot schedule new futures after shutdown"
            raise RuntimeError(msg)

    executor = Down(starts=False)
    if is_stopped:
        with pytest.raises(asyncio.CancelledError):
            await (await stopped_while_handing_over(executor))
        return
    executor.may_take.set()
    with pytest.raises(BucketException, match=r"has not done it.*RuntimeError: cannot schedule"):
        await _shards.submitted(executor, TASK, [])
