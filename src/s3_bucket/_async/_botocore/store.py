"""BotocoreStore: the ObjectStore that sends every operation through aiobotocore, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from botocore import xform_name

from s3_bucket import _config, _plan, _vendors
from s3_bucket._async._botocore import answers, presigning
from s3_bucket._async._botocore.checksums import Checksums
from s3_bucket._async._botocore.client import open_client
from s3_bucket._async._botocore.errors import translated
from s3_bucket._async._botocore.wiring import Wiring
from s3_bucket._async._errors import Target
from s3_bucket._async._pace import Pace
from s3_bucket._store import Page, Part, Upload, Written
from s3_bucket.exceptions import BucketException, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from s3_bucket._async._botocore.signing import Signing
    from s3_bucket._config import Settings
    from s3_bucket._models import Buffer, ObjectInfo
    from s3_bucket._store import (
        Arrival,
        GetRequest,
        ListRequest,
        Presigned,
        PresignRequest,
        PutOptions,
        Stored,
        UploadsPage,
    )

READ_SIZE = 256 * 1024
"""Bytes that are taken from a connection at a time."""


class BotocoreStore:
    """S3, or what speaks like it, through aiobotocore."""

    def __init__(self, client: Any, signing: Signing, settings: Settings) -> None:
        self._client = client
        self._wiring = Wiring(client, signing)
        self._window = settings.read_timeout
        endpoint = str(client.meta.endpoint_url)
        self._signs_payloads = not endpoint.startswith("https:") and not settings.anonymous
        self.vendor = _vendors.known(settings.vendor, endpoint)
        fitted, asks = _config.fitted(settings, endpoint), self.vendor.checksum_mode.value != "refused"
        self.checksums = Checksums(fitted.checksums, endpoint, asks=asks)
        client.meta.events.register("before-sign.s3.GetObject", self.checksums.without_mode)

    @classmethod
    async def open(cls, settings: Settings) -> Self:
        """Return a store; no request is sent yet."""
        with translated(Target("the configuration")):
            client, signing = await open_client(settings)
            return cls(client, signing, settings)

    def wiring(self) -> Wiring:
        """Return what another engine needs that sends a part of the operations itself."""
        return self._wiring

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def get(self, request: GetRequest, arrival: Arrival) -> None:
        target = Target("GetObject", request.bucket, request.key)
        try:
            with translated(target):
                answer = await self._client.get_object(**answers.get_parameters(request))
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
        with translated(target):
            answer = await self._client.head_object(**answers.get_parameters(request))
        answers.require(target, answer, "ETag", "ContentLength")
        return answers.info(request.key, answer, answer["ContentLength"])

    async def stored(self, bucket: str, key: str) -> Stored:
        target = Target("HeadObject", bucket, key)
        with translated(target):
            answer = await self._client.head_object(Bucket=bucket, Key=key)
        answers.require(target, answer, "ETag", "ContentLength")
        return answers.stored(target, answer)

    async def put(self, bucket: str, key: str, body: Buffer, options: PutOptions) -> Written:
        target = Target("PutObject", bucket, key, options.if_absent)
        parameters = {**answers.put_parameters(options), **answers.conditions(options)}

        async def send(checksum: dict[str, str]) -> Any:
            with translated(target):
                return await self._client.put_object(
                    Bucket=bucket, Key=key, Body=_owned(body), **parameters, **checksum
                )

        answer = await self.checksums.sent(await self.checksums.of(body), send)
        return answers.written(target, answer)

    async def delete(self, request: GetRequest) -> None:
        target = Target("DeleteObject", request.bucket, request.key)
        with translated(target):
            answer = await self._client.delete_object(**answers.get_parameters(request))
        answers.require_s3(target, answer)

    async def delete_batch(self, bucket: str, keys: Sequence[str]) -> Mapping[str, BucketException]:
        with translated(Target("DeleteObjects", bucket)):
            objects = [{"Key": key} for key in dict.fromkeys(keys)]
            md5 = {"ContentMD5": ""} if self.checksums.is_md5 or self.vendor.delete_md5.value else {}
            answer = await self._client.delete_objects(Bucket=bucket, Delete={"Objects": objects}, **md5)
        return answers.batch_errors(bucket, keys, answer)

    async def list_page(self, request: ListRequest, token: str | None, max_keys: int) -> Page:
        target = Target("ListObjectsV2", request.bucket)
        parameters = {"Prefix": request.prefix, "StartAfter": request.start_after, "ContinuationToken": token}
        with translated(target):
            answer = await self._client.list_objects_v2(
                Bucket=request.bucket, MaxKeys=max_keys, **answers.given(parameters)
            )
        return answers.page(target, answer, token)

    async def create_upload(self, bucket: str, key: str, options: PutOptions) -> Upload:
        target = Target("CreateMultipartUpload", bucket, key)

        async def send(checksum: dict[str, str]) -> Any:
            with translated(target):
                return await self._client.create_multipart_upload(
                    Bucket=bucket, Key=key, **answers.put_parameters(options), **checksum
                )

        answer = await self.checksums.sent(self.checksums.of_parts(), send)
        answers.require(target, answer, "UploadId")
        keeps = answer.get("ChecksumAlgorithm") == "CRC32"
        return Upload(bucket, key, answer["UploadId"], answer.get("ChecksumType", "COMPOSITE") if keeps else None)

    async def upload_part(self, upload: Upload, number: int, body: Buffer) -> Part:
        target = Target("UploadPart", upload.bucket, upload.key)
        checksum = await self.checksums.of_part(upload, body, is_signed=self._signs_payloads)

        async def send(checksum: dict[str, str]) -> Any:
            with translated(target):
                return await self._client.upload_part(
                    **answers.upload_parameters(upload), PartNumber=number, Body=_owned(body), **checksum
                )

        answer = await self.checksums.sent(checksum, send)
        answers.require(target, answer, "ETag")
        return Part(number, answer["ETag"], len(body), checksum.get("ChecksumCRC32"))

    async def complete_upload(self, upload: Upload, parts: Sequence[Part], options: PutOptions) -> Written:
        target = Target("CompleteMultipartUpload", upload.bucket, upload.key, options.if_absent)
        with translated(target):
            answer = await self._client.complete_multipart_upload(
                **answers.complete_parameters(upload, parts), **answers.conditions(options)
            )
        return answers.written(target, answer)

    async def abort_upload(self, upload: Upload) -> None:
        target = Target("AbortMultipartUpload", upload.bucket, upload.key)
        with translated(target):
            answer = await self._client.abort_multipart_upload(**answers.upload_parameters(upload))
        answers.require_s3(target, answer)

    async def list_uploads(self, bucket: str, prefix: str, after: tuple[str, str] | None) -> UploadsPage:
        target = Target("ListMultipartUploads", bucket)
        key, upload_id = after or (None, None)
        parameters = answers.given({"KeyMarker": key, "UploadIdMarker": upload_id})
        with translated(target):
            # Not coded as in a URL, as listings are: there are vendors that code the keys without saying so.
            answer = await self._client.list_multipart_uploads(Bucket=bucket, Prefix=prefix, **parameters)
        return answers.uploads_page(target, prefix, answer, after)

    async def head_bucket(self, bucket: str) -> None:
        target = Target("HeadBucket", bucket)
        with translated(target):
            answer = await self._client.head_bucket(Bucket=bucket)
        answers.require_s3(target, answer)

    async def create_bucket(self, bucket: str) -> None:
        region = self._client.meta.region_name
        # us-east-1 is the one region that must not be named (and aws-global is botocore's name for having none).
        elsewhere = region not in {None, "us-east-1", "aws-global"}
        where = {"CreateBucketConfiguration": {"LocationConstraint": region}} if elsewhere else {}
        target = Target("CreateBucket", bucket)
        with translated(target):
            answer = await self._client.create_bucket(Bucket=bucket, **where)
        answers.require_s3(target, answer)

    async def presign(self, request: PresignRequest) -> Presigned:
        return await presigning.presigned(self._wiring, request)

    async def call(self, bucket: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        model = self._client.meta.service_model
        if operation not in model.operation_names:
            msg = f"operation: S3 has no {operation!r}; its operations have names such as 'PutBucketCors'"
            raise InvalidInput(msg, argument="operation", bucket=bucket)
        shape = model.operation_model(operation).input_shape
        takes_bucket = shape is not None and "Bucket" in shape.members
        target = Target(operation, bucket, parameters.get("Key"))
        with translated(target):
            answer = await getattr(self._client, xform_name(operation))(
                **({"Bucket": bucket} if takes_bucket else {}) | dict(parameters)
            )
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
    if hasattr(value, "iter_chunks"):
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
