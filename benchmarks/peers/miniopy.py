"""miniopy-async."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from aiohttp import ClientSession, TCPConnector
from miniopy_async import Minio
from miniopy_async.deleteobjects import DeleteObject

from benchmarks.peers import peer

if TYPE_CHECKING:
    from collections.abc import Sequence


class Miniopy(peer.Awaited):
    """Its client, on a session of aiohttp: its own would have ten connections."""

    async def open(self) -> None:
        """Make the session and the client."""
        setup = self.setup
        self.session = ClientSession(connector=TCPConnector(limit=setup.concurrency, ssl=peer.tls(setup) or True))
        self.client = Minio(
            setup.host,
            access_key=setup.key_id,
            secret_key=setup.secret,
            region=setup.region,
            secure=setup.tls,
            session=self.session,
        )

    async def close(self) -> None:
        """Close the session."""
        await self.session.close()

    async def get(self, key: str) -> int:
        """Use get_object, and all of its body."""
        answer = await self.client.get_object(self.setup.bucket, key)
        try:
            return len(await answer.read())
        finally:
            answer.release()

    async def put(self, key: str, data: bytes) -> None:
        """Use put_object."""
        await self.client.put_object(self.setup.bucket, key, io.BytesIO(data), len(data))

    async def upload(self, key: str, data: bytes) -> None:
        """Use put_object, in parts."""
        await self.client.put_object(
            self.setup.bucket,
            key,
            io.BytesIO(data),
            len(data),
            part_size=peer.PART,
            num_parallel_uploads=self.setup.concurrency,
        )

    async def download_file(self, key: str, path: str) -> None:
        """Use fget_object."""
        await self.client.fget_object(self.setup.bucket, key, path)

    async def upload_file(self, path: str, key: str) -> None:
        """Use fput_object."""
        parallel = self.setup.concurrency
        await self.client.fput_object(self.setup.bucket, key, path, part_size=peer.PART, num_parallel_uploads=parallel)

    async def list(self) -> int:
        """Use list_objects."""
        number = 0
        async for _ in self.client.list_objects(self.setup.bucket, recursive=True):
            number += 1
        return number

    async def delete_many(self, keys: Sequence[str]) -> None:
        """Use remove_objects, which yields what failed."""
        async for error in self.client.remove_objects(self.setup.bucket, map(DeleteObject, keys)):
            raise RuntimeError(str(error))
