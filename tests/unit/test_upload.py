"""Uploads: whole or not at all, in parallel, and nothing is left behind."""

# ruff: noqa: ASYNC110  # what is waited for is the state of a private room, which tells nobody

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from s3_bucket._async import _sources, _upload
from s3_bucket._encryption import SSE
from s3_bucket._store import PutOptions
from s3_bucket.exceptions import BucketException, BucketTimeout, IntegrityError, InvalidInput, Throttled
from tests.unit.memory import BUCKET, OPTIONS, MemoryStore, cancelled_twice, is_idle, retrying

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from s3_bucket._async._retry import RetryingStore
    from s3_bucket._models import Buffer, Data, ObjectInfo

DENIED = BucketException("denied")


async def upload(store: RetryingStore, data: Data, options: PutOptions = OPTIONS) -> ObjectInfo:
    """Upload to the key "key"."""
    return await _upload.upload(store, BUCKET, "key", _sources.source_of(data), options)


async def stream(data: bytes, step: int = 7) -> AsyncIterator[bytes]:
    """Give the data in small chunks."""
    for at in range(0, len(data), step):
        yield data[at : at + step]


@pytest.mark.parametrize("length", [0, 1, 9, 10, 11, 20, 25, 95])
@pytest.mark.parametrize("known", [True, False])
async def test_what_was_given_is_stored(length: int, memory: MemoryStore, store: RetryingStore, *, known: bool) -> None:
    """Any length arrives; one part is a PutObject, more are equal but the last."""
    data = bytes(range(length))
    info = await upload(store, data if known else stream(data))
    assert memory.objects["key"] == data
    assert info.size == length
    assert memory.count("upload_part") == (0 if length <= 10 else -(-length // 10))
    assert memory.calls[-1] == ("put" if length <= 10 else "complete_upload")
    assert info.etag == ("put-etag" if length <= 10 else "whole-etag")
    assert is_idle(store)


async def test_what_goes_with_it_is_returned(store: RetryingStore) -> None:
    """The result says what was sent and what came back."""
    headers = {"ContentType": "a/b", "CacheControl": "c", "ServerSideEncryption": "AES256", "Expires": "e"}
    info = await upload(store, b"1", PutOptions(headers, {"owner": "me"}))
    assert (info.content_type, info.cache_control, info.expires) == ("a/b", "c", "e")
    assert info.encryption is None  # the server has not said that it did
    assert (info.metadata, info.version_id) == ({"owner": "me"}, "v1")


async def test_parts_go_in_parallel(memory: MemoryStore) -> None:
    """As many parts are on their way as may be, and no more."""
    store = retrying(memory, max_concurrency=4)
    gates = [memory.hold("upload_part", number) for number in range(1, 11)]
    task = asyncio.ensure_future(upload(store, bytes(100)))
    for number, gate in enumerate(gates):
        await gate.reached.wait()
        if number >= 3:
            assert memory.running == 4 or number > 6
            gates[number - 3].open.set()
    for gate in gates:
        gate.open.set()
    await task
    assert memory.most == 4
    assert is_idle(store)


async def test_parts_may_end_in_any_order(memory: MemoryStore, store: RetryingStore) -> None:
    """The parts are named in their order, whichever ends first."""
    first = memory.hold("upload_part", 1)
    task = asyncio.ensure_future(upload(store, bytes(range(50))))
    while memory.count("upload_part") < 5:
        await asyncio.sleep(0)
    first.open.set()
    await task
    assert memory.objects["key"] == bytes(range(50))


@pytest.mark.parametrize("operation", ["create_upload", "upload_part", "complete_upload", "put"])
async def test_a_failure_leaves_nothing(operation: str, memory: MemoryStore, store: RetryingStore) -> None:
    """When a request fails for good, the upload is aborted, and its error is raised as it was."""
    memory.fail(operation, DENIED)
    with pytest.raises(BucketException) as caught:
        await upload(store, bytes(5 if operation == "put" else 100))
    assert caught.value is DENIED
    assert memory.uploads == {}
    assert "key" not in memory.objects
    assert memory.count(operation) <= 3
    assert is_idle(store)


async def test_a_failed_part_stops_its_siblings(memory: MemoryStore, store: RetryingStore) -> None:
    """When a part fails, those on their way are cancelled and awaited before the abort."""
    memory.hold("upload_part", 1)
    memory.fail("upload_part", DENIED, 2)
    with pytest.raises(BucketException):
        await upload(store, bytes(100))
    assert memory.running == 0
    assert memory.calls[-2:] == ["abort_upload", "call"]  # no part has arrived after the abort
    assert is_idle(store)


async def test_a_part_that_arrives_after_the_abort(memory: MemoryStore, store: RetryingStore) -> None:
    """Where a cancelled part still arrived, the upload is aborted again, a few times at most."""
    memory.fail("upload_part", DENIED, 2)
    for again in (2, 99):
        del memory.calls[:]
        memory.revive = again
        with pytest.raises(BucketException):
            await upload(store, bytes(100))
        assert memory.count("abort_upload") == min(again, _upload.MOST_ABORTS)


async def test_looking_for_parts_under_a_key(memory: MemoryStore, store: RetryingStore) -> None:
    """Whether a part has arrived after the abort is asked with the customer's key, without which S3 doesn't say."""
    customer = SSE.c(bytes(32)).parameters
    memory.fail("upload_part", DENIED, 2)
    with pytest.raises(BucketException):
        await upload(store, bytes(100), PutOptions({"ContentType": "a/b", **customer}))
    [(operation, parameters)] = memory.called
    assert operation == "ListParts"
    assert parameters == {"Key": "key", "UploadId": "id-0", **customer}


async def test_parts_are_tried_again(memory: MemoryStore, store: RetryingStore) -> None:
    """A part that is throttled is sent again."""
    memory.fail("upload_part", Throttled("slow down", retryable=True), 1, 2)
    await upload(store, bytes(30))
    assert memory.objects["key"] == bytes(30)
    assert memory.count("upload_part") == 5


HELD = ["put", "create_upload", "upload_part", "complete_upload"]


@pytest.mark.parametrize("operation", HELD)
async def test_cancelled_at_a_request(operation: str, memory: MemoryStore, store: RetryingStore) -> None:
    """Cancelled while a request is on its way, an upload leaves nothing; one that is beginning ends first."""
    gate = memory.hold(operation)
    task = asyncio.ensure_future(upload(store, bytes(5 if operation == "put" else 100)))
    await gate.reached.wait()
    task.cancel()
    await asyncio.sleep(0)
    gate.open.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert memory.uploads == {}
    assert "key" not in memory.objects
    assert is_idle(store)


@pytest.mark.parametrize("turns", range(0, 60, 3))
async def test_cancelled_at_any_time(turns: int, memory: MemoryStore, store: RetryingStore) -> None:
    """Cancelled after any number of the loop's turns, and once more in its cleanup, an upload leaves nothing."""
    task = await cancelled_twice(turns, upload(store, stream(bytes(60))))
    assert memory.uploads == {}
    assert task.cancelled() == ("key" not in memory.objects)
    assert is_idle(store)


async def test_cancelled_while_it_fails(memory: MemoryStore, store: RetryingStore) -> None:
    """A cancellation that comes while a failed upload is aborted does not keep the abort from being made."""
    memory.fail("upload_part", DENIED, 2)
    gate = memory.hold("abort_upload")
    task = asyncio.ensure_future(upload(store, bytes(100)))
    await gate.reached.wait()
    task.cancel()
    await asyncio.sleep(0)
    gate.open.set()
    with pytest.raises(BucketException) as caught:
        await task
    assert caught.value is DENIED
    assert memory.uploads == {}
    assert is_idle(store)


async def test_cancelled_while_its_parts_end(memory: MemoryStore, store: RetryingStore) -> None:
    """A second cancellation, while the parts are being cancelled, does not keep the abort from being made."""
    gate = memory.hold("upload_part", 3)
    task = asyncio.ensure_future(upload(store, bytes(100)))
    await gate.reached.wait()
    task.cancel()
    for _ in range(2):
        await asyncio.sleep(0)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert memory.uploads == {}
    assert is_idle(store)


async def test_an_abort_that_fails_is_told(memory: MemoryStore, store: RetryingStore) -> None:
    """When the abort fails too, the first error is raised, with a note that names the upload."""
    memory.fail("upload_part", DENIED, 2)
    memory.fail("abort_upload", BucketTimeout("no answer", retryable=True))
    with pytest.raises(BucketException) as caught:
        await upload(store, bytes(100))
    assert caught.value is DENIED
    assert ["id-0" in note for note in DENIED.__notes__] == [True]
    assert memory.count("abort_upload") == 3
    del DENIED.__notes__


async def test_an_abort_that_hangs_is_given_up(
    memory: MemoryStore, store: RetryingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An abort that takes too long is given up, and the upload is named."""
    monkeypatch.setattr(_upload, "ABORT_SECONDS", 0.01)
    memory.hold("abort_upload")
    gate = memory.hold("upload_part")
    task = asyncio.ensure_future(upload(store, bytes(100)))
    await gate.reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert "id-0" in caught.value.__notes__[0]
    assert is_idle(store)


async def test_a_beginning_that_hangs_is_given_up(
    memory: MemoryStore, store: RetryingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A multipart upload whose beginning is never answered is given up: nothing runs on, and the note says so."""
    monkeypatch.setattr(_upload, "ABORT_SECONDS", 0.01)
    gate = memory.hold("create_upload")
    task = asyncio.ensure_future(upload(store, bytes(100)))
    await gate.reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert "unknown" in caught.value.__notes__[0]
    assert is_idle(store)


async def test_a_beginning_that_fails_after_the_cancellation(memory: MemoryStore, store: RetryingStore) -> None:
    """An upload that is cancelled while it begins, and then does not begin, has nothing to abort."""
    gate = memory.hold("create_upload")
    memory.fail("create_upload", DENIED)
    task = asyncio.ensure_future(upload(store, bytes(100)))
    await gate.reached.wait()
    task.cancel()
    await asyncio.sleep(0)
    gate.open.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert memory.count("abort_upload") == 0
    assert is_idle(store)


async def test_an_upload_that_is_gone_is_aborted(memory: MemoryStore, store: RetryingStore) -> None:
    """An abort that finds no upload is a success."""
    memory.fail("complete_upload", DENIED)
    gate = memory.hold("complete_upload")
    task = asyncio.ensure_future(upload(store, bytes(100)))
    await gate.reached.wait()
    memory.uploads.clear()
    gate.open.set()
    with pytest.raises(BucketException) as caught:
        await task
    assert not getattr(caught.value, "__notes__", [])


async def test_a_source_that_fails_leaves_nothing(memory: MemoryStore, store: RetryingStore) -> None:
    """What the source raises is raised as it is, and nothing is stored."""

    async def broken() -> AsyncIterator[bytes]:
        yield bytes(35)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await upload(store, broken())
    assert memory.uploads == memory.objects == {}
    assert is_idle(store)


async def test_a_source_that_changed_is_not_stored(memory: MemoryStore, store: RetryingStore) -> None:
    """A source that says in the end that it changed is not stored."""

    class Changed(_sources.BufferSource):
        async def check(self) -> None:
            raise IntegrityError("changed")

    with pytest.raises(IntegrityError):
        await _upload.upload(store, BUCKET, "key", Changed(bytes(35)), OPTIONS)
    assert memory.uploads == memory.objects == {}


async def test_too_many_parts(memory: MemoryStore, store: RetryingStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that is longer than all parts is refused, and nothing is stored."""
    monkeypatch.setattr(_upload._plan, "MAX_PARTS", 3)
    with pytest.raises(InvalidInput, match="part_size"):
        await upload(store, stream(bytes(50)))
    assert memory.uploads == memory.objects == {}
    assert is_idle(store)


async def test_too_long(memory: MemoryStore, store: RetryingStore) -> None:
    """What is known to be too long is refused before anything is sent."""
    source = _sources.BufferSource(b"")
    source.size = 2**60
    with pytest.raises(InvalidInput):
        await _upload.upload(store, BUCKET, "key", source, OPTIONS)
    assert memory.calls == []


async def test_memory_is_taken_before_it_is_filled(memory: MemoryStore) -> None:
    """However many files are stored at once, not much more than max_concurrency parts of them are in memory."""
    store = retrying(memory, max_concurrency=2)
    gates = [memory.hold("upload_part", number) for number in (1, 2)]
    taken = 0

    class Counted(_sources.BufferSource):
        async def read(self, n: int) -> Buffer:
            nonlocal taken
            taken += 1
            return await super().read(n)

    tasks = [
        asyncio.ensure_future(_upload.upload(store, BUCKET, "key", Counted(bytes(100)), OPTIONS)) for _ in range(30)
    ]
    for gate in gates:
        await gate.reached.wait()
    for _ in range(50):
        await asyncio.sleep(0)
    assert taken <= 30 + 2  # each may hold its first part: whether there will be a second isn't asked
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert is_idle(store)


@pytest.mark.parametrize("known", [True, False])
async def test_many_at_once(memory: MemoryStore, *, known: bool) -> None:
    """Many uploads of several parts come through the smallest budget: nobody waits in a circle."""
    store = retrying(memory, max_concurrency=1)
    async with asyncio.timeout(10):
        await asyncio.gather(*(upload(store, bytes(40) if known else stream(bytes(40))) for _ in range(10)))
    assert (memory.most, memory.uploads) == (1, {})
    assert is_idle(store)


async def test_a_source_that_fails_with_its_room(memory: MemoryStore, store: RetryingStore) -> None:
    """The memory that was taken for a part that could not be read is given back."""

    class Failing(_sources.BufferSource):
        async def read(self, n: int) -> Buffer:
            if self._at:
                raise IntegrityError("changed")
            return await super().read(n)

    with pytest.raises(IntegrityError):
        await _upload.upload(store, BUCKET, "key", Failing(bytes(35)), OPTIONS)
    assert is_idle(store)
