"""The memory of the parts that are on their way: so much and no more, however many calls there are, used again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_bucket._async._semaphore import Semaphore

if TYPE_CHECKING:
    from s3_bucket._models import Buffer


class Buffers(Semaphore):
    """Room for so many parts. Who has acquired room may have memory lent for it."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self._most = most
        self._free: list[bytearray] = []

    def lend(self, length: int) -> bytearray | memoryview:
        """Return memory of this length, which others may have used before."""
        memory = self._free.pop() if self._free else bytearray()
        if len(memory) < length:
            memory = bytearray(length)
        return memory if len(memory) == length else memoryview(memory)[:length]

    def give_back(self, memory: Buffer) -> None:
        """Have memory that was lent used again: only when nobody reads or writes it any more."""
        whole = memory.obj if isinstance(memory, memoryview) else memory
        if isinstance(whole, bytearray):
            self._free.append(whole)

    def release(self) -> None:
        """Give room back; when nobody has any, the memory goes, too."""
        super().release()
        if self._value == self._most:
            self._free.clear()
