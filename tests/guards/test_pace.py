"""A peer that lets a byte through now and then is given up like a silent one; an honest slow one is waited for."""

from __future__ import annotations

import asyncio
import contextlib
import io
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

import s3_bucket as S3
from s3_bucket._async import _pace
from s3_bucket._async._botocore import client as client_room
from s3_bucket._async._pace import Pace
from tests.guards.script import BUCKET, Reply, Script, error, reply
from tests.guards.test_redirects import CALLS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

MIB = 1024 * 1024
Handler = "Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]"


@asynccontextmanager
async def peer(
    handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """Run a server that reads little ahead and does nothing by itself; return its URL."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await handler(reader, writer)
        writer.transport.abort()
        tasks.discard(task)

    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    listening.bind(("127.0.0.1", 0))
    server = await asyncio.start_server(connected, sock=listening, limit=16 * 1024)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)
        await server.wait_closed()


async def headers_of(reader: asyncio.StreamReader) -> int:
    """Receive the headers of a request and return how long its body is."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    _, found, after = head.partition(b"\r\ncontent-length:")
    return int(after.split(b"\r\n")[0]) if found else 0


def sending(
    *first: bytes, again: bytes = b"", every: float = 0.0, times: float = float("inf")
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """Return what answers each request with something, and then with the same again and again."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(await headers_of(reader))
        for piece in first[:1]:
            writer.write(piece)
        done = 0
        while done < times:
            done += 1
            writer.write(again)
            await writer.drain()
            await asyncio.sleep(every)
        for piece in first[1:]:
            writer.write(piece)
        await writer.drain()
        await reader.read()

    return handler


LISTING = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<R><Name>b</Name><IsTruncated>false</IsTruncated>'
    b"<Contents><Key>k</Key><Size>1</Size><ETag>e</ETag></Contents></R>"
)
OK = b"HTTP/1.1 200 OK\r\nx-amz-request-id: 1\r\nContent-Length: 100000\r\n\r\n"
BROKEN = b"HTTP/1.1 500 No\r\nContent-Length: 100000\r\n\r\n"
DRIPS = {
    "status line": (b"", b"H"),
    "header": (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X: x\r\n"),
    "promises": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "error": (BROKEN, b"<"),
    "answer": (OK, b"x"),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
}

OF_BODIES = {"answer", "chunks"}
# An object's body, which "get" would receive, is watched where it is received.
DRIPPING = [(call, drip) for call in ("list", "put", "get") for drip in DRIPS if call != "get" or drip not in OF_BODIES]


@pytest.mark.parametrize(("call", "drip"), DRIPPING)
async def test_an_answer_that_drips(call: str, drip: str, make: Callable[..., S3.AsyncBucket]) -> None:
    """An answer of which a few bytes come now and then ends within the time that a silent one may take."""
    first, again = DRIPS[drip]
    async with peer(sending(first, again=again, every=0.02)) as url, asyncio.timeout(10):
        with pytest.raises(S3.BucketException) as caught:
            await CALLS[call](make(endpoint_url=url, connect_timeout=0.2, read_timeout=0.4, max_attempts=1))
    assert caught.value.retryable


FLOODS = {
    "header": (b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65_536),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X: x\r\n" * 10_000),
    "promises": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000),
    "error": (b"HTTP/1.1 500 No\r\n\r\n<Error>", b"<x>" * 10_000),
    "answer": (b"HTTP/1.1 200 OK\r\n\r\n<R>", b"<x>" * 10_000),
}


@pytest.mark.parametrize("flood", FLOODS)
async def test_an_answer_without_an_end(
    flood: str, make: Callable[..., S3.AsyncBucket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer without an end is an error soon: of what is no object's body, only so much is received."""
    monkeypatch.setattr(client_room, "LONGEST_ANSWER", 2 * MIB)
    first, again = FLOODS[flood]
    async with peer(sending(first, again=again)) as url, asyncio.timeout(20):
        with pytest.raises(S3.BucketException) as caught:
            await anext(make(endpoint_url=url, connect_timeout=0.5, read_timeout=1, max_attempts=1).list())
    if flood in {"error", "answer"}:
        assert caught.value.status == (500 if flood == "error" else 200)


async def test_a_slow_answer(make: Callable[..., S3.AsyncBucket]) -> None:
    """An answer that is slow, but faster than the floor, is taken, however long it takes."""
    length = f"HTTP/1.1 200 OK\r\nContent-Length: {len(LISTING) + 30 * 500}\r\n\r\n".encode()
    body = (length + LISTING[:-4], LISTING[-4:])  # before the last tag, padding
    async with peer(sending(*body, again=b" " * 500, every=0.1, times=30)) as url, asyncio.timeout(30):
        bucket = make(endpoint_url=url, connect_timeout=1, read_timeout=1, max_attempts=1)
        assert [info.key async for info in bucket.list()] == ["k"]


@pytest.mark.parametrize("declared", [True, False])
async def test_white_space_before_an_answer(script: Script, bucket: S3.AsyncBucket, *, declared: bool) -> None:
    """White space before the XML, which S3 sends while it completes an upload, hurts no operation."""
    space = b" \r\n\t" + (b'<?xml version="1.0"?>' if declared else b"")

    def answer(request: Any) -> Reply:
        _, _, body = script.good(request).data.partition(b"\r\n\r\n")
        if not body or (request.method == "GET" and request.key):
            return script.good(request)
        return reply(200, space + body)

    script.answers["*"] = answer
    assert (await bucket.put("key", bytes(6_000_000))).etag == script.etags["key"]
    assert [info.key async for info in bucket.list()] == ["key"]
    assert [result.ok async for result in bucket.delete_many(["key"])] == [True]
    assert script.operations().count("CompleteMultipartUpload") == 1


def completing(times: float, every: float) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """Return what takes an upload, and sends white space before the last answer of it."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            first = (await reader.readuntil(b"\r\n")).decode()
            await reader.readexactly(await headers_of(reader))
            if "uploads" in first:
                body = b"<R><UploadId>u</UploadId></R>"
            else:
                body = b'<?xml version="1.0"?><R><ETag>"whole"</ETag></R>'
            head = b"HTTP/1.1 200 OK\r\nETag: e\r\nTransfer-Encoding: chunked\r\n\r\n"
            writer.write(head)
            done = 0
            while first.startswith("POST") and "uploadId" in first and done < times:
                done += 1
                writer.write(b"1\r\n \r\n")
                await writer.drain()
                await asyncio.sleep(every)
            body = b"" if first.startswith(("PUT", "DELETE")) else body
            writer.write((b"%x\r\n%s\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n")
            await writer.drain()

    return handler


async def test_kept_alive_by_white_space(make: Callable[..., S3.AsyncBucket]) -> None:
    """An upload whose completion takes longer than read_timeout succeeds, if the server shows that it is at it."""
    async with peer(completing(10, 0.2)) as url, asyncio.timeout(30):
        bucket = make(endpoint_url=url, connect_timeout=0.5, read_timeout=0.5, max_attempts=1)
        assert (await bucket.put("key", bytes(6_000_000))).etag == "whole"


async def test_white_space_without_an_end(make: Callable[..., S3.AsyncBucket]) -> None:
    """White space that never ends is given up after some times read_timeout; whether it was written can't be said."""
    async with peer(completing(float("inf"), 0.02)) as url, asyncio.timeout(30):
        with pytest.raises(S3.AmbiguousWrite) as caught:
            await make(endpoint_url=url, connect_timeout=0.5, read_timeout=0.2, max_attempts=1).put(
                "key", bytes(6_000_000)
            )
        assert isinstance(caught.value.__cause__, S3.BucketTimeout)


@pytest.mark.parametrize("length", [10_000, 200_000, 8 * MIB])
async def test_a_peer_that_reads_a_byte_now_and_then(length: int, make: Callable[..., S3.AsyncBucket]) -> None:
    """A body of which hardly anything is taken ends within connect_timeout and read_timeout, whatever its length."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await headers_of(reader)
        while await reader.read(1):  # noqa: ASYNC110  # it is the peer's pace
            await asyncio.sleep(0.02)

    async with peer(handler) as url, asyncio.timeout(10):
        bucket = make(endpoint_url=url, connect_timeout=0.3, read_timeout=0.5, max_attempts=1, part_size=16 * MIB)
        with pytest.raises(S3.BucketTimeout):
            await bucket.put("key", bytes(length))


async def test_a_slow_peer_is_waited_for(make: Callable[..., S3.AsyncBucket]) -> None:
    """A body that is taken slowly, but steadily, is sent to its end, though it takes several times read_timeout."""
    began = asyncio.get_running_loop().time()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = await headers_of(reader)
        while left:
            left -= len(await reader.read(min(left, 64 * 1024)))
            await asyncio.sleep(0.01)
        writer.write(b'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: 0\r\n\r\n')
        await reader.read()

    async with peer(handler) as url, asyncio.timeout(60):
        bucket = make(endpoint_url=url, connect_timeout=0.1, read_timeout=1.5, max_attempts=1, part_size=32 * MIB)
        assert (await bucket.put("key", bytes(16 * MIB))).etag == "e"
    assert asyncio.get_running_loop().time() - began > 1.6


async def test_an_answer_before_the_body_was_taken(make: Callable[..., S3.AsyncBucket]) -> None:
    """A server that refuses at the headers, and reads no further, is believed at once, and the next call succeeds."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await headers_of(reader):
            writer.write(error(403, "AccessDenied").data)
            await writer.drain()
            await asyncio.Event().wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(LISTING) + LISTING)
        await reader.read()

    async with peer(handler) as url, asyncio.timeout(10):
        bucket = make(endpoint_url=url, read_timeout=20, max_attempts=1, part_size=64 * MIB, max_concurrency=1)
        for _ in range(3):
            with pytest.raises(S3.BucketAccessDenied):
                await bucket.put("key", bytes(32 * MIB))
        assert [info.key async for info in bucket.list()] == ["k"]


async def test_bodies_that_call_is_given(script: Script, bucket: S3.AsyncBucket) -> None:
    """A file that call() sends arrives whole, and is watched like all bodies."""
    data = bytes(range(256)) * 2_000
    await bucket.call("PutObject", Key="key", Body=io.BytesIO(data))
    assert script.objects["key"] == data

    async def handler(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await headers_of(reader)
        await asyncio.Event().wait()

    async with peer(handler) as url, asyncio.timeout(10):
        stuck = S3.AsyncBucket(BUCKET, endpoint_url=url, connect_timeout=0.3, read_timeout=0.3, max_attempts=1)
        async with stuck:
            with pytest.raises(S3.BucketTimeout):
                await stuck.call("PutObject", Key="key", Body=io.BytesIO(bytes(16 * MIB)))


async def test_bodies_that_come_in_pieces() -> None:
    """A body that is itself made of pieces, as botocore's with a checksum in a trailer, is passed on so."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    async with Pace(10) as pace:
        assert [piece async for piece in client_room._paced(pieces(), pace)] == [b"one", b"two"]


async def test_a_pace() -> None:
    """What moves fast enough in each window goes on; what does not, ends with a TimeoutError."""
    async with Pace(0.2) as pace:
        for _ in range(5):
            await asyncio.sleep(0.1)
            pace.moved(_pace.SLOWEST)
    with pytest.raises(TimeoutError):
        await dripping()
    pace.restart()  # whatever still tells of progress, when it is over, is not heard


async def dripping() -> None:
    """Let a byte move now and then."""
    async with Pace(0.2) as pace:
        while True:
            await asyncio.sleep(0.01)
            pace.moved(1)


async def test_a_pace_that_begins_later() -> None:
    """The first bytes may take another time than a window."""
    async with Pace(0.05, 5) as pace:
        await asyncio.sleep(0.1)
        pace.restart()
