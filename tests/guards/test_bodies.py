"""What arrives is what is stored, or an error says so: never half an object, never a mixture of two."""

from __future__ import annotations

import asyncio
import base64
import re
import zlib
from typing import TYPE_CHECKING

import pytest

import s3_bucket as S3
from tests.guards.script import Reply, Request, Script, error, etag, reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SMALL = bytes(range(256)) * 100
LARGE = bytes(range(256)) * 50_000  # 12.8 MB: three parts


def crc32(data: bytes) -> str:
    """Return the checksum as S3 writes it."""
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def cut(request: Request, script: Script, keep: int, end: str) -> Reply:
    """Return the right answer, broken off after so many bytes of its body."""
    whole = script.good(request).data
    return Reply(whole[: whole.index(b"\r\n\r\n") + 4 + keep], end)


def cut_at(request: Request, script: Script, position: int, end: str) -> Reply:
    """Return the right answer, broken off at a position of the object, from whatever byte it begins."""
    return cut(request, script, max(0, position - first_byte(request)), end)


def first_byte(request: Request) -> int:
    """Return from where on the object is asked for."""
    given = re.fullmatch(r"bytes=(\d+)-\d*", request.headers.get("range", "bytes=0-"))
    assert given
    return int(given[1])


async def read_all(bucket: S3.AsyncBucket, key: str) -> bytes:
    """Read through a reader."""
    async with bucket.open_reader(key) as reader:
        return await reader.read()


async def fetched(bucket: S3.AsyncBucket, how: str, path: Path) -> bytes:
    """Return the object, in one of the ways there are."""
    if how == "get":
        return (await bucket.get("key")).data
    if how == "open_reader":
        return await read_all(bucket, "key")
    await bucket.download_file("key", path)
    return await asyncio.to_thread(path.read_bytes)


WAYS = ["get", "open_reader", "download_file"]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Return the path of a file that a download is to replace."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    return path


def is_as_it_was(old: Path) -> bool:
    """Whether the old file is there, and nothing beside it."""
    return old.read_bytes() == b"old" and list(old.parent.iterdir()) == [old]


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("end", ["fin", "rst"])
@pytest.mark.parametrize("keep", [0, 1, len(SMALL) - 1])
async def test_cut_short(how: str, end: str, keep: int, script: Script, bucket: S3.AsyncBucket, old: Path) -> None:
    """A body that is shorter than its Content-Length is an error, after all attempts; the old file stays."""
    script.objects["key"] = SMALL
    script.answers["key"] = lambda request: cut_at(request, script, keep, end)
    with pytest.raises(S3.BucketException) as caught:
        await fetched(bucket, how, old)
    assert caught.value.retryable
    assert caught.value.attempts == len(script.requests) == 2
    assert await asyncio.to_thread(is_as_it_was, old)


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("end", ["fin", "rst"])
@pytest.mark.parametrize("keep", [1, 12_800, len(SMALL) - 1])
async def test_resumed(how: str, end: str, keep: int, script: Script, bucket: S3.AsyncBucket, old: Path) -> None:
    """A body that is cut is taken up from its last byte, in the same version; nothing is fetched twice."""
    script.objects["key"] = SMALL
    faults = [keep]
    script.answers["key"] = lambda request: cut(request, script, faults.pop(), end) if faults else script.good(request)
    assert await fetched(bucket, how, old) == SMALL
    whole, rest = script.requests
    assert "range" not in whole.headers
    # A reset throws away what the reader's system had received and not handed over yet.
    assert first_byte(rest) == keep if end == "fin" else first_byte(rest) in {0, keep}
    assert end == "rst" or rest.headers["if-match"] == f'"{etag(SMALL)}"'


@pytest.mark.parametrize("how", WAYS)
async def test_resumed_often(how: str, script: Script, bucket: S3.AsyncBucket, old: Path) -> None:
    """A server that cuts every body after two MiB costs more requests, but no failure: each brings something."""
    script.objects["key"] = LARGE
    script.answers["key"] = lambda request: cut(request, script, 2 * 1024 * 1024, "fin")
    assert await fetched(bucket, how, old) == LARGE


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("honest", [True, False])
async def test_replaced_before_it_is_resumed(
    how: str, script: Script, bucket: S3.AsyncBucket, old: Path, *, honest: bool
) -> None:
    """If the object was replaced after its body was cut, the new version comes, whole."""
    script.objects["key"] = SMALL
    faults = [12_800]

    def answer(request: Request) -> Reply:
        if faults:
            first = cut(request, script, faults.pop(), "fin")
            script.objects["key"] = SMALL[::-1]
            return first
        if honest and request.headers.get("if-match") not in {None, f'"{etag(SMALL[::-1])}"'}:
            return error(412, "PreconditionFailed")
        return script.good(request)

    script.answers["key"] = answer
    assert await fetched(bucket, how, old) == SMALL[::-1]


@pytest.mark.parametrize("how", WAYS)
async def test_a_resumed_body_is_compared(how: str, script: Script, bucket: S3.AsyncBucket, old: Path) -> None:
    """What comes in two answers has the checksum of the whole, or is an error."""
    script.objects["key"] = SMALL
    wrong = {"x_amz_checksum_crc32": crc32(SMALL + b"x"), "x_amz_checksum_type": "FULL_OBJECT"}

    def answer(request: Request) -> Reply:
        if "range" in request.headers:
            return script.good(request)
        return reply(200, SMALL[:100], length=len(SMALL), end="fin", ETag=f'"{etag(SMALL)}"', **wrong)

    script.answers["key"] = answer
    with pytest.raises(S3.IntegrityError, match="CRC32"):
        await fetched(bucket, how, old)
    assert await asyncio.to_thread(is_as_it_was, old)


@pytest.mark.parametrize("how", WAYS)
async def test_cut_short_once(how: str, script: Script, bucket: S3.AsyncBucket, old: Path) -> None:
    """What broke off is asked for again, and is whole then."""
    script.objects["key"] = LARGE
    left = [1, 2, 3]
    script.answers["key"] = lambda request: (
        (cut(request, script, 1_000, "rst") if left.pop() == 2 else script.good(request))
        if left
        else script.good(request)
    )
    assert await fetched(bucket, how, old) == LARGE


@pytest.mark.parametrize("how", WAYS)
async def test_cut_short_without_a_length(how: str, script: Script, bucket: S3.AsyncBucket, old: Path) -> None:
    """A body of unknown length that ends early does not pass for a whole one: HEAD's size decides."""
    script.objects["key"] = SMALL

    def answer(request: Request) -> Reply:
        if request.method == "HEAD":
            return script.good(request)
        more = {"Content_Range": f"bytes 0-{len(SMALL) - 1}/{len(SMALL)}"} if "range" in request.headers else {}
        return reply(206 if more else 200, SMALL[:-7], length=None, end="fin", ETag=f'"{etag(SMALL)}"', **more)

    script.answers["key"] = answer
    with pytest.raises(S3.IntegrityError):
        await fetched(bucket, how, old)
    assert await asyncio.to_thread(is_as_it_was, old)


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_whole_without_a_length(concurrency: int, script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """A body of unknown length that is whole is taken, and asking for its length waits for no connection."""
    data = SMALL * 40  # more than is received ahead
    script.objects["key"] = data
    script.answers["GetObject"] = lambda _: reply(200, data, length=None, end="fin", ETag=f'"{etag(data)}"')
    bucket = make(max_concurrency=concurrency)
    async with asyncio.timeout(10):
        got = await asyncio.gather(*(bucket.get("key") for _ in range(5)))
    assert {result.data for result in got} == {data}


async def test_chunks_without_the_last(script: Script, bucket: S3.AsyncBucket) -> None:
    """A chunked body without its final chunk is not whole."""
    script.objects["key"] = SMALL
    body = b"%x\r\n" % len(SMALL) + SMALL + b"\r\n"
    script.answers["GetObject"] = lambda _: reply(
        200, body, length=None, end="fin", ETag='"e"', Transfer_Encoding="chunked"
    )
    with pytest.raises(S3.BucketException):
        await bucket.get("key")


@pytest.mark.parametrize("data", [b"12345", LARGE[:300_000]], ids=["short", "long"])
async def test_more_than_the_length(data: bytes, script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """Bytes beyond Content-Length are not the object's, and don't poison the next answer."""
    more = reply(200, b"evil", ETag='"x"').data
    script.answers["key"] = lambda _: reply(200, data + more, length=len(data), ETag='"e"')
    script.objects["next"] = b"next"
    bucket = make(max_concurrency=1)
    for _ in range(3):
        assert (await bucket.get("key")).data == data
        assert (await bucket.get("next")).data == b"next"


async def test_more_than_the_last_chunk(script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """Bytes behind the last chunk don't poison the next answer, however many of them come at a time."""
    script.objects |= {"key": b"12345", "next": b"next"}
    more = reply(200, b"evil", ETag='"x"').data
    bucket = make(max_concurrency=1)
    for length in range(len(more) + 1):
        body = b"5\r\n12345\r\n0\r\n\r\n" + more[:length]
        answer = reply(200, body, length=None, ETag='"e"', Transfer_Encoding="chunked")
        script.answers["GetObject"] = lambda request, answer=answer: (
            answer if request.key == "key" else script.good(request)
        )
        assert (await bucket.get("key")).data == b"12345"
        assert (await bucket.get("next")).data == b"next"


async def test_a_length_that_can_not_be_asked_for(script: Script, bucket: S3.AsyncBucket) -> None:
    """A body of unknown length that is given up, for HEAD fails, doesn't keep the next request waiting."""
    script.objects |= {"key": b"12345", "next": b"next"}
    chunks = reply(200, b"5\r\n12345\r\n0\r\n\r\n", length=None, ETag='"e"', Transfer_Encoding="chunked")
    script.answers["key"] = lambda request: chunks if request.method == "GET" else reply(403)
    async with asyncio.timeout(10):
        with pytest.raises(S3.BucketAccessDenied):
            await bucket.get("key")
        assert (await bucket.get("next")).data == b"next"


@pytest.mark.parametrize("how", WAYS)
async def test_an_answer_nobody_asked_for(
    how: str, script: Script, make: Callable[..., S3.AsyncBucket], old: Path
) -> None:
    """An answer that comes after the one to a request is not taken for that to the next request, however late."""
    script.objects |= {"key": SMALL, "next": b"next"}
    left = asyncio.Event()

    async def sent_twice(request: Request) -> Reply:
        script.answers.clear()
        whole = script.good(request)
        asyncio.get_running_loop().call_soon(left.set)
        return Reply(whole.data + reply(200, b"evil", ETag='"x"').data)

    bucket = make(max_concurrency=1)
    for _ in range(5):
        script.answers["key"] = sent_twice
        assert await fetched(bucket, how, old) == SMALL
        await left.wait()
        assert (await bucket.get("next")).data == b"next"


@pytest.mark.parametrize("how", WAYS)
async def test_range_ignored(how: str, script: Script, bucket: S3.AsyncBucket, old: Path) -> None:
    """A server that answers the whole object where a range was asked for gets none of it into a wrong place."""
    script.objects["key"] = LARGE
    script.answers["GetObject"] = lambda _: reply(200, LARGE, ETag=f'"{etag(LARGE)}"')
    with pytest.raises(S3.IntegrityError):
        await fetched(bucket, how, old)
    assert await asyncio.to_thread(is_as_it_was, old)


@pytest.mark.parametrize(
    "content_range",
    ["bytes 0-4/100", "bytes 11-15/100", "bytes 10-13/100", "bytes 10-15/100", "bytes 10-14/*", "bytes */100", "", "x"],
)
async def test_another_range(content_range: str, script: Script, bucket: S3.AsyncBucket) -> None:
    """An answer that is another range than was asked for is an error."""
    script.always(reply(206, b"12345", ETag='"e"', Content_Range=content_range))
    with pytest.raises(S3.IntegrityError):
        await bucket.get("key", range=(10, 15))


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("honest", [True, False])
async def test_replaced_between_ranges(
    how: str, script: Script, bucket: S3.AsyncBucket, old: Path, *, honest: bool
) -> None:
    """Of an object that is replaced while it is read, never a mixture comes, even if the server ignores If-Match."""
    script.objects["key"] = LARGE

    def answer(request: Request) -> Reply:
        if honest and request.headers.get("if-match") not in {None, f'"{etag(script.objects["key"])}"'}:
            return error(412, "PreconditionFailed")
        done = script.good(request)
        script.objects["key"] = LARGE[::-1]
        return done

    script.answers["key"] = answer
    with pytest.raises(S3.IntegrityError):
        await fetched(bucket, how, old)
    assert await asyncio.to_thread(is_as_it_was, old)


@pytest.mark.parametrize("how", WAYS)
async def test_deleted_between_ranges(how: str, script: Script, bucket: S3.AsyncBucket, old: Path) -> None:
    """Of an object that is deleted while it is read, nothing is kept."""
    script.objects["key"] = LARGE

    def answer(request: Request) -> Reply:
        done = script.good(request)
        script.objects.pop("key", None)
        return done

    script.answers["key"] = answer
    with pytest.raises(S3.NoSuchKey):
        await fetched(bucket, how, old)
    assert await asyncio.to_thread(is_as_it_was, old)


@pytest.mark.parametrize("data", [b"", SMALL, LARGE], ids=["empty", "small", "large"])
@pytest.mark.parametrize("how", WAYS)
async def test_wrong_checksum(how: str, data: bytes, script: Script, bucket: S3.AsyncBucket, old: Path) -> None:
    """Bytes that don't have the checksum that the server keeps of them are not returned, nor published."""
    script.objects["key"] = data
    wrong = {"x_amz_checksum_crc32": crc32(data + b"x"), "x_amz_checksum_type": "FULL_OBJECT"}

    def answer(request: Request) -> Reply:
        if "range" in request.headers:
            return script.good(request)
        return reply(200, data, ETag=f'"{etag(data)}"', **wrong)

    script.answers["key"] = answer
    with pytest.raises(S3.IntegrityError):
        await fetched(bucket, how, old)
    assert await asyncio.to_thread(is_as_it_was, old)


async def test_wrong_checksum_of_a_call(script: Script, bucket: S3.AsyncBucket) -> None:
    """call() compares the checksum, too."""
    script.always(reply(200, SMALL, ETag='"e"', x_amz_checksum_crc32=crc32(b"other")))
    with pytest.raises(S3.IntegrityError):
        await bucket.call("GetObject", Key="key", ChecksumMode="ENABLED")


@pytest.mark.parametrize("data", [b"", SMALL, LARGE], ids=["empty", "small", "large"])
@pytest.mark.parametrize("how", WAYS)
async def test_right_checksum(how: str, data: bytes, script: Script, bucket: S3.AsyncBucket, old: Path) -> None:
    """A right checksum, or one of parts that can't be compared, lets the bytes through."""
    script.objects["key"] = data
    for value in (crc32(data), "AAAAAA==-3"):
        script.answers["key"] = lambda request, value=value: (
            script.good(request)
            if "range" in request.headers
            else reply(200, data, ETag=f'"{etag(data)}"', x_amz_checksum_crc32=value)
        )
        assert await fetched(bucket, how, old) == data


async def test_a_length_beyond_all_memory(script: Script, bucket: S3.AsyncBucket) -> None:
    """A Content-Length that no memory can hold is an error of this library, or a MemoryError, at once."""
    script.always(reply(200, b"", length=2**62, end="fin", ETag='"e"'))
    with pytest.raises((S3.BucketException, MemoryError)):
        await bucket.get("key")


@pytest.mark.parametrize("length", ["-5", "5\r\nContent-Length: 6", "five"])
async def test_a_length_that_is_none(length: str, script: Script, bucket: S3.AsyncBucket) -> None:
    """A Content-Length that is no length is an error of this library."""
    script.always(reply(200, b"12345", length=None, end="fin", ETag='"e"', Content_Length=length))
    with pytest.raises(S3.BucketException):
        await bucket.get("key")
