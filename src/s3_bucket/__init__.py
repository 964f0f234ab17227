"""S3 buckets, simply: ``AsyncBucket`` for asyncio, ``Bucket`` the same for everybody else.

Example:
    >>> import s3_bucket as S3
    >>> bucket = S3.Bucket("my-website-data")
    >>> bucket.put("greeting.txt", "hello").size
    5
    >>> data, metadata = bucket.get("greeting.txt")
    >>> data
    b'hello'
"""

from __future__ import annotations

from s3_bucket import events
from s3_bucket import exceptions as Exceptions  # documented so since release 1
from s3_bucket._adapters import log_events, progress_bar, trace_events
from s3_bucket._async.bucket import AsyncBucket
from s3_bucket._async.plan import AsyncDirPlan
from s3_bucket._async.reader import AsyncReader
from s3_bucket._async.writer import AsyncWriter
from s3_bucket._config import init
from s3_bucket._directories._outcomes import DirReport
from s3_bucket._directories._tree import DirItem, Unplanned
from s3_bucket._encryption import SSE
from s3_bucket._keeping import ObjectLock, RestoreStatus, StorageClass
from s3_bucket._models import GetResult, ObjectInfo, ObjectVersion, Prefix, Progress, Result, UploadInfo, raise_failed
from s3_bucket._presigned import PresignedPost, PresignedURL
from s3_bucket._report import Finding, Report
from s3_bucket._sync.bucket import Bucket
from s3_bucket._sync.plan import DirPlan
from s3_bucket._sync.reader import Reader
from s3_bucket._sync.writer import Writer
from s3_bucket.events import on_event
from s3_bucket.exceptions import (
    AmbiguousWrite,
    BucketAccessDenied,
    BucketAlreadyExists,
    BucketConnectionError,
    BucketException,
    BucketNotEmpty,
    BucketTimeout,
    BulkError,
    IntegrityError,
    InvalidInput,
    KeyAlreadyExists,
    NoCredentials,
    NoSuchBucket,
    NoSuchKey,
    NotModified,
    ObjectArchived,
    PreconditionFailed,
    Throttled,
    UnknownBucketException,
)

bucket = Bucket
"""Bucket, as the documentation of release 1 also spelled it."""

__all__ = [  # noqa: RUF022  # grouped as a reader meets them
    # the bucket
    "init",
    "AsyncBucket",
    "Bucket",
    "bucket",
    # what it takes
    "SSE",
    "StorageClass",
    "ObjectLock",
    # what it gives
    "RestoreStatus",
    "ObjectInfo",
    "GetResult",
    "Result",
    "UploadInfo",
    "PresignedURL",
    "PresignedPost",
    "ObjectVersion",
    "Prefix",
    "raise_failed",
    "Report",
    "Finding",
    "AsyncDirPlan",
    "DirPlan",
    "DirItem",
    "DirReport",
    "Unplanned",
    "AsyncReader",
    "AsyncWriter",
    "Reader",
    "Writer",
    # what can be watched
    "Progress",
    "progress_bar",
    "events",
    "on_event",
    "log_events",
    "trace_events",
    # what can go wrong
    "Exceptions",
    "BucketException",
    "NoSuchBucket",
    "NoSuchKey",
    "BucketAccessDenied",
    "BucketAlreadyExists",
    "BucketNotEmpty",
    "NoCredentials",
    "PreconditionFailed",
    "KeyAlreadyExists",
    "NotModified",
    "ObjectArchived",
    "InvalidInput",
    "BucketConnectionError",
    "BucketTimeout",
    "Throttled",
    "IntegrityError",
    "AmbiguousWrite",
    "BulkError",
    "UnknownBucketException",
]

for _name in __all__:
    _thing = globals()[_name]
    if getattr(_thing, "__module__", __name__) not in {__name__, Exceptions.__name__}:
        _thing.__module__ = __name__  # tracebacks, pickles and documentation show the public path
