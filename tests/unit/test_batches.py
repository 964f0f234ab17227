"""BatchIterator: one by one, or batch by batch, the same items."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from s3_bucket._async._batches import BatchIterator
from s3_bucket.exceptions import InvalidInput

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

closed: list[bool] = []


async def batches() -> AsyncGenerator[list[int], None]:
    """Give three batches, one of them empty."""
    closed.clear()
    try:
        for batch in ([1, 2, 3], [], [4, 5]):
            yield batch
    finally:
        closed.append(True)


async def test_one_by_one() -> None:
    """Iterating gives the items."""
    assert [item async for item in BatchIterator(batches())] == [1, 2, 3, 4, 5]


async def test_batch_by_batch() -> None:
    """next_batch() gives what is ready, never an empty batch, and then says that there is no more."""
    iterator = BatchIterator(batches())
    assert await iterator.next_batch() == [1, 2, 3]
    assert await iterator.next_batch() == [4, 5]
    with pytest.raises(StopAsyncIteration):
        await iterator.next_batch()


async def test_both() -> None:
    """An item taken by itself is not in the batch."""
    iterator = BatchIterator(batches())
    assert await anext(iterator) == 1
    assert await iterator.next_batch() == [2, 3]
    assert await anext(iterator) == 4


async def test_closing() -> None:
    """A closed iterator has no more, and neither has its generator."""
    iterator = BatchIterator(batches())
    assert await anext(iterator) == 1
    await iterator.aclose()
    assert closed
    assert [item async for item in iterator] == []


async def test_broken_off() -> None:
    """An iteration that was cancelled in a wait never looks finished afterwards: it says that it was broken off."""

    async def waiting() -> AsyncGenerator[list[int], None]:
        yield [1]
        await asyncio.get_running_loop().create_future()

    iterator = BatchIterator(waiting())
    assert await anext(iterator) == 1
    task = asyncio.ensure_future(anext(iterator))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for _ in range(2):
        with pytest.raises(InvalidInput, match="broken off"):
            await anext(iterator)
