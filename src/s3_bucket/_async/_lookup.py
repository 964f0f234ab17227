"""Whether something is there. HEAD's answers have no body, so what is missing takes a second question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_bucket._async._errors import ELSEWHERE
from s3_bucket.exceptions import BucketException, NoSuchBucket, NoSuchKey

if TYPE_CHECKING:
    from s3_bucket._async._retry import RetryingStore
    from s3_bucket._models import ObjectInfo
    from s3_bucket._store import GetRequest


async def head(store: RetryingStore, request: GetRequest) -> ObjectInfo:
    """Return the object; of a missing one, say whether the bucket is what's missing."""
    try:
        return await store.head(request)
    except NoSuchKey as error:
        try:
            await store.head_bucket(request.bucket)
        except NoSuchBucket as missing:
            missing.key = request.key
            raise missing from error
        except BucketException:  # it can't be known; what is known is that the object isn't there
            raise error from error.__cause__
        raise


async def exists(store: RetryingStore, request: GetRequest) -> bool:
    """Return whether the object is there."""
    try:
        await head(store, request)
    except NoSuchKey:
        return False
    return True


async def bucket_exists(store: RetryingStore, bucket: str) -> bool:
    """Return whether the bucket is there."""
    try:
        await store.head_bucket(bucket)
    except NoSuchBucket:
        return False
    except BucketException as error:
        if error.error_code != ELSEWHERE:
            raise
    return True
