"""Listings, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_bucket import _plan
from s3_bucket._async import _shapes
from s3_bucket._async._errors import Target
from s3_bucket._models import Prefix
from s3_bucket.exceptions import IntegrityError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable

    from s3_bucket._async._retry import RetryingStore
    from s3_bucket._models import ObjectInfo, ObjectVersion
    from s3_bucket._store import ListRequest, Page


class _Seen:
    """What has asked for a page: a listing that comes back to one would never end."""

    def __init__(self, bucket: str, operation: str) -> None:
        self._bucket = bucket
        self._operation = operation
        self._tokens: set[Hashable] = set()

    def once(self, token: Hashable) -> None:
        """Note it; raise if it was there before."""
        if token in self._tokens:
            msg = f"the listing of the bucket {self._bucket!r} goes round in circles: a page that was there comes again"
            raise IntegrityError(msg, bucket=self._bucket, operation=self._operation)
        self._tokens.add(token)


async def pages(
    open_store: Callable[[], Awaitable[RetryingStore]], request: ListRequest
) -> AsyncGenerator[list[ObjectInfo], None]:
    """Yield the objects of each page, until there are no more or `limit` is reached."""
    left = request.limit
    token = None
    seen = _Seen(request.bucket, "ListObjectsV2")
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
        seen.once(token)


async def dir_pages(
    open_store: Callable[[], Awaitable[RetryingStore]], request: ListRequest
) -> AsyncGenerator[list[ObjectInfo | Prefix], None]:
    """Yield the objects and prefixes of each page, in one order."""
    token = None
    seen = _Seen(request.bucket, "ListObjectsV2")
    while True:
        page = await (await open_store()).list_page(request, token, _plan.MAX_PAGE_KEYS)
        if entries := in_order(page):
            yield entries
        token = page.token
        if token is None:
            break
        seen.once(token)


def in_order(page: Page) -> list[ObjectInfo | Prefix]:
    """Return the objects and prefixes of a page in the order of their UTF-8 bytes, as S3 counts them."""
    named: list[tuple[str, ObjectInfo | Prefix]] = [(info.key, info) for info in page.objects]
    named += [(prefix, Prefix(prefix)) for prefix in page.prefixes]
    return [entry for _, entry in sorted(named, key=lambda pair: pair[0].encode("utf-8", "surrogatepass"))]


async def version_pages(
    open_store: Callable[[], Awaitable[RetryingStore]], bucket: str, prefix: str
) -> AsyncGenerator[list[ObjectVersion], None]:
    """Yield the versions and delete markers of each page."""
    target = Target("ListObjectVersions", bucket)
    after = None
    seen = _Seen(bucket, target.operation)
    while True:
        parameters = {**_shapes.versions_parameters(prefix, after), "MaxKeys": _plan.MAX_PAGE_KEYS}
        answer = await (await open_store()).call(bucket, target.operation, parameters)
        versions, after = _shapes.versions_page(target, answer, after)
        if versions:
            yield versions
        if after is None:
            break
        seen.once(after)
