"""A relay before a real server: it forwards whole requests, and loses, cuts or refuses what a test asks it to.

The server has always answered before a fault shows: what was asked for is done, or not done, when a step has ended.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please</Message></Error>"
BUSY = b"HTTP/1.1 503 Slow Down\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(SLOW_DOWN), SLOW_DOWN)
LARGEST_HEAD = 1024 * 1024


@dataclass(frozen=True)
class Fault:
    """What happens to some requests.

    Attributes:
        kind: "lost" (answered to nobody), "cut" (in the middle of its body), "refused" (never forwarded), "busy" (503,
            never forwarded) or "told" (forwarded and answered; but somebody is told when it has come).
        first: how many requests pass before.
        count: how many it happens to.
    """

    kind: str
    first: int = 0
    count: int = 1


class Relay:
    """The relay.

    Attributes:
        url: where it listens.
        requests: how many have come since the last arm().
        lost_uploads: the ids of multipart uploads of which nobody was told that they began.
    """

    def __init__(self, upstream: str) -> None:
        where = urlsplit(upstream)
        self._upstream = where.hostname, where.port
        self._fault: Fault | None = None
        self._tell: Callable[[], None] = lambda: None
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self.url = ""
        self.requests = 0
        self.lost_uploads: set[str] = set()

    def arm(self, fault: Fault | None, tell: Callable[[], None] = lambda: None) -> None:
        """Count anew, with this fault from now on."""
        self._fault, self._tell, self.requests = fault, tell, 0

    async def quiet(self) -> None:
        """Wait until the server has answered all that was forwarded."""
        await self._quiet.wait()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, for one request."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
            body = await reader.readexactly(int(length[1]) if length else 0)
            await self._answer(head, body, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(self, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        kind = self._kind()
        if kind == "busy":
            writer.write(b"".join(BUSY.partition(b"\r\n\r\n")[:2]) if head.startswith(b"HEAD") else BUSY)
        if kind in {"busy", "refused"}:
            return
        answer = await self._forwarded(head, body)
        lost = kind == "lost" or (kind == "cut" and not head.startswith(b"HEAD")) or writer.is_closing()
        if lost and (begun := re.search(rb"<UploadId>(.*?)</UploadId>", answer)) and b"?uploads " in head:
            self.lost_uploads.add(begun[1].decode())
        if kind == "cut":
            top = answer.index(b"\r\n\r\n") + 4
            answer = answer[: top + (len(answer) - top) // 2]
        if kind != "lost":
            writer.write(answer)
            await writer.drain()

    def _kind(self) -> str:
        """Count a request, and return what becomes of it."""
        number, fault = self.requests, self._fault
        self.requests += 1
        if fault is None or not fault.first <= number < fault.first + fault.count:
            return ""
        self._tell()
        return fault.kind

    async def _forwarded(self, head: bytes, body: bytes) -> bytes:
        """Return the server's answer; it comes even if nobody waits for it any more."""
        self._under_way += 1
        self._quiet.clear()
        task = asyncio.ensure_future(self._exchanged(head, body))
        task.add_done_callback(self._answered)
        return await asyncio.shield(task)

    def _answered(self, _: object) -> None:
        self._under_way -= 1
        if not self._under_way:
            self._quiet.set()

    async def _exchanged(self, head: bytes, body: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*self._upstream)
        # The answer ends with the connection.
        writer.write(head[:-2] + b"Connection: close\r\n\r\n" + body)
        answer = await reader.read()
        writer.close()
        return answer

    async def stop(self) -> None:
        """End all connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def relaying(upstream: str) -> AsyncIterator[Relay]:
    """Run a relay before a server, on a port of its own, for as long as the block."""
    relay = Relay(upstream)
    server = await asyncio.start_server(relay.connected, "127.0.0.1", 0, limit=LARGEST_HEAD)
    relay.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield relay
    finally:
        server.close()
        await relay.stop()
        await server.wait_closed()
