"""Downloads: the first answer says how long the object is, the rest comes in parallel ranges of the same version.

No HEAD is sent: a small object takes one request.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from s3_bucket import _plan
from s3_bucket._async import _checksums, _shield
from s3_bucket._async._buffers import Whole, whole
from s3_bucket._async._files import Replacement
from s3_bucket._models import GetResult
from s3_bucket._progress import Meter
from s3_bucket.exceptions import IntegrityError, PreconditionFailed

if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Callable

    from s3_bucket._async._retry import RetryingStore
    from s3_bucket._models import ObjectInfo, ProgressCallback
    from s3_bucket._store import Allocate, GetRequest, Piece


async def get(store: RetryingStore, request: GetRequest) -> GetResult:
    """Fetch into memory."""
    memory = Whole()

    def allocate(length: int) -> memoryview:
        nonlocal memory
        memory = whole(length)
        return memory.getbuffer()[: store.part_size]

    first = await store.get(request, allocate)
    if len(first.data) < first.stop - first.start:
        await _fetch_rest(store, request, first, memory.getbuffer())
    first.data.release()
    return GetResult(memory.getvalue(), first.info)


async def _fetch_rest(store: RetryingStore, request: GetRequest, first: Piece, memory: memoryview) -> None:
    """Fetch what follows the first piece, which lies at the beginning of this memory."""
    came = len(first.data)
    await fill(store, request.pinned(first.info), first.start + came, memory[came:])
    await _checksums.check_piece(request, first._replace(data=memory))


async def fill(store: RetryingStore, request: GetRequest, start: int, buffer: memoryview) -> None:
    """Fetch the bytes of the object from start on into the buffer, in parallel ranges."""

    async def fetch(at: int, until: int) -> None:
        await get_range(store, request, at, buffer[at - start : until - start])

    await _in_parallel(store, start, start + len(buffer), fetch)


async def download_file(
    open_store: Callable[[], Awaitable[RetryingStore]],
    request: GetRequest,
    destination: str | os.PathLike[str],
    progress: ProgressCallback | None = None,
) -> ObjectInfo:
    """Fetch into a file."""
    return await into_file(open_store, request, Replacement(destination), progress)


async def into_file(
    open_store: Callable[[], Awaitable[RetryingStore]],
    request: GetRequest,
    file: Replacement,
    progress: ProgressCallback | None = None,
) -> ObjectInfo:
    """Fetch into a file, and let it take its place."""
    try:
        await _shield.in_thread(file.create)
        info = await _fetch_into(await open_store(), request, file, Meter(progress, request.key))
        check_match(request, info)
        await _shield.in_thread(file.publish)
    finally:
        await _shield.in_thread(file.discard)
    return info


def check_match(request: GetRequest, info: ObjectInfo) -> None:
    """Raise if what came is not what was asked for: there are servers that ignore If-Match."""
    if request.if_match not in {None, info.etag}:
        raise _replaced(request)


async def _fetch_into(store: RetryingStore, request: GetRequest, file: Replacement, meter: Meter) -> ObjectInfo:
    async with store.buffers:
        info, stop, checksum = await _fetch_first(store, request, file)
    meter.begin(info.size)
    meter.moved(stop)
    if stop == info.size:  # what came in one answer has been compared
        return info

    pin = request.pinned(info)
    writing = asyncio.Lock()  # a file has one lock in the kernel: more threads would only wait for it there

    async def fetch(at: int, until: int) -> None:
        async with store.buffers:
            memory = store.buffers.lend(until - at)
            buffer = memoryview(memory)
            await get_range(store, pin, at, buffer)
            if checksum.is_wanted:
                await _shield.in_thread(checksum.passed, buffer, at)
            async with writing:
                await _shield.in_thread(file.write, buffer, at)
            store.buffers.give_back(memory)
            meter.moved(until - at)

    await _in_parallel(store, stop, info.size, fetch)
    checksum.check()
    return info


async def _fetch_first(
    store: RetryingStore, request: GetRequest, file: Replacement
) -> tuple[ObjectInfo, int, _checksums.Scattered]:
    """Fetch the first part into the file; return what its answer says, where it ends, and its checksum."""
    first = await first_piece(store, request, store.part_size)
    checksum = _checksums.Scattered(request, first.info)
    await _shield.in_thread(file.write, first.data, 0)
    if checksum.is_wanted and len(first.data) < first.info.size:
        await _shield.in_thread(checksum.passed, first.data, 0)
    return first.info, len(first.data), checksum


async def first_piece(store: RetryingStore, request: GetRequest, length: int) -> Piece:
    """Fetch up to `length` bytes from where the request's range begins; that says how much there is.

    Without a range, the object is asked for as a whole and the rest of the answer is let go: S3 tells the checksum of
    the whole object only to those who ask for all of it.
    """
    start, stop = request.range or (0, None)
    if request.range is None or start < 0:  # how many bytes from the end are too many isn't known yet
        return await store.get(request, _at_most(length))

    until = start + length if stop is None else min(stop, start + length)
    return await store.get(request._replace(range=(start, until)), _at_most(length))


async def get_range(store: RetryingStore, pin: GetRequest, start: int, buffer: memoryview) -> None:
    """Fetch a range of a pinned version, just as long as the buffer, into it."""
    try:
        piece = await store.get(pin._replace(range=(start, start + len(buffer))), lambda _: buffer)
    except PreconditionFailed as error:
        raise _replaced(pin) from error
    check_match(pin, piece.info)


def _replaced(pin: GetRequest) -> IntegrityError:
    msg = f"{pin.key!r} in the bucket {pin.bucket!r} was replaced while it was read; nothing was kept; try again"
    return IntegrityError(msg, bucket=pin.bucket, key=pin.key, operation="GetObject", retryable=True)


def _at_most(length: int) -> Allocate:
    return lambda body: memoryview(bytearray(min(body, length)))


async def _in_parallel(
    store: RetryingStore, start: int, stop: int, fetch: Callable[[int, int], Awaitable[None]]
) -> None:
    """Fetch the ranges, some at a time; when one fails, none goes on."""
    count = min(store.max_concurrency, -(-(stop - start) // store.part_size))
    await _shield.in_parallel(_plan.ranges(start, stop, store.part_size), count, lambda each: fetch(*each))
