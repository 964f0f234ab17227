"""The same call through both engines, to one server that writes down what arrives."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import pytest_asyncio
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import s3_bucket as S3
from s3_bucket._async import _retry
from tests.certificates import self_signed
from tests.engine import ENGINES
from tests.guards.script import BUCKET, Script, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from tests.guards.script import Request

MIB = 1024 * 1024
SETTINGS: dict[str, Any] = {"part_size": 5 * MIB, "max_attempts": 2, "read_timeout": 20.0}
SECRET = "test-secret"
NOWHERE = "s3.example"
"""A name that leads to this computer while a test of virtual addressing runs."""

BY_DESIGN = {
    "user-agent": "says who sends it",
    "accept": "aiohttp's own; S3 reads none",
    "accept-encoding": "aiohttp sends its own besides; neither engine decodes what comes",
    "amz-sdk-invocation-id": "botocore counts its own attempts, of which there is one",
    "amz-sdk-request": "as above",
    "x-amz-date": "the second in which it was signed",
    "authorization": "what is signed is compared, and each signature made anew",
}


@dataclass(frozen=True)
class Arrived:
    """One request, as far as both engines must send it alike."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    signed: list[str]
    body: bytes = field(repr=False)

    @classmethod
    def of(cls, request: Request) -> Arrived:
        """Return it, when its signature has been found to be right."""
        path, _, query = request.target.partition("?")
        headers = {name: value for name, value in request.headers.items() if name not in BY_DESIGN}
        if request.method not in {"PUT", "POST"} and headers.get("content-length") == "0":
            del headers["content-length"]  # aiohttp says it, too, where nobody expects a body (RFC 9110, 8.6)
        signed = [name for name in signed_headers(request) if name not in BY_DESIGN]
        pairs = sorted(parse_qsl(query, keep_blank_values=True))
        return cls(request.method, path, pairs, headers, signed, request.body)


@dataclass(frozen=True)
class Seen:
    """What came of one call: the requests, whose order is left to chance where several go at a time, and the result."""

    requests: list[Arrived]
    result: Any


def signed_headers(request: Request) -> list[str]:
    """Return the names of the headers that a request's signature covers."""
    authorization = request.headers.get("authorization", "")
    return authorization.partition("SignedHeaders=")[2].partition(",")[0].split(";") if authorization else []


def check_signature(request: Request) -> None:
    """Make the signature anew, as botocore does, and compare; compare the body with its hash, too."""
    hashed = request.headers.get("x-amz-content-sha256")
    assert hashed in {None, "UNSIGNED-PAYLOAD", hashlib.sha256(request.body).hexdigest()}
    if "authorization" not in request.headers:
        return
    named = signed_headers(request)
    assert {"host", "x-amz-date", "x-amz-content-sha256"} <= set(named)
    authorization = request.headers["authorization"]
    region, service = authorization.split("/")[2:4]
    headers = {name: request.headers[name] for name in named}
    again = AWSRequest(request.method, f"http://{request.headers['host']}{request.target}", headers)
    again.context["timestamp"] = request.headers["x-amz-date"]
    auth = S3SigV4Auth(Credentials("test-key-id", SECRET), service, region)
    signature = auth.signature(auth.string_to_sign(again, auth.canonical_request(again)), again)
    assert authorization.endswith(f"Signature={signature}")


def told(error: BaseException) -> Any:
    """Return all that an exception says."""
    assert isinstance(error, S3.BucketException), error
    said = {name: getattr(error, name) for name in ("attempts", "answer_lost", "sent")} | vars(error)
    notes = said.pop("__notes__", [])
    return type(error).__name__, str(error), notes, dict(sorted(said.items(), key=lambda item: item[0]))


def differences(one: Seen, other: Seen) -> list[str]:
    """Say in what the two differ."""
    found = []
    if [each.method for each in one.requests] != [each.method for each in other.requests]:
        found.append(f"requests: {[each.method for each in one.requests]}, {[each.method for each in other.requests]}")
    for mine, theirs in zip(one.requests, other.requests, strict=False):
        for name in Arrived.__dataclass_fields__:
            values = [getattr(each, name) for each in (mine, theirs)]
            if name == "headers":
                values = [
                    sorted(each.items() - again.items()) for each, again in zip(values, values[::-1], strict=True)
                ]
            if values[0] != values[1]:
                found.append(f"{mine.method} {name}: {str(values[0])[:500]}, {str(values[1])[:500]}")
    if one.result != other.result:
        found.append(f"result: {one.result}, {other.result}")
    return found


class Both:
    """Makes calls through both engines and compares."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.verify = ""
        """The file with the server's certificate."""
        self._held: dict[tuple[str, str], S3.AsyncBucket] = {}

    def bucket(self, engine: str, **settings: Any) -> S3.AsyncBucket:
        """Return a bucket of that engine, which shares its client with all of the same settings."""
        given = {"endpoint_url": self.script.url, **SETTINGS, **settings, "engine": engine}
        return self._held.setdefault((engine, repr(sorted(settings.items()))), S3.AsyncBucket(BUCKET, **given))

    async def seen(
        self,
        engine: str,
        call: Callable[[S3.AsyncBucket], Awaitable[Any]],
        prepare: Callable[[Script], Any] = lambda _: None,
        **settings: Any,
    ) -> Seen:
        """Make the call through one engine, at a server as it was in the beginning."""
        script = self.script
        for kept in (script.answers, script.objects, script.parts, script.etags, script.metadata, script.requests):
            kept.clear()
        prepare(script)
        bucket = self.bucket(engine, **settings)
        (await bucket._store())._credit = 0  # whatever was answered before
        try:
            result = await call(bucket)
        except S3.BucketException as error:
            result = told(error)
        for request in script.requests:
            check_signature(request)
        arrived = [Arrived.of(request) for request in script.requests]
        return Seen(sorted(arrived, key=lambda each: (each.method, each.path, each.query, repr(each.headers))), result)

    async def alike(
        self,
        call: Callable[[S3.AsyncBucket], Awaitable[Any]],
        prepare: Callable[[Script], Any] = lambda _: None,
        of_result: Callable[[Any], Any] = lambda result: result,
        **settings: Any,
    ) -> Seen:
        """Make the call through each engine; return what was seen, which must be the same."""
        one, other = [await self.seen(engine, call, prepare, **settings) for engine in ENGINES]
        one, other = (Seen(each.requests, of_result(each.result)) for each in (one, other))
        found = differences(one, other)
        assert not found, "\n".join(found)
        return one

    async def aclose(self) -> None:
        """Close all buckets."""
        for bucket in self._held.values():
            await bucket.aclose()


@asynccontextmanager
async def comparing(context: Any = None) -> AsyncIterator[Both]:
    """Run the server."""
    async with serving(context) as script:
        both = Both(script)
        yield both
        await both.aclose()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def both() -> AsyncIterator[Both]:
    """Return what compares both engines, over HTTP."""
    async with comparing() as both:
        yield both


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def both_secure(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Both]:
    """Return what compares both engines, over HTTPS."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    async with comparing(self_signed(path)) as both:
        both.verify = str(path)
        yield both


@pytest.fixture(autouse=True)
def nothing_by_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let retries not wait, and tokens be the same."""
    monkeypatch.setattr(_retry, "FIRST_DELAY", 0.0)
    monkeypatch.setattr(secrets, "token_hex", lambda size: "ab" * size)


@pytest.fixture
def named_host(both: Both, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return an endpoint by a name, all of whose names below it lead to the server."""
    port = urlsplit(both.script.url).port
    real = asyncio.BaseEventLoop.getaddrinfo

    async def getaddrinfo(loop: asyncio.BaseEventLoop, host: Any, *arguments: Any, **keywords: Any) -> Any:
        if str(host).endswith(NOWHERE):
            return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port))]
        return await real(loop, host, *arguments, **keywords)

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return f"http://{NOWHERE}:{port}"
