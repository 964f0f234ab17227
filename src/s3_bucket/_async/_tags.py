"""The tags of an object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_bucket._async import _shapes
from s3_bucket._async._errors import Target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_bucket._async._retry import RetryingStore
    from s3_bucket._store import GetRequest


async def get(store: RetryingStore, request: GetRequest) -> dict[str, str]:
    """Return the tags."""
    parameters = _shapes.tagging_parameters(request.key, request.version_id)
    answer = await store.call(request.bucket, "GetObjectTagging", parameters)
    # Of an object that has none, Ceph 16 says nothing at all, and so does what is no answer of S3's: HEAD counts them.
    count = None if "TagSet" in answer else (await store.head(request._replace(checksums=False))).tag_count
    return _shapes.tag_set(Target("GetObjectTagging", request.bucket, request.key), answer, count)


async def put(store: RetryingStore, request: GetRequest, tags: Mapping[str, str]) -> None:
    """Replace all tags by these."""
    operation = "PutObjectTagging" if tags else "DeleteObjectTagging"
    await store.call(
        request.bucket, operation, _shapes.tagging_parameters(request.key, request.version_id, tags or None)
    )
