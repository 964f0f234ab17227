"""What check() has seen of a store, and what it makes of that: findings in plain words. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, Any, Literal

from s3_bucket import _vendors
from s3_bucket._async._errors import ELSEWHERE
from s3_bucket.exceptions import (
    BucketAccessDenied,
    BucketConnectionError,
    BucketException,
    BucketTimeout,
    NoCredentials,
    NoSuchBucket,
    PreconditionFailed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from s3_bucket._config import Settings
    from s3_bucket._vendors import Claim, Vendor

Level = Literal["ok", "note", "problem"]

SAME_TIME = 60
"""Seconds that two clocks may differ without anybody noticing."""

_PERMISSIONS = {
    "write": "s3:PutObject",
    "read": "s3:GetObject",
    "list": "s3:ListBucket",
    "multipart": "s3:PutObject",
    "delete": "s3:DeleteObject",
    "delete_many": "s3:DeleteObject",
}
"""The probes without which the library is of no use, and what must be allowed for them."""
_WORKS = {
    "write": "an object can be stored",
    "read": "it can be read back",
    "list": "it is in the listing",
    "multipart": "an upload in parts can be completed",
    "delete": "an object can be deleted",
    "delete_many": "objects can be deleted together",
}
CONDITIONS = {
    "put(if_absent)": ("PutObject", True),
    "put(if_match)": ("PutObject", False),
    "parts(if_absent)": ("CompleteMultipartUpload", True),
    "parts(if_match)": ("CompleteMultipartUpload", False),
    "delete(if_match)": ("DeleteObject", False),
}
"""The probes of conditions that don't hold, by the operation and whether it is if_absent."""
_BY = {"PutObject": "put", "CompleteMultipartUpload": "uploads in parts", "DeleteObject": "delete"}
_BEWARE = {
    True: "HEAD is asked first where a vendor is unknown, but who writes at the same time isn't seen",
    False: "the error comes from the server",
}
_REGION = re.compile("region '([^']+)'")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that check() has found out.

    Attributes:
        topic: what it is about, such as "checksums".
        level: "ok", "note" (it works, but one should know) or "problem".
        text: what was found, in words.
        settings: the keywords of init() that this store needs because of it.
    """

    topic: str
    level: Level
    text: str
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __str__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        return f"{self.topic}: {self.text}" + (f": init({given})" if given else "")


@dataclass(frozen=True, slots=True)
class Report:
    """What check() has found out; printed, it is a list for people.

    Attributes:
        bucket: the bucket's name.
        findings: all of them.
        ok: whether there is no problem among them.
        settings: all keywords of init() that this store needs, and was not given.
    """

    bucket: str
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether no finding is a problem."""
        return all(finding.level != "problem" for finding in self.findings)

    @property
    def settings(self) -> dict[str, Any]:
        """The keywords that this store needs, for init() or a bucket."""
        return {name: value for finding in self.findings for name, value in finding.settings.items()}

    def __str__(self) -> str:
        lines = [f"{finding.level:<8}{finding}" for finding in self.findings]
        return "\n".join([f"bucket {self.bucket!r} {'works' if self.ok else 'does not work as it should'}:", *lines])


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of the probes.

    Attributes:
        bucket: the bucket's name.
        settings: those with which it was asked.
        vendor: what is known of whose S3 it is.
        errors: by the probe's name, how it failed; None, if it didn't. What was not tried is not in it.
        headers: of the answer to HeadBucket.
        offset: seconds that the server's clock is ahead.
        same: whether what was read is what was written.
        listed: whether what was written was in the listing.
        keeps_crc32: whether the server says the CRC32 of what it has stored.
        path_works: whether the bucket answers in path style where it didn't otherwise.
    """

    bucket: str
    settings: Settings
    vendor: Vendor = _vendors.UNKNOWN
    errors: Mapping[str, BucketException | None] = field(default_factory=dict[str, "BucketException | None"])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    offset: float | None = None
    same: bool = True
    listed: bool = True
    keeps_crc32: bool = False
    path_works: bool = False


def is_the_end(error: BucketException | None) -> bool:
    """Whether there is no use in asking more."""
    kinds = (NoSuchBucket, NoCredentials, BucketConnectionError, BucketTimeout)
    return isinstance(error, kinds) or (error is not None and error.error_code == ELSEWHERE)


def clock_offset(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return how many seconds the server's clock is ahead; None, if it doesn't tell."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415  # 10 ms, of the 100 that the import of all may take

    try:
        return (parsedate_to_datetime(headers["date"]).astimezone(UTC) - now).total_seconds()
    except (LookupError, ValueError, OverflowError):
        return None


def report(seen: Seen) -> Report:
    """Return what there is to say."""
    first = (seen.errors.get(probe) for probe in ("open", "bucket", "write"))
    end = next((error for error in first if error is not None and is_the_end(error)), None)
    told = [*_end(seen, end)] if end is not None else [*_findings(seen)]
    return Report(seen.bucket, (*told, *_clock(seen), *_left(seen)))


def _end(seen: Seen, error: BucketException) -> Iterator[Finding]:
    if isinstance(error, NoSuchBucket):
        yield Finding("bucket", "problem", error.message)
    elif error.error_code == ELSEWHERE:
        found = _REGION.search(error.message)
        settings = {"region": found[1]} if found else {}
        yield Finding("region", "problem", f"the bucket is in another region ({error.message})", settings)
    else:
        topic = "credentials" if isinstance(error, NoCredentials) else "connection"
        yield Finding(topic, "problem", error.message)
    if seen.path_works:
        text = "the bucket answers where its name is in the path, not in the host name"
        yield Finding("addressing", "problem", text, {"addressing_style": "path"})


def _findings(seen: Seen) -> Iterator[Finding]:
    yield from _bucket(seen)
    yield from _vendor(seen)
    for probe in _PERMISSIONS:
        if probe in seen.errors:
            yield _basic(seen, probe, seen.errors[probe])
    yield from _stale_uploads(seen)
    yield from _checksums(seen)
    yield from _conditions(seen)


def _bucket(seen: Seen) -> Iterator[Finding]:
    error = seen.errors.get("bucket")
    if error is None:
        yield Finding("bucket", "ok", "it is there")
    elif isinstance(error, BucketAccessDenied):
        yield Finding("bucket", "note", "whether it is there can't be asked; the credentials lack s3:ListBucket")
    else:
        yield Finding("bucket", "problem", error.message)


def _vendor(seen: Seen) -> Iterator[Finding]:
    if seen.vendor is not _vendors.UNKNOWN:
        equal = "; all parts of an upload are of one size" if seen.vendor.equal_parts.value else ""
        yield Finding("vendor", "ok", f"{seen.vendor.title}{equal}")
        return
    answered = _vendors.by_answer(seen.headers)
    if answered is not _vendors.UNKNOWN:
        text = f"the answers are those of {answered.title}"
        yield Finding("vendor", "note", text, {"vendor": answered.name})


def _basic(seen: Seen, probe: str, error: BucketException | None) -> Finding:
    if isinstance(error, BucketAccessDenied):
        allowed = _PERMISSIONS[probe]
        return Finding(probe, "problem", f"access is denied: the credentials lack {allowed} ({error.message})")
    if error is not None:
        said = f"{error.error_code} {error.message}".lower()
        needed = {"checksums": "when_required"} if "md5" in said or "checksum" in said else {}
        return Finding(probe, "problem", error.message, needed)
    if (probe == "read" and not seen.same) or (probe == "list" and not seen.listed):
        what = "what comes back is not what was stored" if probe == "read" else "what was stored is not in the listing"
        return Finding(probe, "problem", what)
    return Finding(probe, "ok", _WORKS[probe])


def _stale_uploads(seen: Seen) -> Iterator[Finding]:
    error = seen.errors.get("uploads")
    if error is not None:
        lack = "; the credentials lack s3:ListBucketMultipartUploads" if isinstance(error, BucketAccessDenied) else ""
        yield Finding("uploads", "note", f"abort_stale_uploads() will fail ({error.message}){lack}")


def _checksums(seen: Seen) -> Iterator[Finding]:
    if "crc32" not in seen.errors:
        return
    crc32, md5 = seen.errors["crc32"], seen.errors.get("md5")
    if crc32 is None:
        kept = "kept" if seen.keeps_crc32 else "not kept: what is read can't be compared with it"
        yield Finding("checksums", "ok" if seen.keeps_crc32 else "note", f"CRC32 is taken, and {kept}")
    elif md5 is None:
        yield _md5_only(seen)
    else:
        yield Finding("checksums", "problem", f"this store refuses CRC32 and Content-MD5 ({md5.message})")


def _md5_only(seen: Seen) -> Finding:
    given = seen.settings.checksums
    text = "this store refuses CRC32, and takes Content-MD5"
    if (seen.vendor.checksums.value if given == "auto" else given) == "when_required":
        return Finding("checksums", "ok", text)
    level: Level = "problem" if given == "when_supported" else "note"
    return Finding("checksums", level, text, {"checksums": "when_required"})


def _conditions(seen: Seen) -> Iterator[Finding]:
    tried = {probe: seen.errors[probe] for probe in CONDITIONS if probe in seen.errors}
    kept = [_told(probe) for probe, error in tried.items() if isinstance(error, PreconditionFailed)]
    if kept:
        yield Finding("conditions", "ok", f"kept: {', '.join(kept)}")
    for probe, error in tried.items():
        operation, if_absent = CONDITIONS[probe]
        claim = _vendors.claim_of(seen.vendor, operation, if_absent=if_absent)
        yield from _condition(probe, error, claim, seen)
    holding = seen.errors.get("put(if_match that holds)")
    if holding is not None:
        yield Finding("conditions", "note", f"if_match fails although it holds ({holding.message})")


def _condition(probe: str, error: BucketException | None, claim: Claim, seen: Seen) -> Iterator[Finding]:
    refused = claim.value in {"ignored", "refused"}
    if isinstance(error, PreconditionFailed):
        if refused:
            text = f"{_told(probe)} is refused for vendor={seen.vendor.name!r}, but kept by this server"
            yield Finding("conditions", "note", f"{text}: vendor='aws' would send it")
    else:
        became = "ignored" if error is None else f"refused ({error.error_code})"
        said = "; InvalidInput is raised instead of sending it" if refused else f"; {_BEWARE[error is None]}"
        yield Finding("conditions", "note", f"{_told(probe)} is {became}{said}")


def _told(probe: str) -> str:
    operation, if_absent = CONDITIONS[probe]
    return f"{'if_absent' if if_absent else 'if_match'} of {_BY[operation]}"


def _clock(seen: Seen) -> Iterator[Finding]:
    if seen.offset is None:
        return
    if abs(seen.offset) < SAME_TIME:
        yield Finding("clock", "ok", "this computer's is the server's")
        return
    seconds = abs(round(seen.offset))
    length = f"{seconds // 60} minutes" if seconds >= 2 * 60 else f"{seconds} seconds"
    side = "behind" if seen.offset > 0 else "ahead of"
    text = f"this computer's is {length} {side} the server's; more than 15 minutes cost a request to find out"
    yield Finding("clock", "note", text)


def _left(seen: Seen) -> Iterator[Finding]:
    error = seen.errors.get("cleanup")
    if error is not None:
        yield Finding("cleanup", "problem", f"what was written to try it could not be deleted ({error.message})")
