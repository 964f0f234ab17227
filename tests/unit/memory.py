"""An ObjectStore in memory: it records its calls, counts how many run at a time, fails and waits when it is told to."""

# ruff: noqa: D102  # what they do is said in the protocol

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from s3_bucket import _plan
from s3_bucket._async._retry import RetryingStore
from s3_bucket._config import Settings
from s3_bucket._encryption import customer_of
from s3_bucket._models import ObjectInfo
from s3_bucket._store import WRITE_TOKEN, Page, Part, Presigned, PutOptions, Stored, Upload, UploadsPage, Written
from s3_bucket.exceptions import BucketException, InvalidInput, NoSuchBucket, NoSuchKey, PreconditionFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from s3_bucket._models import Buffer
    from s3_bucket._store import Arrival, GetRequest, ListRequest, PresignRequest

BUCKET = "memory"
OPTIONS = PutOptions()


class Gate:
    """Where a call is held."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()


class MemoryStore:
    """Objects in a dict."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self._begun: dict[str, PutOptions] = {}
        self.calls: list[str] = []
        self.ranges: list[tuple[int, int | None] | None] = []
        self.written: dict[str, Stored] = {}
        self.listed: list[UploadsPage] = [UploadsPage([], datetime.now(UTC), None)]
        self.cuts: list[tuple[int, BucketException | None]] = []
        self.parts_a_page = 4
        self.customers: list[Mapping[str, str] | None] = []
        self.called: list[tuple[str, dict[str, Any]]] = []
        self.revive = 0
        self.missing = False
        self.most = 0
        self.running = 0
        self._errors: dict[tuple[str, int], BaseException] = {}
        self._gates: dict[tuple[str, int], Gate] = {}

    def fail(self, operation: str, error: BaseException, *calls: int) -> None:
        """Raise the error at these calls (from 1) of the operation; at every one if none is given."""
        for call in calls or (0,):
            self._errors[operation, call] = error

    def hold(self, operation: str, call: int = 1) -> Gate:
        """Hold a call of the operation until its gate is opened."""
        return self._gates.setdefault((operation, call), Gate())

    def count(self, operation: str) -> int:
        """Return how often the operation was called."""
        return Counter(self.calls)[operation]

    @asynccontextmanager
    async def _call(self, operation: str) -> AsyncIterator[None]:
        self.calls.append(operation)
        number = self.count(operation)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(0)
            if gate := self._gates.get((operation, number)):
                gate.reached.set()
                await gate.open.wait()
            for key in ((operation, number), (operation, 0)):
                if key in self._errors:
                    raise self._errors[key]
            if self.missing:
                raise NoSuchBucket("no bucket")
            yield
        finally:
            self.running -= 1

    async def get(self, request: GetRequest, arrival: Arrival) -> None:
        self.ranges.append(request.range)
        async with self._call("get"):
            info = self._info(request)
            start, stop = request.range or (0, None)
            start = max(0, info.size + start) if start < 0 else start
            stop = info.size if stop is None else min(stop, info.size)
            if request.range is not None and start >= info.size:
                raise InvalidInput("not satisfiable", status=416)
            buffer = arrival.begin(info, start, stop)
            length, error = self.cuts.pop(0) if self.cuts else (len(buffer), None)
            arrival.filled = min(length, len(buffer))
            buffer[: arrival.filled] = self.objects[request.key][start : start + arrival.filled]
            if error is not None:
                raise error

    async def head(self, request: GetRequest) -> ObjectInfo:
        async with self._call("head"):
            return self._info(request)

    def _info(self, request: GetRequest) -> ObjectInfo:
        if request.key not in self.objects:
            raise NoSuchKey("no key")
        data = self.objects[request.key]
        info = ObjectInfo(request.key, len(data), f"etag-{hash(data)}", metadata={"owner": "me"})
        if request.if_match not in {None, info.etag}:
            raise PreconditionFailed("another etag")
        return info

    async def stored(self, bucket: str, key: str, customer: Mapping[str, str] | None = None) -> Stored:
        self.customers.append(customer)
        async with self._call("stored"):
            if key not in self.objects:
                raise NoSuchKey("no key")
            return self.written.get(key) or Stored(Written("another"), len(self.objects[key]), None)

    async def put(self, bucket: str, key: str, body: Buffer, options: PutOptions) -> Written:
        async with self._call("put"):
            self._write(key, bytes(body), "put-etag", options)
            return Written("put-etag", "v1")

    def _write(self, key: str, body: bytes, etag: str, options: PutOptions) -> None:
        self.objects[key] = body
        self.written[key] = Stored(Written(etag, "v1"), len(body), options.metadata.get(WRITE_TOKEN))

    async def delete(self, request: GetRequest) -> None:
        async with self._call("delete"):
            self.objects.pop(request.key, None)

    async def delete_batch(self, bucket: str, keys: Sequence[str]) -> Mapping[str, BucketException]:
        async with self._call("delete_batch"):
            return {key: NoSuchKey("odd") for key in keys if key.startswith("odd")}

    async def list_page(self, request: ListRequest, token: str | None, max_keys: int) -> Page:
        async with self._call("list_page"):
            found = sorted(key for key in self.objects if key.startswith(request.prefix) and key > (token or ""))
            more = len(found) > max_keys
            infos = [ObjectInfo(key, len(self.objects[key]), "etag") for key in found[:max_keys]]
            return Page(infos, found[max_keys - 1] if more else None)

    async def create_upload(self, bucket: str, key: str, options: PutOptions) -> Upload:
        async with self._call("create_upload"):
            upload = Upload(bucket, key, f"id-{len(self.uploads)}", customer=customer_of(options.headers))
            self.uploads[upload.upload_id] = {}
            self._begun[upload.upload_id] = options
            return upload

    async def upload_part(self, upload: Upload, number: int, body: Buffer) -> Part:
        async with self._call("upload_part"):
            self.uploads[upload.upload_id][number] = bytes(body)
            return Part(number, f"part-{number}")

    async def complete_upload(self, upload: Upload, parts: Sequence[Part], options: PutOptions) -> Written:
        async with self._call("complete_upload"):
            stored = self.uploads.pop(upload.upload_id)
            assert [part.number for part in parts] == sorted(stored)
            body = b"".join(stored[part.number] for part in parts)
            self._write(upload.key, body, "whole-etag", self._begun.get(upload.upload_id, options))
            return Written("whole-etag")

    async def abort_upload(self, upload: Upload) -> None:
        async with self._call("abort_upload"):
            parts = self.uploads.pop(upload.upload_id, None)
            if parts is None:
                raise BucketException("gone", error_code="NoSuchUpload")
            self.revive -= 1
            if self.revive > 0:
                self.uploads[upload.upload_id] = parts

    async def list_uploads(self, bucket: str, prefix: str, after: tuple[str, str] | None) -> UploadsPage:
        async with self._call("list_uploads"):
            page = self.listed[0 if after is None else int(after[0])]
            return UploadsPage(
                [upload for upload in page.uploads if upload.key.startswith(prefix)], page.now, page.after
            )

    async def head_bucket(self, bucket: str) -> None:
        async with self._call("head_bucket"):
            pass

    async def create_bucket(self, bucket: str) -> None:
        async with self._call("create_bucket"):
            pass

    async def presign(self, request: PresignRequest) -> Presigned:
        async with self._call("presign"):
            return Presigned(f"memory://{request.bucket}/{request.key}", datetime.now(UTC))

    async def call(self, bucket: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self.called.append((operation, dict(parameters)))
        async with self._call("call"):
            if operation == "ListParts":
                return self._list_parts(parameters["UploadId"], parameters.get("PartNumberMarker", 0))
            return {"operation": operation, **parameters}

    def _list_parts(self, upload_id: str, after: int) -> dict[str, Any]:
        if upload_id not in self.uploads:
            raise BucketException("gone", error_code="NoSuchUpload")
        parts = [
            {
                "PartNumber": number,
                "Size": len(body),
                "ETag": f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"',
            }
            for number, body in sorted(self.uploads[upload_id].items())
            if number > after
        ]
        page = parts[: self.parts_a_page]
        last = page[-1]["PartNumber"] if page else 0
        return {"Parts": page, "IsTruncated": len(page) < len(parts), "NextPartNumberMarker": last}

    async def aclose(self) -> None:
        self.calls.append("aclose")


def retrying(
    memory: MemoryStore, *, part_size: int = 10, max_concurrency: int = 3, max_attempts: int = 3
) -> RetryingStore:
    """Return the store as the transfers see it, with parts of a few bytes."""
    return RetryingStore(
        memory, Settings(part_size=part_size, max_concurrency=max_concurrency, max_attempts=max_attempts)
    )


def opener(store: RetryingStore) -> Callable[[], Awaitable[RetryingStore]]:
    """Return what gives the store to who wants one opened."""

    async def open_store() -> RetryingStore:
        return store

    return open_store


async def cancelled_twice(turns: int, call: Awaitable[Any]) -> asyncio.Task[Any]:
    """Cancel a call after so many turns of the loop, and once more in its cleanup; return how it has ended."""
    task = asyncio.ensure_future(call)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    return task


def is_idle(store: RetryingStore) -> bool:
    """Whether all slots and buffers of the store are free, and no task but the caller's is left."""
    free = store.buffers._value == store.max_concurrency and store._slots.all_free
    return free and asyncio.all_tasks() == {asyncio.current_task()}


SMALL_UNITS = {"MIB": 1, "CHUNK_SIZE": 4}
"""What _plan counts in, so that a few bytes are many parts."""
assert SMALL_UNITS.keys() <= vars(_plan).keys()
