"""What the tests of the guards share: a scripted server, and buckets of both faces that talk to it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from s3_bucket import AsyncBucket, Bucket
from s3_bucket._async import _retry
from tests.guards.script import BUCKET, Script, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

MIB = 1024 * 1024
SETTINGS: dict[str, Any] = {"part_size": 5 * MIB, "max_attempts": 2, "read_timeout": 20.0}


@pytest.fixture(autouse=True)
def retries_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let retries not wait."""
    monkeypatch.setattr(_retry, "FIRST_DELAY", 0.0)


@pytest_asyncio.fixture
async def script() -> AsyncIterator[Script]:
    """Run the scripted server."""
    async with serving() as running:
        yield running


@pytest_asyncio.fixture
async def make(script: Script) -> AsyncIterator[Callable[..., AsyncBucket]]:
    """Return what makes a bucket at the scripted server; all are closed in the end."""
    made: list[AsyncBucket] = []

    def new(**overrides: Any) -> AsyncBucket:
        made.append(AsyncBucket(BUCKET, **{**SETTINGS, "endpoint_url": script.url, **overrides}))
        return made[-1]

    yield new
    for bucket in made:
        await bucket.aclose()


@pytest.fixture
def bucket(make: Callable[..., AsyncBucket]) -> AsyncBucket:
    """Return a bucket at the scripted server."""
    return make()


@pytest_asyncio.fixture
async def blocking(script: Script) -> AsyncIterator[Bucket]:
    """Return a blocking bucket at the scripted server; its calls belong into asyncio.to_thread."""
    made = Bucket(BUCKET, **{**SETTINGS, "endpoint_url": script.url})
    yield made
    await asyncio.to_thread(made.close)
