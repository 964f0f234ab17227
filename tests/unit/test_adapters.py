"""Ready callbacks: a bar that shows what there is, log records and spans that say what happened."""

from __future__ import annotations

import builtins
import io
import logging
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from s3_bucket import _adapters as adapters
from s3_bucket import events
from s3_bucket._models import Progress
from s3_bucket.exceptions import BucketException

PLACE = ("PutObject", "bucket", "key")
ERROR = BucketException("no luck", status=500)
DONE = events.RequestFinished(*PLACE, 200, 1, 5, 0.25, None)
FAILED = events.RequestFinished(*PLACE, 500, 3, 0, 0.25, ERROR)
RETRIED = events.Retried(*PLACE, 1, 0.125, ERROR)
THROTTLED = events.Throttled("ListObjectsV2", "bucket", None, 1, 4)
ABORTED = events.TransferAborted("AbortMultipartUpload", "bucket", "key", "an id", ERROR, left=False)


def test_a_bar() -> None:
    """The bar shows what is done of what, and the next transfer gets another one."""
    shown = io.StringIO()
    with adapters.progress_bar(file=shown, mininterval=0, ascii=True) as bar:
        for done in (0, 1024, 2048):
            bar(Progress("first", done, 2048))
        bar(Progress("second", 512, None))
    text = shown.getvalue()
    assert "first: 100%" in text
    assert "2.00k/2.00k" in text
    assert "second: 512B" in text
    bar.close()


def test_a_total_that_is_known_late() -> None:
    """What was of unknown length is shown as whole in the end."""
    shown = io.StringIO()
    bar = adapters.progress_bar(file=shown, mininterval=0, ascii=True, desc="mine")
    bar(Progress("key", 512, None))
    bar(Progress("key", 1024, 1024))
    assert "mine: 100%" in shown.getvalue()


@pytest.mark.parametrize(
    ("event", "level", "words"),
    [
        (events.Event(*PLACE), "WARNING", "PutObject bucket/key: Event("),
        (DONE, "INFO", "PutObject bucket/key: 200, 5 bytes, 1 attempts, 0.250 s"),
        (FAILED, "WARNING", "PutObject bucket/key: failed, 3 attempts, 0.250 s: BucketException: no luck"),
        (RETRIED, "WARNING", "PutObject bucket/key: attempt 1 failed, again in 0.125 s: BucketException: no luck"),
        (THROTTLED, "WARNING", "ListObjectsV2 bucket: attempt 1 was too much, 4 requests at a time from now on"),
        (
            ABORTED,
            "WARNING",
            "AbortMultipartUpload bucket/key: the upload 'an id' was aborted: BucketException: no luck",
        ),
    ],
)
def test_log_records(event: events.Event, level: str, words: str, caplog: pytest.LogCaptureFixture) -> None:
    """Each event is one record that says all, and holds the event."""
    with caplog.at_level(logging.DEBUG, "s3_bucket.events"):
        adapters.log_events()(event)
    (record,) = caplog.records
    assert (record.levelname, record.event) == (level, event)  # type: ignore[attr-defined]
    assert record.getMessage().startswith(words)


def test_parts_that_are_left(caplog: pytest.LogCaptureFixture) -> None:
    """That parts may be left behind is said."""
    log = logging.getLogger("mine")
    with caplog.at_level(logging.DEBUG, "mine"):
        adapters.log_events(log, logging.DEBUG)(events.TransferAborted(*PLACE, "an id", ERROR, left=True))
    assert caplog.records[0].getMessage().endswith("no luck; its parts may be left on the server")


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    """Return where spans go."""
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> TracerProvider:
    """Return OpenTelemetry's own tracer."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


def test_spans(provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
    """A request is a span below the caller's, as long as it took; what happened on the way is the caller's."""
    callback = adapters.trace_events(provider)
    with provider.get_tracer("test").start_as_current_span("mine"):
        for event in (RETRIED, DONE, FAILED, THROTTLED):
            callback(event)
    done, failed, mine = exporter.get_finished_spans()
    assert done.parent is not None
    assert done.parent.span_id == mine.context.span_id
    assert (done.name, done.kind.name, done.status.status_code.name) == ("S3.PutObject", "CLIENT", "UNSET")
    assert (done.end_time or 0) - (done.start_time or 0) == 250_000_000
    assert done.attributes == {
        "rpc.system": "aws-api",
        "rpc.service": "S3",
        "rpc.method": "PutObject",
        "aws.s3.bucket": "bucket",
        "aws.s3.key": "key",
        "http.response.status_code": 200,
        "s3_bucket.bytes": 5,
    }
    assert (failed.status.status_code.name, failed.status.description) == ("ERROR", "BucketException: no luck")
    assert failed.attributes is not None
    assert (failed.attributes["error.type"], failed.attributes["http.request.resend_count"]) == ("BucketException", 2)
    assert [event.name for event in mine.events] == ["Retried", "Throttled"]


@pytest.mark.parametrize(("make", "extra"), [(adapters.progress_bar, "progress"), (adapters.trace_events, "otel")])
def test_what_is_not_installed(make: Any, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, it is named."""
    imported = builtins.__import__

    def importing(name: str, *rest: Any) -> Any:
        if name.startswith(("tqdm", "opentelemetry")):
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", importing)
    with pytest.raises(ImportError, match=rf"pip install 's3-bucket\[{extra}\]'"):
        make()
