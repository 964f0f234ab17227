"""A byte-level fault proxy: it passes bytes on, with just enough HTTP to know of which exchange they are."""

from __future__ import annotations

import asyncio
import re
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from tests.faults.realm import Arrived

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Action = Literal["fin", "rst", "stall", "drip", "flip", "drop", "stop", "delay", "duplicate"]
PIECE = 16 * 1024


@dataclass(frozen=True)
class Step:
    """What is done to the bytes of one exchange: in which direction, from which place on, what.

    Attributes:
        way: "up" for the request, "down" for the answer.
        at: the place, counted from the message's first byte, or from the body's where `in_body` holds; a number below 1
            is a share of the length.
        action: "fin" and "rst" end the connection there; "stall" and "stop" pass nothing on any more (the latter reads
            nothing either); "drip" passes on byte by byte; "flip" turns one bit; "drop" loses the message and ends the
            connection; "delay" holds the message up; "duplicate" repeats what follows.
    """

    way: Literal["up", "down"]
    at: float
    action: Action
    in_body: bool = True
    seconds: float = 0.3


Plan = "Callable[[Arrived], Step | None]"
LONGEST = 60.0
"""Seconds after which even a stall ends, so that nothing of the rig is left behind."""


class Passenger(Protocol):
    """Whose requests pass: a cell of the matrix."""

    plan: Callable[[Arrived], Step | None] | None
    released: asyncio.Event

    def answer_lost(self, request: Arrived) -> None:
        """Note that an answer is lost."""


class Proxy:
    """The proxy; for each request it asks the plan of the bucket's cell."""

    def __init__(self, cells: Mapping[str, Passenger], host: str, port: int, *, closing: bool = False) -> None:
        self.cells = cells
        self._closing = closing  # a server whose answers are chunked must end each with the connection
        self.mistakes: list[Exception] = []
        self._upstream = host, port
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._connections = 0

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._connections += 1
        back: asyncio.StreamWriter | None = None
        try:
            answers, back = await asyncio.open_connection(*self._upstream)
            self._writers |= {writer, back}
            while await self._exchange(reader, writer, answers, back):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError, _End):
            pass
        except Exception as error:  # noqa: BLE001  # the runner shows it
            self.mistakes.append(error)
        finally:
            self._tasks.discard(task)
            writer.close()
            if back:
                back.close()

    async def _exchange(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        answers: asyncio.StreamReader,
        back: asyncio.StreamWriter,
    ) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        request = Arrived(self._connections, method, target, _fields(lines))
        cell = self.cells.get(request.bucket)
        step = cell.plan(request) if cell and cell.plan else None
        released = cell.released if cell else asyncio.Event()
        up = _Passing(step if step and step.way == "up" else None, back, writer, released)
        if "expect" in request.headers:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            head = re.sub(rb"(?i)expect:[^\r]*\r\n", b"", head)
        if self._closing:
            head = head[:-2] + b"Connection: close\r\n\r\n"
        await up.message(head, reader, int(request.headers.get("content-length", 0)))
        answer = await answers.readuntil(b"\r\n\r\n")
        fields = _fields(answer.decode("latin-1").split("\r\n"))
        bodiless = request.method == "HEAD" or answer.split(b" ", 2)[1] in {b"204", b"304"}
        length = 0 if bodiless else int(fields.get("content-length", "-1"))
        if cell and step and step.way == "down" and step.action not in {"delay", "duplicate"}:
            cell.answer_lost(request)
        down = _Passing(step if step and step.way == "down" else None, writer, back, released)
        await down.message(answer, answers, length)
        return length >= 0 and fields.get("connection", "").lower() != "close"

    async def stop(self) -> None:
        """End all connections."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            if writer.transport.get_write_buffer_size():  # what nobody has taken is not waited for
                writer.transport.abort()
        await asyncio.sleep(0)


class _End(Exception):  # noqa: N818  # it is no error
    """The connection ends here."""


class _Passing:
    """One message on its way through the proxy."""

    def __init__(
        self, step: Step | None, to: asyncio.StreamWriter, other: asyncio.StreamWriter, released: asyncio.Event
    ) -> None:
        self._step = step
        self._to = to
        self._other = other
        self._released = released
        self._passed = 0

    async def message(self, head: bytes, source: asyncio.StreamReader, length: int) -> None:
        """Pass a message on; a length of -1 means: until the connection ends."""
        step = self._step
        where = place(step, len(head), max(0, length)) if step else -1
        if step and step.action == "delay":
            await asyncio.sleep(step.seconds)
        if step and step.action == "drop":
            await self._swallow(source, length)
            raise _End
        await self._pass(head, where)
        left = length
        while left and (data := await source.read(min(PIECE, left) if left > 0 else PIECE)):
            left -= len(data) if left > 0 else 0
            await self._pass(data, where)
        if left > 0:
            raise asyncio.IncompleteReadError(b"", left)

    async def _swallow(self, source: asyncio.StreamReader, length: int) -> None:
        if length > 0:
            await source.readexactly(length)

    async def _pass(self, data: bytes, place: int) -> None:
        here = place - self._passed
        self._passed += len(data)
        if self._step is None or not 0 <= here < len(data):
            self._to.write(data)
        else:
            await self._faulty(self._step, data[:here], data[here:])
        await self._to.drain()

    async def _faulty(self, step: Step, before: bytes, after: bytes) -> None:
        self._to.write(before)
        if step.action == "flip":
            self._to.write(bytes([after[0] ^ 4]) + after[1:])
        elif step.action == "duplicate":
            self._to.write(after + after)
        elif step.action == "drip":
            await self._drip(after, step.seconds)
        elif step.action == "delay":
            self._to.write(after)
        else:
            await self._end(step.action)

    async def _drip(self, data: bytes, seconds: float) -> None:
        for place in range(len(data)):
            self._to.write(data[place : place + 1])
            await self._to.drain()
            await asyncio.sleep(seconds)

    async def _end(self, action: Action) -> None:
        await self._to.drain()
        if action in {"stall", "stop"}:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._released.wait(), LONGEST)
        if action == "rst":
            for writer in (self._to, self._other):
                _reset(writer)
        raise _End


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    writer.transport.abort()


def place(step: Step, head: int, body: int) -> int:
    """Return where the fault is, in bytes from the message's first."""
    begin, length = (head, body) if step.in_body and body else (0, head)
    offset = int(step.at * length) if step.at < 1 else int(step.at)
    return begin + min(offset, length - 1)


def _fields(lines: list[str]) -> dict[str, str]:
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
