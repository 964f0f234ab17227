"""Bulk calls: an outcome for every item, bounded, and nothing left when they are stopped."""

# ruff: noqa: ASYNC110, PERF401, PT012  # what is waited for is the state of a private room, which tells nobody

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from s3_bucket._async import _bulk
from s3_bucket._async._batches import BatchIterator
from s3_bucket._models import GetResult, ObjectInfo, Result
from s3_bucket.exceptions import InvalidInput, NoSuchKey
from tests.unit.memory import BUCKET, MemoryStore, is_idle, opener

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from s3_bucket._async._retry import RetryingStore


class Work:
    """What is done for each item; it can be held."""

    def __init__(self) -> None:
        self.running = self.most = self.begun = 0
        self.go = asyncio.Event()
        self.go.set()

    async def get(self, key: str) -> GetResult:
        """Get what is there if its key doesn't begin with "bad"."""
        self.begun += 1
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(0)
            await self.go.wait()
            if key.startswith("bad"):
                raise NoSuchKey(key, key=key)
            return GetResult(key.encode(), ObjectInfo(key, 1, "e"))
        finally:
            self.running -= 1

    async def put(self, key: str, data: Any, *, progress: Any = None) -> ObjectInfo:
        """Put anything whose key doesn't begin with "bad"."""
        assert progress is None
        if isinstance(data, BaseException):
            raise data
        return (await self.get(key)).info


async def async_keys(count: int) -> AsyncIterator[str]:
    """Give keys."""
    for number in range(count):
        yield str(number)


def sync_keys(count: int) -> Iterator[str]:
    """Give keys."""
    yield from map(str, range(count))


@pytest.mark.parametrize("count", [0, 1, 3, 50])
@pytest.mark.parametrize("make", [async_keys, sync_keys, lambda count: [str(n) for n in range(count)]])
async def test_every_item(make: Any, count: int, store: RetryingStore) -> None:
    """Every item of any iterable has its outcome, once, with its place."""
    results = [result async for result in BatchIterator(_bulk.get_many(opener(store), Work().get, make(count), None))]
    assert sorted((result.index, result.key, result.value) for result in results) == [
        (n, str(n), str(n).encode()) for n in range(count)
    ]
    assert is_idle(store)


class OneByOne:
    """An async iterator that is no generator."""

    def __init__(self) -> None:
        self._left = list("abc")

    def __aiter__(self) -> OneByOne:
        return self

    async def __anext__(self) -> str:
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop()


async def test_an_iterator_of_ones_own(store: RetryingStore) -> None:
    """An async iterator need not be a generator."""
    results = [r async for r in BatchIterator(_bulk.get_many(opener(store), Work().get, OneByOne(), None))]
    assert sorted(result.key for result in results) == ["a", "b", "c"]


@pytest.mark.parametrize("at_once", [None, 1, 7, 100])
async def test_bounded(at_once: int | None, store: RetryingStore) -> None:
    """So many at a time, and max_concurrency if nothing else is said."""
    work = Work()
    work.go.clear()
    results = BatchIterator(_bulk.get_many(opener(store), work.get, sync_keys(60), at_once))
    first = asyncio.ensure_future(anext(results))
    while work.running < min(at_once or 3, 60):
        await asyncio.to_thread(lambda: None)
    work.go.set()
    await first
    assert len([result async for result in results]) == 59
    assert work.most == min(at_once or 3, 60)


async def test_nobody_takes_them(store: RetryingStore) -> None:
    """Outcomes that nobody takes hold up the work: they don't pile up."""
    work = Work()
    results = _bulk.get_many(opener(store), work.get, sync_keys(1_000), None)
    await anext(results)
    for _ in range(200):
        await asyncio.to_thread(lambda: None)
    assert work.begun <= 1 + 1 + 3 + 3
    await results.aclose()
    assert is_idle(store)


async def test_failures_are_outcomes(store: RetryingStore) -> None:
    """A failed item raises nothing, and stops no other."""
    results = [r async for r in BatchIterator(_bulk.get_many(opener(store), Work().get, ["a", "bad", "b"], None))]
    assert {result.key: type(result.error) for result in results} == {
        "a": type(None),
        "bad": NoSuchKey,
        "b": type(None),
    }


BAD_ITEMS = [5, None, (), ("key",), ("key", b"1", 3), "x", object()]


@pytest.mark.parametrize("item", BAD_ITEMS)
async def test_items_that_are_no_pairs(item: Any, store: RetryingStore) -> None:
    """An item that is no pair is refused, and stops no other."""
    work = Work()
    items = [item, (__file__, "b")]
    for outcomes in (
        _bulk.put_many(opener(store), work.put, items, None),
        _bulk.upload_files(opener(store), BUCKET, items, None),
        _bulk.download_files(opener(store), work.put, items, None),
    ):
        results = [r async for r in BatchIterator(outcomes)]
        failed, done = sorted(results, key=lambda result: result.index)
        assert isinstance(failed.error, InvalidInput)
        assert isinstance(failed.key, str)
        assert done.ok


async def test_what_the_work_raises_is_the_error(store: RetryingStore) -> None:
    """Whatever goes wrong for an item is its error, as it was raised: also a ValueError of the user's own data."""
    for error in (ValueError("my own"), TypeError("my own"), KeyError("my own"), OSError("disk")):
        results = [r async for r in BatchIterator(_bulk.put_many(opener(store), Work().put, [("a", error)], None))]
        assert [(result.key, result.error) for result in results] == [("a", error)]


async def test_where_the_key_stands(store: RetryingStore) -> None:
    """The outcome of a file names the object's key, wherever it stands in the pair."""
    files = [("missing", "bad"), (__file__, "a")]
    up = [r async for r in BatchIterator(_bulk.upload_files(opener(store), BUCKET, files, 1))]
    down = [r async for r in BatchIterator(_bulk.download_files(opener(store), Work().put, [("bad", "path")], 1))]
    assert [result.key for result in up + down] == ["bad", "a", "bad"]


@pytest.mark.parametrize("value", ["text", b"bytes", 5, None])
def test_no_iterables(value: Any) -> None:
    """What is no iterable of items is refused at once; a text is not an iterable of its letters."""
    with pytest.raises(InvalidInput, match=r"^keys: "):
        _bulk.get_many(None, None, value, None)  # type: ignore[arg-type]


class Broken(Exception):  # noqa: N818  # it is the user's
    """What a user's iterable raises."""


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_an_iterable_that_raises(kind: str, store: RetryingStore) -> None:
    """What the iterable raises is raised, when all items before have had their outcomes."""

    def broken() -> Iterator[str]:
        yield from "abcde"
        raise Broken

    async def async_broken() -> AsyncIterator[str]:
        for key in "abcde":
            yield key
        raise Broken

    results: list[Result[bytes]] = []
    with pytest.raises(Broken):
        async for result in BatchIterator(
            _bulk.get_many(opener(store), Work().get, broken() if kind == "sync" else async_broken(), None)
        ):
            results.append(result)
    assert sorted(result.key for result in results) == list("abcde")
    assert is_idle(store)


async def test_a_cancelled_error_of_somebody_elses(store: RetryingStore) -> None:
    """A CancelledError out of an iterable or an item's data ends the iteration; it never waits for ever."""

    async def keys() -> AsyncIterator[str]:
        yield "a"
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        async for _ in BatchIterator(_bulk.get_many(opener(store), Work().get, keys(), 2)):
            pass
    with pytest.raises(asyncio.CancelledError):
        async for _ in BatchIterator(
            _bulk.put_many(opener(store), Work().put, [("a", asyncio.CancelledError()), ("b", b"1")], 1)
        ):
            pass
    assert is_idle(store)


async def test_left_early(store: RetryingStore) -> None:
    """Closed early, what runs is cancelled and awaited, and the items' own generator is closed."""
    work, closed = Work(), []

    async def keys() -> AsyncIterator[str]:
        try:
            for number in range(1_000):
                yield str(number)
        finally:
            closed.append(True)

    results = BatchIterator(_bulk.get_many(opener(store), work.get, keys(), None))
    await anext(results)
    work.go.clear()
    for _ in range(20):
        await asyncio.sleep(0)
    await results.aclose()
    assert work.running == 0
    assert closed
    assert is_idle(store)


async def test_cancelled(store: RetryingStore) -> None:
    """Cancelled while it waits for an outcome, all that runs is cancelled and awaited."""
    work = Work()
    work.go.clear()
    results = BatchIterator(_bulk.get_many(opener(store), work.get, sync_keys(100), None))
    task = asyncio.ensure_future(anext(results))
    while work.running < 3:
        await asyncio.to_thread(lambda: None)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.running == 0
    assert is_idle(store)


async def test_forgotten(store: RetryingStore) -> None:
    """An iteration that is broken off and dropped stops by itself."""
    work = Work()
    async for _ in BatchIterator(_bulk.get_many(opener(store), work.get, [str(n) for n in range(100)], None)):
        break
    while not is_idle(store):
        await asyncio.sleep(0)
    assert work.running == 0


async def test_delete_many(memory: MemoryStore, store: RetryingStore) -> None:
    """Keys go a thousand to a request, and each has its outcome, in its place, refused ones too."""
    keys: list[Any] = [f"k{n}" for n in range(2_500)]
    keys[7], keys[1_300], keys[2_400] = "odd", "", 5
    results = [r async for r in BatchIterator(_bulk.delete_many(opener(store), BUCKET, keys, None))]
    assert memory.calls == ["delete_batch"] * 3
    assert [result.index for result in sorted(results, key=lambda r: r.index)] == list(range(2_500))
    assert {result.index: type(result.error) for result in results if not result.ok} == {
        7: NoSuchKey,
        1_300: InvalidInput,
        2_400: InvalidInput,
    }
    assert is_idle(store)


async def test_delete_many_of_full_batches(memory: MemoryStore, store: RetryingStore) -> None:
    """Where the keys just fill their requests, none is sent in vain."""
    results = [r async for r in BatchIterator(_bulk.delete_many(opener(store), BUCKET, sync_keys(2_000), None))]
    assert (len(results), memory.calls) == (2_000, ["delete_batch"] * 2)


async def test_delete_many_of_nothing_good(memory: MemoryStore, store: RetryingStore) -> None:
    """Where all keys are refused nothing is sent."""
    results = [r async for r in BatchIterator(_bulk.delete_many(opener(store), BUCKET, ["", ".."], None))]
    assert [type(result.error) for result in results] == [InvalidInput] * 2
    assert memory.calls == []


async def test_delete_many_of_odd_keys(memory: MemoryStore, store: RetryingStore) -> None:
    """Keys that XML has no word for are deleted one by one, and each has its outcome."""
    memory.fail("delete", NoSuchKey("no"), 2)
    keys = ["a", "b\x01", "c\x02", "d\ufffe", "e"]
    results = [r async for r in BatchIterator(_bulk.delete_many(opener(store), BUCKET, keys, None))]
    assert [(result.key, result.ok) for result in results] == [(key, key != "c\x02") for key in keys]
    assert (memory.count("delete"), memory.count("delete_batch")) == (3, 1)


async def test_delete_many_that_fails(memory: MemoryStore, store: RetryingStore) -> None:
    """When a request fails, its keys have failed, and those of the others have not."""
    memory.fail("delete_batch", NoSuchKey("no"), 1)
    results = [r async for r in BatchIterator(_bulk.delete_many(opener(store), BUCKET, sync_keys(1_500), 1))]
    assert sum(not result.ok for result in results) == 1_000
    assert len(results) == 1_500


async def test_delete_many_left_early(memory: MemoryStore, store: RetryingStore) -> None:
    """Closed early, a deletion is cancelled."""
    gate = memory.hold("delete_batch", 2)
    results = BatchIterator(_bulk.delete_many(opener(store), BUCKET, async_keys(5_000), 2))
    await anext(results)
    await gate.reached.wait()
    await results.aclose()
    assert memory.running == 0
    assert is_idle(store)


async def test_a_store_that_does_not_open() -> None:
    """Where the store can't be opened, that is raised."""

    async def no_store() -> RetryingStore:
        raise NoSuchKey("no store")

    with pytest.raises(NoSuchKey, match="no store"):
        await anext(_bulk.get_many(no_store, Work().get, ["a"], None))
