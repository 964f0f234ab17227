"""This package: its public names, with default settings but for the number of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import s3_bucket as S3
from benchmarks.peers import peer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.peers.peer import Setup


def _settings(setup: Setup) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "aws_access_key_id": setup.key_id,
        "aws_secret_access_key": setup.secret,
        "region": setup.region,
        "endpoint_url": setup.endpoint,
        "max_concurrency": setup.concurrency,
    }
    return settings | ({"verify": setup.ca} if setup.ca else {})


class Awaited(peer.Awaited):
    """AsyncBucket."""

    more: dict[str, Any] = {}  # noqa: RUF012  # never changed, and a subclass's is another

    async def open(self) -> None:
        """Make the bucket."""
        self.bucket = S3.AsyncBucket(self.setup.bucket, **_settings(self.setup), **self.more)

    async def close(self) -> None:
        """Close it."""
        await self.bucket.aclose()

    async def get(self, key: str) -> int:
        """Use get."""
        return len((await self.bucket.get(key)).data)

    async def put(self, key: str, data: bytes) -> None:
        """Use put."""
        await self.bucket.put(key, data)

    async def download_file(self, key: str, path: str) -> None:
        """Use download_file."""
        await self.bucket.download_file(key, path)

    async def upload_file(self, path: str, key: str) -> None:
        """Use upload_file."""
        await self.bucket.upload_file(path, key)

    async def upload_files(self, files: Sequence[tuple[str, str]]) -> None:
        """Use upload_files."""
        S3.raise_failed([result async for result in self.bucket.upload_files(files)])

    async def list(self) -> int:
        """Use list."""
        number = 0
        async for _ in self.bucket.list():
            number += 1
        return number

    async def delete_many(self, keys: Sequence[str]) -> None:
        """Use delete_many."""
        S3.raise_failed([result async for result in self.bucket.delete_many(keys)])


class Botocore(Awaited):
    """AsyncBucket, all of it through aiobotocore."""

    more = {"engine": "botocore"}  # noqa: RUF012  # never changed


class Blocking(peer.Blocking):
    """Bucket."""

    def open(self) -> None:
        """Make the bucket."""
        self.bucket = S3.Bucket(self.setup.bucket, **_settings(self.setup))

    def get(self, key: str) -> int:
        """Use get."""
        return len(self.bucket.get(key).data)

    def put(self, key: str, data: bytes) -> None:
        """Use put."""
        self.bucket.put(key, data)
