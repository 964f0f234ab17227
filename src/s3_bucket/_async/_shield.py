"""What must end although the caller is cancelled: cleaning up, and threads, which can't be stopped."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable

A = TypeVar("A")
T = TypeVar("T")


async def shielded(cleanup: Coroutine[Any, Any, None], seconds: float) -> None:
    """Run a cleanup to its end, or for so many seconds, however often the caller is cancelled meanwhile.

    The caller is in an except or finally block that ends with raising what it caught, so swallowing a second
    CancelledError here loses nothing.

    Raises:
        TimeoutError: it took longer.
        Exception: whatever the cleanup raised.
    """
    task = asyncio.ensure_future(asyncio.wait_for(cleanup, seconds))
    await _end_of(task)
    task.result()


async def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Do some work to its end; cancelled meanwhile, be cancelled then."""
    return await _outlasted(asyncio.ensure_future(work))


async def in_thread(function: Callable[..., T], *arguments: Any) -> T:
    """Run a function of ours in a worker thread; cancelled meanwhile, wait for it, and be cancelled then.

    What the thread uses (a file, a buffer) is about to be closed or used again by the caller's cleanup.
    """
    return await _outlasted(asyncio.get_running_loop().run_in_executor(None, function, *arguments))


async def _outlasted(future: asyncio.Future[T]) -> T:
    cancelled = await _end_of(future)
    if cancelled is not None:
        future.exception()  # looked at, so that asyncio doesn't complain; the cancellation is what counts
        raise cancelled
    return future.result()


async def in_parallel(items: Iterable[A], at_once: int, do: Callable[[A], Awaitable[object]]) -> None:
    """Do something with each item, so many at a time; when one fails, or the caller is cancelled, none goes on."""
    left = iter(items)

    async def worker() -> None:
        for item in left:
            await do(item)

    workers = [asyncio.ensure_future(worker()) for _ in range(at_once)]
    try:
        if workers:
            await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
        for task in workers:
            if task.done():
                task.result()
    finally:
        await cancel(workers)


async def cancel(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have ended: none works on after this, whatever happens.

    Raises:
        CancelledError: the caller was cancelled meanwhile. It may be in no block that ends with raising something.
    """
    started = set(tasks)
    for task in started:
        task.cancel()
    cancelled = await _end_of(asyncio.ensure_future(_ended(started)))
    if cancelled is not None:
        raise cancelled


async def _ended(tasks: set[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


async def _end_of(future: asyncio.Future[Any]) -> asyncio.CancelledError | None:
    """Wait for the future to be done; return the cancellation, if one came meanwhile."""
    cancelled = None
    # Two kinds of cancellation reach this: asyncio's once, anyio's at every turn of the loop until it is obeyed.
    with anyio.CancelScope(shield=True):
        while not future.done():
            try:
                await asyncio.wait({future})
            except asyncio.CancelledError as error:
                cancelled = error
    return cancelled
