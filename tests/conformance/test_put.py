"""What put() takes, and what it keeps of it."""

from __future__ import annotations

import io
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import anyio
import pytest

import s3_bucket as S3
from tests.conformance.conftest import PART, drip

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="session")

SIZES = (0, 1, PART - 1, PART, PART + 1, 2 * PART, PART * 5 // 2)


def pieces(data: bytes) -> Iterator[bytes]:
    """Give the bytes piece by piece."""
    for at in range(0, len(data), 600_000):
        yield data[at : at + 600_000]


def mixed(data: bytes) -> Iterator[bytes | bytearray | memoryview]:
    """Give the bytes in all types that a piece can have, empty ones between them."""
    half = len(data) // 2
    yield b""
    yield bytearray(data[:half])
    yield memoryview(b"")
    yield memoryview(data)[half:]
    yield b""


def every_second(data: bytes) -> memoryview:
    """Return a view of the bytes that is not contiguous."""
    spread = bytearray(2 * len(data))
    spread[::2] = data
    return memoryview(spread)[::2]


def words(data: bytes) -> memoryview:
    """Return a view of the bytes whose items are two bytes long, where their number allows."""
    return memoryview(data).cast("H") if len(data) % 2 == 0 else memoryview(data)


async def written(directory: Path, data: bytes, before: bytes = b"") -> Path:
    """Write a file."""
    await anyio.Path(directory / "data").write_bytes(before + data)
    return directory / "data"


async def open_at_offset(data: bytes, directory: Path, stack: AsyncExitStack) -> Any:
    """Return a file that stands at its fourth byte."""
    file = (await written(directory, data, b"not!")).open("rb", buffering=0)
    stack.callback(file.close)
    file.seek(4)
    return file


async def open_async(data: bytes, directory: Path, stack: AsyncExitStack) -> Any:
    """Return an async file that stands at its fourth byte."""
    file = await anyio.open_file(await written(directory, data, b"not!"), "rb")
    stack.push_async_callback(file.aclose)
    await file.seek(4)
    return file


def at_hand(make: Callable[[bytes], Any]) -> Any:
    """Return a kind that needs no file."""

    async def give(data: bytes, _directory: Path, _stack: AsyncExitStack) -> Any:
        return make(data)

    return give


async def path(data: bytes, directory: Path, _: AsyncExitStack) -> Path:
    """Return a path."""
    return await written(directory, data)


async def async_path(data: bytes, directory: Path, _: AsyncExitStack) -> anyio.Path:
    """Return a path of anyio's."""
    return anyio.Path(await written(directory, data))


KINDS: dict[str, Any] = {
    "bytes": at_hand(bytes),
    "bytearray": at_hand(bytearray),
    "memoryview": at_hand(memoryview),
    "memoryview-of-words": at_hand(words),
    "memoryview-with-gaps": at_hand(every_second),
    "path": path,
    "async-path": async_path,
    "file": open_at_offset,
    "async-file": open_async,
    "BytesIO": at_hand(io.BytesIO),
    "list": at_hand(lambda data: list(pieces(data))),
    "generator": at_hand(pieces),
    "mixed-generator": at_hand(mixed),
    "async-generator": at_hand(drip),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_kinds(bucket: S3.AsyncBucket, kind: str, data: bytes, tmp_path: Path) -> None:
    """Whatever kind of data is given, empty, short or of several parts, the same bytes come back."""
    for size in (0, 3, len(data)):
        async with AsyncExitStack() as stack:
            info = await bucket.put("key", await KINDS[kind](data[:size], tmp_path, stack))
        assert info.size == size
        got = await bucket.get("key")
        assert got.data == data[:size]
        assert got.info.etag == info.etag


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["bytes", "path", "async-generator"])
async def test_sizes(bucket: S3.AsyncBucket, kind: str, size: int, data: bytes, tmp_path: Path) -> None:
    """At each border of parts no byte is lost or doubled, and one part too few makes no multipart upload."""
    async with AsyncExitStack() as stack:
        info = await bucket.put("key", await KINDS[kind](data[:size], tmp_path, stack))
    assert (await bucket.get("key")).data == data[:size]
    assert ("-" in info.etag) == (size > PART)


@pytest.mark.parametrize("text", ["", "plain", "äöü € 😀 \x00\r\n", "é" * (PART // 2 + 1)])
async def test_texts(bucket: S3.AsyncBucket, text: str) -> None:
    """A str is stored as UTF-8, and its size is counted in bytes."""
    info = await bucket.put("text", text)
    assert (await bucket.get("text")).data == text.encode()
    assert info.size == len(text.encode())


async def test_files_stay_open(bucket: S3.AsyncBucket, data: bytes) -> None:
    """A file that was given is read to its end and left open."""
    file = io.BytesIO(data)
    await bucket.put("file", file)
    assert file.tell() == len(data)
    assert not file.closed


async def bad_pieces() -> AsyncIterator[Any]:
    """Give a text in the middle of bytes."""
    yield b"bytes"
    yield "text"


@pytest.mark.parametrize(
    "make",
    [
        lambda: None,
        lambda: 5,
        lambda: {"a": 1},
        lambda: "half of a pair: \ud800",
        lambda: io.StringIO("text"),
        lambda: ["text"],
        lambda: [b"one", None, b"two"],
        lambda: [1, 2, 3],
        bad_pieces,
    ],
    ids=["None", "int", "dict", "surrogate", "StringIO", "texts", "None-between", "ints", "async-text"],
)
async def test_refused_data(bucket: S3.AsyncBucket, make: Callable[[], Any], uploads: Callable[[], Any]) -> None:
    """What is not bytes is refused by an InvalidInput that names the argument, and nothing is stored of it."""
    with pytest.raises(S3.InvalidInput) as raised:
        await bucket.put("key", make())
    assert raised.value.argument == "data"
    assert not await bucket.exists("key")
    assert await uploads() == []


@pytest.mark.parametrize("gap", [every_second(b"abc"), words(b"abcd")], ids=["gaps", "words"])
async def test_odd_pieces(bucket: S3.AsyncBucket, gap: memoryview) -> None:
    """A piece may be any memoryview, as data that is given whole may be."""
    await bucket.put("key", [b">", gap, b"<"])
    assert (await bucket.get("key")).data == b">" + gap.tobytes() + b"<"


@pytest.mark.parametrize("before", [0, 1, PART + 1, 2 * PART + 1])
async def test_a_source_that_fails(
    bucket: S3.AsyncBucket, before: int, data: bytes, uploads: Callable[[], Any]
) -> None:
    """What a source of data raises comes out as it is, the old object stays, and no upload is left behind."""
    await bucket.put("key", "old")

    async def failing() -> AsyncIterator[bytes]:
        async for piece in drip(data[:before]):
            yield piece
        raise LookupError("the source's own")

    with pytest.raises(LookupError, match="the source's own"):
        await bucket.put("key", failing())
    assert (await bucket.get("key")).data == b"old"
    assert await uploads() == []


async def test_a_generator_is_closed(bucket: S3.AsyncBucket, absent: S3.AsyncBucket, data: bytes) -> None:
    """An async generator's finally block has run when the call ends, also when the call fails half way."""
    closed = []

    async def source() -> AsyncIterator[bytes]:
        try:
            async for piece in drip(data):
                yield piece
        finally:
            closed.append(True)

    await bucket.put("key", source())
    with pytest.raises(S3.NoSuchBucket):
        await absent.put("key", source())
    assert closed == [True, True]


HEADERS: dict[str, Any] = {
    "content_type": "text/x-odd; charset=utf-8",
    "cache_control": "max-age=60, private",
    "content_disposition": 'attachment; filename="a b.txt"',
    "content_encoding": "gzip",
    "content_language": "de, en",
    "storage_class": "STANDARD_IA",
}


@pytest.mark.parametrize("size", [3, PART + 1])
async def test_headers(bucket: S3.AsyncBucket, size: int, data: bytes) -> None:
    """Every header given comes back from put, get and head, from one PUT as from a multipart upload."""
    expires = datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    put = await bucket.put(
        "key", data[:size], metadata={"Owner": "me", "x-y": "a  b=c; d", "empty": ""}, expires=expires, **HEADERS
    )
    got = await bucket.get("key")
    assert got.data == data[:size]
    for info in (put, got.info, await bucket.head("key")):
        assert {name: getattr(info, name) for name in HEADERS} == HEADERS
        assert info.expires == "Wed, 02 Jan 2030 01:04:05 GMT"
        assert info.size == size
        assert info.key == "key"
    assert got.metadata == got.info.metadata == {"owner": "me", "x-y": "a  b=c; d", "empty": ""}


async def test_underscores_in_metadata(bucket: S3.AsyncBucket) -> None:
    """A metadata name comes back with its underscores."""
    await bucket.put("key", "data", metadata={"a_b": "c"})
    assert (await bucket.head("key")).metadata == {"a_b": "c"}


@pytest.mark.parametrize("size", [3, PART + 1])
async def test_encryption(bucket: S3.AsyncBucket, size: int, data: bytes) -> None:
    """Put, get and head say that the server encrypts the object, if it was told to."""
    put = await bucket.put("key", data[:size], encryption="AES256")
    got = await bucket.get("key")
    assert got.data == data[:size]
    assert [info.encryption for info in (put, got.info, await bucket.head("key"))] == ["AES256"] * 3


async def test_last_modified(bucket: S3.AsyncBucket) -> None:
    """The time of writing comes with a time zone, and is now."""
    await bucket.put("key", "data")
    modified = (await bucket.head("key")).last_modified
    assert modified is not None
    assert abs(datetime.now(UTC) - modified) < timedelta(minutes=2)


@pytest.mark.parametrize(
    ("key", "content_type"),
    [
        ("a.html", "text/html"),
        ("a/b.json", "application/json"),
        ("a.tar.gz", "application/gzip"),
        ("a.unheard-of", "binary/octet-stream"),
    ],
)
async def test_guessed_types(bucket: S3.AsyncBucket, key: str, content_type: str) -> None:
    """The content type is guessed from the key; where nothing can be guessed it is the server's default."""
    await bucket.put(key, "data")
    assert (await bucket.head(key)).content_type == content_type


@pytest.mark.parametrize("size", [3, PART + 1])
async def test_tags(bucket: S3.AsyncBucket, size: int, data: bytes) -> None:
    """Tags arrive whatever characters they hold."""
    tags = {"plain": "value", "with space": "a+b=c/é @_.:-", "empty": ""}
    await bucket.put("key", data[:size], tags=tags)
    answer = await bucket.call("GetObjectTagging", Key="key")
    assert {tag["Key"]: tag["Value"] for tag in answer["TagSet"]} == tags


async def test_key_management_key(bucket: S3.AsyncBucket) -> None:
    """The ARN of a KMS key stands for encryption by that key."""
    arn = "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012"
    info = await bucket.put("key", "data", encryption=arn)
    assert info.encryption == "aws:kms"
    assert (await bucket.call("HeadObject", Key="key"))["SSEKMSKeyId"] == arn


async def creates_only(bucket: S3.AsyncBucket, data: bytes) -> None:
    """Store data twice with if_absent."""
    await bucket.put("key", data, if_absent=True)
    with pytest.raises(S3.KeyAlreadyExists) as raised:
        await bucket.put("key", data[1:], if_absent=True)
    assert isinstance(raised.value, FileExistsError)
    assert (raised.value.key, raised.value.bucket) == ("key", bucket.name)
    assert (await bucket.get("key")).data == data


async def test_create_only(bucket: S3.AsyncBucket) -> None:
    """if_absent stores once; the second time it says that there is one, and changes nothing."""
    await creates_only(bucket, b"data")


async def test_create_only_of_parts(bucket: S3.AsyncBucket, data: bytes, uploads: Callable[[], Any]) -> None:
    """if_absent holds for multipart uploads, too, and leaves none behind."""
    await creates_only(bucket, data)
    assert await uploads() == []


async def replaces_only(bucket: S3.AsyncBucket, data: bytes) -> None:
    """Store data twice with if_match, which holds the first time."""
    first = await bucket.put("key", "first")
    second = await bucket.put("key", data, if_match=f'"{first.etag}"')
    with pytest.raises(S3.PreconditionFailed) as raised:
        await bucket.put("key", data[1:], if_match=first.etag)
    assert not isinstance(raised.value, S3.KeyAlreadyExists)
    assert raised.value.status == 412
    assert (await bucket.get("key", if_match=second.etag)).data == data


async def test_replace_only(bucket: S3.AsyncBucket) -> None:
    """if_match replaces the object of that etag, with or without quotes, and no other."""
    await replaces_only(bucket, b"data")


async def test_replace_only_by_parts(bucket: S3.AsyncBucket, data: bytes, uploads: Callable[[], Any]) -> None:
    """if_match holds for multipart uploads, too, and leaves none behind."""
    await replaces_only(bucket, data)
    assert await uploads() == []


async def test_replace_only_what_is_not_there(bucket: S3.AsyncBucket) -> None:
    """if_match on a missing object fails, and stores nothing."""
    with pytest.raises((S3.PreconditionFailed, S3.NoSuchKey)):
        await bucket.put("key", "data", if_match="0123456789abcdef0123456789abcdef")
    assert not await bucket.exists("key")


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("content_type", "text/plain\r\nx-evil: 1"),
        ("content_type", 5),
        ("cache_control", "ümlaut"),
        ("content_disposition", " padded "),
        ("content_encoding", "a\nb"),
        ("content_language", "\x7f"),
        ("storage_class", ""),
        ("if_match", '""'),
        ("if_match", "a\r\nb"),
        ("expires", datetime(2030, 1, 1)),  # noqa: DTZ001  # just that is refused
        ("expires", "tomorrow"),
        ("tags", {str(number): "" for number in range(11)}),
        ("tags", {"": "no name"}),
        ("tags", {"name": "v" * 257}),
        ("tags", {"n" * 129: "v"}),
        ("tags", {"name": "\ud800"}),
        ("tags", "a=b"),
        ("tags", {1: "a"}),
        ("encryption", "rot13"),
        ("encryption", 1),
        ("metadata", {"a b": "c"}),
        ("metadata", {"ü": "c"}),
        ("metadata", {"": "c"}),
        ("metadata", {"a": "ü"}),
        ("metadata", {"a": "b\r\nx-evil: 1"}),
        ("metadata", {"a": " b"}),
        ("metadata", {"a": 1}),
        ("metadata", {"a": "b", "A": "c"}),
        ("metadata", {"a": "b" * 2048}),
        ("metadata", [("a", "b")]),
    ],
)
async def test_refused_options(unreachable: S3.AsyncBucket, argument: str, value: Any) -> None:
    """An option that can't be right is refused by name, and nothing is sent."""
    options: dict[str, Any] = {argument: value}
    with pytest.raises(S3.InvalidInput) as raised:
        await unreachable.put("key", "data", **options)
    assert raised.value.argument == argument
    assert argument in str(raised.value)


async def test_contradiction(unreachable: S3.AsyncBucket) -> None:
    """No object and this object can't be wanted both."""
    with pytest.raises(S3.InvalidInput):
        await unreachable.put("key", "data", if_absent=True, if_match="etag")


@pytest.mark.parametrize(
    "value", [None, True, 0, 1.5, "ü€😀", [], {}, {"a": [1, {"b": None}]}, list(range(1000))], ids=repr
)
async def test_json(bucket: S3.AsyncBucket, value: Any) -> None:
    """A value comes back from JSON as it was, and is stored as application/json in UTF-8."""
    await bucket.put_json("value", value)
    assert await bucket.get_json("value") == value
    assert (await bucket.head("value")).content_type == "application/json"


async def test_json_options(versioned: S3.AsyncBucket) -> None:
    """put_json takes put's keywords, get_json takes get's."""
    first = await versioned.put_json("value", 1, content_type="text/x-json", metadata={"a": "b"}, if_absent=True)
    await versioned.put_json("value", 2, if_match=first.etag)
    assert (await versioned.head("value", version_id=first.version_id)).content_type == "text/x-json"
    assert await versioned.get_json("value", version_id=first.version_id) == 1
    assert await versioned.get_json("value", if_none_match=first.etag) == 2
    with pytest.raises(S3.PreconditionFailed):
        await versioned.get_json("value", if_match=first.etag)


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), {1, 2}, b"bytes", {"a": object()}], ids=lambda value: type(value).__name__
)
async def test_not_json(unreachable: S3.AsyncBucket, value: Any) -> None:
    """What JSON can't say is refused, and nothing is sent."""
    with pytest.raises(S3.InvalidInput) as raised:
        await unreachable.put_json("value", value)
    assert raised.value.argument == "value"


async def test_endless_json(unreachable: S3.AsyncBucket) -> None:
    """A value that contains itself is refused."""
    value: list[Any] = []
    value.append(value)
    with pytest.raises(S3.InvalidInput):
        await unreachable.put_json("value", value)


@pytest.mark.parametrize(
    "stored", [b"", b"{", b"\xff\xfe\xff", b"{} {}", b"[" * 100_000], ids=lambda text: repr(text[:5])
)
async def test_stored_what_is_not_json(bucket: S3.AsyncBucket, stored: bytes) -> None:
    """An object that is not JSON is an IntegrityError that names it."""
    await bucket.put("value", stored)
    with pytest.raises(S3.IntegrityError) as raised:
        await bucket.get_json("value")
    assert (raised.value.key, raised.value.bucket) == ("value", bucket.name)
