"""Memory: that of the parts that are on their way, used again; and that of what is handed out, filled in place."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from s3_bucket._async._semaphore import Semaphore

if TYPE_CHECKING:
    from s3_bucket._models import Buffer


def whole(length: int) -> Whole:
    """Return memory of this length for what is handed out.

    Raises:
        MemoryError: there is not so much.
    """
    try:
        return Whole(bytes(length))
    except OverflowError:  # Python's word for far too much: a server may announce exabytes
        raise MemoryError from None


class Whole(io.BytesIO):
    """Bytes that are filled through getbuffer(), and then handed out by getvalue() as they are.

    A bytearray would have to be copied: twice the memory, and for a gigabyte thrice the time.
    """

    def __del__(self) -> None:
        """Close nothing, as there is nothing; a failure's traceback may still hold a view, and closing complains."""


class Buffers(Semaphore):
    """Room for so many parts, however many calls there are. Who has acquired room may have memory lent for it."""

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
