"""check(): writes a canary, reads it, lists it, rewrites it under conditions, and deletes it.

Here is only what is done; what is made of it is decided in _report.py.
"""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import hashlib
import secrets
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from s3_bucket import _report, _sums
from s3_bucket._async import _lost, _session, _shield
from s3_bucket._report import Seen
from s3_bucket._store import GetRequest, ListRequest, PutOptions, Upload
from s3_bucket.exceptions import BucketException, BucketTimeout

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from s3_bucket._async._retry import RetryingStore
    from s3_bucket._config import Settings
    from s3_bucket._report import Report


T = TypeVar("T")

CANARY = b"Written by check(), to be deleted at once."
CLEANING_SECONDS = 60.0
"""How long the cleaning up may take."""
_ANOTHER = "00000000000000000000000000000000"
"""An etag that no object has."""


async def check(
    open_store: Callable[[], Awaitable[RetryingStore]], bucket: str, settings: Settings, prefix: str
) -> Report:
    """Try everything below the prefix; leave nothing there."""
    try:
        store = await open_store()
    except BucketException as error:
        return _report.report(Seen(bucket, settings, errors={"open": error}))
    canary = Canary(store, bucket, f"{prefix}{secrets.token_hex(16)}/")
    try:
        await canary.look()
    finally:
        await _shield.to_the_end(canary.clean())
    path_works = await _path_works(bucket, settings, canary.errors)
    seen = Seen(bucket, settings, store.vendor, canary.errors, **canary.facts)
    return _report.report(dataclasses.replace(seen, path_works=path_works))


class Canary:
    """The probes, and what became of them."""

    def __init__(self, store: RetryingStore, bucket: str, prefix: str) -> None:
        self.errors: dict[str, BucketException | None] = {}
        self.facts: dict[str, Any] = {}
        self._store = store
        self._bucket = bucket
        self._prefix = prefix
        self._key = f"{prefix}canary"
        self._large = f"{prefix}in parts"
        self._uploads: list[Upload] = []
        self._has_written = False

    async def look(self) -> None:
        """Try one thing after another, as far as there is use in it."""
        answer = await self._tried("bucket", self._store.call(self._bucket, "HeadBucket", {}))
        self._note(answer)
        if _report.is_the_end(self.errors["bucket"]):
            return
        self._has_written = True  # whatever becomes of it: its answer may be lost
        written = await self._tried("write", self._put(PutOptions()))
        await self._list()
        if written is None:
            return
        await self._read()
        await self._tried("put(if_match that holds)", self._put(PutOptions(if_match=written.etag)))
        await self._checksums()
        await self._conditions()
        await self._delete()

    async def _tried(self, probe: str, work: Awaitable[T]) -> T | None:
        try:
            done = await work
        except BucketException as error:
            self.errors[probe] = error
            return None
        self.errors[probe] = None
        return done

    def _note(self, answer: Mapping[str, Any] | None) -> None:
        headers: Mapping[str, str] = {} if answer is None else answer["ResponseMetadata"].get("HTTPHeaders", {})
        self.facts["headers"] = headers
        self.facts["offset"] = _report.clock_offset(headers, datetime.now(UTC))

    async def _put(self, options: PutOptions) -> Any:
        return await self._store.put(self._bucket, self._key, CANARY, options)

    async def _list(self) -> None:
        request = ListRequest(self._bucket, self._prefix)
        page = await self._tried("list", self._store.list_page(request, None, 2))
        self.facts["listed"] = page is not None and [info.key for info in page.objects] == [self._key]

    async def _read(self) -> None:
        request = GetRequest(self._bucket, self._key)
        piece = await self._tried("read", self._store.get(request, lambda length: memoryview(bytearray(length))))
        self.facts["same"] = piece is not None and piece.data == CANARY

    async def _checksums(self) -> None:
        crc32 = {"ChecksumCRC32": _sums.text(zlib.crc32(CANARY))}
        answer = await self._tried("crc32", self._put_with(crc32))
        self.facts["keeps_crc32"] = answer is not None and "ChecksumCRC32" in answer
        digest = hashlib.md5(CANARY, usedforsecurity=False).digest()
        await self._tried("md5", self._put_with({"ContentMD5": base64.b64encode(digest).decode()}))

    async def _put_with(self, checksum: Mapping[str, str]) -> dict[str, Any]:
        parameters = {"Key": self._key, "Body": CANARY, **checksum}
        return await self._store.call(self._bucket, "PutObject", parameters)

    async def _conditions(self) -> None:
        absent, another = PutOptions(if_absent=True), PutOptions(if_match=_ANOTHER)
        await self._tried("put(if_absent)", self._put(absent))
        await self._tried("put(if_match)", self._put(another))
        await self._tried("multipart", self._upload(PutOptions()))
        await self._tried("uploads", self._store.list_uploads(self._bucket, self._large, None))
        if self.errors["multipart"] is None:
            await self._tried("parts(if_absent)", self._upload(absent))
            await self._tried("parts(if_match)", self._upload(another))

    async def _upload(self, options: PutOptions) -> None:
        """Upload in one part, which as the last one may be short."""
        upload = await self._store.create_upload(self._bucket, self._large, PutOptions())
        self._uploads.append(upload)
        part = await self._store.upload_part(upload, 1, CANARY)
        await self._store.complete_upload(upload, [part], options)
        self._uploads.remove(upload)

    async def _delete(self) -> None:
        request = GetRequest(self._bucket, self._key)
        await self._tried("delete(if_match)", self._store.delete(request._replace(if_match=_ANOTHER)))
        await self._tried("delete", self._store.delete(request))
        await self._tried("delete_many", self._delete_many())

    async def _delete_many(self) -> None:
        for error in (await self._store.delete_batch(self._bucket, [self._large])).values():
            raise error

    # Cleaning up

    async def clean(self) -> None:
        """Delete whatever there is; note it if that can't be done."""
        if not self._has_written:
            return
        try:
            async with asyncio.timeout(CLEANING_SECONDS):
                await self._clean_uploads()
                await self._clean_objects()
        except BucketException as error:
            if not self._wrote_nothing():
                self.errors["cleanup"] = error
        except TimeoutError:
            msg = f"it took more than {CLEANING_SECONDS:.0f} s; keys begin with {self._prefix!r}"
            self.errors["cleanup"] = BucketTimeout(msg, bucket=self._bucket)

    def _wrote_nothing(self) -> bool:
        """Whether there is nothing to be cleaned up: nothing was written."""
        error = self.errors.get("write")
        return error is not None and not error.answer_lost

    async def _clean_uploads(self) -> None:
        try:  # also one that began, and nobody was told of
            page = await self._store.list_uploads(self._bucket, self._large, None)
        except BucketException:
            found = self._uploads
        else:
            found = [Upload(self._bucket, info.key, info.upload_id) for info in page.uploads]
        for upload in found:
            await _lost.aborted(self._store, upload)

    async def _clean_objects(self) -> None:
        for key, version_id in await self._versions():
            await self._store.delete(GetRequest(self._bucket, key, version_id=version_id))

    async def _versions(self) -> list[tuple[str, str | None]]:
        """Return all that is there: in a bucket with versioning, a deletion alone leaves everything."""
        try:
            found = await self._store.call(self._bucket, "ListObjectVersions", {"Prefix": self._prefix})
        except BucketException:
            return [(self._key, None), (self._large, None)]
        entries = [*found.get("Versions", []), *found.get("DeleteMarkers", [])]
        return [(entry["Key"], entry.get("VersionId")) for entry in entries]


class _Trial:
    """Who uses a store for a moment."""


async def _path_works(bucket: str, settings: Settings, errors: Mapping[str, BucketException | None]) -> bool:
    """Whether the bucket answers in path style, where it doesn't in the other one."""
    if settings.addressing_style != "virtual" or not any(_report.is_the_end(error) for error in errors.values()):
        return False
    trial = _Trial()
    try:
        store = await _session.store_for(trial, dataclasses.replace(settings, addressing_style="path"))
        await store.call(bucket, "HeadBucket", {})
    except BucketException:
        return False
    finally:
        await _session.release(trial)
    return True
