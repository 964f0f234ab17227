"""Many items, done by other processes or machines: an executor is given shards of them, and their outcomes come back.

A worker keeps its event loop, and with it its connections, from one shard to the next.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from s3_bucket import _config
from s3_bucket._async import _shield
from s3_bucket._async._loops import new_event_loop
from s3_bucket.exceptions import BucketException, InvalidInput

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from concurrent.futures import Executor, Future

    from s3_bucket._models import Result

AT_ONCE = 64
"""Shards that an executor has at a time. How many workers it has, only it knows."""

_thread = threading.local()


class Place(NamedTuple):
    """What a worker makes its bucket of; it can be pickled, and holds no secret.

    Attributes:
        make: AsyncBucket, or a class derived from it.
        name: the bucket's.
        settings: all but the keys.
        has_keys: whether there are keys here. A worker that has none would be another user.
    """

    make: Callable[..., Any]
    name: str
    settings: dict[str, Any]
    has_keys: bool


class Task(NamedTuple):
    """What a worker does with items.

    Attributes:
        method: the bucket's, which takes the items, and gives their outcomes.
        keywords: what else it takes.
    """

    place: Place
    method: str
    keywords: dict[str, Any]


def size(count: int | None) -> int:
    """Return how many items make a shard, of so many, if that is known: few enough for all workers to have some."""
    return 16 if count is None else max(1, min(100, count // AT_ONCE))


async def submitted(executor: Executor, task: Task, items: Sequence[Any]) -> list[Result[Any]]:
    """Have a shard done, and return its outcomes; cancelled meanwhile, take it back, or wait for its end.

    Raises:
        BucketException: the executor has lost it.
    """
    # A pool that forks or pickles while it is given something would hold up the loop.
    handing = asyncio.get_running_loop().run_in_executor(None, lambda: executor.submit(work, task, items))
    try:
        return await _outcomes(await asyncio.shield(handing))
    except asyncio.CancelledError:
        await _shield.to_the_end(_taken_back(handing))  # also what is just being handed over
        raise
    except BucketException:  # work() refuses
        raise
    except Exception as error:
        raise _lost(error) from error


async def _outcomes(future: Future[list[Result[Any]]]) -> list[Result[Any]]:
    wrapped = asyncio.wrap_future(future)
    try:
        return await asyncio.shield(wrapped)
    except asyncio.CancelledError:
        current = asyncio.current_task()
        if wrapped.cancelled() and current is not None and not current.cancelling():
            raise _lost(None) from None
        raise


async def _taken_back(handing: asyncio.Future[Future[list[Result[Any]]]]) -> None:
    with suppress(Exception):  # whatever has become of it, nobody wants to know any more
        future = await handing
        future.cancel()
        await asyncio.gather(asyncio.wrap_future(future), return_exceptions=True)


def _lost(error: Exception | None) -> BucketException:
    why = "it was cancelled there" if error is None else f"{type(error).__name__}: {error}"
    msg = f"the executor has not done it, or can't say ({why}); do again what is missing"
    return BucketException(msg, retryable=True)


# In the worker


def work(task: Task, items: Sequence[Any]) -> list[Result[Any]]:
    """Do a shard, in whatever process this is called; blocks."""
    place = task.place
    if place.has_keys and not _config.has_keys():
        msg = (
            "executor: its workers have no access keys, and none are sent to them; call init() in each (the executor's"
            " initializer can), or have the AWS chain give them"
        )
        raise InvalidInput(msg, argument="executor")
    runner = getattr(_thread, "runner", None)
    if runner is None:
        runner = _thread.runner = asyncio.Runner(loop_factory=new_event_loop)
    bucket = place.make(place.name, **place.settings)
    outcomes: list[Result[Any]] = runner.run(_collected(getattr(bucket, task.method)(items, **task.keywords)))
    return outcomes


async def _collected(outcomes: AsyncIterator[Result[Any]]) -> list[Result[Any]]:
    return [outcome async for outcome in outcomes]
