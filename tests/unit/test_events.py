"""Events: every request is told of once, with what happened to it, and no listener can do any harm."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest

from s3_bucket import events
from s3_bucket._async import _upload
from s3_bucket._async._sources import source_of
from s3_bucket._store import GetRequest, PutOptions
from s3_bucket.exceptions import BucketException, InvalidInput, Throttled
from tests.unit.memory import BUCKET, OPTIONS, MemoryStore, retrying
from tests.unit.test_retry import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = {
    "get": "GetObject",
    "head": "HeadObject",
    "put": "PutObject",
    "delete": "DeleteObject",
    "delete_batch": "DeleteObjects",
    "list_page": "ListObjectsV2",
    "create_upload": "CreateMultipartUpload",
    "upload_part": "UploadPart",
    "complete_upload": "CompleteMultipartUpload",
    "abort_upload": "AbortMultipartUpload",
    "list_uploads": "ListMultipartUploads",
    "stored": "HeadObject",
    "head_bucket": "HeadBucket",
    "create_bucket": "CreateBucket",
    "call": "GetBucketCors",
}
AGAIN = BucketException("try again", status=500, retryable=True)


@pytest.fixture
def seen() -> Iterator[list[Any]]:
    """Return the events that come."""
    found: list[Any] = []
    with events.on_event(found.append):
        yield found


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_failure(operation: str, memory: MemoryStore, seen: list[Any]) -> None:
    """A request that fails is told of under S3's name for it, with its attempts and its error."""
    memory.fail(operation, AGAIN)
    with pytest.raises(BucketException):
        await OPERATIONS[operation](retrying(memory, max_attempts=2))
    retried, finished = seen
    assert (retried.operation, retried.bucket, retried.attempt) == (NAMES[operation], BUCKET, 1)
    assert (retried.error, retried.delay >= 0) == (AGAIN, True)
    assert (finished.operation, finished.bucket, finished.key) == (NAMES[operation], BUCKET, retried.key)
    assert (finished.status, finished.attempts, finished.bytes, finished.error) == (500, 2, 0, AGAIN)
    assert finished.seconds >= 0


async def test_a_success(memory: MemoryStore, seen: list[Any]) -> None:
    """A request that succeeds tells its bytes, either way, and all its attempts."""
    memory.fail("put", AGAIN, 1)
    store = retrying(memory)
    await store.put(BUCKET, "key", b"12345", PutOptions())
    await store.get(GetRequest(BUCKET, "key", (1, 3)), lambda length: memoryview(bytearray(length)))
    put, got = (event for event in seen if isinstance(event, events.RequestFinished))
    assert (put.key, put.attempts, put.bytes, put.error) == ("key", 2, 5, None)
    assert (got.key, got.attempts, got.bytes, got.error) == ("key", 1, 2, None)


async def test_throttling(memory: MemoryStore, seen: list[Any]) -> None:
    """A server that asks for fewer requests is told of, with how many there are from then on."""
    memory.fail("head_bucket", Throttled("slow down", status=503, retryable=True), 1)
    await retrying(memory, max_concurrency=8).head_bucket(BUCKET)
    assert [type(event) for event in seen] == [events.Throttled, events.Retried, events.RequestFinished]
    assert (seen[0].attempt, seen[0].limit) == (1, 4)


async def test_a_cancelled_request(memory: MemoryStore, seen: list[Any]) -> None:
    """A request that is cancelled has ended, too."""
    gate = memory.hold("head_bucket")
    task = asyncio.ensure_future(retrying(memory).head_bucket(BUCKET))
    await gate.reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (finished,) = seen
    assert (type(finished.error), finished.attempts, finished.status) == (asyncio.CancelledError, 1, None)


@pytest.mark.parametrize("left", [False, True])
async def test_an_aborted_upload(*, left: bool, memory: MemoryStore, seen: list[Any]) -> None:
    """An upload that is aborted is told of, and whether its parts may be left on the server."""
    error = BucketException("no")
    memory.fail("upload_part", error)
    if left:
        memory.fail("abort_upload", BucketException("neither"))
    store = retrying(memory)
    with pytest.raises(BucketException):
        await _upload.upload(store, BUCKET, "key", source_of(bytes(store.part_size * 2)), OPTIONS)
    (aborted,) = (event for event in seen if isinstance(event, events.TransferAborted))
    assert (aborted.key, aborted.upload_id, aborted.error, aborted.left) == ("key", "id-0", error, left)


async def test_listeners_that_fail(memory: MemoryStore, seen: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    """What a callback raises is logged and goes no further: others are still told, and the request goes on."""

    def failing(event: events.Event) -> None:
        raise RuntimeError(event.operation)

    with events.on_event(failing) as listening, caplog.at_level(logging.ERROR, "s3_bucket"):
        await retrying(memory).head_bucket(BUCKET)
        assert len(caplog.records) == 1
        listening.stop()
        await retrying(memory).head_bucket(BUCKET)
    assert len(caplog.records) == 1
    assert len(seen) == 2


async def test_nobody_listens(memory: MemoryStore) -> None:
    """When the last listener has stopped, no request is watched any more."""
    events.on_event(print).stop()
    assert events.watched("GetObject", BUCKET, "key", 0) is None
    await retrying(memory).head_bucket(BUCKET)


async def awaited(event: events.Event) -> None:
    """Would have to be awaited."""


@pytest.mark.parametrize("callback", [None, "print", awaited])
def test_no_callback(callback: Any) -> None:
    """What can't be called, or would have to be awaited, is refused."""
    with pytest.raises(InvalidInput, match=r"^callback: "):
        events.on_event(callback)
