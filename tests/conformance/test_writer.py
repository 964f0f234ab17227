"""open_writer(): an object that is written piece by piece."""

from __future__ import annotations

import asyncio
import gzip
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

import s3_bucket as S3
from tests.conformance.conftest import PART

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.vendors import Vendor


pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 2 * PART, PART * 5 // 2])
async def test_sizes(bucket: S3.AsyncBucket, size: int, data: bytes) -> None:
    """What was written in pieces is stored whole, as one PUT or a multipart upload."""
    async with bucket.open_writer("key") as writer:
        for at in range(0, size, 999_999):
            piece = data[at : min(size, at + 999_999)]
            assert await writer.write(piece) == len(piece)
    assert (writer.info.key, writer.info.size) == ("key", size)
    got = await bucket.get("key")
    assert got.data == data[:size]
    assert got.info.etag == writer.info.etag
    assert ("-" in got.info.etag) == (size > PART)


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview])
async def test_types(bucket: S3.AsyncBucket, make: Callable[[bytes], Any], data: bytes) -> None:
    """All kinds of bytes can be written, and changed again afterwards."""
    piece = make(data)
    async with bucket.open_writer("key") as writer:
        await writer.write(piece)
        await writer.write(make(b""))
        if isinstance(piece, bytearray):
            piece[:] = bytes(len(piece))
    assert (await bucket.get("key")).data == data


async def test_options(bucket: S3.AsyncBucket, data: bytes) -> None:
    """A writer takes put's keywords, and its info tells them."""
    async with bucket.open_writer(
        "key",
        "text/x-odd",
        {"a": "b"},
        if_absent=True,
        cache_control="no-store",
        content_disposition="inline",
        content_encoding="identity",
        content_language="de",
        expires=datetime(2030, 1, 1, tzinfo=UTC),
        storage_class="STANDARD_IA",
        tags={"x": "y"},
        encryption="AES256",
    ) as writer:
        await writer.write(data)
    head = await bucket.head("key")
    for info in (writer.info, head):
        assert (info.content_type, info.metadata, info.cache_control) == ("text/x-odd", {"a": "b"}, "no-store")
        assert (info.content_disposition, info.content_encoding, info.content_language) == ("inline", "identity", "de")
        assert (info.storage_class, info.encryption) == ("STANDARD_IA", "AES256")
        assert info.expires == "Tue, 01 Jan 2030 00:00:00 GMT"
    assert (await bucket.call("GetObjectTagging", Key="key"))["TagSet"] == [{"Key": "x", "Value": "y"}]


@pytest.mark.parametrize("size", [3, PART * 2 + 1])
async def test_published_at_the_end(bucket: S3.AsyncBucket, size: int, data: bytes) -> None:
    """Nobody sees the object before the block has ended, nor after it was closed early in the block."""
    async with bucket.open_writer("key") as writer:
        await writer.write(data[:size])
        assert not await bucket.exists("key")
        await writer.aclose()
        assert not await bucket.exists("key")
        with pytest.raises(S3.InvalidInput):
            _ = writer.info
    assert (await bucket.get("key")).data == data[:size]


@pytest.mark.parametrize("size", [0, 3, PART, PART * 2 + 1])
async def test_exceptions_abort(bucket: S3.AsyncBucket, size: int, data: bytes, uploads: Callable[[], Any]) -> None:
    """An exception in the block comes out as it is, the old object stays, and nothing is left behind."""
    await bucket.put("key", "old")
    with pytest.raises(LookupError, match="mine"):  # noqa: PT012  # the whole block is what must fail
        async with bucket.open_writer("key") as writer:
            await writer.write(data[:size])
            raise LookupError("mine")
    assert (await bucket.get("key")).data == b"old"
    assert await uploads() == []
    with pytest.raises(S3.InvalidInput):
        _ = writer.info


@pytest.mark.parametrize("size", [3, PART * 2 + 1])
async def test_closed_early_and_failed(
    bucket: S3.AsyncBucket, size: int, data: bytes, uploads: Callable[[], Any]
) -> None:
    """What a wrapper closes on its way out of an exception is not published."""
    with pytest.raises(LookupError):  # noqa: PT012  # the whole block is what must fail
        async with bucket.open_writer("key") as writer:
            await writer.write(data[:size])
            await writer.aclose()
            raise LookupError
    assert not await bucket.exists("key")
    assert await uploads() == []


async def test_closed(bucket: S3.AsyncBucket) -> None:
    """Nothing can be written after closing, in the block or after it."""
    async with bucket.open_writer("key") as writer:
        await writer.aclose()
        with pytest.raises(S3.InvalidInput):
            await writer.write(b"late")
    with pytest.raises(S3.InvalidInput):
        await writer.write(b"later")
    assert (await bucket.get("key")).data == b""


@pytest.mark.parametrize("piece", ["text", None, 5, [b"bytes"]])
async def test_refused(bucket: S3.AsyncBucket, piece: Any) -> None:
    """What is not bytes is refused, and what was written before stays right."""
    async with bucket.open_writer("key") as writer:
        await writer.write(b"one")
        with pytest.raises(S3.InvalidInput) as raised:
            await writer.write(piece)
        assert raised.value.argument == "data"
        await writer.write(b"two")
    assert (await bucket.get("key")).data == b"onetwo"


async def test_create_only(bucket: S3.AsyncBucket, uploads: Callable[[], Any], data: bytes) -> None:
    """The condition is decided at the end of the block, where the error comes out."""
    await bucket.put("key", "old")
    with pytest.raises(S3.KeyAlreadyExists):
        async with bucket.open_writer("key", if_absent=True) as writer:
            await writer.write(data)
    assert (await bucket.get("key")).data == b"old"
    assert await uploads() == []


async def test_no_such_bucket(absent: S3.AsyncBucket, data: bytes) -> None:
    """What goes wrong comes out of a write or of the end of the block."""
    with pytest.raises(S3.NoSuchBucket):
        async with absent.open_writer("key") as writer:
            await writer.write(data)
    with pytest.raises(S3.NoSuchBucket):
        async with absent.open_writer("key") as writer:
            await writer.write(b"little")


async def test_a_failed_write_is_not_forgotten(absent: S3.AsyncBucket, data: bytes) -> None:
    """A block that swallows the error of a write still can't publish half an object."""
    with pytest.raises((S3.BucketException, OSError)):  # noqa: PT012  # the whole block is what must fail
        async with absent.open_writer("key") as writer:
            with pytest.raises(S3.NoSuchBucket):
                await writer.write(data)


@pytest.mark.parametrize("option", [{"content_type": 5}, {"metadata": {"ü": ""}}, {"tags": 5}])
async def test_refused_options(unreachable: S3.AsyncBucket, option: dict[str, Any]) -> None:
    """Options are looked at before anything is sent."""
    with pytest.raises(S3.InvalidInput):
        async with unreachable.open_writer("key", **option):
            pass


def write_text(bucket: S3.Bucket) -> None:
    """Write text through a wrapper that closes what it wraps."""
    with bucket.open_writer("text") as writer, io.TextIOWrapper(writer, encoding="utf-8") as text:
        text.write("zwölf\n" * 1000)


def write_gzip(bucket: S3.Bucket, data: bytes) -> None:
    """Write a gzip file."""
    with bucket.open_writer("gzip") as writer, gzip.open(writer, "wb", compresslevel=1) as packed:
        packed.write(data)


def write_text_and_fail(bucket: S3.Bucket) -> None:
    """Write text, and fail before its end."""
    with bucket.open_writer("failed") as writer, io.TextIOWrapper(writer, encoding="utf-8") as text:
        text.write("half")
        raise LookupError


async def test_as_python_files(
    bucket: S3.AsyncBucket, vendor: Vendor, request: pytest.FixtureRequest, data: bytes
) -> None:
    """Wherever Python wants a writable binary file, the blocking writer is one; an exception publishes nothing."""
    face = S3.Bucket(bucket.name, endpoint_url=request.getfixturevalue(vendor.endpoint))
    await asyncio.to_thread(write_text, face)
    await asyncio.to_thread(write_gzip, face, data)
    with pytest.raises(LookupError):
        await asyncio.to_thread(write_text_and_fail, face)
    assert (await bucket.get("text")).data.decode() == "zwölf\n" * 1000
    assert gzip.decompress((await bucket.get("gzip")).data) == data
    assert not await bucket.exists("failed")
