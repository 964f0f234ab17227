"""Uploads of files that go on where an earlier call was killed, or has failed.

What has arrived is asked of the server, part by part, and compared with the file. What the server can't be asked, such
as which metadata the object was to have, a journal says; without it, as on another machine, the upload begins anew.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from s3_bucket import _plan, _sums, _unfinished, events
from s3_bucket._async import _checksums, _conditions, _kept, _lost, _shield, _upload
from s3_bucket._encryption import CUSTOMER, customer_of
from s3_bucket._progress import Meter
from s3_bucket._store import WRITE_TOKEN, Part, Upload
from s3_bucket._unfinished import BegunUpload
from s3_bucket.exceptions import BucketException, NoSuchKey, PreconditionFailed

if TYPE_CHECKING:
    from s3_bucket._async._kept import Journal
    from s3_bucket._async._retry import RetryingStore
    from s3_bucket._async._sources import FileSource
    from s3_bucket._models import ObjectInfo, ProgressCallback
    from s3_bucket._store import PutOptions, Written

_GONE = {"NoSuchUpload", "NoSuchKey"}
"""What ListParts says of an upload that isn't there any more; the latter is Ceph's word for it."""

_log = logging.getLogger("s3_bucket")


async def upload(
    store: RetryingStore,
    bucket: str,
    key: str,
    source: FileSource,
    options: PutOptions,
    progress: ProgressCallback | None = None,
) -> ObjectInfo:
    """Store what the file holds; what an earlier call has sent of it isn't sent again.

    Of several calls at a time for the same file and key, one can go on later; the others do as without `resume`.
    """
    meter = Meter(progress, key)
    async with source:
        path = await _shield.in_thread(Path(source.path).resolve)
        journal = _kept.upload_journal(store.endpoint_url, bucket, key, str(path))
        is_large = source.whole is None and source.state[0] > store.part_size
        try:
            if await _shield.in_thread(journal.make if is_large else journal.reopen):
                resumable = ResumableUpload(store, bucket, key, source, options, journal)
                begun = _unfinished.upload_of(await _shield.in_thread(journal.read))
                if is_large:
                    return await resumable.finish(begun, meter)
                await resumable.forget(begun)  # the file was longer then
            return await _upload.upload_opened(store, bucket, key, source, options, meter)
        finally:
            await _shield.in_thread(journal.close)


class ResumableUpload:
    """The multipart upload of a file; left by an exception, it stays as it is."""

    def __init__(
        self, store: RetryingStore, bucket: str, key: str, source: FileSource, options: PutOptions, journal: Journal
    ) -> None:
        self._store = store
        self._bucket = bucket
        self._key = key
        self._source = source
        self._options = options
        self._journal = journal
        self._size, mtime_ns = source.state
        self._wanted = BegunUpload(
            upload_id="",
            checksum=None,
            token=None,
            size=self._size,
            mtime_ns=mtime_ns,
            part_size=_plan.part_size_for(self._size, store.part_size),
            options=_unfinished.digest(options),
        )
        self._customer = customer_of(options.headers)
        self._parts: dict[int, Part] = {}

    async def finish(self, begun: BegunUpload | None, meter: Meter) -> ObjectInfo:
        """Make the object appear, going on with what has begun, if that is the same."""
        _conditions.refuse(self._store, "CompleteMultipartUpload", self._bucket, self._key, self._options)
        if begun is not None and not begun.is_same(self._wanted):
            await self.forget(begun)
            begun = None
        listed = None if begun is None else await self._listed(begun)
        if begun is not None and listed is None:
            written = await self._completed(begun)
            if written is not None:
                meter.begin(self._size, self._size)
                return await self._done(begun, written)
        if begun is None or listed is None:
            begun = await self._begin()
        else:
            await self._compare(listed)
        meter.begin(self._size, sum(part.size for part in self._parts.values()))
        return await self._go_on(begun, meter)

    async def forget(self, begun: BegunUpload | None, why: Exception | None = None) -> None:
        """Have the server forget what has begun, too; a failure that is the reason is told to whoever listens."""
        if begun is not None:
            await self._abort(begun, why)
        await _shield.in_thread(self._journal.clear)

    async def _abort(self, begun: BegunUpload, why: Exception | None) -> None:
        left = True
        try:
            await _lost.aborted(self._store, self._upload(begun))
            left = False
        except BucketException as error:
            _log.warning("the multipart upload %s was given up, but not aborted: %s", begun.upload_id, error)
        if why is not None:
            place = ("AbortMultipartUpload", self._bucket, self._key)
            events.emit(events.TransferAborted(*place, begun.upload_id, why, left))

    async def _listed(self, begun: BegunUpload) -> list[Part] | None:
        """Return the parts that have arrived; None, if there is no such upload any more."""
        parts: list[Part] = []
        after: int | None = 0
        while after is not None:
            marker = {"PartNumberMarker": after} if after else {}
            parameters = {"Key": self._key, "UploadId": begun.upload_id, **self._customer, **marker}
            try:
                answer = await self._store.call(self._bucket, "ListParts", parameters)
            except BucketException as error:
                if error.error_code not in _GONE:
                    raise
                return None
            page, after = _unfinished.parts_page(answer, after, self._options.algorithm)
            parts += page
        return parts

    async def _completed(self, begun: BegunUpload) -> Written | None:
        """Return the object, if the upload is gone because it was completed just before the process was killed."""
        if begun.token is None:
            return None
        try:
            stored = await self._store.stored(self._bucket, self._key, self._customer)
        except NoSuchKey:
            return None
        return stored.written if _lost.Evidence(begun.token, None, begun.size).is_ours(stored) else None

    async def _compare(self, listed: list[Part]) -> None:
        """Find the parts that hold what the file holds at their place."""
        placed = _unfinished.placed(listed, self._size, self._wanted.part_size)

        async def compare(each: tuple[Part, int, int]) -> None:
            part, start, stop = each
            crc32, md5 = await _shield.in_thread(_crc32_and_md5, self._source.fileno(), start, stop)
            if _unfinished.holds(part, crc32, md5):
                self._parts[part.number] = part._replace(crc32=crc32)

        await _shield.in_parallel(placed, min(self._store.max_concurrency, len(placed)), compare)

    async def _begin(self) -> BegunUpload:
        beginning = asyncio.ensure_future(self._begin_noting())
        try:
            return await asyncio.shield(beginning)
        except asyncio.CancelledError:
            # The request goes on: an upload that has begun and is not noted can't be gone on with.
            with suppress(Exception):
                await _shield.shielded(_ended(beginning), _upload.ABORT_SECONDS)
            raise

    async def _begin_noting(self) -> BegunUpload:
        options = _lost.marked(self._options)
        upload = await self._store.create_upload(self._bucket, self._key, options)
        token = options.metadata.get(WRITE_TOKEN)
        begun = self._wanted._replace(upload_id=upload.upload_id, checksum=upload.checksum, token=token)
        try:
            await _shield.in_thread(self._journal.begin, _unfinished.text(begun))
        except OSError:
            await self.forget(begun)
            raise
        return begun

    async def _go_on(self, begun: BegunUpload, meter: Meter) -> ObjectInfo:
        upload = self._upload(begun)
        try:
            await self._send_missing(upload, meter)
            await self._check_source()
            return await self._done(begun, await self._complete(begun, upload))
        except (PreconditionFailed, NoSuchKey) as error:  # the latter: there is nothing that if_match could name
            if not error.retryable:  # nor will it be stored the next time
                await self.forget(begun, error)
            raise
        except Exception as error:
            error.add_note(
                f"What has been sent of {self._key!r} to the bucket {self._bucket!r} stays there: the same call with"
                f" resume=True goes on with it, abort_stale_uploads() removes it (upload id: {begun.upload_id})"
            )
            raise

    async def _check_source(self) -> None:
        """Compare the file with what is said of it."""
        await self._source.check()
        if (made := _checksums.expecting(self._options)) is not None:
            await _shield.in_thread(_kept.add_up, self._source.fileno(), 0, self._size, made)
            _checksums.expect(self._bucket, self._key, self._options, made)

    async def _send_missing(self, upload: Upload, meter: Meter) -> None:
        every = _unfinished.numbered(self._size, self._wanted.part_size)
        missing = [each for each in every if each[0] not in self._parts]

        async def send(each: tuple[int, tuple[int, int]]) -> None:
            number, (start, stop) = each
            async with self._store.buffers:
                memory = self._store.buffers.lend(stop - start)
                await self._source.fill_from(start, memory)
                self._parts[number] = await self._store.upload_part(upload, number, memory)
                self._store.buffers.give_back(memory)  # after a failure, a connection may be at it still
            meter.moved(stop - start)

        await _shield.in_parallel(missing, min(self._store.max_concurrency, len(missing)), send)

    async def _complete(self, begun: BegunUpload, upload: Upload) -> Written:
        parts = [part for _, part in sorted(self._parts.items())]
        await _conditions.complete(self._store, self._bucket, self._key, self._options)
        if begun.token is None:
            return await _lost.complete(self._store, upload, parts, self._size, self._options)
        try:
            return await self._store.complete_upload(upload, parts, self._options)
        except BucketException as error:
            # Others would abort it now, for nobody to complete it later: here a later call will find out.
            written = await self._completed_unanswered(begun) if error.answer_lost else None
            if written is None:
                raise
            return written

    async def _completed_unanswered(self, begun: BegunUpload) -> Written | None:
        with suppress(BucketException):
            return await self._completed(begun)
        return None

    async def _done(self, begun: BegunUpload, written: Written) -> ObjectInfo:
        info = await _upload.settled(self._store, self._upload(begun), self._size, self._options, written)
        await _shield.in_thread(self._journal.clear)
        return info

    def _upload(self, begun: BegunUpload) -> Upload:
        encryption = CUSTOMER if self._customer else None
        more = (begun.checksum, encryption, self._customer, self._options.algorithm)
        return Upload(self._bucket, self._key, begun.upload_id, *more)


async def _ended(beginning: asyncio.Task[BegunUpload]) -> None:
    await beginning


def _crc32_and_md5(fd: int, start: int, stop: int) -> tuple[str, str]:
    """Return the CRC32 and the MD5 of a file's bytes, as S3 writes them."""
    crc32, md5 = _sums.Crc32(), hashlib.md5(usedforsecurity=False)
    _kept.add_up(fd, start, stop, crc32, md5)
    return crc32.text(), md5.hexdigest()
