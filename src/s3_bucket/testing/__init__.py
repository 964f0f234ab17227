"""A fake S3, to test programs that use s3_bucket.

Example:
    >>> import s3_bucket as S3
    >>> from s3_bucket.testing import FakeS3
    >>> with FakeS3() as fake:
    ...     fake.create_bucket("my-website-data")
    ...     info = S3.Bucket("my-website-data").put("greeting.txt", "hello")
    >>> [request.operation for request in fake.requests]
    ['PutObject']
"""

from __future__ import annotations

from s3_bucket.testing._fake import FakeS3
from s3_bucket.testing._faults import Cut, Fault, Request
from s3_bucket.testing._store import NotFaked

__all__ = ["Cut", "FakeS3", "Fault", "NotFaked", "Request"]

for _thing in (Cut, FakeS3, Fault, NotFaked, Request):
    _thing.__module__ = __name__  # tracebacks and documentation show the public path
