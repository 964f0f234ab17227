"""if_absent and if_match, wherever they can be given: they hold, or nothing is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

import s3_bucket as S3
from tests.conformance.conftest import PART

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def by_put(bucket: S3.AsyncBucket, _: Path, data: bytes, **condition: Any) -> S3.ObjectInfo:
    """Store."""
    return await bucket.put("key", data, **condition)


async def by_put_json(bucket: S3.AsyncBucket, _: Path, data: bytes, **condition: Any) -> S3.ObjectInfo:
    """Store as JSON."""
    return await bucket.put_json("key", data.hex(), **condition)


async def by_upload_file(bucket: S3.AsyncBucket, directory: Path, data: bytes, **condition: Any) -> S3.ObjectInfo:
    """Store a file."""
    await anyio.Path(directory / "data").write_bytes(data)
    return await bucket.upload_file(directory / "data", "key", **condition)


async def by_writer(bucket: S3.AsyncBucket, _: Path, data: bytes, **condition: Any) -> S3.ObjectInfo:
    """Store piece by piece."""
    async with bucket.open_writer("key", **condition) as writer:
        await writer.write(data)
    return writer.info


WAYS = {way.__name__: way for way in (by_put, by_put_json, by_upload_file, by_writer)}


async def creates_only(store: Callable[..., Any], bucket: S3.AsyncBucket, directory: Path, data: bytes) -> None:
    """Store twice with if_absent, which holds the first time."""
    info = await store(bucket, directory, data, if_absent=True)
    with pytest.raises(S3.KeyAlreadyExists):
        await store(bucket, directory, data[1:] + data[:1], if_absent=True)
    assert (await bucket.head("key")).etag == info.etag


async def replaces_only(store: Callable[..., Any], bucket: S3.AsyncBucket, directory: Path, data: bytes) -> None:
    """Store twice with if_match, which holds the first time."""
    first = await bucket.put("key", "first")
    second = await store(bucket, directory, data, if_match=first.etag)
    with pytest.raises(S3.PreconditionFailed) as raised:
        await store(bucket, directory, data[1:] + data[:1], if_match=first.etag)
    assert not isinstance(raised.value, S3.KeyAlreadyExists)
    assert (await bucket.head("key")).etag == second.etag


@pytest.mark.parametrize("way", WAYS)
async def test_short_create_only(bucket: S3.AsyncBucket, way: str, tmp_path: Path) -> None:
    """However a short object is stored, if_absent stores it once, and changes nothing the second time."""
    await creates_only(WAYS[way], bucket, tmp_path, b"data")


@pytest.mark.parametrize("way", WAYS)
async def test_short_replace_only(bucket: S3.AsyncBucket, way: str, tmp_path: Path) -> None:
    """However a short object is stored, if_match replaces just the object of that etag."""
    await replaces_only(WAYS[way], bucket, tmp_path, b"data")


@pytest.mark.parametrize("way", WAYS)
async def test_written_create_only(
    bucket: S3.AsyncBucket, way: str, tmp_path: Path, data: bytes, uploads: Callable[[], Any]
) -> None:
    """if_absent holds for what is stored in parts, too, and no upload is left."""
    await creates_only(WAYS[way], bucket, tmp_path, data[: PART + 1])
    assert await uploads() == []


@pytest.mark.parametrize("way", WAYS)
async def test_written_replace_only(
    bucket: S3.AsyncBucket, way: str, tmp_path: Path, data: bytes, uploads: Callable[[], Any]
) -> None:
    """if_match holds for what is stored in parts, too, and no upload is left."""
    await replaces_only(WAYS[way], bucket, tmp_path, data[: PART + 1])
    assert await uploads() == []
