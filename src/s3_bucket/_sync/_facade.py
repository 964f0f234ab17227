"""What the generated classes stand on: calls, iteration and context managers over the loop thread, and real files."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast

from s3_bucket._sync._portal import Parked, RunningLoop, loop_thread
from s3_bucket.exceptions import InvalidInput

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from _typeshed import ReadableBuffer

    from s3_bucket._async._batches import BatchIterator

P = ParamSpec("P")
T = TypeVar("T")
A = TypeVar("A")
W = TypeVar("W", bound="Face")
F = TypeVar("F", bound="FileReader | FileWriter")

CHUNK = 1024 * 1024
"""Bytes that cross between the threads at a time: at 1 KiB, the crossing would take nearly all of the time."""


class Face:
    """The base of a generated class: everything is asked of the async object that it stands before."""

    _async: Any

    def __repr__(self) -> str:
        return type(self).__name__ + repr(self._async).removeprefix(type(self._async).__name__)

    def __reduce__(self) -> tuple[Any, ...]:
        rebuild, (_, *arguments) = self._async.__reduce__()
        return rebuild, (type(self), *arguments)

    def _call(self, method: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return loop_thread.call(method, *args, **kwargs)

    def _front(
        self, face: type[W], method: Callable[P, Coroutine[Any, Any, Any]], /, *args: P.args, **kwargs: P.kwargs
    ) -> W:
        """Put a blocking face before what the method gives."""
        front = face.__new__(face)
        front._async = self._call(method, *args, **kwargs)  # noqa: SLF001  # of the same base
        return front

    def _iterate(self, method: Callable[P, AsyncIterator[T]], /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return BlockingIterator(cast("BatchIterator[T]", method(*args, **kwargs)))

    def _open(
        self,
        file: Callable[[RunningLoop, A], F],
        method: Callable[P, AbstractAsyncContextManager[A]],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> AbstractContextManager[F]:
        return Opened(file, method(*args, **kwargs))

    def _enter(
        self, method: Callable[P, AbstractAsyncContextManager[A]], /, *args: P.args, **kwargs: P.kwargs
    ) -> AbstractContextManager[A]:
        return Entered(method(*args, **kwargs))


class BlockingIterator(Iterator[T]):
    """Iterates over what an async iterator gives, a batch to a crossing.

    Nothing is started before the first item is asked for. Left behind unfinished, it is stopped when it is collected.
    """

    def __init__(self, batches: BatchIterator[T]) -> None:
        self._ready: deque[T] = deque()
        self._running: RunningLoop | None = None
        self._batches = batches

    def __next__(self) -> T:
        if not self._ready:
            self._ready.extend(self._next_batch())
        return self._ready.popleft()

    def _next_batch(self) -> list[T]:
        if self._running is None:
            self._running = loop_thread.running()
        try:
            return self._running.call(self._batches.next_batch)
        except StopAsyncIteration:
            raise StopIteration from None

    def close(self) -> None:
        """Stop; whatever still runs for the iteration has ended when this returns."""
        self._ready.clear()
        if self._running is not None:
            self._running.call(self._batches.aclose)

    def __del__(self) -> None:
        # On any thread, perhaps the loop thread: it is stopped, but nobody waits for it.
        if self._running is not None:
            self._running.call_soon(self._batches.aclose)


class FileReader(io.BufferedReader):
    """A readable binary file over an async reader.

    Iterating gives chunks of 1 MiB, as it does in the async face, not lines: readline() and io.TextIOWrapper do that.
    """

    def __init__(self, running: RunningLoop, reader: Any) -> None:
        super().__init__(_RawReader(running, reader), CHUNK)
        self._running = running
        self._broken_at: int | None = None
        self._async = reader

    def read(self, n: int | None = -1, /) -> bytes:
        """Read and return up to n bytes, fewer only at the end; all that is left if n is negative."""
        at = self.tell()
        try:
            return super().read(n)
        except BaseException:
            self._broken_at = at
            raise

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a position in bytes and return it."""
        self._mend()
        return super().seek(offset, whence)

    def tell(self) -> int:
        """Return the position in bytes."""
        self._mend()
        return super().tell()

    def _mend(self) -> None:
        """Go back to where a read began that failed: what of it was in the buffer is gone."""
        _check_open(self)
        if self._broken_at is not None:
            at, self._broken_at = self._broken_at, None
            super().seek(at)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if chunk := self.read(CHUNK):
            return chunk

        raise StopIteration

    def close(self) -> None:
        """Stop fetching; reading is an error afterwards."""
        if not self.closed:
            super().close()
            self._running.call(self._async.aclose)

    def __del__(self) -> None:
        """Do nothing: a file would close itself, which is a crossing; the end of the block has done that."""

    def finish(self) -> None:
        """Release the buffer at the end of the block; the async reader closes itself."""
        super().close()

    def discard(self) -> None:
        """Do the same where the block has failed."""
        super().close()


class FileWriter(io.BufferedWriter):
    """A writable binary file over an async writer.

    Closing it hands on what is buffered, but publishes nothing: the end of the block does, if all was well. Collecting
    it, buffered bytes and all, does nothing.
    """

    def __init__(self, running: RunningLoop, writer: Any) -> None:
        self._sink = _RawWriter(running, writer)
        super().__init__(self._sink, CHUNK)
        self._running = running
        self._async = writer

    def write(self, data: ReadableBuffer, /) -> int:
        """Take more bytes; return how many."""
        _check_open(self)
        try:
            return super().write(data)
        except TypeError as error:
            raise InvalidInput(f"only bytes can be written, not {type(data).__name__}", argument="data") from error

    def close(self) -> None:
        """Take no more bytes. The object still appears when the ``with`` block ends, not before."""
        if not self.closed:
            super().close()
            self._running.call(self._async.aclose)

    def __del__(self) -> None:
        """Do nothing: a file would close itself, and hand on what is buffered."""

    def finish(self) -> None:
        """Hand on what is buffered, at the end of a block that has not failed.

        Raises:
            OSError: a write has failed before: what was stored would not be whole.
        """
        super().close()
        self._sink.check()

    def discard(self) -> None:
        """Forget what is buffered: the block has failed."""
        self._sink.discarding = True
        super().close()


def _check_open(file: io.BufferedReader | io.BufferedWriter) -> None:
    if file.closed:
        raise InvalidInput("it is closed: use it inside the with block that opened it")


class _Block(Generic[A]):
    """An async context manager that is entered and left from another thread."""

    def __init__(self, manager: AbstractAsyncContextManager[A]) -> None:
        self._running: RunningLoop | None = None
        self._parked: Parked[A] = Parked(manager)

    def _leave(self, failure: BaseException | None) -> bool | None:
        running = cast("RunningLoop", self._running)
        if failure is not None and running.ended:
            return None  # nothing is there to be told; a forked child leaves its parent's blocks this way

        return running.leave(self._parked, failure)

    def __del__(self) -> None:
        # Entered by hand and forgotten, or Ctrl-C between the entrance and the block: nothing may stay open.
        if self._running is not None:
            self._running.cancel_soon(self._parked)


class Entered(_Block[A], AbstractContextManager[A]):
    """An async context manager that gives a plain value, as a blocking one."""

    def __enter__(self) -> A:
        self._running = loop_thread.running()
        return self._running.enter(self._parked)

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        return self._leave(exc)


class Opened(_Block[A], AbstractContextManager[F], Generic[F, A]):
    """An async context manager that gives a reader or a writer, as a blocking one."""

    def __init__(self, file: Callable[[RunningLoop, A], F], manager: AbstractAsyncContextManager[A]) -> None:
        super().__init__(manager)
        self._file: F
        self._make_file = file

    def __enter__(self) -> F:
        self._running = loop_thread.running()
        self._file = self._make_file(self._running, self._running.enter(self._parked))
        return self._file

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        failure = exc
        try:
            if exc is None:
                self._file.finish()
            else:
                self._file.discard()
        except BaseException as error:  # noqa: BLE001  # it is raised when the block has been left with it
            failure = error
        suppressed = self._leave(failure)
        if failure is not None and failure is not exc and not suppressed:
            raise failure

        return suppressed


class _RawReader(io.RawIOBase):
    """Takes bytes from an async reader, into the buffer of a FileReader."""

    def __init__(self, running: RunningLoop, reader: Any) -> None:
        self._running = running
        self._async = reader
        self._position = 0
        self._is_sure = True

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = self._read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        return self._read(-1)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._position = self._running.call(self._async.seek, offset, whence)
        self._is_sure = True
        return self._position

    def tell(self) -> int:
        return self._position  # without a crossing: io and zipfile ask all the time

    def _read(self, n: int) -> bytes:
        """Read on from the position, also where a read before was interrupted: its bytes came to nobody."""
        if not self._is_sure:
            self.seek(self._position)
        self._is_sure = False
        data: bytes = self._running.call(self._async.read, n)
        self._is_sure = True
        self._position += len(data)
        return data


class _RawWriter(io.RawIOBase):
    """Gives bytes from the buffer of a FileWriter to an async writer."""

    def __init__(self, running: RunningLoop, writer: Any) -> None:
        self.failure: BaseException | None = None
        self.discarding = False
        self._running = running
        self._async = writer

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        if self.discarding:
            return len(data)

        self.check()
        try:
            self._running.call(self._async.write, bytes(data))  # a copy: the buffer is used again
        except BaseException as error:
            self.failure = error
            raise
        return len(data)

    def check(self) -> None:
        """Refuse to go on after a write of which nobody knows how much arrived."""
        if self.failure is not None:
            raise OSError("a write failed before, so the object would not be whole: it is not stored") from self.failure
