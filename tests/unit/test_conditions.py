"""Conditions that a vendor may overlook are looked at before; those that it is known to overlook are refused."""

from __future__ import annotations

import pytest

from s3_bucket import _vendors
from s3_bucket._async import _conditions, _upload
from s3_bucket._async._retry import RetryingStore
from s3_bucket._async._sources import source_of
from s3_bucket._async.writer import open_writer
from s3_bucket._config import Settings
from s3_bucket._store import GetRequest, PutOptions
from s3_bucket.exceptions import BucketAccessDenied, InvalidInput, KeyAlreadyExists, NoSuchKey, PreconditionFailed
from tests.unit.memory import BUCKET, MemoryStore, is_idle, opener

ABSENT = PutOptions(if_absent=True)
DATA = bytes(25)


def known(memory: MemoryStore, vendor: _vendors.Vendor) -> RetryingStore:
    """Return a store of that vendor's, with parts of ten bytes."""
    return RetryingStore(memory, Settings(part_size=10, max_concurrency=3, max_attempts=3), vendor)


def etag(memory: MemoryStore, key: str) -> str:
    """Return the object's etag."""
    return memory._info(GetRequest(BUCKET, key)).etag


async def test_create_only_of_parts(memory: MemoryStore, store: RetryingStore) -> None:
    """An upload in parts that finds an object is aborted, and never completed, where the vendor is unknown."""
    memory.objects["key"] = b"old"
    with pytest.raises(KeyAlreadyExists, match="already; nothing was changed") as caught:
        await _upload.upload(store, BUCKET, "key", source_of(DATA), ABSENT)
    assert (caught.value.operation, caught.value.status) == ("CompleteMultipartUpload", 412)
    assert memory.objects == {"key": b"old"}
    assert memory.uploads == {}
    assert memory.count("complete_upload") == 0
    assert is_idle(store)


async def test_replace_only_by_parts(memory: MemoryStore, store: RetryingStore) -> None:
    """One whose object has another etag fails; one whose object is as wanted goes on."""
    memory.objects["key"] = b"old"
    options = PutOptions(if_match=etag(memory, "key"))
    await _upload.upload(store, BUCKET, "key", source_of(DATA), options)
    assert memory.objects["key"] == DATA
    with pytest.raises(PreconditionFailed) as caught:
        await _upload.upload(store, BUCKET, "key", source_of(DATA + b"!"), options)
    assert not isinstance(caught.value, KeyAlreadyExists)
    assert memory.objects["key"] == DATA


async def test_replace_nothing(store: RetryingStore, memory: MemoryStore) -> None:
    """One that is to replace what isn't there fails."""
    with pytest.raises(NoSuchKey):
        await _upload.upload(store, BUCKET, "key", source_of(DATA), PutOptions(if_match="etag"))
    assert memory.objects == {}


async def test_who_may_not_ask(memory: MemoryStore, store: RetryingStore) -> None:
    """Where HEAD is not allowed, the server decides."""
    memory.fail("head", BucketAccessDenied("no"))
    await _upload.upload(store, BUCKET, "key", source_of(DATA), ABSENT)
    assert memory.objects["key"] == DATA


@pytest.mark.parametrize("vendor", [_vendors.AWS, _vendors.R2], ids=lambda vendor: vendor.name)
async def test_who_keeps_them(memory: MemoryStore, vendor: _vendors.Vendor) -> None:
    """Of a vendor that keeps its conditions nothing is asked before."""
    await _upload.upload(known(memory, vendor), BUCKET, "key", source_of(DATA), ABSENT)
    assert memory.count("head") == 0


async def test_refused_before_it_begins(memory: MemoryStore) -> None:
    """What the vendor would overlook is refused before anything is sent, whole or in parts, of any length."""
    for vendor, data in ((_vendors.CEPH, DATA), (_vendors.GCS, DATA), (_vendors.GCS, b"short")):
        store = known(memory, vendor)
        with pytest.raises(InvalidInput, match=r"^if_absent: "):
            await _upload.upload(store, BUCKET, "key", source_of(iter([data])), ABSENT)
        with pytest.raises(InvalidInput, match=r"^if_match: "):
            await _upload.upload(store, BUCKET, "key", source_of(data), PutOptions(if_match="etag"))
        assert is_idle(store)
    assert memory.calls == []
    await _upload.upload(known(memory, _vendors.CEPH), BUCKET, "key", source_of(b"short"), ABSENT)
    assert memory.objects["key"] == b"short"


async def test_delete(memory: MemoryStore, store: RetryingStore) -> None:
    """A conditional delete of an unknown vendor's looks first; a delete without a condition doesn't."""
    memory.objects["key"] = b"data"
    request = GetRequest(BUCKET, "key", if_match="another")
    with pytest.raises(PreconditionFailed) as caught:
        await _conditions.delete(store, request)
    assert caught.value.operation == "DeleteObject"
    assert memory.calls == ["head"]
    await _conditions.delete(store, request._replace(if_match=etag(memory, "key")))
    assert memory.calls == ["head", "head", "delete"]
    await _conditions.delete(store, request)  # it isn't there: what that means, the server says
    assert memory.calls[-2:] == ["head", "delete"]
    await _conditions.delete(store, GetRequest(BUCKET, "key"))
    assert memory.calls[-2:] == ["delete", "delete"]


async def test_delete_refused(memory: MemoryStore) -> None:
    """Where the vendor is known to delete all the same, nothing is sent."""
    with pytest.raises(InvalidInput, match=r"^if_match: .* DeleteObject"):
        await _conditions.delete(known(memory, _vendors.CEPH), GetRequest(BUCKET, "key", if_match="etag"))
    assert memory.calls == []


@pytest.mark.parametrize(("vendor", "sizes"), [(_vendors.R2, {10}), (_vendors.AWS, {10, 20})])
async def test_equal_parts(
    memory: MemoryStore, vendor: _vendors.Vendor, sizes: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parts of a stream grow, unless the vendor wants them equal."""
    monkeypatch.setattr("s3_bucket._plan.EQUAL_STREAM_PARTS", 2)
    store, sent = known(memory, vendor), set[int]()
    whole = memory.upload_part

    async def upload_part(*arguments: object) -> object:
        sent.add(len(arguments[2]))  # type: ignore[arg-type]  # the part's bytes
        return await whole(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(memory, "upload_part", upload_part)
    await _upload.upload(store, BUCKET, "stream", source_of(iter([bytes(60)])), PutOptions())
    async with open_writer(opener(store), BUCKET, "written", PutOptions()) as writer:
        await writer.write(bytes(60))
    assert sent == sizes
    assert memory.objects["stream"] == memory.objects["written"] == bytes(60)
