"""aiohttp-s3-client."""

from __future__ import annotations

from pathlib import Path

from aiohttp import ClientSession, TCPConnector
from aiohttp_s3_client import S3Client

from benchmarks.peers import peer


class AiohttpS3(peer.Awaited):
    """Its client, on a session of aiohttp."""

    async def open(self) -> None:
        """Make the session and the client."""
        setup = self.setup
        connector = TCPConnector(limit=setup.concurrency, ssl=peer.tls(setup) or True)
        self.session = ClientSession(connector=connector, raise_for_status=True)
        self.client = S3Client(
            self.session,
            setup.endpoint,
            access_key_id=setup.key_id,
            secret_access_key=setup.secret,
            region=setup.region,
        )

    async def close(self) -> None:
        """Close the session."""
        await self.session.close()

    def _name(self, key: str) -> str:
        return f"{self.setup.bucket}/{key}"

    async def get(self, key: str) -> int:
        """Use get, and all of its body."""
        async with self.client.get(self._name(key)) as answer:
            return len(await answer.read())

    async def put(self, key: str, data: bytes) -> None:
        """Use put."""
        async with self.client.put(self._name(key), data):
            pass

    async def download_file(self, key: str, path: str) -> None:
        """Use get_file_parallel."""
        await self.client.get_file_parallel(
            self._name(key), path, range_step=peer.PART, workers_count=self.setup.concurrency
        )

    async def upload_file(self, path: str, key: str) -> None:
        """Use put_file_multipart of a large file; put_file of a small one."""
        if Path(path).stat().st_size > peer.PART:  # noqa: ASYNC240  # a thread would take longer
            workers = self.setup.concurrency
            await self.client.put_file_multipart(self._name(key), path, part_size=peer.PART, workers_count=workers)
        else:
            await self.client.put_file(self._name(key), path)

    async def list(self) -> int:
        """Use list_objects_v2."""
        pages = self.client.list_objects_v2(bucket=self.setup.bucket)
        return sum([len(found) async for found, _ in pages])
