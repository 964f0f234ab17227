"""Listings, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_bucket import _plan
from s3_bucket.exceptions import IntegrityError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from s3_bucket._async._retry import RetryingStore
    from s3_bucket._models import ObjectInfo
    from s3_bucket._store import ListRequest


async def pages(
    open_store: Callable[[], Awaitable[RetryingStore]], request: ListRequest
) -> AsyncGenerator[list[ObjectInfo], None]:
    """Yield the objects of each page, until there are no more or `limit` is reached."""
    left = request.limit
    token = None
    seen: set[str] = set()
    while left is None or left > 0:
        asked = _plan.MAX_PAGE_KEYS if left is None else min(left, _plan.MAX_PAGE_KEYS)
        page = await (await open_store()).list_page(request, token, asked)
        taken = list(page.objects[:left])
        left = None if left is None else left - len(taken)
        token = page.token
        if taken:
            yield taken
        if token is None:
            break
        if token in seen:
            msg = (
                f"the listing of the bucket {request.bucket!r} goes round in circles: a page that was there comes again"
            )
            raise IntegrityError(msg, bucket=request.bucket, operation="ListObjectsV2")
        seen.add(token)
