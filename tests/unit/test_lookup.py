"""Listings, lookups, the bucket itself, and JSON."""

from __future__ import annotations

from typing import Any

import pytest

from s3_bucket._async import _administration, _json, _listing, _lookup
from s3_bucket._async._batches import BatchIterator
from s3_bucket._store import GetRequest, ListRequest
from s3_bucket.exceptions import (
    BucketAccessDenied,
    BucketAlreadyExists,
    BucketException,
    IntegrityError,
    InvalidInput,
    NoSuchBucket,
    NoSuchKey,
    Throttled,
)
from tests.unit.memory import BUCKET, MemoryStore, opener, retrying

REQUEST = GetRequest(BUCKET, "key")
DENIED = BucketAccessDenied("denied", status=403)


async def listed(memory: MemoryStore, limit: int | None = None, prefix: str = "") -> list[str]:
    """Return the keys of a listing."""
    pages = _listing.pages(opener(retrying(memory)), ListRequest(BUCKET, prefix, None, limit))
    return [info.key async for info in BatchIterator(pages)]


@pytest.mark.parametrize("limit", [None, 0, 1, 999, 1_000, 1_001, 2_500, 9_999])
async def test_pages(limit: int | None, memory: MemoryStore) -> None:
    """All keys come, in order, or as many as were wanted, and no page is asked for in vain."""
    memory.objects = {f"{n:05}": b"" for n in range(2_500)}
    assert await listed(memory, limit) == sorted(memory.objects)[:limit]
    wanted = 2_500 if limit is None else min(limit, 2_500)
    assert memory.calls == ["list_page"] * -(-wanted // 1_000)


async def test_no_pages(memory: MemoryStore) -> None:
    """Where nothing is, nothing comes."""
    assert await listed(memory) == []
    memory.objects = {"b": b""}
    assert await listed(memory, prefix="a") == []


async def test_head_of_what_is_missing(memory: MemoryStore) -> None:
    """Whether the key or the bucket is missing is asked, on the error's path only."""
    store = retrying(memory)
    with pytest.raises(NoSuchKey) as caught:
        await _lookup.head(store, REQUEST)
    assert type(caught.value) is NoSuchKey
    memory.fail("head", NoSuchKey("404"))
    memory.missing = True
    with pytest.raises(NoSuchBucket) as lost:
        await _lookup.exists(store, REQUEST)
    assert lost.value.key == "key"
    assert isinstance(lost.value.__cause__, NoSuchKey)


async def test_head_where_the_bucket_is_not_ours_to_ask(memory: MemoryStore) -> None:
    """Where the bucket can't be asked for, what is known is raised, with its cause."""
    cause = ValueError("cause")
    missing = NoSuchKey("404")
    missing.__cause__ = cause
    memory.fail("head", missing)
    memory.fail("head_bucket", DENIED)
    with pytest.raises(NoSuchKey) as caught:
        await _lookup.head(retrying(memory), REQUEST)
    assert caught.value.__cause__ is cause


async def test_exists(memory: MemoryStore) -> None:
    """An object is there, or is not, or it can't be known."""
    store = retrying(memory)
    assert not await _lookup.exists(store, REQUEST)
    memory.objects["key"] = b""
    assert await _lookup.exists(store, REQUEST)
    memory.fail("head", DENIED)
    with pytest.raises(BucketAccessDenied):
        await _lookup.exists(store, REQUEST)


async def test_bucket_exists(memory: MemoryStore) -> None:
    """A bucket is there, also if it is in another region; or is not, or it can't be known."""
    store = retrying(memory)
    assert await _lookup.bucket_exists(store, BUCKET)
    memory.fail("head_bucket", BucketException("moved", status=301, error_code="PermanentRedirect"))
    assert await _lookup.bucket_exists(store, BUCKET)
    memory.fail("head_bucket", BucketException("a redirect of anybody's", status=301, error_code="301"))
    with pytest.raises(BucketException):
        await _lookup.bucket_exists(store, BUCKET)
    memory.fail("head_bucket", NoSuchBucket("404"))
    assert not await _lookup.bucket_exists(store, BUCKET)
    memory.fail("head_bucket", DENIED)
    with pytest.raises(BucketAccessDenied):
        await _lookup.bucket_exists(store, BUCKET)


async def test_create(memory: MemoryStore) -> None:
    """A bucket that is there is an error, unless it may be there and is ours."""
    store = retrying(memory)
    await _administration.create(store, BUCKET, exist_ok=False)
    memory.fail("create_bucket", BucketAlreadyExists("owned", error_code="BucketAlreadyOwnedByYou"))
    await _administration.create(store, BUCKET, exist_ok=True)
    with pytest.raises(BucketAlreadyExists):
        await _administration.create(store, BUCKET, exist_ok=False)
    memory.fail("create_bucket", BucketAlreadyExists("taken", error_code="BucketAlreadyExists"))
    await _administration.create(store, BUCKET, exist_ok=True)
    memory.fail("head_bucket", DENIED)
    with pytest.raises(BucketAccessDenied):
        await _administration.create(store, BUCKET, exist_ok=True)
    memory.fail("create_bucket", Throttled("slow down"))
    with pytest.raises(Throttled):
        await _administration.create(store, BUCKET, exist_ok=True)


def nested() -> Any:
    """Return a value that is nested too deep."""
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}, {(1, 2): 3}, b"bytes"])
async def test_no_json(value: Any) -> None:
    """What JSON has no word for is refused."""
    with pytest.raises(InvalidInput, match=r"^value: "):
        await _json.dumps(value)


async def test_no_json_for_a_circle() -> None:
    """A value that holds itself, or is nested too deep, is refused."""
    circle: list[Any] = []
    circle.append(circle)
    for value in (circle, nested()):
        with pytest.raises(InvalidInput, match=r"^value: "):
            await _json.dumps(value)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": }'])
async def test_no_json_object(data: bytes) -> None:
    """An object that is no JSON is an IntegrityError that names it."""
    with pytest.raises(IntegrityError) as caught:
        await _json.loads("b", "k", data)
    assert (caught.value.bucket, caught.value.key) == ("b", "k")


@pytest.mark.parametrize("value", [None, 1, "ä\u2028😀", [1, {"a": [True, None, 1.5]}], {}])
async def test_json(value: Any) -> None:
    """A value comes back as it was."""
    assert await _json.loads("b", "k", (await _json.dumps(value)).encode()) == value
