"""Listings: every page once."""

from __future__ import annotations

import pytest

from s3_bucket._async import _listing
from s3_bucket._models import ObjectInfo
from s3_bucket._store import ListRequest, Page
from s3_bucket.exceptions import IntegrityError
from tests.unit.memory import BUCKET, MemoryStore, opener, retrying


async def test_circles(memory: MemoryStore) -> None:
    """A server that sends from page to page in circles is found out, after each has come once."""

    class Circling(MemoryStore):
        async def list_page(self, request: ListRequest, token: str | None, max_keys: int) -> Page:
            return Page([ObjectInfo(f"after {token}", 1, "e")], {None: "a", "a": "b", "b": "c", "c": "a"}[token])

    pages = _listing.pages(opener(retrying(Circling())), ListRequest(BUCKET))
    keys = [info.key for _ in range(4) for info in await anext(pages)]
    assert keys == ["after None", "after a", "after b", "after c"]
    with pytest.raises(IntegrityError, match="circles"):
        await anext(pages)
