"""Sweeping: what is older goes, page by page, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from s3_bucket._async import _sweep
from s3_bucket._models import UploadInfo
from s3_bucket._store import UploadsPage
from s3_bucket.exceptions import BucketAccessDenied
from tests.unit.memory import BUCKET, MemoryStore, is_idle

if TYPE_CHECKING:
    from s3_bucket._async._retry import RetryingStore

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def begun(seconds: float, number: int, key: str = "key") -> UploadInfo:
    """Return an upload that began so many seconds ago."""
    return UploadInfo(key, f"id-{number}", NOW - timedelta(seconds=seconds))


@pytest.fixture
def pages(memory: MemoryStore) -> list[list[UploadInfo]]:
    """Put uploads of several ages onto two pages."""
    pages = [[begun(100, 0), begun(10, 1), begun(9.9, 2)], [begun(10.1, 3, "other"), begun(-5, 4), begun(99, 5)]]
    memory.listed = [UploadsPage(pages[0], NOW, ("1", "")), UploadsPage(pages[1], NOW, None)]
    memory.uploads = {upload.upload_id: {} for page in pages for upload in page}
    return pages


async def test_the_older_ones(memory: MemoryStore, store: RetryingStore, pages: list[list[UploadInfo]]) -> None:
    """Those older than the limit are aborted and returned, on every page; the younger ones go on."""
    swept = await _sweep.abort_stale_uploads(store, BUCKET, 10.0, "")
    assert {upload.upload_id for upload in swept} == {"id-0", "id-3", "id-5"}
    assert memory.uploads.keys() == {"id-1", "id-2", "id-4"}
    assert is_idle(store)


async def test_a_prefix(memory: MemoryStore, store: RetryingStore, pages: list[list[UploadInfo]]) -> None:
    """Only keys that begin so are looked at."""
    swept = await _sweep.abort_stale_uploads(store, BUCKET, 10.0, "oth")
    assert [upload.upload_id for upload in swept] == ["id-3"]


async def test_completed_meanwhile(memory: MemoryStore, store: RetryingStore, pages: list[list[UploadInfo]]) -> None:
    """One that has ended meanwhile is no error, and not counted."""
    del memory.uploads["id-0"]
    swept = await _sweep.abort_stale_uploads(store, BUCKET, 10.0, "")
    assert {upload.upload_id for upload in swept} == {"id-3", "id-5"}


async def test_a_failure(memory: MemoryStore, store: RetryingStore, pages: list[list[UploadInfo]]) -> None:
    """One that can't be aborted is told."""
    memory.fail("abort_upload", BucketAccessDenied("no"))
    with pytest.raises(BucketAccessDenied):
        await _sweep.abort_stale_uploads(store, BUCKET, 10.0, "")
    assert is_idle(store)
