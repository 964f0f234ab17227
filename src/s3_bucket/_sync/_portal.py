"""The one event loop thread of the process, and how a blocking caller's coroutine gets there and back.

anyio's BlockingPortal takes the coroutines over. What it leaves open, behind calls that nobody closes, is done here;
each of these was measured:

* start_blocking_portal() that is never left hangs the exit: the portal is held in a thread of our own.
* A call that Ctrl-C interrupts leaves its coroutine running. Here each has a Call, by which it is cancelled, and
  its cleanup is waited for.
* One SystemExit out of a user's callback ends the portal for everybody: whatever is raised is carried over as a value.
* It stops by cancelling a scope, cleanups and all. The calls are cancelled first, each once, as asyncio does.
* start_task_soon() waits without limit for the loop to take the task, and the caller then waits for its end: twice as
  long. Ours waits for nothing; none is begun once the loop is about to end, and a forked child forgets the portal.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import contextvars
import os
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast

from s3_bucket._async._loops import new_event_loop
from s3_bucket._sync._executor import Executor

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextlib import AbstractAsyncContextManager


P = ParamSpec("P")
T = TypeVar("T")

LIVENESS_SECONDS = 0.5
"""How often a waiting caller looks whether the loop thread is still there."""

EXIT_SECONDS = 10.0
"""How long the end of the program waits for what is running to be cancelled and cleaned up."""


class Signal:
    """An event that one thread waits for, and that is set without waiting.

    threading.Event.set() takes a lock, and Ctrl-C at the wrong moment leaves that lock taken by the waiting thread: the
    loop thread would then stand still for everybody.
    """

    def __init__(self) -> None:
        self.is_set = False
        self._lock = threading.Lock()
        self._lock.acquire()

    def set(self) -> None:
        """Wake the waiting thread; only the loop thread does this."""
        if not self.is_set:
            self.is_set = True
            self._lock.release()

    def wait(self, timeout: float) -> bool:
        """Wait so many seconds at most, and return whether it is set."""
        if not self.is_set:
            self._lock.acquire(timeout=timeout)
        return self.is_set


class Call(Generic[T]):
    """One coroutine on the loop thread, and what became of it."""

    def __init__(self, function: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self.finished = Signal()
        self.error: BaseException | None = None
        self.task: asyncio.Task[Any] | None = None
        self._function = function
        self._value: T | None = None
        self._cancelled = False

    async def run(self) -> None:
        """Await the coroutine. This is the border: whatever it raises is carried over as a value.

        Left to itself, a SystemExit of a user's callback would end the loop, and a KeyboardInterrupt too.
        """
        self.task = asyncio.current_task()
        try:
            if not self._cancelled:
                self._value = await self._function()
        except BaseException as error:  # noqa: BLE001  # take() raises it
            self.error = error
        finally:
            self.finished.set()

    def cancel(self) -> None:
        """Cancel the coroutine, or see to it that nobody waits for one that never came to the loop."""
        self._cancelled = True
        if self.task is None:
            self.end()
        else:
            self.task.cancel()

    def end(self) -> None:
        """Note that it ended before it began."""
        if not self.finished.is_set:
            self.error = asyncio.CancelledError()
            self.finished.set()

    def take(self) -> T:
        """Return or raise what came out, once: an error that is kept keeps all frames that it went through."""
        error, self.error = self.error, None
        if error is None:
            return cast("T", self._value)

        try:
            raise error
        finally:
            del error


class Parked(Call["bool | None"], Generic[T]):
    """An async context manager that is entered and left in one task, which waits in between.

    A task group or a cancel scope inside it belongs to the task that entered it: two calls, one to enter and one to
    leave, would be two tasks.
    """

    def __init__(self, manager: AbstractAsyncContextManager[T, bool | None]) -> None:
        super().__init__(self._stay)
        self.opened = Signal()
        self.entered = False
        self.value: T
        self._manager = manager
        self._left: asyncio.Future[BaseException | None]

    async def _stay(self) -> bool | None:
        self._left = asyncio.get_running_loop().create_future()
        self.value = await self._manager.__aenter__()
        self.entered = True
        self.opened.set()
        try:
            error = await self._left
        except asyncio.CancelledError as cancelled:
            await self._manager.__aexit__(type(cancelled), cancelled, cancelled.__traceback__)
            raise  # in any case: nobody may take this for a block that went well
        if error is None:
            return await self._manager.__aexit__(None, None, None)

        return await self._manager.__aexit__(type(error), error, error.__traceback__)

    async def run(self) -> None:
        """Await it, and wake the thread that waits for the entrance, should there have been none."""
        await super().run()
        self.opened.set()

    def end(self) -> None:
        """Wake the thread that waits for the entrance."""
        super().end()
        self.opened.set()

    def leave(self, error: BaseException | None) -> None:
        """Go on from the block, on the loop thread, with what the block raised."""
        if not self._left.done():
            self._left.set_result(error)


class RunningLoop:
    """One event loop and its thread, from their start to their end."""

    def __init__(self) -> None:
        self.ended = False
        self._failure: BaseException | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loop: asyncio.AbstractEventLoop
        self._portal: Any
        self._ready = Signal()
        # Taken to bring a call to the portal, and to announce the end: a call that came after it would wait for ever.
        self._handing_over = threading.RLock()
        self._stopping = asyncio.Event()
        # An empty context: on free-threaded builds and by choice on 3.14, a thread begins with a copy of its starter's.
        self._thread = threading.Thread(
            target=contextvars.Context().run, args=(self._serve,), name="s3-bucket", daemon=True
        )

    def start(self) -> None:
        """Start the thread, which makes the loop: Ctrl-C in the wait leaves an idle thread, but nothing unclosed.

        Raises:
            RuntimeError: there are no threads or no files to be had, as when Python is ending.
        """
        try:
            self._thread.start()
            self._wait(self._ready)
        except RuntimeError as error:
            self._failure = error
        if self._failure is not None:
            raise RuntimeError(
                "the event loop thread of s3_bucket can't be started; in an atexit callback, use a Bucket that has "
                "been used before"
            ) from self._failure

    def call(self, function: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a coroutine function on the loop, wait for it, and return or raise what it does.

        Ctrl-C in the wait cancels the coroutine, waits until it has cleaned up, and goes on its way; a second one
        breaks that wait.

        Raises:
            RuntimeError: the loop thread called itself, or has ended.
        """
        call = Call(partial(function, *args, **kwargs))
        self._until(call.finished, call, partial(self._begin, call))
        return self._taken(call)

    def enter(self, parked: Parked[T]) -> T:
        """Enter the context manager; its task stays on the loop."""
        self._until(parked.opened, parked, partial(self._begin, parked))
        if not parked.entered:
            self._taken(parked)
        return parked.value

    def leave(self, parked: Parked[Any], error: BaseException | None) -> bool | None:
        """Leave it with what the block raised, and return whether that is to be suppressed."""
        self._until(parked.finished, parked, partial(self._soon, partial(parked.leave, error)))
        return self._taken(parked)

    def call_soon(self, function: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Run a coroutine function and wait for nothing: for garbage collection, on whatever thread it happens.

        It takes no lock; that thread may hold any.
        """
        self._soon(partial(self._spawn, function))

    def cancel_soon(self, call: Call[Any]) -> None:
        """Cancel a call and wait for nothing."""
        self._soon(call.cancel)

    def stop(self, timeout: float) -> None:
        """Cancel what is running, let it clean up, end the thread; give up waiting for that after so many seconds."""
        with self._handing_over:
            self._soon(self._stopping.set)
            self.ended = True
        self._thread.join(timeout)

    def bury(self) -> None:
        """Make it harmless in a forked child, where its thread is not, and its sockets are the parent's.

        Whatever is collected here asks its loop whether that is closed before it closes connections and takes them out
        of the epoll set, which is the parent's too: the parent's next request would wait for its timeout.
        """
        self.ended = True
        self._loop.is_closed = lambda: True  # type: ignore[method-assign]

    # In the calling thread

    def _until(self, signal: Signal, call: Call[Any], go: Callable[[], None]) -> None:
        """Begin the call, or go on with it, and wait for the signal."""
        if threading.current_thread() is self._thread:
            raise RuntimeError(
                "a blocking call from s3_bucket's own event loop thread would wait for itself for ever: make it from "
                "another thread, or await AsyncBucket instead"
            )
        try:
            go()
            self._wait(signal)
        except BaseException as interrupt:
            self._soon(call.cancel)
            self._wait(call.finished)
            if isinstance(call.error, Exception):
                raise interrupt from call.error  # so that a cleanup that failed is seen
            raise
        if not signal.is_set:
            raise self._gone() from self._failure

    def _wait(self, signal: Signal) -> None:
        """Wait for a signal, or for the thread's end; never for longer than there is somebody to set it."""
        while not signal.wait(LIVENESS_SECONDS) and self._thread.is_alive():
            pass

    def _taken(self, call: Call[T]) -> T:
        if self.ended and isinstance(call.error, asyncio.CancelledError):
            raise self._gone() from self._failure

        return call.take()

    def _gone(self) -> RuntimeError:
        return RuntimeError(
            "the event loop thread of s3_bucket has ended during the call (the program is ending, or something stopped "
            "it), or what was opened before a fork was used after it; a new call starts a new thread"
        )

    def _begin(self, call: Call[Any]) -> None:
        """Bring a call to the portal, unless that is about to close."""
        with self._handing_over, contextlib.suppress(RuntimeError):  # it was closed just now
            if not self.ended:
                self._portal.start_task_soon(self._carry, call)

    def _soon(self, callback: Callable[[], object]) -> None:
        """Hand a callback to the loop, in the caller's context, if there is a loop. It waits for nothing."""
        if not self.ended:
            with contextlib.suppress(RuntimeError):  # it was closed just now
                self._loop.call_soon_threadsafe(callback, context=contextvars.copy_context())

    # On the loop thread

    async def _carry(self, call: Call[Any]) -> None:
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._tasks.add(task)
        await call.run()
        self._tasks.discard(task)

    def _spawn(self, function: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        task = self._loop.create_task(function())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _serve(self) -> None:
        try:
            with contextlib.closing(new_event_loop()) as self._loop:
                self._loop.set_default_executor(Executor())
                self._run()
        except BaseException as error:  # noqa: BLE001  # whoever waits raises it
            self._failure = error
        finally:
            self.ended = True
            self._ready.set()

    def _run(self) -> None:
        try:
            self._complete(self._hold_portal())
        except BaseException as error:
            self._failure = error
            raise
        finally:
            self.ended = True
            self._complete(self._finish(self._tasks))
            # The callers have their outcome. What is left waits for nobody: keepers, unfinished cleanups.
            self._complete(self._finish(asyncio.all_tasks(self._loop)))
            self._complete(self._loop.shutdown_asyncgens())

    async def _hold_portal(self) -> None:
        async with _portal(self._loop) as self._portal:
            self._ready.set()
            await self._stopping.wait()
            await self._finish(self._tasks)

    def _complete(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Run the loop until the coroutine is done.

        A task in which a user's callback raises SystemExit or KeyboardInterrupt throws it out of the loop as well as
        to those who await the task. These raise it in the caller, so the loop just goes on.
        """
        task = self._loop.create_task(coroutine)
        while not task.done():
            with contextlib.suppress(SystemExit, KeyboardInterrupt):
                self._loop.run_until_complete(task)

    async def _finish(self, tasks: set[asyncio.Task[Any]]) -> None:
        """Cancel tasks and wait until they have cleaned up, for which they may use tasks that are not among these."""
        waiting = tasks - {asyncio.current_task()}
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


def _portal(loop: asyncio.AbstractEventLoop) -> Any:
    from anyio.from_thread import BlockingPortal  # noqa: PLC0415  # a tenth of the time that importing us takes

    class Portal(BlockingPortal):
        """A portal that doesn't have its caller wait for the start of a task, and then for its end again."""

        def start_task_soon(self, func: Any, *args: Any, name: object = None) -> Any:  # type: ignore[override]
            start = partial(self._task_group.start_soon, func, *args, name=name)
            loop.call_soon_threadsafe(start, context=contextvars.copy_context())

    return Portal()


class LoopThread:
    """The loop thread of the process: started by the first call, started anew where it has ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: RunningLoop | None = None
        # Kept for as long as the process lives, as far as Python lets one: see RunningLoop.bury().
        self._graveyard: list[RunningLoop] = []

    def running(self) -> RunningLoop:
        """Return the running loop, having started one if there is none."""
        running = self._running
        if running is not None and not running.ended:
            return running

        with self._lock:
            if self._running is None or self._running.ended:
                running = RunningLoop()
                running.start()
                self._running = running
            return self._running

    def call(self, function: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a coroutine function on the loop and wait for it: see RunningLoop.call()."""
        return self.running().call(function, *args, **kwargs)

    def stop(self) -> None:
        """Cancel what is running, let it clean up, and end the thread. A later call starts a new one."""
        running, self._running = self._running, None
        if running is not None:
            running.stop(EXIT_SECONDS)

    def forget(self) -> None:
        """Begin anew in a forked child, where another thread's lock is never released and the loop thread is not."""
        self._lock = threading.Lock()
        running, self._running = self._running, None
        if running is not None:
            running.bury()
            self._graveyard.append(running)


loop_thread = LoopThread()

# Registered by the import, not by the first call: the callbacks of programs that import first run before this one.
atexit.register(loop_thread.stop)
if hasattr(os, "register_at_fork"):  # pragma: no branch  # Windows has no fork
    os.register_at_fork(after_in_child=loop_thread.forget)
