"""An aiobotocore client with the guards that its defaults lack."""

# aiobotocore has no types.
# pyright: reportUnknownMemberType=false, reportIncompatibleMethodOverride=false

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import AioSession
from aiohttp.client_proto import ResponseHandler
from botocore import UNSIGNED
from botocore.handlers import convert_body_to_file_like_object

from s3_bucket import _config, _vendors
from s3_bucket._async._botocore import answers, signing
from s3_bucket._async._pace import SLOWEST, Pace
from s3_bucket.events import answered

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from s3_bucket._config import Settings
    from s3_bucket._models import Buffer

_log = logging.getLogger("s3_bucket")

WRITE_SIZE = 64 * 1024
"""Bytes of a body that are given to the connection at a time: so its pace is seen, and the event loop not held up."""
LONGEST_ERROR = 1024 * 1024
"""Bytes of an answer with an error that are received."""
LONGEST_ANSWER = 64 * 1024 * 1024
"""Bytes of any other answer that are received, objects' bodies aside."""
KEPT_ALIVE = 10
"""Windows of read_timeout for which white space passes for a sign of life: S3 sends nothing else while it completes a
large multipart upload, which may take minutes."""

_CRC32 = "x-amz-checksum-crc32"
_MD5 = "s3-bucket-md5"
"""The name under which a request's context says that it shall have a Content-MD5."""
_FIRST_ERROR = 300


class GuardedSession(AIOHTTPSession):  # type: ignore[misc]  # aiobotocore has no types
    """aiobotocore's HTTP session, whose requests are sent once, and to nobody but the endpoint."""

    async def _get_session(self, proxy_url: str | None) -> _GuardedRequests:
        return _GuardedRequests(await super()._get_session(proxy_url))


class _GuardedRequests:
    """The one method of aiohttp's session that aiobotocore calls."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        # aiohttp sends idempotent requests a second time by itself, and attempts would be counted double.
        session._retry_connection = False  # noqa: SLF001
        session._response_class = _Answer  # noqa: SLF001
        connector: Any = session.connector
        connector._factory = partial(_Connection, loop=asyncio.get_running_loop())  # noqa: SLF001

    async def request(self, method: str, **arguments: Any) -> aiohttp.ClientResponse:
        # A redirect would be followed to any host, and take the session token and the body with it.
        arguments["allow_redirects"] = False
        data = arguments.get("data")
        limits = self._session.timeout
        window = limits.sock_read or 0.0
        # aiohttp's own read timeout does not run while a body is sent, nor after a "100 Continue", and begins anew with
        # each byte of a header.
        async with Pace(window, (limits.sock_connect or 0.0) + window) as pace:
            if data is not None and not _is_short(data, window):
                arguments["data"] = _paced(data, pace)
            try:
                answer: Any = await self._session.request(method, **arguments)
            except aiohttp.ClientResponseError as error:  # it is no HTTP; what it is may repeat what was sent
                error.message = re.split("[:'\"]", error.message, maxsplit=1)[0]
                raise error from None
        answer.window = window
        return cast("aiohttp.ClientResponse", answer)


def _is_short(data: Any, window: float) -> bool:
    """Whether even the slowest peer takes the body within one window: it goes in one piece, with the headers."""
    return isinstance(data, bytes | bytearray) and len(data) <= min(WRITE_SIZE, SLOWEST * window)


async def _paced(data: Any, pace: Pace) -> AsyncIterator[Buffer]:
    """Cut a body into pieces; the next one is asked for when the connection has taken the one before."""
    async for piece in _pieces(data):
        yield piece
        pace.moved(len(piece))
    pace.restart()


async def _pieces(data: Any) -> AsyncIterator[Buffer]:
    if isinstance(data, bytes | bytearray):
        view = memoryview(data)
        for at in range(0, len(view), WRITE_SIZE):
            yield view[at : at + WRITE_SIZE]
    elif hasattr(data, "__aiter__"):  # of call() only, like the next: with a checksum in a trailer
        async for piece in data:
            yield piece
    else:
        while piece := await asyncio.to_thread(data.read, WRITE_SIZE):
            yield piece


class _Connection(ResponseHandler):
    """A connection, which is asked for nothing more once bytes have come on it that nobody has asked for.

    They may be another answer: taken for that to the next request, it would be another object's.
    """

    def set_response_params(self, **parameters: Any) -> None:
        unasked = bool(self._buffer or self._tail)
        self._buffer.clear()
        self._tail = b""
        super().set_response_params(**parameters)
        if unasked:
            self.abort()
            self.set_exception(aiohttp.ServerDisconnectedError("the server sent more than it was asked for"))


class _Answer(aiohttp.ClientResponse):
    """An answer. aiobotocore calls read() once for all that is no object's body, and for nothing else."""

    window: float
    """Seconds of read_timeout."""

    async def read(self) -> bytes:
        try:
            return answers.harmless(await self._received())
        except BaseException:
            self.close()
            raise

    async def _received(self) -> bytes:
        """Receive it; nothing, if it is longer than any answer of S3's."""
        most = LONGEST_ERROR if self.status >= _FIRST_ERROR else LONGEST_ANSWER
        patience = asyncio.get_running_loop().time() + KEPT_ALIVE * self.window
        received, blank = bytearray(), True
        async with Pace(self.window) as pace:
            while chunk := await self.content.readany():
                received += chunk
                blank = blank and chunk.isspace()
                if len(received) > most:
                    self.close()
                    return b""
                if blank and asyncio.get_running_loop().time() < patience:
                    pace.restart()
                pace.moved(len(chunk))
        return bytes(received)


async def open_client(settings: Settings) -> tuple[Any, signing.Signing]:
    """Return a client for these settings, and how it signs; no connection is opened yet.

    botocore reads the service's model, the configuration files and perhaps asks for credentials: 200 ms that would hold
    up the event loop. Nothing of it is bound to a loop, so all of it happens in a thread, on a loop of its own. In
    asyncio's debug mode, that loop would complain of being held up, though nobody else is on it.
    """
    return await asyncio.to_thread(lambda: asyncio.run(_opened(settings), debug=False))


async def _opened(settings: Settings) -> tuple[Any, signing.Signing]:
    session = AioSession(profile=settings.profile)
    _share_loader(session)
    # An odd date hides no object: botocore would refuse the whole listing.
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=answers.time)
    needed = _config.fitted(settings, settings.endpoint_url)
    client = await _created(session, needed)
    # Only now it is known what the environment or a profile says of the endpoint.
    found = _config.fitted(settings, str(client.meta.endpoint_url))
    if settings.endpoint_url is None and found != needed:
        await client.close()
        client = await _created(session, found)
    _guard(client)
    signs = signing.install(client, settings.connect_timeout + settings.read_timeout)
    if settings.verify is False:
        _warn(str(client.meta.endpoint_url))
    return client, signs


async def _created(session: AioSession, settings: Settings) -> Any:
    context = session.create_client(
        "s3",
        region_name=settings.region,
        endpoint_url=settings.endpoint_url,
        verify=None if settings.verify is True else settings.verify,
        aws_access_key_id=settings.aws_access_key_id,
        aws_secret_access_key=settings.aws_secret_access_key,
        aws_session_token=settings.aws_session_token,
        config=_client_config(settings),
    )
    return await context.__aenter__()


_warned: set[str] = set()


def _warn(endpoint: str) -> None:
    """Say once for each endpoint that anybody may stand in between."""
    if endpoint.startswith("https:") and endpoint not in _warned:
        _warned.add(endpoint)
        _log.warning("verify=False: whoever stands between here and %s can read and change everything", endpoint)


_loaders: dict[str | None, Any] = {}


def _share_loader(session: AioSession) -> None:
    """Let all sessions read the service's model, of 1.5 MB, once."""
    path = session.get_config_variable("data_path")
    if path not in _loaders:
        loader = session.get_component("data_loader")
        # botocore looks into each of the 400 services' directories, for 40 ms, before it opens the one that is wanted.
        loader.list_available_services = partial(_names, loader.search_paths)
        _loaders[path] = loader
    session.register_component("data_loader", _loaders[path])


def _names(directories: Sequence[str], _type_name: str) -> list[str]:
    """Return the names of all that lies in those directories that there are, whatever type it is of."""
    there = [path for path in map(Path, directories) if path.is_dir()]
    return [found.name for path in there for found in path.iterdir()]


def is_amazon(client: Any) -> bool:
    """Whether the client talks to Amazon's S3, not to another endpoint."""
    return _vendors.by_host(str(client.meta.endpoint_url)) is _vendors.AWS


def _client_config(settings: Settings) -> AioConfig:
    options: dict[str, Any] = {}
    if settings.anonymous:
        options["signature_version"] = UNSIGNED
    if settings.addressing_style != "auto":
        options["s3"] = {"addressing_style": settings.addressing_style}
    return AioConfig(
        http_session_cls=GuardedSession,
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
        # Twice: where an answer doesn't say its length, HEAD is asked for it while that answer waits.
        max_pool_connections=2 * settings.max_concurrency,
        # One attempt: retries are made and counted above the ObjectStore seam.
        retries={"mode": "standard", "total_max_attempts": 1},
        # Uploads carry a CRC32 of ours in a header; botocore's own would come in a trailer, which many vendors refuse.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_supported",
        user_agent_extra="s3-bucket",
        **options,
    )


def _guard(client: Any) -> None:
    events = client.meta.events
    events.register("before-call.s3.HeadBucket", _without_redirector)
    if not is_amazon(client):
        events.register("before-call.s3", _without_redirector)
    events.register("before-sign.s3", _trust_checksum)
    events.register("before-send.s3", _without_expect)
    events.register("after-call.s3", _tell_status)
    events.register("before-parameter-build.s3.DeleteObjects", _note_md5)
    events.register("before-sign.s3.DeleteObjects", _with_md5)
    for operation in ("PutObject", "UploadPart"):  # bytes stay bytes: they are cut and watched in _GuardedRequests
        events.unregister(f"before-parameter-build.s3.{operation}", convert_body_to_file_like_object)


def _tell_status(http_response: Any, **_: Any) -> None:
    answered.set(http_response.status_code)


def _without_redirector(params: Mapping[str, Any], **_: Any) -> None:
    """Keep botocore's region redirector from asking again.

    It asks HeadBucket for the region, which may be redirected too, and so on until the stack ends. Endpoints other than
    Amazon's have no regions to be redirected to.
    """
    params["context"].setdefault("s3_redirect", {})["redirected"] = True


def _trust_checksum(request: Any, **_: Any) -> None:
    """Don't hash a body over TLS that has a checksum: so botocore does it, too, where the checksum is of its making."""
    if _CRC32 in request.headers:
        checksum = request.context.setdefault("checksum", {})
        checksum.setdefault("request_algorithm", {"in": "header", "name": _CRC32})


def _without_expect(request: Any, **_: Any) -> None:
    """Don't wait for "100 Continue": aiohttp would, for ever, and not every server sends it."""
    request.headers.pop("Expect", None)


def _note_md5(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    """Note that a Content-MD5 was asked for: DeleteObjects has lost the parameter, and some vendors want the header."""
    context[_MD5] = params.pop("ContentMD5", None) is not None


def _with_md5(request: Any, **_: Any) -> None:
    """Give the request a Content-MD5 instead of botocore's checksum, if that was asked for."""
    if not request.context.get(_MD5):
        return
    for name in [name for name in request.headers if name.lower().startswith(("x-amz-checksum-", "x-amz-sdk-"))]:
        del request.headers[name]
    digest = hashlib.md5(request.data, usedforsecurity=False).digest()
    request.headers["Content-MD5"] = base64.b64encode(digest).decode()
