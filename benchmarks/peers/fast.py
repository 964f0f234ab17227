"""fast-s3."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fast_s3 import AsyncS3Client, Uploader

from benchmarks.peers import peer

if TYPE_CHECKING:
    from collections.abc import Sequence


class FastS3(peer.Awaited):
    """Its coroutines; its Uploader for many files."""

    async def open(self) -> None:
        """Make the client."""
        setup = self.setup
        self.client = AsyncS3Client(
            setup.endpoint,
            setup.key_id,
            setup.secret,
            setup.region,
            setup.bucket,
            max_connections=setup.concurrency,
        )
        await self.client.__aenter__()

    async def close(self) -> None:
        """Close it."""
        await self.client.__aexit__(None, None, None)

    async def get(self, key: str) -> int:
        """Use get_object."""
        return len(await self.client.get_object(key))

    async def put(self, key: str, data: bytes) -> None:
        """Use put_object."""
        await self.client.put_object(key, data)

    async def upload_files(self, files: Sequence[tuple[str, str]]) -> None:
        """Use the Uploader, which has a thread and a loop of its own."""
        await asyncio.to_thread(self._upload_files, files)

    def _upload_files(self, files: Sequence[tuple[str, str]]) -> None:
        setup = self.setup
        with Uploader(
            setup.endpoint, setup.key_id, setup.secret, setup.region, setup.bucket, concurrency=setup.concurrency
        ) as uploader:
            uploader.queue_upload([path for path, _ in files], [key for _, key in files])
            failed = [result.exception for result in uploader.await_upload() if result.exception]
        if failed:
            raise failed[0]
