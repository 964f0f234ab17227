"""One HTTP connection: whatever comes, in whatever pieces, is taken for what it is."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s3_bucket._async._wire import http1
from s3_bucket._async._wire.http1 import LATER, LONGEST_HEAD, SHORT_BODY, WRITE_SIZE, Broken, NotHttp
from tests.unit.transport import HIGH_WATER, Line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from s3_bucket._async._wire.http1 import Connection, Headers
    from s3_bucket._models import Buffer

OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"
LARGE = bytes(4 * WRITE_SIZE)


class Into:
    """A sink that gives this room; it remembers what it was told."""

    def __init__(self, room: int) -> None:
        self.buffer = bytearray(room)
        self.told: list[tuple[int, int | None]] = []

    def __call__(self, status: int, headers: Headers, length: int | None) -> Buffer:
        """Say where the body goes."""
        self.told.append((status, length))
        return self.buffer


def later(status: int, headers: Headers, length: int | None) -> Buffer:
    """Don't know yet."""
    return LATER


@dataclass
class Case:
    """An answer, and what must become of it.

    Attributes:
        room: bytes that there are for the body; None to have it collected.
        ends: whether the server ends the connection after it.
    """

    answer: bytes
    body: bytes = b""
    status: int = 200
    room: int | None = None
    ends: bool = False
    bodiless: bool = False
    most: int = 1_000
    most_of_success: int = 0
    reusable: bool = True
    exceeded: bool = False
    headers: dict[str, bytes] = field(default_factory=dict)

    @property
    def limits(self) -> dict[str, int]:
        """How many bytes of a body are collected at most."""
        return {"most": self.most, "most_of_success": self.most_of_success}


CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
CASES = {
    "of known length": Case(HELLO, b"hello", headers={"content-length": b"5"}),
    "into a buffer": Case(HELLO, b"hello", room=5),
    "longer than the buffer": Case(HELLO, b"hel", room=3, reusable=False),
    "into no room": Case(HELLO, b"", room=0, reusable=False),
    "after 100 and 103": Case(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: 7\r\nLink: x\r\n\r\n" + HELLO,
        b"hello",
        headers={"content-length": b"5"},
    ),
    "of HEAD": Case(OK + b"Content-Length: 5\r\n\r\n", bodiless=True, headers={"content-length": b"5"}),
    "of HEAD, in chunks": Case(CHUNKED, bodiless=True, headers={"transfer-encoding": b"chunked"}),
    "of HEAD, until the end": Case(OK + b"A: b\r\n\r\n", bodiless=True, headers={"a": b"b"}),
    "204": Case(b"HTTP/1.1 204 No Content\r\n\r\n", status=204),
    "204 with a length": Case(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", status=204),
    "304 with a length": Case(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", status=304),
    "empty": Case(OK + b"Content-Length: 0\r\n\r\n"),
    "empty, into a buffer": Case(OK + b"Content-Length: 0\r\n\r\n", room=0),
    "in chunks": Case(CHUNKED + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", b"hello"),
    "in chunks, with all that there may be": Case(
        CHUNKED + b'2;a=b;c="d"\r\nhe\r\n0003\r\nllo\r\n0;last\r\nX-Trailer: 1\r\nX-Other: 9\r\n\r\n', b"hello"
    ),
    "in chunks, into a buffer": Case(CHUNKED + b"A\r\n0123456789\r\n1\r\n!\r\n0\r\n\r\n", b"0123456789!", room=11),
    "in chunks, shorter than the buffer": Case(CHUNKED + b"2\r\nhe\r\n0\r\n\r\n", b"he", room=5),
    "in chunks, longer than the buffer": Case(
        CHUNKED + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", b"hel", room=3, reusable=False, exceeded=True
    ),
    "in no chunks": Case(CHUNKED + b"0\r\n\r\n", b""),
    "until the end": Case(OK + b"A: b\r\n\r\nhello", b"hello", ends=True, reusable=False, headers={"a": b"b"}),
    "until the end, into a buffer": Case(OK + b"\r\nhello", b"hello", room=5, ends=True, reusable=False),
    "until the end, longer than the buffer": Case(
        OK + b"\r\nhello", b"he", room=2, ends=True, reusable=False, exceeded=True
    ),
    "until the end, empty": Case(OK + b"\r\n", ends=True, reusable=False),
    "HTTP/1.0": Case(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello", reusable=False),
    "HTTP/1.0, kept": Case(
        b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 5\r\n\r\nhello", b"hello", reusable=True
    ),
    "close": Case(OK + b"connection: CLOSE\r\nContent-Length: 5\r\n\r\nhello", b"hello", reusable=False),
    "close among others": Case(
        OK + b"Connection: x-amz-thing , Close,keep-alive\r\nContent-Length: 5\r\n\r\nhello", b"hello", reusable=False
    ),
    "keep-alive": Case(OK + b"CONNECTION:keep-alive\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
    "close in another word": Case(OK + b"Connection: closely\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
    "longer than announced": Case(HELLO + b"!", b"hello", reusable=False),
    "longer than announced, into a buffer": Case(HELLO + b"!", b"hello", room=5, reusable=False),
    "another answer after it": Case(HELLO + HELLO, b"hello", reusable=False),
    "another answer after chunks": Case(CHUNKED + b"2\r\nhe\r\n0\r\n\r\n" + HELLO, b"he", reusable=False),
    "the beginning of one after chunks": Case(CHUNKED + b"2\r\nhe\r\n0\r\n\r\nHTTP/1", b"he", reusable=False),
    "nonsense after chunks": Case(CHUNKED + b"2\r\nhe\r\n0\r\n\r\nnonsense", b"he", reusable=False),
    "another answer after 204": Case(b"HTTP/1.1 204 No Content\r\n\r\n" + HELLO, status=204, reusable=False),
    "a body after that of HEAD": Case(HELLO, bodiless=True, reusable=False),
    "as long as may be collected": Case(HELLO, b"hello", most=5),
    "too long to be collected": Case(HELLO, b"", most=4, reusable=False),
    "in chunks, too long to be collected": Case(
        CHUNKED + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", b"", most=4, reusable=False
    ),
    "as long as may be collected of success": Case(HELLO, b"hello", most=4, most_of_success=5),
    "too long even for that": Case(HELLO, b"", most=3, most_of_success=4, reusable=False),
    "a refusal that is too long": Case(
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nhello", b"", 403, most=4, most_of_success=5, reusable=False
    ),
    "a refusal": Case(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nhello", b"hello", 403),
    "bytes beyond ASCII": Case(
        b"HTTP/1.1 200 \xff\xfe\r\nX-A: \xc3\xa9\xff\r\nContent-Length: 0\r\n\r\n", headers={"x-a": b"\xc3\xa9\xff"}
    ),
    "empty and padded headers": Case(
        OK + b"X-A:\r\nX-B:  \t b  c \r\nContent-Length: 5\r\n\r\nhello", b"hello", headers={"x-a": b""}
    ),
}


async def check(case: Case, pieces: Sequence[bytes]) -> None:
    """Let an answer come in these pieces, and compare what became of it."""
    line, sink = Line(), None if case.room is None else Into(case.room)
    got = await line.answered(pieces, sink, ends=case.ends, bodiless=case.bodiless, **case.limits)
    body = got.body if sink is None else bytes(sink.buffer[: got.received])
    assert (got.status, body, got.exceeded) == (case.status, case.body, case.exceeded)
    assert got.reusable is case.reusable
    assert case.headers.items() <= got.headers.items()
    if sink is not None:
        assert len(sink.told) == 1
        assert not any(sink.buffer[got.received :])


@pytest.mark.parametrize("name", CASES)
async def test_cut_anywhere(name: str) -> None:
    """An answer is the same one whether it comes whole, in two pieces cut anywhere, or byte by byte."""
    case = CASES[name]
    answer = case.answer
    await check(case, [answer])
    await check(case, [answer[at : at + 1] for at in range(len(answer))])
    for at in range(1, len(answer)):
        await check(case, [answer[:at], answer[at:]])


@settings(deadline=None)
@given(name=st.sampled_from(sorted(CASES)), cuts=st.sets(st.integers(1, 200), max_size=12))
def test_cut_in_many(name: str, cuts: set[int]) -> None:
    """An answer is the same one in any pieces."""
    case = CASES[name]
    at = [0, *sorted(cut for cut in cuts if cut < len(case.answer)), len(case.answer)]
    asyncio.run(check(case, [case.answer[start:stop] for start, stop in pairwise(at)]))


async def test_one_after_another() -> None:
    """A connection takes one answer after another, and nothing is left of the one before."""
    line = Line()
    for name in ("of known length", "in chunks", "of HEAD", "204", "into a buffer", "in chunks, into a buffer") * 3:
        case = CASES[name]
        sink = None if case.room is None else Into(case.room)
        got = await line.answered([case.answer], sink, bodiless=case.bodiless)
        body = got.body if sink is None else bytes(sink.buffer)
        assert (got.status, body, got.reusable, got.is_idle) == (case.status, case.body, True, True)
    assert line.left == 0


NO_HTTP = {
    "two lengths": OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "the same length twice": OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "a length and chunks": OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and a length": OK + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "a list of lengths": OK + b"Content-Length: 5, 5\r\n\r\nhello",
    "a negative length": OK + b"Content-Length: -5\r\n\r\nhello",
    "a length with a sign": OK + b"Content-Length: +5\r\n\r\nhello",
    "a hexadecimal length": OK + b"Content-Length: 0x5\r\n\r\nhello",
    "an endless length": OK + b"Content-Length: 99999999999999999999999999\r\n\r\nhello",
    "no length": OK + b"Content-Length:\r\n\r\n",
    "a name with a space": OK + b"Content-Length : 5\r\n\r\nhello",
    "no name": OK + b": 5\r\n\r\nhello",
    "no colon": OK + b"Content-Length\r\n\r\nhello",
    "a null byte": OK + b"X-A: \0\r\nContent-Length: 0\r\n\r\n",
    "no version": b"HTTP 200 OK\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "a status too long": b"HTTP/1.1 2000 OK\r\n\r\n",
    "HTTP/2": b"HTTP/2 200\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a request": b"GET / HTTP/1.1\r\n\r\n",
    "nonsense": b"\x16\x03\x01\x02\x00\r\n\r\n",
    "101": b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
    "101 to nothing": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "a chunk of no length": CHUNKED + b"hello\r\n",
    "a chunk of negative length": CHUNKED + b"-1\r\nh\r\n",
    "a chunk longer than it says": CHUNKED + b"2\r\nhello\r\n0\r\n\r\n",
    "an endless chunk": CHUNKED + b"fffffffffffffffff\r\nhello",
    "a name in another line": OK + b"X-A: b\r\n Content-Length: 5 : \r\n: 6\r\n\r\n",
}


@pytest.mark.parametrize("name", NO_HTTP)
async def test_no_http(name: str) -> None:
    """What can be read in two ways, or in none, is refused, wherever it is cut, and ends the connection."""
    answer = NO_HTTP[name]
    for pieces in ([answer], [answer[at : at + 1] for at in range(len(answer))]):
        line = Line()
        with pytest.raises(NotHttp) as caught:
            await asyncio.wait_for(line.answered(pieces), 10)
        assert "hello" not in str(caught.value)
        await asyncio.sleep(0)
        assert (line.connection.reusable, line.transport.is_closing(), line.left) == (False, True, 1)


@pytest.mark.parametrize("line", [b"X: " + b"a" * 64, b"X-%d: a", b"X: a"])
async def test_endless_head(line: bytes) -> None:
    """Headers without an end are given up at 64 KiB; those of just as many bytes are read."""
    head = OK + b"".join(b"%s\r\n" % (line % at if b"%d" in line else line) for at in range(LONGEST_HEAD))
    with pytest.raises(NotHttp, match="longer than 65536 bytes"):
        await Line().answered([head])
    room = LONGEST_HEAD - len(OK + b"Content-Length: 5\r\nX: \r\n\r\n")
    longest = OK + b"Content-Length: 5\r\nX: " + b"a" * room + b"\r\n\r\nhello"
    assert (await Line().answered([longest])).body == b"hello"
    with pytest.raises(NotHttp, match="longer than 65536 bytes"):
        await Line().answered([longest.replace(b"X: ", b"X: a")])


@pytest.mark.parametrize("piece", [b"X-Trailer: 1\r\n", b"a" * 70], ids=["trailers", "a trailer"])
async def test_endless_trailers(piece: bytes) -> None:
    """After the last chunk as little comes as before the first: more is no end, but somebody who wants our memory."""
    line = Line()
    task = await line.ask()
    line.transport.deliver(CHUNKED + b"2\r\nhe\r\n0\r\nX: ")
    for _ in range(LONGEST_HEAD):
        if line.transport.is_closing():
            break
        line.transport.deliver(piece)
    with pytest.raises(NotHttp):
        await task


async def test_many_names() -> None:
    """The names that servers think up are not all remembered, and are all read."""
    lines = b"".join(b"X-Name-%d: 1\r\n" % at for at in range(3_000))
    got = await Line().answered([OK + lines + b"Content-Length: 0\r\n\r\n"])
    assert len(got.headers) == 3_001
    assert len(http1._NAMES) <= http1.MOST_NAMES


# The connection ends


@pytest.mark.parametrize(
    "name", ["of known length", "in chunks", "after 100 and 103", "204", "in chunks, into a buffer"]
)
@pytest.mark.parametrize("error", [None, ConnectionResetError("reset")])
async def test_end_at_each_stage(name: str, error: Exception | None) -> None:
    """A connection that ends in the middle of an answer, or is reset, fails the request, and is not used again."""
    case = CASES[name]
    for at in range(len(case.answer)):
        line, sink = Line(), None if case.room is None else Into(case.room)
        task = await line.ask(sink)
        line.transport.deliver(case.answer[:at])
        line.transport.end() if error is None else line.transport.lose(error)
        with pytest.raises(Broken if error is None else ConnectionResetError):
            await task
        assert (line.connection.reusable, line.left) == (False, 1)


async def test_end_in_the_body() -> None:
    """Of a body that breaks off, what has come is there, and it is known how much."""
    line, sink = Line(), Into(5)
    with pytest.raises(Broken):
        await line.answered([HELLO[:-3], HELLO[-3:-1]], sink, ends=True)
    assert (line.connection.received, bytes(sink.buffer)) == (4, b"hell\0")


async def test_reset_until_the_end() -> None:
    """A body that ends with the connection is whole only if the connection ends in order."""
    line = Line()
    task = await line.ask()
    line.transport.deliver(OK + b"\r\nhello")
    line.transport.lose(ConnectionResetError())
    with pytest.raises(ConnectionResetError):
        await task


async def test_closed_before() -> None:
    """A request on a connection that has been closed fails at once."""
    line = Line()
    line.transport.abort()
    with pytest.raises(Broken):
        await line.connection.exchange(b"GET", b"", None, bodiless=False, most=0)


@pytest.mark.parametrize("unasked", [b"x", HELLO, b"HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n"])
async def test_unasked(unasked: bytes) -> None:
    """What comes while nobody has asked closes the connection: the next request would take it for its answer."""
    line = Line()
    await line.answered([HELLO])
    assert line.connection.reusable
    line.transport.deliver(unasked)
    assert not line.connection.reusable
    assert line.connection.is_closing()
    with pytest.raises(Broken):
        await line.connection.exchange(b"GET", b"", None, bodiless=False, most=0)


async def test_unasked_before_the_first() -> None:
    """A server that speaks first, as those of other protocols do, is not asked."""
    line = Line()
    line.transport.deliver(b"220 smtp\r\n")
    assert not line.connection.reusable


async def test_end_while_idle() -> None:
    """A server's end, while nothing is asked, is no error, and the connection isn't used again."""
    line = Line()
    await line.answered([HELLO])
    line.transport.end()
    await asyncio.sleep(0)
    assert (line.connection.reusable, line.left) == (False, 1)


# Sending


@pytest.mark.parametrize("size", [0, 1, SHORT_BODY, SHORT_BODY + 1, 10 * WRITE_SIZE + 1])
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_sent(size: int, kind: Any) -> None:
    """Whatever the length of a body, and its type, head and body are sent, each byte once."""
    line, body = Line(), bytes(range(256)) * (size // 256 + 1)
    task = await line.ask(head=b"PUT\r\n\r\n", body=kind(body[:size]))
    await asyncio.sleep(0)
    line.transport.deliver(HELLO)
    await task
    assert line.transport.sent == b"PUT\r\n\r\n" + body[:size]


async def test_back_pressure() -> None:
    """While the peer takes nothing, no more waits than a piece beyond the high-water mark; what it takes, moves."""
    line = Line(slow=True)
    task = await line.ask(body=LARGE)
    while not task.done():
        await asyncio.sleep(0)
        if not line.transport.waiting:
            line.transport.deliver(HELLO)
        before = line.connection.moved
        await asyncio.sleep(0)
        assert line.connection.moved == before
        line.transport.take()
    await task
    assert line.connection.body == b"hello"
    assert line.connection.moved == len(LARGE) + http1.NEW_WINDOW  # for the answer
    assert line.transport.sent.endswith(LARGE)
    assert line.transport.most_waiting <= HIGH_WATER + 2 * WRITE_SIZE


REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nhello"


async def test_early_refusal() -> None:
    """A refusal that comes while the body is sent ends the sending, and the connection with it."""
    line = Line(slow=True)
    task = await line.ask(body=LARGE)
    line.transport.deliver(REFUSED)
    await task
    assert (line.connection.status, line.connection.body) == (403, b"hello")
    assert not line.connection.reusable
    assert len(line.transport.waiting) < len(LARGE)


async def test_early_refusal_of_a_quick_peer() -> None:
    """A refusal is seen between two pieces, though nobody ever had to wait."""
    line = Line()
    line.transport.wrote = lambda: line.transport.deliver(REFUSED) if len(line.transport.sent) > 10 else None
    await line.connection.exchange(b"PUT", LARGE, None, bodiless=False, most=100)
    assert line.connection.status == 403
    assert len(line.transport.sent) < len(LARGE)


@pytest.mark.parametrize("more", [b"", b"!"], ids=["all is taken", "a byte waits"])
async def test_early_success(more: bytes) -> None:
    """A success that comes while the body is sent leaves the sending to go on: the server wants all of it.

    It is the end of the request though the last bytes may wait; then nothing else is sent after them.
    """
    line = Line(slow=True)
    task = await line.ask(head=b"PUT", body=LARGE + more)
    line.transport.deliver(HELLO)
    for _ in range(100):
        await asyncio.sleep(0)
        line.transport.take()
    await task
    assert line.transport.sent.startswith(b"PUT" + LARGE)
    assert line.connection.reusable is not bool(more)
    assert line.transport.most_waiting <= HIGH_WATER + 2 * WRITE_SIZE


async def test_early_success_and_end() -> None:
    """A success after which the connection ends, with the body half sent, ends the sending: nobody takes the rest."""
    line = Line(slow=True)
    task = await line.ask(body=LARGE)
    line.transport.deliver(HELLO)
    line.transport.end()
    await task
    assert line.connection.body == b"hello"
    assert not line.connection.reusable


@pytest.mark.parametrize("error", [None, ConnectionResetError()])
async def test_end_while_sending(error: Exception | None) -> None:
    """A connection that ends while a body is sent ends the sending."""
    line = Line(slow=True)
    task = await line.ask(body=LARGE)
    line.transport.lose(error)
    with pytest.raises(Broken if error is None else ConnectionResetError):
        await task


async def test_early_nonsense() -> None:
    """What is no HTTP ends the sending."""
    line = Line(slow=True)
    task = await line.ask(body=LARGE)
    line.transport.deliver(b"nonsense\r\n\r\n")
    with pytest.raises(NotHttp):
        await task


# Cancellation

STAGES = {
    "nothing has come": b"",
    "in the head": HELLO[:20],
    "in the body": HELLO[:-2],
    "in a chunk": CHUNKED + b"5\r\nhe",
    "until the end": OK + b"\r\nhe",
}


@pytest.mark.parametrize("stage", STAGES)
async def test_cancelled(stage: str) -> None:
    """A request that is cancelled closes its connection, and nothing more comes into the buffer."""
    line, sink = Line(), Into(5)
    task = await line.ask(sink)
    line.transport.deliver(STAGES[stage])
    came = bytes(sink.buffer)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    line.connection.get_buffer(-1)[:3] = b"XXX"  # the transport was in the middle of it
    line.connection.buffer_updated(3)
    assert sink.buffer == came
    await asyncio.sleep(0)
    assert (line.connection.reusable, line.transport.is_closing(), line.left) == (False, True, 1)
    sink.buffer.extend(b"nobody holds it")


async def test_cancelled_while_sending() -> None:
    """A body that is cancelled half sent closes the connection."""
    line = Line(slow=True)
    task = await line.ask(body=LARGE)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert line.transport.is_closing()


async def test_cancelled_as_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody complains of an error that nobody waits for: the connection ended just when the sending was cancelled."""
    line = Line(slow=True)
    task = await line.ask(body=LARGE)
    line.connection.fail(TimeoutError())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    del line, task
    gc.collect()
    assert not caplog.records


async def test_failed() -> None:
    """A request whose connection is given up raises what it was given up for."""
    line = Line()
    task = await line.ask()
    assert not line.connection.is_idle
    line.connection.fail(TimeoutError("too slow"))
    with pytest.raises(TimeoutError, match="too slow"):
        await task
    assert line.transport.is_closing()


@pytest.mark.parametrize("answer", [HELLO, CHUNKED, OK + b"\r\n"])
async def test_sink_that_raises(answer: bytes) -> None:
    """What the sink raises, the request raises, and the connection is closed."""

    def refuse(status: int, headers: Headers, length: int | None) -> Buffer:
        msg = "not that"
        raise LookupError(msg)

    line = Line()
    with pytest.raises(LookupError, match="not that"):
        await line.answered([answer], refuse)
    assert line.transport.is_closing()


# Where the body goes is known later

UNKNOWN = {
    "in chunks": (CHUNKED + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", False),
    "until the end": (OK + b"\r\nhello", True),
}


@pytest.mark.parametrize("name", UNKNOWN)
async def test_later(name: str) -> None:
    """A body waits until its buffer is there, wherever the answer was cut."""
    answer, ends = UNKNOWN[name]
    for at in range(len(answer)):
        line, buffer = Line(), bytearray(5)
        task = await line.ask(later)
        line.transport.deliver(answer[:at])
        await asyncio.sleep(0)
        line.transport.deliver(answer[at:])
        await task
        receiving = asyncio.ensure_future(line.connection.receive(buffer))
        for _ in range(3):
            await asyncio.sleep(0)
        if ends:
            line.transport.end()
        await receiving
        assert (buffer, line.connection.received, line.connection.exceeded) == (b"hello", 5, False)


async def received(line: Line, pieces: Sequence[bytes], room: int) -> Connection:
    """Ask for a body whose length isn't known, and let it come, the first piece before there is room."""
    task = await line.ask(later)
    line.transport.deliver(pieces[0])
    await task
    receiving = asyncio.ensure_future(line.connection.receive(bytearray(room)))
    for piece in pieces[1:]:
        await asyncio.sleep(0)
        line.transport.deliver(piece)
    await receiving
    return line.connection


@pytest.mark.parametrize("cut", [len(CHUNKED), len(CHUNKED) + 4, len(CHUNKED) + 9])
async def test_later_too_long(cut: int) -> None:
    """Of a body that turns out longer than its buffer, no more comes, and it is said."""
    answer = CHUNKED + b"5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"
    got = await received(Line(), [answer[:cut], answer[cut:]], 3)
    assert (got.received, got.exceeded, got.reusable) == (3, True, False)


@pytest.mark.parametrize("cut", [len(CHUNKED), len(CHUNKED) + 4])
async def test_later_nonsense(cut: int) -> None:
    """A body that turns out to be nonsense fails, and the connection is closed."""
    answer, line = CHUNKED + b"2\r\nhello", Line()
    with pytest.raises(NotHttp):
        await received(line, [answer[:cut], answer[cut:]], 5)
    assert line.transport.is_closing()


async def test_later_never() -> None:
    """A body that was never received leaves nothing to be used again."""
    line = Line()
    await line.answered([CHUNKED + b"5\r\nhe"], later)
    assert not line.connection.reusable


async def test_later_cancelled() -> None:
    """A receiving that is cancelled closes the connection, and nothing more comes into the buffer."""
    line, buffer = Line(), bytearray(5)
    await line.answered([CHUNKED + b"5\r\nhe"], later)
    task = asyncio.ensure_future(line.connection.receive(buffer))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert buffer == b"he\0\0\0"
    assert line.transport.is_closing()


@pytest.mark.parametrize("error", [None, TimeoutError("too slow")])
async def test_later_lost(error: Exception | None) -> None:
    """A connection that was lost while its body waited fails the receiving at once."""
    line = Line()
    await line.answered([CHUNKED + b"5\r\nhe"], later)
    line.transport.lose(error)
    await asyncio.sleep(0)
    with pytest.raises(Broken):
        await asyncio.wait_for(line.connection.receive(bytearray(5)), 5)


async def test_later_ended() -> None:
    """A body that ended with the connection, as TLS may tell in one go with its last bytes, is whole."""
    line, buffer = Line(), bytearray(5)
    await line.answered([OK + b"\r\nhello"], later, ends=True)
    await asyncio.wait_for(line.connection.receive(buffer), 5)
    assert buffer == b"hello"


async def test_nothing_is_held() -> None:
    """When a body has come, its buffer is its owner's alone."""
    line = Line()
    for answer in (HELLO, UNKNOWN["in chunks"][0]):
        sink = Into(5)
        await line.answered([answer], sink)
        sink.buffer.extend(b"more")
    buffer = bytearray(5)
    await line.answered([UNKNOWN["in chunks"][0]], later)
    await line.connection.receive(buffer)
    buffer.extend(b"more")
