"""Ready callbacks: a progress bar, and events as log records or as spans of OpenTelemetry."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Self

from s3_bucket.events import Event, RequestFinished, Retried, Throttled, TransferAborted

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from s3_bucket._models import Progress

_NANO = 1_000_000_000


class ProgressBar:
    """A bar of tqdm for one transfer after another; a ``with`` block closes it, and so does the end of a transfer."""

    def __init__(self, make: Callable[..., Any], options: dict[str, Any]) -> None:
        self._make = make
        self._options = options
        self._bar: Any = None

    def __call__(self, progress: Progress) -> None:
        if self._bar is None:
            self._bar = self._make(total=progress.total, **{"desc": progress.key, **self._options})
        self._bar.total = progress.total
        self._bar.update(progress.done - self._bar.n)
        if progress.done == progress.total:
            self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the bar as it stands."""
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.close()


def progress_bar(**options: Any) -> ProgressBar:
    """Return a bar to be given as ``progress=`` (tqdm, by the extra "progress").

    Args:
        options: tqdm's, such as ``desc`` and ``file``.

    Raises:
        ImportError: tqdm is not installed; it says how.

    Example:
        >>> import os
        >>> import s3_bucket as S3
        >>> bucket = S3.Bucket("my-website-data")
        >>> with open(os.devnull, "w") as nowhere:
        ...     info = bucket.put("large", bytes(100_000), progress=S3.progress_bar(file=nowhere))
    """
    try:
        from tqdm.auto import tqdm  # noqa: PLC0415  # an extra
    except ImportError as error:
        msg = "progress_bar() needs tqdm: pip install 's3-bucket[progress]'"
        raise ImportError(msg) from error
    return ProgressBar(tqdm, {"unit": "B", "unit_scale": True, "unit_divisor": 1024, **options})


def log_events(logger: logging.Logger | None = None, level: int = logging.INFO) -> Callable[[Event], None]:
    """Return a callback for on_event() that writes each event as one log record, with the event as ``record.event``.

    Args:
        logger: where to; "s3_bucket.events" when not given.
        level: of what went well. What failed is a WARNING at least.

    Example:
        >>> import s3_bucket as S3
        >>> with S3.on_event(S3.log_events()):
        ...     info = S3.Bucket("my-website-data").put("a", b"1")
    """
    log = logger or logging.getLogger("s3_bucket.events")

    def callback(event: Event) -> None:
        well = isinstance(event, RequestFinished) and event.error is None
        log.log(level if well else max(level, logging.WARNING), "%s", _sentence(event), extra={"event": event})

    return callback


def _sentence(event: Event) -> str:
    place = f"{event.operation} {event.bucket}" + (f"/{event.key}" if event.key else "")
    match event:
        case RequestFinished(error=None):
            return f"{place}: {event.status}, {event.bytes} bytes, {event.attempts} attempts, {event.seconds:.3f} s"
        case RequestFinished():
            return f"{place}: failed, {event.attempts} attempts, {event.seconds:.3f} s: {_said(event.error)}"
        case Retried():
            return f"{place}: attempt {event.attempt} failed, again in {event.delay:.3f} s: {_said(event.error)}"
        case Throttled():
            return f"{place}: attempt {event.attempt} was too much, {event.limit} requests at a time from now on"
        case TransferAborted():
            left = "; its parts may be left on the server" if event.left else ""
            return f"{place}: the upload {event.upload_id!r} was aborted: {_said(event.error)}{left}"
        case _:
            return f"{place}: {event}"


def _said(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {error}"


def trace_events(tracer_provider: Any = None) -> Callable[[Event], None]:
    """Return a callback for on_event() that makes a span of each request (OpenTelemetry, by the extra "otel").

    The span is a child of the one in which the call was made, in both faces. Retries and throttling are events of that
    one. Names are those of OpenTelemetry's semantic conventions for S3
    (https://opentelemetry.io/docs/specs/semconv/object-stores/s3/).

    Args:
        tracer_provider: OpenTelemetry's; the global one when not given.

    Raises:
        ImportError: OpenTelemetry's API is not installed; it says how.
    """
    try:
        from opentelemetry import trace  # noqa: PLC0415  # an extra
    except ImportError as error:
        msg = "trace_events() needs OpenTelemetry: pip install 's3-bucket[otel]'"
        raise ImportError(msg) from error
    tracer = trace.get_tracer("s3_bucket", tracer_provider=tracer_provider)

    def callback(event: Event) -> None:
        if not isinstance(event, RequestFinished):
            trace.get_current_span().add_event(type(event).__name__, {"message": _sentence(event)})
            return
        end = time.time_ns()
        begun = end - int(event.seconds * _NANO)
        span = tracer.start_span(
            f"S3.{event.operation}", kind=trace.SpanKind.CLIENT, attributes=_attributes(event), start_time=begun
        )
        if event.error is not None:
            span.set_status(trace.StatusCode.ERROR, _said(event.error))
        span.end(end)

    return callback


def _attributes(event: RequestFinished) -> dict[str, str | int]:
    given: dict[str, str | int | None] = {
        "rpc.system": "aws-api",
        "rpc.service": "S3",
        "rpc.method": event.operation,
        "aws.s3.bucket": event.bucket,
        "aws.s3.key": event.key,
        "http.response.status_code": event.status,
        "http.request.resend_count": event.attempts - 1 or None,
        "error.type": None if event.error is None else type(event.error).__name__,
        "s3_bucket.bytes": event.bytes,
    }
    return {name: value for name, value in given.items() if value is not None}
