"""FakeS3: what tests hold in their hands."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Self

from s3_bucket import _checks, _config
from s3_bucket._models import UploadInfo
from s3_bucket.exceptions import InvalidInput
from s3_bucket.testing._faults import EVERY, Cut, Fault, Request
from s3_bucket.testing._personality import PERSONALITIES, Vendor
from s3_bucket.testing._server import Server
from s3_bucket.testing._store import FakeService, TimelessStore, known

if TYPE_CHECKING:
    from types import TracebackType

    from s3_bucket._config import Settings


class FakeS3:
    """An S3 in memory, to test programs with: no network, no server, no credentials.

    Within its ``with`` block, every Bucket and AsyncBucket of the process goes to it, whatever init() or their own
    keywords say, in all threads and event loops. What they do is done for real: retries, multipart uploads, resumed
    downloads, checksums, conditions; only what S3 itself would do is done here, as S3 does it. A bucket must be
    created first, as on S3. It lives in this process: a child process doesn't see it.

    Retries don't wait: the fake's clock goes on instead.

    Args:
        vendor: whose S3 it is like: "aws"; "r2", which wants equal parts; "b2", which refuses checksums in headers;
            "ceph16", which overlooks conditions where an upload in parts is completed, and in DeleteObject.
        endpoint_url: take the place of the S3 at this URL only, for buckets to which it is given; None: of every S3.

    Raises:
        InvalidInput: there is no such vendor.

    Example:
        >>> import s3_bucket as S3
        >>> from s3_bucket.testing import FakeS3
        >>> with FakeS3() as fake:
        ...     fake.create_bucket("my-website-data")
        ...     bucket = S3.Bucket("my-website-data")
        ...     info = bucket.put("greeting.txt", "hello")
        ...     fake.objects("my-website-data")
        {'greeting.txt': b'hello'}
    """

    def __init__(self, vendor: Vendor = "aws", *, endpoint_url: str | None = None) -> None:
        if vendor not in PERSONALITIES:
            msg = f"vendor: expected one of {', '.join(PERSONALITIES)}, not {vendor!r}"
            raise InvalidInput(msg, argument="vendor")
        self._service = FakeService(Server(PERSONALITIES[vendor]))
        self._standing = _Standing(self._service, endpoint_url)

    def __enter__(self) -> Self:
        _config.stand_in(self._standing)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _config.stand_back(self._standing)

    # What it holds

    def create_bucket(self, bucket_name: str) -> None:
        """Make a bucket, as another program would; one that is there stays as it is.

        Args:
            bucket_name: the bucket's name.

        Raises:
            InvalidInput: that can't be a bucket's name.
        """
        with self._service.lock:
            self._service.perform("CreateBucket", {"Bucket": _checks.bucket_name(bucket_name)})

    def objects(self, bucket_name: str) -> dict[str, bytes]:
        """Return the bytes of each object that is in the bucket now, in the order in which S3 lists them.

        Args:
            bucket_name: the bucket's name.

        Returns:
            The bytes, by key; an empty dict also where there is no such bucket.
        """
        with self._service.lock:
            bucket = self._service.server.buckets.get(bucket_name)
            found = [bucket.visible(key.decode()) for key in bucket.keys] if bucket else []
            return {version.key: version.content.data for version in found if version and version.content}

    def uploads(self, bucket_name: str) -> list[UploadInfo]:
        """Return the multipart uploads that have begun and were neither completed nor aborted.

        Args:
            bucket_name: the bucket's name.

        Example:
            >>> from s3_bucket.testing import FakeS3
            >>> FakeS3().uploads("my-bucket")
            []
        """
        with self._service.lock:
            bucket = self._service.server.buckets.get(bucket_name)
            started = list(bucket.uploads.values()) if bucket else []
        return [UploadInfo(upload.key, upload.upload_id, upload.initiated) for upload in started]

    @property
    def requests(self) -> list[Request]:
        """The requests that have come, in their order, retries and those that failed included."""
        with self._service.lock:
            return list(self._service.requests)

    # What it is told to do

    def fail(
        self,
        operation: str,
        error: str = "InternalError",
        *,
        nth: int = 1,
        times: int | None = 1,
        key: str | None = None,
        after: bool = False,
        status: int | None = None,
    ) -> Fault:
        """Let requests fail.

        Args:
            operation: S3's name, such as "UploadPart"; "*" for any.
            error: S3's code, such as "SlowDown", "AccessDenied" or "NoSuchUpload"; or "connection" or "timeout", where
                no answer comes.
            nth: the first request to fail, counted from now, from 1, among those that are alike.
            times: how many fail, one after another; None: all from then on.
            key: count and fail those for this key only.
            after: do first what was asked for, and lose the answer.
            status: the HTTP status; the one that S3 has for the code when not given.

        Returns:
            The fault; its ``happened`` counts.

        Raises:
            InvalidInput: the fake has no such operation, or a number can't be right.

        Example:
            >>> import s3_bucket as S3
            >>> from s3_bucket.testing import FakeS3
            >>> with FakeS3() as fake:
            ...     fake.create_bucket("my-website-data")
            ...     fault = fake.fail("PutObject", "SlowDown", times=2)
            ...     info = S3.Bucket("my-website-data").put("greeting.txt", "hello")
            ...     fault.happened, len(fake.requests)
            (2, 3)
        """
        if operation != EVERY:
            known(operation)
        fault = Fault(error, operation, key, nth=_count("nth", nth), times=_times(times), status=status, after=after)
        with self._service.lock:
            self._service.faults.append(fault)
        return fault

    def cut_body(self, after: int, *, times: int | None = 1, key: str | None = None) -> Cut:
        """Let the bodies of GetObject break off; those that are no longer than that are left whole.

        Args:
            after: how many bytes come before that.
            times: how many break off; None: all from now on.
            key: those of this key only.

        Returns:
            The cut; its ``happened`` counts.

        Raises:
            InvalidInput: a number can't be right.
        """
        cut = Cut(_count("after", after, least=0), key, times=_times(times))
        with self._service.lock:
            self._service.cuts.append(cut)
        return cut

    def pass_time(self, time: timedelta | float) -> None:
        """Set the server's clock on, without waiting: uploads grow stale, locks and restored copies end.

        Args:
            time: how far, as a timedelta or in seconds.

        Raises:
            InvalidInput: it is not more than none.
        """
        seconds = _checks.seconds("time", time)
        with self._service.lock:
            self._service.server.ahead += timedelta(seconds=seconds)


class _Standing:
    """What opens stores in S3's place."""

    def __init__(self, service: FakeService, endpoint_url: str | None) -> None:
        self.endpoint_url = endpoint_url
        self._service = service

    async def open(self, settings: Settings) -> TimelessStore:
        """Return a store; it costs nothing."""
        return TimelessStore(self._service, settings)


def _times(value: int | None) -> int | None:
    return None if value is None else _count("times", value)


def _count(argument: str, value: int, least: int = 1) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        msg = f"{argument}: expected a whole number from {least}, not {value!r}"
        raise InvalidInput(msg, argument=argument)
    return value
