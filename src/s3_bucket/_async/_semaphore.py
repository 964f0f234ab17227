"""A semaphore that costs little where nobody has to wait."""

from __future__ import annotations

import asyncio


class Semaphore(asyncio.Semaphore):
    """One that can be taken without waiting, too."""

    def taken(self) -> bool:
        """Take it if nobody has to wait for it: what acquire() does then, for which it is a coroutine."""
        if self.locked():
            return False
        self._value -= 1
        return True
