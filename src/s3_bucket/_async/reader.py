"""AsyncReader: an object read piece by piece.

It holds no connection: every piece is a range of its own, fetched whole, of the one version that was opened. So a slow
or forgotten reader keeps nobody else waiting, and what breaks off is asked for again. The pieces grow from 1 MiB to
part_size while they are read one after another, and the next is then on its way already.

An object that is read from its first byte to its last is compared with the checksum that the server keeps: the last
piece is given only if it fits.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from s3_bucket import _plan
from s3_bucket._async import _download, _shield
from s3_bucket._async._buffers import Whole, whole
from s3_bucket._async._checksums import Running
from s3_bucket.exceptions import InvalidInput

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

    from s3_bucket._async._retry import RetryingStore
    from s3_bucket._models import ObjectInfo
    from s3_bucket._store import GetRequest, Piece


class AsyncReader:
    """An object being read, piece by piece.

    Iterating gives chunks of 1 MiB. Wherever Python wants a binary file, the blocking face's reader is one.

    Attributes:
        info: the object, as it was when it was opened.
    """

    def __init__(self, store: RetryingStore, request: GetRequest, first: Piece, checksum: Running) -> None:
        self._info = first.info
        self._checksum = checksum
        self._store = store
        self._pin = request.pinned(first.info)
        self._start = first.start
        self._stop = _end(request, first)
        self._at = first.start
        self._piece_at = first.start
        self._piece = first.data
        self._streak = 0
        self._next: asyncio.Task[memoryview] | None = None
        self._next_at = -1
        self._closed = False

    @property
    def info(self) -> ObjectInfo:
        """The object, as it was when it was opened."""
        return self._info

    async def read(self, n: int | None = -1, /) -> bytes:
        """Read and return up to n bytes, fewer only at the end; all that is left if n is negative or None.

        Raises:
            IntegrityError: the object was replaced since it was opened; or all of it was read, one byte after
                another, and is not what the server's checksum says.
            InvalidInput: the reader is closed.
            BucketException: whatever get() raises.
        """
        self._check_open()
        left = max(0, self._stop - self._at)
        wanted = left if n is None or n < 0 else min(n, left)
        ready = self._ready(wanted)
        if len(ready) == wanted:
            self._at += wanted
            return bytes(ready)
        data = await self._gathered(wanted)
        self._at += wanted
        return data.getvalue()

    async def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a position in bytes: from the start (whence 0), from here (1) or from the end (2); return it.

        Raises:
            InvalidInput: the position lies before the start, or whence is none of the three.
        """
        self._check_open()
        origins = {os.SEEK_SET: self._start, os.SEEK_CUR: self._at, os.SEEK_END: self._stop}
        if whence not in origins:
            msg = f"whence: expected 0, 1 or 2, not {whence!r}"
            raise InvalidInput(msg, argument="whence")
        if origins[whence] + offset < self._start:
            msg = f"offset: {offset} from there lies before the start"
            raise InvalidInput(msg, argument="offset")
        self._at = origins[whence] + offset
        return self._at - self._start

    async def tell(self) -> int:
        """Return the position in bytes."""
        return self._at - self._start

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over what is left, in chunks of 1 MiB."""
        return self._chunks()

    async def aclose(self) -> None:
        """Stop fetching; reading is an error afterwards."""
        self._closed = True
        self._piece = memoryview(b"")
        await self._forget_next()

    async def _chunks(self) -> AsyncIterator[bytes]:
        while chunk := await self.read(_plan.CHUNK_SIZE):
            yield chunk

    def _check_open(self) -> None:
        if self._closed:
            msg = f"the reader of {self._info.key!r} is closed"
            raise InvalidInput(msg)

    def _ready(self, wanted: int, at: int | None = None) -> memoryview:
        """Return what of the wanted bytes is in memory, from the position on."""
        begin = (self._at if at is None else at) - self._piece_at
        return self._piece[begin : begin + wanted] if begin >= 0 else memoryview(b"")

    async def _gathered(self, wanted: int) -> Whole:
        """Return the bytes from the position on. Cancelled or failed, the reader stands where it stood."""
        data = whole(wanted)
        view = data.getbuffer()
        at = self._at
        while view:
            ready = self._ready(len(view), at)
            view[: len(ready)] = ready
            at, view = at + len(ready), view[len(ready) :]
            if len(view) > 2 * self._store.part_size:  # far more than the next pieces: all of it at once
                await self._forget_next()
                await _download.fill(self._store, self._pin, at, view)
                await self._checksum.passed(view, at)
                break
            if view:
                await self._advance(at)
        return data

    async def _advance(self, at: int) -> None:
        """Have the piece that begins at the position, and the one after it on its way."""
        follows = at == self._piece_at + len(self._piece)
        self._streak = self._streak + 1 if follows else 0
        if not follows or self._next_at != at:  # a read that was cancelled may have left another place's on its way
            await self._forget_next()
        task = self._next or self._fetching(at)
        await asyncio.wait({task})  # cancelled here, the piece still comes
        self._next = None
        piece = task.result()
        await self._checksum.passed(piece, at)
        self._piece, self._piece_at = piece, at
        after = at + len(self._piece)
        if follows and after < self._stop:
            self._fetching(after)

    def _fetching(self, at: int) -> asyncio.Task[memoryview]:
        length = min(_plan.CHUNK_SIZE << self._streak, self._store.part_size, self._stop - at)
        self._next_at = at
        self._next = asyncio.ensure_future(self._fetch(at, length))
        return self._next

    async def _fetch(self, at: int, length: int) -> memoryview:
        buffer = memoryview(bytearray(length))
        await _download.get_range(self._store, self._pin, at, buffer)
        return buffer

    async def _forget_next(self) -> None:
        if self._next is not None:
            task, self._next = self._next, None
            await _shield.cancel([task])


def _end(request: GetRequest, first: Piece) -> int:
    start, stop = request.range or (0, None)
    return first.info.size if stop is None or start < 0 else min(stop, first.info.size)


@asynccontextmanager
async def open_reader(
    open_store: Callable[[], Awaitable[RetryingStore]], request: GetRequest
) -> AsyncGenerator[AsyncReader]:
    """Fetch the first piece, and give the reader."""
    store = await open_store()
    first = await _download.first_piece(store, request, _plan.CHUNK_SIZE)
    checksum = Running(request, first.info)
    await checksum.passed(first.data, first.start)
    reader = AsyncReader(store, request, first, checksum)
    try:
        yield reader
    finally:
        await reader.aclose()
