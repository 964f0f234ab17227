"""TLS before a server that has none: what comes is decrypted and passed on, byte for byte."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

SIZE = 256 * 1024


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(SIZE):
            writer.write(data)
            await writer.drain()


class Terminator:
    """Serves connections, each with one of its own to the server behind."""

    def __init__(self, upstream: str) -> None:
        where = urlsplit(upstream)
        self._upstream = where.hostname, where.port
        self._tasks: set[asyncio.Task[None]] = set()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, until either side has ended it."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        behind, ahead = await asyncio.open_connection(*self._upstream)
        ways = [asyncio.ensure_future(_pass_on(*way)) for way in ((reader, ahead), (behind, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            pass
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            ahead.close()
            writer.close()
            self._tasks.discard(task)

    async def stop(self) -> None:
        """End all connections."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def terminated(upstream: str, context: ssl.SSLContext) -> AsyncIterator[str]:
    """Serve TLS before the server of that URL; give the URL."""
    terminator = Terminator(upstream)
    server = await asyncio.start_server(terminator.connected, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await terminator.stop()
        await server.wait_closed()
