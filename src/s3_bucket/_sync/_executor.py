"""The worker threads of the loop thread: what asyncio.to_thread() and name resolution run in.

The standard executor refuses new work as soon as the main thread has ended, though threads that were started by then
may go on for hours, and though atexit callbacks have yet to run. A blocking upload must work in both.
"""

from __future__ import annotations

import os
import queue
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

LIMIT = min(32, (os.cpu_count() or 1) + 4)
"""As many threads as the standard executor would start."""


class Executor(ThreadPoolExecutor):
    """Runs jobs in daemon threads, started as they are needed; only the loop thread submits."""

    def __init__(self) -> None:
        super().__init__(LIMIT)  # an event loop takes nothing but a ThreadPoolExecutor
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._count = 0
        self._add_worker()  # at exit, when Python starts no more threads, there is at least this one

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a function in the next thread that is free."""
        future: Future[T] = Future()
        self._jobs.put(lambda: _run(future, lambda: fn(*args, **kwargs)))
        if not self._idle.acquire(blocking=False) and self._count < LIMIT:
            self._add_worker()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        """End the threads when they have done what they have begun; nobody has to wait for them."""
        for _ in range(self._count):
            self._jobs.put(None)

    def _add_worker(self) -> None:
        worker = threading.Thread(target=self._work, name=f"s3-bucket-worker-{self._count}", daemon=True)
        try:
            worker.start()
        except RuntimeError:  # Python is ending, or the system has no more: those that are there do the work
            if self._count == 0:
                raise
        else:
            self._count += 1

    def _work(self) -> None:
        while job := self._jobs.get():
            job()
            del job  # neither its arguments nor its result live until the next one comes
            self._idle.release()


def _run(future: Future[Any], function: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return

    try:
        future.set_result(function())
    except BaseException as error:  # noqa: BLE001  # it belongs to whoever waits for the future
        future.set_exception(error)
