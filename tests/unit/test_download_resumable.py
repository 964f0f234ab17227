"""Downloads that go on: whatever has ended them before, and wherever, the file is right in the end."""

# ruff: noqa: D102  # what a store's methods do is said in the protocol

from __future__ import annotations

import asyncio
import random
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from s3_bucket import _sums, _unfinished
from s3_bucket._async import _download_resumable
from s3_bucket._store import GetRequest
from s3_bucket.exceptions import BucketException, IntegrityError
from tests.unit.memory import BUCKET, MemoryStore, cancelled_twice, is_idle, opener, retrying

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from s3_bucket._async._retry import RetryingStore
    from s3_bucket._models import ObjectInfo, Progress, ProgressCallback
    from s3_bucket._store import Arrival

DATA = bytes(range(95))
REQUEST = GetRequest(BUCKET, "key")
DENIED = BucketException("denied")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a file that is there."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    return path


async def download(store: RetryingStore, path: Path, progress: ProgressCallback | None = None) -> ObjectInfo:
    """Download the key "key"."""
    return await _download_resumable.download_file(opener(store), REQUEST, path, progress)


def left(path: Path) -> tuple[bytes, int]:
    """Return what the file holds and how many files are beside it."""
    return path.read_bytes(), len(list(path.parent.iterdir())) - 1


async def test_any_failure(memory: MemoryStore, store: RetryingStore, path: Path) -> None:
    """After a failure, what has arrived stays beside the file, and is not fetched again."""
    memory.objects["key"] = DATA
    memory.fail("get", DENIED, 6)
    with pytest.raises(BucketException) as caught:
        await download(store, path)
    assert caught.value is DENIED
    assert await asyncio.to_thread(left, path) == (b"old", 2)
    assert is_idle(store)
    del memory.calls[:]
    memory._errors.clear()
    told: list[Progress] = []
    info = await download(store, path, told.append)
    there = told[0].done
    assert there >= 30
    assert (memory.count("head"), memory.count("get")) == (1, -(-(95 - there) // 10))
    assert await asyncio.to_thread(left, path) == (DATA, 0)
    assert info.size == 95
    assert is_idle(store)


@pytest.mark.parametrize("seed", range(20))
async def test_failures_and_faults(seed: int, memory: MemoryStore, path: Path) -> None:
    """However often it fails, and whatever happens to part and object meanwhile, the file is right in the end."""
    chance = random.Random(seed)  # noqa: S311  # no secret
    memory.objects["key"] = DATA

    def crash() -> None:
        for each in path.parent.glob(".file.*"):
            content = bytearray(each.read_bytes())
            if chance.random() < 0.3 and content:
                at = chance.randrange(len(content))
                content[at : at + chance.randint(0, 3)] = chance.choice([b"", b"\0", b"\n", b"12 3"])
                each.write_bytes(content)

    for _ in range(100):
        store = retrying(memory, part_size=chance.choice([7, 10, 13, 200]))
        del memory.calls[:]
        memory._errors.clear()
        memory.fail("get", DENIED, chance.randint(1, 8))
        if chance.random() < 0.1:
            memory.objects["key"] = chance.choice([DATA, DATA[::-1], b"", DATA[:50]])
        try:
            await download(store, path)
        except BucketException:
            assert await asyncio.to_thread(path.read_bytes) == b"old"
            await asyncio.to_thread(crash)
        else:
            assert await asyncio.to_thread(left, path) == (memory.objects["key"], 0)
            await asyncio.to_thread(path.write_bytes, b"old")
        assert is_idle(store)


@pytest.mark.parametrize("turns", range(0, 120, 4))
async def test_cancelled_at_any_time(turns: int, memory: MemoryStore, store: RetryingStore, path: Path) -> None:
    """Cancelled after any number of the loop's turns, and once more, a download is gone on with by the same call."""
    memory.objects["key"] = DATA
    task = await cancelled_twice(turns, download(store, path))
    content, _ = await asyncio.to_thread(left, path)
    assert content in ({b"old", DATA} if task.cancelled() else {DATA})
    assert is_idle(store)
    await download(store, path)
    assert await asyncio.to_thread(left, path) == (DATA, 0)
    assert is_idle(store)


async def test_replaced_meanwhile(memory: MemoryStore, store: RetryingStore, path: Path) -> None:
    """An object that is replaced while it is fetched is an error that says so; the next call fetches the new one."""
    memory.objects["key"] = DATA
    gate = memory.hold("get", 4)
    task = asyncio.ensure_future(download(store, path))
    await gate.reached.wait()
    memory.objects["key"] = DATA[::-1]
    gate.open.set()
    with pytest.raises(IntegrityError, match="replaced"):
        await task
    await download(store, path)
    assert await asyncio.to_thread(left, path) == (DATA[::-1], 0)


class Keeping(MemoryStore):
    """A store that keeps the CRC32 of whole objects, and tells it to those who ask for all of it."""

    def __init__(self) -> None:
        super().__init__()
        self.crc32 = _sums.text(zlib.crc32(DATA))

    async def get(self, request: GetRequest, arrival: Arrival) -> None:
        await super().get(request, arrival)
        if request.range is None:
            piece = arrival.whole()
            arrival.piece = piece._replace(info=replace(piece.info, checksums={"CRC32": self.crc32}))


async def test_checksum_of_the_whole(memory: MemoryStore, store: RetryingStore, path: Path) -> None:
    """What has arrived by and by is compared with the checksum of the whole, which the first answer has told."""
    keeping = Keeping()
    store._store = keeping
    keeping.objects["key"] = DATA
    for crc32, wanted in ((keeping.crc32, DATA), ("AAAAAA==", b"old")):
        await asyncio.to_thread(path.write_bytes, b"old")
        keeping.crc32 = crc32
        keeping.fail("get", DENIED, 5)
        with pytest.raises(BucketException, match="denied"):
            await download(store, path)
        keeping._errors.clear()
        if wanted is DATA:
            info = await download(store, path)
            assert info.checksums == {"CRC32": crc32}
        else:
            with pytest.raises(IntegrityError, match="CRC32"):
                await download(store, path)
        assert await asyncio.to_thread(left, path) == (wanted, 0)
        del keeping.calls[:]


async def test_another_place(memory: MemoryStore, store: RetryingStore, path: Path) -> None:
    """What has arrived from elsewhere is not used, though it have the same name and etag."""
    memory.objects["key"] = DATA
    memory.fail("get", DENIED, 5)
    with pytest.raises(BucketException):
        await download(store, path)
    memory._errors.clear()
    store.endpoint_url = "https://elsewhere"
    del memory.calls[:]
    await download(store, path)
    assert (memory.count("head"), memory.count("get")) == (0, 10)
    assert await asyncio.to_thread(left, path) == (DATA, 0)


async def test_what_is_missing_is_not_listed(
    memory: MemoryStore, store: RetryingStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ranges are made as they are asked for: of 8 EiB, a list of them would fill the memory."""
    memory.objects["key"] = bytes(10_000)
    memory.fail("get", DENIED, 2)
    made: list[tuple[int, int]] = []

    def missing(*arguments: Any) -> Iterator[tuple[int, int]]:
        for each in ranges(*arguments):
            made.append(each)
            yield each

    ranges = _unfinished.missing
    monkeypatch.setattr(_unfinished, "missing", missing)
    with pytest.raises(BucketException):
        await download(store, path)
    assert 1 <= len(made) <= 2 * store.max_concurrency
