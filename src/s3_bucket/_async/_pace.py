"""Pace: gives up on a peer that lets a byte through now and then, which no time-out on silence ever does."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

SLOWEST = 1024
"""Bytes per second, on average over a window, that a peer must let through."""


class Pace:
    """A time limit that is put off by a window as often as enough bytes have moved in it.

    ::

        async with Pace(read_timeout) as pace:
            while chunk := await body.read(size):
                pace.moved(len(chunk))

    Args:
        window: seconds in which SLOWEST bytes for each of them must move.
        first: seconds until the first bytes, where that may take longer than a window.

    Raises:
        TimeoutError: too few bytes moved, or none.
    """

    def __init__(self, window: float, first: float | None = None) -> None:
        self._window = window
        self._enough = math.ceil(SLOWEST * window)
        self._moved = 0
        self._limit = asyncio.timeout(window if first is None else first)
        self._over = False

    async def __aenter__(self) -> Self:
        await self._limit.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True
        await self._limit.__aexit__(kind, error, trace)

    def moved(self, count: int) -> None:
        """Tell that so many bytes have moved."""
        self._moved += count
        if self._moved >= self._enough:
            self.restart()

    def restart(self) -> None:
        """Begin a new window: something else is waited for from now on."""
        self._moved = 0
        # aiohttp may still be sending a body when the answer to it has come.
        if not self._over and not self._limit.expired():
            self._limit.reschedule(asyncio.get_running_loop().time() + self._window)
