"""What list() gives, and the keys that survive the way there and back."""

from __future__ import annotations

import unicodedata
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

import s3_bucket as S3
from tests.conformance.conftest import collected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conformance.conftest import OpenBucket
    from tests.conformance.vendors import Vendor

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGE = 1_000
MANY = 2 * PAGE + 5


@pytest.fixture(scope="module")
def many(vendor: Vendor, request: pytest.FixtureRequest) -> str:
    """Return the name of a bucket with more keys than fit on two pages: 0000, 0001, ..."""
    bucket = S3.Bucket(f"bucket-{uuid.uuid4().hex}", endpoint_url=request.getfixturevalue(vendor.endpoint))
    bucket.create()
    S3.raise_failed(bucket.put_many((f"{number:04}", b"") for number in range(MANY)))
    return bucket.name


@pytest_asyncio.fixture(loop_scope="session")
async def alphabet(bucket: S3.AsyncBucket) -> S3.AsyncBucket:
    """Return a bucket with some objects in it."""
    await fill(bucket, ["a", "b/1", "b/2", "b/3/x", "ba", "c"])
    return bucket


async def fill(bucket: S3.AsyncBucket, keys: list[str]) -> None:
    """Store an object under each key."""
    S3.raise_failed(await collected(bucket.put_many((key, b"data") for key in keys)))


async def listed(bucket: S3.AsyncBucket, *args: Any, **kwargs: Any) -> list[str]:
    """Return the keys of a listing."""
    return [info.key async for info in bucket.list(*args, **kwargs)]


async def test_empty(bucket: S3.AsyncBucket) -> None:
    """An empty bucket lists nothing."""
    assert await listed(bucket) == []


async def test_what_is_listed(bucket: S3.AsyncBucket) -> None:
    """A listing tells key, size, etag and time, as put and head do."""
    put = await bucket.put("key", "data")
    [info] = await collected(bucket.list())
    assert (info.key, info.size, info.etag) == ("key", 4, put.etag)
    assert info.last_modified is not None
    assert info.last_modified.tzinfo is not None


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["a", "b/1", "b/2", "b/3/x", "ba", "c"]),
        ({"prefix": "b"}, ["b/1", "b/2", "b/3/x", "ba"]),
        ({"prefix": "b/"}, ["b/1", "b/2", "b/3/x"]),
        ({"prefix": "nothing"}, []),
        ({"start_after": "b/2"}, ["b/3/x", "ba", "c"]),
        ({"start_after": "b/2 and so on"}, ["b/3/x", "ba", "c"]),
        ({"start_after": "c"}, []),
        ({"prefix": "b/", "start_after": "b/1"}, ["b/2", "b/3/x"]),
        ({"limit": 0}, []),
        ({"limit": 1}, ["a"]),
        ({"limit": 6}, ["a", "b/1", "b/2", "b/3/x", "ba", "c"]),
        ({"limit": 10_000}, ["a", "b/1", "b/2", "b/3/x", "ba", "c"]),
        ({"prefix": "b", "start_after": "b/1", "limit": 2}, ["b/2", "b/3/x"]),
    ],
)
async def test_options(alphabet: S3.AsyncBucket, options: dict[str, Any], expected: list[str]) -> None:
    """prefix, start_after and limit choose what is listed, each alone and together."""
    assert await listed(alphabet, **options) == expected


async def test_prefix_by_position(alphabet: S3.AsyncBucket) -> None:
    """The prefix may be given by position."""
    assert await listed(alphabet, "b/") == ["b/1", "b/2", "b/3/x"]


async def test_pages(open_bucket: OpenBucket, many: str) -> None:
    """Of more keys than fit on a page none is lost or doubled, in order, and a limit may lie anywhere."""
    bucket = open_bucket(many)
    keys = [f"{number:04}" for number in range(MANY)]
    assert await listed(bucket) == keys
    for limit in (PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 2 * PAGE + 1, MANY + 1):
        assert await listed(bucket, limit=limit) == keys[:limit]
    assert await listed(bucket, start_after="0600", limit=1_200) == keys[601:1_801]


async def test_order(bucket: S3.AsyncBucket) -> None:
    """Keys come in the order of their UTF-8 bytes."""
    keys = ["A", "B", "a", "a!", "a/", "aa", "é", "\uffee", "😀"]
    await fill(bucket, keys[::-1])
    assert await listed(bucket) == sorted(keys, key=str.encode) == keys


async def test_breaking_off(alphabet: S3.AsyncBucket) -> None:
    """A listing that is left half way leaves the bucket usable."""
    async for info in alphabet.list():
        assert info.key == "a"
        break
    assert await alphabet.exists("a")


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("prefix", None),
        ("prefix", b"bytes"),
        ("prefix", "\ud800"),
        ("start_after", 5),
        ("start_after", "\udfff"),
        ("limit", -1),
        ("limit", 1.5),
        ("limit", "1"),
        ("limit", True),
    ],
)
async def test_refused(unreachable: S3.AsyncBucket, argument: str, value: Any) -> None:
    """An argument that can't be right is refused by name, and nothing is sent."""
    with pytest.raises(S3.InvalidInput) as raised:
        await listed(unreachable, **{argument: value})
    assert raised.value.argument == argument


ODD_KEYS = {
    "space": "with space",
    "spaces at the ends": " a ",
    "plus": "a+b",
    "percent": "100%",
    "escaped": "a%20b%2Fc",
    "question": "a?b=c&d=e",
    "hash": "a#b",
    "delimiters": "a=b;c:d@e,f!g$h*i'j(k)l~m",
    "quotes": "\"quoted\" 'too' `tick`",
    "brackets": "<a>&amp;[b]{c}|d\\e^f",
    "composed": unicodedata.normalize("NFC", "é"),
    "decomposed": unicodedata.normalize("NFD", "é"),
    "emoji": "👩‍👩‍👧/😀",
    "leading slash": "/leading",
    "double slash": "double//slash///es",
    "trailing slash": "trailing/",
    "only slash": "/",
    "dots": "...",
    "dotted names": "a/.hidden/b..c/...",
    "longest": "k" * 1_024,
    "longest of two bytes": "é" * 512,
    "versions": "versions",
    "query of S3": "?uploads",
    "newline": "a\nb\r\nc\td",
    "control": "a\x01b\x7fc",
    "not a character": "a\ufffeb\uffff",
}


@pytest.mark.parametrize("name", ODD_KEYS)
async def test_odd_keys(bucket: S3.AsyncBucket, name: str) -> None:
    """Every key that S3 can hold comes back from put, get, head and list as it was, and can be deleted."""
    key = ODD_KEYS[name]
    await bucket.put("neighbour", "stays")
    assert (await bucket.put(key, name)).key == key
    assert (await bucket.get(key)).data == name.encode()
    assert (await bucket.head(key)).key == key
    assert sorted(await listed(bucket)) == sorted([key, "neighbour"])
    assert await listed(bucket, prefix=key) == [key]
    assert await listed(bucket, start_after=min(key, "neighbour", key=str.encode)) == [
        max(key, "neighbour", key=str.encode)
    ]
    await bucket.delete(key)
    assert not await bucket.exists(key)
    assert await listed(bucket) == ["neighbour"]


@pytest.mark.parametrize("name", ODD_KEYS)
async def test_deleting_odd_keys_together(bucket: S3.AsyncBucket, name: str) -> None:
    """delete_many deletes just the keys it was given, however odd one of them is."""
    key = ODD_KEYS[name]
    await bucket.put("neighbour", "stays")
    await bucket.put("other", "goes")
    await bucket.put(key, name)
    results = await collected(bucket.delete_many([key, "other"]))
    assert {result.key: result.error for result in results} == {key: None, "other": None}
    assert await listed(bucket) == ["neighbour"]


async def test_twins(bucket: S3.AsyncBucket) -> None:
    """Keys that look alike, composed and decomposed, are two objects."""
    await bucket.put(ODD_KEYS["composed"], "1")
    await bucket.put(ODD_KEYS["decomposed"], "2")
    assert (await bucket.get(ODD_KEYS["composed"])).data == b"1"
    assert len(await listed(bucket)) == 2


REFUSED_KEYS: dict[str, Any] = {
    "empty": "",
    "too long": "k" * 1_025,
    "too long in UTF-8": "é" * 513,
    "surrogate": "\ud800",
    "dot": ".",
    "dots": "..",
    "path out": "a/../b",
    "path here": "a/./b",
    "None": None,
    "bytes": b"key",
    "int": 1,
}


@pytest.mark.parametrize("name", REFUSED_KEYS)
async def test_refused_keys(unreachable: S3.AsyncBucket, name: str, tmp_path: Any) -> None:
    """A key that S3 can't hold, or that a proxy may change, is refused by every call, and nothing is sent."""
    key = REFUSED_KEYS[name]
    calls: list[Any] = [
        lambda: unreachable.get(key),
        lambda: unreachable.head(key),
        lambda: unreachable.exists(key),
        lambda: unreachable.put(key, b""),
        lambda: unreachable.put_json(key, 1),
        lambda: unreachable.get_json(key),
        lambda: unreachable.delete(key),
        lambda: unreachable.upload_file(tmp_path / "data", key),
        lambda: unreachable.download_file(key, tmp_path / "data"),
        lambda: entered(unreachable.open_reader(key)),
        lambda: entered(unreachable.open_writer(key)),
    ]
    for call in calls:
        with pytest.raises(S3.InvalidInput) as raised:
            await call()
        assert raised.value.argument == "key"
        assert isinstance(raised.value, ValueError)


async def entered(manager: Any) -> None:
    """Enter a context manager and leave it."""
    async with manager:
        pass


async def test_refused_keys_of_many(bucket: S3.AsyncBucket) -> None:
    """Among many, a refused key is an outcome like any other, and the others are done."""

    async def keys() -> AsyncIterator[Any]:
        for key in [*REFUSED_KEYS.values(), "good"]:
            yield key

    await bucket.put("good", "data")
    results = await collected(bucket.delete_many(keys()))
    assert [result.ok for result in sorted(results, key=lambda result: result.index)] == [False] * len(REFUSED_KEYS) + [
        True
    ]
    assert all(isinstance(result.error, S3.InvalidInput) for result in results if not result.ok)
    assert await listed(bucket) == []
