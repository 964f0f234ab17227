"""What a client's process does with its client: the same few methods, whoever it is."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

PART = 8 << 20
"""Bytes of a part, where a client takes a number: the same for all that do."""


@dataclass(frozen=True, slots=True)
class Setup:
    """The server and its bucket, and how many requests a client may have under way."""

    endpoint: str
    bucket: str
    key_id: str
    secret: str
    region: str
    concurrency: int
    ca: str | None = None

    @property
    def host(self) -> str:
        """The endpoint without its scheme."""
        return self.endpoint.partition("://")[2]

    @property
    def tls(self) -> bool:
        """Whether it speaks HTTPS."""
        return self.endpoint.startswith("https:")


class Peer:
    """A client. Its subclass is blocking or awaited; the methods have the same names either way.

    ``get`` and ``download`` return how many bytes have arrived, ``list`` how many keys.
    """

    blocking = False

    def __init__(self, setup: Setup) -> None:
        self.setup = setup


class Awaited(Peer):
    """A client with coroutines."""

    async def open(self) -> None:
        """Make the client."""

    async def close(self) -> None:
        """End it."""

    async def get(self, key: str) -> int:
        """Fetch an object into memory."""
        raise NotImplementedError

    async def put(self, key: str, data: bytes) -> None:
        """Store some bytes."""
        raise NotImplementedError

    async def download(self, key: str) -> int:
        """Fetch a large object into memory."""
        return await self.get(key)

    async def upload(self, key: str, data: bytes) -> None:
        """Store very many bytes."""
        await self.put(key, data)

    async def download_file(self, key: str, path: str) -> None:
        """Fetch a large object into a file."""
        raise NotImplementedError

    async def upload_file(self, path: str, key: str) -> None:
        """Store a file."""
        raise NotImplementedError

    async def upload_files(self, files: Sequence[tuple[str, str]]) -> None:
        """Store many files, of paths and keys: one by one, in as many tasks as there may be requests."""
        left = iter(files)

        async def worker() -> None:
            for path, key in left:
                await self.upload_file(path, key)

        await asyncio.gather(*(worker() for _ in range(self.setup.concurrency)))

    async def list(self) -> int:
        """List the bucket."""
        raise NotImplementedError

    async def delete_many(self, keys: Sequence[str]) -> None:
        """Delete objects."""
        raise NotImplementedError


class Blocking(Peer):
    """A client whose methods block."""

    blocking = True

    def open(self) -> None:
        """Make the client."""

    def close(self) -> None:
        """End it."""

    def get(self, key: str) -> int:
        """Fetch an object into memory."""
        raise NotImplementedError

    def put(self, key: str, data: bytes) -> None:
        """Store some bytes."""
        raise NotImplementedError

    def download(self, key: str) -> int:
        """Fetch a large object into memory."""
        return self.get(key)

    def upload(self, key: str, data: bytes) -> None:
        """Store very many bytes."""
        self.put(key, data)

    def download_file(self, key: str, path: str) -> None:
        """Fetch a large object into a file."""
        raise NotImplementedError

    def upload_file(self, path: str, key: str) -> None:
        """Store a file."""
        raise NotImplementedError

    def upload_files(self, files: Sequence[tuple[str, str]]) -> None:
        """Store many files, of paths and keys: one by one, in as many threads as there may be requests."""
        with ThreadPoolExecutor(self.setup.concurrency) as threads:
            for _ in threads.map(lambda pair: self.upload_file(*pair), files):
                pass

    def list(self) -> int:
        """List the bucket."""
        raise NotImplementedError

    def delete_many(self, keys: Sequence[str]) -> None:
        """Delete objects."""
        raise NotImplementedError


def thousands(keys: Sequence[str]) -> list[Sequence[str]]:
    """Return the keys in DeleteObjects' largest batches."""
    return [keys[start : start + 1_000] for start in range(0, len(keys), 1_000)]


def tls(setup: Setup) -> Any:
    """Return what connects with TLS; None, where there is none."""
    if not setup.tls:
        return None
    import ssl  # noqa: PLC0415  # who needs no TLS need not pay for it at the start

    return ssl.create_default_context(cafile=setup.ca)
