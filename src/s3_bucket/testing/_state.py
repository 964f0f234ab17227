"""What an S3 keeps: buckets, the versions of their objects, uploads that have not ended. No I/O, no clock."""

from __future__ import annotations

import hashlib
import zlib
from bisect import bisect_left, insort
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from s3_bucket._models import Buffer

Parameters: TypeAlias = "Mapping[str, Any]"
"""Of an operation, by botocore's names. A Body is a Content."""

NO_VERSION = "null"
"""The id of a version that was written while versioning was off."""


class Refused(Exception):  # noqa: N818  # it is an answer, no fault of this program
    """What S3 answers instead of what was asked for."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(code, message)
        self.status = status
        self.code = code
        self.message = message


class Content:
    """Bytes, and what is summed of them when it is first asked for."""

    def __init__(self, data: Buffer = b"") -> None:
        self.data = bytes(data)

    def __len__(self) -> int:
        return len(self.data)

    @cached_property
    def md5(self) -> bytes:
        """The MD5."""
        return hashlib.md5(self.data, usedforsecurity=False).digest()

    @cached_property
    def crc32(self) -> int:
        """The CRC32."""
        return zlib.crc32(self.data)


@dataclass
class Version:
    """One version of an object.

    Attributes:
        content: its bytes; None of a delete marker.
        told: what GetObject and HeadObject say of it in the words in which it was sent.
        checksums: those that are kept, by botocore's names, "ChecksumType" among them.
        parts: the length of each part of a multipart upload.
        customer_key: the MD5 of the key that the customer has given to encrypt it, which is not kept.
        lock: by the names that GetObject has for it.
    """

    key: str
    version_id: str
    modified: datetime
    content: Content | None = None
    etag: str = ""
    told: dict[str, Any] = field(default_factory=dict[str, Any])
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    tags: dict[str, str] = field(default_factory=dict[str, str])
    checksums: dict[str, str] = field(default_factory=dict[str, str])
    parts: tuple[int, ...] = ()
    customer_key: str | None = None
    acl: str = "private"
    lock: dict[str, Any] = field(default_factory=dict[str, Any])
    restored_until: datetime | None = None

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return 0 if self.content is None else len(self.content)


@dataclass
class StoredPart:
    """A part of an upload that has not ended."""

    content: Content
    etag: str
    modified: datetime
    checksums: dict[str, str]


@dataclass
class StartedUpload:
    """A multipart upload that has begun and not ended; `parameters` are CreateMultipartUpload's."""

    key: str
    upload_id: str
    initiated: datetime
    parameters: Parameters
    parts: dict[int, StoredPart] = field(default_factory=dict[int, StoredPart])


class StoredBucket:
    """A bucket.

    Attributes:
        keys: those that have a version, as UTF-8, in the order in which S3 lists them.
        versions: of each key, the oldest first.
        versioning: "Enabled", "Suspended" or, where it was never on, "".
        kept: what was put as a policy, CORS rules and the like, by their names.
    """

    def __init__(self, name: str, region: str, created: datetime, *, has_locks: bool) -> None:
        self.name = name
        self.region = region
        self.created = created
        self.has_locks = has_locks
        self.versioning = "Enabled" if has_locks else ""
        self.keys: list[bytes] = []
        self.versions: dict[str, list[Version]] = {}
        self.uploads: dict[str, StartedUpload] = {}
        self.kept: dict[str, Any] = {}

    def newest(self, key: str) -> Version | None:
        """Return the newest version of a key, which may be a delete marker."""
        found = self.versions.get(key)
        return found[-1] if found else None

    def visible(self, key: str) -> Version | None:
        """Return the object that is there for who asks for no version."""
        newest = self.newest(key)
        return None if newest is None or newest.content is None else newest

    def add(self, version: Version) -> None:
        """Make it the newest one; without versioning, it replaces the last one."""
        if version.version_id == NO_VERSION:
            self.remove(version.key, NO_VERSION)
        if version.key not in self.versions:
            insort(self.keys, version.key.encode())
        self.versions.setdefault(version.key, []).append(version)

    def remove(self, key: str, version_id: str) -> None:
        """Forget a version, if it is there."""
        left = [version for version in self.versions.get(key, ()) if version.version_id != version_id]
        if left:
            self.versions[key] = left
        elif self.versions.pop(key, None):
            del self.keys[bisect_left(self.keys, key.encode())]
