"""Writers: the object appears when the block ends, whole, or never."""

# ruff: noqa: PT012  # the end of the block is what raises

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from s3_bucket._async.writer import open_writer
from s3_bucket.exceptions import BucketException, IntegrityError, InvalidInput
from tests.unit.memory import BUCKET, OPTIONS, MemoryStore, is_idle, opener

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from s3_bucket._async._retry import RetryingStore
    from s3_bucket._async.writer import AsyncWriter

DATA = bytes(range(95))


def opened(store: RetryingStore) -> AbstractAsyncContextManager[AsyncWriter]:
    """Open the key "key"."""
    return open_writer(opener(store), BUCKET, "key", OPTIONS)


@pytest.mark.parametrize("step", [1, 7, 10, 25, 95])
@pytest.mark.parametrize("length", [0, 1, 10, 11, 20, 95])
async def test_written(step: int, length: int, memory: MemoryStore, store: RetryingStore) -> None:
    """What was written in any pieces is stored, when the block has ended and not before."""
    async with opened(store) as writer:
        for at in range(0, length, step):
            assert await writer.write(DATA[at : min(length, at + step)]) == min(length - at, step)
        assert "key" not in memory.objects
    assert memory.objects["key"] == DATA[:length]
    assert writer.info.size == length
    assert is_idle(store)


async def test_any_buffer(memory: MemoryStore, store: RetryingStore) -> None:
    """Bytes in any buffer are written, whatever its items are, and copied before the write returns."""
    mutable = bytearray(b"abc")
    async with opened(store) as writer:
        assert await writer.write(memoryview(bytes(8)).cast("I")) == 8
        await writer.write(mutable)
        mutable[:] = b"xyz and more"
    assert memory.objects["key"] == bytes(8) + b"abc"


async def test_a_block_that_raises(memory: MemoryStore, store: RetryingStore) -> None:
    """When the block raises, nothing is stored and nothing left."""
    with pytest.raises(ZeroDivisionError):
        async with opened(store) as writer:
            await writer.write(DATA)
            raise ZeroDivisionError
    assert memory.uploads == memory.objects == {}
    with pytest.raises(InvalidInput):
        _ = writer.info
    assert is_idle(store)


async def test_closing_publishes_nothing(memory: MemoryStore, store: RetryingStore) -> None:
    """aclose() takes no more bytes and publishes nothing; the end of the block does."""
    async with opened(store) as writer:
        await writer.write(b"abc")
        await writer.aclose()
        assert "key" not in memory.objects
        with pytest.raises(ValueError, match="closed"):
            await writer.write(b"more")
    assert memory.objects["key"] == b"abc"


async def test_no_bytes(store: RetryingStore) -> None:
    """What isn't bytes is refused, and takes nothing from what was written."""
    async with opened(store) as writer:
        await writer.write(b"abc")
        with pytest.raises(InvalidInput, match="str"):
            await writer.write("text")  # type: ignore[arg-type]
    assert writer.info.size == 3


async def test_a_write_that_fails(memory: MemoryStore, store: RetryingStore) -> None:
    """After a write that failed nothing is published, even if the block goes on."""
    memory.fail("create_upload", BucketException("denied"))
    with pytest.raises(IntegrityError):
        async with opened(store) as writer:
            with pytest.raises(BucketException):
                await writer.write(DATA)
    assert memory.uploads == memory.objects == {}
    assert is_idle(store)


async def test_a_write_that_is_cancelled(memory: MemoryStore, store: RetryingStore) -> None:
    """After a write that was cancelled nothing is published, even if the block goes on and writes more."""
    gate = memory.hold("upload_part", 3)
    with pytest.raises(IntegrityError):
        async with opened(store) as writer:
            task = asyncio.ensure_future(writer.write(bytes(200)))
            await gate.reached.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            gate.open.set()
            await writer.write(b"more")
    assert memory.uploads == memory.objects == {}
    assert is_idle(store)


async def test_two_writes_at_once_of_which_one_fails(memory: MemoryStore, store: RetryingStore) -> None:
    """When one of two writes at a time fails, nothing is published."""
    gate = memory.hold("upload_part", 1)
    with pytest.raises((IntegrityError, BucketException)):
        async with opened(store) as writer:
            first = asyncio.ensure_future(writer.write(bytes(100)))
            await gate.reached.wait()
            second = asyncio.ensure_future(writer.write(bytes(100)))
            await asyncio.sleep(0)
            second.cancel()
            await asyncio.wait([second])
            gate.open.set()
            await first
    assert memory.objects == {}
