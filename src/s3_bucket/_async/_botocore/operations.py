"""Operations: an ObjectStore in botocore's shapes. Who carries them out, aiobotocore or a fake, is not its business.

Free of botocore itself: a fake must not wait until that is imported.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from s3_bucket import _config, _plan, _vendors
from s3_bucket._async._botocore import answers
from s3_bucket._async._botocore.checksums import Checksums
from s3_bucket._async._errors import Target
from s3_bucket._async._pace import Pace
from s3_bucket._store import Part
from s3_bucket.exceptions import BucketException

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from s3_bucket._config import Settings
    from s3_bucket._models import Buffer, ObjectInfo
    from s3_bucket._store import (
        Arrival,
        GetRequest,
        ListRequest,
        Page,
        PutOptions,
        Stored,
        Upload,
        UploadsPage,
        Written,
    )

READ_SIZE = 256 * 1024
"""Bytes that are taken from a connection at a time."""


class Operations(ABC):
    """The operations of an ObjectStore, as parameters and answers of botocore's shapes.

    Args:
        settings: what the store was opened with.
        endpoint: to whom the requests go, in words for a log.
        region: where buckets are made.
        signs_payloads: whether a signature covers the bodies of requests.
    """

    def __init__(self, settings: Settings, endpoint: str, region: str | None, *, signs_payloads: bool) -> None:
        self._window = settings.read_timeout
        self._region = region
        self._signs_payloads = signs_payloads
        self.vendor = _vendors.known(settings.vendor, endpoint)
        fitted, asks = _config.fitted(settings, endpoint), self.vendor.checksum_mode.value != "refused"
        deletes_by_md5 = bool(self.vendor.delete_md5.value)
        self.checksums = Checksums(fitted.checksums, endpoint, asks=asks, deletes_by_md5=deletes_by_md5)

    @abstractmethod
    async def _ask(self, target: Target, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Carry the target's operation out, once; whatever fails is a BucketException."""

    @abstractmethod
    async def aclose(self) -> None:
        """Close the connections."""

    async def get(self, request: GetRequest, arrival: Arrival) -> None:
        target = Target("GetObject", request.bucket, request.key)
        try:
            answer = await self._ask(target, answers.get_parameters(request))
            try:
                await self._receive(target, request, answer, arrival)
            finally:
                answer["Body"].close()
        except BucketException as error:
            self.checksums.look_at(error)
            raise

    async def _receive(self, target: Target, request: GetRequest, answer: Any, arrival: Arrival) -> None:
        answers.require(target, answer, "ETag")
        length = answers.body_length(answer)
        if length is None:  # without a length, a body that was cut short looks whole
            length = _plan.range_length(request.range and answer.get("ContentRange"))
        if length is None:
            length = (await self.head(request)).size
        start, size = _plan.placed(request.range, answers.status(answer), answer.get("ContentRange"), length)
        buffer = arrival.begin(answers.info(request.key, answer, size), start, start + length)
        async with Pace(self._window) as pace:
            await _fill(buffer, answer["Body"], arrival, pace)
            # The last read finds the end, and has aiobotocore compare the checksum.
            extra = await answer["Body"].read(1) if len(buffer) == length else b""
        if arrival.filled < len(buffer) or extra:
            raise answers.not_whole(target, arrival.whole(), arrival.filled)

    async def head(self, request: GetRequest) -> ObjectInfo:
        target = Target("HeadObject", request.bucket, request.key)
        answer = await self._ask(target, answers.get_parameters(request))
        answers.require(target, answer, "ETag", "ContentLength")
        return answers.info(request.key, answer, answer["ContentLength"])

    async def stored(self, bucket: str, key: str, customer: Mapping[str, str] | None = None) -> Stored:
        target = Target("HeadObject", bucket, key)
        answer = await self._ask(target, {"Bucket": bucket, "Key": key, **(customer or {})})
        answers.require(target, answer, "ETag", "ContentLength")
        return answers.stored(target, answer)

    async def put(self, bucket: str, key: str, body: Buffer, options: PutOptions) -> Written:
        target = Target("PutObject", bucket, key, options.if_absent)
        parameters = {
            "Bucket": bucket,
            "Key": key,
            "Body": _owned(body),
            **answers.put_parameters(options),
            **answers.conditions(options),
        }
        answer = await self.checksums.sent(
            await self.checksums.of(body, options.algorithm),
            lambda checksum: self._ask(target, {**parameters, **answers.checksum_parameters(options, checksum)}),
            options.algorithm,
        )
        return answers.written(target, answer)

    async def delete(self, request: GetRequest) -> None:
        target = Target("DeleteObject", request.bucket, request.key)
        answers.require_s3(target, await self._ask(target, answers.get_parameters(request)))

    async def delete_batch(self, bucket: str, keys: Sequence[str]) -> Mapping[str, BucketException]:
        objects = [{"Key": key} for key in dict.fromkeys(keys)]
        md5 = {"ContentMD5": ""} if self.checksums.deletes_by_md5 else {}
        parameters = {"Bucket": bucket, "Delete": {"Objects": objects}, **md5}
        answer = await self._ask(Target("DeleteObjects", bucket), parameters)
        return answers.batch_errors(bucket, keys, answer)

    async def list_page(self, request: ListRequest, token: str | None, max_keys: int) -> Page:
        target = Target("ListObjectsV2", request.bucket)
        parameters = {
            "Bucket": request.bucket,
            "MaxKeys": max_keys,
            "Prefix": request.prefix,
            "Delimiter": request.delimiter,
            "StartAfter": request.start_after,
            "ContinuationToken": token,
        }
        return answers.page(target, await self._ask(target, answers.given(parameters)), token)

    async def create_upload(self, bucket: str, key: str, options: PutOptions) -> Upload:
        target = Target("CreateMultipartUpload", bucket, key)
        parameters = {"Bucket": bucket, "Key": key, **answers.put_parameters(options)}
        answer = await self.checksums.sent(
            self.checksums.of_parts(options.algorithm),
            lambda checksum: self._ask(target, {**parameters, **checksum}),
            options.algorithm,
        )
        return answers.begun(target, answer, options)

    async def upload_part(self, upload: Upload, number: int, body: Buffer) -> Part:
        target = Target("UploadPart", upload.bucket, upload.key)
        parameters = {**answers.part_parameters(upload, number), "Body": _owned(body)}
        checksum = await self.checksums.of_part(upload, body, is_signed=self._signs_payloads)
        answer = await self.checksums.sent(
            checksum, lambda checksum: self._ask(target, {**parameters, **checksum}), upload.algorithm
        )
        answers.require(target, answer, "ETag")
        return Part.of(upload.algorithm, number, answer["ETag"], len(body), checksum)

    async def complete_upload(self, upload: Upload, parts: Sequence[Part], options: PutOptions) -> Written:
        target = Target("CompleteMultipartUpload", upload.bucket, upload.key, options.if_absent)
        parameters = {**answers.complete_parameters(upload, parts), **answers.conditions(options)}
        return answers.completed(target, await self._ask(target, parameters), upload)

    async def abort_upload(self, upload: Upload) -> None:
        target = Target("AbortMultipartUpload", upload.bucket, upload.key)
        answers.require_s3(target, await self._ask(target, answers.upload_parameters(upload)))

    async def list_uploads(self, bucket: str, prefix: str, after: tuple[str, str] | None) -> UploadsPage:
        target = Target("ListMultipartUploads", bucket)
        key, upload_id = after or (None, None)
        parameters = {"Bucket": bucket, "Prefix": prefix, "KeyMarker": key, "UploadIdMarker": upload_id}
        # Not coded as in a URL, as listings are: there are vendors that code the keys without saying so.
        answer = await self._ask(target, answers.given(parameters))
        return answers.uploads_page(target, prefix, answer, after)

    async def head_bucket(self, bucket: str) -> None:
        target = Target("HeadBucket", bucket)
        answers.require_s3(target, await self._ask(target, {"Bucket": bucket}))

    async def create_bucket(self, bucket: str) -> None:
        # us-east-1 is the one region that must not be named (and aws-global is botocore's name for having none).
        elsewhere = self._region not in {None, "us-east-1", "aws-global"}
        where = {"CreateBucketConfiguration": {"LocationConstraint": self._region}} if elsewhere else {}
        target = Target("CreateBucket", bucket)
        answers.require_s3(target, await self._ask(target, {"Bucket": bucket, **where}))

    @abstractmethod
    async def call(self, bucket: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Carry any operation out."""

    async def _called(self, target: Target, parameters: Mapping[str, Any]) -> dict[str, Any]:
        answer = await self._ask(target, parameters)
        if answers.says_nothing(answer):
            answers.require_s3(target, answer)
        return {name: await _whole(value, self._window) for name, value in answer.items()}


async def _fill(buffer: memoryview, body: Any, arrival: Arrival, pace: Pace) -> None:
    """Receive into the buffer until it is full or the body has ended."""
    while arrival.filled < len(buffer):
        chunk = await body.read(min(READ_SIZE, len(buffer) - arrival.filled))
        if not chunk:
            break
        buffer[arrival.filled : arrival.filled + len(chunk)] = chunk
        arrival.filled += len(chunk)
        pace.moved(len(chunk))


async def _whole(value: Any, window: float) -> Any:
    """Return a value of an answer; what comes in a stream is received first, so that nothing stays open."""
    if hasattr(value, "read"):
        received = bytearray()
        try:
            async with Pace(window) as pace:
                while chunk := await value.read(READ_SIZE):  # read() without a length would not compare the checksum
                    received += chunk
                    pace.moved(len(chunk))
        finally:
            value.close()
        return bytes(received)
    if hasattr(value, "__aiter__"):  # an event stream, of SelectObjectContent
        return [event async for event in value]
    return value


def _owned(body: Buffer) -> bytes | bytearray:
    """Return the body as a type that botocore takes."""
    return bytes(body) if isinstance(body, memoryview) else body
