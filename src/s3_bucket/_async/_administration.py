"""The bucket itself: making one, and any operation that has no method of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_bucket.exceptions import BucketAlreadyExists, NoSuchBucket

if TYPE_CHECKING:
    from s3_bucket._async._retry import RetryingStore


async def create(store: RetryingStore, bucket: str, *, exist_ok: bool) -> None:
    """Make the bucket; one that is there already and is ours is no error if `exist_ok`."""
    try:
        await store.create_bucket(bucket)
    except BucketAlreadyExists as error:
        if error.answer_lost and error.error_code == "BucketAlreadyOwnedByYou":
            return  # by this call: its first answer was lost
        if not exist_ok:
            raise
        if error.error_code != "BucketAlreadyOwnedByYou":
            await store.head_bucket(bucket)  # raises BucketAccessDenied if it is somebody else's


async def delete(store: RetryingStore, bucket: str) -> None:
    """Delete the bucket."""
    try:
        await store.call(bucket, "DeleteBucket", {})
    except NoSuchBucket as error:
        if not error.answer_lost:  # otherwise this call has deleted it: its first answer was lost
            raise
