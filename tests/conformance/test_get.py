"""What get(), head(), exists() and delete() say."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import s3_bucket as S3
from tests.conformance.conftest import PART, collected

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

pytestmark = pytest.mark.asyncio(loop_scope="session")

TEXT = b"0123456789"


async def test_pair(bucket: S3.AsyncBucket) -> None:
    """What get returns is the pair of bytes and metadata, with the info beside it."""
    put = await bucket.put("key", TEXT, metadata={"owner": "me"})
    got = await bucket.get("key")
    data, metadata = got
    assert (data, metadata) == (TEXT, {"owner": "me"})
    assert isinstance(got, tuple)
    assert len(got) == 2
    assert (got.data, got.metadata) == (data, metadata)
    assert (got.info.key, got.info.size, got.info.etag) == ("key", 10, put.etag)


async def test_content_type_of_the_answer(bucket: S3.AsyncBucket) -> None:
    """response_content_type is what the answer carries; the object's own type stays."""
    await bucket.put("key", TEXT, "text/html")
    assert (await bucket.get("key", "text/x-other")).info.content_type == "text/x-other"
    assert (await bucket.get("key", response_content_type="text/x-other")).info.content_type == "text/x-other"
    assert (await bucket.head("key")).content_type == "text/html"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ((0, 1), b"0"),
        ((2, 5), b"234"),
        ((0, 10), TEXT),
        ((5, 100), b"56789"),
        ((3, None), b"3456789"),
        ((0, None), TEXT),
        ((9, None), b"9"),
        ((-3, None), b"789"),
        ((-10, None), TEXT),
        ((-100, None), TEXT),
    ],
)
async def test_ranges(bucket: S3.AsyncBucket, wanted: tuple[int, int | None], expected: bytes) -> None:
    """A range is half open, may be open at its end or count from it, and is clipped to the object."""
    await bucket.put("key", TEXT)
    got = await bucket.get("key", range=wanted)
    assert got.data == expected
    assert got.info.size == 10


@pytest.mark.parametrize(
    ("start", "stop"), [(1, None), (PART - 1, PART + 1), (3, 2 * PART + 3), (-PART - 1, None), (0, 2 * PART)]
)
async def test_long_ranges(bucket: S3.AsyncBucket, start: int, stop: int | None, data: bytes) -> None:
    """A range of several parts is put together right."""
    await bucket.put("key", data)
    assert (await bucket.get("key", range=(start, stop))).data == data[start:stop]


@pytest.mark.parametrize("wanted", [(10, 11), (10, None), (11, 20)])
async def test_ranges_beyond_the_end(bucket: S3.AsyncBucket, wanted: tuple[int, int | None]) -> None:
    """A range that begins beyond the object's end is InvalidInput, with the server's status."""
    await bucket.put("key", TEXT)
    with pytest.raises(S3.InvalidInput) as raised:
        await bucket.get("key", range=wanted)
    assert raised.value.status == 416


@pytest.mark.parametrize("wanted", [(0, 1), (0, None)])
async def test_ranges_of_nothing(bucket: S3.AsyncBucket, wanted: tuple[int, int | None]) -> None:
    """An empty object has no range; without one it is empty."""
    await bucket.put("key", b"")
    with pytest.raises(S3.InvalidInput):
        await bucket.get("key", range=wanted)
    assert (await bucket.get("key")).data == b""


@pytest.mark.parametrize(
    "wanted",
    [(1, 1), (2, 1), (-3, -1), (-3, 2), (0, 0), (None, 3), (1.0, 2), ("1", 2), [0, 1], (0,), 5, (0, -1), (0, 1, 2)],
)
async def test_refused_ranges(unreachable: S3.AsyncBucket, wanted: Any) -> None:
    """What is no range is refused by name, and nothing is sent."""
    with pytest.raises(S3.InvalidInput) as raised:
        await unreachable.get("key", range=wanted)
    assert raised.value.argument == "range"


async def test_conditions(bucket: S3.AsyncBucket) -> None:
    """if_match and if_none_match decide whether the object comes, with quotes or without."""
    etag = (await bucket.put("key", TEXT)).etag
    assert (await bucket.get("key", if_match=etag)).data == TEXT
    assert (await bucket.get("key", if_match=f'"{etag}"')).data == TEXT
    assert (await bucket.get("key", if_none_match="other")).data == TEXT
    with pytest.raises(S3.NotModified) as unchanged:
        await bucket.get("key", if_none_match=f'"{etag}"')
    assert (unchanged.value.status, unchanged.value.key) == (304, "key")
    with pytest.raises(S3.PreconditionFailed) as changed:
        await bucket.get("key", if_match="other")
    assert changed.value.status == 412


async def test_versions(versioned: S3.AsyncBucket) -> None:
    """Each version is fetched, looked at and deleted by its id; without one, the newest is meant."""
    first = await versioned.put("key", "first")
    second = await versioned.put("key", "second")
    assert first.version_id
    assert first.version_id != second.version_id
    assert (await versioned.get("key", version_id=first.version_id)).data == b"first"
    assert (await versioned.get("key")).info.version_id == second.version_id
    assert (await versioned.head("key", version_id=first.version_id)).size == 5
    assert await versioned.exists("key", version_id=first.version_id)
    await versioned.delete("key", version_id=first.version_id)
    assert not await versioned.exists("key", version_id=first.version_id)
    assert (await versioned.get("key")).data == b"second"
    await versioned.delete("key")
    assert not await versioned.exists("key")
    assert (await versioned.get("key", version_id=second.version_id)).data == b"second"


async def test_large_versions(versioned: S3.AsyncBucket, data: bytes) -> None:
    """All parts of a large object are of the version that was asked for."""
    first = await versioned.put("key", data)
    assert first.version_id
    await versioned.put("key", data[::-1])
    assert (await versioned.get("key", version_id=first.version_id)).data == data


@pytest.mark.parametrize("version_id", ["", "a\r\nb", 5])
async def test_refused_versions(unreachable: S3.AsyncBucket, version_id: Any) -> None:
    """What can't be a version's id is refused by name."""
    with pytest.raises(S3.InvalidInput) as raised:
        await unreachable.get("key", version_id=version_id)
    assert raised.value.argument == "version_id"


ON_OBJECTS: dict[str, Callable[[S3.AsyncBucket], Awaitable[Any]]] = {
    "get": lambda bucket: bucket.get("missing"),
    "get-range": lambda bucket: bucket.get("missing", range=(0, 5)),
    "get_json": lambda bucket: bucket.get_json("missing"),
    "head": lambda bucket: bucket.head("missing"),
    "download_file": lambda bucket: bucket.download_file("missing", Path(tempfile.gettempdir()) / "never-written"),
    "call": lambda bucket: bucket.call("GetObject", Key="missing"),
}
ON_BUCKETS: dict[str, Callable[[S3.AsyncBucket], Awaitable[Any]]] = {
    "exists": lambda bucket: bucket.exists("missing"),
    "put": lambda bucket: bucket.put("key", "data"),
    "put-parts": lambda bucket: bucket.put("key", bytes(PART + 1)),
    "put_json": lambda bucket: bucket.put_json("key", 1),
    "delete": lambda bucket: bucket.delete("key"),
    "delete_bucket": lambda bucket: bucket.delete_bucket(),
    "list": lambda bucket: collected(bucket.list()),
    "call-bucket": lambda bucket: bucket.call("GetBucketLocation"),
}


@pytest.mark.parametrize("what", ON_OBJECTS)
async def test_no_such_key(bucket: S3.AsyncBucket, what: str) -> None:
    """A missing object is NoSuchKey, also a FileNotFoundError, and says which."""
    with pytest.raises(S3.NoSuchKey) as raised:
        await ON_OBJECTS[what](bucket)
    error = raised.value
    assert isinstance(error, FileNotFoundError)
    assert (error.bucket, error.key, error.status, error.retryable) == (bucket.name, "missing", 404, False)
    assert error.error_code in {"NoSuchKey", "404"}
    assert error.message == str(error)
    assert bucket.name in str(error)
    assert "missing" in str(error)
    assert error.operation in {"GetObject", "HeadObject"}
    assert error.__cause__ is not None


@pytest.mark.parametrize("what", ON_OBJECTS | ON_BUCKETS)
async def test_no_such_bucket(absent: S3.AsyncBucket, what: str) -> None:
    """A missing bucket is NoSuchBucket whatever is asked of it, never NoSuchKey."""
    with pytest.raises(S3.NoSuchBucket) as raised:
        await (ON_OBJECTS | ON_BUCKETS)[what](absent)
    assert raised.value.bucket == absent.name
    assert raised.value.status == 404
    assert raised.value.__cause__ is not None


async def test_exists(bucket: S3.AsyncBucket) -> None:
    """An object exists from its put until its delete."""
    assert not await bucket.exists("key")
    await bucket.put("key", b"")
    assert await bucket.exists("key")
    await bucket.delete("key")
    assert not await bucket.exists("key")


async def test_delete_what_is_not_there(bucket: S3.AsyncBucket) -> None:
    """Deleting what is not there succeeds."""
    await bucket.delete("never stored")


async def test_conditional_delete(bucket: S3.AsyncBucket) -> None:
    """if_match deletes the object of that etag, and no other."""
    first = await bucket.put("key", "first")
    second = await bucket.put("key", "second")
    with pytest.raises(S3.PreconditionFailed):
        await bucket.delete("key", if_match=first.etag)
    assert await bucket.exists("key")
    await bucket.delete("key", if_match=second.etag)
    assert not await bucket.exists("key")


async def test_request_id(bucket: S3.AsyncBucket) -> None:
    """A refusal carries what S3's support asks for, and S3's code."""
    with pytest.raises(S3.NoSuchKey) as raised:
        await bucket.get("missing")
    assert raised.value.request_id
    assert raised.value.error_code == "NoSuchKey"


async def test_error_message(bucket: S3.AsyncBucket) -> None:
    """A refusal carries S3's own words."""
    with pytest.raises(S3.NoSuchKey) as raised:
        await bucket.get("missing")
    assert raised.value.error_message


async def test_unreachable(unreachable: S3.AsyncBucket) -> None:
    """A server that isn't there is BucketConnectionError, also a ConnectionError, and worth another try."""
    with pytest.raises(S3.BucketConnectionError) as raised:
        await unreachable.get("key")
    assert isinstance(raised.value, ConnectionError)
    assert raised.value.retryable
    assert raised.value.status is None
    assert raised.value.__cause__ is not None
