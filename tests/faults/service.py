"""The scripted server of the matrix: many buckets, each with the fault of the one cell that uses it."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tests.faults.realm import Arrived, Realm, refused
from tests.guards.script import Reply, Script

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable
    from random import Random

    from tests.faults.proxy import Step

RECEIVE_BUFFER = 128 * 1024
"""Bytes that the system takes for a server that doesn't read: a part of 5 MiB must not fit."""
LINGER = 0.3
"""Seconds that a client has to notice an answer that came early."""


@dataclass(frozen=True)
class Dripping(Reply):
    """An answer whose bytes come one by one, from a place on."""

    begin: int = 0
    pause: float = 0.25


@dataclass(frozen=True)
class Exchange:
    """One request, and what is needed to answer it."""

    request: Arrived
    cell: Hosted
    reader: asyncio.StreamReader = field(repr=False)
    rng: Random = field(repr=False)

    def good(self) -> Reply:
        """Do it, and return what S3 answers."""
        return self.cell.realm.answer(self.request)


@dataclass(frozen=True)
class Injection:
    """A fault of the server: at which of S3's operations, what instead, how often, after how many good ones.

    An early one comes before the request's body is read; `continues` is whether a client that waits for "100 Continue"
    gets it nevertheless.
    """

    at: frozenset[str]
    how: Callable[[Exchange], Reply | Awaitable[Reply | None] | None]
    times: int | None = 1
    after: int = 0
    early: bool = False
    continues: bool = True


class Hosted:
    """What one cell has on the server: its bucket, its faults, and what arrived."""

    def __init__(self, name: str, rng: Random) -> None:
        self.realm = Realm(name)
        self.rng = rng
        self.injections: tuple[Injection, ...] = ()
        self.plan: Callable[[Arrived], Step | None] | None = None
        self.requests: list[Arrived] = []
        self.times: list[float] = []
        self.provoked = 0
        self.closes = False
        self.released = asyncio.Event()
        self._seen: dict[int, int] = {}

    def answer_lost(self, request: Arrived) -> None:
        """Note that an answer is lost on its way to the client."""
        if request.operation == "CreateMultipartUpload" and self.realm.uploads:
            self.realm.unheard.add(list(self.realm.uploads)[-1])

    def due(self, request: Arrived, *, early: bool) -> Injection | None:
        """Return the fault whose turn it is."""
        for number, injection in enumerate(self.injections):
            if injection.early is not early or request.operation not in injection.at:
                continue
            seen = self._seen[number] = self._seen.get(number, 0) + 1
            if seen > injection.after and (injection.times is None or seen <= injection.after + injection.times):
                return injection
        return None


class Service(Script):
    """The server; it answers as S3 does where no cell says otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: dict[str, Hosted] = {}
        self.mistakes: list[Exception] = []
        self.to_strangers: Reply | None = None

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection; what goes wrong in the rig itself is kept."""
        try:
            await super().connected(reader, writer)
        except Exception as error:  # noqa: BLE001  # the runner shows it
            self.mistakes.append(error)

    async def _exchange(self, connection: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        request = await _head(connection, reader)
        cell = self.cells.get(request.bucket)
        if cell is None:
            return await self._unknown(request, reader, writer)
        cell.times.append(time.monotonic())
        done = await _early(cell, request, reader, writer)
        if done is None:
            _continue(request, writer)
            request = replace(request, body=await _body(request, reader))
            cell.requests.append(replace(request, body=b""))
            done = await _answered(cell, request, reader)
        else:
            cell.requests.append(request)
        return await self._send(cell, done, request, reader, writer)

    async def _unknown(self, request: Arrived, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer a request for nobody's bucket."""
        _continue(request, writer)
        self.requests.append(replace(request, body=await _body(request, reader)))
        done = self.to_strangers or refused(request, 404, "NoSuchBucket")
        return await self._send(None, done, request, reader, writer)

    async def _send(
        self,
        cell: Hosted | None,
        done: Reply,
        request: Arrived,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        data = done.data
        if cell and reader.at_eof():  # the client has given up waiting
            cell.answer_lost(request)
        if request.method == "HEAD":
            head, end, _ = data.partition(b"\r\n\r\n")
            data = head + end
        released = cell.released if cell else self.stopping
        if isinstance(done, Dripping):
            writer.write(data[: done.begin])
            await _drip(writer, data[done.begin :], done.pause, released)
        else:
            writer.write(data)
            await writer.drain()
        if done.end == "silent":
            await _first(released.wait(), _gone(reader))
        elif done.end == "rst":
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            writer.transport.abort()
        elif done.end == "linger":
            await _first(asyncio.sleep(LINGER), released.wait())
        return done.end == "keep" and not (cell and cell.closes)


async def _first(*waits: Awaitable[object]) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _gone(reader: asyncio.StreamReader) -> None:
    """Wait until the client has closed; what it sends is not looked at."""
    while await reader.read(65_536):
        pass


async def _drip(writer: asyncio.StreamWriter, data: bytes, pause: float, released: asyncio.Event) -> None:
    for place in range(len(data)):
        writer.write(data[place : place + 1])
        await writer.drain()
        with suppress(TimeoutError):
            await asyncio.wait_for(released.wait(), pause)
            return


def _continue(request: Arrived, writer: asyncio.StreamWriter) -> None:
    if request.headers.pop("expect", None):  # type: ignore[attr-defined]  # it is a dict
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")


async def _early(
    cell: Hosted, request: Arrived, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Reply | None:
    injection = cell.due(request, early=True)
    if injection is None:
        return None
    if injection.continues:
        _continue(request, writer)
    return await _injected(cell, injection, request, reader)


async def _answered(cell: Hosted, request: Arrived, reader: asyncio.StreamReader) -> Reply:
    injection = cell.due(request, early=False)
    done = await _injected(cell, injection, request, reader) if injection else None
    return done or cell.realm.answer(request)


async def _injected(cell: Hosted, injection: Injection, request: Arrived, reader: asyncio.StreamReader) -> Reply | None:
    cell.provoked += 1
    begun = set(cell.realm.uploads)
    done = injection.how(Exchange(request, cell, reader, cell.rng))
    if done is not None and not isinstance(done, Reply):
        done = await done
    if done is not None:
        cell.realm.lost(done.data if done.end == "keep" else b"", begun)
    return done


async def _head(connection: int, reader: asyncio.StreamReader) -> Arrived:
    text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = text.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    method, target, _ = first.split(" ")
    return Arrived(connection, method, target, headers)


async def _body(request: Arrived, reader: asyncio.StreamReader) -> bytes:
    chunked = request.headers.get("transfer-encoding") == "chunked"
    data = await _chunks(reader) if chunked else await reader.readexactly(int(request.headers.get("content-length", 0)))
    return _without_framing(data) if "aws-chunked" in request.headers.get("content-encoding", "") else data


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    data = bytearray()
    while length := int((await reader.readline()).partition(b";")[0], 16):
        data += (await reader.readexactly(length + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return bytes(data)


def _without_framing(data: bytes) -> bytes:
    """Return what aws-chunked encoding holds; its checksums are not looked at."""
    whole = bytearray()
    while data:
        size, _, data = data.partition(b"\r\n")
        length = int(size.partition(b";")[0], 16)
        if not length:
            break
        whole += data[:length]
        data = data[length + 2 :]
    return bytes(whole)


async def listen(
    connected: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    host: str = "127.0.0.1",
    context: ssl.SSLContext | None = None,
) -> asyncio.Server:
    """Serve on a port of its own, with a small receive buffer."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    sock.bind((host, 0))
    return await asyncio.start_server(connected, sock=sock, ssl=context, backlog=512)


def url(server: asyncio.Server, scheme: str = "http") -> str:
    """Return a server's URL."""
    host, port = server.sockets[0].getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
