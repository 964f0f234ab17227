"""The connections of a store, over real sockets and on both event loops: kept, watched, closed."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from s3_bucket._async._botocore.wiring import Origin
from s3_bucket._async._wire import pool as pool_module
from s3_bucket._async._wire.http1 import WRITE_SIZE, Broken
from s3_bucket._async._wire.pool import Pool
from tests.certificates import self_signed
from tests.unit.peers import HELLO, Server, full, is_deaf, is_silent, says_hello, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

    from s3_bucket._async._wire.http1 import Connection

LONG = 30.0
SHORT = 0.2


class Run(Protocol):
    """Runs a coroutine function."""

    def __call__(self, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run it."""


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Return what runs a test on this event loop; what it leaves unclosed is a warning, and so an error."""
    factory: Any = asyncio.new_event_loop
    if request.param == "uvloop":
        factory = pytest.importorskip("uvloop").new_event_loop

    def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(asyncio.wait_for(main(), 2 * LONG))
        gc.collect()

    return run


@asynccontextmanager
async def pooled(
    patience: float = LONG, window: float = LONG, most: int = 10, context: ssl.SSLContext | None = None
) -> AsyncIterator[Pool]:
    """Make a pool; in the end it is closed."""
    pool = Pool(context or ssl.create_default_context(), patience, window, most)
    try:
        yield pool
    finally:
        await pool.aclose()


def at(port: int, host: str = "127.0.0.1", *, secure: bool = False) -> Origin:
    """Return where a server is."""
    return Origin(host, port, secure)


async def ask(connection: Connection, body: bytes = b"", sink: Any = None) -> bytes:
    """Send a request; return the body of the answer."""
    head = b"GET / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
    await connection.exchange(head, body, sink, bodiless=False, most=1_000)
    return connection.body


async def once(pool: Pool, origin: Origin) -> Connection:
    """Send a request as the store does, over a connection that is kept or a new one; return the connection."""
    connection = pool.kept(origin) or await pool.made(origin)
    pool.watch(connection)
    try:
        assert await ask(connection) == b"hello"
    finally:
        pool.give_back(origin, connection)
    return connection


# Kept


def test_kept(run: Run) -> None:
    """One connection serves one request after another."""

    async def main() -> None:
        async with serving() as server, pooled() as pool:
            used = {await once(pool, at(server.port)) for _ in range(20)}
            assert (len(used), server.accepted, len(server.heads)) == (1, 1, 20)

    run(main)


def test_of_one_origin(run: Run) -> None:
    """A connection is kept for the server that it leads to, and for no other."""

    async def main() -> None:
        async with serving() as one, serving() as other, pooled() as pool:
            await once(pool, at(one.port))
            assert pool.kept(at(other.port)) is None
            assert pool.kept(at(one.port, secure=True)) is None
            await once(pool, at(other.port))
            await once(pool, at(one.port))
            assert (one.accepted, other.accepted) == (1, 1)

    run(main)


def test_at_most(run: Run) -> None:
    """No more connections are kept than so many; for another one, that is closed which has been kept for longest."""

    async def main() -> None:
        async with serving() as server, pooled(most=2) as pool:
            origin = at(server.port)
            made = [await pool.made(origin) for _ in range(4)]
            assert len({*map(id, made)}) == 4
            for connection in made:
                pool.give_back(origin, connection)
            assert [connection.is_closing() for connection in made] == [True, True, False, False]
            assert {pool.kept(origin), pool.kept(origin), pool.kept(origin)} == {*made[2:], None}
            assert server.accepted == 4

    run(main)


def test_at_most_in_all(run: Run) -> None:
    """As many are kept to all servers together, and nothing is remembered of a server whose last one was closed."""

    async def main() -> None:
        async with serving() as one, serving() as other, pooled(most=1) as pool:
            first = await once(pool, at(one.port))
            second = await once(pool, at(other.port))
            assert [first.is_closing(), second.is_closing()] == [True, False]
            assert list(pool._idle) == [at(other.port)]
            assert await once(pool, at(other.port)) is second

    run(main)


def test_lost_while_idle(run: Run) -> None:
    """Of a connection that was lost while nobody used it nothing is left, and its place is free."""

    async def main() -> None:
        async with serving() as server, pooled(most=2) as pool:
            origin = at(server.port)
            made = [await pool.made(origin) for _ in range(2)]
            for connection in made:
                pool.give_back(origin, connection)
            await server.stop()
            while pool._idle:  # noqa: ASYNC110  # the loop has to see it, and tells nobody
                await asyncio.sleep(0)
            assert pool.kept(origin) is None
            made = [await pool.made(origin) for _ in range(2)]
            for connection in made:
                pool.give_back(origin, connection)
            assert not any(connection.is_closing() for connection in made)

    run(main)


def test_surplus_behind_a_long_body(run: Run) -> None:
    """What came behind a body that was received in place is looked for before the next request, however soon."""

    async def main() -> None:
        async with pooled() as pool:
            with socket.create_server(("127.0.0.1", 0)) as listener:
                origin = at(listener.getsockname()[1])
                connection = await pool.made(origin)
                peer = listener.accept()[0]
                body = bytes(100_000)
                task = asyncio.ensure_future(ask(connection, b"", lambda *_: bytearray(len(body))))
                await asyncio.sleep(0)
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1024 * 1024)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body + HELLO)
                await task
                pool.give_back(origin, connection)
                assert pool.kept(origin) is None
                peer.close()

    run(main)


def test_not_reusable(run: Run) -> None:
    """A connection whose answer says "close" is closed, not kept."""

    async def closes(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.head(reader)
        writer.write(HELLO.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        await reader.read()

    async def main() -> None:
        async with serving(closes) as server, pooled() as pool:
            assert (await once(pool, at(server.port))).is_closing()
            await server.ended()
            assert pool.kept(at(server.port)) is None

    run(main)


def test_closed_while_idle(run: Run) -> None:
    """A connection that the server closed, as the loop has seen, is not used again."""

    async def once_only(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.head(reader)
        writer.write(HELLO)
        await writer.drain()

    async def main() -> None:
        async with serving(once_only) as server, pooled() as pool:
            first = await once(pool, at(server.port))
            while first.reusable:  # noqa: ASYNC110  # the loop has to see it, and tells nobody
                await asyncio.sleep(0)
            assert pool.kept(at(server.port)) is None
            await asyncio.sleep(0)
            assert first.fileno() == -1
            assert await once(pool, at(server.port)) is not first

    run(main)


@pytest.mark.parametrize("sent", [b"x", b""], ids=["bytes", "the end"])
def test_stale_unseen(run: Run, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    """What came while the loop was busy elsewhere is seen on the socket, before a request is sent into it."""
    monkeypatch.setattr(pool_module, "TRUSTED", 0.0)

    async def main() -> None:
        async with pooled() as pool:
            with socket.create_server(("127.0.0.1", 0)) as listener:
                origin = at(listener.getsockname()[1])
                connection = await pool.made(origin)
                peer = listener.accept()[0]
                pool.give_back(origin, connection)
                assert pool.kept(origin) is connection
                pool.give_back(origin, connection)
                peer.sendall(sent) if sent else peer.shutdown(socket.SHUT_WR)
                assert pool.kept(origin) is None
                assert connection.is_closing()
                peer.close()

    run(main)


def test_too_old(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that nobody has used for a while is closed, not used: the server may be about to close it."""

    async def main() -> None:
        async with serving() as server, pooled() as pool:
            first = await once(pool, at(server.port))
            monkeypatch.setattr(pool_module, "KEPT", 0.0)
            assert pool.kept(at(server.port)) is None
            assert first.is_closing()

    run(main)


def test_closed_when_old(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that nobody has used for a while is closed by itself; then there is nothing to look after."""
    monkeypatch.setattr(pool_module, "KEPT", 0.15)
    monkeypatch.setattr(pool_module, "RESTING", 0.02)

    async def main() -> None:
        async with serving() as server, pooled(window=0.2) as pool:
            loop = asyncio.get_running_loop()
            first = await once(pool, at(server.port))
            began = loop.time()
            await asyncio.wait_for(server.ended(), LONG)
            assert loop.time() - began >= 0.1
            assert first.is_closing()
            while pool._tick is not None:  # noqa: ASYNC110  # it is nobody's business when the timer runs out
                await asyncio.sleep(0.01)
            assert await once(pool, at(server.port)) is not first

    run(main)


def test_no_descriptor() -> None:
    """A socket that is no more is not silent: nothing can be sent on it."""
    assert not pool_module.is_silent(-1)


# Closed


def test_aclose_waits(run: Run) -> None:
    """When closing has returned, no connection is left, neither one that is kept nor one at work."""

    async def main() -> None:
        async with serving(is_silent) as server, pooled() as pool:
            origin = at(server.port)
            idle, busy = await pool.made(origin), await pool.made(origin)
            pool.give_back(origin, idle)
            pool.watch(busy)
            task = asyncio.ensure_future(ask(busy))
            await asyncio.sleep(0)
            await pool.aclose()
            assert (idle.fileno(), busy.fileno()) == (-1, -1)
            with pytest.raises(Broken):
                await task
            await server.ended()
            await pool.aclose()

    run(main)


def test_aclose_has_an_end(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that does not come to its end is not waited for for ever."""
    monkeypatch.setattr(pool_module, "CLOSING", 0.01)

    async def main() -> None:
        async with serving(is_silent) as server:
            pool = Pool(ssl.create_default_context(), LONG, LONG, 1)
            connection = await pool.made(at(server.port))
            with monkeypatch.context() as patch:
                patch.setattr(connection, "abort", lambda: None)
                await pool.aclose()
            assert not connection.is_closing()
            connection.abort()
            await server.ended()

    run(main)


# Given up


async def asked_of(pool: Pool, origin: Origin, body: bytes = b"", sink: Any = None) -> None:
    """Send a request on a new connection, under watch."""
    connection = await pool.made(origin)
    pool.watch(connection)
    try:
        await ask(connection, body, sink)
    finally:
        pool.give_back(origin, connection)


@pytest.mark.parametrize("serve", [is_silent, is_deaf])
@pytest.mark.parametrize("size", [0, 16 * 1024 * 1024])
def test_silent(run: Run, serve: Any, size: int) -> None:
    """A server that says nothing, and perhaps takes nothing, is given up when the window is over; not before."""
    body = bytes(size)

    async def main() -> None:
        async with serving(serve) as server, pooled(window=SHORT) as pool:
            began = asyncio.get_running_loop().time()
            with pytest.raises(TimeoutError, match="silent, or too slow"):
                await asyncio.wait_for(asked_of(pool, at(server.port), body), LONG)
            assert asyncio.get_running_loop().time() - began >= SHORT * 0.9

    run(main)


@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 200 OK\r\nX-A: ", HELLO.replace(b": 5", b": 999")])
@pytest.mark.parametrize("room", [None, 999])
def test_dripping(run: Run, before: bytes, room: int | None) -> None:
    """A server that lets a byte through now and then is given up, in the middle of a head as of a body."""

    async def drips(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.head(reader)
        writer.write(before or b"HTTP/1.1 200")
        while not reader.at_eof():
            writer.write(b"a")
            await asyncio.sleep(0.02)

    async def main() -> None:
        async with serving(drips) as server, pooled(window=SHORT) as pool:
            sink = None if room is None else lambda *_: bytearray(room)
            with pytest.raises(TimeoutError, match="silent, or too slow"):
                await asyncio.wait_for(asked_of(pool, at(server.port), b"", sink), LONG)

    run(main)


def test_slow_but_steady(run: Run) -> None:
    """A server that lets through enough in each window may take many of them."""
    pieces, size = 12, 1024

    async def steady(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (pieces * size))
        for _ in range(pieces):
            await asyncio.sleep(SHORT / 4)
            writer.write(bytes(size))
        await reader.read()

    async def main() -> None:
        async with serving(steady) as server, pooled(window=SHORT) as pool:
            began = asyncio.get_running_loop().time()
            await asked_of(pool, at(server.port), b"", lambda *_: bytearray(pieces * size))
            assert asyncio.get_running_loop().time() - began > 2 * SHORT

    run(main)


def test_nobody_is_watched(run: Run) -> None:
    """A connection that is given back is watched no more: it may be idle for longer than a window."""

    async def main() -> None:
        async with serving() as server, pooled(window=0.05) as pool:
            first = await once(pool, at(server.port))
            await asyncio.sleep(0.15)
            assert await once(pool, at(server.port)) is first

    run(main)


# Made


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Let a name mean these addresses; return the names that are asked for."""
    asked: list[str] = []

    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    return asked


def test_names(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is looked up for each new connection; an address is none."""

    async def main() -> None:
        async with serving() as server, pooled() as pool:
            asked = resolving(monkeypatch, "127.0.0.1")
            await once(pool, at(server.port, "s3.example"))
            await once(pool, at(server.port))
            assert asked == ["s3.example"]

    run(main)


async def test_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """IPv4 and IPv6 addresses are never looked up; of a name, each address is tried once, in the order given."""
    async with pooled() as pool:
        asked = resolving(monkeypatch, "127.0.0.2", "127.0.0.1", "127.0.0.2")
        for host in ("127.0.0.1", "::1", "fe80::1"):
            assert await pool._addresses(at(80, host)) == [host]
        assert asked == []
        assert await pool._addresses(at(80, "1.2.3.example")) == ["127.0.0.2", "127.0.0.1"]


@pytest.mark.parametrize("first", ["refuses", "is deaf"])
def test_dead_first_address(run: Run, monkeypatch: pytest.MonkeyPatch, first: str) -> None:
    """An address that nothing leads to is passed over, whether it says so or not."""
    monkeypatch.setattr(pool_module, "MOMENT", 0.1)

    async def main() -> None:
        async with serving() as server, pooled() as pool:
            resolving(monkeypatch, "127.0.0.2", "127.0.0.1")
            if first == "refuses":
                await once(pool, at(server.port, "s3.example"))
            else:
                with full("127.0.0.2", server.port):
                    await once(pool, at(server.port, "s3.example"))
            assert server.accepted == 1

    run(main)


def test_all_dead(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all addresses refuse, that is the error."""

    async def main() -> None:
        async with pooled() as pool:
            resolving(monkeypatch, "127.0.0.2", "127.0.0.1")
            with socket.socket() as unused:
                unused.bind(("127.0.0.1", 0))
                with pytest.raises(ConnectionRefusedError):
                    await pool.made(at(unused.getsockname()[1], "s3.example"))

    run(main)


def test_unknown_name(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that nobody knows is an error of the connection."""

    async def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    async def main() -> None:
        async with pooled() as pool:
            monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
            with pytest.raises(socket.gaierror):
                await pool.made(at(80, "s3.example"))

    run(main)


def test_connect_timeout(run: Run) -> None:
    """A server that lets nobody in is given up after the patience."""

    async def main() -> None:
        with full() as port:
            async with pooled(patience=SHORT) as pool:
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(pool.made(at(port)), LONG)

    run(main)


def test_connect_cancelled(run: Run) -> None:
    """Whoever stops waiting for a connection leaves nothing open."""

    async def main() -> None:
        async with serving(is_silent) as server, pooled() as pool:
            task = asyncio.ensure_future(pool.made(at(server.port, secure=True)))
            while not server.accepted:  # noqa: ASYNC110  # as above
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(server.ended(), LONG)

    run(main)


def test_ended_at_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that ended as soon as it stood is not given to anybody."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        connect = loop.create_connection

        async def ended(*arguments: Any, **keywords: Any) -> Any:
            transport, protocol = await connect(*arguments, **keywords)
            protocol.buffer_updated(1)  # its server speaks first
            return transport, protocol

        async with serving() as server, pooled() as pool:
            with monkeypatch.context() as patch:
                patch.setattr(loop, "create_connection", ended)
                with pytest.raises(Broken):
                    await pool.made(at(server.port))
            await server.ended()

    run(main)


# TLS


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Return where a certificate may stand."""
    return tmp_path / "server.pem"


def test_tls(run: Run, certificate: Path) -> None:
    """Over TLS, bodies long and short, either way, are what they were, on one connection."""
    theirs = self_signed(certificate)
    ours = ssl.create_default_context(cafile=str(certificate))
    body = bytes(range(256)) * 8192

    async def echoes(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await server.head(reader)
            came = await reader.readexactly(int(head.split(b"Length: ")[1]))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(came) + came)

    async def main() -> None:
        async with serving(echoes, theirs) as server, pooled(context=ours) as pool:
            origin = at(server.port, secure=True)
            for size in (0, 1, 5_000, len(body), 70_000):
                connection = pool.kept(origin) or await pool.made(origin)
                buffer = bytearray(size)
                await ask(connection, body[:size], lambda *_, into=buffer: into)
                assert buffer == body[:size]
                pool.give_back(origin, connection)
            assert server.accepted == 1

    run(main)


def test_tls_until_the_end(run: Run, certificate: Path) -> None:
    """Over TLS, too, a body may end with the connection."""
    theirs = self_signed(certificate)
    ours = ssl.create_default_context(cafile=str(certificate))

    async def ends(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nhello")
        writer.close()
        await writer.wait_closed()

    async def main() -> None:
        async with serving(ends, theirs) as server, pooled(context=ours) as pool:
            connection = await pool.made(at(server.port, secure=True))
            assert await ask(connection) == b"hello"
            assert not connection.reusable

    run(main)


@pytest.mark.parametrize("host", ["127.0.0.1", "s3.example"])
def test_certificates(run: Run, certificate: Path, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """A certificate that nobody vouches for, or of another name, is refused, and no other address is tried."""
    theirs = self_signed(certificate)
    cafile = str(certificate) if host == "s3.example" else None

    async def main() -> None:
        context = ssl.create_default_context(cafile=cafile)
        async with serving(says_hello, theirs) as server, pooled(context=context) as pool:
            resolving(monkeypatch, "127.0.0.1", "127.0.0.2")
            with pytest.raises(ssl.SSLCertVerificationError):
                await pool.made(at(server.port, host, secure=True))
            await server.ended()
            assert server.heads == []

    run(main)


def test_not_verified(run: Run, certificate: Path) -> None:
    """Who wants no certificate verified gets a connection."""
    theirs = self_signed(certificate)

    async def main() -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        async with serving(says_hello, theirs) as server, pooled(context=context) as pool:
            await once(pool, at(server.port, secure=True))

    run(main)


def test_no_tls(run: Run) -> None:
    """A server that doesn't speak TLS is an error of the connection, and one that says nothing is given up."""

    async def plain(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await reader.read()

    async def main() -> None:
        async with serving(plain) as server, pooled() as pool:
            with pytest.raises(ssl.SSLError):
                await pool.made(at(server.port, secure=True))
        async with serving(is_silent) as server, pooled(patience=SHORT) as pool:
            with pytest.raises(TimeoutError):
                await pool.made(at(server.port, secure=True))

    run(main)


# Over real sockets


def test_back_pressure(run: Run) -> None:
    """While the server takes nothing, no more of a body waits in memory than a few pieces."""
    body = bytes(64 * 1024 * 1024)

    async def main() -> None:
        async with serving(is_deaf) as server, pooled() as pool:
            connection = await pool.made(at(server.port))
            task = asyncio.ensure_future(ask(connection, body))
            moved = -1
            while connection.moved != moved:
                moved = connection.moved
                await asyncio.sleep(0.05)
            assert 0 < moved < len(body)
            assert connection._transport.get_write_buffer_size() <= 4 * WRITE_SIZE
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert connection.is_closing()

    run(main)


def test_early_refusal(run: Run) -> None:
    """A server that refuses a body that it doesn't take is understood."""

    async def refuses(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.head(reader)
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\nbecaus")
        await asyncio.Event().wait()

    async def main() -> None:
        async with serving(refuses) as server, pooled() as pool:
            connection = await pool.made(at(server.port))
            assert await ask(connection, bytes(64 * 1024 * 1024)) == b"becaus"
            assert (connection.status, connection.reusable) == (403, False)

    run(main)


@pytest.mark.parametrize("room", [None, 5])
def test_reset(run: Run, room: int | None) -> None:
    """A connection that is reset in the middle of a body fails the request with that."""

    async def resets(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.head(reader)
        writer.write(HELLO[:-2])
        await writer.drain()
        linger = b"\x01\0\0\0\0\0\0\0"  # on, for no time: closing resets
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    async def main() -> None:
        async with serving(resets) as server, pooled() as pool:
            connection = await pool.made(at(server.port))
            with pytest.raises(ConnectionError):
                await ask(connection, b"", None if room is None else lambda *_: bytearray(room))
            assert not connection.reusable

    run(main)


PROGRAM = """
import asyncio, ssl, sys
from s3_bucket._async._botocore.wiring import Origin
from s3_bucket._async._wire.pool import Pool

HELLO = b"HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nhello"

async def serve(reader, writer):
    try:
        while await reader.readuntil(b"\\r\\n\\r\\n"):
            writer.write(HELLO)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    origin = Origin("127.0.0.1", server.sockets[0].getsockname()[1], False)
    pool = Pool(ssl.create_default_context(), 10.0, 10.0, 2)
    made = [await pool.made(origin) for _ in range(4)]
    for connection in made:
        pool.watch(connection)
        await connection.exchange(b"GET / HTTP/1.1\\r\\n\\r\\n", b"", None, bodiless=False, most=9)
        pool.give_back(origin, connection)
    cancelled = await pool.made(origin)
    task = asyncio.ensure_future(cancelled.exchange(b"GET", b"", None, bodiless=False, most=9))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    pool.give_back(origin, cancelled)
    await pool.aclose()
    server.close()

factory = __import__("uvloop").new_event_loop if sys.argv[1:] == ["uvloop"] else None
with asyncio.Runner(loop_factory=factory) as runner:
    runner.run(main())
print("done")
"""


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_nothing_leaks(run_strictly: Callable[..., str], tmp_path: Path, loop: str) -> None:
    """A whole life of a pool leaves no socket, task or timer of which Python would complain."""
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    assert run_strictly(program, loop) == "done\n"
