"""RetryingStore: one budget of connections and memory for everything that one store does, and retries.

The store below makes exactly one attempt for each call, so attempts are counted here and nowhere else. A connection's
slot is taken before the request is signed (a signature that waits in a queue grows old: RequestTimeTooSkewed) and
given back while a retry waits.

Every failed attempt counts against max_attempts, with three exceptions. One that has brought much of a body has not
failed in vain. One that has taught the server's time, or had the credentials fetched anew, says nothing of the next.
And a server that asks for fewer requests is not failing: as long as it answers others, a call goes on asking, up to
PATIENCE times max_attempts. Answers pay for that (`_credit`), so a server that refuses everything is not asked more
often than max_attempts says.
"""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Any, TypeVar

from s3_bucket import _vendors, events
from s3_bucket._async._buffers import Buffers
from s3_bucket._async._resume import ENOUGH, Resumable
from s3_bucket._async._slots import Slots
from s3_bucket.exceptions import (
    BucketAccessDenied,
    BucketConnectionError,
    BucketException,
    NoCredentials,
    PreconditionFailed,
    Throttled,
)

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
        Presigned,
        PresignRequest,
        PutOptions,
        Stored,
        Upload,
        UploadsPage,
        Written,
    )

T = TypeVar("T")

FIRST_DELAY = 0.1
"""Seconds that the first retry waits at most."""
LONGEST_DELAY = 20.0
"""Seconds that any retry waits at most, whatever the server asks for."""
PATIENCE = 4
"""How many times max_attempts a call may ask a server that is overloaded, but answers."""
MOST_CREDIT = 500
"""So many attempts beyond max_attempts can be saved up by answers."""

_NOTHING_DONE = (Throttled, PreconditionFailed)
"""Answers that say so. Two conditional writes at a time may both be told 409, ConditionalRequestConflict: once more."""

_log = logging.getLogger("s3_bucket")


def longest_delay(attempt: int) -> float:
    """Return how many seconds to wait at most after attempt number `attempt` (from 1) has failed."""
    return min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(attempt - 1, 100))


def delay(attempt: int, error: BucketException) -> float:
    """Return how many seconds to wait after attempt number `attempt` has failed so.

    A random part of the longest delay: who failed together must not come again together.
    """
    asked = min(max(0.0, error.retry_after or 0.0), LONGEST_DELAY)
    return asked + random.uniform(0, longest_delay(attempt))  # noqa: S311  # spreads load, hides nothing


def _too_much(error: BucketException) -> bool:
    """Whether there were too many requests at a time: for the server, or for this computer (an errno says for what)."""
    return isinstance(error, Throttled) or (isinstance(error, BucketConnectionError) and error.errno is not None)


def _was_corrected(error: BucketException) -> bool:
    """Whether the store below signs better from now on: such refusals are never retryable otherwise."""
    return error.retryable and isinstance(error, NoCredentials | BucketAccessDenied)


class RetryingStore:
    """Retries and bounds an ObjectStore."""

    def __init__(self, store: ObjectStore, settings: Settings, vendor: _vendors.Vendor = _vendors.UNKNOWN) -> None:
        self.vendor = vendor
        """What is known of whose S3 it is."""
        self.endpoint_url = settings.endpoint_url
        self.part_size = settings.part_size
        self.max_concurrency = settings.max_concurrency
        self.buffers = Buffers(settings.max_concurrency)
        """Held by whoever has a part in memory that is on its way: so memory doesn't grow with the calls. It is taken
        before a connection's slot, never while one is held, so nobody waits in a circle."""
        self._store = store
        self._slots = Slots(settings.max_concurrency)
        self._max_attempts = settings.max_attempts
        self._credit = 0
        self.is_closing = False

    async def get(self, request: GetRequest, allocate: Allocate) -> Piece:
        body = Resumable(self._store, request, allocate)
        what = ("GetObject", request.bucket, request.key, 0)
        return await self._attempts(what, body.attempt, gained=lambda: body.gained >= ENOUGH)

    async def head(self, request: GetRequest) -> ObjectInfo:
        return await self._attempts(("HeadObject", request.bucket, request.key, 0), self._store.head, request)

    async def stored(self, bucket: str, key: str, customer: Mapping[str, str] | None = None) -> Stored:
        return await self._attempts(("HeadObject", bucket, key, 0), self._store.stored, bucket, key, customer)

    async def put(self, bucket: str, key: str, body: Buffer, options: PutOptions) -> Written:
        what = ("PutObject", bucket, key, len(body))
        return await self._attempts(what, self._store.put, bucket, key, body, options)

    async def delete(self, request: GetRequest) -> None:
        await self._attempts(("DeleteObject", request.bucket, request.key, 0), self._store.delete, request)

    async def delete_batch(self, bucket: str, keys: Sequence[str]) -> Mapping[str, BucketException]:
        return await self._attempts(("DeleteObjects", bucket, None, 0), self._store.delete_batch, bucket, keys)

    async def list_page(self, request: ListRequest, token: str | None, max_keys: int) -> Page:
        what = ("ListObjectsV2", request.bucket, None, 0)
        return await self._attempts(what, self._store.list_page, request, token, max_keys)

    async def create_upload(self, bucket: str, key: str, options: PutOptions) -> Upload:
        what = ("CreateMultipartUpload", bucket, key, 0)
        return await self._attempts(what, self._store.create_upload, bucket, key, options)

    async def upload_part(self, upload: Upload, number: int, body: Buffer) -> Part:
        what = ("UploadPart", upload.bucket, upload.key, len(body))
        return await self._attempts(what, self._store.upload_part, upload, number, body)

    async def complete_upload(self, upload: Upload, parts: Sequence[Part], options: PutOptions) -> Written:
        what = ("CompleteMultipartUpload", upload.bucket, upload.key, 0)
        return await self._attempts(what, self._store.complete_upload, upload, parts, options)

    async def abort_upload(self, upload: Upload) -> None:
        what = ("AbortMultipartUpload", upload.bucket, upload.key, 0)
        await self._attempts(what, self._store.abort_upload, upload)

    async def list_uploads(self, bucket: str, prefix: str, after: tuple[str, str] | None) -> UploadsPage:
        what = ("ListMultipartUploads", bucket, None, 0)
        return await self._attempts(what, self._store.list_uploads, bucket, prefix, after)

    async def head_bucket(self, bucket: str) -> None:
        await self._attempts(("HeadBucket", bucket, None, 0), self._store.head_bucket, bucket)

    async def create_bucket(self, bucket: str) -> None:
        await self._attempts(("CreateBucket", bucket, None, 0), self._store.create_bucket, bucket)

    async def presign(self, request: PresignRequest) -> Presigned:
        return await self._store.presign(request)  # nothing is sent, so it neither waits for a slot nor pays for others

    async def call(self, bucket: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        what = (operation, bucket, parameters.get("Key"), 0)
        return await self._attempts(what, self._store.call, bucket, operation, parameters)

    async def aclose(self) -> None:
        """Close the connections when the requests that are on their way have been answered; none begins any more."""
        self.is_closing = True
        await self._slots.drain()
        await self._store.aclose()

    def _attempts(
        self,
        what: tuple[str, str, str | None, int],
        operation: Callable[..., Awaitable[T]],
        *arguments: Any,
        gained: Callable[[], bool] = lambda: False,
    ) -> Awaitable[T]:
        """Attempt an operation as often as it takes, and tell whoever listens of it.

        Args:
            what: S3's name of the operation, the bucket, the key, and how many bytes are sent.
            operation: makes one attempt.
            arguments: the operation's.
            gained: whether the last attempt has brought something, though it failed.
        """
        request = events.watched(*what)
        done = self._tried(request, operation, *arguments, gained=gained)
        return done if request is None else request.watch(done)

    async def _tried(
        self,
        request: events.Request | None,
        operation: Callable[..., Awaitable[T]],
        *arguments: Any,
        gained: Callable[[], bool],
    ) -> T:
        spent = sent = 0
        lost = corrected = False
        while True:
            sent += 1
            try:
                done = await self._attempt(operation, *arguments)
            except BucketException as error:
                lost = lost or (error.retryable and error.sent and not isinstance(error, _NOTHING_DONE))
                error.attempts, error.answer_lost = sent, lost
                better = not corrected and _was_corrected(error)
                corrected = corrected or better
                spent += not (gained() or better)
                if request is not None:
                    request.failed(sent, error, self._slots.limit)
                if not error.retryable or not self._may_go_on(spent, sent, error):
                    raise
                _log.info("attempt %d failed, retrying: %s", sent, error)
                seconds = delay(max(1, spent), error)
                if request is not None:
                    request.retried(sent, error, seconds)
            else:
                self._credit = min(self._credit + 1, MOST_CREDIT)
                return done
            await self.pause(seconds)

    async def pause(self, seconds: float) -> None:
        """Wait for the next attempt."""
        await asyncio.sleep(seconds)

    def _may_go_on(self, spent: int, sent: int, error: BucketException) -> bool:
        if spent < self._max_attempts:
            return True
        patient = isinstance(error, Throttled) and self._max_attempts > 1 and sent < PATIENCE * self._max_attempts
        if not patient or not self._credit:
            return False
        self._credit -= 1
        return True

    async def _attempt(self, operation: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        since = self._slots.taken()
        if since is None:
            since = await self._slots.acquire()
        try:
            if self.is_closing:
                msg = "the bucket was closed while a call was using it"
                raise BucketConnectionError(msg)
            done = await operation(*arguments)
        except BucketException as error:
            if _too_much(error):
                self._slots.overloaded(since)
            raise
        else:
            self._slots.answered()
            return done
        finally:
            self._slots.release()
