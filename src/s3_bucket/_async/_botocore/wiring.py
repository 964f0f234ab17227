"""What another engine takes from an aiobotocore client: where to, signed with what, and what a refusal means."""

# botocore and aiobotocore have no types, and nothing public that leads to most of this.
# ruff: noqa: SLF001
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from botocore import UNSIGNED
from botocore.exceptions import ClientError
from botocore.httpsession import create_urllib3_context, get_cert_path
from botocore.parsers import ResponseParserFactory

from s3_bucket._async._botocore import answers, signing
from s3_bucket._async._botocore.client import is_amazon
from s3_bucket._async._botocore.errors import translated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from s3_bucket._async._botocore.signing import Note, Signing
    from s3_bucket._async._errors import Target

MOST_ENDPOINTS = 1_000
"""Buckets whose endpoint is remembered."""
_REDIRECTS = frozenset({301, 302, 307})
_BAD_REQUEST = 400
_FIRST_ERROR = 300
_PORTS = {"http": 80, "https": 443}

_log = logging.getLogger("s3_bucket")
_told: set[str] = set()


class Origin(NamedTuple):
    """Where connections go to."""

    host: str
    port: int
    is_secure: bool


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the requests for one bucket go to, and what they are signed for.

    Attributes:
        path: what stands before the key, percent-encoded, with a slash at its end.
        host: as the Host header names it.
    """

    origin: Origin
    host: str
    path: str
    region: str
    service: str

    @property
    def root(self) -> str:
        """The bucket's own path."""
        return self.path.rstrip("/") or "/"


class Wiring:
    """The ways into one client."""

    def __init__(self, client: Any, signing_: Signing) -> None:
        self._client = client
        self._signing = signing_
        self._endpoints: dict[str, Endpoint | None] = {}
        self._parser = ResponseParserFactory().create_parser("rest-xml")
        self._frozen: Any = None
        self.clock = signing_.clock
        self.is_anonymous = client.meta.config.signature_version is UNSIGNED
        self.user_agent = str(client._user_agent_creator.to_string())

    def context(self) -> ssl.SSLContext:
        """Return the TLS that the client itself would use; blocks, for it reads the certificates.

        That takes a while, and is left out where all goes to an endpoint without TLS: this one then trusts nobody.
        """
        if str(self._client.meta.endpoint_url).startswith("http:"):
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        verify = self._client._endpoint.http_session._verify
        context: ssl.SSLContext = create_urllib3_context()
        if verify:
            context.check_hostname = True
            context.load_verify_locations(get_cert_path(verify))
        else:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def known(self, bucket: str) -> Endpoint | None:
        """Return where requests for the bucket go to, if that has been found out."""
        return self._endpoints.get(bucket)

    async def endpoint(self, bucket: str) -> Endpoint | None:
        """Return where requests for the bucket go to; None, if only the client itself can send them."""
        if bucket not in self._endpoints:
            if len(self._endpoints) >= MOST_ENDPOINTS:
                self._endpoints.clear()
            self._endpoints[bucket] = await self._resolved(bucket)
        return self._endpoints[bucket]

    async def _resolved(self, bucket: str) -> Endpoint | None:
        if bucket.startswith("arn:"):
            return None
        found = await self._ruled(bucket)
        schemes = found.properties.get("authSchemes")
        kind, context = self._signed_as(schemes or ())
        if found.headers or kind != "v4" or not self._is_direct(found.url):
            return None
        return _endpoint(found.url, context["region"], context.get("signing_name", "s3"))

    async def for_others(self, bucket: str) -> Endpoint | None:
        """Return where others reach the bucket, by whatever way; None, if they can't by Signature Version 4.

        It is not remembered: the client may find out meanwhile in which region the bucket is.
        """
        found = await self._ruled(bucket)
        schemes = [scheme for scheme in found.properties.get("authSchemes", ()) if scheme["name"] == "sigv4"]
        return _endpoint(found.url, schemes[0]["signingRegion"], schemes[0]["signingName"]) if schemes else None

    async def _ruled(self, bucket: str) -> Any:
        """Return the endpoint of the bucket as the service's rules say: in its region, where that was found out."""
        client = self._client
        model = client.meta.service_model.operation_model("GetObject")
        return await client._ruleset_resolver.construct_endpoint(model, {"Bucket": bucket, "Key": "key"}, {})

    def located(self, operation: str, parameters: Mapping[str, str]) -> dict[str, str]:
        """Return the parameters of an operation by the names that they have in its query or among its headers."""
        members = self._client.meta.service_model.operation_model(operation).input_shape.members
        return {members[name].serialization["name"]: value for name, value in parameters.items()}

    def _signed_as(self, schemes: Sequence[Mapping[str, Any]]) -> tuple[str, Mapping[str, Any]]:
        """Return how the rules want a request signed, and for what."""
        if self.is_anonymous or not schemes:  # plainly, or not at all
            return "v4" if any(scheme["name"] == "sigv4" for scheme in schemes) else "none", {"region": ""}
        signed: tuple[str, Mapping[str, Any]] = self._client._ruleset_resolver.auth_schemes_to_signing_ctx(schemes)
        return signed

    def _is_direct(self, url: str) -> bool:
        session = self._client._endpoint.http_session
        if session._proxy_config.proxy_url_for(url) is None and session._cert_file is None:
            return True
        endpoint = str(self._client.meta.endpoint_url)
        if endpoint not in _told:
            _told.add(endpoint)
            _log.info("requests go through a proxy, or with a client certificate: by aiobotocore, which is slower")
        return False

    def frozen(self) -> Any:
        """Return the credentials to sign with, if they are known to hold; otherwise None."""
        keys = self._signing.keys
        return self._frozen if keys is None else keys.recent()

    async def credentials(self) -> Any:
        """Return the credentials to sign with; None, if there are none.

        Raises:
            TimeoutError, botocore.exceptions.BotoCoreError: they did not come.
        """
        keys = self._signing.keys
        if keys is not None:
            return await keys.get_frozen_credentials()
        found = self._client._request_signer._credentials
        if found is not None:
            self._frozen = await found.get_frozen_credentials()
        return self._frozen

    async def lasting(self, seconds: float) -> tuple[Any, datetime | None]:
        """Return credentials that hold so long, if such are to be had, and when they expire, if that is known.

        Raises:
            TimeoutError, botocore.exceptions.BotoCoreError: they did not come.
        """
        keys = self._signing.keys
        return (await self.credentials(), None) if keys is None else await keys.lasting(seconds)

    def is_elsewhere(self, target: Target, status: int, headers: Mapping[str, bytes], body: bytes) -> bool:
        """Whether the bucket may be in another region, which the client itself finds out, and remembers."""
        if status not in _REDIRECTS and status != _BAD_REQUEST:
            return False
        named = "x-amz-bucket-region" in headers or b"AuthorizationHeaderMalformed" in body
        if not is_amazon(self._client) or not (status in _REDIRECTS or named or target.operation == "HeadObject"):
            return False
        self._endpoints.pop(target.bucket or "", None)
        return True

    async def refuse(
        self, target: Target, status: int, headers: Mapping[str, bytes], body: bytes, note: Note
    ) -> NoReturn:
        """Raise the exception for an answer that reports an error; what it is about is put right, if it can be."""
        texts = {name: value.decode("utf-8", "surrogateescape") for name, value in headers.items()}
        said = {"status_code": status, "headers": texts, "body": answers.harmless(body)}
        model = self._client.meta.service_model.operation_model(target.operation)
        parsed = self._parser.parse(said, model.output_shape)
        await self._signing.look_at(parsed, {signing.NOTE: note})
        with translated(target):
            raise ClientError(parsed, target.operation)
        raise AssertionError  # pragma: no cover  # translated() swallows nothing


def _endpoint(found: str, region: str, service: str) -> Endpoint:
    url = urlsplit(found)
    return Endpoint(
        origin=Origin(url.hostname or "", url.port or _PORTS[url.scheme], url.scheme == "https"),
        host=url.netloc.removesuffix(f":{_PORTS[url.scheme]}"),
        path=url.path.rstrip("/") + "/",
        region=region,
        service=service,
    )


def document(body: bytes) -> ET.Element | None:
    """Return the XML in the body of an answer of success; None, if there is none.

    It may say that it is no success: S3 may notice too late. One that breaks off, or can't be parsed, counts as such an
    Error.
    """
    text = answers.harmless(body)
    if not text:
        return None
    try:
        return ET.fromstring(text)  # noqa: S314  # harmless() lets no DOCTYPE through
    except ET.ParseError:
        return ET.Element("Error")
