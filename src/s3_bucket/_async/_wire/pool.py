"""Connections that are kept for the next request, and watched while they are at work.

How many there are at a time is decided above, where whoever wants one waits before its request is signed. Here none is
waited for: a connection that is kept is taken, or a new one is made.
"""

from __future__ import annotations

import asyncio
import math
import select
import socket
import ssl
from typing import TYPE_CHECKING, Any

from s3_bucket._async._pace import SLOWEST
from s3_bucket._async._wire.http1 import CLOSED, Broken, Connection

if TYPE_CHECKING:
    from s3_bucket._async._botocore.wiring import Origin

KEPT = 20.0
"""Seconds for which a connection that nobody uses is kept: servers close them after a while."""
RESTING = 5.0
"""Seconds between two looks at the connections while none is at work."""
TRUSTED = 0.05
"""Seconds for which the event loop is believed to have seen whether the server closed it."""
MOST_TICK = 1.0
"""Seconds between two looks at the connections at work, at most."""
TICKS = 20
"""Looks in one window."""
MOMENT = 2.0
"""Seconds that an address of a server has, if there are others: it may be one that nothing leads to."""
CLOSING = 2.0
"""Seconds that the end of all connections is waited for."""


class Pool:
    """The connections of one store.

    Args:
        context: how servers prove who they are, where they are asked to.
        patience: seconds until a connection must stand.
        window: seconds in which enough bytes must move while a request is on its way (see _pace.py).
        most: connections that are kept, to all servers together.
    """

    def __init__(self, context: ssl.SSLContext, patience: float, window: float, most: int) -> None:
        self._context = context
        self._patience = patience
        self._window = window
        self._enough = math.ceil(SLOWEST * window)
        self._most = most
        self._idle: dict[Origin, list[Connection]] = {}
        self._busy: set[Connection] = set()
        self._all: dict[Connection, Origin] = {}
        self._kept = 0
        self._tick: asyncio.TimerHandle | None = None
        self._is_resting = False
        self._loop = asyncio.get_running_loop()
        self._empty: asyncio.Future[None] | None = None

    def kept(self, origin: Origin) -> Connection | None:
        """Return a connection that was kept, which is the caller's until it is given back."""
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            self._kept -= 1
            age = self._loop.time() - connection.idle_since
            trusted = age < TRUSTED and not connection.unseen
            if connection.reusable and age < KEPT and (trusted or is_silent(connection.fileno())):
                return connection
            connection.abort()
        return None

    async def made(self, origin: Origin) -> Connection:
        """Return a new connection, which is the caller's until it is given back.

        Raises:
            TimeoutError: it did not come to stand in time.
            OSError: it could not be made.
        """
        async with asyncio.timeout(self._patience):
            connection = await self._connected(origin)
        if not connection.reusable:
            raise Broken(CLOSED)
        self._all[connection] = origin
        return connection

    async def _connected(self, origin: Origin) -> Connection:
        """Try one address of the server after another; only the last one may take as long as it likes."""
        secure: dict[str, Any] = {}
        if origin.is_secure:
            secure = {"ssl": self._context, "server_hostname": origin.host}
        *others, last = await self._addresses(origin)
        for address in others:
            try:
                async with asyncio.timeout(MOMENT):
                    return (await self._loop.create_connection(self._begun, address, origin.port, **secure))[1]
            except ssl.SSLError:
                raise
            except OSError:  # a TimeoutError is one
                continue
        return (await self._loop.create_connection(self._begun, last, origin.port, **secure))[1]

    async def _addresses(self, origin: Origin) -> list[str]:
        if origin.host.replace(".", "").isdigit() or ":" in origin.host:
            return [origin.host]
        found = await self._loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    def _begun(self) -> Connection:
        return Connection(self._left)

    def watch(self, connection: Connection) -> None:
        """Give the connection, which is at work, a new window."""
        self._busy.add(connection)
        connection.moved = 0
        connection.deadline = self._loop.time() + self._window
        if self._tick is None or self._is_resting:
            self._look_in(min(self._window / TICKS, MOST_TICK))
            self._is_resting = False

    def _look_in(self, seconds: float) -> None:
        if self._tick is not None:
            self._tick.cancel()
        self._tick = self._loop.call_later(seconds, self._look)

    def give_back(self, origin: Origin, connection: Connection) -> None:
        """Keep the connection for the next request, or close it."""
        self._busy.discard(connection)
        if not connection.reusable:
            connection.abort()
            return
        if self._kept >= self._most:
            self._drop_one()
        connection.idle_since = self._loop.time()
        self._idle.setdefault(origin, []).append(connection)
        self._kept += 1

    def _drop_one(self) -> None:
        """Close the connection that has been kept for longest, to the server that was the first to have one kept."""
        connection = next(idle for idle in self._idle.values() if idle)[0]
        self._forget(connection)
        connection.abort()

    def _forget(self, connection: Connection) -> None:
        """Keep a connection no more; and nothing of its origin, where it was the last one."""
        origin = self._all.get(connection)
        idle = None if origin is None else self._idle.get(origin)
        if origin is None or idle is None:
            return
        if connection in idle:
            idle.remove(connection)
            self._kept -= 1
        if not idle:
            del self._idle[origin]

    async def aclose(self) -> None:
        """Close all connections, and wait until they are."""
        if self._tick is not None:
            self._tick.cancel()
        for connection in list(self._all):
            connection.abort()
        if self._all:
            self._empty = self._loop.create_future()
            await asyncio.wait({self._empty}, timeout=CLOSING)

    def _left(self, connection: Connection) -> None:
        self._forget(connection)
        self._all.pop(connection, None)
        if not self._all and self._empty is not None and not self._empty.done():
            self._empty.set_result(None)

    def _look(self) -> None:
        """Give up the connections at work on which too little has moved, and close those that were kept long enough."""
        self._tick = None
        now = self._loop.time()
        for connection in list(self._busy):
            if connection.moved >= self._enough:
                self.watch(connection)
            elif now >= connection.deadline:
                connection.fail(TimeoutError("the server is silent, or too slow"))
        for connection in [each for idle in self._idle.values() for each in idle if now - each.idle_since >= KEPT]:
            self._forget(connection)
            connection.abort()
        self._is_resting = not self._busy
        if self._busy:
            self._look_in(min(self._window / TICKS, MOST_TICK))
        elif self._idle:
            self._look_in(RESTING)


def is_silent(fd: int) -> bool:
    """Whether nothing has come on a socket, not even its end."""
    if fd < 0:
        return False
    waiting = select.poll()
    waiting.register(fd, select.POLLIN)
    return not waiting.poll(0)
