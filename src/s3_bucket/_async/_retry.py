"""RetryingStore: one budget of connections and memory for everything that one store does, and retries.

The store below makes exactly one attempt for each call, so attempts are counted here and nowhere else. A connection's
slot is taken before the request is signed (a signature that waits in a queue grows old: RequestTimeTooSkewed) and
given back while a retry waits.
"""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Any, TypeVar

from s3_bucket.exceptions import BucketConnectionError, BucketException

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from s3_bucket._config import Settings
    from s3_bucket._models import Buffer, ObjectInfo
    from s3_bucket._store import (
        Allocate,
        GetRequest,
        ListRequest,
        ObjectStore,
        Page,
        Part,
        Piece,
        PutOptions,
        Upload,
        Written,
    )

T = TypeVar("T")

FIRST_DELAY = 0.1
"""Seconds that the first retry waits at most."""
LONGEST_DELAY = 20.0
"""Seconds that any retry waits at most."""

_log = logging.getLogger("s3_bucket")


def longest_delay(attempt: int) -> float:
    """Return how many seconds to wait at most after attempt number `attempt` (from 1) has failed."""
    return min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(attempt - 1, 100))


class RetryingStore:
    """An ObjectStore that retries and bounds another one."""

    def __init__(self, store: ObjectStore, settings: Settings) -> None:
        self.part_size = settings.part_size
        self.max_concurrency = settings.max_concurrency
        self.buffers = asyncio.Semaphore(settings.max_concurrency)
        """Held by whoever has a part in memory that is on its way: so memory doesn't grow with the calls. It is taken
        before a connection's slot, never while one is held, so nobody waits in a circle."""
        self._store = store
        self._slots = asyncio.Semaphore(settings.max_concurrency)
        self._max_attempts = settings.max_attempts
        self._closing = False

    async def get(self, request: GetRequest, allocate: Allocate) -> Piece:
        return await self._attempts(self._store.get, request, allocate)

    async def head(self, request: GetRequest) -> ObjectInfo:
        return await self._attempts(self._store.head, request)

    async def put(self, bucket: str, key: str, body: Buffer, options: PutOptions) -> Written:
        return await self._attempts(self._store.put, bucket, key, body, options)

    async def delete(self, request: GetRequest) -> None:
        await self._attempts(self._store.delete, request)

    async def delete_batch(self, bucket: str, keys: Sequence[str]) -> Mapping[str, BucketException]:
        return await self._attempts(self._store.delete_batch, bucket, keys)

    async def list_page(self, request: ListRequest, token: str | None, max_keys: int) -> Page:
        return await self._attempts(self._store.list_page, request, token, max_keys)

    async def create_upload(self, bucket: str, key: str, options: PutOptions) -> Upload:
        return await self._attempts(self._store.create_upload, bucket, key, options)

    async def upload_part(self, upload: Upload, number: int, body: Buffer) -> Part:
        return await self._attempts(self._store.upload_part, upload, number, body)

    async def complete_upload(self, upload: Upload, parts: Sequence[Part], options: PutOptions) -> Written:
        return await self._attempts(self._store.complete_upload, upload, parts, options)

    async def abort_upload(self, upload: Upload) -> None:
        await self._attempts(self._store.abort_upload, upload)

    async def head_bucket(self, bucket: str) -> None:
        await self._attempts(self._store.head_bucket, bucket)

    async def create_bucket(self, bucket: str) -> None:
        await self._attempts(self._store.create_bucket, bucket)

    async def call(self, bucket: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return await self._attempts(self._store.call, bucket, operation, parameters)

    async def aclose(self) -> None:
        """Close the connections when the requests that are on their way have been answered; none begins any more."""
        self._closing = True
        for _ in range(self.max_concurrency):
            await self._slots.acquire()
        for _ in range(self.max_concurrency):
            self._slots.release()  # whoever waits is told, instead of waiting for ever
        await self._store.aclose()

    async def _attempts(self, operation: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        for attempt in range(1, self._max_attempts):
            try:
                return await self._attempt(operation, *arguments)
            except BucketException as error:
                if not error.retryable:
                    raise
                _log.info("attempt %d of %d failed, retrying: %s", attempt, self._max_attempts, error)

            await asyncio.sleep(random.uniform(0, longest_delay(attempt)))  # noqa: S311  # spreads load, hides nothing

        return await self._attempt(operation, *arguments)

    async def _attempt(self, operation: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        async with self._slots:
            if self._closing:
                msg = "the bucket was closed while a call was using it"
                raise BucketConnectionError(msg)
            return await operation(*arguments)
