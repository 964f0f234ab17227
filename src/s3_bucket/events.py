"""What happens below the calls, for whoever wants to see it: ``S3.on_event(callback)``.

Each event is a frozen value. A callback is called where the event happens, on the event loop: it must be quick, and
what it raises is logged and goes no further, for no transfer shall fail because somebody watches it.

Example:
    >>> import s3_bucket as S3
    >>> seen = []
    >>> with S3.on_event(seen.append):
    ...     info = S3.Bucket("my-website-data").put("a", b"1")
    >>> [(event.operation, event.status, event.attempts, event.bytes) for event in seen]
    [('PutObject', 200, 1, 1)]
"""

from __future__ import annotations

import inspect
import logging
import threading
import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypeAlias, TypeVar

from s3_bucket._store import Piece
from s3_bucket.exceptions import BucketException, InvalidInput
from s3_bucket.exceptions import Throttled as TooMany

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

T = TypeVar("T")

_log = logging.getLogger("s3_bucket")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        operation: S3's name of what was done, such as "GetObject".
        bucket: the bucket's name.
        key: the object's key; None where there is none.
    """

    operation: str
    bucket: str
    key: str | None


@dataclass(frozen=True, slots=True)
class RequestFinished(Event):
    """A request has been answered, or given up, with all its attempts.

    Attributes:
        status: the HTTP status of the last answer; None, if none came.
        attempts: how often it was sent, or tried to be.
        bytes: of the object or part that was sent or has arrived.
        seconds: from its beginning to its end, with the waits between the attempts.
        error: what the caller is about to get instead of an answer; None, if it went well.
    """

    status: int | None
    attempts: int
    bytes: int
    seconds: float
    error: BaseException | None


@dataclass(frozen=True, slots=True)
class Retried(Event):
    """An attempt has failed, and another one follows.

    Attributes:
        attempt: which one it was, from 1.
        delay: seconds until the next one.
        error: how it failed.
    """

    attempt: int
    delay: float
    error: BucketException


@dataclass(frozen=True, slots=True)
class Throttled(Event):
    """The server asks for fewer requests.

    Attributes:
        attempt: which one it was that it refused, from 1.
        limit: how many requests there will be at a time, until it has answered some.
    """

    attempt: int
    limit: int


@dataclass(frozen=True, slots=True)
class TransferAborted(Event):
    """A multipart upload has failed, or was cancelled, and its parts are to be removed from the server.

    Attributes:
        upload_id: its name on the server.
        error: why.
        left: whether the parts may still be there, for the removal has failed, too.
    """

    upload_id: str
    error: BaseException
    left: bool


Callback: TypeAlias = "Callable[[Event], object]"

_listeners: tuple[Listening, ...] = ()
_changing = threading.Lock()
answered: ContextVar[int | None] = ContextVar("answered", default=None)
"""The status of the last answer in this task: a store's operations return what an answer says, not its status."""


class Listening:
    """A callback that is called with every event, until it is stopped; a ``with`` block stops it at its end."""

    def __init__(self, callback: Callback) -> None:
        self.callback = callback

    def stop(self) -> None:
        """Call it no more."""
        global _listeners  # noqa: PLW0603  # one list for the process, as logging has
        with _changing:
            _listeners = tuple(each for each in _listeners if each is not self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def on_event(callback: Callback) -> Listening:
    """Have a function called with every event, of all buckets of the process, from now on.

    Args:
        callback: takes one of the events of ``S3.events``. It is called on the event loop: of the blocking face too,
            where that is a thread of its own.

    Returns:
        A handle, whose stop() ends it; it is a context manager, too.

    Raises:
        InvalidInput: it can't be called, or would have to be awaited.

    Example:
        >>> import s3_bucket as S3
        >>> listening = S3.on_event(print)
        >>> listening.stop()
    """
    global _listeners  # noqa: PLW0603  # as above
    if not callable(callback) or inspect.iscoroutinefunction(callback):
        msg = f"callback: expected a function that is called and not awaited, not {callback!r}"
        raise InvalidInput(msg, argument="callback")
    listening = Listening(callback)
    with _changing:
        _listeners = (*_listeners, listening)
    return listening


def emit(event: Event) -> None:
    """Tell everybody who listens."""
    for listening in _listeners:
        try:
            listening.callback(event)
        except Exception:  # noqa: BLE001  # anything: it is a stranger's
            _log.exception("a callback of on_event() has failed, on %s", type(event).__name__)


def watched(operation: str, bucket: str, key: str | None, size: int) -> Request | None:
    """Return what tells of a request that begins now; None, if nobody listens."""
    return Request(operation, bucket, key, size) if _listeners else None


class Request:
    """A request, and whatever happens to it."""

    def __init__(self, operation: str, bucket: str, key: str | None, size: int) -> None:
        self._place = (operation, bucket, key)
        self._size = size
        self._begun = time.monotonic()
        self._failed = 0
        answered.set(None)

    def failed(self, attempt: int, error: BucketException, limit: int) -> None:
        """Note that an attempt has failed."""
        self._failed = attempt
        if isinstance(error, TooMany):
            emit(Throttled(*self._place, attempt, limit))

    def retried(self, attempt: int, error: BucketException, delay: float) -> None:
        """Note that another attempt follows."""
        emit(Retried(*self._place, attempt, delay, error))

    async def watch(self, work: Awaitable[T]) -> T:
        """Do the work, and tell how it has ended."""
        try:
            done = await work
        except BucketException as error:
            self._finished(self._failed, error.status, 0, error)
            raise
        except BaseException as error:
            self._finished(self._failed + 1, None, 0, error)
            raise
        size = len(done.data) if isinstance(done, Piece) else self._size
        self._finished(self._failed + 1, answered.get(), size, None)
        return done

    def _finished(self, attempts: int, status: int | None, size: int, error: BaseException | None) -> None:
        emit(RequestFinished(*self._place, status, attempts, size, time.monotonic() - self._begun, error))
