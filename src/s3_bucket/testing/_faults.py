"""Scripted faults: which request fails, how, and whether what it asked for has been done. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_bucket._async import _errors
from s3_bucket._async._errors import Refusal, Target
from s3_bucket.exceptions import BucketConnectionError, BucketTimeout

if TYPE_CHECKING:
    from s3_bucket.exceptions import BucketException

EVERY = "*"
"""Any operation."""

# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
_CODES = {
    301: "PermanentRedirect",
    304: "NotModified",
    403: (
        "AccessDenied AllAccessDisabled AccountProblem InvalidAccessKeyId InvalidObjectState RequestTimeTooSkewed"
        " SignatureDoesNotMatch"
    ),
    404: "NoSuchBucket NoSuchKey NoSuchUpload NoSuchVersion",
    405: "MethodNotAllowed",
    409: (
        "BucketAlreadyExists BucketAlreadyOwnedByYou BucketNotEmpty ConditionalRequestConflict InvalidBucketState"
        " OperationAborted"
    ),
    412: "PreconditionFailed",
    416: "InvalidRange",
    429: "TooManyRequests",
    500: "InternalError",
    501: "NotImplemented",
    503: "ServiceUnavailable SlowDown",
    509: "BandwidthLimitExceeded",
}
_STATUS = {code: status for status, codes in _CODES.items() for code in codes.split()}
_OTHERS = 400
_MISSING: dict[str, type[BucketException]] = {"connection": BucketConnectionError, "timeout": BucketTimeout}
"""Where no answer comes at all."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request that has come to a fake.

    Attributes:
        operation: S3's name for it, such as "PutObject".
        bucket: the bucket's name, or None.
        key: the object's key, or None.
    """

    operation: str
    bucket: str | None = None
    key: str | None = None


class Fault:
    """A failure that a fake has been told to let happen.

    Attributes:
        happened: how often it has.
    """

    def __init__(
        self,
        error: str,
        operation: str,
        key: str | None,
        *,
        nth: int,
        times: int | None,
        status: int | None,
        after: bool,
    ) -> None:
        self.happened = 0
        self.is_after = after
        self._error = error
        self._wanted = (operation, key)
        self._nth = nth
        self._times = times
        self._status = status
        self._seen = 0

    def __repr__(self) -> str:
        return f"<Fault {self._error!r} at {self._wanted[0]}, happened {self.happened} times>"

    def is_due(self, request: Request) -> bool:
        """Count the request, if it is like those that are to fail; return whether it is the turn of this one."""
        operation, key = self._wanted
        if operation not in {EVERY, request.operation} or key not in {None, request.key}:
            return False
        self._seen += 1
        return self._seen >= self._nth and self.happened != self._times

    def happen(self, target: Target) -> BucketException:
        """Return what the request fails with."""
        self.happened += 1
        if self._error in _MISSING:
            why = f"the fake was told to fail: {self._error}, for {_errors.where(target)}"
            return _errors.make(_MISSING[self._error], target, why, retryable=True)
        status = self._status or _STATUS.get(self._error, _OTHERS)
        return refusal(target, status, self._error, "The fake was told so.", "fault")


def refusal(target: Target, status: int, code: str, message: str, request_id: str) -> BucketException:
    """Return the exception for an answer that reports an error; HEAD's have no body to say more than the status."""
    if target.operation.startswith("Head"):
        code, message = str(status), ""
    return _errors.from_refusal(target, Refusal(status, code, message, request_id))


class Cut:
    """Where the bodies of answers break off.

    Attributes:
        happened: how often one has.
    """

    def __init__(self, after: int, key: str | None, *, times: int | None) -> None:
        self.happened = 0
        self._after = after
        self._key = key
        self._times = times

    def __repr__(self) -> str:
        return f"<Cut after {self._after} bytes, happened {self.happened} times>"

    def of(self, request: Request, length: int) -> int | None:
        """Return after how many bytes this body breaks off, if it does."""
        if self._key not in {None, request.key} or length <= self._after or self.happened == self._times:
            return None
        self.happened += 1
        return self._after
