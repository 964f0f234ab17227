"""Answers made to exhaust whoever reads them: operations end soon, in little memory, with an error that has a name."""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import s3_bucket as S3
from tests.guards.script import BUCKET
from tests.guards.test_foreign_answers import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator

    Answer = Callable[[], Iterator[bytes]]

MIB = 1024 * 1024
LONGEST_ANSWER, LONGEST_ERROR = 64 * MIB, 1 * MIB
SLACK = 32 * MIB  # what the sockets hold, and what a parser makes of it
READ_TIMEOUT = 1.0
SOON = 12.0  # on a busy machine; endless is longer

CALLS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    **OPERATIONS,
    "ListMultipartUploads": lambda store: store.call(BUCKET, "ListMultipartUploads", {}),
}
WITHOUT_BODY = {"HeadObject", "HeadBucket"}
CONTROL = sorted(CALLS.keys() - {"GetObject", "GetObject range"} - WITHOUT_BODY)
WITH_BODY = sorted(CALLS.keys() - WITHOUT_BODY)
IN_BODY = sorted(set(CONTROL) - {"PutObject", "UploadPart"})
"""Operations whose answer is in the body: what comes besides the headers of the other two is thrown away."""


def cells(names: Iterable[str]) -> list[Any]:
    """Return (status, name) for success and error."""
    return [pytest.param(status, name, id=f"{status}-{name}") for status, name in itertools.product((200, 400), names)]


class Feeder:
    """A server that answers everything alike, piece by piece, as long as somebody takes it, or so many bytes."""

    def __init__(self, answer: Answer, enough: float, pause: float) -> None:
        self._answer, self._enough, self._pause = answer, enough, pause
        self.sent = 0
        self.tasks: set[asyncio.Task[Any]] = set()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read a request's head and body, and feed."""
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length or b"0"))
            for piece in self._answer():
                writer.write(piece)
                self.sent += len(piece)
                await writer.drain()
                await asyncio.sleep(self._pause)
                if self.sent > self._enough:
                    break
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.tasks.discard(task)
            writer.close()

    async def stop(self) -> None:
        """End all connections."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@asynccontextmanager
async def fed(answer: Answer, enough: float = math.inf, pause: float = 0) -> AsyncIterator[tuple[Feeder, Any]]:
    """Give a feeder, and a store that asks it, once for each call."""
    feeder = Feeder(answer, enough, pause)
    server = await asyncio.start_server(feeder.connected, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with S3.AsyncBucket(
        BUCKET, endpoint_url=url, max_attempts=1, connect_timeout=1.0, read_timeout=READ_TIMEOUT
    ) as bucket:
        yield feeder, await bucket._store()
    server.close()
    await feeder.stop()
    await server.wait_closed()


def memory(line: str) -> int:
    """Return what the system says of this process's memory, in bytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split(f"\n{line}:")[1].split()[0]) * 1024


async def problem(operation: str, store: Any, most: int) -> str:
    """Return what is wrong with how an operation ends."""
    await asyncio.to_thread(Path("/proc/self/clear_refs").write_text, "5")  # the peak is counted from now on
    before, begun = await asyncio.to_thread(memory, "VmRSS"), time.monotonic()
    try:
        async with asyncio.timeout(SOON):
            await CALLS[operation](store)
    except S3.BucketException:
        took, peak = time.monotonic() - begun, await asyncio.to_thread(memory, "VmHWM")
        return "" if peak - before < most else f"{(peak - before) // MIB} MiB in {took:.1f} s"
    except BaseException as error:  # noqa: BLE001  # RecursionError, MemoryError and TimeoutError are what is looked for
        return repr(error)[:100]
    return "success"


async def problems(answer: Answer, operations: list[str], most: int, enough: float = math.inf) -> dict[str, str]:
    """Return what is wrong, by operation: if enough bytes are taken, that is wrong too."""
    found = {}
    async with fed(answer, enough) as (feeder, store):
        for operation in operations:
            feeder.sent = 0
            wrong = await problem(operation, store, most)
            if wrong or feeder.sent > enough:
                found[operation] = f"{wrong}; took {feeder.sent // MIB} MiB"
    return found


# Bombs: little that becomes much

LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
ENTRY = "<Name>{0}</Name><IsTruncated>false</IsTruncated><UploadId>{0}</UploadId><ETag>{0}</ETag><Code>{0}</Code>"
DOCTYPES = {
    "billion laughs": f'<!DOCTYPE R [<!ENTITY a0 "ha">{LAUGHS}]><R>{ENTRY.format("&a11;")}</R>',
    "quadratic": f'<!DOCTYPE R [<!ENTITY a "{"a" * 50_000}">]><R>{ENTRY.format("&a;" * 5_000)}</R>',
    "external": f'<!DOCTYPE R [<!ENTITY a SYSTEM "file:///etc/passwd">]><R>{ENTRY.format("&a;")}</R>',
    "parameter": f'<!DOCTYPE R [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]><R>{ENTRY.format("x")}</R>',
    "remote": f'<!DOCTYPE R SYSTEM "http://127.0.0.1:1/x"><R>{ENTRY.format("x")}</R>',
    "harmless": f'<!DOCTYPE R [<!ENTITY a "x">]><R>{ENTRY.format("&a;")}</R>',
    "after a comment": f'<?xml version="1.0"?><!-- > -->\n<!DOCTYPE R [<!ENTITY a "x">]><R>{ENTRY.format("&a;")}</R>',
}
DEPTH = 200_000
SHAPES = {
    "deep": "<R>" * DEPTH + ENTRY.format("x") + "</R>" * DEPTH,
    "deep to the right": "<R>" + ENTRY.format("x") + "<S>" * DEPTH + "</S>" * DEPTH + "</R>",
    "deep in an entry": "<R><Name>" + "<S>" * DEPTH + "</S>" * DEPTH + "</Name></R>",
    "deep and open": "<R>" * DEPTH,
    "wide": "<R>" + ENTRY.format("x") + "<S a='1'/>" * 50_000 + "</R>",
    "attributes": "<R " + " ".join(f"a{n}='1'" for n in range(100_000)) + ">" + ENTRY.format("x") + "</R>",
    "a long name": f"<{'R' * 5 * MIB}/>",
}


def whole(status: int, text: str) -> Answer:
    """Return an answer of known length."""
    body = text.encode()
    head = f'HTTP/1.1 {status} X\r\nETag: "e"\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n'
    return lambda: iter([head.encode() + body])


@pytest.mark.parametrize(("status", "bomb"), cells(DOCTYPES))
async def test_entities(status: int, bomb: str) -> None:
    """A document that declares anything is refused, whatever it declares: S3's never do."""
    operations = IN_BODY if status == 200 else WITH_BODY
    assert await problems(whole(status, DOCTYPES[bomb]), operations, LONGEST_ERROR + SLACK) == {}


@pytest.mark.parametrize(("status", "shape"), cells(SHAPES))
async def test_shapes(status: int, shape: str) -> None:
    """A document that is 200,000 levels deep, or as wide, is read or refused, in little memory."""
    found = await problems(whole(status, SHAPES[shape]), ["ListObjectsV2"], LONGEST_ANSWER + SLACK)
    assert [name for name, what in found.items() if not what.startswith("success")] == []


# Endless answers

SPACES = b" " * 65_536


def endless_chunks(status: int) -> Answer:
    """Return an answer in chunks that never ends."""
    head = f'HTTP/1.1 {status} X\r\nETag: "e"\r\nTransfer-Encoding: chunked\r\n\r\n'.encode()
    return lambda: itertools.chain([head], itertools.repeat(b"10000\r\n" + SPACES + b"\r\n"))


FRAMINGS = {
    "without a length": b"",
    "of a great length": b"Content-Length: 4611686018427387904\r\n",
    "of a tebibyte": b"Content-Length: 1099511627776\r\n",
}


def endless_body(status: int, framing: str) -> Answer:
    """Return an answer, not in chunks, that never ends."""
    head = f'HTTP/1.1 {status} X\r\nETag: "e"\r\n'.encode() + FRAMINGS[framing] + b"\r\n<R>"
    return lambda: itertools.chain([head], itertools.repeat(SPACES))


async def test_endless_success() -> None:
    """A success that doesn't end is broken off at 64 MiB."""
    most = LONGEST_ANSWER + SLACK
    assert await problems(endless_chunks(200), IN_BODY, most, enough=most) == {}


@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
async def test_endless_error(status: int) -> None:
    """An error that doesn't end is broken off at 1 MiB."""
    operations = WITH_BODY if status == 400 else ["ListObjectsV2"]
    assert await problems(endless_chunks(status), operations, LONGEST_ERROR + SLACK, enough=SLACK) == {}


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("status", [200, 400])
async def test_endless_otherwise(status: int, framing: str) -> None:
    """However the length is told, or not told, the limits hold."""
    most = (LONGEST_ANSWER if status == 200 else LONGEST_ERROR) + SLACK
    assert await problems(endless_body(status, framing), ["ListObjectsV2"], most, enough=most) == {}


OK = b"HTTP/1.1 200 OK\r\n"
LETTERS = b"x" * 65_536


def endless(*begin: bytes, again: bytes) -> Answer:
    """Return an answer that begins so and repeats itself."""
    return lambda: itertools.chain(begin, itertools.repeat(again))


def numbered() -> Iterator[bytes]:
    """Give a head with ever new names."""
    yield OK
    for start in itertools.count(0, 1_000):
        yield b"".join(b"x-amz-meta-%d: a\r\n" % number for number in range(start, start + 1_000))


HEADS: dict[str, Answer] = {
    "status line": endless(b"HTTP/1.1 200 ", again=LETTERS),
    "name": endless(OK, again=LETTERS),
    "value": endless(OK, b"x-amz-meta-a: ", again=LETTERS),
    "many": numbered,
    "the same": endless(OK, again=b"ETag: a\r\n" * 5_000),
    "folded": endless(OK, b"ETag: a\r\n", again=b" a\r\n" * 9_999),
    "informational": endless(again=b"HTTP/1.1 100 Continue\r\n\r\n" * 2_000),
    "early hints": endless(again=b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 1_000),
}
CHUNKED = b'ETag: "e"\r\nTransfer-Encoding: chunked\r\n\r\n'
TAILS: dict[str, Answer] = {
    "length": endless(OK, CHUNKED, again=b"0" * 65_536),
    "extension": endless(OK, CHUNKED, b"1;a=", again=LETTERS),
    "trailer": endless(OK, CHUNKED, b"0\r\n", again=b"x-a: a\r\n" * 5_000),
    "trailer's value": endless(OK, CHUNKED, b"0\r\nx-a: ", again=LETTERS),
}


@pytest.mark.parametrize("what", HEADS)
async def test_endless_heads(what: str) -> None:
    """A head that doesn't end is given up, soon and in little memory."""
    assert await problems(HEADS[what], ["GetObject", "HeadObject", "ListObjectsV2"], LONGEST_ERROR + SLACK) == {}


@pytest.mark.parametrize("what", TAILS)
async def test_endless_frames(what: str) -> None:
    """What frames a body and doesn't end is given up, too."""
    assert await problems(TAILS[what], ["GetObject", "ListObjectsV2"], LONGEST_ERROR + SLACK) == {}


@pytest.mark.parametrize("status", [200, 400])
async def test_endless_drip(status: int) -> None:
    """A body that comes slower than 1 KiB/s is given up, though it never pauses for long."""
    head = f'HTTP/1.1 {status} X\r\nETag: "e"\r\n\r\n'.encode()
    assert await too_slow(endless(head, again=b"<a/>"), CONTROL) == []


async def test_dripping_head() -> None:
    """A head that comes letter by letter is given up."""
    assert await too_slow(endless(OK, b"X: ", again=b"x"), sorted(CALLS)) == []


async def too_slow(answer: Answer, operations: list[str]) -> list[str]:
    """Return the operations that don't end with BucketTimeout within a few times read_timeout, if all comes slowly."""

    async def ends(operation: str) -> bool:
        try:
            async with asyncio.timeout(8 * READ_TIMEOUT):
                await CALLS[operation](store)
        except TimeoutError as error:
            return isinstance(error, S3.BucketTimeout)
        return False

    async with fed(answer, pause=READ_TIMEOUT / 20) as (_, store):
        ended = await asyncio.gather(*map(ends, operations))
    return [operation for operation, in_time in zip(operations, ended, strict=True) if not in_time]
