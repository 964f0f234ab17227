"""One HTTP/1.1 connection (RFC 9112): one request at a time, and its answer received where it belongs.

httptools parses the heads, and the bodies that come in chunks. A body of known length doesn't pass through it: what
came together with the head is copied, the rest is received by the kernel's one copy straight into its destination.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import httptools

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from s3_bucket._models import Buffer

LONGEST_HEAD = 64 * 1024
"""Bytes of an answer's status and headers, at most."""
WRITE_SIZE = 64 * 1024
"""Bytes of a body that are given to the transport at a time."""
NEW_WINDOW = 1 << 62
"""Bytes that are enough for any window: when a body has been sent, another one begins, for the answer."""
SHORT_BODY = 64 * 1024
"""Bytes of a body that is sent together with the headers, in one piece."""

_HEAD_ENDS = b"\r\n\r\n"
_BEGINNING = b"HTTP/"
_NO_HTTP = "the answer is no HTTP"  # the parser's own words may repeat what was sent
MOST_NAMES = 1_000
"""Headers' names that are remembered."""

CLOSED = "the server closed the connection before it had answered"
_NOWHERE = memoryview(bytearray())
_WITHOUT_BODY = frozenset({204, 304})
_FINAL = 200
_FIRST_ERROR = 300


class NotHttp(ConnectionError):  # noqa: N818  # what came is named, not the error
    """What came is no answer of HTTP; what comes at the next attempt may be one."""


class Broken(ConnectionError):  # noqa: N818  # as above
    """The connection ended before the answer did."""


Headers: TypeAlias = "Mapping[str, bytes]"
"""By their names in lower case."""

Sink: TypeAlias = "Callable[[int, Headers, int | None], Buffer | None]"
"""Is given an answer's status, headers and the length of its body, if that is known. Returns where the body goes, which
may be shorter than the body; None to have it collected; LATER, of a body of unknown length, to be asked again. It is
called from the transport's callbacks; what it raises, the request raises."""

LATER = bytearray(b"later")
"""Where the body goes isn't known yet."""


class _Names(dict[bytes, str]):
    """Headers' names in lower case, each made once."""

    def __missing__(self, name: bytes) -> str:
        lower = name.decode("latin-1").lower()
        if len(self) < MOST_NAMES:
            self[name] = lower
        return lower


_NAMES = _Names()


def _collect(status: int, headers: Headers, length: int | None) -> None:
    """Have every body collected."""


class Connection(asyncio.BufferedProtocol):
    """A connection to one server.

    Attributes:
        moved: how many bytes of bodies have moved since this was last set to 0, either way.
        deadline: when to give up, by the loop's clock, unless enough has moved; whoever watches sets and reads it.
        reusable: whether another request may follow.
        received: how many bytes of the last answer's body are where they belong.
        body: the last answer's body, where it was collected and not too long.
        exceeded: whether more came than there was room for, of a body whose length wasn't said.
        unseen: whether what may follow the last answer's body has not been looked for.
    """

    def __init__(self, left: Callable[[Connection], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._left = left
        self._transport: Any = None
        self._done: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._paused = False
        self._head = bytearray(LONGEST_HEAD)
        self._view = memoryview(self._head)
        self._filled = 0
        self._sink: Sink = _collect
        self._bodiless = False
        self._most = self._most_of_success = 0
        self._parser: Any = None
        self._into: memoryview | None = None
        self._whole = _NOWHERE
        self._collected: bytearray | None = None
        self._streaming = False
        self._keeps = False
        self._has_ended = False
        self._barren = 0
        self.status = 0
        self.headers: dict[str, bytes] = {}
        self.received = 0
        self.body = b""
        self.exceeded = False
        self.unseen = False
        self.reusable = True
        self.moved = 0
        self.deadline = 0.0
        self.idle_since = 0.0

    # The request

    async def exchange(
        self, head: bytes, body: Buffer, sink: Sink | None, *, bodiless: bool, most: int, most_of_success: int = 0
    ) -> None:
        """Send a request and receive its answer.

        Args:
            head: the request's line and headers, with the empty line.
            body: what follows.
            sink: is told of the answer's head, and says where its body goes; without one, it is collected.
            bodiless: whether the answer has no body whatever its head says: it is one to HEAD.
            most: bytes of a body that are collected at most; of a longer one, none is.
            most_of_success: the same where the answer is no refusal, and where that is more.

        Raises:
            NotHttp: what came is no HTTP.
            OSError: the connection broke.
        """
        self._done = self._loop.create_future()
        self._sink, self._bodiless = sink or _collect, bodiless
        self._most, self._most_of_success = most, most_of_success
        self.status = self.received = 0
        self.body, self.exceeded, self.unseen = b"", False, False
        self._parser, self._streaming = None, False
        self._keeps = self._has_ended = False
        self._barren = 0
        try:
            if self._transport.is_closing():
                self._end(Broken(CLOSED))
            elif len(body) <= SHORT_BODY:
                self._transport.write(head + body if body else head)
            else:
                await self._send(head, memoryview(body))
            await self._done
        except BaseException:
            self.abort()
            raise
        finally:
            self._done, self._sink = None, _collect

    async def _send(self, head: bytes, body: memoryview) -> None:
        self._transport.write(head)
        for at in range(0, len(body), WRITE_SIZE):
            piece = body[at : at + WRITE_SIZE]
            self._transport.write(piece)
            if self._paused:
                await self._has_drained()
            if self._transport.is_closing() or self._is_refused():
                self.reusable = False
                return
            self.moved += len(piece)
        self.moved += NEW_WINDOW
        if self._transport.get_write_buffer_size() and self._done is not None and self._done.done():
            self.reusable = False  # answered before all was sent

    async def _has_drained(self) -> None:
        self._drained = self._loop.create_future()
        try:
            await self._drained
        finally:
            self._drained = None

    def _is_refused(self) -> bool:
        """Whether the answer has come already, and is such that the rest of the body is sent in vain."""
        done = self._done
        return done is not None and done.done() and (done.exception() is not None or self.status >= _FIRST_ERROR)

    def abort(self) -> None:
        """Close at once; a request that is on its way fails."""
        self.reusable = False
        self._let_go()
        self._transport.abort()

    def fail(self, error: BaseException) -> None:
        """End the request with this error, and the connection with it."""
        self._end(error)
        self.abort()

    @property
    def is_idle(self) -> bool:
        """Whether no request is on its way."""
        return self._done is None

    def fileno(self) -> int:
        """Return the socket's descriptor, -1 if there is none any more."""
        socket = self._transport.get_extra_info("socket")
        return -1 if socket is None else int(socket.fileno())

    def is_closing(self) -> bool:
        """Whether it is closed, or about to be."""
        return bool(self._transport.is_closing())

    # What the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.reusable = False
        self._end(exc or Broken(CLOSED))
        self._left(self)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._go_on_sending()

    def _go_on_sending(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    # What comes

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  # what there is room for counts
        if self._into is not None:
            return self._into[self.received :]
        return self._view[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        if self._into is not None:
            self.moved += nbytes
            self.received += nbytes
            if self.received == len(self._into):
                self._finish()
            return
        self._filled += nbytes
        if self._done is None or self._done.done():  # another answer, perhaps: the next request would take it for its
            self.abort()
            return
        try:
            self._take()
        except Exception as error:  # noqa: BLE001  # whoever waits is to raise it, not the loop
            self.fail(error)

    def eof_received(self) -> bool:
        """The server sends no more: the end of a body whose length it didn't say, or of the connection."""
        self.reusable = self._keeps = False
        self._has_ended = True
        self._end_of_stream()
        return False

    def _end_of_stream(self) -> None:
        if self._has_ended and self._streaming and self._parser is None:
            self._finish()

    def _take(self) -> None:
        """Take what is in the buffer."""
        while self.status < _FINAL:
            end = self._head.find(_HEAD_ENDS, 0, self._filled)
            if end < 0:
                if not _BEGINNING.startswith(self._head[: min(self._filled, len(_BEGINNING))]):
                    raise NotHttp(_NO_HTTP)  # at once, for there may never come an empty line
                if self._filled == LONGEST_HEAD:
                    msg = f"the headers of the answer are longer than {LONGEST_HEAD} bytes"
                    raise NotHttp(msg)
                return
            self._take_head(end + len(_HEAD_ENDS))
        if self._streaming and self._filled and self._is_awaited():
            self._take_stream()

    def _take_head(self, end: int) -> None:
        headers = self.headers = {}
        parser = httptools.HttpResponseParser(self)
        _feed(parser, self._view[:end])
        status = self.status = parser.get_status_code()
        if status < _FINAL:
            self._drop(end)
            return
        if status < _FIRST_ERROR:
            self._most = self._most_of_success or self._most
        if not _keeps_alive(parser.get_http_version(), headers.get("connection")):
            self.reusable = False
        if self._bodiless or status in _WITHOUT_BODY:
            self._take_length(0, end)
        elif "transfer-encoding" in headers:
            self._parser = parser
            self._begin_stream(end)
        elif "content-length" in headers:
            self._take_length(int(headers["content-length"]), end)
        else:
            self._begin_stream(end)

    def _drop(self, end: int) -> None:
        """Forget what is before this in the buffer."""
        rest = self._filled - end
        self._head[:rest] = self._head[end : self._filled]
        self._filled = rest

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note a header (httptools)."""
        self.headers[_NAMES[name]] = value

    # A body of known length

    def _take_length(self, length: int, end: int) -> None:
        rest, self._filled = self._filled - end, 0
        destination = self._sink(self.status, self.headers, length)
        if destination is None:
            if length > self._most:
                self._finish_early()
                return
            destination = self._collected = bytearray(length)
        wanted = len(destination)
        if wanted < length or rest > length:  # the rest is not wanted; or there is more than was announced
            self.reusable = False
        came = self.received = min(rest, wanted)
        if not wanted:
            self._finish()
            return
        into = memoryview(destination)
        into[:came] = self._view[end : end + came]
        if came == wanted:
            self._finish()
        else:
            self._into = into
            self.unseen = True

    # A body that comes in chunks, or until the connection ends

    def _begin_stream(self, end: int) -> None:
        self._drop(end)
        self._streaming = True
        destination = self._sink(self.status, self.headers, None)
        if destination is LATER:
            self._transport.pause_reading()
            self._keeps, self.reusable = self.reusable, False  # until the body has come
            self._finish()
        elif destination is None:
            self._collected = bytearray()
        else:
            self._whole = memoryview(destination)

    async def receive(self, destination: Buffer) -> None:
        """Receive the body of the answer for which the sink said LATER."""
        self._done = self._loop.create_future()
        self._whole = memoryview(destination)
        self.reusable = self._keeps
        try:
            if self._filled:
                self._take_stream()
            if self._transport.is_closing():  # as TLS may tell in one go with the last bytes
                self._end_of_stream()
                self._end(Broken(CLOSED))
            self._transport.resume_reading()
            await self._done
        except BaseException:
            self.abort()
            raise
        finally:
            self._done = None

    def _take_stream(self) -> None:
        data, self._filled = bytes(self._view[: self._filled]), 0
        self.moved += len(data)
        if self._parser is None:
            self.on_body(data)
        else:
            self._barren += len(data)
            _feed(self._parser, data)
            if self._barren > LONGEST_HEAD:
                msg = f"more than {LONGEST_HEAD} bytes came in the body that are none of it"
                raise NotHttp(msg)

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body (httptools)."""
        self._barren = 0
        if not self._is_awaited():
            return
        if self._collected is not None:
            self._collected += body
            if len(self._collected) > self._most:
                self._collected = None
                self._finish_early()
            return
        room = len(self._whole) - self.received
        self._whole[self.received : self.received + min(room, len(body))] = body[:room]
        self.received += min(room, len(body))
        if len(body) > room:
            self.exceeded = True
            self._finish_early()

    def on_message_begin(self) -> None:
        """See another answer behind a body that came in chunks: nobody has asked for it (httptools)."""
        if self._parser is not None:
            self.reusable = False

    def on_message_complete(self) -> None:
        """End a body that came in chunks (httptools)."""
        if self._streaming:
            self._finish()

    # The end

    def _is_awaited(self) -> bool:
        return self._done is not None and not self._done.done()

    def _finish_early(self) -> None:
        self.reusable = False
        self._finish()

    def _finish(self) -> None:
        self._into, self._whole = None, _NOWHERE
        if self._collected is not None:
            self.body, self._collected = bytes(self._collected), None
        done = self._done
        if done is not None and not done.done():
            done.set_result(None)
            if self._drained is not None:
                self._go_on_sending()

    def _let_go(self) -> None:
        """Hold the destination no more: it is its owner's alone."""
        self._into, self._whole = None, _NOWHERE

    def _end(self, error: BaseException) -> None:
        self._let_go()
        done = self._done
        if done is not None and not done.done():
            done.set_exception(error)
            done.exception()  # asyncio would complain of it where whoever waits is cancelled just now
        self._go_on_sending()


@lru_cache(maxsize=100)
def _keeps_alive(version: str, connection: bytes | None) -> bool:
    """Whether another request may follow (RFC 9112, 9.3). llhttp's word for it is lost with the end of the message."""
    said: set[bytes] = set() if connection is None else {option.strip() for option in connection.lower().split(b",")}
    return b"close" not in said and (version == "1.1" or b"keep-alive" in said)


def _feed(parser: Any, data: Buffer) -> None:
    try:
        parser.feed_data(data)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:  # the latter: any status 101
        raise NotHttp(_NO_HTTP) from error
