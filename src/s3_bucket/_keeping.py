"""How S3 keeps an object: where, until when it can't be deleted, and whether it can be read at once. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

CannedACL: TypeAlias = Literal[
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
]
LockMode: TypeAlias = Literal["GOVERNANCE", "COMPLIANCE"]
RestoreTier: TypeAlias = Literal["Standard", "Bulk", "Expedited"]


class StorageClass(StrEnum):
    """Amazon's storage classes, by name. Each is a str; other vendors have their own, which are given as texts.

    Example:
        >>> import s3_bucket as S3
        >>> S3.StorageClass.STANDARD_IA == "STANDARD_IA"
        True
    """

    STANDARD = "STANDARD"
    INTELLIGENT_TIERING = "INTELLIGENT_TIERING"
    STANDARD_IA = "STANDARD_IA"
    ONEZONE_IA = "ONEZONE_IA"
    EXPRESS_ONEZONE = "EXPRESS_ONEZONE"
    GLACIER_IR = "GLACIER_IR"
    GLACIER = "GLACIER"
    DEEP_ARCHIVE = "DEEP_ARCHIVE"
    REDUCED_REDUNDANCY = "REDUCED_REDUNDANCY"
    OUTPOSTS = "OUTPOSTS"
    SNOW = "SNOW"


@dataclass(frozen=True, slots=True)
class ObjectLock:
    """Until when a version of an object can't be deleted or replaced, in a bucket that was made with Object Lock.

    Attributes:
        mode: "GOVERNANCE", which those with a special permission may lift, or "COMPLIANCE", which nobody may, not even
            the account's root user.
        until: the time, with a time zone; S3 counts in seconds.
    """

    mode: LockMode
    until: datetime


@dataclass(frozen=True, slots=True)
class RestoreStatus:
    """How far the restoring of an archived object has come.

    Attributes:
        in_progress: whether it is under way still: until then the object can't be read.
        expires: until when the object can be read, with a time zone; None while that isn't known.
    """

    in_progress: bool
    expires: datetime | None = None
