"""What operations answer that are sent by their names: versions, markers, tags."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from s3_bucket._async import _listing, _shapes
from s3_bucket._async._errors import Target
from s3_bucket._models import ObjectInfo, Prefix
from s3_bucket._store import ListRequest, Page
from s3_bucket.exceptions import BucketException, IntegrityError
from tests.unit.memory import BUCKET, MemoryStore, opener, retrying

TARGET = Target("ListObjectVersions", BUCKET)
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


def version(key: str, version_id: str, minutes: float = 0, *, latest: bool = False) -> dict[str, Any]:
    """Return an entry for a version."""
    modified = NOON + timedelta(minutes=minutes)
    return {
        "Key": key, "VersionId": version_id, "IsLatest": latest, "Size": 1, "ETag": '"e"', "LastModified": modified,
    }  # fmt: skip


def page(*versions: dict[str, Any], markers: tuple[dict[str, Any], ...] = (), **more: Any) -> dict[str, Any]:
    """Return an answer."""
    return {"IsTruncated": False, "Versions": list(versions), "DeleteMarkers": list(markers), **more}


def test_versions_in_order() -> None:
    """Versions and markers become one order: by key, the latest first, then by age, and neither list is sorted anew."""
    answer = page(
        version("a", "4", 4, latest=True),
        version("a", "2", 2),
        version("a", "begun before", 3),
        version("b", "6", 6),
        markers=(version("a", "3", 2.5), version("b", "7", 5, latest=True), version("ä", "8", latest=True)),
    )
    versions, following = _shapes.versions_page(TARGET, answer, None)
    found = [(entry.key, entry.version_id) for entry in versions]
    assert found == [
        ("a", "4"), ("a", "3"), ("a", "2"), ("a", "begun before"), ("b", "7"), ("b", "6"), ("ä", "8")
    ]  # fmt: skip
    assert following is None


def test_times_of_versions() -> None:
    """Times are in UTC; one that is missing is None."""
    local = version("a", "1", latest=True) | {"LastModified": NOON.astimezone(timezone(timedelta(hours=2)))}
    without = version("b", "2", latest=True)
    del without["LastModified"]
    versions, _ = _shapes.versions_page(TARGET, page(local, markers=(without,)), None)
    assert [entry.last_modified for entry in versions] == [NOON, None]
    assert str(versions[0].last_modified) == "2030-01-01 12:00:00+00:00"


@pytest.mark.parametrize(
    ("more", "following"),
    [
        ({"NextKeyMarker": "b", "NextVersionIdMarker": "2"}, ("b+c", "2")),
        ({"NextKeyMarker": "b"}, ("b+c", "")),
        ({"NextKeyMarker": "z", "NextVersionIdMarker": "9"}, ("z", "9")),
        ({"NextKeyMarker": "b", "NextVersionIdMarker": "1"}, ("a", "1")),
    ],
)
def test_what_follows(more: dict[str, str], following: tuple[str, str]) -> None:
    """The next page is asked for by the last entry, where the marker names it."""
    answer = page(version("a", "1"), version("b+c", "2"), **more) | {"IsTruncated": True}
    assert _shapes.versions_page(TARGET, answer, None)[1] == following
    with pytest.raises(IntegrityError, match="breaks off"):
        _shapes.versions_page(TARGET, answer, following)


def test_parameters() -> None:
    """Markers are sent as they came; an empty one isn't."""
    assert _shapes.versions_parameters("p", None) == {"Prefix": "p"}
    assert _shapes.versions_parameters("p", ("k", "")) == {"Prefix": "p", "KeyMarker": "k"}
    assert _shapes.versions_parameters("p", ("k", "v"))["VersionIdMarker"] == "v"
    assert _shapes.tagging_parameters("k", "v", {"a": "b"}) == {
        "Key": "k", "VersionId": "v", "Tagging": {"TagSet": [{"Key": "a", "Value": "b"}]},
    }  # fmt: skip


def test_nowhere_to_go_on() -> None:
    """A page that is not the last, but doesn't say what follows, is broken off."""
    with pytest.raises(IntegrityError, match="breaks off"):
        _shapes.versions_page(TARGET, page(version("a", "1")) | {"IsTruncated": True}, None)


@pytest.mark.parametrize("name", ["Key", "VersionId", "IsLatest", "Size", "ETag"])
def test_what_is_missing(name: str) -> None:
    """An entry without what S3 always says is no version."""
    entry = version("a", "1")
    del entry[name]
    with pytest.raises(BucketException, match=name):
        _shapes.versions_page(TARGET, page(entry), None)
    with pytest.raises(BucketException, match="IsTruncated"):
        _shapes.versions_page(TARGET, {}, None)


def test_tags() -> None:
    """Tags become a dict; a tag without a value is none."""
    target = Target("GetObjectTagging", BUCKET, "key")
    assert _shapes.tag_set(target, {"TagSet": [{"Key": "a", "Value": "b"}]}) == {"a": "b"}
    assert _shapes.tag_set(target, {}) == {}
    assert _shapes.tag_set(target, {}, 0) == _shapes.tag_set(target, {"TagSet": []}, 1) == {}
    with pytest.raises(BucketException, match="no TagSet"):
        _shapes.tag_set(target, {}, 1)
    with pytest.raises(BucketException):
        _shapes.tag_set(target, {"TagSet": [{"Key": "a"}]})


async def test_versions_in_circles() -> None:
    """A server that sends from page to page in circles is found out."""

    class Circling(MemoryStore):
        async def call(self, bucket: str, operation: str, parameters: Any) -> dict[str, Any]:
            key = {None: "a", "a": "b", "b": "c", "c": "a"}[parameters.get("KeyMarker")]
            return page(version(key, "1")) | {"IsTruncated": True, "NextKeyMarker": key, "NextVersionIdMarker": "1"}

    pages = _listing.version_pages(opener(retrying(Circling())), BUCKET, "")
    assert [(await anext(pages))[0].key for _ in range(4)] == ["a", "b", "c", "a"]
    with pytest.raises(IntegrityError, match="circles"):
        await anext(pages)


async def test_empty_pages() -> None:
    """Pages that hold nothing are passed over, of versions and of directories."""
    answers = [page() | {"IsTruncated": True, "NextKeyMarker": "a"}, page(version("b", "1"))]

    class Empty(MemoryStore):
        async def call(self, bucket: str, operation: str, parameters: Any) -> dict[str, Any]:
            return answers.pop(0)

        async def list_page(self, request: Any, token: str | None, max_keys: int) -> Page:
            return Page([], "next") if token is None else Page([ObjectInfo("b", 1, "e")], None, ["a/"])

    store = opener(retrying(Empty()))
    assert [len(batch) async for batch in _listing.version_pages(store, BUCKET, "")] == [1]
    [batch] = [batch async for batch in _listing.dir_pages(store, ListRequest(BUCKET, delimiter="/"))]
    assert batch == [Prefix("a/"), ObjectInfo("b", 1, "e")]
