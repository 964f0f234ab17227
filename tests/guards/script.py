"""A scripted HTTP server on the loopback interface: a small S3 of its own, and whatever fault a test asks for."""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
import struct
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

BUCKET = "script-bucket"
HTML = b"<html><body>Please log in to the hotel's network</body></html>"


@dataclass(frozen=True)
class Request:
    """What arrived."""

    connection: int
    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False, default=b"")

    @property
    def key(self) -> str:
        """The object's key, in path style."""
        return unquote(urlsplit(self.target).path).removeprefix(f"/{BUCKET}").removeprefix("/")

    @property
    def query(self) -> dict[str, list[str]]:
        """The query's arguments."""
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def operation(self) -> str:
        """S3's name for it."""
        names = {
            ("POST", "uploads"): "CreateMultipartUpload",
            ("PUT", "uploadId"): "UploadPart",
            ("POST", "uploadId"): "CompleteMultipartUpload",
            ("DELETE", "uploadId"): "AbortMultipartUpload",
            ("GET", "uploadId"): "ListParts",
            ("POST", "delete"): "DeleteObjects",
            ("GET", "list-type"): "ListObjectsV2",
        }
        for (method, argument), name in names.items():
            if method == self.method and argument in self.query:
                return name
        verb = {"HEAD": "Head", "GET": "Get", "PUT": "Put", "DELETE": "Delete", "POST": "Post"}[self.method]
        thing = "Object" if self.key else "Bucket"
        return "CreateBucket" if verb + thing == "PutBucket" else verb + thing


@dataclass(frozen=True)
class Reply:
    """What is answered, byte for byte, and what becomes of the connection then: "keep", "fin", "rst" or "silent"."""

    data: bytes = b""
    end: str = "keep"

    def ending(self, end: str) -> Reply:
        """Return the same answer with another end of the connection."""
        return replace(self, end=end)


def reply(status: int, body: bytes = b"", *, length: int | None = -1, end: str = "keep", **headers: str) -> Reply:
    """Return a well-formed answer; `length` is what it claims its body to have, None for no Content-Length."""
    lines = [f"HTTP/1.1 {status} Whatever"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if length is not None:
        lines.append(f"Content-Length: {len(body) if length < 0 else length}")
    return Reply("\r\n".join(lines).encode() + b"\r\n\r\n" + body, end)


def error(status: int, code: str, message: str = "no", more: str = "", **headers: str) -> Reply:
    """Return an error as S3 words it."""
    return reply(status, f"<Error><Code>{code}</Code><Message>{message}</Message>{more}</Error>".encode(), **headers)


def etag(body: bytes) -> str:
    """Return the entity tag of an object's bytes."""
    return hashlib.sha256(body).hexdigest()[:32]


def metadata(request: Request) -> dict[str, str]:
    """Return the headers that are kept with an object."""
    return {name: value for name, value in request.headers.items() if name.startswith("x-amz-meta-")}


def composite_etag(parts: list[bytes]) -> str:
    """Return the entity tag of an object that was uploaded in parts, as S3 makes it of theirs."""
    tags = b"".join(bytes.fromhex(etag(part)) for part in parts)
    return f"{hashlib.md5(tags, usedforsecurity=False).hexdigest()}-{len(parts)}"


Answer = "Callable[[Request], Reply | Awaitable[Reply]]"


class Script:
    """The server. `answers` has a function for a key, an operation, or "*"; what has none is answered as S3 would."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: dict[str, Callable[[Request], Reply | Awaitable[Reply]]] = {}
        self.objects: dict[str, bytes] = {}
        self.parts: dict[int, bytes] = {}
        self.etags: dict[str, str] = {}
        self.metadata: dict[str, dict[str, str]] = {}
        self.url = ""
        self.stopping = asyncio.Event()
        self._connections = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def operations(self) -> list[str]:
        """Return the names of the operations that arrived."""
        return [request.operation for request in self.requests]

    def always(self, answer: Reply) -> None:
        """Answer everything alike."""
        self.answers["*"] = lambda _: answer

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._connections += 1
        connection = self._connections
        try:
            while await self._exchange(connection, reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _exchange(self, connection: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        method, target, _ = first.split(" ")
        request = Request(connection, method, target, headers)
        if "headers only" not in self.answers:
            request = replace(request, body=await reader.readexactly(int(headers.get("content-length", "0"))))
        self.requests.append(request)
        answer = self.answer(request)
        done = answer if isinstance(answer, Reply) else await answer
        head, end, body = done.data.partition(b"\r\n\r\n")
        writer.write(head + end + (b"" if method == "HEAD" else body))
        await writer.drain()
        if done.end == "silent":
            await self.stopping.wait()
        if done.end == "rst":
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        return done.end == "keep"

    def answer(self, request: Request) -> Reply | Awaitable[Reply]:
        """Return what the test, or else S3, answers."""
        for name in (request.key, request.operation, "*"):
            if name in self.answers:
                return self.answers[name](request)
        return self.good(request)

    def good(self, request: Request) -> Reply:  # noqa: PLR0911  # one for each operation
        """Return what S3 answers."""
        match request.operation:
            case "GetObject" | "HeadObject":
                return self._object(request)
            case "PutObject":
                self.objects[request.key] = request.body
                self.etags[request.key] = etag(request.body)
                self.metadata[request.key] = metadata(request)
                return reply(200, ETag=f'"{etag(request.body)}"')
            case "CreateMultipartUpload":
                self.metadata[request.key] = metadata(request)
                about = ("x-amz-checksum-algorithm", "x-amz-checksum-type")
                kept = {name: request.headers[name] for name in about if name in request.headers}
                return reply(200, b"<R><UploadId>upload-1</UploadId></R>", **kept)
            case "UploadPart":
                self.parts[int(request.query["partNumber"][0])] = request.body
                return reply(200, ETag=f'"{etag(request.body)}"')
            case "CompleteMultipartUpload":
                parts = [self.parts[number] for number in sorted(self.parts)]
                self.objects[request.key] = b"".join(parts)
                self.etags[request.key] = composite_etag(parts)
                return reply(200, f'<R><ETag>"{self.etags[request.key]}"</ETag></R>'.encode())
            case "ListObjectsV2":
                keys = (f"<Key>{escape(key)}</Key><Size>{len(data)}</Size>" for key, data in self.objects.items())
                contents = "".join(f'<Contents>{key}<ETag>"e"</ETag></Contents>' for key in keys)
                body = f"<R><Name>{BUCKET}</Name><IsTruncated>false</IsTruncated>{contents}</R>"
                return reply(200, body.encode())
            case "DeleteObjects":
                keys = (found.decode() for found in re.findall(rb"<Key>(.*?)</Key>", request.body))
                return reply(200, f"<R>{''.join(f'<Deleted><Key>{key}</Key></Deleted>' for key in keys)}</R>".encode())
            case "ListParts":
                return error(404, "NoSuchUpload")
            case "DeleteObject" | "AbortMultipartUpload":
                return reply(204)
        return reply(200, x_amz_request_id="request-1")

    def _object(self, request: Request) -> Reply:
        if request.key not in self.objects:
            return error(404, "NoSuchKey") if request.method == "GET" else reply(404)
        whole = self.objects[request.key]
        given = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
        start, stop = (int(given[1]), int(given[2] or len(whole)) + 1) if given else (0, len(whole))
        body = whole[start:stop]
        more = {"Content_Range": f"bytes {start}-{start + len(body) - 1}/{len(whole)}"} if given else {}
        if given and not body:
            return error(416, "InvalidRange")
        more |= self.metadata.get(request.key, {})
        tag = self.etags.get(request.key, etag(whole))
        return reply(206 if given else 200, body, ETag=f'"{tag}"', Accept_Ranges="bytes", **more)

    async def stop(self) -> None:
        """End all connections."""
        self.stopping.set()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def serving(context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[Script]:
    """Run a server, on a port of its own, for as long as the block."""
    script = Script()
    server = await asyncio.start_server(script.connected, host, 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    script.url = f"{'https' if context else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
    try:
        yield script
    finally:
        server.close()
        await script.stop()
        await server.wait_closed()
