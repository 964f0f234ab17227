"""Encryption by the server, and under a customer's key, which goes over TLS only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

import s3_bucket as S3
from tests.conformance.conftest import PART, drip

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="session")

MINE = S3.SSE.c(b"0123456789abcdef0123456789abcdef")
ANOTHER = S3.SSE.c(b"another key, of 32 bytes as well!"[:32])
ARN = "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012"
SIZES = [3, PART, PART + 1, PART * 5 // 2]


@pytest.mark.parametrize("size", [3, PART + 1])
async def test_s3_s_keys(bucket: S3.AsyncBucket, size: int, data: bytes) -> None:
    """SSE.s3() has S3 encrypt with its own keys, and is told by put, get and head; reading wants nothing."""
    put = await bucket.put("key", data[:size], encryption=S3.SSE.s3())
    got = await bucket.get("key")
    assert got.data == data[:size]
    assert [info.encryption for info in (put, got.info, await bucket.head("key"))] == ["AES256"] * 3


async def test_a_key_of_kms(bucket: S3.AsyncBucket) -> None:
    """SSE.kms(...) has S3 encrypt under that key; reading wants nothing."""
    info = await bucket.put("key", "data", encryption=S3.SSE.kms(ARN))
    assert info.encryption == "aws:kms"
    got = await bucket.get("key")
    assert (got.data, got.info.encryption) == (b"data", "aws:kms")
    assert (await bucket.call("HeadObject", Key="key"))["SSEKMSKeyId"] == ARN


async def test_bucket_key(bucket: S3.AsyncBucket) -> None:
    """Whether there is to be a bucket key arrives as it was meant."""
    for bucket_key in (True, False):
        await bucket.put("key", "data", encryption=S3.SSE.kms(ARN, bucket_key=bucket_key))
        assert (await bucket.call("HeadObject", Key="key")).get("BucketKeyEnabled", False) is bucket_key


@pytest.mark.parametrize("size", SIZES)
async def test_customer_key(secure: S3.AsyncBucket, size: int, data: bytes, tmp_path: Path) -> None:
    """Under a customer's key, the same bytes come back by every way there is to read them."""
    put = await secure.put("key", data[:size], encryption=MINE, metadata={"owner": "me"})
    got = await secure.get("key", encryption=MINE)
    assert got.data == data[:size]
    assert got.metadata == {"owner": "me"}
    assert (await secure.get("key", range=(1, 3), encryption=MINE)).data == data[1:3]
    assert (await secure.get("key", range=(-2, None), encryption=MINE)).data == data[size - 2 : size]
    head = await secure.head("key", encryption=MINE)
    assert (head.size, head.etag) == (size, put.etag)
    assert await secure.exists("key", encryption=MINE)
    async with secure.open_reader("key", encryption=MINE) as reader:
        assert await reader.read() == data[:size]
    info = await secure.download_file("key", tmp_path / "file", encryption=MINE)
    assert info.size == size
    assert await anyio.Path(tmp_path / "file").read_bytes() == data[:size]


@pytest.mark.parametrize("size", [3, PART * 2 + 1])
async def test_writing_under_a_customer_key(secure: S3.AsyncBucket, size: int, data: bytes, tmp_path: Path) -> None:
    """Every way to write takes a customer's key, whether the length is known or not, and under conditions."""
    await anyio.Path(tmp_path / "file").write_bytes(data[:size])
    await secure.upload_file(tmp_path / "file", "file", encryption=MINE)
    await secure.put("stream", drip(data[:size]), encryption=MINE, if_absent=True)
    async with secure.open_writer("written", encryption=MINE) as writer:
        await writer.write(data[:size])
    for key in ("file", "stream", "written"):
        assert (await secure.get(key, encryption=MINE)).data == data[:size]
    await secure.put_json("json", [1, 2], encryption=MINE)
    assert await secure.get_json("json", encryption=MINE) == [1, 2]


@pytest.mark.parametrize("size", [3, PART + 1])
async def test_customer_key_is_told(secure: S3.AsyncBucket, size: int, data: bytes) -> None:
    """That an object is under a customer's key is told by put, get and head."""
    put = await secure.put("key", data[:size], encryption=MINE)
    got = await secure.get("key", encryption=MINE)
    head = await secure.head("key", encryption=MINE)
    assert [info.encryption for info in (put, got.info, head)] == ["SSE-C"] * 3


async def read(bucket: S3.AsyncBucket, **options: Any) -> bytes:
    """Read through a reader."""
    async with bucket.open_reader("key", **options) as reader:
        return await reader.read()


@pytest.mark.parametrize("if_absent", [False, True], ids=["whole", "in parts"])
@pytest.mark.parametrize("to", [MINE, ANOTHER, None], ids=["the same", "another", "none"])
async def test_copy_under_keys(secure: S3.AsyncBucket, to: S3.SSE | None, *, if_absent: bool, data: bytes) -> None:
    """A copy is read with the source's key and written under its own, or under none; a source that is moved is gone."""
    await secure.put("source", data, encryption=MINE, metadata={"a": "b"})
    copied = await secure.copy("source", "copy", source_encryption=MINE, encryption=to, if_absent=if_absent)
    assert (copied.size, copied.metadata) == (len(data), {"a": "b"})
    assert (await secure.get("copy", encryption=to)).data == data
    await secure.move("source", "moved", source_encryption=MINE, encryption=to, if_absent=if_absent)
    assert (await secure.get("moved", encryption=to)).data == data
    assert not await secure.exists("source", encryption=MINE)


async def test_another_key_for_an_object(secure: S3.AsyncBucket) -> None:
    """An object is put under another key by copying it onto itself."""
    await secure.put("key", "data", encryption=MINE)
    await secure.copy("key", "key", source_encryption=MINE, encryption=ANOTHER)
    assert (await secure.get("key", encryption=ANOTHER)).data == b"data"


async def test_copy_under_a_key_of_kms(bucket: S3.AsyncBucket) -> None:
    """A copy is encrypted as it is told to be."""
    await bucket.put("source", "data")
    assert (await bucket.copy("source", "copy", encryption=S3.SSE.kms(ARN, bucket_key=True))).encryption == "aws:kms"


READS: dict[str, Callable[..., Awaitable[Any]]] = {
    "get": lambda bucket, **options: bucket.get("key", **options),
    "get_json": lambda bucket, **options: bucket.get_json("key", **options),
    "head": lambda bucket, **options: bucket.head("key", **options),
    "exists": lambda bucket, **options: bucket.exists("key", **options),
    "open_reader": read,
    "download_file": lambda bucket, **options: bucket.download_file("key", "/nowhere/file", **options),
}


@pytest.mark.parametrize("size", [3, PART + 1])
@pytest.mark.parametrize("encryption", [None, ANOTHER], ids=["none", "another"])
@pytest.mark.parametrize("call", ["get", "head", "open_reader"])
async def test_without_the_key(
    secure: S3.AsyncBucket, call: str, encryption: S3.SSE | None, size: int, data: bytes
) -> None:
    """Without the key, or with another one, the object can't be read, and no key stands in the error."""
    await secure.put("key", data[:size], encryption=MINE)
    with pytest.raises(S3.BucketException) as caught:
        await READS[call](secure, encryption=encryption)
    assert caught.value.status in {400, 403}
    assert "MDEyMzQ1Njc4" not in f"{caught.value!s} {caught.value!r} {vars(caught.value)!r}"


@pytest.mark.parametrize("call", READS)
@pytest.mark.parametrize("encryption", ["AES256", S3.SSE.s3(), S3.SSE.kms(ARN), b"0" * 32], ids=repr)
async def test_nothing_to_read_with(unreachable: S3.AsyncBucket, call: str, encryption: Any) -> None:
    """Only a customer's key is of use for reading; anything else is refused by name, and nothing is sent."""
    with pytest.raises(S3.InvalidInput) as caught:
        await READS[call](unreachable, encryption=encryption)
    assert caught.value.argument == "encryption"


async def write(bucket: S3.AsyncBucket, data: bytes, **options: Any) -> None:
    """Write through a writer."""
    async with bucket.open_writer("key", **options) as writer:
        await writer.write(data)


WRITES: dict[str, Callable[..., Awaitable[Any]]] = {
    "put": lambda bucket, data, **options: bucket.put("key", data, **options),
    "stream": lambda bucket, data, **options: bucket.put("key", drip(data), **options),
    "put_json": lambda bucket, data, **options: bucket.put_json("key", data.hex(), **options),
    "open_writer": write,
}


@pytest.mark.parametrize("call", [name for name in READS if name != "download_file"])
async def test_no_reading_over_http(unreachable: S3.AsyncBucket, call: str) -> None:
    """Over plain HTTP a customer's key is never sent: reading is refused, before a connection is opened even."""
    with pytest.raises(S3.InvalidInput, match="plain HTTP") as caught:
        await READS[call](unreachable, encryption=MINE)
    assert (caught.value.argument, caught.value.sent, caught.value.attempts) == ("encryption", False, 1)


@pytest.mark.parametrize("size", [3, PART * 2 + 1])
@pytest.mark.parametrize("call", WRITES)
async def test_no_writing_over_http(unreachable: S3.AsyncBucket, call: str, size: int, data: bytes) -> None:
    """Nor is anything written."""
    with pytest.raises(S3.InvalidInput, match="plain HTTP") as caught:
        await WRITES[call](unreachable, data[:size], encryption=MINE)
    assert (caught.value.argument, caught.value.sent) == ("encryption", False)


async def test_no_file_over_http(unreachable: S3.AsyncBucket, tmp_path: Path) -> None:
    """No file is sent, and none is left behind by a download."""
    await anyio.Path(tmp_path / "file").write_bytes(b"data")
    with pytest.raises(S3.InvalidInput, match="plain HTTP"):
        await unreachable.upload_file(tmp_path / "file", "key", encryption=MINE)
    with pytest.raises(S3.InvalidInput, match="plain HTTP"):
        await unreachable.download_file("key", tmp_path / "other", encryption=MINE)
    assert [path.name async for path in anyio.Path(tmp_path).iterdir()] == ["file"]


async def test_no_call_over_http(unreachable: S3.AsyncBucket) -> None:
    """What has no method of its own is refused like the rest, a copy's source too."""
    for prefix in ("", "CopySource"):
        given = {f"{prefix}{name}": value for name, value in MINE.parameters.items()}
        with pytest.raises(S3.InvalidInput, match="plain HTTP"):
            await unreachable.call("CopyObject", Key="key", CopySource={"Bucket": "b", "Key": "k"}, **given)


async def test_no_copy_over_http(unreachable: S3.AsyncBucket) -> None:
    """No copy is made with a key over plain HTTP, nor with what is no customer's key."""
    for copy in (unreachable.copy, unreachable.move):
        with pytest.raises(S3.InvalidInput, match="plain HTTP"):
            await copy("source", "key", source_encryption=MINE)
        with pytest.raises(S3.InvalidInput) as caught:
            await copy("source", "key", source_encryption=S3.SSE.s3())
        assert caught.value.argument == "source_encryption"


async def test_no_presigning(unreachable: S3.AsyncBucket) -> None:
    """A customer's key is presigned for nobody."""
    for presign in (unreachable.presign_put, unreachable.presign_post):
        with pytest.raises(S3.InvalidInput) as caught:
            await presign("key", encryption=MINE)
        assert caught.value.argument == "encryption"
