"""What the unit tests share: a store in memory, whose parts are of a few bytes and whose retries don't wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from s3_bucket import _plan
from s3_bucket._async import _retry
from tests.unit.memory import SMALL_UNITS, MemoryStore, retrying

if TYPE_CHECKING:
    from s3_bucket._async._retry import RetryingStore


@pytest.fixture
def retries_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let retries not wait."""
    monkeypatch.setattr(_retry, "FIRST_DELAY", 0.0)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch, retries_at_once: None) -> MemoryStore:
    """Return an empty store."""
    for name, value in SMALL_UNITS.items():
        monkeypatch.setattr(_plan, name, value)
    return MemoryStore()


@pytest.fixture
def store(memory: MemoryStore) -> RetryingStore:
    """Return the store as the transfers see it."""
    return retrying(memory)
