"""Downloads into files that go on where an earlier call was killed, or has failed.

What has arrived stays in a file beside the destination, and a journal of it with the object's etag. Before it is used,
it is compared with its checksums, and the object's etag with the one that the object has now.
"""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from s3_bucket import _unfinished
from s3_bucket._async import _checksums, _download, _lookup, _shield
from s3_bucket._async._kept import PartFile
from s3_bucket._progress import Meter
from s3_bucket._unfinished import BegunDownload, Range
from s3_bucket.exceptions import IntegrityError, NoSuchKey

if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Callable

    from s3_bucket._async._retry import RetryingStore
    from s3_bucket._models import ObjectInfo, ProgressCallback
    from s3_bucket._store import GetRequest


async def download_file(
    open_store: Callable[[], Awaitable[RetryingStore]],
    request: GetRequest,
    destination: str | os.PathLike[str],
    progress: ProgressCallback | None = None,
) -> ObjectInfo:
    """Fetch into a file; what an earlier call has fetched isn't fetched again.

    Of several calls at a time for the same file, one can go on later; the others do as without `resume`.
    """
    file = PartFile(destination)
    try:
        if await _shield.in_thread(file.open):
            resumable = ResumableDownload(await open_store(), request, file)
            info = await resumable.fetch(Meter(progress, request.key))
            await _shield.in_thread(file.publish_whole, info.size)
            return info
    finally:
        await _shield.in_thread(file.leave)
    return await _download.download_file(open_store, request, destination, progress)


class ResumableDownload:
    """An object on its way into a file; left by an exception, what has arrived stays there."""

    def __init__(self, store: RetryingStore, request: GetRequest, file: PartFile) -> None:
        self._store = store
        self._request = request
        self._file = file
        self._source = (store.endpoint_url, request.bucket, request.key, request.version_id)
        self._there: dict[int, Range] = {}
        self._writing = asyncio.Lock()  # a file has one lock in the kernel: more threads would only wait for it there

    async def fetch(self, meter: Meter) -> ObjectInfo:
        """Fetch what is missing."""
        begun, ranges = await _shield.in_thread(self._file.load)
        info = await self._unchanged(begun) if begun is not None and ranges else None
        if info is None:
            info = await self._begin()
        else:
            await self._compare(ranges)
        meter.begin(info.size, sum(each.stop - each.start for each in self._there.values()))
        try:
            await self._fetch_missing(info, meter)
        except Exception as error:
            error.add_note(
                f"What has arrived of {self._request.key!r} is kept beside the file: the same call with resume=True"
                " goes on with it"
            )
            raise
        await self._check(info)
        return info

    async def _unchanged(self, begun: BegunDownload) -> ObjectInfo | None:
        """Return the object, if it is still the one of which something has arrived."""
        if begun.source != self._source:
            return None
        try:
            info = await _lookup.head(self._store, self._request)
        except NoSuchKey:
            await _shield.in_thread(self._file.forget)
            raise
        is_same = (info.etag, info.size) == (begun.etag, begun.size)
        return replace(info, checksums=begun.checksums) if is_same else None

    async def _begin(self) -> ObjectInfo:
        """Fetch the first part: its answer says what there is."""
        async with self._store.buffers:
            first = await _download.first_piece(self._store, self._request, self._store.part_size)
            info = first.info
            begun = BegunDownload(*self._source, info.etag, info.size, dict(info.checksums))
            await _shield.in_thread(self._file.begin, begun)
            if first.data:
                await self._put(first.data, 0)
        return info

    async def _compare(self, ranges: list[Range]) -> None:
        """Find the ranges that are really in the file."""

        async def compare(each: Range) -> None:
            if await _shield.in_thread(self._file.holds, each):
                self._there[each.start] = each

        await _shield.in_parallel(ranges, min(self._store.max_concurrency, len(ranges)), compare)

    async def _fetch_missing(self, info: ObjectInfo, meter: Meter) -> None:
        pin = self._request.pinned(info)
        there = sorted((each.start, each.stop) for each in self._there.values())
        # Not as a list: who says that there are 8 EiB must not fill the memory with what is missing of them.
        missing = _unfinished.missing(info.size, there, self._store.part_size)

        async def fetch(each: tuple[int, int]) -> None:
            start, stop = each
            async with self._store.buffers:
                memory = self._store.buffers.lend(stop - start)
                buffer = memoryview(memory)
                await _download.get_range(self._store, pin, start, buffer)
                await self._put(buffer, start)
                self._store.buffers.give_back(memory)
            meter.moved(stop - start)

        await _shield.in_parallel(missing, self._store.max_concurrency, fetch)

    async def _put(self, data: memoryview, at: int) -> None:
        arrived = Range(at, at + len(data), await _shield.in_thread(zlib.crc32, data))
        async with self._writing:
            await _shield.in_thread(self._file.put, data, arrived)
        self._there[at] = arrived

    async def _check(self, info: ObjectInfo) -> None:
        """Compare all of it with the checksum that the server keeps."""
        if _checksums.kept(info) is None:
            return
        pieces = ((each.crc, each.stop - each.start) for _, each in sorted(self._there.items()))
        try:
            _checksums.compare(self._request, info, _checksums.combined(pieces))
        except IntegrityError:
            await _shield.in_thread(self._file.forget)
            raise
