"""Everything that can go wrong, as one tree.

::

    BucketException
    ├── NoSuchBucket            the bucket does not exist
    ├── NoSuchKey               the object does not exist; also a FileNotFoundError
    ├── BucketAccessDenied      the credentials may not do this; also a PermissionError
    ├── BucketAlreadyExists     create() found the name taken; also a FileExistsError
    ├── BucketNotEmpty          delete_bucket() found objects in it
    ├── NoCredentials           none were found, or the server refuses them
    ├── PreconditionFailed      if_match did not hold
    │   └── KeyAlreadyExists    if_absent found an object; also a FileExistsError
    ├── NotModified             if_none_match held on a get
    ├── ObjectArchived          it must be restored before it can be read
    ├── InvalidInput            refused before anything was sent; also a ValueError
    ├── BucketConnectionError   DNS, refused, TLS, reset; also a ConnectionError
    ├── BucketTimeout           also a TimeoutError
    ├── Throttled               SlowDown or 503
    ├── IntegrityError          what arrived is not what was stored
    ├── AmbiguousWrite          no answer came, and whether it was stored can't be said
    ├── BulkError               some items of a bulk call failed; also an ExceptionGroup
    └── UnknownBucketException  an error code this library doesn't know

Each is raised ``from`` its cause where there is one, pickles (without the cause), and never carries a secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

    from s3_bucket._models import Result

__all__ = [
    "AmbiguousWrite",
    "BucketAccessDenied",
    "BucketAlreadyExists",
    "BucketConnectionError",
    "BucketException",
    "BucketNotEmpty",
    "BucketTimeout",
    "BulkError",
    "IntegrityError",
    "InvalidInput",
    "KeyAlreadyExists",
    "NoCredentials",
    "NoSuchBucket",
    "NoSuchKey",
    "NotModified",
    "ObjectArchived",
    "PreconditionFailed",
    "Throttled",
    "UnknownBucketException",
]


class BucketException(Exception):
    """The base of every error that this library raises.

    Attributes:
        message: one sentence that says what happened and, where it is known, what to do.
        bucket: the bucket's name, or None.
        key: the object's key, or None where the failure is not one object's.
        operation: the S3 operation, such as "GetObject", or None where nothing was sent.
        status: the HTTP status, or None where no answer came.
        error_code: S3's own code, such as "NoSuchKey", or None.
        error_message: S3's own message, or None.
        request_id: what S3's support asks for, or None.
        retryable: whether the same call may succeed when it is made again later.
        retry_after: after how many seconds, if the server said.
        attempts: how many requests were sent for it before it was given up.
        answer_lost: whether one of them got no answer, or none that says what became of it: it may have been done.
        sent: whether the last of them can have reached the server.
    """

    attempts = 1
    answer_lost = False
    sent = True

    def __init__(
        self,
        message: str = "",
        *,
        bucket: str | None = None,
        key: str | None = None,
        operation: str | None = None,
        status: int | None = None,
        error_code: str | None = None,
        error_message: str | None = None,
        request_id: str | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.bucket = bucket
        self.key = key
        self.operation = operation
        self.status = status
        self.error_code = error_code
        self.error_message = error_message
        self.request_id = request_id
        self.retryable = retryable
        self.retry_after = retry_after

    def __str__(self) -> str:
        return self.message


class NoSuchBucket(BucketException):
    """The bucket does not exist."""


class NoSuchKey(BucketException, FileNotFoundError):
    """The object does not exist."""


class BucketAccessDenied(BucketException, PermissionError):
    """The credentials are known, but may not do this."""


class BucketAlreadyExists(BucketException, FileExistsError):
    """The bucket's name is taken, by this account or by another one."""


class BucketNotEmpty(BucketException):
    """The bucket still holds objects, versions or unfinished uploads."""


class NoCredentials(BucketException):
    """No credentials were found, or the server refuses them: unknown key id, bad signature, expired token."""


class PreconditionFailed(BucketException):
    """The object is not the one that ``if_match`` named; nothing was written."""


class KeyAlreadyExists(PreconditionFailed, FileExistsError):
    """A create-only put found an object of that key; nothing was written."""


class NotModified(BucketException):
    """The object is still the one that ``if_none_match`` named; there is nothing new to get."""


class ObjectArchived(BucketException):
    """The object is in an archive: ``restore()`` makes a copy that can be read, which takes minutes to hours."""


class InvalidInput(BucketException, ValueError):
    """An argument can't be right; unless ``status`` says that the server found so, nothing was sent.

    Attributes:
        argument: the argument's name, or None.
    """

    def __init__(self, message: str = "", *, argument: str | None = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.argument = argument


class BucketConnectionError(BucketException, ConnectionError):
    """No answer could be had: DNS, connection refused, TLS, connection reset."""


class BucketTimeout(BucketException, TimeoutError):
    """The server did not answer within connect_timeout or read_timeout."""


class Throttled(BucketException):
    """The server asks for fewer requests."""


class IntegrityError(BucketException):
    """What arrived is not what was stored, or the source changed while it was read."""


class AmbiguousWrite(BucketException):
    """The answer to a write was lost, and what is stored now doesn't tell whether it was carried out."""


class BulkError(BucketException, ExceptionGroup[Exception]):
    """Some items of a bulk call failed.

    Attributes:
        results: every item's outcome, the successful ones too.
    """

    results: Sequence[Result[Any]]
    message: str = ""  # pyright: ignore[reportIncompatibleMethodOverride]  # ExceptionGroup's own can't be set

    def __new__(cls, message: str, results: Sequence[Result[Any]]) -> Self:
        """Make the group of the failures among the results."""
        self = super().__new__(cls, message, [result.error for result in results if result.error])
        self.results = results
        return self

    def __init__(self, message: str, results: Sequence[Result[Any]]) -> None:
        super().__init__(message)
        self.args = (message, results)

    def __str__(self) -> str:
        return f"{self.message} ({len(self.exceptions)} of {len(self.results)} failed)"

    def derive(self, excs: Sequence[Exception], /) -> BulkError:  # type: ignore[override]  # narrower than any group
        """Keep the outcomes of the given errors: what ``except*`` and ``split`` need."""
        return BulkError(self.message, [result for result in self.results if result.error in excs])

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.results)


class UnknownBucketException(BucketException):
    """The server answered with a code that this library doesn't know, or with something that is not S3."""


for _name in __all__:  # tracebacks, pickles and documentation show the public path
    globals()[_name].__module__ = "s3_bucket.exceptions"
