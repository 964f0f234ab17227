"""A transport without a socket: the test says what comes, in which pieces, and sees what is sent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from s3_bucket._async._wire.http1 import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from s3_bucket._async._wire.http1 import Sink

HIGH_WATER = 64 * 1024
"""Bytes that wait to be taken by the peer, after which whoever writes is asked to pause."""


class Transport(asyncio.Transport):
    """One end of a connection.

    Attributes:
        sent: what the peer has taken.
        waiting: what it has not taken yet; nothing ever waits, unless the peer is `slow`.
        most_waiting: the most that has waited at a time.
        wrote: is called when something has been sent.
    """

    def __init__(self, protocol: Connection, *, slow: bool = False) -> None:
        super().__init__()
        self.protocol = protocol
        self.slow = slow
        self.sent = bytearray()
        self.waiting = bytearray()
        self.most_waiting = 0
        self.wrote: Callable[[], None] = lambda: None
        self._unread = bytearray()
        self._is_closing = False
        self._is_reading = True
        protocol.connection_made(self)

    # What the protocol calls

    def write(self, data: Any) -> None:
        """Take what is sent."""
        assert not self._is_closing, "asyncio warns of it after the fifth time"
        self.waiting += data
        self.most_waiting = max(self.most_waiting, len(self.waiting))
        if not self.slow:
            self.take()
        elif len(self.waiting) > HIGH_WATER:
            self.protocol.pause_writing()
        self.wrote()

    def get_write_buffer_size(self) -> int:
        """Return how many bytes the peer has not taken yet."""
        return len(self.waiting)

    def abort(self) -> None:
        """Close, and tell the protocol a moment later."""
        self.lose(None)

    def is_closing(self) -> bool:
        """Whether it is closed."""
        return self._is_closing

    def pause_reading(self) -> None:
        """Let what comes wait."""
        self._is_reading = False

    def resume_reading(self) -> None:
        """Let it come again."""
        self._is_reading = True
        asyncio.get_running_loop().call_soon(self.deliver, b"")

    # What the test calls

    def take(self) -> None:
        """Take what waits, as a peer does that reads."""
        self.sent += self.waiting
        self.waiting.clear()
        self.protocol.resume_writing()

    def deliver(self, data: bytes) -> None:
        """Let these bytes come: in the pieces for which there is room."""
        self._unread += data
        while self._unread and self._is_reading and not self._is_closing:
            room = self.protocol.get_buffer(-1)
            size = min(len(room), len(self._unread))
            assert size, "asyncio takes an empty buffer for an error"
            room[:size] = self._unread[:size]
            del self._unread[:size]
            self.protocol.buffer_updated(size)

    def end(self) -> None:
        """Let the peer send no more."""
        if not self._is_closing and not self.protocol.eof_received():
            self.abort()

    def lose(self, error: Exception | None) -> None:
        """Lose the connection."""
        if not self._is_closing:
            self._is_closing = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, error)


class Line:
    """A connection over such a transport, and a request on it.

    Attributes:
        left: how often the connection has said that it is no more.
    """

    def __init__(self, *, slow: bool = False) -> None:
        self.left = 0
        self.connection = Connection(self._note)
        self.transport = Transport(self.connection, slow=slow)
        self._begun = asyncio.Event()
        self.transport.wrote = self._begun.set

    def _note(self, connection: Connection) -> None:
        assert connection is self.connection
        self.left += 1

    async def ask(
        self,
        sink: Sink | None = None,
        *,
        head: bytes = b"GET / HTTP/1.1\r\n\r\n",
        body: bytes = b"",
        bodiless: bool = False,
        most: int = 1_000,
        most_of_success: int = 0,
    ) -> asyncio.Task[None]:
        """Begin a request; return it when its first bytes are sent."""
        self._begun.clear()
        limits = {"most": most, "most_of_success": most_of_success}
        exchange = self.connection.exchange(head, body, sink, bodiless=bodiless, **limits)
        task = asyncio.ensure_future(exchange)
        await self._begun.wait()
        return task

    async def answered(
        self, pieces: Sequence[bytes], sink: Sink | None = None, *, ends: bool = False, **asked: Any
    ) -> Connection:
        """Ask, and let the answer come in these pieces."""
        task = await self.ask(sink, **asked)
        for piece in pieces:
            self.transport.deliver(piece)
        if ends:
            self.transport.end()
        await task
        return self.connection
