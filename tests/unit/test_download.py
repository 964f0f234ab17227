"""Downloads: whole, of one version, and the old file stays until then."""

from __future__ import annotations

import asyncio
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from s3_bucket._async import _download
from s3_bucket._async._buffers import whole
from s3_bucket._plan import MIB
from s3_bucket._store import GetRequest
from s3_bucket.exceptions import BucketException, IntegrityError, InvalidInput, NoSuchKey, PreconditionFailed, Throttled
from tests.unit.memory import BUCKET, MemoryStore, cancelled_twice, is_idle, opener, retrying

if TYPE_CHECKING:
    from pathlib import Path

    from s3_bucket._async._retry import RetryingStore
    from s3_bucket._models import ByteRange

DATA = bytes(range(95))
REQUEST = GetRequest(BUCKET, "key")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a file that is there."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    return path


def left(path: Path) -> tuple[bytes, int]:
    """Return what the file holds and how many files are beside it."""
    return path.read_bytes(), len(list(path.parent.iterdir())) - 1


@pytest.mark.parametrize("length", [0, 1, 9, 10, 11, 20, 95])
async def test_any_length(length: int, memory: MemoryStore, store: RetryingStore, path: Path) -> None:
    """Any length arrives, into memory and into a file."""
    memory.objects["key"] = DATA[:length]
    got = await _download.get(store, REQUEST)
    assert (got.data, got.metadata, got.info.size) == (DATA[:length], {"owner": "me"}, length)
    info = await _download.download_file(opener(store), REQUEST, path)
    assert await asyncio.to_thread(left, path) == (DATA[:length], 0)
    assert info.size == length
    assert memory.count("head") == 0
    assert is_idle(store)


@pytest.mark.parametrize(
    "given", [(0, 95), (0, 1), (3, 40), (90, None), (0, None), (-1, None), (-95, None), (-200, None), (50, 500)]
)
async def test_any_range(given: ByteRange, memory: MemoryStore, store: RetryingStore) -> None:
    """A range is what a slice is."""
    memory.objects["key"] = DATA
    got = await _download.get(store, GetRequest(BUCKET, "key", given))
    assert got.data == DATA[given[0] : given[1]]
    assert got.info.size == 95


async def test_held_once(memory: MemoryStore) -> None:
    """What is fetched into memory takes its own length of it: no copy of all of it is made."""
    memory.objects["key"] = data = b"1234" * (4 * MIB)
    store = retrying(memory, part_size=MIB)
    tracemalloc.start()
    try:
        got = await _download.get(store, GetRequest(BUCKET, "key"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert got.data == data
    assert peak < 1.5 * len(data)


def test_more_than_there_is() -> None:
    """What no computer can hold is a MemoryError, whoever announces it."""
    with pytest.raises(MemoryError):
        whole(2**63 - 1)
    assert whole(3).getvalue() == bytes(3)


async def test_a_range_beyond_the_end(memory: MemoryStore, store: RetryingStore, path: Path) -> None:
    """A range beyond the end is refused; only without one an empty object is no error."""
    memory.objects["key"] = b""
    for given in ((0, 5), (-5, None)):
        with pytest.raises(InvalidInput):
            await _download.first_piece(store, GetRequest(BUCKET, "key", given), 10)
    memory.fail("get", InvalidInput("another reason", status=400))
    with pytest.raises(InvalidInput, match="another reason"):
        await _download.download_file(opener(store), REQUEST, path)


async def test_ranges_go_in_parallel(memory: MemoryStore, store: RetryingStore) -> None:
    """After the first answer, as many ranges are on their way as may be."""
    memory.objects["key"] = DATA
    gates = [memory.hold("get", number) for number in (2, 3, 4)]
    task = asyncio.ensure_future(_download.get(store, REQUEST))
    for gate in gates:
        await gate.reached.wait()
    assert memory.running == 3
    for gate in gates:
        gate.open.set()
    assert (await task).data == DATA
    assert memory.most == 3


@pytest.mark.parametrize("call", [1, 2, 5, 10])
async def test_failed(call: int, memory: MemoryStore, store: RetryingStore, path: Path) -> None:
    """When a range fails for good, none goes on, and the old file stays."""
    memory.objects["key"] = DATA
    memory.fail("get", NoSuchKey("gone"), call)
    with pytest.raises(NoSuchKey):
        await _download.download_file(opener(store), REQUEST, path)
    assert memory.running == 0
    assert await asyncio.to_thread(left, path) == (b"old", 0)
    assert is_idle(store)


async def test_throttled(memory: MemoryStore, store: RetryingStore, path: Path) -> None:
    """A range that is throttled is asked for again, and nothing else is."""
    memory.objects["key"] = DATA
    memory.fail("get", Throttled("slow down", retryable=True), 1, 4, 7)
    await _download.download_file(opener(store), REQUEST, path)
    assert await asyncio.to_thread(left, path) == (DATA, 0)
    assert memory.count("get") == 10 + 3


async def test_replaced_meanwhile(memory: MemoryStore, store: RetryingStore, path: Path) -> None:
    """An object that is replaced between two ranges is an IntegrityError that says so."""
    memory.objects["key"] = DATA
    gate = memory.hold("get", 2)
    task = asyncio.ensure_future(_download.download_file(opener(store), REQUEST, path))
    await gate.reached.wait()
    memory.objects["key"] = DATA[::-1]
    gate.open.set()
    with pytest.raises(IntegrityError, match="replaced") as caught:
        await task
    assert isinstance(caught.value.__cause__, PreconditionFailed)
    assert (caught.value.bucket, caught.value.key, caught.value.retryable) == (BUCKET, "key", True)
    assert await asyncio.to_thread(left, path) == (b"old", 0)


@pytest.mark.parametrize("call", [1, 2, 6])
async def test_cancelled_at_a_request(call: int, memory: MemoryStore, store: RetryingStore, path: Path) -> None:
    """Cancelled while a range is on its way, a download leaves no temporary file and no task."""
    memory.objects["key"] = DATA
    gate = memory.hold("get", call)
    task = asyncio.ensure_future(_download.download_file(opener(store), REQUEST, path))
    await gate.reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(left, path) == (b"old", 0)
    assert is_idle(store)


@pytest.mark.parametrize("turns", range(0, 120, 4))
async def test_cancelled_at_any_time(turns: int, memory: MemoryStore, store: RetryingStore, path: Path) -> None:
    """Cancelled after any number of the loop's turns, a download has replaced the file, or left it as it was."""
    memory.objects["key"] = DATA
    task = await cancelled_twice(turns, _download.download_file(opener(store), REQUEST, path))
    data, beside = await asyncio.to_thread(left, path)
    assert data == (b"old" if task.cancelled() else DATA) or data == DATA
    assert beside == 0
    assert is_idle(store)


async def test_a_destination_that_cannot_be_written(memory: MemoryStore, store: RetryingStore, tmp_path: Path) -> None:
    """A missing directory is found before anything is fetched."""
    memory.objects["key"] = DATA
    with pytest.raises(FileNotFoundError):
        await _download.download_file(opener(store), REQUEST, tmp_path / "no" / "file")
    assert memory.calls == []


async def test_one_budget_of_memory(memory: MemoryStore, tmp_path: Path) -> None:
    """However many downloads there are, max_concurrency parts are in memory."""
    store = retrying(memory, max_concurrency=2)
    memory.objects["key"] = DATA
    await asyncio.gather(
        *(_download.download_file(opener(store), REQUEST, tmp_path / str(number)) for number in range(5))
    )
    assert memory.most == 2
    assert is_idle(store)


async def test_several_failures_are_one(memory: MemoryStore, store: RetryingStore) -> None:
    """When several ranges fail, one error is raised, and the others are not forgotten by asyncio."""
    memory.objects["key"] = DATA
    memory.fail("get", BucketException("no"), 2, 3, 4)
    with pytest.raises(BucketException, match="no"):
        await _download.get(store, REQUEST)
    assert is_idle(store)
