"""How many requests at a time: as many as may be, fewer while the server asks for fewer.

The limit is halved when the server is overloaded and grows by one with each round of answers, as TCP does it
(additive increase, multiplicative decrease; RFC 5681). A storm of SlowDown then costs each request about one more
attempt, instead of all of them their last.
"""

from __future__ import annotations

from s3_bucket._async._semaphore import Semaphore


class Slots:
    """A semaphore whose limit adapts."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._free = Semaphore(most)
        self._withheld = 0
        self._to_withhold = 0
        self._answers = 0
        self._round = 0

    @property
    def all_free(self) -> bool:
        """Whether nobody has one."""
        return self._free._value + self._withheld == self._most  # noqa: SLF001  # it has no public count

    @property
    def limit(self) -> int:
        """How many there are now."""
        return self._most - self._to_withhold

    def taken(self) -> int | None:
        """Take a slot if one is free, and return the same; None, if one has to be waited for."""
        return self._round if self._free.taken() else None

    async def acquire(self) -> int:
        """Wait for a slot; return what `overloaded` wants to know."""
        await self._free.acquire()
        return self._round

    def release(self) -> None:
        """Give a slot back."""
        if self._withheld < self._to_withhold:
            self._withheld += 1
        else:
            self._free.release()

    def answered(self) -> None:
        """Note that the server did what it was asked: after a whole round of that, one more at a time."""
        self._answers += 1
        if self._to_withhold and self._answers >= self.limit:
            self._allow(self.limit + 1)

    def overloaded(self, since: int) -> None:
        """Note that a request, which got its slot in round `since`, was too much: all of one round count once."""
        if since == self._round:
            self._round += 1
            self._allow(max(1, self.limit // 2))

    def _allow(self, limit: int) -> None:
        self._answers = 0
        self._to_withhold = self._most - limit
        while self._withheld > self._to_withhold:
            self._withheld -= 1
            self._free.release()

    async def drain(self) -> None:
        """Wait until nobody has a slot."""
        self._allow(self._most)
        for _ in range(self._most):
            await self._free.acquire()
        for _ in range(self._most):
            self._free.release()  # whoever waits is told, instead of waiting for ever
