"""s3fs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from s3fs import S3FileSystem

from benchmarks.peers import peer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.peers.peer import Setup


def _file_system(setup: Setup, **more: Any) -> S3FileSystem:
    return S3FileSystem(
        key=setup.key_id,
        secret=setup.secret,
        endpoint_url=setup.endpoint,
        client_kwargs={"region_name": setup.region, "verify": setup.ca},
        config_kwargs={"max_pool_connections": setup.concurrency, "s3": {"addressing_style": "path"}},
        max_concurrency=setup.concurrency,
        use_listings_cache=False,
        skip_instance_cache=True,
        **more,
    )


class S3fs(peer.Awaited):
    """Its coroutines, which begin with an underscore and are documented."""

    async def open(self) -> None:
        """Make the file system and its session."""
        self.fs = _file_system(self.setup, asynchronous=True)
        self.session = await self.fs.set_session()

    async def close(self) -> None:
        """Close the session."""
        await self.session.close()

    def _path(self, key: str) -> str:
        return f"{self.setup.bucket}/{key}"

    async def get(self, key: str) -> int:
        """Use _cat_file."""
        return len(await self.fs._cat_file(self._path(key)))  # noqa: SLF001  # documented

    async def put(self, key: str, data: bytes) -> None:
        """Use _pipe_file."""
        await self.fs._pipe_file(self._path(key), data)  # noqa: SLF001  # documented

    async def download_file(self, key: str, path: str) -> None:
        """Use _get_file."""
        await self.fs._get_file(self._path(key), path)  # noqa: SLF001  # documented

    async def upload_file(self, path: str, key: str) -> None:
        """Use _put_file."""
        await self.fs._put_file(path, self._path(key))  # noqa: SLF001  # documented

    async def list(self) -> int:
        """Use _find."""
        return len(await self.fs._find(self.setup.bucket))  # noqa: SLF001  # documented

    async def delete_many(self, keys: Sequence[str]) -> None:
        """Use _bulk_delete: _rm would look at each object before."""
        batches = peer.thousands([self._path(key) for key in keys])
        await asyncio.gather(*(self.fs._bulk_delete(batch) for batch in batches))  # noqa: SLF001  # see above


class Blocking(peer.Blocking):
    """Its methods."""

    def open(self) -> None:
        """Make the file system."""
        self.fs = _file_system(self.setup)

    def get(self, key: str) -> int:
        """Use cat_file."""
        return len(self.fs.cat_file(f"{self.setup.bucket}/{key}"))

    def put(self, key: str, data: bytes) -> None:
        """Use pipe_file."""
        self.fs.pipe_file(f"{self.setup.bucket}/{key}", data)
