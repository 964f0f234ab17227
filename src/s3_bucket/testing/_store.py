"""FakeStore: the ObjectStore whose S3 is in memory."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from email.utils import format_datetime
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, cast

from s3_bucket._async import _errors
from s3_bucket._async._botocore.operations import Operations
from s3_bucket._async._checksums import summed
from s3_bucket._async._errors import Target
from s3_bucket._async._retry import RetryingStore
from s3_bucket.events import answered
from s3_bucket.exceptions import BucketConnectionError, InvalidInput, NoCredentials
from s3_bucket.testing import _buckets, _copies, _listings, _locks, _multipart, _objects, _presigning
from s3_bucket.testing._digests import GIVEN
from s3_bucket.testing._faults import Cut, Fault, Request, refusal
from s3_bucket.testing._server import STATUS, Operation, Server
from s3_bucket.testing._state import Content, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_bucket._config import Settings
    from s3_bucket._models import Buffer
    from s3_bucket._store import Presigned, PresignRequest

OPERATIONS: dict[str, Operation] = {
    **_buckets.OPERATIONS,
    **_objects.OPERATIONS,
    **_copies.OPERATIONS,
    **_multipart.OPERATIONS,
    **_listings.OPERATIONS,
    **_locks.OPERATIONS,
}

_CHECKSUMS = frozenset(GIVEN.split()) | {"ChecksumAlgorithm", "ChecksumType"}


class NotFaked(InvalidInput, NotImplementedError):
    """A fake was asked for what it doesn't know: an operation, or a parameter of one."""


def known(name: str, bucket: str | None = None) -> Operation:
    """Return the operation of that name."""
    if name not in OPERATIONS:
        msg = (
            f"operation: FakeS3 has no {name!r}; S3's operations have names such as 'PutBucketCors', and of those the"
            f" fake has {', '.join(sorted(OPERATIONS))}"
        )
        raise NotFaked(msg, argument="operation", bucket=bucket)
    return OPERATIONS[name]


def _check(target: Target, parameters: Mapping[str, Any]) -> None:
    """Refuse what botocore would, and what changes the meaning of an operation in a way that the fake doesn't know."""
    operation = known(target.operation, target.bucket)
    missing = operation.required - parameters.keys()
    if missing:
        msg = f"{target.operation} wants {', '.join(sorted(missing))}"
        raise InvalidInput(msg, argument=min(missing), bucket=target.bucket, key=target.key)
    strange = parameters.keys() - operation.required - operation.optional
    if strange:
        msg = f"{target.operation} of FakeS3 knows no {', '.join(sorted(strange))}"
        raise NotFaked(msg, argument=min(strange), bucket=target.bucket, key=target.key)


class FakeService:
    """A fake S3 with its script, for any number of loops and threads.

    Attributes:
        lock: held by whoever looks at it or changes it, never while something is awaited.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.lock = threading.Lock()
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.cuts: list[Cut] = []

    async def answer(self, target: Target, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Carry an operation out."""
        _check(target, parameters)
        await asyncio.sleep(0)  # as with a real S3, others go on while an answer is awaited
        prepared = await _prepared(parameters)
        with self.lock:
            return self._answer(target, prepared)

    def _answer(self, target: Target, parameters: Mapping[str, Any]) -> dict[str, Any]:
        request = Request(target.operation, target.bucket, target.key)
        self.requests.append(request)
        due = [fault for fault in self.faults if fault.is_due(request)]  # all of them count
        fault = due[0] if due else None
        if fault is not None and not fault.is_after:
            raise fault.happen(target)
        try:
            answer = self.perform(target.operation, parameters)
        except Refused as refused:
            if fault is None:
                request_id = self.server.identified("request")
                raise refusal(target, refused.status, refused.code, refused.message, request_id) from refused
        else:
            if fault is None:
                return self._sent(request, target, answer)
        raise fault.happen(target)

    def perform(self, name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the operation's handler answers, or let it raise Refused."""
        given = [name for name in _CHECKSUMS & parameters.keys() if parameters[name] is not None]
        if given and self.server.personality.refuses_checksums:
            header = "x-amz-" + {"ChecksumAlgorithm": "sdk-checksum-algorithm"}.get(given[0], "checksum-crc32")
            raise Refused(400, "InvalidArgument", f"Unsupported header '{header}' received for this API call.")
        return OPERATIONS[name].handler(self.server, parameters)

    def _sent(self, request: Request, target: Target, answer: dict[str, Any]) -> dict[str, Any]:
        """Return the answer as it arrives: with its headers, and with a body that is still to be read."""
        request_id = self.server.identified("request")
        date = format_datetime(self.server.now(), usegmt=True)
        status = answer.pop(STATUS, 200)
        answered.set(status)
        answer["ResponseMetadata"] = {
            "HTTPStatusCode": status,
            "HTTPHeaders": {"date": date, "x-amz-request-id": request_id},
            "RequestId": request_id,
            "RetryAttempts": 0,
        }
        if "Body" in answer:
            ends = (cut.of(request, len(answer["Body"])) for cut in self.cuts)
            answer["Body"] = FakeBody(target, answer["Body"], next((end for end in ends if end is not None), None))
        return answer


async def _prepared(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the parameters with the Body as a Content; what is summed of many bytes is summed in a thread, now."""
    if "Body" not in parameters:
        return parameters
    return {**parameters, "Body": await summed(_content, await _received(parameters["Body"]))}


def _content(data: Buffer) -> Content:
    content = Content(data)
    _ = content.md5, content.crc32
    return content


async def _received(body: Any) -> bytes:
    """Return the bytes of any body that botocore takes."""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(cast("Buffer", body))
    if hasattr(body, "__aiter__"):
        return b"".join([bytes(piece) async for piece in body])
    if not hasattr(body, "read"):
        msg = f"Body: expected bytes or a file, not {type(body).__name__}"
        raise InvalidInput(msg, argument="Body")
    read = body.read()
    return bytes(await read if isawaitable(read) else read)


class FakeBody:
    """The body of an answer, as aiobotocore gives it."""

    def __init__(self, target: Target, data: memoryview, end: int | None) -> None:
        self._target = target
        self._data = data
        self._end = end
        self._at = 0

    async def read(self, n: int) -> bytes:
        """Return at most n bytes; none, at the end."""
        await asyncio.sleep(0)
        if self._at == self._end:
            why = f"the connection broke off after {self._end} bytes of {_errors.where(self._target)}, as told"
            raise _errors.make(BucketConnectionError, self._target, why, retryable=True)
        stop = min(self._at + n, len(self._data) if self._end is None else self._end)
        chunk = self._data[self._at : stop]
        self._at = stop
        return bytes(chunk)

    def close(self) -> None:
        """Give the connection back: there is none."""


class FakeStore(Operations):
    """Every operation of an ObjectStore, carried out by a fake."""

    def __init__(self, service: FakeService, settings: Settings) -> None:
        super().__init__(settings, "FakeS3", settings.region, signs_payloads=False)
        self._service = service
        self._is_anonymous = settings.anonymous

    async def _ask(self, target: Target, parameters: Mapping[str, Any]) -> dict[str, Any]:
        # As aiobotocore does by itself: else S3 doesn't tell the checksum.
        asks = target.operation == "GetObject" and self.checksums.asks
        mode = {"ChecksumMode": "ENABLED"} if asks else {}
        return await self._service.answer(target, {**mode, **parameters})

    async def call(self, bucket: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        takes_bucket = "Bucket" in known(operation, bucket).required
        target = Target(operation, bucket, parameters.get("Key"))
        return await self._called(target, ({"Bucket": bucket} if takes_bucket else {}) | dict(parameters))

    async def presign(self, request: PresignRequest) -> Presigned:
        if self._is_anonymous:
            target = Target(request.operation, request.bucket, request.key)
            error = _errors.make(NoCredentials, target, "anonymous=True leaves nothing to sign with; give keys")
            error.sent = False
            raise error
        with self._service.lock:
            return _presigning.presigned(request, self._service.server.now())

    async def aclose(self) -> None:
        """Close nothing."""


class TimelessStore(RetryingStore):
    """Retries, and lets the fake's clock go on instead of waiting."""

    def __init__(self, service: FakeService, settings: Settings) -> None:
        store = FakeStore(service, settings)
        super().__init__(store, settings, store.vendor)
        self._service = service

    async def pause(self, seconds: float) -> None:
        with self._service.lock:
            self._service.server.ahead += timedelta(seconds=seconds)
        await asyncio.sleep(0)
