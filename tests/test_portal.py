"""The loop thread and what stands on it, in this process: plain coroutines, no S3."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import csv
import gc
import gzip
import io
import json
import pickle
import sys
import threading
import types
import weakref
import zipfile
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

import s3_bucket
from s3_bucket import Reader, Writer
from s3_bucket._async._batches import BatchIterator
from s3_bucket._sync import _executor, _facade, _portal
from s3_bucket._sync._executor import Executor
from s3_bucket._sync._facade import CHUNK, BlockingIterator, Face, Opened
from s3_bucket._sync._portal import Call, LoopThread, Parked
from s3_bucket.exceptions import InvalidInput

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

MISSING = object()
variable: contextvars.ContextVar[object] = contextvars.ContextVar("variable", default=MISSING)


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopThread]:
    """Make a loop thread of the test's own, which the faces use too."""
    loop = LoopThread()
    monkeypatch.setattr(_facade, "loop_thread", loop)
    monkeypatch.setattr(_portal, "LIVENESS_SECONDS", 0.02)
    yield loop
    loop.stop()


async def double(n: int, *, plus: int = 0) -> int:
    """Return what shows that arguments came over."""
    return 2 * n + plus


async def forever() -> NoReturn:
    """Wait until cancelled."""
    await asyncio.get_running_loop().create_future()
    raise AssertionError


# Calls


def test_arguments_and_values(loop: LoopThread) -> None:
    """Positional and keyword arguments go over, and the value comes back."""
    assert loop.call(double, 20, plus=2) == 42


@pytest.mark.parametrize(
    "error", [ValueError("a"), SystemExit(3), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError()]
)
def test_every_exception_is_carried_over(loop: LoopThread, error: BaseException) -> None:
    """Whatever a coroutine raises reaches the caller as itself, and the loop goes on."""

    async def fail() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        loop.call(fail)
    assert caught.value is error
    assert loop.call(double, 1) == 2


def test_exit_out_of_a_child_task(loop: LoopThread) -> None:
    """A SystemExit in a task that the coroutine awaits, which asyncio throws out of the loop, ends only the call."""

    async def leave() -> None:
        raise SystemExit(3)

    async def group() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(leave())

    with pytest.raises(SystemExit):
        loop.call(group)
    running = loop.running()
    assert loop.call(double, 1) == 2
    assert loop.running() is running


def test_context_goes_over(loop: LoopThread) -> None:
    """The coroutine sees the caller's context variables; the loop thread itself begins with none."""

    async def read() -> object:
        return variable.get()

    variable.set("of the caller")
    assert loop.call(read) == "of the caller"
    assert contextvars.copy_context().run(loop.call, read) == "of the caller"
    assert contextvars.Context().run(loop.call, read) is MISSING


def test_call_from_the_loop_thread(loop: LoopThread) -> None:
    """A call from the loop thread is refused, saying what to do, instead of waiting for itself."""

    async def nested() -> int:
        return loop.call(double, 1)

    with pytest.raises(RuntimeError, match="make it from another thread"):
        loop.call(nested)


def test_start_from_many_threads(loop: LoopThread) -> None:
    """Sixty-four threads that make the first call at once get one loop thread."""
    barrier = threading.Barrier(64)
    found = []

    def work() -> None:
        barrier.wait()
        found.append((loop.running(), loop.call(double, 1)))

    threads = [threading.Thread(target=work) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [(loop.running(), 2)] * 64


def test_death_is_noticed(loop: LoopThread) -> None:
    """If the loop ends under a call, the caller is told so, with the cause, and the next call has a new loop."""

    async def die() -> None:
        asyncio.get_running_loop().stop()
        await forever()

    with pytest.raises(RuntimeError, match="has ended during the call") as caught:
        loop.call(die)
    assert "stopped before" in str(caught.value.__cause__)
    assert loop.call(double, 1) == 2


def test_call_that_is_lost(loop: LoopThread) -> None:
    """A call that came too late for the loop to take it ends with an error too, and so does one to an ended loop."""
    running = loop.running()
    loop.stop()
    with pytest.raises(RuntimeError, match="has ended"):
        running.call(double, 1)
    running.ended = False  # it is closed, but has not said so yet
    with pytest.raises(RuntimeError, match="has ended"):
        running.call(double, 1)


def test_stop_cancels_and_waits(loop: LoopThread) -> None:
    """stop() cancels what is running, waits for its cleanup, and tells the caller; stopping twice is nothing."""
    steps: list[str] = []
    begun = threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await forever()
        finally:
            await asyncio.sleep(0)
            steps.append("cleaned up")

    def call() -> None:
        with pytest.raises(RuntimeError, match="has ended during the call"):
            loop.call(work)
        steps.append("told")

    caller = threading.Thread(target=call)
    caller.start()
    begun.wait()
    loop.stop()
    assert steps[0] == "cleaned up"
    caller.join()
    assert steps == ["cleaned up", "told"]
    loop.stop()


def test_stop_of_an_ended_loop(loop: LoopThread) -> None:
    """A loop that has ended by itself is not waited for again."""
    running = loop.running()
    running.stop(10)
    assert running.ended
    loop.stop()
    assert loop.call(double, 1) == 2


def test_no_thread_to_be_had(loop: LoopThread, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no thread can be started, the error says so; when one can, calls work again."""

    def refuse(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="can't be started"):
            loop.call(double, 1)
    assert loop.call(double, 1) == 2


def test_no_loop_to_be_had(loop: LoopThread, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no event loop can be made, as without free file descriptors, the error says so."""

    def refuse() -> None:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(_portal, "new_event_loop", refuse)
        with pytest.raises(RuntimeError, match="can't be started") as caught:
            loop.call(double, 1)
    assert isinstance(caught.value.__cause__, OSError)
    assert loop.call(double, 1) == 2


@pytest.mark.parametrize("is_installed", [False, True])
def test_uvloop_where_it_is(monkeypatch: pytest.MonkeyPatch, *, is_installed: bool) -> None:
    """The loop thread runs uvloop's event loop where uvloop is installed, and asyncio's own elsewhere."""

    class Fast(asyncio.SelectorEventLoop):
        pass

    module = types.SimpleNamespace(new_event_loop=Fast) if is_installed else None
    monkeypatch.setitem(sys.modules, "uvloop", module)
    with contextlib.closing(_portal.new_event_loop()) as loop:
        assert isinstance(loop, Fast) == is_installed


def interrupting(monkeypatch: pytest.MonkeyPatch, begun: threading.Event) -> None:
    """Let the first wait of this thread, once the coroutine has begun, end by Ctrl-C."""
    wait = _portal.Signal.wait

    def interrupted(signal: _portal.Signal, timeout: float) -> bool:
        monkeypatch.setattr(_portal.Signal, "wait", wait)
        begun.wait()
        raise KeyboardInterrupt

    monkeypatch.setattr(_portal.Signal, "wait", interrupted)


def test_interrupt(loop: LoopThread, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the wait cancels the coroutine and is raised when that is done; what fails there is its cause."""
    begun, failure = threading.Event(), OSError("not aborted")

    async def work() -> None:
        begun.set()
        try:
            await forever()
        finally:
            raise failure

    loop.running()
    interrupting(monkeypatch, begun)
    with pytest.raises(KeyboardInterrupt) as caught:
        loop.call(work)
    assert caught.value.__cause__ is failure


def test_cancelled_before_the_first_step(loop: LoopThread) -> None:
    """A call that is cancelled before its first step never takes it, and ends."""
    call = Call(forever)

    async def race() -> None:
        call.cancel()
        call.cancel()
        await call.run()

    loop.call(race)
    assert call.finished.wait(10)
    with pytest.raises(asyncio.CancelledError):
        call.take()


@pytest.mark.parametrize("handed_over", [False, True])
def test_interrupt_in_the_handover(loop: LoopThread, monkeypatch: pytest.MonkeyPatch, *, handed_over: bool) -> None:
    """Ctrl-C while the coroutine is handed over cancels it, and doesn't wait for what will never run."""
    portal = loop.running()._portal
    hand_over = portal.start_task_soon

    def interrupted(*arguments: Any) -> None:
        monkeypatch.setattr(portal, "start_task_soon", hand_over)
        if handed_over:
            hand_over(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(portal, "start_task_soon", interrupted)
    with pytest.raises(KeyboardInterrupt):
        loop.call(forever)
    assert loop.call(double, 1) == 2


def test_errors_are_not_kept(loop: LoopThread) -> None:
    """What a failed call held is free at once, without the garbage collector."""

    class Large:
        pass

    large = Large()
    gone = weakref.ref(large)

    async def fail(_: Large) -> None:
        raise LookupError

    gc.disable()
    try:
        with pytest.raises(LookupError):
            loop.call(fail, large)
        del large
        loop.call(double, 1)  # by then the loop thread, too, has let go of the call before
        assert gone() is None
    finally:
        gc.enable()


def test_fork_begins_anew(loop: LoopThread) -> None:
    """What is forgotten after a fork is kept, looks closed to what inherited it, and is used by nobody any more."""
    before = loop.running()
    before.stop(10)
    loop._running = before
    loop.forget()
    assert loop._graveyard == [before]
    assert before._loop.is_closed()
    assert loop.call(double, 1) == 2
    assert loop.running() is not before
    loop.stop()
    loop.forget()  # nothing was running
    assert loop._graveyard == [before]


# The executor


def test_executor_reuses_and_adds_threads() -> None:
    """An idle thread takes the next job; where all are busy there is one more, up to the limit."""
    executor = Executor()
    barrier = threading.Barrier(3)
    waiting = [executor.submit(barrier.wait) for _ in range(2)]
    barrier.wait()
    assert len({future.result(10) for future in waiting}) == 2
    count = executor._count
    assert [executor.submit(abs, -n).result(10) for n in range(3)] == [0, 1, 2]
    assert count <= executor._count <= _executor.LIMIT
    executor.shutdown()


def test_executor_carries_errors() -> None:
    """What a job raises is its future's, and a job that was cancelled in time never runs."""
    executor = Executor()
    gate, ran = threading.Event(), []

    def fail() -> None:
        raise SystemExit

    assert isinstance(executor.submit(fail).exception(10), SystemExit)
    blocked = [executor.submit(gate.wait) for _ in range(_executor.LIMIT)]
    late = executor.submit(ran.append, 1)
    assert late.cancel()
    gate.set()
    assert all(future.result(10) for future in blocked)
    executor.submit(int).result(10)
    assert ran == []
    executor.shutdown()


def test_executor_without_new_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Python starts no more threads, those that are there do the work; without any there is an error."""

    def refuse(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    executor = Executor()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert [executor.submit(int).result(10) for _ in range(3)] == [0, 0, 0]
    executor.shutdown()
    with pytest.raises(RuntimeError):
        Executor()


# Iteration


class Batches:
    """What an AsyncBucket's iterating methods are like."""

    def __init__(self, count: int) -> None:
        self.closed = threading.Event()
        self.taken = 0
        self.count = count

    async def generate(self) -> AsyncGenerator[list[int], None]:
        """Give batches of three."""
        try:
            for n in range(self.count):
                self.taken += 1
                yield [3 * n, 3 * n + 1, 3 * n + 2]
        finally:
            self.closed.set()

    def iterate(self) -> BatchIterator[int]:
        """Return them as an AsyncBucket does."""
        return BatchIterator(self.generate())


def test_iteration(loop: LoopThread) -> None:
    """All items come, in order, a batch to a crossing; after the end there is nothing more."""
    batches = Batches(2)
    items = Face()._iterate(batches.iterate)
    assert loop._running is None  # nothing has been started
    assert next(items) == 0
    assert batches.taken == 1
    assert list(items) == [1, 2, 3, 4, 5]
    assert list(items) == []


def test_iteration_left_behind(loop: LoopThread) -> None:
    """A loop that is broken off closes the async iterator on its loop."""
    batches = Batches(5)
    for _ in BlockingIterator(batches.iterate()):
        break
    assert batches.closed.wait(10)
    BlockingIterator(batches.iterate())  # never begun: nothing to stop


def test_iteration_collected_on_the_loop_thread(loop: LoopThread) -> None:
    """Garbage collection on the loop thread itself closes it too, and waits for nothing."""
    batches = Batches(5)
    cycle: list[Any] = [BlockingIterator(batches.iterate())]
    next(cycle[0])
    cycle.append(cycle)
    del cycle

    async def collect() -> None:
        gc.collect()

    loop.call(collect)
    assert batches.closed.wait(10)


def test_iteration_closed(loop: LoopThread) -> None:
    """close() ends the iteration at once, and has closed the async iterator when it returns."""
    batches = Batches(5)
    items = BlockingIterator(batches.iterate())
    items.close()
    items = BlockingIterator(batches.iterate())
    next(items)
    items.close()
    assert batches.closed.is_set()
    assert list(items) == []


# Files


class Source:
    """What an AsyncReader is like."""

    def __init__(self, data: bytes) -> None:
        self.file = io.BytesIO(data)
        self.calls: list[str] = []
        self.fail: BaseException | None = None

    async def read(self, n: int = -1, /) -> bytes:
        """Read, and fail if that is wanted, after having taken the bytes."""
        self.calls.append("read")
        data = self.file.read(n)
        if self.fail:
            error, self.fail = self.fail, None
            raise error
        return data

    async def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a position."""
        self.calls.append("seek")
        return self.file.seek(offset, whence)

    async def aclose(self) -> None:
        """Note it."""
        self.calls.append("aclose")


class Sink:
    """What an AsyncWriter is like."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.closed = False
        self.fail: BaseException | None = None

    async def write(self, data: bytes, /) -> int:
        """Take bytes, or fail if that is wanted."""
        if self.fail:
            raise self.fail
        self.data += data
        return len(data)

    async def aclose(self) -> None:
        """Note it."""
        self.closed = True


class Opening:
    """What open_reader() and open_writer() are like; says how the block was left."""

    def __init__(self, value: Any, *, suppress: bool = False) -> None:
        self.left: list[BaseException | None] = []
        self.tasks: set[Any] = set()
        self.done = threading.Event()
        self._value = value
        self._suppress = suppress

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Any, None]:
        """Give the value."""
        self.tasks.add(asyncio.current_task())
        try:
            yield self._value
        except BaseException as error:
            self.left.append(error)
            if not self._suppress:
                raise
        else:
            self.left.append(None)
        finally:
            self.tasks.add(asyncio.current_task())
            self.done.set()


def opened_reader(data: bytes) -> Opened[Any, Any]:
    """Open a reader of these bytes."""
    return Opened(Reader, Opening(Source(data)).open())


def test_block(loop: LoopThread) -> None:
    """A block is entered and left in one task, and gives the blocking file."""
    opening = Opening(Source(b"abc"))
    with Face()._open(Reader, opening.open) as reader:
        assert isinstance(reader, Reader)
        assert reader.read() == b"abc"
    assert opening.left == [None]
    assert len(opening.tasks) == 1


@pytest.mark.parametrize(
    "error", [ValueError("a"), KeyboardInterrupt(), SystemExit(1), GeneratorExit(), StopIteration()]
)
def test_block_that_raises(loop: LoopThread, error: BaseException) -> None:
    """What the block raises reaches the async context manager as itself, and goes on from there."""
    opening = Opening(Sink())
    with pytest.raises(type(error)) as caught, Opened(Writer, opening.open()):
        raise error
    assert caught.value is error
    assert opening.left == [error]


def test_block_that_suppresses(loop: LoopThread) -> None:
    """What the async context manager suppresses is suppressed, a failure of the last write too."""
    opening, sink = Opening(Sink(), suppress=True), Sink()
    with Opened(Writer, opening.open()):
        raise LookupError
    opening, sink.fail = Opening(sink, suppress=True), OSError("full")
    with Opened(Writer, opening.open()) as writer:
        writer.write(b"a")
    assert opening.left == [sink.fail]


def test_block_that_can_not_be_entered(loop: LoopThread) -> None:
    """What the entrance raises is raised by the with statement."""

    @asynccontextmanager
    async def opened() -> AsyncGenerator[Any, None]:
        raise FileNotFoundError
        yield

    with pytest.raises(FileNotFoundError), Opened(Reader, opened()):
        raise AssertionError


def test_interrupt_at_the_entrance(loop: LoopThread, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while a block is being entered cancels the entrance."""
    begun = threading.Event()

    class Slow(AbstractAsyncContextManager[None]):
        async def __aenter__(self) -> None:
            begun.set()
            await forever()

        async def __aexit__(self, *_: object) -> None:
            raise AssertionError

    loop.running()
    interrupting(monkeypatch, begun)
    with pytest.raises(KeyboardInterrupt):
        loop.running().enter(Parked(Slow()))


def test_interrupt_before_the_entrance(loop: LoopThread, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C before the entrance was handed over doesn't wait for what will never be entered."""
    portal = loop.running()._portal

    def interrupted(*_: Any) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(portal, "start_task_soon", interrupted)
    parked = Parked(Opening(Source(b"")).open())
    with pytest.raises(KeyboardInterrupt):
        loop.running().enter(parked)
    assert not parked.entered


def test_exception_of_the_exit(loop: LoopThread) -> None:
    """What the exit raises takes the place of what the block raised, which is its context."""

    @asynccontextmanager
    async def opened() -> AsyncGenerator[Any, None]:
        try:
            yield Source(b"")
        finally:
            raise OSError("not stored")

    with pytest.raises(OSError, match="not stored") as caught, Opened(Reader, opened()):
        raise LookupError
    assert isinstance(caught.value.__context__, LookupError)


def test_block_left_behind(loop: LoopThread) -> None:
    """What was entered by hand and is collected is cancelled: nothing is published."""
    opening = Opening(Sink())
    opened = Opened(Writer, opening.open())
    writer = opened.__enter__()
    del opened
    assert opening.done.wait(10)
    assert isinstance(opening.left[0], asyncio.CancelledError)
    del writer
    Opened(Writer, opening.open())  # never entered: nothing to leave


def test_block_cancelled_before_it_is_left(loop: LoopThread) -> None:
    """A block whose loop has ended is left with the block's own exception, or with an error that says why."""
    opened = opened_reader(b"a")
    with pytest.raises(LookupError), opened:  # noqa: PT012  # the block is what is tested
        loop.stop()
        raise LookupError
    with pytest.raises(RuntimeError, match="has ended"), opened_reader(b"a"):
        loop.stop()


def test_leaving_twice(loop: LoopThread) -> None:
    """A block that was cancelled in between is left only once."""
    parked = Parked(Opening(Source(b"")).open())
    loop.running().enter(parked)

    async def leave_twice() -> None:
        parked.leave(None)
        parked.leave(None)

    loop.call(leave_twice)
    assert parked.finished.wait(10)


def test_reader_is_a_file(loop: LoopThread) -> None:
    """A reader reads, seeks and tells as any binary file, and closes."""
    data = b"one\ntwo\n" + bytes(2 * CHUNK)
    with opened_reader(data) as reader:
        assert reader.readable()
        assert reader.seekable()
        assert not reader.writable()
        assert reader.readline() == b"one\n"
        assert reader.tell() == 4
        assert reader.read(4) == b"two\n"
        assert reader.seek(-3, io.SEEK_END) == len(data) - 3
        assert reader.read() == bytes(3)
        assert reader.seek(1) == 1
        assert reader.peek(2)[:2] == b"ne"
        buffer = bytearray(3)
        assert reader.readinto(buffer) == 3
        assert bytes(buffer) == b"ne\n"
        reader.seek(0)
        assert [len(chunk) for chunk in reader] == [CHUNK, CHUNK, 8]
        reader.close()
        reader.close()
        assert reader.closed
        for use in (reader.read, reader.tell, lambda: reader.seek(0)):
            with pytest.raises(InvalidInput, match="closed"):
                use()


def test_reader_closes_its_origin(loop: LoopThread) -> None:
    """close() closes the async reader; the end of the block leaves that to the async block."""
    source = Source(b"abc")
    with Opened(Reader, Opening(source).open()) as reader:
        reader.close()
        assert source.calls == ["aclose"]
    source = Source(b"abc")
    with Opened(Reader, Opening(source).open()) as reader:
        pass
    assert reader.closed
    assert source.calls == []


def test_reader_in_the_standard_library(loop: LoopThread) -> None:
    """csv, json and zipfile read from it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("a.txt", "content")
    with opened_reader(b"a,b\r\n1,2\r\n") as reader:
        assert list(csv.reader(io.TextIOWrapper(reader, newline=""))) == [["a", "b"], ["1", "2"]]
    with opened_reader(b'{"a": 1}') as reader:
        assert json.load(reader) == {"a": 1}
    with opened_reader(archive.getvalue()) as reader, zipfile.ZipFile(reader) as files:
        assert files.read("a.txt") == b"content"


def test_reader_after_an_interrupt(loop: LoopThread) -> None:
    """A read that was broken off loses no bytes for the next one, though the async reader has gone on."""
    source = Source(b"abcdef")
    with Opened(Reader, Opening(source).open()) as reader:
        source.fail = KeyboardInterrupt()
        with pytest.raises(KeyboardInterrupt):
            reader.read(3)
        assert reader.read(3) == b"abc"


def test_text_after_an_interrupt(loop: LoopThread) -> None:
    """What reads through a wrapper of the standard library loses nothing either."""
    source = Source(b"abcdef")
    with Opened(Reader, Opening(source).open()) as reader:
        source.fail = KeyboardInterrupt()
        with pytest.raises(KeyboardInterrupt):
            reader.read1(3)
        assert reader.read1(3) == b"abc"


def test_reader_after_a_failure_in_the_middle(loop: LoopThread) -> None:
    """A read that took what was in the buffer and then failed is as if it had never been: nothing is skipped."""
    data = bytes(range(256)) * 4096 * 3
    source = Source(data)
    with Opened(Reader, Opening(source).open()) as reader:
        assert reader.read(10) == data[:10]
        for where in (lambda: reader.seek(0, 1), reader.tell, lambda: 10):
            source.fail = OSError("broken")
            with pytest.raises(OSError, match="broken"):
                reader.read(2 * CHUNK)
            assert where() == 10
            assert reader.read(2 * CHUNK) == data[10 : 10 + 2 * CHUNK]
            reader.seek(10)


def test_writer_is_a_file(loop: LoopThread) -> None:
    """A writer takes bytes, refuses text, and hands on what is buffered when the block ends well."""
    sink = Sink()
    with Opened(Writer, Opening(sink).open()) as writer:
        assert writer.writable()
        assert not writer.readable()
        assert not writer.seekable()
        assert writer.write(b"abc") == 3
        assert writer.write(memoryview(b"def")) == 3
        assert sink.data == b""
        with pytest.raises(InvalidInput, match="not str"):
            writer.write("text")  # type: ignore[arg-type]
        writer.flush()
        assert sink.data == b"abcdef"
        writer.write(bytes(3 * CHUNK))
        writer.write(b"!")
    assert sink.data == b"abcdef" + bytes(3 * CHUNK) + b"!"
    assert writer.closed
    assert not sink.closed  # the end of the async block does that
    writer.close()
    assert not sink.closed
    with pytest.raises(InvalidInput, match="closed"):
        writer.write(b"")


def test_writer_in_the_standard_library(loop: LoopThread) -> None:
    """csv, gzip and zipfile write to it, and may close it."""
    sink = Sink()
    with Opened(Writer, Opening(sink).open()) as writer, io.TextIOWrapper(writer, newline="") as text:
        csv.writer(text).writerow([1, 2])
    assert sink.closed
    assert sink.data == b"1,2\r\n"
    sink = Sink()
    with Opened(Writer, Opening(sink).open()) as writer, gzip.GzipFile(fileobj=writer, mode="wb") as packed:
        packed.write(b"content")
    assert gzip.decompress(sink.data) == b"content"
    sink = Sink()
    with Opened(Writer, Opening(sink).open()) as writer, zipfile.ZipFile(writer, "w") as files:
        files.writestr("a.txt", "content")
    assert zipfile.ZipFile(io.BytesIO(sink.data)).read("a.txt") == b"content"


def test_writer_of_a_failed_block(loop: LoopThread) -> None:
    """What is buffered when the block fails goes nowhere."""
    sink = Sink()
    with pytest.raises(LookupError), Opened(Writer, Opening(sink).open()) as writer:  # noqa: PT012  # the block is what is tested
        writer.write(b"abc")
        raise LookupError
    assert sink.data == b""
    assert writer.closed


@pytest.mark.parametrize("size", [1, 2 * CHUNK])
def test_writer_after_a_failed_write(loop: LoopThread, size: int) -> None:
    """When a write has failed, the block fails at its end though the failure was caught: a hole is not published."""
    sink = Sink()
    opening = Opening(sink)
    sink.fail = KeyboardInterrupt()

    def use() -> None:
        with Opened(Writer, opening.open()) as writer:
            with pytest.raises(KeyboardInterrupt):  # noqa: PT012  # the block is what is tested
                writer.write(bytes(size))
                writer.flush()
            sink.fail = None

    with pytest.raises(OSError, match="would not be whole") as caught:
        use()
    assert isinstance(caught.value.__cause__, KeyboardInterrupt)
    assert opening.left == [caught.value]


@pytest.mark.parametrize("face", [Reader, Writer])
def test_collected_files(loop: LoopThread, face: Any) -> None:
    """Collecting a file, on the loop thread or elsewhere, crosses nothing: no write, no close."""
    opening = Opening(Sink() if face is Writer else Source(b"abc"))
    with Opened(face, opening.open()) as file:
        if face is Writer:
            file.write(b"abc")
        loose = face(loop.running(), opening._value)
        if face is Writer:
            loose.write(b"lost")
        cycle: list[Any] = [loose]
        cycle.append(cycle)
        del loose, cycle

        async def collect() -> None:
            gc.collect()

        loop.call(collect)
    assert getattr(opening._value, "data", b"abc") == b"abc"


# Bucket


def test_bucket_looks_like_itself() -> None:
    """repr() and pickle know the blocking class, and its settings but no secrets."""
    bucket = s3_bucket.Bucket("my-website-data", max_concurrency=3)
    copy = pickle.loads(pickle.dumps(bucket))  # noqa: S301  # made here
    assert type(copy) is s3_bucket.Bucket
    assert repr(copy) == repr(bucket)
    assert repr(bucket).startswith("Bucket('my-website-data'")
    assert "max_concurrency=3" in repr(bucket)
