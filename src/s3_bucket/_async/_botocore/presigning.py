"""Signing for somebody else, by Signature Version 4 only: as botocore's rules place the bucket, at the server's time.

botocore's own presigner won't do: it signs by version 2, or for the global endpoint, which newer regions don't know; a
form by this computer's clock; and it logs what it signs.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import NoCredentialsError

from s3_bucket import _presign
from s3_bucket._async import _errors
from s3_bucket._async._botocore import answers
from s3_bucket._async._botocore.errors import translated
from s3_bucket._async._errors import Target
from s3_bucket._async._sigv4 import Signer, encoded_path
from s3_bucket._store import Presigned
from s3_bucket.exceptions import InvalidInput, NoCredentials

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from s3_bucket._async._botocore.wiring import Endpoint, Wiring
    from s3_bucket._store import PresignRequest

_METADATA = "x-amz-meta-"


async def presigned(wiring: Wiring, request: PresignRequest) -> Presigned:
    """Return the request signed; credentials may have to be fetched for that."""
    target = Target(request.operation, request.bucket, request.key)
    with translated(target, sent=False):
        endpoint = await _endpoint(wiring, target)
        credentials, until = await wiring.lasting(request.expires_in)
        if credentials is None:
            raise NoCredentialsError
    presigner = Presigner(endpoint, credentials, wiring.clock.now())
    named = _named(wiring, request)
    if request.operation == "PostObject":
        signed = presigner.form(request, named)
    else:
        signed = presigner.url(request, wiring.located("GetObject", request.parameters), named)
    # What was signed with temporary credentials ends with them.
    return signed if until is None else replace(signed, expires=min(signed.expires, until.astimezone(UTC)))


async def _endpoint(wiring: Wiring, target: Target) -> Endpoint:
    if wiring.is_anonymous:
        why = "anonymous=True leaves nothing to sign with; give keys, or pass on the plain URL of what all may read"
        raise _errors.make(NoCredentials, target, f"no credentials for {_errors.where(target)}: {why}")
    endpoint = await wiring.for_others(target.bucket or "")
    if endpoint is None:
        why = "takes other signatures than version 4, as directory buckets and Multi-Region Access Points do"
        raise InvalidInput(f"bucket_name: nothing can be presigned: {target.bucket!r} {why}", argument="bucket_name")
    return endpoint


def _named(wiring: Wiring, request: PresignRequest) -> dict[str, str]:
    """Return what goes with an object that is written, by the names of headers, which a form's fields have too."""
    options = request.options
    named = wiring.located("PutObject", {**options.headers, **answers.conditions(options)})
    return named | {_METADATA + name.lower(): value for name, value in options.metadata.items()}


class Presigner:
    """Signs with some credentials, at one time, for one endpoint. Pure."""

    def __init__(self, endpoint: Endpoint, credentials: Any, now: datetime) -> None:
        self._endpoint = endpoint
        self._base = f"{'https' if endpoint.origin.is_secure else 'http'}://{endpoint.host}"
        self._now = now.replace(microsecond=0)
        self._token: str | None = credentials.token
        self._signer = Signer(credentials.access_key, credentials.secret_key, endpoint.region, endpoint.service)
        self._signer.at(self._now.timestamp())

    def url(self, request: PresignRequest, query: Mapping[str, str], headers: Mapping[str, str]) -> Presigned:
        """Return the URL; what is sent to it must have these headers."""
        path = self._endpoint.path + encoded_path(request.key)
        signed = {"host": self._endpoint.host} | {name.lower(): value for name, value in headers.items()}
        whole = self._signer.presigned_query(
            _presign.METHODS[request.operation], path, query, signed, request.expires_in, self._token
        )
        return Presigned(f"{self._base}{path}?{whole}", self._end(request), headers=headers)

    def form(self, request: PresignRequest, named: Mapping[str, str]) -> Presigned:
        """Return the form's fields, and where to post it."""
        fields = {**request.fields, **named, **self._signer.fields(self._token)}
        policy = _presign.policy(request.bucket, self._end(request), fields, request.conditions)
        fields |= {"policy": policy, "x-amz-signature": self._signer.signature(policy)}
        where = self._base + (self._endpoint.path.rstrip("/") or "/")
        return Presigned(where, self._end(request), fields=fields)

    def _end(self, request: PresignRequest) -> datetime:
        return self._now + timedelta(seconds=request.expires_in)
