"""How little it can cost in Python: SigV4 by hand, httptools as parser, one asyncio.Protocol a connection.

A lower bound, not a client: no retries, no time limits, no errors, no models of what is answered.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import time
from binascii import crc32
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httptools

from benchmarks.peers import peer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from benchmarks.peers.peer import Setup

NOTHING = hashlib.sha256(b"").hexdigest()


class Signer:
    """SigV4 with the day's key and the second's date cached."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._second, self._day = 0, ""

    def _tick(self) -> None:
        now = int(time.time())
        if now == self._second:
            return
        self._second, self._date = now, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        if self._date[:8] != self._day:
            self._day = self._date[:8]
            key = b"AWS4" + self._setup.secret.encode()
            for word in (self._day, self._setup.region, "s3", "aws4_request"):
                key = hmac.digest(key, word.encode(), "sha256")
            self._key, self._scope = key, f"{self._day}/{self._setup.region}/s3/aws4_request"

    def head(self, method: str, path: str, more: dict[str, str], payload: str = NOTHING) -> bytes:
        """Return the head of a request."""
        self._tick()
        headers = {"host": self._setup.host, "x-amz-content-sha256": payload, "x-amz-date": self._date, **more}
        names = sorted(headers)
        signed = ";".join(names)
        canonical = "\n".join([method, path, "", *(f"{name}:{headers[name]}" for name in names), "", signed, payload])
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        signature = hmac.digest(
            self._key, f"AWS4-HMAC-SHA256\n{self._date}\n{self._scope}\n{hashed}".encode(), "sha256"
        )
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self._setup.key_id}/{self._scope},SignedHeaders={signed},"
            f"Signature={signature.hex()}"
        )
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode()


class Small(asyncio.Protocol):
    """A connection for answers that come in a few pieces."""

    def connection_made(self, transport: Any) -> None:
        """Keep the transport."""
        self._transport, self._loop = transport, asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        """Have it parsed."""
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self.headers[name.lower().decode("latin-1")] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        """Keep a piece."""
        self._pieces.append(body)

    def on_message_complete(self) -> None:
        """Wake who waits."""
        self._done.set_result(None)

    async def request(self, head: bytes, body: bytes = b"") -> bytes:
        """Send a request and return its answer's body."""
        self.headers: dict[str, str] = {}
        self._pieces: list[bytes] = []
        self._parser, self._done = httptools.HttpResponseParser(self), self._loop.create_future()
        self._transport.writelines((head, body))
        await self._done
        if self._parser.get_status_code() != 200:  # noqa: PLR2004  # OK
            raise RuntimeError(self._parser.get_status_code())
        return b"".join(self._pieces)


class Large(asyncio.BufferedProtocol):
    """A connection for bodies that are received where they belong."""

    def connection_made(self, transport: Any) -> None:
        """Keep the transport."""
        self._transport, self._loop = transport, asyncio.get_running_loop()
        self._head, self._body = bytearray(65_536), False

    def get_buffer(self, sizehint: int) -> Any:  # noqa: ARG002  # asyncio's interface
        """Return the place."""
        return self._place[self._at :] if self._body else self._head

    def buffer_updated(self, count: int) -> None:
        """Go on."""
        if self._body:
            self._at += count
        else:
            end = self._head.find(b"\r\n\r\n", 0, count) + 4
            self._at, self._body = count - end, True
            self._place[: self._at] = self._head[end:count]
        if self._at == len(self._place):
            self._body = False
            self._done.set_result(None)

    async def request(self, head: bytes, place: memoryview) -> None:
        """Send a request and have its answer's body, which is as long as that, put into this place."""
        self._place, self._done = place, self._loop.create_future()
        self._transport.write(head)
        await self._done


class Floor(peer.Awaited):
    """Both kinds of connections."""

    async def open(self) -> None:
        """Make what signs; connections are made when they are needed."""
        self.signer = Signer(self.setup)
        self.tls = peer.tls(self.setup)
        self.pool: dict[Callable[[], Any], list[Any]] = {Small: [], Large: []}

    async def _with(self, kind: Callable[[], Any], use: Callable[[Any], Awaitable[Any]]) -> Any:
        """Use a connection that is free, or a new one."""
        pool = self.pool[kind]
        if pool:
            connection = pool.pop()
        else:
            host, _, port = self.setup.host.partition(":")
            _, connection = await asyncio.get_running_loop().create_connection(kind, host, int(port), ssl=self.tls)
        result = await use(connection)
        pool.append(connection)
        return result

    def _path(self, key: str) -> str:
        return f"/{self.setup.bucket}/{quote(key, safe='/-._~')}"

    async def get(self, key: str) -> int:
        """Send GetObject."""
        head = self.signer.head("GET", self._path(key), {})
        return len(await self._with(Small, lambda connection: connection.request(head)))

    async def put(self, key: str, data: bytes) -> None:
        """Send PutObject."""
        checksum = base64.b64encode(crc32(data).to_bytes(4, "big")).decode()
        more = {"x-amz-checksum-crc32": checksum, "content-length": str(len(data))}
        head = self.signer.head("PUT", self._path(key), more, hashlib.sha256(data).hexdigest())
        await self._with(Small, lambda connection: connection.request(head, data))

    async def download(self, key: str) -> int:
        """Send GetObject for each part, of an object of 1 GiB."""
        whole = memoryview(bytearray(1 << 30))
        starts = iter(range(0, len(whole), peer.PART))

        async def worker() -> None:
            for start in starts:
                place = whole[start : start + peer.PART]
                asked = {"range": f"bytes={start}-{start + len(place) - 1}"}
                head = self.signer.head("GET", self._path(key), asked)
                await self._with(Large, lambda connection: connection.request(head, place))  # noqa: B023  # it is awaited

        await asyncio.gather(*(worker() for _ in range(self.setup.concurrency)))
        return len(whole)
