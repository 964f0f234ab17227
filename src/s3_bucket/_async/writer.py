"""AsyncWriter: an object written piece by piece. It appears when its block ends, whole, or never."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from s3_bucket._async._upload import ObjectUpload, stream_part_size
from s3_bucket.exceptions import IntegrityError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from s3_bucket._async._retry import RetryingStore
    from s3_bucket._models import Buffer, ObjectInfo
    from s3_bucket._store import PutOptions


class AsyncWriter:
    """An object being written, piece by piece.

    Closing it early, or dropping it, publishes nothing: the object appears when the ``with`` block of open_writer()
    ends without an exception.
    """

    def __init__(self, sending: ObjectUpload, key: str, part_size: Callable[[int], int]) -> None:
        self._sending = sending
        self._key = key
        self._part_size = part_size
        self._number = 1
        self._filling = bytearray()
        self._closed = False
        self._broken_off = 0
        self._info: ObjectInfo | None = None

    @property
    def info(self) -> ObjectInfo:
        """What was stored; known when the ``with`` block has ended.

        Raises:
            InvalidInput: it hasn't.
        """
        if self._info is None:
            msg = f"what was stored as {self._key!r} is known when the block of open_writer() has ended"
            raise InvalidInput(msg)
        return self._info

    async def write(self, data: Buffer, /) -> int:
        """Take more bytes; return how many. Waits while part_size x max_concurrency bytes are on their way.

        Raises:
            InvalidInput: it isn't bytes, or the writer is closed.
            BucketException: whatever put() raises; nothing will be published then.
        """
        if self._closed:
            msg = f"the writer of {self._key!r} is closed"
            raise InvalidInput(msg)
        try:
            view = memoryview(data).cast("B")
        except TypeError as error:
            msg = f"data: expected bytes, not {type(data).__name__}; encode texts"
            raise InvalidInput(msg, argument="data") from error

        written = len(view)
        self._broken_off += 1
        while view:
            view = await self._take(view)

        self._broken_off -= 1
        return written

    async def aclose(self) -> None:
        """Take no more bytes. The object still appears when the ``with`` block ends, not before."""
        self._closed = True

    async def _take(self, view: memoryview) -> memoryview:
        length = self._part_size(self._number)
        room = length - len(self._filling)
        self._filling += view[:room]
        if len(self._filling) == length:
            part, self._filling = self._filling, bytearray()
            self._number += 1
            await self._sending.add(part)
        return view[room:]

    async def _finish(self) -> None:
        self._closed = True
        if self._broken_off:
            # A write that failed or was cancelled may have taken half of its bytes.
            msg = f"a write to {self._key!r} was broken off; nothing was published"
            raise IntegrityError(msg, key=self._key)
        if self._filling:
            await self._sending.add(self._filling)
        self._info = await self._sending.finish()


@asynccontextmanager
async def open_writer(
    open_store: Callable[[], Awaitable[RetryingStore]], bucket: str, key: str, options: PutOptions
) -> AsyncGenerator[AsyncWriter]:
    """Give the writer; publish when the block ends, abort when it raises."""
    store = await open_store()
    async with ObjectUpload(store, bucket, key, options) as sending:
        writer = AsyncWriter(sending, key, stream_part_size(store))
        try:
            yield writer
        finally:
            await writer.aclose()
        await writer._finish()  # noqa: SLF001  # not public: only the end of the block publishes
