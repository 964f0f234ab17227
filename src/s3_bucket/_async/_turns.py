"""Turns: who edits the same object over the same store does so one after another, so that none has to do it again.

Nothing depends on it: what is written is written under a condition. So nobody waits for somebody who takes long, or for
himself: edits may be nested, in any order.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, WeakValueDictionary

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from s3_bucket._async._retry import RetryingStore

PATIENCE = 1.0
"""Seconds that anybody may have his turn while others wait for theirs."""


class _Turn:
    """Whose turn it is with one object."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._taken = 0

    async def wait(self) -> bool:
        """Wait for a turn; return False if somebody takes too long with his."""
        while True:
            before = self._taken
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._lock.acquire()
            except TimeoutError:
                if self._taken == before:
                    return False
            else:
                self._taken += 1
                return True

    def end(self) -> None:
        """Let the next one have it."""
        self._lock.release()


_turns: WeakKeyDictionary[RetryingStore, WeakValueDictionary[tuple[str, str], _Turn]] = WeakKeyDictionary()


@asynccontextmanager
async def turn(store: RetryingStore, bucket: str, key: str) -> AsyncGenerator[None]:
    """Have a turn with an object, or go on without."""
    of_object = _turns.setdefault(store, WeakValueDictionary()).setdefault((bucket, key), _Turn())
    has_turn = await of_object.wait()
    try:
        yield
    finally:
        if has_turn:
            of_object.end()
