"""capo-s3."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from capo_s3 import AsyncS3Client, AsyncTransferManager, Body, Credentials
from zapros import AsyncStdNetworkHandler

from benchmarks.peers import peer

if TYPE_CHECKING:
    from collections.abc import Sequence


class Capo(peer.Awaited):
    """Its coroutines, and its transfer manager."""

    async def open(self) -> None:
        """Make the client."""
        setup = self.setup
        limits = {
            "max_connections_per_host": setup.concurrency,
            "max_idle_connections_per_host": setup.concurrency,
        }
        self.client = AsyncS3Client(
            # Certificates it reads from SSL_CERT_FILE.
            http_handler=AsyncStdNetworkHandler(http1=limits),
            region=setup.region,
            endpoint=setup.endpoint,
            credentials=Credentials(access_key=setup.key_id, secret_key=setup.secret),
            force_path_style=True,
        )
        await self.client.__aenter__()
        self.manager = AsyncTransferManager(
            self.client,
            target_part_size_bytes=peer.PART,
            multipart_upload_threshold_bytes=2 * peer.PART,
            multipart_download_type="range",
        )

    async def close(self) -> None:
        """Close it."""
        await self.client.__aexit__(None, None, None)

    async def get(self, key: str) -> int:
        """Use get_object, and all of its body."""
        async with self.client.get_object(self.setup.bucket, key) as answer:
            return len(b"".join([chunk async for chunk in answer["body"]]))

    async def put(self, key: str, data: bytes) -> None:
        """Use put_object."""
        await self.client.put_object(self.setup.bucket, key, body=data)

    async def download_file(self, key: str, path: str) -> None:
        """Use the transfer manager, which fetches ranges."""
        await self.manager.download(self.setup.bucket, key, path)

    async def upload_file(self, path: str, key: str) -> None:
        """Use the transfer manager, which sends parts."""
        await self.manager.upload(path, self.setup.bucket, key)

    async def upload_files(self, files: Sequence[tuple[str, str]]) -> None:
        """Use put_object of a path for each."""
        left = iter(files)

        async def worker() -> None:
            for path, key in left:
                await self.client.put_object(self.setup.bucket, key, body=Body.async_from_path(path))

        await asyncio.gather(*(worker() for _ in range(self.setup.concurrency)))

    async def list(self) -> int:
        """Use the iterator of pages."""
        pages = self.client.iter_list_objects_v2(self.setup.bucket)
        return sum([len(page["contents"]) async for page in pages])

    async def delete_many(self, keys: Sequence[str]) -> None:
        """Use delete_objects."""
        await asyncio.gather(*map(self._delete, peer.thousands(keys)))

    async def _delete(self, keys: Sequence[str]) -> None:
        answer = await self.client.delete_objects(self.setup.bucket, {"objects": [{"key": key} for key in keys]})
        if len(answer.get("deleted", ())) != len(keys):
            raise RuntimeError(f"deleted only {len(answer.get('deleted', ()))}: {answer.get('errors')}")
