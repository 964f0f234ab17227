"""BotocoreStore: the ObjectStore that sends every operation through aiobotocore, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from botocore import xform_name

from s3_bucket._async._botocore import presigning
from s3_bucket._async._botocore.client import open_client
from s3_bucket._async._botocore.errors import translated
from s3_bucket._async._botocore.operations import Operations
from s3_bucket._async._botocore.wiring import Wiring
from s3_bucket._async._errors import Target
from s3_bucket.exceptions import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_bucket._async._botocore.signing import Signing
    from s3_bucket._config import Settings
    from s3_bucket._store import Arrival, GetRequest, Presigned, PresignRequest


class BotocoreStore(Operations):
    """S3, or what speaks like it, through aiobotocore."""

    def __init__(self, client: Any, signing: Signing, settings: Settings) -> None:
        endpoint = str(client.meta.endpoint_url)
        signs = not endpoint.startswith("https:") and not settings.anonymous
        super().__init__(settings, endpoint, client.meta.region_name, signs_payloads=signs)
        client.meta.events.register("before-sign.s3.GetObject", self.checksums.without_mode)
        self._client = client
        self._wiring = Wiring(client, signing)

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

    async def _ask(self, target: Target, parameters: Mapping[str, Any]) -> dict[str, Any]:
        with translated(target):
            answer: dict[str, Any] = await getattr(self._client, xform_name(target.operation))(**parameters)
            return answer

    async def get(self, request: GetRequest, arrival: Arrival) -> None:
        with translated(Target("GetObject", request.bucket, request.key)):  # the body breaks off in aiohttp's words
            await super().get(request, arrival)

    async def call(self, bucket: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        model = self._client.meta.service_model
        if operation not in model.operation_names:
            msg = f"operation: S3 has no {operation!r}; its operations have names such as 'PutBucketCors'"
            raise InvalidInput(msg, argument="operation", bucket=bucket)
        shape = model.operation_model(operation).input_shape
        takes_bucket = shape is not None and "Bucket" in shape.members
        target = Target(operation, bucket, parameters.get("Key"))
        with translated(target):
            return await self._called(target, ({"Bucket": bucket} if takes_bucket else {}) | dict(parameters))

    async def presign(self, request: PresignRequest) -> Presigned:
        return await presigning.presigned(self._wiring, request)
