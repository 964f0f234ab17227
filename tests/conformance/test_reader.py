"""open_reader(): an object as a file."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import random
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

import s3_bucket as S3
from tests.conformance.conftest import PART, collected

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.vendors import Vendor

pytestmark = pytest.mark.asyncio(loop_scope="session")

MIB = 1024 * 1024


@pytest_asyncio.fixture(loop_scope="session")
async def stored(bucket: S3.AsyncBucket, data: bytes) -> S3.AsyncBucket:
    """Return a bucket with one object, of two and a half parts."""
    await bucket.put("key", data, "text/x-data", {"a": "b"})
    return bucket


async def test_whole(stored: S3.AsyncBucket, data: bytes) -> None:
    """read() without a number returns all, and then nothing."""
    async with stored.open_reader("key") as reader:
        assert await reader.read() == data
        assert await reader.read() == b""
        assert await reader.read(1) == b""


@pytest.mark.parametrize("size", [1, 100, MIB - 1, MIB, MIB + 1, 3 * MIB, PART, 2 * PART + 5, 100 * PART])
async def test_sizes(stored: S3.AsyncBucket, size: int, data: bytes) -> None:
    """A read returns just as many bytes as were asked for, but at the end."""
    async with stored.open_reader("key") as reader:
        for at in range(0, min(len(data), 12 * size), size):
            assert await reader.read(size) == data[at : at + size]
        assert await reader.tell() == min(len(data), 12 * size, -(-len(data) // size) * size)


async def test_info(stored: S3.AsyncBucket, data: bytes) -> None:
    """The reader's info is the object's, as it was when it was opened."""
    async with stored.open_reader("key") as reader:
        assert (reader.info.key, reader.info.size, reader.info.content_type) == ("key", len(data), "text/x-data")
        assert reader.info.metadata == {"a": "b"}
        assert reader.info.etag == (await stored.head("key")).etag


async def test_chunks(stored: S3.AsyncBucket, data: bytes) -> None:
    """Iterating gives chunks of 1 MiB, the last one shorter, from where the reader stands."""
    async with stored.open_reader("key") as reader:
        chunks = await collected(reader)
    assert b"".join(chunks) == data
    assert [len(chunk) for chunk in chunks] == [MIB] * 12 + [MIB // 2]
    async with stored.open_reader("key") as reader:
        await reader.read(10)
        assert b"".join(await collected(reader)) == data[10:]


async def test_zero_bytes(stored: S3.AsyncBucket, data: bytes) -> None:
    """Reading zero bytes returns none and moves nothing."""
    async with stored.open_reader("key") as reader:
        assert await reader.read(0) == b""
        assert await reader.read(3) == data[:3]


async def test_seek(stored: S3.AsyncBucket, data: bytes) -> None:
    """A reader goes anywhere, from the start, from here and from the end, also beyond it."""
    async with stored.open_reader("key") as reader:
        assert await reader.seek(7 * MIB) == 7 * MIB
        assert await reader.read(5) == data[7 * MIB : 7 * MIB + 5]
        assert await reader.seek(-5, io.SEEK_CUR) == 7 * MIB
        assert await reader.tell() == 7 * MIB
        assert await reader.read(MIB) == data[7 * MIB : 8 * MIB]
        assert await reader.seek(-3, io.SEEK_END) == len(data) - 3
        assert await reader.read(100) == data[-3:]
        assert await reader.seek(10, io.SEEK_END) == len(data) + 10
        assert await reader.read(1) == b""
        assert await reader.seek(0) == 0
        assert await reader.read(1) == data[:1]


async def test_random_access(stored: S3.AsyncBucket, data: bytes) -> None:
    """Whatever is read in whatever order is what stands there."""
    chance = random.Random(4)  # noqa: S311  # no secret, and the same every time
    async with stored.open_reader("key") as reader:
        for _ in range(40):
            at, size = chance.randrange(len(data)), chance.choice([1, 1000, MIB, 3 * MIB])
            await reader.seek(at)
            assert await reader.read(size) == data[at : at + size]


@pytest.mark.parametrize(("offset", "whence", "argument"), [(-1, 0, "offset"), (-1, 1, "offset"), (0, 3, "whence")])
async def test_refused_seeks(stored: S3.AsyncBucket, offset: int, whence: int, argument: str) -> None:
    """There is nothing before the start, and whence has three values; the reader stays where it is."""
    async with stored.open_reader("key") as reader:
        with pytest.raises(ValueError):  # noqa: PT011  # io refuses some itself
            await reader.seek(offset, whence)
        assert await reader.tell() == 0


@pytest.mark.parametrize(
    ("start", "stop"), [(0, 10), (5, None), (PART - 3, PART + 3), (-10, None), (-3 * MIB, None), (3, 10 * PART)]
)
async def test_ranges(stored: S3.AsyncBucket, start: int, stop: int | None, data: bytes) -> None:
    """A reader of a range sees nothing else, and counts from its start."""
    expected = data[start:stop]
    async with stored.open_reader("key", range=(start, stop)) as reader:
        assert await reader.tell() == 0
        assert await reader.read() == expected
        assert await reader.seek(0, io.SEEK_END) == len(expected)
        assert await reader.seek(1) == 1
        assert await reader.read(2) == expected[1:3]
        assert reader.info.size == len(data)


async def test_range_beyond_the_end(stored: S3.AsyncBucket, data: bytes) -> None:
    """A range beyond the end can't be opened."""
    with pytest.raises(S3.InvalidInput):
        async with stored.open_reader("key", range=(len(data), None)):
            pass


async def test_empty(bucket: S3.AsyncBucket) -> None:
    """An empty object is a file at its end."""
    await bucket.put("key", b"")
    async with bucket.open_reader("key") as reader:
        assert await reader.read() == b""
        assert await collected(reader) == []
        assert await reader.seek(0, io.SEEK_END) == 0
        assert reader.info.size == 0


async def test_missing(bucket: S3.AsyncBucket, absent: S3.AsyncBucket) -> None:
    """What is missing is said at the opening."""
    with pytest.raises(S3.NoSuchKey):
        async with bucket.open_reader("missing"):
            pass
    with pytest.raises(S3.NoSuchBucket):
        async with absent.open_reader("missing"):
            pass


async def test_conditions(stored: S3.AsyncBucket, data: bytes) -> None:
    """if_match and if_none_match decide at the opening."""
    etag = (await stored.head("key")).etag
    with pytest.raises(S3.NotModified):
        async with stored.open_reader("key", if_none_match=etag):
            pass
    with pytest.raises(S3.PreconditionFailed):
        async with stored.open_reader("key", if_match="other"):
            pass
    async with stored.open_reader("key", if_match=etag, if_none_match="other") as reader:
        assert await reader.read() == data


async def test_versions(versioned: S3.AsyncBucket, data: bytes) -> None:
    """A reader reads the version that it was opened with, whatever is stored meanwhile."""
    first = await versioned.put("key", data)
    assert first.version_id
    await versioned.put("key", "other")
    async with versioned.open_reader("key", version_id=first.version_id) as reader:
        assert await reader.read() == data
    async with versioned.open_reader("key") as reader:
        await versioned.put("key", "third")
        assert await reader.read() == b"other"


async def test_replaced_meanwhile(stored: S3.AsyncBucket, data: bytes) -> None:
    """Bytes of two objects are never mixed: what was replaced since the opening is an IntegrityError."""
    async with stored.open_reader("key") as reader:
        assert await reader.read(10) == data[:10]
        await stored.put("key", data[::-1])
        with pytest.raises(S3.IntegrityError) as raised:
            await reader.read()
    assert (raised.value.key, raised.value.bucket, raised.value.retryable) == ("key", stored.name, True)


async def test_deleted_meanwhile(stored: S3.AsyncBucket) -> None:
    """What was deleted since the opening is NoSuchKey."""
    async with stored.open_reader("key") as reader:
        await stored.delete("key")
        with pytest.raises(S3.NoSuchKey):
            await reader.read()


async def test_closed(stored: S3.AsyncBucket) -> None:
    """A closed reader reads nothing more, and closing it again is nothing."""
    async with stored.open_reader("key") as reader:
        await reader.read(1)
        await reader.aclose()
        await reader.aclose()
        with pytest.raises(ValueError):  # noqa: PT011  # io refuses some itself
            await reader.read(1)
    with pytest.raises(S3.InvalidInput):
        await reader.read(1)


async def test_exception_in_the_block(stored: S3.AsyncBucket) -> None:
    """What the block raises comes out as it is."""
    with pytest.raises(LookupError, match="mine"):
        async with stored.open_reader("key"):
            raise LookupError("mine")


async def test_many_open_readers(stored: S3.AsyncBucket, data: bytes) -> None:
    """Readers that are open, half read, keep no connection from anybody else."""
    managers = [stored.open_reader("key") for _ in range(30)]
    readers = [await manager.__aenter__() for manager in managers]
    for reader in readers:
        assert await reader.read(10) == data[:10]
    assert await stored.exists("key")
    for manager in managers:
        await manager.__aexit__(None, None, None)


@pytest.fixture
def blocking(vendor: Vendor, request: pytest.FixtureRequest) -> Callable[[S3.AsyncBucket], S3.Bucket]:
    """Return what gives the blocking face of a bucket."""
    endpoint_url: str = request.getfixturevalue(vendor.endpoint)
    return lambda bucket: S3.Bucket(bucket.name, endpoint_url=endpoint_url)


def read_csv(bucket: S3.Bucket) -> Any:
    """Read rows of text."""
    with bucket.open_reader("csv") as reader:
        return list(csv.reader(io.TextIOWrapper(reader, encoding="utf-8", newline="")))


def read_json(bucket: S3.Bucket) -> Any:
    """Parse JSON."""
    with bucket.open_reader("json") as reader:
        return json.load(reader)


def read_zip(bucket: S3.Bucket) -> Any:
    """Unpack one member of a zip file."""
    with bucket.open_reader("zip") as reader, zipfile.ZipFile(reader) as archive:
        return archive.testzip(), archive.read("b.txt")


def zipped(members: dict[str, bytes]) -> bytes:
    """Return a zip file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


async def test_as_python_files(
    bucket: S3.AsyncBucket, blocking: Callable[[S3.AsyncBucket], S3.Bucket], data: bytes
) -> None:
    """Wherever Python wants a readable binary file, the blocking reader is one."""
    rows = [[str(number), "ü,\n"] for number in range(10_000)]
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    await bucket.put("csv", text.getvalue())
    await bucket.put_json("json", rows)
    await bucket.put("zip", zipped({"a.bin": data, "b.txt": b"text"}))
    face = blocking(bucket)
    assert await asyncio.to_thread(read_csv, face) == rows
    assert await asyncio.to_thread(read_json, face) == rows
    assert await asyncio.to_thread(read_zip, face) == (None, b"text")


async def test_reading_on_after_a_failure(stored: S3.AsyncBucket, data: bytes) -> None:
    """After a read that failed the reader can be told where to stand, and reads on when the object is back."""
    async with stored.open_reader("key") as reader:
        await reader.read(10)
        await stored.delete("key")
        with pytest.raises(S3.NoSuchKey):
            await reader.read(3 * MIB)
        await stored.put("key", data)
        await reader.seek(10)
        assert await reader.read(3 * MIB) == data[10 : 3 * MIB + 10]
