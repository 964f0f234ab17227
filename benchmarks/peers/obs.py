"""obstore."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import obstore
from obstore.store import S3Store

from benchmarks.peers import peer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.peers.peer import Setup


def _store(setup: Setup) -> Any:
    return S3Store(
        setup.bucket,
        endpoint=setup.endpoint,
        region=setup.region,
        access_key_id=setup.key_id,
        secret_access_key=setup.secret,
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )


class Obstore(peer.Awaited):
    """Its coroutines."""

    async def open(self) -> None:
        """Make the store."""
        self.store = _store(self.setup)

    async def get(self, key: str) -> int:
        """Use get, and all of its bytes."""
        return len(await (await obstore.get_async(self.store, key)).bytes_async())

    async def put(self, key: str, data: bytes) -> None:
        """Use put."""
        await obstore.put_async(self.store, key, data)

    async def upload(self, key: str, data: bytes) -> None:
        """Use put, in parts."""
        await obstore.put_async(self.store, key, data, chunk_size=peer.PART, max_concurrency=self.setup.concurrency)

    async def download_file(self, key: str, path: str) -> None:
        """Use get's stream: it has nothing that fetches a file."""
        got = await obstore.get_async(self.store, key)
        with Path(path).open("wb") as file:  # noqa: ASYNC230  # there is nothing else to be done meanwhile
            async for chunk in got.stream(min_chunk_size=1 << 20):
                file.write(chunk)

    async def upload_file(self, path: str, key: str) -> None:
        """Use put of a path."""
        concurrency = self.setup.concurrency
        await obstore.put_async(self.store, key, Path(path), chunk_size=peer.PART, max_concurrency=concurrency)

    async def list(self) -> int:
        """Use list, a thousand at a time."""
        return sum([len(chunk) async for chunk in obstore.list(self.store, chunk_size=1_000)])

    async def delete_many(self, keys: Sequence[str]) -> None:
        """Use delete of all."""
        await obstore.delete_async(self.store, list(keys))


class Blocking(peer.Blocking):
    """Its functions."""

    def open(self) -> None:
        """Make the store."""
        self.store = _store(self.setup)

    def get(self, key: str) -> int:
        """Use get, and all of its bytes."""
        return len(obstore.get(self.store, key).bytes())

    def put(self, key: str, data: bytes) -> None:
        """Use put."""
        obstore.put(self.store, key, data)
