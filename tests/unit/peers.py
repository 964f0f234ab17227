"""Servers on the loopback interface that do what a test has them do, on both event loops."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


class Server:
    """A server.

    Attributes:
        accepted: how many connections have been made.
        heads: of the requests that have come.
    """

    def __init__(self, serve: Callable[[Server, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Any]]) -> None:
        self._serve = serve
        self._tasks: set[asyncio.Task[None]] = set()
        self.accepted = 0
        self.heads: list[bytes] = []
        self.port = 0

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until the test ends it, or the client."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.accepted += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._serve(self, reader, writer)
        except asyncio.CancelledError:  # the test is over: asyncio's own callback would complain
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def head(self, reader: asyncio.StreamReader) -> bytes:
        """Receive a request's line and headers."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        return head

    async def ended(self) -> None:
        """Wait until the clients have closed their connections."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def stop(self) -> None:
        """Leave the clients."""
        for task in self._tasks:
            task.cancel()
        await self.ended()


async def says_hello(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each request."""
    while True:
        await server.head(reader)
        writer.write(HELLO)


async def is_silent(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take whatever comes, and say nothing."""
    while await reader.read(65_536):
        pass


async def is_deaf(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Do nothing at all."""
    await asyncio.Event().wait()


@asynccontextmanager
async def serving(
    serve: Callable[[Server, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Any]] = says_hello,
    context: ssl.SSLContext | None = None,
) -> AsyncIterator[Server]:
    """Start a server; in the end no connection is left."""
    server = Server(serve)
    listening = await asyncio.start_server(server.connected, "127.0.0.1", 0, ssl=context)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await server.stop()
        await listening.wait_closed()


@contextmanager
def full(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Yield the port of a listener that lets nobody in any more: whoever connects waits for ever."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        try:
            for one in waiting:
                one.settimeout(0.0)
                one.connect_ex(listener.getsockname())
            yield listener.getsockname()[1]
        finally:
            for one in waiting:
                one.close()
