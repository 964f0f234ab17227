"""Slots: halved by an overloaded server, one more for each round of answers, and none is ever lost."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from s3_bucket._async._slots import Slots


async def test_all_at_once() -> None:
    """As many as may be are given, and one more waits for one of them."""
    slots = Slots(2)
    await slots.acquire()
    await slots.acquire()
    third = asyncio.ensure_future(slots.acquire())
    await asyncio.sleep(0)
    assert not third.done()
    slots.release()
    await third
    assert not slots.all_free
    slots.release()
    slots.release()
    assert slots.all_free


async def test_halved_once_a_round() -> None:
    """Ten refusals of one round halve the limit once; those of the next round halve it again, down to one."""
    slots = Slots(10)
    rounds = [await slots.acquire() for _ in range(10)]
    for since in rounds:
        slots.overloaded(since)
        slots.release()
    assert slots.limit == 5
    for expected in (2, 1, 1):
        slots.overloaded(await slots.acquire())
        slots.release()
        assert slots.limit == expected
    assert slots.all_free


async def test_grows_with_answers() -> None:
    """Each round of answers allows one more, up to the first limit."""
    slots = Slots(4)
    slots.overloaded(await slots.acquire())
    slots.release()
    assert slots.limit == 2
    for _ in range(2 + 3):
        slots.answered()
    assert slots.limit == 4
    for _ in range(100):
        slots.answered()
    assert slots.limit == 4
    for _ in range(4):
        await slots.acquire()


async def test_draining() -> None:
    """Draining waits for all that are out, also where the limit is lower by now, and leaves all free."""
    slots = Slots(3)
    since = await slots.acquire()
    slots.overloaded(since)
    draining = asyncio.ensure_future(slots.drain())
    await asyncio.sleep(0)
    assert not draining.done()
    slots.release()
    await draining
    assert slots.all_free
    assert slots.limit == 3


@given(most=st.integers(1, 6), steps=st.lists(st.sampled_from(["answered", "overloaded", "idle"]), max_size=40))
def test_none_is_lost(most: int, steps: list[str]) -> None:
    """Whatever happens, no more than the limit are out at a time, and in the end all are there again."""

    async def run() -> None:
        slots = Slots(most)
        for step in steps:
            assert 1 <= slots.limit <= most
            since = await slots.acquire()
            if step == "answered":
                slots.answered()
            if step == "overloaded":
                slots.overloaded(since)
            slots.release()
        assert slots.all_free
        await asyncio.wait_for(slots.drain(), 5)
        assert slots.all_free

    asyncio.run(run())
