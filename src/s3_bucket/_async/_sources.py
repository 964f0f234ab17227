"""Everything that put() takes, as one kind of thing: a ByteSource."""

from __future__ import annotations

import asyncio
import inspect
import os
import stat
from collections.abc import AsyncIterable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, Self, cast

from s3_bucket._async._shield import in_thread
from s3_bucket.exceptions import IntegrityError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from s3_bucket._models import Buffer

_MODE = "expected bytes, but it gives {}; open text files in binary mode, encode texts"
SHORT_FILE = 64 * 1024
"""Bytes of a file that is read with its opening: less than going to a worker thread again, and once more to check it,
would cost."""
_WHOLE = (bytes, bytearray)
_BUFFERS = (bytes, bytearray, memoryview)
_END = object()  # a None that an iterable gives is a mistake, not its end


class ByteSource(Protocol):
    """Bytes to be read once, from the first to the last."""

    size: int | None
    """How many they are, if that's known; valid inside ``async with``."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *_: object) -> None: ...

    async def read(self, n: int) -> Buffer:
        """Return the next n bytes, fewer only at the end. What is returned belongs to the caller."""
        ...

    async def check(self) -> None:
        """Raise IntegrityError if what was read can't be one state of the source."""
        ...


def source_of(data: Any) -> ByteSource:
    """Return the source for what was given to put()."""
    if isinstance(data, str):
        return BufferSource(_encoded(data))
    if isinstance(data, _BUFFERS):
        return BufferSource(cast("Buffer", data))
    if isinstance(data, os.PathLike):
        return file_source(cast("os.PathLike[str]", data))
    read = getattr(data, "read", None)
    if callable(read):
        return StreamSource(_reading(read))
    if isinstance(data, AsyncIterable):
        return _async_stream(data)  # pyright: ignore[reportUnknownArgumentType]  # its items are looked at one by one
    if isinstance(data, Iterable) and not isinstance(data, Mapping):
        return _stream(data)  # pyright: ignore[reportUnknownArgumentType]  # as above
    kind = type(cast("object", data)).__name__
    msg = f"data: expected str, bytes, a path, a binary file or an iterable of bytes, not {kind}"
    raise InvalidInput(msg, argument="data")


def file_source(path: str | os.PathLike[str]) -> FileSource:
    """Return the source for a file of that path."""
    name = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(name, str) or "\0" in name:
        msg = f"local_filepath: expected a path, not {path!r}"
        raise InvalidInput(msg, argument="local_filepath")
    return FileSource(name)


class BufferSource:
    """Bytes that are in memory; they are not copied."""

    def __init__(self, data: Buffer) -> None:
        self.data = data if isinstance(data, _WHOLE) else memoryview(bytes(data))
        self._at = 0
        self.size: int | None = len(self.data)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def read(self, n: int) -> Buffer:
        start, self._at = self._at, self._at + n
        return self.data if start == 0 and n >= len(self.data) else memoryview(self.data)[start : self._at]

    async def check(self) -> None:
        pass


class FileSource:
    """A file on disk. It must stay as it is while it is read."""

    def __init__(self, path: str) -> None:
        self.size: int | None = None
        self.whole: bytearray | None = None
        """All that it holds, if it is short; it is closed then."""
        self.path = path
        self._fd = -1
        self._at = 0
        self._state: tuple[int, int] = (0, 0)

    async def __aenter__(self) -> Self:
        if self.whole is not None:
            return self
        try:
            await in_thread(self._begin)
        except BaseException:
            self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._close()

    async def read(self, n: int) -> Buffer:
        if self.whole is not None:
            start, self._at = self._at, min(self._at + n, len(self.whole))
            return self.whole[start : self._at]
        data = bytearray(min(n, self.left))
        await self.fill(data)
        return data

    @property
    def left(self) -> int:
        """How many bytes have not been read."""
        return (self.size or 0) - self._at

    async def fill(self, memory: Buffer) -> None:
        """Read into all of this memory."""
        await in_thread(self._fill, memory)

    async def fill_from(self, at: int, memory: Buffer) -> None:
        """Read into all of this memory, from this place in the file on; what read() gives next stays the same."""
        await in_thread(self._fill_from, at, memory)

    @property
    def state(self) -> tuple[int, int]:
        """Its size in bytes, and when it was last changed, in nanoseconds since the epoch: as it was opened."""
        return self._state

    def fileno(self) -> int:
        """Return the file's descriptor, as Python's own files do."""
        return self._fd

    async def check(self) -> None:
        if self.whole is None:
            await in_thread(self._check)

    def read_ahead(self) -> bool:
        """Read it, if it is short, before it is asked for; blocks. Return whether it is read; otherwise it is closed.

        Raises:
            OSError, BucketException: what its opening would have raised.
        """
        try:
            self._begin()
        finally:
            self._close()
        return self.whole is not None

    def _begin(self) -> None:
        self._open()
        if self.left <= SHORT_FILE:
            whole = bytearray(self.left)
            self._fill(whole)
            self._check()
            self._close()
            self.whole, self._at = whole, 0

    def _check(self) -> None:
        if state_of(os.fstat(self._fd)) != self._state:
            raise self._changed()

    def _open(self) -> None:
        # A FIFO would block until somebody writes into it.
        self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        found = os.fstat(self._fd)
        mode = found.st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(21, "Is a directory", self.path)
        if not stat.S_ISREG(mode):
            msg = f"local_filepath: {self.path!r} is no regular file; open it, and put() the file object"
            raise InvalidInput(msg, argument="local_filepath")
        self._state = state_of(found)
        self.size = found.st_size

    def _fill(self, memory: Buffer) -> None:
        self._fill_from(self._at, memory)
        self._at += len(memory)

    def _fill_from(self, at: int, memory: Buffer) -> None:
        view = memoryview(memory)
        while view:
            got = os.preadv(self._fd, [view], at)
            if not got:  # it has shrunk
                raise self._changed()
            at += got
            view = view[got:]

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _changed(self) -> IntegrityError:
        return IntegrityError(f"{self.path!r} changed while it was read; nothing was stored; try again")


def state_of(found: os.stat_result) -> tuple[int, int]:
    """Return by what a change of a file is seen: its size in bytes, and when it was changed, in nanoseconds."""
    return found.st_size, found.st_mtime_ns


class StreamSource:
    """Bytes that come one after another: files that are open, iterables."""

    def __init__(
        self,
        pull: Callable[[int], Awaitable[Buffer | None]],
        close: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.size: int | None = None
        self._pull = pull
        self._close = close
        self._left: Buffer = b""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._close is not None:  # an async generator's finally blocks run now, not when it is collected
            await self._close()

    async def read(self, n: int) -> Buffer:
        data = bytearray()
        while len(data) < n:
            chunk = self._left or await self._pull(n - len(data))
            if chunk is None:
                break
            view, room = memoryview(chunk), n - len(data)
            data += view[:room]
            self._left = view[room:] if room < len(view) else b""
            del chunk, view  # a generator may change the length of the buffer it gave, when it goes on
        return data

    async def check(self) -> None:
        pass


def _reading(read: Callable[[int], Any]) -> Callable[[int], Awaitable[Buffer | None]]:
    async def pull(n: int) -> Buffer | None:
        # The user's own file may block for ever: when the call is cancelled, nobody waits for this thread.
        data = await read(n) if inspect.iscoroutinefunction(read) else await asyncio.to_thread(read, n)
        if inspect.isawaitable(data):
            data = await data
        return _bytes(data) or None

    return pull


def _stream(data: Iterable[Any]) -> StreamSource:
    iterator = iter(data)

    async def pull(_: int) -> Buffer | None:
        chunk = await asyncio.to_thread(next, iterator, _END)
        return None if chunk is _END else _bytes(chunk)

    return StreamSource(pull)


def _async_stream(data: AsyncIterable[Any]) -> StreamSource:
    iterator = aiter(data)

    async def pull(_: int) -> Buffer | None:
        chunk = await anext(iterator, _END)
        return None if chunk is _END else _bytes(chunk)

    return StreamSource(pull, getattr(iterator, "aclose", None))


def _bytes(chunk: Any) -> Buffer:
    if not isinstance(chunk, bytes | bytearray | memoryview):
        msg = f"data: {_MODE.format(type(chunk).__name__)}"
        raise InvalidInput(msg, argument="data")
    return bytes(cast("Buffer", chunk)) if isinstance(chunk, memoryview) else chunk


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        msg = f"data: the text can't be stored as UTF-8: {error}"
        raise InvalidInput(msg, argument="data") from error
