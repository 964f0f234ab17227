"""Conditions where they may not be kept: by vendors that overlook them in CompleteMultipartUpload and DeleteObject.

Where that is known, they are refused before anything is sent (_vendors.refuse_condition). Where it isn't known, HEAD is
asked first, and a condition that can be seen not to hold fails here. That is less than Amazon promises: between the two
requests somebody else may write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_bucket import _vendors
from s3_bucket._async import _errors
from s3_bucket._async._errors import Refusal, Target
from s3_bucket._encryption import customer_of
from s3_bucket._store import GetRequest
from s3_bucket.exceptions import BucketException, NoSuchKey, PreconditionFailed

if TYPE_CHECKING:
    from s3_bucket._async._retry import RetryingStore
    from s3_bucket._store import PutOptions


def refuse(store: RetryingStore, operation: str, bucket: str, key: str, options: PutOptions) -> None:
    """Raise InvalidInput if there is a condition that the vendor is known not to keep."""
    _vendors.refuse_condition(
        store.vendor, operation, bucket, key, if_absent=options.if_absent, if_match=options.if_match
    )


async def look(store: RetryingStore, operation: str, request: GetRequest, *, if_absent: bool = False) -> None:
    """Raise if the vendor may overlook the condition, and it doesn't hold now."""
    claim = _vendors.claim_of(store.vendor, operation, if_absent=if_absent)
    if claim.value != "unknown" or not (if_absent or request.if_match):
        return
    target = Target(operation, request.bucket, request.key, if_absent)
    failed = _errors.from_refusal(target, Refusal(412, "PreconditionFailed", "as HeadObject tells"))
    try:
        await store.head(request)
    except PreconditionFailed as error:
        raise failed from error
    except NoSuchKey:
        if operation == "DeleteObject" or if_absent:
            return
        raise
    except BucketException:  # it may not be allowed to ask; the server decides
        return
    if if_absent:
        raise failed


async def complete(store: RetryingStore, bucket: str, key: str, options: PutOptions) -> None:
    """Raise if the object can be seen not to be what CompleteMultipartUpload is to find."""
    request = GetRequest(bucket, key, if_match=options.if_match, customer=customer_of(options.headers))
    await look(store, "CompleteMultipartUpload", request, if_absent=options.if_absent)


async def delete(store: RetryingStore, request: GetRequest) -> None:
    """Delete an object, under the request's condition."""
    bucket, key = request.bucket, request.key
    _vendors.refuse_condition(store.vendor, "DeleteObject", bucket, key, if_match=request.if_match)
    await look(store, "DeleteObject", request)
    await store.delete(request)
