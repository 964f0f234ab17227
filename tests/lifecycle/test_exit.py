"""How a program ends: never hanging, with what was running cleaned up, whatever the loop thread is at."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lifecycle.conftest import Child, Run


def test_import_starts_nothing(run: Run) -> None:
    """A program that makes no blocking call has no loop thread, and ends."""
    assert run("""
        import threading
        from s3_bucket import Bucket
        bucket = Bucket("never-used")
        print(threading.active_count())
    """) == ["1"]


def test_idle_exit(run: Run) -> None:
    """A program that has made a call just ends; nothing has to be closed."""
    assert run("""
        from s3_bucket._sync._portal import loop_thread
        async def answer(): return 42
        print(loop_thread.call(answer))
    """) == ["42"]


def test_exit_after_an_exception(start: Callable[[str], Child]) -> None:
    """A program that dies of an exception out of a call ends with that, and with its status."""
    _, err = start("""
        from s3_bucket._sync._portal import loop_thread
        async def fail(): raise LookupError("of the coroutine")
        loop_thread.call(fail)
    """).end(1)
    assert err.endswith("LookupError: of the coroutine\n")


def test_busy_exit_cleans_up(run: Run) -> None:
    """What a daemon thread has running at the exit is cancelled, and finishes its cleanup on a loop that works."""
    assert run("""
        import asyncio, threading
        from s3_bucket._sync._portal import loop_thread
        begun = threading.Event()
        async def abort():
            await asyncio.to_thread(lambda: None)
            print("aborted", flush=True)
        async def upload():
            begun.set()
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                await asyncio.shield(asyncio.create_task(abort()))
        def work():
            try:
                loop_thread.call(upload)
            except RuntimeError as error:
                pass
        threading.Thread(target=work, daemon=True).start()
        begun.wait()
    """) == ["aborted"]


def test_stubborn_exit(start: Callable[[str], Child]) -> None:
    """A coroutine that doesn't let itself be cancelled can't keep the program from ending."""
    out, _ = start("""
        import asyncio, threading
        from s3_bucket._sync import _portal
        _portal.EXIT_SECONDS = 0.2
        begun = threading.Event()
        async def ignore():
            begun.set()
            while True:
                try:
                    await asyncio.get_running_loop().create_future()
                except asyncio.CancelledError:
                    print("ignored", flush=True)
        threading.Thread(target=_portal.loop_thread.call, args=(ignore,), daemon=True).start()
        begun.wait()
    """).end()
    assert out == ["ignored"]


def test_open_blocks_at_exit(run: Run) -> None:
    """A context manager that was entered and never left is left by the exit, as by a failure: nothing is published."""
    assert run("""
        from contextlib import asynccontextmanager
        from s3_bucket._sync._portal import Parked, loop_thread
        @asynccontextmanager
        async def upload():
            try:
                yield
            except BaseException as error:
                print(type(error).__name__, flush=True)
                raise
        loop_thread.running().enter(Parked(upload()))
    """) == ["CancelledError"]


def test_suspended_generators_at_exit(run: Run) -> None:
    """The loop's end closes the suspended async generators: the stores are tied to it by one."""
    assert run("""
        from s3_bucket._sync._portal import loop_thread
        async def keep():
            try:
                yield
            finally:
                print("closed", flush=True)
        keeper = keep()
        async def begin(): await anext(keeper)
        loop_thread.call(begin)
    """) == ["closed"]


def test_thread_that_outlives_the_main_thread(run: Run) -> None:
    """A thread may go on when the main thread has ended, with worker threads and name resolution."""
    assert run("""
        import asyncio, threading
        from s3_bucket._sync._portal import loop_thread
        async def resolve():
            await asyncio.get_running_loop().getaddrinfo("localhost", 80)
            return await asyncio.to_thread(lambda: "resolved")
        loop_thread.call(asyncio.sleep, 0)  # Python 3.12.0 to 3.12.2 start no thread once the main thread has ended
        def work():
            threading.main_thread().join()
            print(loop_thread.call(resolve))
        threading.Thread(target=work).start()
    """) == ["resolved"]


def test_call_in_atexit(run: Run) -> None:
    """An atexit callback may make a call, with worker threads, if one has been made before."""
    assert run("""
        import asyncio, atexit
        from s3_bucket._sync._portal import loop_thread
        async def upload(): return await asyncio.to_thread(lambda: "uploaded")
        atexit.register(lambda: print(loop_thread.call(upload)))
        loop_thread.call(upload)
    """) == ["uploaded"]


def test_first_call_in_atexit(run: Run) -> None:
    """An atexit callback's call is the first: it works, or says why not, as Python's version has it; it never hangs."""
    (line,) = run("""
        import atexit
        def last():
            from s3_bucket._sync._portal import loop_thread
            async def answer(): return "worked"
            try:
                print(loop_thread.call(answer))
            except RuntimeError as error:
                print("atexit" in str(error))
        import s3_bucket
        atexit.register(last)
    """)
    assert line in {"worked", "True"}


def test_call_after_the_stop(run: Run) -> None:
    """A callback that was registered before the import runs after the loop thread's stop: it works, or says why not."""
    (line,) = run("""
        import atexit
        def last():
            try:
                print(loop_thread.call(answer))
                loop_thread.stop()
            except RuntimeError as error:
                print("atexit" in str(error))
        atexit.register(last)
        from s3_bucket._sync._portal import loop_thread
        async def answer(): return "worked"
        loop_thread.call(answer)
    """)
    assert line in {"worked", "True"}
