"""Uploads: one PUT, or a multipart upload whose parts are sent in parallel.

Which of the two is decided when the second part comes: until then the first waits. Both mean the same: the object
appears whole or not at all, under the same conditions.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from s3_bucket import _plan, events
from s3_bucket._async import _checksums, _conditions, _lost, _retention, _shield
from s3_bucket._async._sources import BufferSource, FileSource
from s3_bucket._models import NAMED, object_info
from s3_bucket._progress import Meter
from s3_bucket._store import GetRequest
from s3_bucket.exceptions import BucketException, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from types import TracebackType

    from s3_bucket._async._retry import RetryingStore
    from s3_bucket._async._sources import ByteSource
    from s3_bucket._models import Buffer, ObjectInfo, ProgressCallback
    from s3_bucket._store import Part, PutOptions, Upload, Written

ABORT_SECONDS = 10.0
"""How long a failed or cancelled upload may take to clean up on the server."""
MOST_ABORTS = 3
"""How often an upload is aborted whose parts keep arriving."""


_FIELDS = NAMED | {"Expires": "expires"}
"""What is sent and then told as it was sent."""


async def upload(
    store: RetryingStore,
    bucket: str,
    key: str,
    source: ByteSource,
    options: PutOptions,
    progress: ProgressCallback | None = None,
) -> ObjectInfo:
    """Store what the source holds."""
    meter = None if progress is None else Meter(progress, key)
    if isinstance(source, BufferSource) and (source.size or 0) <= store.part_size:  # the same in fewer steps
        return await _whole(store, bucket, key, source.data, options, meter)
    async with source:
        return await upload_opened(store, bucket, key, source, options, meter)


async def upload_opened(
    store: RetryingStore, bucket: str, key: str, source: ByteSource, options: PutOptions, meter: Meter | None
) -> ObjectInfo:
    """Store what a source holds that is open already."""
    if isinstance(source, FileSource) and source.whole is not None:
        return await _whole(store, bucket, key, source.whole, options, meter)
    async with ObjectUpload(store, bucket, key, options, meter) as sending:
        if meter is not None:
            meter.begin(source.size)
        await _send_all(store, source, sending)
        await source.check()
        return await sending.finish()


async def _send_all(store: RetryingStore, source: ByteSource, sending: ObjectUpload) -> None:
    equal = None if source.size is None else _plan.part_size_for(source.size, store.part_size)
    size_of = stream_part_size(store)
    number = 1
    while True:
        length = equal or size_of(number)
        if equal is not None and number > 1:
            await sending.make_room()
        if number > 1 and isinstance(source, FileSource):
            data, is_lent = await _read_lent(store, source, length), True
        else:
            data, is_lent = await source.read(length), False
        if data:
            await sending.add(data, is_lent=is_lent)

        if len(data) < length or sending.size == source.size:
            break

        number += 1


def stream_part_size(store: RetryingStore) -> Callable[[int], int]:
    """Return what tells the size of each part of a stream whose length nobody knows."""
    return partial(_plan.stream_part_size, preferred=store.part_size, equal=store.vendor.equal_parts.value)


async def _read_lent(store: RetryingStore, source: FileSource, length: int) -> Buffer:
    data = store.buffers.lend(min(length, source.left))
    await source.fill(data)
    return data


async def _whole(
    store: RetryingStore, bucket: str, key: str, data: Buffer, options: PutOptions, meter: Meter | None
) -> ObjectInfo:
    """Make an object of this data and no more appear."""
    if options.if_absent or options.if_match:
        _conditions.refuse(store, "PutObject", bucket, key, options)
    if meter is not None:
        meter.begin(len(data))
    if (made := _checksums.expecting(options)) is not None:
        await _checksums.summed(made.update, data)
        _checksums.expect(bucket, key, options, made)
    if not store.buffers.taken():
        await store.buffers.acquire()
    try:
        written = await _lost.put(store, bucket, key, data, _lost.with_token(options))
    finally:
        store.buffers.release()
    if meter is not None:
        meter.moved(len(data))
    return _stored(key, len(data), options, written)


async def settled(store: RetryingStore, upload: Upload, size: int, options: PutOptions, written: Written) -> ObjectInfo:
    """Return what is told of an object of parts, once it is locked as it is to be."""
    look = GetRequest(upload.bucket, upload.key, version_id=written.version_id, customer=upload.customer)
    await _retention.settle(store, look, written.etag, options)
    return _stored(upload.key, size, options, written)


def _stored(key: str, size: int, options: PutOptions, written: Written) -> ObjectInfo:
    """Return what is told of an object that was stored: what was sent, and what S3 said."""
    fields: dict[str, Any] = {
        "key": key,
        "size": size,
        "etag": written.etag,
        "metadata": dict(options.metadata),
        "version_id": written.version_id,
        "checksums": written.checksums,
        "encryption": written.encryption,
    }
    for name, value in options.headers.items():
        if name in _FIELDS:
            fields[_FIELDS[name]] = value
    return object_info(fields)


class ObjectUpload:
    """An object on its way to the store: parts are added, then it is finished; left otherwise, it is aborted."""

    def __init__(
        self, store: RetryingStore, bucket: str, key: str, options: PutOptions, meter: Meter | None = None
    ) -> None:
        self.size = 0
        self._meter = meter
        self._store = store
        self._bucket = bucket
        self._key = key
        self._options = options
        self._sent_options = _lost.with_token(options)
        self._first: Buffer | None = None
        self._creating: asyncio.Task[Upload] | None = None
        self._tasks: list[asyncio.Task[Part]] = []
        self._failed: BaseException | None = None
        self._has_room = False
        self._sum = _checksums.expecting(options)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._has_room:
            self._has_room = False
            self._store.buffers.release()
        if exc is not None:
            await self._abort(exc)

    async def make_room(self) -> None:
        """Wait for the memory of the next part before it is read.

        Only for what is at hand: a slow stream would keep the memory from all others.
        """
        await self._store.buffers.acquire()
        self._has_room = True

    async def add(self, data: Buffer, *, is_lent: bool = False) -> None:
        """Send a part; wait while as many as may be are on their way. All but the last must be of the planned size.

        Args:
            data: the part's bytes.
            is_lent: whether they are in memory that the store has lent.
        """
        self.size += len(data)
        if self._creating is None and self._first is None:
            self._first = data
            return

        upload = await self._begun()
        if self._first is not None:
            first, self._first = self._first, None
            await self._send(upload, first, is_lent=False)
        await self._send(upload, data, is_lent=is_lent)

    async def make(self, size: int, part: Callable[[Upload, int], Coroutine[Any, Any, Part]]) -> None:
        """Have a part of so many bytes made by other means than sending it, given the upload and the part's number."""
        self.size += size
        await self._start(partial(part, await self._begun()), size)

    async def finish(self) -> ObjectInfo:
        """Make the object appear."""
        if self._creating is None:
            data = self._first or b""
            return await _whole(self._store, self._bucket, self._key, data, self._options, self._meter)

        parts = await self.arrived()
        upload = await self._begun()
        if self._sum is not None:
            _checksums.expect(self._bucket, self._key, self._options, self._sum)
        await _conditions.complete(self._store, self._bucket, self._key, self._options)
        if self._meter is not None:
            self._meter.end()
        written = await _lost.complete(self._store, upload, parts, self.size, self._sent_options)
        return await settled(self._store, upload, self.size, self._options, written)

    async def arrived(self) -> Sequence[Part]:
        """Wait for all parts."""
        return await asyncio.gather(*self._tasks)

    async def _begun(self) -> Upload:
        if self._creating is None:
            _conditions.refuse(self._store, "CompleteMultipartUpload", self._bucket, self._key, self._options)
            begin = self._store.create_upload(self._bucket, self._key, self._sent_options)
            self._creating = asyncio.ensure_future(begin)
        # Cancelled meanwhile, the request goes on: an upload that began and whose id nobody knows can't be aborted.
        return await asyncio.shield(self._creating)

    async def _send(self, upload: Upload, data: Buffer, *, is_lent: bool) -> None:
        if self._sum is not None:
            await _checksums.summed(self._sum.update, data)
        send = self._store.upload_part
        await self._start(lambda number: send(upload, number, data), len(data), data if is_lent else b"")

    async def _start(self, part: Callable[[int], Coroutine[Any, Any, Part]], size: int, lent: Buffer = b"") -> None:
        """Begin with the next part, when there is room for it."""
        number = len(self._tasks) + 1
        if number > _plan.MAX_PARTS:
            msg = f"data: longer than {_plan.MAX_PARTS} parts; give a larger part_size"
            raise InvalidInput(msg, argument="data", bucket=self._bucket, key=self._key)
        if not self._has_room:
            await self._store.buffers.acquire()
        self._has_room = False
        task = asyncio.ensure_future(self._counted(part, number, size))
        task.add_done_callback(partial(self._sent, lent))
        self._tasks.append(task)
        if self._failed is not None:
            raise self._failed

    async def _counted(self, part: Callable[[int], Coroutine[Any, Any, Part]], number: int, size: int) -> Part:
        made = await part(number)
        if self._meter is not None:
            self._meter.moved(size)
        return made

    def _sent(self, lent: Buffer, task: asyncio.Task[Part]) -> None:
        if not task.cancelled() and task.exception() is None:  # otherwise a connection may be at it still
            self._store.buffers.give_back(lent)
        self._store.buffers.release()
        if not task.cancelled() and self._failed is None:
            self._failed = task.exception()

    async def _abort(self, why: BaseException) -> None:
        try:
            await _shield.cancel(self._tasks)
        finally:  # cancelled again meanwhile, it still aborts
            await self._abort_noting(why)

    async def _abort_noting(self, why: BaseException) -> None:
        if self._creating is None:
            return

        left = True
        try:
            await _shield.shielded(self._abort_begun(self._creating), ABORT_SECONDS)
            left = False
        except (BucketException, TimeoutError) as error:
            why.add_note(
                f"A multipart upload of {self._key!r} to the bucket {self._bucket!r} could not be aborted, and its"
                f" parts may take up space until it is (upload id: {self._upload_id() or 'unknown'}): {error!r}"
            )
        finally:
            self._tell_aborted(why, left=left)

    def _tell_aborted(self, why: BaseException, *, left: bool) -> None:
        upload_id = self._upload_id()
        if upload_id is not None:
            place = ("AbortMultipartUpload", self._bucket, self._key)
            events.emit(events.TransferAborted(*place, upload_id, why, left))

    async def _abort_begun(self, creating: asyncio.Task[Upload]) -> None:
        try:
            await asyncio.wait({creating})
        finally:
            creating.cancel()  # given up: nothing runs on
        if creating.cancelled() or creating.exception() is not None:
            return  # it never began
        await self._abort_all_of(creating.result())

    async def _abort_all_of(self, upload: Upload) -> None:
        """Abort; and again if a part that was still on its way has arrived after that."""
        for _ in range(MOST_ABORTS):
            if not await _lost.aborted(self._store, upload) or not self._parts_may_be_late():
                return
            try:
                named = {"Key": self._key, "UploadId": upload.upload_id, **upload.customer}
                await self._store.call(self._bucket, "ListParts", named)
            except BucketException:  # NoSuchUpload, as it should be; or it can't be known
                return

    def _parts_may_be_late(self) -> bool:
        return any(task.cancelled() or task.exception() is not None for task in self._tasks)

    def _upload_id(self) -> str | None:
        """Return the upload's name, if it is known that it began."""
        creating = self._creating
        began = creating is not None and creating.done() and not creating.cancelled() and creating.exception() is None
        return creating.result().upload_id if began and creating else None
