"""A tiny S3 for tests of memory and cancellation: it swallows what is put and makes up what is got.

It keeps no bytes, so it costs no memory, and it tells of every request, so that a test can act just then.
"""

from __future__ import annotations

import asyncio
import re
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

CHUNK = 256 * 1024
ETAG = '"0123456789abcdef0123456789abcdef"'
KEYS_A_PAGE = 1_000
PAGES = 3

Answer = tuple[str, dict[str, str], bytes]


class TinyS3:
    """The server.

    Attributes:
        object_size: how long every object is.
        uploads: the ids of multipart uploads that have begun and not ended.
        requests: "METHOD target" of each request, in their order.
        connections: how many stand now.
        watch: is called when a request has come, and when it has been answered.
        tasks: those that serve connections.
    """

    def __init__(self, object_size: int = 0) -> None:
        self.object_size = object_size
        self.uploads: set[str] = set()
        self.requests: list[str] = []
        self.connections = 0
        self.most_connections = 0
        self.accepted = 0
        self.watch: Callable[[], None] = lambda: None
        self.tasks: set[asyncio.Task[None]] = set()
        self._left = asyncio.Event()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        self.connections += 1
        self.accepted += 1
        self.most_connections = max(self.connections, self.most_connections)
        try:
            while await self._served(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.connections -= 1
            self._left.set()
            self.tasks.discard(task)
            writer.close()

    async def at_most(self, connections: int) -> None:
        """Wait until no more connections stand than so many."""
        async with asyncio.timeout(60):
            while self.connections > connections:
                self._left.clear()
                await self._left.wait()

    async def _served(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        self.requests.append(f"{method} {target}")
        self.watch()
        left = int(headers.get("content-length", 0))
        while left:
            left -= len(await reader.readexactly(min(left, CHUNK)))
        status, answer, body = self._answer(method, target, headers)
        length = int(answer.pop("content-length", len(body)))
        answer |= {"content-length": str(length), "x-amz-request-id": "tiny"}
        writer.write(f"HTTP/1.1 {status}\r\n".encode())
        writer.write("".join(f"{name}: {value}\r\n" for name, value in answer.items()).encode() + b"\r\n" + body)
        for at in range(len(body), length if method == "GET" else 0, CHUNK):
            writer.write(bytes(min(CHUNK, length - at)))
            await writer.drain()
        await writer.drain()
        self.watch()
        return True

    def _answer(self, method: str, target: str, headers: dict[str, str]) -> Answer:
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        bucket, _, key = unquote(url.path).lstrip("/").partition("/")
        if not key:
            return self._bucket(method, bucket, query)
        if method == "POST" or "uploadId" in query:
            return self._upload(method, query)
        return self._object(method, headers)

    def _object(self, method: str, headers: dict[str, str]) -> Answer:
        if method == "PUT":
            return "200 OK", {"etag": ETAG}, b""
        if method == "DELETE":
            return "204 No Content", {}, b""
        size = self.object_size
        if match := re.fullmatch(r"bytes=(\d+)-(\d*)", headers.get("range", "")):
            start, stop = int(match[1]), min(size, int(match[2] or size) + 1)
            where = {"content-range": f"bytes {start}-{stop - 1}/{size}", "content-length": str(stop - start)}
            return "206 Partial Content", {"etag": ETAG, **where}, b""
        return "200 OK", {"etag": ETAG, "content-length": str(size)}, b""

    def _upload(self, method: str, query: dict[str, str]) -> Answer:
        if "uploads" in query:
            upload = f"upload-{len(self.requests)}"
            self.uploads.add(upload)
            return "200 OK", {}, _xml("InitiateMultipartUploadResult", f"<UploadId>{upload}</UploadId>")
        if query["uploadId"] not in self.uploads:
            return "404 Not Found", {}, _xml("Error", "<Code>NoSuchUpload</Code><Message>Gone.</Message>")
        if method == "PUT":
            return "200 OK", {"etag": ETAG}, b""
        self.uploads.discard(query["uploadId"])
        if method == "DELETE":
            return "204 No Content", {}, b""
        return "200 OK", {}, _xml("CompleteMultipartUploadResult", f"<ETag>{ETAG}</ETag>")

    def _bucket(self, method: str, bucket: str, query: dict[str, str]) -> Answer:
        if "list-type" not in query:
            return "200 OK", {}, b""
        page = int(query.get("continuation-token", 0))
        entries = "".join(
            f"<Contents><Key>{page}-{number:04}</Key><Size>1</Size><ETag>{ETAG}</ETag></Contents>"
            for number in range(KEYS_A_PAGE)
        )
        more = page + 1 < PAGES
        token = f"<NextContinuationToken>{page + 1}</NextContinuationToken>" if more else ""
        truncated = f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}"
        return "200 OK", {}, _xml("ListBucketResult", f"<Name>{bucket}</Name>{truncated}{entries}")


def _xml(name: str, content: str) -> bytes:
    return f'<?xml version="1.0"?><{name}>{content}</{name}>'.encode()


@asynccontextmanager
async def tiny_s3(object_size: int = 0) -> AsyncIterator[tuple[TinyS3, str]]:
    """Run one in this loop; give it and its URL."""
    tiny = TinyS3(object_size)
    server = await asyncio.start_server(tiny.connected, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield tiny, f"http://{host}:{port}"
    finally:
        server.close()
        for task in tiny.tasks:
            task.cancel()
        await asyncio.gather(*tiny.tasks, return_exceptions=True)


async def _main(object_size: int) -> None:
    """Serve until standard input ends; say where."""
    async with tiny_s3(object_size) as (_, url):
        print(url, flush=True)  # noqa: T201  # so the test learns of it
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
