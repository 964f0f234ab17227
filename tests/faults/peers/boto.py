"""boto3, in threads."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

from tests.faults.peers.peer import PART, Got, Info, Outcome, Peer, botocore_settings, client_settings, each, headers

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator

SESSION = boto3.session.Session()
"""One for all: it reads the service's model, which takes a second."""
TRANSFER = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART)


class Boto3(Peer):
    """boto3's client, and s3transfer where it takes that for files."""

    offers: ClassVar[tuple[str, ...]] = (
        "get",
        "get, in ranges",
        "get(range=)",
        "open_reader",
        "download_file",
        "download_files",
        "head",
        "list",
        "put",
        "put(if_absent)",
        "put(if_match)",
        "upload_file",
        "upload_files",
        "delete",
        "delete_many",
        "create",
        "bucket_exists",
        "call",
    )

    async def open(self) -> Any:
        """Make a client."""
        config = Config(**botocore_settings(self.settings))
        made = client_settings(self.settings)
        return await asyncio.to_thread(lambda: SESSION.client("s3", config=config, **made))

    async def close(self, client: Any) -> None:
        """Close it."""
        await asyncio.to_thread(client.close)

    async def _do(self, name: str, **parameters: Any) -> Any:
        return await asyncio.to_thread(lambda: getattr(self.client, name)(Bucket=self.name, **parameters))

    async def get(self, key: str, *, range: tuple[int, int] | None = None) -> Got:
        """GetObject."""
        asked = {"Range": f"bytes={range[0]}-{range[1] - 1}"} if range else {}
        answer = await self._do("get_object", Key=key, **asked)
        return Got(await asyncio.to_thread(answer["Body"].read))

    @asynccontextmanager
    async def open_reader(self, key: str) -> AsyncIterator[Any]:
        """GetObject, in pieces."""
        answer = await self._do("get_object", Key=key)

        async def chunks() -> AsyncIterator[bytes]:
            while chunk := await asyncio.to_thread(answer["Body"].read, 1024 * 1024):
                yield chunk

        yield chunks()

    async def head(self, key: str) -> Info:
        """HeadObject."""
        return Info(key, (await self._do("head_object", Key=key))["ContentLength"])

    async def list(self, prefix: str) -> AsyncIterator[Info]:
        """ListObjectsV2."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        for page in await asyncio.to_thread(list, pages):
            for entry in page.get("Contents", []):
                yield Info(entry["Key"], entry["Size"])

    async def put(self, key: str, data: bytes, **options: Any) -> None:
        """PutObject."""
        await self._do("put_object", Key=key, Body=data, **headers(options))

    async def upload_file(self, path: str | os.PathLike[str], key: str, **options: Any) -> None:
        """s3transfer."""
        more = {"ExtraArgs": headers(options), "Config": TRANSFER}
        await self._do("upload_file", Filename=str(path), Key=key, **more)

    async def upload_files(self, files: list[tuple[Any, str]]) -> AsyncIterator[Outcome]:
        """s3transfer, for each."""
        paths = {key: path for path, key in files}
        async for outcome in each(list(paths), lambda key: self.upload_file(paths[key], key)):
            yield outcome

    async def download_file(self, key: str, path: str | os.PathLike[str]) -> None:
        """s3transfer."""
        await self._do("download_file", Key=key, Filename=str(path), Config=TRANSFER)

    async def download_files(self, files: list[tuple[str, Any]]) -> AsyncIterator[Outcome]:
        """s3transfer, for each."""
        paths = dict(files)
        async for outcome in each(list(paths), lambda key: self.download_file(key, paths[key])):
            yield outcome

    async def delete(self, key: str) -> None:
        """DeleteObject."""
        await self._do("delete_object", Key=key)

    async def delete_many(self, keys: list[str]) -> AsyncIterator[Outcome]:
        """DeleteObjects; what is not said to have failed is taken for deleted, as its users do."""
        answer = await self._do("delete_objects", Delete={"Objects": [{"Key": key} for key in keys]})
        failed = {entry.get("Key"): OSError(entry.get("Code")) for entry in answer.get("Errors", [])}
        for key in keys:
            yield Outcome(key, failed.get(key))

    async def create(self) -> None:
        """CreateBucket."""
        await self._do("create_bucket")

    async def bucket_exists(self) -> bool:
        """HeadBucket."""
        await self._do("head_bucket")
        return True

    async def call(self, _: str) -> dict[str, Any]:
        """GetBucketLocation."""
        answer: dict[str, Any] = await self._do("get_bucket_location")
        return answer
