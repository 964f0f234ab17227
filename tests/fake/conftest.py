"""What the tests of the fake share: one in S3's place, and a bucket of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import s3_bucket as S3
from s3_bucket.testing import FakeS3

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "my-bucket"


@pytest.fixture
def fake(request: pytest.FixtureRequest) -> Iterator[FakeS3]:
    """Put a fake in S3's place; by indirect parametrization, another vendor's."""
    with FakeS3(getattr(request, "param", "aws")) as fake:
        fake.create_bucket(NAME)
        yield fake


@pytest.fixture
def bucket(fake: FakeS3) -> S3.AsyncBucket:
    """Return an empty bucket."""
    return S3.AsyncBucket(NAME, part_size=5 * 1024 * 1024)


@pytest.fixture
async def versioned(bucket: S3.AsyncBucket) -> S3.AsyncBucket:
    """Return an empty bucket with versioning."""
    await bucket.call("PutBucketVersioning", VersioningConfiguration={"Status": "Enabled"})
    return bucket
