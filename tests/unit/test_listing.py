"""Listings: every page once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from s3_bucket._async import _listing
from s3_bucket._models import ObjectInfo
from s3_bucket._store import ListRequest, Page
from s3_bucket.exceptions import IntegrityError
from tests.unit.memory import BUCKET, MemoryStore, opener, retrying

if TYPE_CHECKING:
    from s3_bucket._async._retry import RetryingStore


async def test_circles(memory: MemoryStore) -> None:
    """A server that sends from page to page in circles is found out, after each has come once."""

    class Circling(MemoryStore):
        async def list_page(self, request: ListRequest, token: str | None, max_keys: int) -> Page:
            return Page([ObjectInfo(f"after {token}", 1, "e")], {None: "a", "a": "b", "b": "c", "c": "a"}[token])

    keys: list[str] = []
    with pytest.raises(IntegrityError, match="circles"):
        async for page in _listing.pages(opener(retrying(Circling())), ListRequest(BUCKET)):
            keys += [info.key for info in page]
    assert keys == ["after None", "after a", "after b", "after c"]


@pytest.mark.parametrize(("limit", "length"), [(None, 5), (0, 0), (2, 2), (5, 5), (9, 5)])
async def test_limits(limit: int | None, length: int, memory: MemoryStore, store: RetryingStore) -> None:
    """No more keys come than were wanted."""
    memory.objects = dict.fromkeys("abcde", b"")
    request = ListRequest(BUCKET, limit=limit)
    assert sum([len(page) async for page in _listing.pages(opener(store), request)]) == length
