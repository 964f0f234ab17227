"""aiobotocore."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

from benchmarks.peers import peer

if TYPE_CHECKING:
    from collections.abc import Sequence


class Aiobotocore(peer.Awaited):
    """Its S3 client; it has no transfers of files."""

    async def open(self) -> None:
        """Make the client."""
        setup = self.setup
        self.stack = AsyncExitStack()
        self.client = await self.stack.enter_async_context(
            get_session().create_client(
                "s3",
                endpoint_url=setup.endpoint,
                region_name=setup.region,
                aws_access_key_id=setup.key_id,
                aws_secret_access_key=setup.secret,
                verify=setup.ca,
                config=AioConfig(max_pool_connections=setup.concurrency, s3={"addressing_style": "path"}),
            )
        )

    async def close(self) -> None:
        """Close it."""
        await self.stack.aclose()

    async def get(self, key: str) -> int:
        """Use get_object, and all of its body."""
        answer = await self.client.get_object(Bucket=self.setup.bucket, Key=key)
        async with answer["Body"] as body:
            return len(await body.read())

    async def put(self, key: str, data: bytes) -> None:
        """Use put_object."""
        await self.client.put_object(Bucket=self.setup.bucket, Key=key, Body=data)

    async def upload_file(self, path: str, key: str) -> None:
        """Use put_object of what the file holds."""
        await self.put(key, Path(path).read_bytes())  # noqa: ASYNC240  # small files: a thread would take longer

    async def list(self) -> int:
        """Use the paginator."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.setup.bucket)
        return sum([len(page["Contents"]) async for page in pages])

    async def delete_many(self, keys: Sequence[str]) -> None:
        """Use delete_objects."""
        await asyncio.gather(*map(self._delete, peer.thousands(keys)))

    async def _delete(self, keys: Sequence[str]) -> None:
        named = {"Objects": [{"Key": key} for key in keys]}
        answer = await self.client.delete_objects(Bucket=self.setup.bucket, Delete=named)
        if len(answer.get("Deleted", ())) != len(keys):
            raise RuntimeError(f"deleted only {len(answer.get('Deleted', ()))}: {answer.get('Errors')}")
