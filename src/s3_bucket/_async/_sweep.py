"""Sweeping up what processes that were killed have left: multipart uploads that nobody will complete."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from s3_bucket._async import _lost, _shield
from s3_bucket._store import Upload

if TYPE_CHECKING:
    from s3_bucket._async._retry import RetryingStore
    from s3_bucket._models import UploadInfo


async def abort_stale_uploads(store: RetryingStore, bucket: str, older_than: float, prefix: str) -> list[UploadInfo]:
    """Abort the uploads that began more than so many seconds ago; return them."""
    swept: list[UploadInfo] = []

    async def abort(upload: UploadInfo) -> None:
        # One that was completed meanwhile is none of ours to count.
        if await _lost.aborted(store, Upload(bucket, upload.key, upload.upload_id)):
            swept.append(upload)

    after = None
    while True:
        page = await store.list_uploads(bucket, prefix, after)
        stale = [upload for upload in page.uploads if page.now - upload.initiated > timedelta(seconds=older_than)]
        await _shield.in_parallel(stale, min(store.max_concurrency, len(stale)), abort)
        after = page.after
        if after is None:
            return swept
