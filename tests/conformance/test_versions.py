"""Directories, versions, delete markers and tags."""

from __future__ import annotations

from typing import Any

import pytest

import s3_bucket as S3
from s3_bucket import _plan
from tests.conformance.conftest import collected

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEYS = ["a", "b/1", "b/2", "b/c/1", "b0", "ä/1", "\U0001f600/1", "\uff5e", "z+ %/1"]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have listings come in pages of two."""
    monkeypatch.setattr(_plan, "MAX_PAGE_KEYS", 2)


async def listed(bucket: S3.AsyncBucket, *arguments: str) -> list[str]:
    """Return one level of the bucket, prefixes in angle brackets."""
    entries: list[Any] = await collected(bucket.list_dir(*arguments))
    return [f"<{entry.prefix}>" if isinstance(entry, S3.Prefix) else entry.key for entry in entries]


async def test_directories(bucket: S3.AsyncBucket, small_pages: None) -> None:
    """Each level gives its own keys, and what lies deeper once, in the order of their bytes, over many pages."""
    S3.raise_failed(await collected(bucket.put_many((key, b"data") for key in KEYS)))
    assert await listed(bucket) == ["a", "<b/>", "b0", "<z+ %/>", "<ä/>", "\uff5e", "<\U0001f600/>"]
    assert await listed(bucket, "b") == ["<b/>", "b0"]
    assert await listed(bucket, "b/") == ["b/1", "b/2", "<b/c/>"]
    assert await listed(bucket, "z+ %/") == ["z+ %/1"]
    assert await listed(bucket, "nothing/") == []
    assert await listed(bucket, "", "0") == [
        "a",
        "b/1",
        "b/2",
        "b/c/1",
        "<b0>",
        "z+ %/1",
        "ä/1",
        "\uff5e",
        "\U0001f600/1",
    ]


async def test_what_directories_hold(bucket: S3.AsyncBucket) -> None:
    """An object in a directory is told as list() tells it; a key that ends as a directory is one of its own objects."""
    put = await bucket.put("dir/", b"")
    await bucket.put("dir/file", b"data")
    [own, file] = await collected(bucket.list_dir("dir/"))
    assert (own.key, own.etag, file.key, file.size) == ("dir/", put.etag, "dir/file", 4)
    assert [file] == await collected(bucket.list("dir/f"))
    assert await collected(bucket.list_dir()) == [S3.Prefix("dir/")]


async def test_refused_listings(unreachable: S3.AsyncBucket) -> None:
    """What can't be listed is refused by name."""
    calls: list[tuple[Any, str]] = [
        (lambda: unreachable.list_dir("", ""), "delimiter"),
        (lambda: unreachable.list_dir("", None), "delimiter"),  # type: ignore[arg-type]
        (lambda: unreachable.list_dir(b""), "prefix"),  # type: ignore[arg-type]
        (lambda: unreachable.list_versions("\ud800"), "prefix"),
    ]
    for call, argument in calls:
        with pytest.raises(S3.InvalidInput) as raised:
            call()
        assert raised.value.argument == argument


async def test_missing_buckets(absent: S3.AsyncBucket) -> None:
    """Of a missing bucket nothing is listed, and no object has tags."""
    for call in (lambda: collected(absent.list_dir()), lambda: collected(absent.list_versions())):
        with pytest.raises(S3.NoSuchBucket):
            await call()
    with pytest.raises(S3.NoSuchBucket):
        await absent.tags("key")


async def test_no_versions(bucket: S3.AsyncBucket) -> None:
    """In a bucket without versioning, each object has one version, "null", by which it can be read and deleted."""
    put = await bucket.put("key", "data")
    [version] = await collected(bucket.list_versions())
    assert (version.key, version.size, version.etag) == ("key", 4, put.etag)
    assert (version.is_latest, version.is_delete_marker, version.version_id) == (True, False, "null")
    assert version.last_modified is not None
    assert version.last_modified.tzinfo is not None
    await bucket.delete("key", version_id=version.version_id)
    assert await collected(bucket.list_versions()) == []


async def test_versions_by_pages(versioned: S3.AsyncBucket, small_pages: None) -> None:
    """Every version and delete marker is listed once, key by key, the latest first, over as many pages as there are."""
    stored: dict[str, list[str | None]] = {}
    for key in ("b", "a/1", "ä", "a+ %"):
        stored[key] = [(await versioned.put(key, body)).version_id for body in ("one", "two", "three")]
    await versioned.delete("b")
    versions = await collected(versioned.list_versions())
    found: dict[str, list[Any]] = {}
    for version in versions:
        found.setdefault(version.key, []).append(version)
    assert list(found) == ["a+ %", "a/1", "b", "ä"]
    for key, of_key in found.items():
        assert [version.is_latest for version in of_key] == [True] + [False] * (len(of_key) - 1)
        objects = [version.version_id for version in of_key if not version.is_delete_marker]
        assert sorted(objects) == sorted(map(str, stored[key]))
    marker = found["b"][0]
    assert (marker.is_delete_marker, marker.size, marker.etag, marker.storage_class) == (True, 0, "", None)
    assert [version.key for version in await collected(versioned.list_versions("a"))] == ["a+ %"] * 3 + ["a/1"] * 3


async def test_one_version(versioned: S3.AsyncBucket) -> None:
    """A version is read, looked at and deleted for good by its id, and the one before it is there again."""
    first, second = [await versioned.put("key", body) for body in ("first", "second")]
    assert (await versioned.get("key", version_id=first.version_id)).data == b"first"
    assert (await versioned.head("key", version_id=second.version_id)).etag == second.etag
    await versioned.delete("key", version_id=second.version_id)
    assert (await versioned.get("key")).data == b"first"
    with pytest.raises(S3.NoSuchKey):
        await versioned.get("key", version_id=second.version_id)
    assert [version.version_id for version in await collected(versioned.list_versions())] == [first.version_id]


async def test_delete_markers(versioned: S3.AsyncBucket) -> None:
    """A delete marker can't be read, by its id neither; to delete it brings the object back."""
    await versioned.put("key", "data")
    await versioned.delete("key")
    marker = (await collected(versioned.list_versions()))[0]
    assert marker.is_delete_marker
    for call in (versioned.get, versioned.head):
        with pytest.raises(S3.NoSuchKey):
            await call("key")
        with pytest.raises(S3.NoSuchKey):
            await call("key", version_id=marker.version_id)
    assert not await versioned.exists("key", version_id=marker.version_id)
    await versioned.delete("key", version_id=marker.version_id)
    assert (await versioned.get("key")).data == b"data"


async def test_set_tags(bucket: S3.AsyncBucket) -> None:
    """Tags are replaced as a whole, and an empty mapping removes all; the object stays as it was."""
    await bucket.put("key", "data", metadata={"a": "b"})
    assert await bucket.tags("key") == {}
    await bucket.set_tags("key", {"plain": "value", "with space": "a+b=c/é @_.:-", "empty": ""})
    assert await bucket.tags("key") == {"plain": "value", "with space": "a+b=c/é @_.:-", "empty": ""}
    await bucket.set_tags("key", {"other": "1"})
    assert await bucket.tags("key") == {"other": "1"}
    assert (await bucket.head("key")).metadata == {"a": "b"}
    await bucket.set_tags("key", {})
    await bucket.set_tags("key", {})
    assert await bucket.tags("key") == {}


async def test_tags_of_a_version(versioned: S3.AsyncBucket) -> None:
    """Each version has tags of its own."""
    first, _ = [await versioned.put("key", body, tags={"is": body}) for body in ("first", "second")]
    await versioned.set_tags("key", {"is": "changed"}, version_id=first.version_id)
    assert await versioned.tags("key", version_id=first.version_id) == {"is": "changed"}
    assert await versioned.tags("key") == {"is": "second"}


async def test_counted_tags(bucket: S3.AsyncBucket) -> None:
    """head() and get() say how many tags there are."""
    await bucket.put("key", "data", tags={"a": "1", "b": "2"})
    assert (await bucket.head("key")).tag_count == (await bucket.get("key")).info.tag_count == 2


async def test_refused_tags(bucket: S3.AsyncBucket, unreachable: S3.AsyncBucket) -> None:
    """Tags that can't be right are refused by name, and those of a missing object say what is missing."""
    for wrong in ({"": "no name"}, {str(number): "" for number in range(11)}, {"a": 1}, [("a", "b")], None):
        with pytest.raises(S3.InvalidInput) as raised:
            await unreachable.set_tags("key", wrong)  # type: ignore[arg-type]
        assert raised.value.argument == "tags"
    for call in (lambda: bucket.tags("missing"), lambda: bucket.set_tags("missing", {"a": "b"})):
        with pytest.raises(S3.NoSuchKey):
            await call()
