"""Copying and moving: of any size, with what goes with an object, and never of two versions at once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

import s3_bucket as S3
from s3_bucket import _plan
from tests.conformance.conftest import PART

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.conftest import OpenBucket

pytestmark = pytest.mark.asyncio(loop_scope="session")

OPTIONS: dict[str, Any] = {
    "content_type": "text/x-odd; charset=utf-8",
    "cache_control": "max-age=60, private",
    "content_disposition": 'attachment; filename="a b.txt"',
    "content_encoding": "gzip",
    "content_language": "de, en",
    "storage_class": "STANDARD_IA",
}
EXPIRES = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
METADATA = {"owner": "me", "empty": ""}
TAGS = {"with space": "a+b=c/é", "empty": ""}


@pytest.fixture(params=["whole", "in parts"])
def however(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have objects copied by CopyObject, or in parts, as those are that are longer than 5 GiB."""
    if request.param == "in parts":
        monkeypatch.setattr(_plan, "MAX_COPY_SIZE", 0)
        monkeypatch.setattr(_plan, "COPY_PART_SIZE", PART)
    return str(request.param)


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have objects copied in parts."""
    monkeypatch.setattr(_plan, "MAX_COPY_SIZE", 0)
    monkeypatch.setattr(_plan, "COPY_PART_SIZE", PART)


def told(info: S3.ObjectInfo) -> dict[str, Any]:
    """Return what an object's headers say."""
    return {name: getattr(info, name) for name in OPTIONS}


@pytest.mark.parametrize("size", [0, 1, PART, 2 * PART + 1])
async def test_what_is_copied(bucket: S3.AsyncBucket, however: str, size: int, data: bytes) -> None:
    """A copy has the source's bytes, metadata and content headers; the source stays; the copy is what head() tells."""
    source = await bucket.put("source", data[:size], metadata=METADATA, expires=EXPIRES, **OPTIONS)
    copy = await bucket.copy("source", "ä copy/of it")
    assert (await bucket.get("ä copy/of it")).data == data[:size] == (await bucket.get("source")).data
    assert told(copy) == told(source) == OPTIONS
    assert (copy.key, copy.size, copy.metadata, copy.expires) == ("ä copy/of it", size, METADATA, source.expires)
    found = await bucket.head("ä copy/of it")
    assert (found.etag, found.last_modified, told(found)) == (copy.etag, copy.last_modified, OPTIONS)


async def test_large(bucket: S3.AsyncBucket, in_parts: None, data: bytes, uploads: Callable[[], Any]) -> None:
    """A copy in parts is one: of as many as are needed, of the source's bytes, and no upload is left."""
    await bucket.put("source", data)
    copy = await bucket.copy("source", "copy")
    assert copy.etag.endswith("-3")
    assert (await bucket.get("copy")).data == data
    assert await uploads() == []


@pytest.mark.parametrize("name", [*OPTIONS, "metadata", "expires"])
async def test_what_is_replaced(bucket: S3.AsyncBucket, however: str, name: str) -> None:
    """What is given replaces the source's; all else is the source's still."""
    given = {
        "storage_class": "STANDARD",
        "metadata": {"other": "one"},
        "expires": datetime(2031, 1, 1, tzinfo=UTC),
    }.get(name, "x/y" if name == "content_type" else "other")
    await bucket.put("source", "data", metadata=METADATA, expires=EXPIRES, **OPTIONS)
    copy = await bucket.copy("source", "copy.txt", **{name: given})  # type: ignore[arg-type]
    expected = OPTIONS | ({name: given} if name in OPTIONS else {})
    assert told(copy) | {"storage_class": copy.storage_class or "STANDARD"} == expected
    assert copy.metadata == (given if name == "metadata" else METADATA)
    assert copy.expires == f"Wed, 0{'1 Jan 2031 00:00:00' if name == 'expires' else '2 Jan 2030 03:04:05'} GMT"


async def test_no_metadata(bucket: S3.AsyncBucket, however: str) -> None:
    """An empty mapping replaces the source's metadata by none; the content type stays."""
    await bucket.put("source", "data", content_type="x/y", metadata=METADATA)
    copy = await bucket.copy("source", "copy", metadata={})
    assert (copy.metadata, copy.content_type) == ({}, "x/y")


async def test_tags_of_a_copy(bucket: S3.AsyncBucket) -> None:
    """A copy has the source's tags, also where its metadata is its own."""
    await bucket.put("source", "data", tags=TAGS)
    await bucket.copy("source", "copy")
    await bucket.copy("source", "with metadata", metadata={"a": "b"})
    assert await bucket.tags("copy") == await bucket.tags("with metadata") == TAGS


async def test_tags_of_a_large_copy(bucket: S3.AsyncBucket, in_parts: None) -> None:
    """A copy in parts has the source's tags, or those that are given."""
    await bucket.put("source", "data", tags=TAGS)
    await bucket.copy("source", "copy")
    await bucket.copy("source", "other", tags={"a": "b"})
    assert (await bucket.tags("copy"), await bucket.tags("other")) == (TAGS, {"a": "b"})


async def test_other_tags(bucket: S3.AsyncBucket) -> None:
    """Tags that are given replace the source's; an empty mapping leaves none."""
    await bucket.put("source", "data", tags=TAGS)
    await bucket.copy("source", "other", tags={"a": "b c"})
    await bucket.copy("source", "none", tags={})
    assert (await bucket.tags("other"), await bucket.tags("none")) == ({"a": "b c"}, {})


async def test_from_another_bucket(bucket: S3.AsyncBucket, open_bucket: OpenBucket, however: str) -> None:
    """The source may be in another bucket."""
    other = open_bucket(f"{bucket.name}-other")
    await other.create()
    await other.put("a+b", "data", metadata=METADATA)
    copy = await bucket.copy("a+b", "copy", source_bucket=other.name)
    assert ((await bucket.get("copy")).data, copy.metadata) == (b"data", METADATA)
    await bucket.move("a+b", "a+b", source_bucket=other.name)
    assert not await other.exists("a+b")
    assert await bucket.exists("a+b")


async def test_of_a_version(versioned: S3.AsyncBucket, however: str) -> None:
    """A version other than the newest can be copied: onto its own key, too, which brings it back."""
    old = await versioned.put("key", "old")
    await versioned.put("key", "new")
    await versioned.copy("key", "copy", source_version_id=old.version_id)
    assert (await versioned.get("copy")).data == b"old"
    await versioned.copy("key", "key", source_version_id=old.version_id)
    assert (await versioned.get("key")).data == b"old"


async def test_onto_itself(bucket: S3.AsyncBucket, however: str) -> None:
    """An object is copied onto itself to change what goes with it: all else stays as it was."""
    await bucket.put("key", "data", metadata=METADATA, expires=EXPIRES, **OPTIONS)
    copy = await bucket.copy("key", "key", content_type="x/y")
    assert told(copy) == OPTIONS | {"content_type": "x/y"}
    copy = await bucket.copy("key", "key", metadata={"a": "b"})
    assert (copy.metadata, copy.content_type, copy.storage_class) == ({"a": "b"}, "x/y", "STANDARD_IA")
    assert (await bucket.get("key")).data == b"data"


async def test_only_tags_onto_itself(bucket: S3.AsyncBucket) -> None:
    """Tags alone are a change, too."""
    await bucket.put("key", "data", metadata=METADATA, tags=TAGS)
    copy = await bucket.copy("key", "key", tags={"a": "b"})
    assert (await bucket.tags("key"), copy.metadata) == ({"a": "b"}, METADATA)


async def test_unchanged_onto_itself(bucket: S3.AsyncBucket, unreachable: S3.AsyncBucket) -> None:
    """What would change nothing, or delete itself, is refused before anything is sent, and says what to do."""
    refused: list[tuple[Any, str]] = [
        (lambda: unreachable.copy("key", "key"), "key"),
        (lambda: unreachable.copy("key", "key", source_bucket=unreachable.name), "key"),
        (lambda: unreachable.copy("key", "key", if_match="etag"), "key"),
        (lambda: unreachable.copy("key", "key", content_type="x/y", if_absent=True), "if_absent"),
        (lambda: unreachable.copy("", "key"), "source_key"),
        (lambda: unreachable.copy("key", ""), "key"),
        (lambda: unreachable.copy("key", "copy", source_bucket="a/b"), "source_bucket"),
        (lambda: unreachable.copy("key", "copy", source_version_id="a\n"), "source_version_id"),
        (lambda: unreachable.copy("key", "copy", metadata={"a": "\n"}), "metadata"),
        (lambda: unreachable.move("key", "key"), "key"),
        (lambda: unreachable.move("key", "key", content_type="x/y"), "key"),
        (lambda: unreachable.move("key", "key", source_bucket=unreachable.name), "key"),
    ]
    for call, argument in refused:
        with pytest.raises(S3.InvalidInput) as raised:
            await call()
        assert raised.value.argument == argument


async def test_nothing_to_copy(bucket: S3.AsyncBucket, absent: S3.AsyncBucket) -> None:
    """A missing source, or bucket, is named, and nothing is stored."""
    with pytest.raises(S3.NoSuchKey) as missing:
        await bucket.copy("missing", "copy")
    assert missing.value.key == "missing"
    with pytest.raises(S3.NoSuchKey):
        await bucket.move("missing", "copy")
    with pytest.raises(S3.NoSuchBucket) as gone:
        await bucket.copy("missing", "copy", source_bucket=absent.name)
    assert gone.value.bucket == absent.name
    await bucket.put("key", "data")
    with pytest.raises(S3.NoSuchBucket):
        await absent.copy("key", "copy", source_bucket=bucket.name)
    assert [info.key async for info in bucket.list()] == ["key"]


@pytest.mark.parametrize("size", [0, 3, PART + 1])
async def test_copy_create_only(bucket: S3.AsyncBucket, size: int, data: bytes, uploads: Callable[[], Any]) -> None:
    """With if_absent, a copy is made once; the second time nothing changes, and no upload is left."""
    await bucket.put("source", data[:size], metadata=METADATA, content_type="x/y")
    copy = await bucket.copy("source", "copy", if_absent=True)
    assert (copy.size, copy.metadata, copy.content_type) == (size, METADATA, "x/y")
    await bucket.put("source", "other")
    with pytest.raises(S3.KeyAlreadyExists):
        await bucket.copy("source", "copy", if_absent=True)
    with pytest.raises(S3.KeyAlreadyExists):
        await bucket.move("source", "copy", if_absent=True)
    assert (await bucket.get("copy")).data == data[:size]
    assert await bucket.exists("source")
    assert await uploads() == []


async def test_copy_replace_only(bucket: S3.AsyncBucket, uploads: Callable[[], Any]) -> None:
    """With if_match, a copy replaces just the object of that etag."""
    old = await bucket.put("copy", "old")
    await bucket.put("source", "new")
    await bucket.copy("source", "copy", if_match=old.etag)
    await bucket.put("source", "newer")
    with pytest.raises(S3.PreconditionFailed):
        await bucket.copy("source", "copy", if_match=old.etag)
    assert (await bucket.get("copy")).data == b"new"
    assert await uploads() == []


async def test_move(bucket: S3.AsyncBucket, however: str, data: bytes) -> None:
    """A moved object is in its new place, as it was, and no longer in the old one."""
    await bucket.put("old", data, metadata=METADATA, **OPTIONS)
    moved = await bucket.move("old", "new", cache_control="no-store")
    assert (await bucket.get("new")).data == data
    assert (told(moved), moved.metadata) == (OPTIONS | {"cache_control": "no-store"}, METADATA)
    assert [info.key async for info in bucket.list()] == ["new"]


async def test_move_a_version(versioned: S3.AsyncBucket) -> None:
    """In a bucket with versioning, what was moved is hidden: the version before it doesn't come back, none is lost."""
    await versioned.put("old", "first")
    await versioned.put("old", "second")
    await versioned.move("old", "new")
    assert (await versioned.get("new")).data == b"second"
    assert not await versioned.exists("old")
    versions = [version async for version in versioned.list_versions("old")]
    assert [version.is_delete_marker for version in versions] == [True, False, False]
