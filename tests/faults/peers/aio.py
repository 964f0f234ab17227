"""aiobotocore."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

from tests.faults.peers.peer import Got, Info, Outcome, Peer, botocore_settings, client_settings, headers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SESSION = get_session()
"""One for all: it reads the service's model, which takes a second."""


class Aiobotocore(Peer):
    """aiobotocore has S3's operations, one by one."""

    offers: ClassVar[tuple[str, ...]] = (
        "get",
        "get, in ranges",
        "get(range=)",
        "open_reader",
        "head",
        "list",
        "put",
        "put(if_absent)",
        "put(if_match)",
        "delete",
        "delete_many",
        "create",
        "bucket_exists",
        "call",
    )
    cancels = True

    async def open(self) -> Any:
        """Make a client."""
        config = AioConfig(**botocore_settings(self.settings))
        return await SESSION.create_client("s3", config=config, **client_settings(self.settings)).__aenter__()

    async def close(self, client: Any) -> None:
        """Close it."""
        await client.__aexit__(None, None, None)

    async def get(self, key: str, *, range: tuple[int, int] | None = None) -> Got:
        """GetObject."""
        asked = {"Range": f"bytes={range[0]}-{range[1] - 1}"} if range else {}
        answer = await self.client.get_object(Bucket=self.name, Key=key, **asked)
        async with answer["Body"] as body:
            return Got(await body.read())

    @asynccontextmanager
    async def open_reader(self, key: str) -> AsyncIterator[Any]:
        """GetObject, in pieces."""
        answer = await self.client.get_object(Bucket=self.name, Key=key)
        async with answer["Body"] as body:
            yield body.iter_chunks(1024 * 1024)

    async def head(self, key: str) -> Info:
        """HeadObject."""
        return Info(key, (await self.client.head_object(Bucket=self.name, Key=key))["ContentLength"])

    async def list(self, prefix: str) -> AsyncIterator[Info]:
        """ListObjectsV2."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        async for page in pages:
            for entry in page.get("Contents", []):
                yield Info(entry["Key"], entry["Size"])

    async def put(self, key: str, data: bytes, **options: Any) -> None:
        """PutObject."""
        await self.client.put_object(Bucket=self.name, Key=key, Body=data, **headers(options))

    async def delete(self, key: str) -> None:
        """DeleteObject."""
        await self.client.delete_object(Bucket=self.name, Key=key)

    async def delete_many(self, keys: list[str]) -> AsyncIterator[Outcome]:
        """DeleteObjects; what is not said to have failed is taken for deleted, as its users do."""
        objects = {"Objects": [{"Key": key} for key in keys]}
        answer = await self.client.delete_objects(Bucket=self.name, Delete=objects)
        failed = {entry.get("Key"): OSError(entry.get("Code")) for entry in answer.get("Errors", [])}
        for key in keys:
            yield Outcome(key, failed.get(key))

    async def create(self) -> None:
        """CreateBucket."""
        await self.client.create_bucket(Bucket=self.name)

    async def bucket_exists(self) -> bool:
        """HeadBucket."""
        await self.client.head_bucket(Bucket=self.name)
        return True

    async def call(self, _: str) -> dict[str, Any]:
        """GetBucketLocation."""
        answer: dict[str, Any] = await self.client.get_bucket_location(Bucket=self.name)
        return answer
