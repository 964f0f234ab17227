"""Readers: what a file does, by ranges of one version."""

from __future__ import annotations

import asyncio
import io
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_bucket import _plan
from s3_bucket._async.reader import open_reader
from s3_bucket._store import GetRequest
from s3_bucket.exceptions import BucketException, IntegrityError, InvalidInput
from tests.unit.memory import BUCKET, SMALL_UNITS, MemoryStore, is_idle, opener, retrying

if TYPE_CHECKING:
    from s3_bucket._async._retry import RetryingStore

DATA = bytes(range(200))
REQUEST = GetRequest(BUCKET, "key")
FAILED = BucketException("failed")


async def test_chunks(memory: MemoryStore, store: RetryingStore) -> None:
    """Iterating gives all, in chunks, the last one shorter."""
    memory.objects["key"] = DATA[:10]
    async with open_reader(opener(store), REQUEST) as reader:
        assert [len(chunk) async for chunk in reader] == [4, 4, 2]
        assert await reader.read() == b""
        assert await reader.read(5) == b""
        assert reader.info.size == 10
    assert is_idle(store)


async def test_pieces_grow(memory: MemoryStore, store: RetryingStore) -> None:
    """Read one after another, pieces double up to the part's size, and the next is on its way."""
    memory.objects["key"] = DATA
    async with open_reader(opener(store), REQUEST) as reader:
        assert await reader.read(5) == DATA[:5]
        await asyncio.sleep(0)
        assert memory.ranges == [None, (4, 12), (12, 20)]
        assert await reader.read(20) == DATA[5:25]
        assert memory.ranges[3:4] == [(20, 30)]
    assert is_idle(store)


async def test_a_seek_drops_what_was_on_its_way(memory: MemoryStore, store: RetryingStore) -> None:
    """After a seek, reading begins anew with a small piece, and the old one is cancelled."""
    memory.objects["key"] = DATA
    async with open_reader(opener(store), REQUEST) as reader:
        gate = memory.hold("get", 3)
        await reader.read(5)
        await gate.reached.wait()
        await reader.seek(100)
        assert await reader.read(2) == DATA[100:102]
        assert memory.ranges[-1] == (100, 104)
        assert memory.running == 0
    assert is_idle(store)


async def test_all_that_is_left_comes_in_parallel(memory: MemoryStore, store: RetryingStore) -> None:
    """read() without a length fetches what is left in parallel ranges."""
    memory.objects["key"] = DATA
    async with open_reader(opener(store), REQUEST) as reader:
        assert await reader.read(1) == DATA[:1]
        assert await reader.read() == DATA[1:]
    assert memory.most == 3
    assert is_idle(store)


async def test_all_that_is_left_after_a_prefetch(memory: MemoryStore, store: RetryingStore) -> None:
    """read() without a length drops what was on its way."""
    memory.objects["key"] = DATA
    async with open_reader(opener(store), REQUEST) as reader:
        assert await reader.read(5) == DATA[:5]
        assert await reader.read() == DATA[5:]
    assert is_idle(store)


async def test_cancelled_it_stands_where_it_stood(memory: MemoryStore, store: RetryingStore) -> None:
    """A read that is cancelled has read nothing; the next one gives the same bytes."""
    memory.objects["key"] = DATA
    async with open_reader(opener(store), REQUEST) as reader:
        for call in (2, 5):
            before = await reader.tell()
            gate = memory.hold("get", call)
            task = asyncio.ensure_future(reader.read(19))
            await gate.reached.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await reader.tell() == before
            gate.open.set()
            assert await reader.read(19) == DATA[before : before + 19]
    assert is_idle(store)


async def test_cancelled_and_gone_elsewhere(memory: MemoryStore, store: RetryingStore) -> None:
    """What a cancelled read has left on its way does not pass for the bytes of another place."""
    memory.objects["key"] = DATA
    async with open_reader(opener(store), REQUEST) as reader:
        await reader.seek(100)
        gate = memory.hold("get", 2)
        task = asyncio.ensure_future(reader.read(2))
        await gate.reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.open.set()
        await reader.seek(4)  # where the first piece ends
        assert await reader.read(2) == DATA[4:6]
    assert is_idle(store)


async def test_a_cancellation_is_never_lost(memory: MemoryStore, store: RetryingStore) -> None:
    """A read that is cancelled while it drops what was on its way is cancelled."""
    memory.objects["key"] = DATA
    async with open_reader(opener(store), REQUEST) as reader:
        await reader.read(5)
        await reader.seek(100)
        task = asyncio.ensure_future(reader.read(2))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert is_idle(store)


async def test_a_failed_prefetch_is_told_once(memory: MemoryStore, store: RetryingStore) -> None:
    """A piece that failed on its way is raised by the read that wants it; the next read tries again."""
    memory.objects["key"] = DATA
    memory.fail("get", FAILED, 3)
    async with open_reader(opener(store), REQUEST) as reader:
        assert await reader.read(5) == DATA[:5]
        assert await reader.read(7) == DATA[5:12]
        with pytest.raises(BucketException):
            await reader.read(3)
        assert await reader.read(3) == DATA[12:15]
    assert is_idle(store)


async def test_a_failed_prefetch_nobody_wants(memory: MemoryStore, store: RetryingStore) -> None:
    """A piece that failed on its way and is wanted by nobody is forgotten."""
    memory.objects["key"] = DATA
    memory.fail("get", FAILED, 3)
    async with open_reader(opener(store), REQUEST) as reader:
        assert await reader.read(5) == DATA[:5]
        for _ in range(9):
            await asyncio.sleep(0)
    assert is_idle(store)


async def test_replaced_meanwhile(memory: MemoryStore, store: RetryingStore) -> None:
    """An object that is replaced since the opening is an IntegrityError."""
    memory.objects["key"] = DATA
    async with open_reader(opener(store), REQUEST) as reader:
        memory.objects["key"] = DATA[::-1]
        assert await reader.read(4) == DATA[:4]
        with pytest.raises(IntegrityError):
            await reader.read(1)


async def test_closed(memory: MemoryStore, store: RetryingStore) -> None:
    """A closed reader refuses, as a closed file does."""
    memory.objects["key"] = DATA
    async with open_reader(opener(store), REQUEST) as reader:
        await reader.aclose()
        for call in (reader.read(1), reader.seek(0)):
            with pytest.raises(ValueError, match="closed"):
                await call


@pytest.mark.parametrize(("offset", "whence"), [(-1, os.SEEK_SET), (-1, os.SEEK_CUR), (-201, os.SEEK_END), (0, 7)])
async def test_seeks_that_cannot_be(offset: int, whence: int, memory: MemoryStore, store: RetryingStore) -> None:
    """A position before the start, and an unknown whence, are refused, and the reader stays."""
    memory.objects["key"] = DATA
    async with open_reader(opener(store), REQUEST) as reader:
        with pytest.raises(InvalidInput):
            await reader.seek(offset, whence)
        assert await reader.tell() == 0


@pytest.mark.parametrize("given_range", [(0, None), (50, 100), (50, 500), (-30, None), (-500, None), (199, 200)])
async def test_of_a_range(given_range: tuple[int, int | None], memory: MemoryStore, store: RetryingStore) -> None:
    """Positions in the reader of a range count from the range's start, and it ends where the range ends."""
    memory.objects["key"] = DATA
    expected = DATA[given_range[0] : given_range[1]]
    async with open_reader(opener(store), GetRequest(BUCKET, "key", given_range)) as reader:
        assert await reader.read() == expected
        assert await reader.seek(-1, os.SEEK_END) == len(expected) - 1
        assert await reader.read() == expected[-1:]
        assert await reader.seek(0) == 0
        assert b"".join([chunk async for chunk in reader]) == expected


async def test_of_an_empty_object(memory: MemoryStore, store: RetryingStore) -> None:
    """An empty object is read as an empty file is."""
    memory.objects["key"] = b""
    async with open_reader(opener(store), REQUEST) as reader:
        assert await reader.read() == b""
        assert await reader.seek(10) == 10
        assert await reader.read(3) == b""


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.integers(-1, 60)),
        st.tuples(st.just("seek"), st.tuples(st.integers(-50, 250), st.sampled_from([0, 1, 2]))),
    ),
    max_size=25,
)


@given(steps=STEPS, length=st.integers(0, 200))
def test_it_does_what_a_file_does(steps: list[tuple[str, object]], length: int) -> None:
    """Any reads and seeks give what they give of a file in memory."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SMALL_UNITS.items():
            patch.setattr(_plan, name, value)
        asyncio.run(_compared(steps, DATA[:length]))


async def _compared(steps: list[tuple[str, object]], data: bytes) -> None:
    memory, file = MemoryStore(), io.BytesIO(data)
    memory.objects["key"] = data
    store = retrying(memory)
    async with open_reader(opener(store), REQUEST) as reader:
        for what, how in steps:
            if isinstance(how, int):
                assert await reader.read(how) == file.read(how)
            elif isinstance(how, tuple):
                offset, whence = how
                if [0, file.tell(), len(data)][whence] + offset >= 0:
                    assert await reader.seek(offset, whence) == file.seek(offset, whence), what
            assert await reader.tell() == file.tell()
    assert is_idle(store)
