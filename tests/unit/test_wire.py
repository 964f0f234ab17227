"""WireStore where things go another way than usual: to the reference, in two steps, or wrong."""

from __future__ import annotations

import asyncio
import hashlib
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from s3_bucket import exceptions
from s3_bucket._async._botocore.store import BotocoreStore
from s3_bucket._async._wire.store import WireStore
from s3_bucket._config import Settings
from s3_bucket._store import Arrival, GetRequest, Part, PutOptions, Upload
from tests.certificates import self_signed
from tests.unit.peers import Server, serving

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

ETAG = b'ETag: "0123"\r\nx-amz-request-id: 1\r\n'
UPLOAD = Upload("bucket", "key", "id")
GET = GetRequest("bucket", "key")


def answer(status: int = 200, body: bytes = b"", headers: bytes = ETAG, *, bodiless: bool = False) -> bytes:
    """Return an answer of S3's."""
    return b"HTTP/1.1 %d So\r\n%sContent-Length: %d\r\n\r\n" % (status, headers, len(body)) + (
        b"" if bodiless else body
    )


def error(code: str, message: str = "no") -> bytes:
    """Return S3's words for a refusal."""
    return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


class Scripted:
    """A server that gives these answers, one after another, and remembers what it was asked.

    Attributes:
        bodies: of the requests; their lines and headers are the server's `heads`.
    """

    def __init__(self, *answers: bytes | Callable[[bytes], bytes]) -> None:
        self._answers = list(answers)
        self.bodies: list[bytes] = []

    async def __call__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        while True:
            head = await server.head(reader)
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            self.bodies.append(await reader.readexactly(int(length[1]) if length else 0))
            said = self._answers.pop(0)
            writer.write(said(head) if callable(said) else said)
            await writer.drain()


class Reference:
    """Stands in for the reference: remembers what it is asked for, and says that it was it."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def put_in(self, store: WireStore, monkeypatch: pytest.MonkeyPatch) -> None:
        """Take the place of the store's own."""
        reference = store._reference
        for name in ("get", "head", "stored", "delete", "put", "upload_part"):
            monkeypatch.setattr(reference, name, self._remembering(name), raising=True)

    def _remembering(self, name: str) -> Any:
        async def ask(*_: Any) -> str:
            self.asked.append(name)
            return f"the reference's {name}"

        return ask


@asynccontextmanager
async def wired(
    *answers: bytes | Callable[[bytes], bytes], context: ssl.SSLContext | None = None, **settings: Any
) -> AsyncIterator[tuple[WireStore, Server, Scripted]]:
    """Open a store whose server gives these answers."""
    script = Scripted(*answers)
    async with serving(script, context) as server:
        url = f"{'http' if context is None else 'https'}://127.0.0.1:{server.port}"
        given = Settings(**{"region": "eu-west-1", "endpoint_url": url, "read_timeout": 20.0, **settings})
        store = await WireStore.open(await BotocoreStore.open(given), given)
        try:
            yield store, server, script
        finally:
            await store.aclose()


def arrival(room: int | None = None) -> Arrival:
    """Return where an object arrives."""
    return Arrival(lambda size: memoryview(bytearray(size if room is None else min(room, size))))


def operations(body: bytes = b"hello") -> dict[str, Callable[[WireStore], Any]]:
    """Return the hot operations."""
    return {
        "get": lambda store: store.get(GET, arrival()),
        "head": lambda store: store.head(GET),
        "stored": lambda store: store.stored("bucket", "key"),
        "delete": lambda store: store.delete(GET),
        "put": lambda store: store.put("bucket", "key", body, PutOptions()),
        "upload_part": lambda store: store.upload_part(UPLOAD, 1, body),
    }


OPERATIONS = operations()


async def test_one_connection() -> None:
    """One operation after another goes over one connection, and says what the server has said."""
    head = answer(200, b"hello", ETAG + b"x-amz-meta-s3-bucket-token: t\r\n", bodiless=True)
    async with wired(answer(), answer(200, b"hello"), head, head, answer(), answer(204)) as (store, server, script):
        written = await store.put("bucket", "key", b"hello", PutOptions())
        came = arrival()
        await store.get(GET, came)
        info, stored = await store.head(GET), await store.stored("bucket", "key")
        part = await store.upload_part(UPLOAD, 1, b"hello")
        await store.delete(GET)
        assert server.accepted == 1
    assert (written.etag, bytes(came.whole().data), info.size) == ("0123", b"hello", 5)
    assert (stored.written.etag, stored.size, stored.token) == ("0123", 5, "t")
    assert (part.number, part.size) == (1, 5)
    assert script.bodies == [b"hello", b"", b"", b"", b"hello", b""]
    assert [head.split(b" ")[0] for head in server.heads] == [b"PUT", b"GET", b"HEAD", b"HEAD", b"PUT", b"DELETE"]


@pytest.mark.parametrize("name", OPERATIONS)
async def test_no_endpoint(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Where only the client can send requests to a bucket, it sends them, and nobody else does."""

    async def none(bucket: str) -> None:
        assert bucket == "bucket"

    reference = Reference()
    async with wired() as (store, server, _):
        reference.put_in(store, monkeypatch)
        monkeypatch.setattr(store._wiring, "endpoint", none)
        assert await OPERATIONS[name](store) == f"the reference's {name}"
        assert (reference.asked, server.accepted) == ([name], 0)


@pytest.mark.parametrize("name", OPERATIONS)
async def test_no_credentials(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Where there are no credentials, the reference is asked, which says what is missing; nothing is sent unsigned."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    async with wired() as (store, server, _):
        with pytest.raises(exceptions.NoCredentials):
            await OPERATIONS[name](store)
        assert server.heads == []


@pytest.mark.parametrize("name", OPERATIONS)
async def test_redirected(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A refusal that may be about the region is the reference's matter, whose client follows it."""
    reference = Reference()
    bodiless = name in {"head", "stored"}
    async with wired(answer(301, error("PermanentRedirect"), bodiless=bodiless)) as (store, _, _):
        reference.put_in(store, monkeypatch)
        monkeypatch.setattr(store._wiring, "is_elsewhere", lambda *_: True)
        assert await OPERATIONS[name](store) == f"the reference's {name}"
        assert reference.asked == [name]


@pytest.mark.parametrize("name", OPERATIONS)
async def test_no_way(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A bucket for which there is no endpoint is this library's exception, and nothing was sent."""

    async def fail(bucket: str) -> None:
        msg = "no endpoint"
        raise ValueError(msg)

    async with wired() as (store, server, _):
        monkeypatch.setattr(store._wiring, "endpoint", fail)
        with pytest.raises(exceptions.BucketException) as caught:
            await OPERATIONS[name](store)
        assert (server.accepted, caught.value.sent) == (0, False)


@pytest.mark.parametrize("name", OPERATIONS)
async def test_nobody_there(name: str) -> None:
    """A server that is not there is an error of the connection, and nothing was sent."""
    async with wired() as (store, server, _):
        pass
    given = Settings(region="eu-west-1", endpoint_url=f"http://127.0.0.1:{server.port}")
    store = await WireStore.open(await BotocoreStore.open(given), given)
    with pytest.raises(exceptions.BucketConnectionError) as caught:
        await OPERATIONS[name](store)
    assert (caught.value.sent, caught.value.retryable) == (False, True)
    await store.aclose()


@pytest.mark.parametrize("name", OPERATIONS)
async def test_refused(name: str) -> None:
    """A refusal is the exception that its code means, and the connection is used again."""
    bodiless = name in {"head", "stored"}
    refusal = answer(403, error("AccessDenied"), bodiless=bodiless)
    async with wired(refusal, refusal) as (store, server, _):
        for _ in range(2):
            with pytest.raises(exceptions.BucketAccessDenied) as caught:
                await OPERATIONS[name](store)
            assert (caught.value.key, caught.value.status) == ("key", 403)
        assert server.accepted == 1


@pytest.mark.parametrize("name", ["put", "upload_part"])
@pytest.mark.parametrize("body", [error("InternalError"), b"<html"])
async def test_success_that_is_none(name: str, body: bytes) -> None:
    """An answer of success whose body reports an error, or is broken off, is a failure that may be tried again."""
    async with wired(answer(200, body)) as (store, _, _):
        with pytest.raises(exceptions.BucketException) as caught:
            await OPERATIONS[name](store)
        assert caught.value.status in {200, 500}


@pytest.mark.parametrize("name", OPERATIONS)
async def test_foreign_success(name: str) -> None:
    """An answer of success that has nothing of S3's, as a login page has, is no success."""
    bodiless = name in {"head", "stored"}
    async with wired(answer(200, b"", b"", bodiless=bodiless)) as (store, _, _):
        with pytest.raises(exceptions.BucketException):
            await OPERATIONS[name](store)


@pytest.mark.parametrize("name", OPERATIONS)
async def test_no_http(name: str) -> None:
    """What is no HTTP is an error of the connection, as it is through the reference, and may be tried again."""
    async with wired(b"220 smtp.example\r\n") as (store, _, _):
        with pytest.raises(exceptions.BucketConnectionError, match="no HTTP") as caught:
            await OPERATIONS[name](store)
        assert caught.value.retryable


# Signed with what


async def test_token_and_new_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session's token goes along, signed; when the credentials are others, the next request is signed with those."""
    async with wired(
        answer(204),
        answer(204),
        answer(204),
        aws_session_token="token-1",
        aws_access_key_id="id-1",
        aws_secret_access_key="s",
    ) as (store, server, _):
        await store.delete(GET)
        await store.delete(GET)
        found = await store._wiring.credentials()
        monkeypatch.setattr(store._wiring, "frozen", lambda: found._replace(access_key="id-2", token=None))
        await store.delete(GET)
    first, second, third = server.heads
    for head in (first, second):
        assert b"Credential=id-1/" in head
        assert b"x-amz-security-token: token-1\r\n" in head
        assert b"x-amz-date;x-amz-security-token," in head
    assert b"Credential=id-2/" in third
    assert b"security-token" not in third


@pytest.mark.parametrize("name", OPERATIONS)
async def test_anonymous(name: str) -> None:
    """An anonymous request has no signature, and is refused like any other."""
    bodiless = name in {"head", "stored"}
    async with wired(answer(403, error("AccessDenied"), bodiless=bodiless), anonymous=True) as (store, server, _):
        with pytest.raises(exceptions.BucketAccessDenied):
            await OPERATIONS[name](store)
    assert len(server.heads) == 1
    assert b"authorization" not in server.heads[0].lower()
    assert b"x-amz-date" not in server.heads[0].lower()


@pytest.mark.parametrize("secure", [False, True])
async def test_payload(tmp_path: Path, *, secure: bool) -> None:
    """A body is signed, unless TLS and a checksum cover it."""
    context = await asyncio.to_thread(self_signed, tmp_path / "own.pem") if secure else None
    verify: Any = str(tmp_path / "own.pem") if secure else True
    body = b"hello"
    async with wired(answer(), context=context, verify=verify) as (store, server, script):
        await store.put("bucket", "key", body, PutOptions())
    payload = b"UNSIGNED-PAYLOAD" if secure else hashlib.sha256(body).hexdigest().encode()
    assert b"x-amz-content-sha256: " + payload + b"\r\n" in server.heads[0]
    assert b"x-amz-checksum-crc32: " in server.heads[0]
    assert script.bodies == [body]


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("name", ["put", "upload_part"])
async def test_refused_checksum(tmp_path: Path, name: str, *, secure: bool) -> None:
    """A vendor that refuses the checksum gets the body without one, and then with its hash in the signature."""
    context = await asyncio.to_thread(self_signed, tmp_path / "own.pem") if secure else None
    verify: Any = str(tmp_path / "own.pem") if secure else True
    refusal = answer(400, error("InvalidArgument", "x-amz-checksum-crc32?"))
    upload = Upload("bucket", "key", "id", "FULL_OBJECT")
    async with wired(refusal, answer(), context=context, verify=verify) as (store, server, script):
        if name == "put":
            await store.put("bucket", "key", b"hello", PutOptions())
        else:
            await store.upload_part(upload, 1, b"hello")
    payload = hashlib.sha256(b"hello").hexdigest().encode()
    assert b"x-amz-checksum-crc32: " in server.heads[0]
    assert b"checksum" not in server.heads[1]
    assert b"x-amz-content-sha256: " + payload in server.heads[1]
    assert script.bodies == [b"hello"] * 2


async def test_unknown_header(monkeypatch: pytest.MonkeyPatch) -> None:
    """What there is no header for here is put by the reference."""
    reference = Reference()
    async with wired() as (store, server, _):
        reference.put_in(store, monkeypatch)
        await store.put("bucket", "key", b"", PutOptions({"GrantRead": "x"}))
        assert (reference.asked, server.accepted) == (["put"], 0)


# Bodies

CHUNKED = b"HTTP/1.1 200 OK\r\n" + ETAG + b"Transfer-Encoding: chunked\r\n\r\n"


async def test_length_unknown() -> None:
    """Where the answer doesn't say how long the body is, HEAD does, while that answer waits."""
    async with wired(CHUNKED + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", answer(200, b"hello", bodiless=True)) as (
        store,
        server,
        _,
    ):
        came = arrival()
        await store.get(GET, came)
        assert (bytes(came.whole().data), came.filled) == (b"hello", 5)
        assert [head.split(b" ")[0] for head in server.heads] == [b"GET", b"HEAD"]


async def test_length_of_a_range() -> None:
    """Where only the range is told, its length is the body's."""
    partial = CHUNKED.replace(b"200", b"206").replace(b"Transfer", b"Content-Range: bytes 2-4/5\r\nTransfer")
    async with wired(partial + b"3\r\nllo\r\n0\r\n\r\n") as (store, server, _):
        came = arrival()
        await store.get(GET._replace(range=(2, 5)), came)
        assert bytes(came.whole().data) == b"llo"
        assert len(server.heads) == 1


async def test_length_unknown_and_no_head() -> None:
    """Where HEAD fails, the request fails, and the connection on which a body still waits isn't used again."""
    answers = (CHUNKED + b"2\r\nhe\r\n", answer(403, b"", bodiless=True), answer(200, b"hello"))
    async with wired(*answers) as (store, server, _):
        with pytest.raises(exceptions.BucketAccessDenied):
            await store.get(GET, arrival())
        came = arrival()
        await asyncio.wait_for(store.get(GET, came), 10)
        assert bytes(came.whole().data) == b"hello"
        assert server.accepted == 2


@pytest.mark.parametrize("body", [b"2\r\nhe\r\n0\r\n\r\n", b"6\r\nhello!\r\n0\r\n\r\n"], ids=["shorter", "longer"])
async def test_other_length(body: bytes) -> None:
    """A body of another length than HEAD has said is not taken for the object."""
    async with wired(CHUNKED + body, answer(200, b"hello", bodiless=True)) as (store, _, _):
        with pytest.raises(exceptions.IntegrityError) as caught:
            await store.get(GET, arrival())
        assert caught.value.retryable


async def test_broken_off() -> None:
    """Of a body that breaks off, what has come is in the arrival."""
    whole = answer(200, b"hello")

    async def breaks(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.head(reader)
        writer.write(whole[:-2])
        await writer.drain()

    async with serving(breaks) as server:
        given = Settings(region="eu-west-1", endpoint_url=f"http://127.0.0.1:{server.port}")
        store = await WireStore.open(await BotocoreStore.open(given), given)
        came = arrival()
        with pytest.raises(exceptions.BucketConnectionError):
            await store.get(GET, came)
        assert (came.filled, bytes(came.whole().data[:3])) == (3, b"hel")
        await store.aclose()


async def test_less_wanted() -> None:
    """Of a body longer than the buffer as much comes as there is room for, and the connection isn't used again."""
    async with wired(answer(200, b"hello"), answer(200, b"hello")) as (store, server, _):
        for _ in range(2):
            came = arrival(3)
            await store.get(GET, came)
            assert (bytes(came.whole().data), came.whole().stop) == (b"hel", 5)
        assert server.accepted == 2


@pytest.mark.parametrize("right", [True, False])
async def test_checksum(*, right: bool) -> None:
    """A whole object is compared with the CRC32 that the server keeps of it."""
    crc = b"NhCmhg==" if right else b"AAAAAA=="  # of "hello"
    headers = ETAG + b"x-amz-checksum-crc32: " + crc + b"\r\nx-amz-checksum-type: FULL_OBJECT\r\n"
    async with wired(answer(200, b"hello", headers)) as (store, _, _):
        if right:
            await store.get(GET, arrival())
        else:
            with pytest.raises(exceptions.IntegrityError):
                await store.get(GET, arrival())


async def test_not_found_is_short() -> None:
    """The body of a refusal is collected, not put into the arrival."""
    async with wired(answer(404, error("NoSuchKey"))) as (store, _, _):
        came = arrival()
        with pytest.raises(exceptions.NoSuchKey):
            await store.get(GET, came)
        assert came.piece is None


async def test_cancelled() -> None:
    """A get that is cancelled closes its connection; the next one has another, and its own answer."""
    asked = asyncio.Event()

    def note(head: bytes) -> bytes:
        asked.set()
        return b"HTTP/1.1 200 OK\r\n" + ETAG + b"Content-Length: 5\r\n\r\nhe"

    async with wired(note, answer(200, b"other")) as (store, server, _):
        task = asyncio.ensure_future(store.get(GET, arrival()))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        came = arrival()
        await store.get(GET, came)
        assert bytes(came.whole().data) == b"other"
        assert server.accepted == 2


# What the reference does

DELEGATED: dict[str, tuple[Any, ...]] = {
    "create_upload": ("bucket", "key", PutOptions()),
    "complete_upload": (UPLOAD, [Part(1, "etag")], PutOptions()),
    "abort_upload": (UPLOAD,),
    "list_uploads": ("bucket", "prefix", None),
    "head_bucket": ("bucket",),
    "create_bucket": ("bucket",),
    "call": ("bucket", "GetBucketAcl", {}),
}


@pytest.mark.parametrize("name", DELEGATED)
async def test_delegated(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """What isn't hot is asked of the reference, with the same arguments, and its word is the answer."""
    asked: list[tuple[Any, ...]] = []
    word = object()

    async def ask(*arguments: Any) -> object:
        asked.append(arguments)
        return word

    async with wired() as (store, _, _):
        monkeypatch.setattr(store._reference, name, ask)
        said = await getattr(store, name)(*DELEGATED[name])
    assert asked == [DELEGATED[name]]
    assert said in {word, None}


async def test_closed_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference is closed though closing our own connections fails."""
    closed = 0
    async with wired() as (store, _, _):
        close = store._reference.aclose

        async def fail() -> None:
            msg = "not that"
            raise LookupError(msg)

        async def note() -> None:
            nonlocal closed
            closed += 1
            await close()

        with monkeypatch.context() as patch:
            patch.setattr(store._pool, "aclose", fail)
            patch.setattr(store._reference, "aclose", note)
            with pytest.raises(LookupError):
                await store.aclose()
        assert closed == 1
