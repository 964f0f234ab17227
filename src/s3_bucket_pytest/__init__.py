"""pytest's plugin of s3_bucket: fixtures for tests of programs that use it.

Beside the package, not inside it: pytest loads plugins when it starts, whatever is tested, and to load a module of a
package is to import the package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s3_bucket import AsyncBucket, Bucket
    from s3_bucket.testing import FakeS3

NAME = "test-bucket"


@pytest.fixture
def s3_fake(request: pytest.FixtureRequest) -> Iterator[FakeS3]:
    """Put a fake in S3's place while the test runs; by indirect parametrization, another vendor's."""
    from s3_bucket.testing import FakeS3  # noqa: PLC0415  # see above

    with FakeS3(getattr(request, "param", "aws")) as fake:
        yield fake


@pytest.fixture
def s3_bucket(s3_fake: FakeS3) -> Bucket:
    """Return an empty Bucket of the fake's, whose name is "test-bucket"."""
    from s3_bucket import Bucket  # noqa: PLC0415  # see above

    s3_fake.create_bucket(NAME)
    return Bucket(NAME)


@pytest.fixture
def s3_bucket_async(s3_fake: FakeS3) -> AsyncBucket:
    """Return an empty AsyncBucket of the fake's, whose name is "test-bucket"; it is the same bucket as s3_bucket."""
    from s3_bucket import AsyncBucket  # noqa: PLC0415  # see above

    s3_fake.create_bucket(NAME)
    return AsyncBucket(NAME)
