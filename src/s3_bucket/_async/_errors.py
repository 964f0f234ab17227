"""Which exception an answer of S3 means: one table for every store. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from s3_bucket.exceptions import (
    BucketAccessDenied,
    BucketAlreadyExists,
    BucketException,
    BucketNotEmpty,
    BucketTimeout,
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

if TYPE_CHECKING:
    from collections.abc import Iterable


class Target(NamedTuple):
    """What was being done, to what: an error says it."""

    operation: str
    bucket: str | None = None
    key: str | None = None
    if_absent: bool = False


class Refusal(NamedTuple):
    """What an answer with an error says."""

    status: int | None
    code: str
    message: str = ""
    request_id: str | None = None
    retry_after: float | None = None
    corrected: bool = False
    """Whether the next attempt will be another one: signed with the right time, or with other credentials."""


# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
_CODES: dict[type[BucketException], str] = {
    NoSuchBucket: "NoSuchBucket",
    NoSuchKey: "NoSuchKey NoSuchVersion",
    BucketAccessDenied: "AccessDenied AllAccessDisabled AccountProblem Forbidden",
    NoCredentials: (
        "InvalidAccessKeyId SignatureDoesNotMatch ExpiredToken ExpiredTokenException InvalidToken"
        " TokenRefreshRequired RequestTimeTooSkewed AuthorizationHeaderMalformed"
    ),
    PreconditionFailed: "PreconditionFailed ConditionalRequestConflict",
    NotModified: "NotModified",
    InvalidInput: (
        "InvalidRange InvalidBucketName KeyTooLongError MetadataTooLarge InvalidTag EntityTooLarge InvalidStorageClass"
        " AccessControlListNotSupported"
    ),
    ObjectArchived: "InvalidObjectState",
    Throttled: (
        "SlowDown ServiceUnavailable Throttling ThrottlingException RequestLimitExceeded TooManyRequests"
        " BandwidthLimitExceeded"
    ),
    BucketTimeout: "RequestTimeout",
    IntegrityError: "BadDigest InvalidDigest IncompleteBody XAmzContentSHA256Mismatch XAmzContentChecksumMismatch",
    BucketAlreadyExists: "BucketAlreadyExists BucketAlreadyOwnedByYou",
    BucketNotEmpty: "BucketNotEmpty",
}
_BY_CODE = {code: kind for kind, codes in _CODES.items() for code in codes.split()}

# Where there is no body, as in every answer to HEAD, the status is all there is.
_BY_STATUS: dict[int, type[BucketException]] = {
    304: NotModified,
    401: NoCredentials,
    403: BucketAccessDenied,
    404: NoSuchKey,
    405: NoSuchKey,  # HeadObject and GetObject of a version that is a delete marker
    408: BucketTimeout,
    412: PreconditionFailed,
    416: InvalidInput,
    429: Throttled,
    503: Throttled,
}

ELSEWHERE = "PermanentRedirect"
"""The bucket is in another region: S3 says so only of one that exists."""

_OF_AN_OBJECT = frozenset({"GetObject", "HeadObject"})
"""Where a 404 without a code is about the object: whoever writes one misses the bucket."""

_RETRYABLE_STATUS = frozenset({408, 429, 500, 502, 503, 504, 509})
_RETRYABLE_CODES = frozenset(
    _CODES[Throttled].split()
    + _CODES[BucketTimeout].split()
    # Bits flip on the way: once more is worth it.
    + _CODES[IntegrityError].split()
    + ["InternalError", "ConditionalRequestConflict", "OperationAborted"]
)

_SENTENCES: dict[type[BucketException], str] = {
    NoSuchBucket: "there is no bucket {bucket!r}; create() would make it",
    NoSuchKey: "there is no object {key!r} in the bucket {bucket!r}",
    BucketAccessDenied: (
        "access to {where} was denied; S3 answers so for a missing object, too, if s3:ListBucket is not allowed"
    ),
    NoCredentials: (
        "the server refuses the credentials for {where}: check keys, token, region and this computer's clock"
    ),
    PreconditionFailed: "{where} is not what if_match named; nothing was changed",
    KeyAlreadyExists: "there is an object {key!r} in the bucket {bucket!r} already; nothing was changed",
    NotModified: "{where} is still what if_none_match named",
    InvalidInput: "the server refused the request for {where}",
    ObjectArchived: (
        "an archived object can't be read ({where}): restore(key, days) makes a copy that can, which takes minutes to"
        " hours; head(key).restore says when it is there"
    ),
    Throttled: "the server asks for fewer requests; lower max_concurrency or raise max_attempts",
    BucketTimeout: "the server gave up waiting for the request for {where}",
    IntegrityError: "the server received other bytes than were sent for {where}",
    BucketAlreadyExists: "the bucket name {bucket!r} is taken",
    BucketNotEmpty: "the bucket {bucket!r} is not empty: delete its objects, versions and unfinished uploads first",
    UnknownBucketException: "the server refused the request for {where}",
}

_BAD_REQUEST = "400"
_UNEXPLAINED = (
    "the server refused the request for {where} and doesn't say why; what was stored with a customer's key must be"
    " asked for with it: encryption=SSE.c(key)"
)

# Where the code says more than its kind.
_OF_CODES: dict[str, str] = {
    **dict.fromkeys(
        ("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"),
        "the credentials for {where} have expired: give new ones to init(), or a profile that refreshes them",
    ),
    "AccessControlListNotSupported": (
        "the server refused the request for {where}: the bucket's Object Ownership allows no ACLs; leave acl out"
    ),
    "RequestTimeTooSkewed": (
        "the server refuses the request for {where} for its time: is this computer's clock right, and the server's?"
    ),
}


def from_refusal(target: Target, refusal: Refusal) -> BucketException:
    """Return the exception for an answer that reports an error."""
    kind = _kind(target, refusal)
    said = f"{refusal.code}: {refusal.message}" if refusal.message else refusal.code
    return make(
        kind,
        target,
        f"{_sentence(kind, target, refusal.code)} ({target.operation}: {_redirected(refusal)}{said})",
        status=refusal.status,
        error_code=refusal.code,
        error_message=refusal.message or None,
        request_id=refusal.request_id,
        retryable=refusal.corrected or _retryable(refusal),
        retry_after=refusal.retry_after,
    )


def not_s3(target: Target, missing: str, status: int | None = None) -> BucketException:
    """Return the exception for an answer of success that lacks what S3 always says."""
    return make(
        UnknownBucketException,
        target,
        f"the answer to {target.operation} for {where(target)} is not S3's: {missing}; does a proxy or a login page"
        " stand in between?",
        status=status,
        error_code="InvalidResponse",
        retryable=True,
    )


def make(
    kind: type[BucketException],
    target: Target,
    message: str,
    *,
    status: int | None = None,
    error_code: str | None = None,
    error_message: str | None = None,
    request_id: str | None = None,
    retryable: bool = False,
    retry_after: float | None = None,
) -> BucketException:
    """Return an exception that says what was being done."""
    return kind(
        message,
        bucket=target.bucket,
        key=target.key,
        operation=target.operation,
        status=status,
        error_code=error_code,
        error_message=error_message,
        request_id=request_id,
        retryable=retryable,
        retry_after=retry_after,
    )


def where(target: Target) -> str:
    """Return the object, or the bucket, in words."""
    if target.key is not None:
        return f"{target.key!r} in the bucket {target.bucket!r}"
    return f"the bucket {target.bucket!r}" if target.bucket is not None else "the account"


def undelivered(keys: Iterable[str], named: Iterable[str]) -> list[str]:
    """Return the keys that the answer to a batch has no outcome for."""
    answered = set(named)
    return [key for key in keys if key not in answered]


def _kind(target: Target, refusal: Refusal) -> type[BucketException]:
    kind = _BY_CODE.get(refusal.code)
    if refusal.code == "MethodNotAllowed" and target.operation in _OF_AN_OBJECT:
        return NoSuchKey  # the version is a delete marker
    bodiless = refusal.code == str(refusal.status) or not refusal.code
    if kind is None and bodiless:
        kind = _BY_STATUS.get(refusal.status or 0)
    if kind is PreconditionFailed and target.if_absent:
        return KeyAlreadyExists
    if kind is ObjectArchived and target.operation == "RestoreObject":  # it is the other way round
        return InvalidInput
    if kind is NoSuchKey and (target.key is None or (bodiless and target.operation not in _OF_AN_OBJECT)):
        return NoSuchBucket
    return kind or UnknownBucketException


def _retryable(refusal: Refusal) -> bool:
    """Whether it may succeed later. The code says so first: AccessDenied in a 200 becomes botocore's status 500."""
    if refusal.code in _RETRYABLE_CODES:
        return True
    return refusal.code not in _BY_CODE and refusal.status in _RETRYABLE_STATUS


def _sentence(kind: type[BucketException], target: Target, code: str) -> str:
    if code == _BAD_REQUEST and target.operation == "HeadObject":
        return _UNEXPLAINED.format(where=where(target))
    return _OF_CODES.get(code, _SENTENCES[kind]).format(key=target.key, bucket=target.bucket, where=where(target))


def _redirected(refusal: Refusal) -> str:
    if refusal.status is not None and 300 < refusal.status < 400 and refusal.status != 304:  # noqa: PLR2004
        return "a redirect, never followed to another host; check region and endpoint_url: "
    return ""
