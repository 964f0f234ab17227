"""Stores are opened once for each loop and settings, shared, and closed by the last user or with the loop."""

# ruff: noqa: ASYNC110  # what is waited for is the state of a private room, which tells nobody

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

import pytest

from s3_bucket._async import _session
from s3_bucket._config import Settings
from s3_bucket.exceptions import NoCredentials
from tests.unit.memory import MemoryStore, retrying

if TYPE_CHECKING:
    from s3_bucket._async._retry import RetryingStore

ONE, OTHER = Settings(region="one"), Settings(region="other")


class User:
    """Who uses a store."""


class Opened:
    """Counts openings, and can hold or fail them."""

    def __init__(self) -> None:
        self.stores: list[MemoryStore] = []
        self.go: asyncio.Event | None = None
        self.reached = 0
        self.error: Exception | None = None

    async def open(self, _: Settings) -> RetryingStore:
        """Open one."""
        self.reached += 1
        await asyncio.sleep(0)
        if self.go is not None:
            await self.go.wait()
        if self.error is not None:
            raise self.error
        self.stores.append(MemoryStore())
        return retrying(self.stores[-1])

    def closed(self) -> list[bool]:
        """Return which of the stores are closed."""
        return [store.calls == ["aclose"] for store in self.stores]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """Open stores in memory."""
    opened = Opened()
    monkeypatch.setattr(_session, "_open", opened.open)
    return opened


async def test_shared(opened: Opened) -> None:
    """A hundred users of equal settings open one store; others get another one."""
    users = [User() for _ in range(100)]
    stores = await asyncio.gather(*(_session.store_for(user, Settings(region="one")) for user in users))
    assert len(set(stores)) == len(opened.stores) == 1
    assert await _session.store_for(users[0], OTHER) is not stores[0]
    for user in users[1:]:
        await _session.release(user)
    assert opened.closed() == [False, False]
    await _session.release(users[0])
    assert opened.closed() == [True, True]


async def test_opened_again(opened: Opened) -> None:
    """After the last user has gone, the next one opens another store; releasing twice does nothing."""
    user = User()
    await _session.release(user)
    first = await _session.store_for(user, ONE)
    await _session.release(user)
    await _session.release(user)
    assert await _session.store_for(user, ONE) is not first
    await _session.release(user)
    assert opened.closed() == [True, True]


async def test_users_that_are_gone(opened: Opened) -> None:
    """A user that was dropped keeps nothing open."""
    gone, user = User(), User()
    await _session.store_for(gone, ONE)
    await _session.store_for(user, ONE)
    del gone
    gc.collect()
    await _session.release(user)
    assert opened.closed() == [True]


def test_closed_with_the_loop(opened: Opened) -> None:
    """What nobody has closed is closed at the end of asyncio.run()."""
    user = User()

    async def use() -> None:
        await _session.store_for(user, ONE)
        await _session.store_for(user, OTHER)

    asyncio.run(use())
    asyncio.run(use())
    assert opened.closed() == [True] * 4


def test_closed_with_the_loop_while_it_opens(opened: Opened) -> None:
    """A store that is still being opened at the end of the loop is given up."""

    async def use() -> None:
        opened.go = asyncio.Event()
        task = asyncio.ensure_future(_session.store_for(User(), ONE))
        while not opened.reached:
            await asyncio.sleep(0)
        task.cancel()

    asyncio.run(use())
    assert opened.stores == []


async def test_a_failure_is_everybodys(opened: Opened) -> None:
    """Where the opening fails all who wait get the error, and the next one tries again."""
    opened.error = NoCredentials("none")
    users = [User() for _ in range(3)]
    results = await asyncio.gather(*(_session.store_for(user, ONE) for user in users), return_exceptions=True)
    assert results == [opened.error] * 3
    opened.error = None
    await _session.store_for(users[0], ONE)
    assert opened.reached == 2
    await _session.release(users[0])


async def test_a_waiter_that_is_cancelled(opened: Opened) -> None:
    """A waiter that is cancelled does not stop the opening for the others."""
    opened.go = asyncio.Event()
    users = [User(), User()]
    first, second = (asyncio.ensure_future(_session.store_for(user, ONE)) for user in users)
    while not opened.reached:
        await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    opened.go.set()
    assert first.cancelled()
    assert await second
    for user in users:
        await _session.release(user)


async def test_a_failure_that_nobody_awaits(opened: Opened) -> None:
    """An opening that fails when all who waited are cancelled is not complained of by asyncio."""
    opened.go, opened.error = asyncio.Event(), NoCredentials("none")
    task = asyncio.ensure_future(_session.store_for(User(), ONE))
    while not opened.reached:
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    opened.go.set()
    for _ in range(5):
        await asyncio.sleep(0)
    opened.error = None
    user = User()
    with pytest.raises(NoCredentials):
        await _session.store_for(user, ONE)
    await _session.store_for(user, ONE)
    await _session.release(user)


async def test_released_while_it_opens(opened: Opened) -> None:
    """A call that waits for a store that is released meanwhile gets another one, and is not cancelled."""
    opened.go = asyncio.Event()
    user = User()
    task = asyncio.ensure_future(_session.store_for(user, ONE))
    while not opened.reached:
        await asyncio.sleep(0)
    await _session.release(user)
    opened.go.set()
    assert await task is await _session.store_for(user, ONE)
    assert opened.reached == 2
    await _session.release(user)


async def test_an_opening_that_was_cancelled(opened: Opened) -> None:
    """An opening that somebody cancelled, with all tasks, does not cancel every later call."""
    opened.go = asyncio.Event()
    user = User()
    task = asyncio.ensure_future(_session.store_for(user, ONE))
    while not opened.reached:
        await asyncio.sleep(0)
    for each in asyncio.all_tasks() - {asyncio.current_task()}:
        each.cancel()
    await asyncio.wait([task])
    opened.go.set()
    async with asyncio.timeout(5):
        assert await _session.store_for(user, ONE)
    await _session.release(user)


async def test_blocks(opened: Opened) -> None:
    """Of several blocks that a user has entered, the last one that ends closes."""
    user = User()
    for _ in range(2):
        await _session.enter(user, ONE)
    await _session.leave(user)
    assert opened.closed() == [False]
    await _session.leave(user)
    assert opened.closed() == [True]
    opened.error = NoCredentials("none")
    with pytest.raises(NoCredentials):
        await _session.enter(user, ONE)


async def test_two_loops(opened: Opened) -> None:
    """Another loop has a store of its own."""
    user = User()
    here = await _session.store_for(user, ONE)
    there = await asyncio.to_thread(lambda: asyncio.run(_session.store_for(user, ONE)))
    assert here is not there
    assert opened.closed() == [False, True]
    await _session.release(user)


def test_after_a_fork(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """A forked child has no stores, and keeps what it inherited from being collected."""
    monkeypatch.setattr(_session, "_inherited", [])
    monkeypatch.setattr(_session, "_loops", before := _session._loops)
    _session._forget_in_child()
    assert len(_session._loops) == 0
    assert _session._inherited == [before]
