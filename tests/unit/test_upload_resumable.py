"""Uploads that go on: whatever has ended them before, and wherever, the object is right in the end."""

# ruff: noqa: D102  # what a store's methods do is said in the protocol

from __future__ import annotations

import asyncio
import random
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from s3_bucket import _sums, _vendors, events
from s3_bucket._async import _kept, _sources, _upload, _upload_resumable
from s3_bucket._async._retry import RetryingStore
from s3_bucket._config import Settings
from s3_bucket._models import Progress
from s3_bucket._store import GetRequest, Part, PutOptions, Stored, Upload, Written
from s3_bucket.exceptions import (
    BucketAccessDenied,
    BucketException,
    BucketTimeout,
    IntegrityError,
    InvalidInput,
    KeyAlreadyExists,
    NoSuchKey,
    PreconditionFailed,
    UnknownBucketException,
)
from tests.unit.memory import BUCKET, OPTIONS, MemoryStore, cancelled_twice, is_idle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from s3_bucket._models import Buffer, ObjectInfo, ProgressCallback

DATA = bytes(range(95))
DENIED = BucketException("denied")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the directory in which is noted what has begun; short files are no exception here."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(_sources, "SHORT_FILE", 5)
    return tmp_path / "state" / "s3-bucket" / "uploads"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a file of ten parts."""
    path = tmp_path / "source"
    path.write_bytes(DATA)
    return path


async def upload(
    store: RetryingStore, path: Path, options: PutOptions = OPTIONS, progress: ProgressCallback | None = None
) -> ObjectInfo:
    """Upload to the key "key"."""
    return await _upload_resumable.upload(store, BUCKET, "key", _sources.file_source(path), options, progress)


async def noted(state: Path) -> int:
    """Return how many files there are in which something is noted."""
    return await asyncio.to_thread(lambda: len(list(state.glob("*"))))


async def fail(memory: MemoryStore, store: RetryingStore, path: Path, operation: str = "upload_part", *at: int) -> None:
    """Upload until a request fails, and forget what was asked until then."""
    memory.fail(operation, DENIED, *at)
    with pytest.raises(BucketException):
        await upload(store, path)
    memory._errors.clear()
    del memory.calls[:]


async def test_any_failure(memory: MemoryStore, store: RetryingStore, path: Path, state: Path) -> None:
    """After a failure of any request, what was sent stays, and is not sent again."""
    await fail(memory, store, path, "upload_part", 5)
    [parts] = memory.uploads.values()
    stored = len(parts)
    assert stored >= 4
    assert is_idle(store)
    await upload(store, path)
    assert memory.count("upload_part") == 10 - stored
    assert (memory.count("create_upload"), memory.count("abort_upload")) == (0, 0)
    assert memory.objects == {"key": DATA}
    assert (memory.uploads, await noted(state)) == ({}, 0)
    assert is_idle(store)


@pytest.mark.parametrize("a_page", [1, 3, 100])
async def test_pages_of_parts(a_page: int, memory: MemoryStore, store: RetryingStore, path: Path) -> None:
    """However the parts are listed, all are found."""
    memory.parts_a_page = a_page
    await fail(memory, store, path, "complete_upload")
    await upload(store, path)
    assert (memory.count("upload_part"), memory.count("call")) == (0, -(-10 // a_page))
    assert memory.objects == {"key": DATA}


@pytest.mark.parametrize("seed", range(20))
async def test_failures_and_faults(
    seed: int, memory: MemoryStore, store: RetryingStore, path: Path, state: Path
) -> None:
    """However often it fails, and whatever happens to the parts meanwhile, the object is right in the end."""
    chance = random.Random(seed)  # noqa: S311  # no secret
    while "key" not in memory.objects:
        del memory.calls[:]
        memory._errors.clear()
        operation = chance.choice(["create_upload", "upload_part", "upload_part", "complete_upload", "call"])
        memory.fail(operation, DENIED, chance.randint(1, 4))
        for parts in memory.uploads.values():
            for number in [number for number in parts if chance.random() < 0.1]:
                parts[number] = chance.choice([b"", bytes(10), parts[number] + b"1", DATA[:10]])
        if chance.random() < 0.1:
            memory.uploads.clear()
        try:
            await upload(store, path)
        except BucketException:
            assert len(memory.uploads) <= 1
    assert memory.objects == {"key": DATA}
    assert (memory.uploads, await noted(state)) == ({}, 0)
    assert is_idle(store)


@pytest.mark.parametrize("turns", range(0, 90, 3))
async def test_cancelled_at_any_time(
    turns: int, memory: MemoryStore, store: RetryingStore, path: Path, state: Path
) -> None:
    """Cancelled after any number of the loop's turns, and once more, an upload is gone on with by the same call."""
    await cancelled_twice(turns, upload(store, path))
    assert is_idle(store)
    stored = sum(map(len, memory.uploads.values()))
    begun = len(memory.uploads)
    del memory.calls[:]
    await upload(store, path)
    assert memory.count("create_upload") <= 1 - begun
    assert memory.count("upload_part") in {10 - stored, 0}
    assert memory.objects == {"key": DATA}
    assert (memory.uploads, await noted(state)) == ({}, 0)
    assert is_idle(store)


async def test_cancelled_while_it_begins(memory: MemoryStore, store: RetryingStore, path: Path) -> None:
    """Cancelled while it begins, an upload is noted when it has begun, and the same call goes on with it."""
    gate = memory.hold("create_upload")
    task = asyncio.ensure_future(upload(store, path))
    await gate.reached.wait()
    task.cancel()
    await asyncio.sleep(0)
    gate.open.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(memory.uploads) == 1
    await upload(store, path)
    assert (memory.count("create_upload"), memory.objects) == (1, {"key": DATA})
    assert is_idle(store)


async def test_a_beginning_that_hangs_is_given_up(
    memory: MemoryStore, store: RetryingStore, path: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upload whose beginning is never answered is given up when it is cancelled: nothing runs on."""
    monkeypatch.setattr(_upload, "ABORT_SECONDS", 0.01)
    gate = memory.hold("create_upload")
    task = asyncio.ensure_future(upload(store, path))
    await gate.reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert is_idle(store)
    assert await noted(state) == 0


async def test_what_can_not_be_noted(
    memory: MemoryStore, store: RetryingStore, path: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upload that can't be noted is aborted: nobody could go on with it."""

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_kept.os, "write", full)
    with pytest.raises(OSError, match="No space"):
        await upload(store, path)
    assert (memory.uploads, memory.count("abort_upload"), await noted(state)) == ({}, 1, 0)
    assert is_idle(store)


async def test_an_old_upload_that_can_not_be_aborted(
    memory: MemoryStore,
    store: RetryingStore,
    path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Where what had begun of another state of the file can't be aborted, that is logged, and the new one is stored."""
    await fail(memory, store, path)
    await asyncio.to_thread(path.write_bytes, DATA[1:])
    memory.fail("abort_upload", BucketAccessDenied("you may not"))
    await upload(store, path)
    assert memory.objects == {"key": DATA[1:]}
    assert ["id-0" in record.message for record in caplog.records if record.levelname == "WARNING"] == [True]


async def test_parts_that_can_not_be_listed(memory: MemoryStore, store: RetryingStore, path: Path) -> None:
    """Where the parts can't be asked for, that is the call's error, and nothing is lost."""
    await fail(memory, store, path)
    memory.fail("call", BucketAccessDenied("you may not"), 1)
    with pytest.raises(BucketAccessDenied):
        await upload(store, path)
    assert len(memory.uploads) == 1
    await upload(store, path)
    assert (memory.count("create_upload"), memory.objects) == (0, {"key": DATA})


@pytest.mark.parametrize(
    ("error", "is_kept"),
    [(PreconditionFailed("no"), False), (NoSuchKey("no"), False), (PreconditionFailed("wait", retryable=True), True)],
)
async def test_a_condition_that_does_not_hold(
    error: BucketException, memory: MemoryStore, store: RetryingStore, path: Path, state: Path, *, is_kept: bool
) -> None:
    """Where a condition does not hold, nothing is kept; where that may pass, all is."""
    memory.objects["key"] = b"old"
    memory.fail("complete_upload", error)
    old = await store.head(GetRequest(BUCKET, "key"))
    told: list[events.Event] = []
    with events.on_event(told.append), pytest.raises(type(error)):
        await upload(store, path, PutOptions(if_match=old.etag))
    aborted = [(e.upload_id, e.error, e.left) for e in told if isinstance(e, events.TransferAborted)]
    assert aborted == ([] if is_kept else [("id-0", error, False)])
    assert (len(memory.uploads), await noted(state)) == ((1, 1) if is_kept else (0, 0))


async def test_a_condition_that_the_vendor_overlooks(memory: MemoryStore, path: Path, state: Path) -> None:
    """A condition that the vendor is known to overlook is refused before anything is sent."""
    store = RetryingStore(memory, Settings(part_size=10), _vendors.CEPH)
    with pytest.raises(InvalidInput):
        await upload(store, path, PutOptions(if_absent=True))
    assert (memory.calls, await noted(state)) == ([], 0)


async def test_a_source_that_changes(memory: MemoryStore, store: RetryingStore, path: Path) -> None:
    """A file that changes while it is read is not stored; the next call begins anew."""
    gate = memory.hold("upload_part", 10)
    task = asyncio.ensure_future(upload(store, path))
    await gate.reached.wait()
    await asyncio.to_thread(path.write_bytes, DATA[:-1])
    gate.open.set()
    with pytest.raises(IntegrityError, match="changed"):
        await task
    assert memory.objects == {}
    await upload(store, path)
    assert memory.objects == {"key": DATA[:-1]}
    assert (memory.count("create_upload"), memory.uploads) == (2, {})


# Completed, and nobody knew


class Deaf(MemoryStore):
    """A store that completes, and then the answer is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.lost: list[Exception] = []
        self.late = False

    async def complete_upload(self, upload: Upload, parts: Sequence[Part], options: PutOptions) -> Written:
        if not self.lost:
            return await super().complete_upload(upload, parts, options)
        if not self.late and upload.upload_id in self.uploads:
            await super().complete_upload(upload, parts, options)
        raise self.lost.pop(0)


LOST = BucketTimeout("no answer", retryable=True)
GONE = UnknownBucketException("gone", error_code="NoSuchUpload")


@pytest.mark.parametrize("answers", [[LOST, GONE], [LOST, LOST, LOST], [LOST, KeyAlreadyExists("there is one")]])
async def test_lost_answers(answers: list[Exception], store: RetryingStore, path: Path, state: Path) -> None:
    """An upload that was completed, though no answer said so, has succeeded."""
    store._store = memory = Deaf()
    memory.lost = answers[:]
    info = await upload(store, path)
    assert (info.size, memory.objects, await noted(state)) == (95, {"key": DATA}, 0)


@pytest.mark.parametrize("head", [None, LOST])
async def test_lost_requests(head: Exception | None, store: RetryingStore, path: Path) -> None:
    """An upload of which nobody knows whether it will be completed yet is not aborted: a later call finds out."""
    store._store = memory = Deaf()
    memory.lost, memory.late = [LOST, LOST, LOST], True
    if head is not None:
        memory.fail("stored", head)
    with pytest.raises(BucketTimeout):
        await upload(store, path)
    del memory.calls[:]
    await upload(store, path)
    assert (memory.count("upload_part"), memory.count("abort_upload"), memory.objects) == (0, 0, {"key": DATA})


def token(memory: MemoryStore) -> str:
    """Return the token of the object."""
    return memory.written["key"].token or ""


COMPLETED = ["is there", "is gone", "is another's", "is of another length"]


@pytest.mark.parametrize("state_of_it", COMPLETED)
async def test_completed(
    state_of_it: str, memory: MemoryStore, store: RetryingStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upload that was completed, but not noted to be, has succeeded if the object is known by its token."""
    clear = _kept.Journal.clear

    def killed(journal: _kept.Journal) -> None:
        if "complete_upload" in memory.calls:
            raise KeyboardInterrupt
        clear(journal)

    with monkeypatch.context() as patch:
        patch.setattr(_kept.Journal, "clear", killed)
        with pytest.raises(KeyboardInterrupt):
            await upload(store, path, PutOptions({"ContentType": "a/b"}))
    assert len(token(memory)) == 32
    if state_of_it == "is gone":
        memory.objects.clear()
    elif state_of_it != "is there":
        own = "another" if "another's" in state_of_it else token(memory)
        memory.written["key"] = Stored(Written("another"), 5, own)
    del memory.calls[:]
    told: list[Progress] = []
    info = await upload(store, path, PutOptions({"ContentType": "a/b"}), told.append)
    done = state_of_it == "is there"
    assert memory.count("upload_part") == (0 if done else 10)
    assert told[0] == Progress("key", 95 if done else 0, 95)
    assert (info.etag, info.content_type, info.metadata) == ("whole-etag", "a/b", {})
    assert memory.objects == {"key": DATA}


async def test_no_room_for_a_token(memory: MemoryStore, store: RetryingStore, path: Path) -> None:
    """An object whose metadata has no room for a token isn't known again, and is stored anew."""
    options = PutOptions(metadata={"a": "x" * 2040})
    memory.fail("complete_upload", DENIED, 1)
    for count in (10, 0):
        del memory.calls[:]
        if count:
            with pytest.raises(BucketException):
                await upload(store, path, options)
        else:
            info = await upload(store, path, options)
            assert info.metadata == options.metadata
        memory._errors.clear()
        assert memory.count("upload_part") == count
    memory.fail("complete_upload", DENIED, 1)
    del memory.calls[:]
    with pytest.raises(BucketException):
        await upload(store, path, options)
    memory.uploads.clear()
    await upload(store, path, options)
    assert (memory.count("stored"), memory.count("upload_part")) == (0, 20)


# What the parts are known by


class Keeping(MemoryStore):
    """A store that keeps checksums, and whose etags say nothing, as those of objects under a key of KMS."""

    def __init__(self) -> None:
        super().__init__()
        self.completed: Sequence[Part] = ()
        self.lie: Callable[[dict[str, Any]], None] = lambda part: None

    async def create_upload(self, bucket: str, key: str, options: PutOptions) -> Upload:
        upload = await super().create_upload(bucket, key, options)
        return Upload(bucket, key, upload.upload_id, "FULL_OBJECT")

    async def upload_part(self, upload: Upload, number: int, body: Buffer) -> Part:
        assert upload.checksum == "FULL_OBJECT"
        await super().upload_part(upload, number, body)
        return Part(number, f"part-{number}", len(body), _sums.text(crc(bytes(body))))

    async def complete_upload(self, upload: Upload, parts: Sequence[Part], options: PutOptions) -> Written:
        self.completed = parts
        assert upload.checksum == "FULL_OBJECT"
        return await super().complete_upload(upload, parts, options)

    def _list_parts(self, upload_id: str, after: int) -> dict[str, Any]:
        answer = super()._list_parts(upload_id, after)
        for part in answer["Parts"]:
            body = self.uploads[upload_id][part["PartNumber"]]
            part |= {"ETag": "0" * 32, "ChecksumCRC32": _sums.text(crc(body))}
            self.lie(part)
        return answer


def crc(data: bytes) -> int:
    """Return the CRC32."""
    return zlib.crc32(data)


@pytest.mark.parametrize(
    ("lie", "sent"),
    [
        (lambda _: None, 0),
        (lambda part: part.pop("ChecksumCRC32"), 10),
        (lambda part: part.update(ChecksumCRC32="AAAAAA=="), 10),
    ],
)
async def test_checksums(
    lie: Callable[[dict[str, Any]], None],
    sent: int,
    path: Path,
    memory: MemoryStore,
    store: RetryingStore,
) -> None:
    """Where etags say nothing, a part is known by its CRC32, and sent again where there is none."""
    keeping = Keeping()
    store._store = keeping
    await fail(keeping, store, path, "complete_upload")
    keeping.lie = lie
    await upload(store, path)
    assert keeping.count("upload_part") == sent
    assert keeping.objects == {"key": DATA}
    every = [Part(n, part.etag, part.size, part.crc32) for n, part in enumerate(keeping.completed, 1)]
    assert list(keeping.completed) == every
    cut = [DATA[at : at + 10] for at in range(0, 95, 10)]
    assert [(part.size, part.crc32) for part in every] == [(len(each), _sums.text(crc(each))) for each in cut]


@pytest.mark.parametrize("size", [95, 10])
async def test_notes_that_make_no_sense(
    size: int, memory: MemoryStore, store: RetryingStore, path: Path, state: Path
) -> None:
    """What stands in a journal and makes no sense is overlooked, and gone afterwards."""
    await fail(memory, store, path)
    [journal] = await asyncio.to_thread(lambda: list(state.iterdir()))
    await asyncio.to_thread(journal.write_bytes, b"{}")
    await asyncio.to_thread(path.write_bytes, DATA[:size])
    await upload(store, path)
    assert (memory.objects, await noted(state)) == ({"key": DATA[:size]}, 0)


async def test_gone_in_other_words(memory: MemoryStore, store: RetryingStore, path: Path) -> None:
    """Where the server says of an upload that is gone that there is no such key, as Ceph does, it begins anew, too."""
    await fail(memory, store, path)
    memory.fail("call", NoSuchKey("no key", error_code="NoSuchKey"), 1)
    await upload(store, path)
    assert (memory.count("create_upload"), memory.objects) == (1, {"key": DATA})


async def test_gone_meanwhile(memory: MemoryStore, store: RetryingStore, path: Path) -> None:
    """An upload that somebody aborts while it is sent fails, and the next call begins anew."""
    memory.fail("upload_part", UnknownBucketException("gone", error_code="NoSuchUpload"), 2)
    with pytest.raises(UnknownBucketException):
        await upload(store, path)
    memory.uploads.clear()
    await upload(store, path)
    assert (memory.count("create_upload"), memory.objects) == (2, {"key": DATA})
