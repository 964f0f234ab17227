"""Turns: one after another, and nobody waits for somebody who takes long."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from s3_bucket._async import _turns
from tests.unit.memory import retrying

if TYPE_CHECKING:
    import pytest

    from s3_bucket._async._retry import RetryingStore
    from tests.unit.memory import MemoryStore


async def test_one_after_another(store: RetryingStore) -> None:
    """Only one has the turn with an object; other objects and other stores have turns of their own."""
    inside = most = 0

    async def work() -> None:
        nonlocal inside, most
        async with _turns.turn(store, "bucket", "key"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(work() for _ in range(20)))
    assert most == 1


async def test_apart(memory: MemoryStore, store: RetryingStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns with other keys, other buckets and over other stores are free meanwhile."""
    monkeypatch.setattr(_turns, "PATIENCE", 1_000)
    async with (
        asyncio.timeout(10),
        _turns.turn(store, "bucket", "key"),
        _turns.turn(store, "bucket", "other"),
        _turns.turn(store, "other", "key"),
        _turns.turn(retrying(memory), "bucket", "key"),
    ):
        pass
    assert not any(_turns._turns[store].values())


async def test_too_long(store: RetryingStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits in vain goes on without a turn, and takes nothing from who has it."""
    monkeypatch.setattr(_turns, "PATIENCE", 0.01)
    async with _turns.turn(store, "bucket", "key"):
        async with _turns.turn(store, "bucket", "key"):
            pass
        monkeypatch.setattr(_turns, "PATIENCE", 1_000)
        waiting = asyncio.ensure_future(_turns.turn(store, "bucket", "key").__aenter__())
        for _ in range(10):
            await asyncio.sleep(0)
        assert not waiting.done()
    await waiting


async def test_patience_with_many(store: RetryingStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """While turns are taken one after another, everybody waits for his, however long the queue is."""
    monkeypatch.setattr(_turns, "PATIENCE", 0.5)
    inside = most = 0

    async def work() -> None:
        nonlocal inside, most
        async with _turns.turn(store, "bucket", "key"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.04)
            inside -= 1

    await asyncio.gather(*(work() for _ in range(20)))
    assert most == 1


async def test_cancelled(store: RetryingStore) -> None:
    """Whoever is cancelled, waiting or having the turn, leaves it to the next."""
    entered = asyncio.Event()

    async def hold() -> None:
        async with _turns.turn(store, "bucket", "key"):
            entered.set()
            await asyncio.Event().wait()

    tasks = [asyncio.ensure_future(hold()) for _ in range(3)]
    await entered.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(10), _turns.turn(store, "bucket", "key"):
        pass
