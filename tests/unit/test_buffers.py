"""The memory of parts on their way: used again while somebody is at work, and gone afterwards."""

from __future__ import annotations

import pytest

from s3_bucket._async._buffers import Buffers


@pytest.fixture
async def buffers() -> Buffers:
    """Return room for two parts, for one of which there is somebody."""
    buffers = Buffers(2)
    await buffers.acquire()
    return buffers


async def test_used_again(buffers: Buffers) -> None:
    """What was given back is lent next, and a shorter piece is the beginning of the same memory."""
    memory = buffers.lend(100)
    assert isinstance(memory, bytearray)
    buffers.give_back(memory)
    assert buffers.lend(100) is memory
    buffers.give_back(memory)
    shorter = buffers.lend(40)
    assert isinstance(shorter, memoryview)
    assert (shorter.obj, len(shorter)) == (memory, 40)
    buffers.give_back(shorter)
    assert buffers.lend(100) is memory


async def test_never_lent_twice(buffers: Buffers) -> None:
    """Memory that was not given back is nobody else's."""
    first, second = buffers.lend(10), buffers.lend(10)
    first[:] = b"1" * 10
    second[:] = b"2" * 10
    assert bytes(first) == b"1" * 10


async def test_too_short(buffers: Buffers) -> None:
    """Memory that is too short for what is wanted is replaced by longer memory."""
    buffers.give_back(buffers.lend(10))
    assert len(buffers.lend(20)) == 20


async def test_what_was_not_lent(buffers: Buffers) -> None:
    """Bytes of the user's, which nobody may write to, are never lent."""
    buffers.give_back(b"the user's")
    buffers.give_back(memoryview(b"the user's"))
    assert bytes(buffers.lend(10)) == bytes(10)


async def test_gone_when_nobody_is_at_work(buffers: Buffers) -> None:
    """When the last room is given back the memory is freed, and not before."""
    await buffers.acquire()
    memory = buffers.lend(10)
    buffers.give_back(memory)
    buffers.release()
    assert buffers.lend(10) is memory
    buffers.give_back(memory)
    buffers.release()
    await buffers.acquire()
    assert buffers.lend(10) is not memory
