"""What the server does instead of answering: each function makes one fault."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.faults.realm import DATE, ID, refused
from tests.faults.service import Dripping, Exchange
from tests.guards.script import HTML, Reply, error, reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.faults.world import World

How = "Callable[[Exchange], Reply | None | Awaitable[Reply | None]]"


def _split(good: Reply) -> tuple[bytes, bytes]:
    head, end, body = good.data.partition(b"\r\n\r\n")
    return head + end, body


def _with(good: Reply, name: str, value: str | None) -> Reply:
    """Return the answer with another header; None takes it away."""
    head, body = _split(good)
    lines = [line for line in head.split(b"\r\n") if line and not line.lower().startswith(name.lower().encode() + b":")]
    if value is not None:
        lines.append(f"{name}: {value}".encode())
    return replace(good, data=b"\r\n".join(lines) + b"\r\n\r\n" + body)


# Bodies of answers


def cut(end: str, *, most: float = 1.0) -> Callable[[Exchange], Reply]:
    """Break the answer's body off at a seeded place: after no byte, one, some, or all but one."""

    def how(exchange: Exchange) -> Reply:
        head, body = _split(exchange.good())
        room = max(0, int((len(body) - 1) * most))
        keep = exchange.rng.choice([0, min(1, room), exchange.rng.randint(0, room), room])
        return Reply(head + body[:keep], end)

    return how


def dripping(exchange: Exchange) -> Reply:
    """Give the answer's body byte by byte."""
    good = exchange.good()
    head, body = _split(good)
    return Dripping(good.data, "silent", begin=len(head) + min(len(body) // 2, 1_000))


def without_length(keep: float) -> Callable[[Exchange], Reply]:
    """Give a share of the body without saying its length."""

    def how(exchange: Exchange) -> Reply:
        good = _with(exchange.good(), "Content-Length", None)
        head, body = _split(good)
        return Reply(head + body[: int(len(body) * keep)], "fin")

    return how


def without_last_chunk(exchange: Exchange) -> Reply:
    """Give a chunked body without its final chunk."""
    head, body = _split(_with(_with(exchange.good(), "Content-Length", None), "Transfer-Encoding", "chunked"))
    half = body[: len(body) // 2]
    return Reply(head + b"%x\r\n" % len(half) + half + b"\r\n", "fin")


def with_more(exchange: Exchange) -> Reply:
    """Give more bytes than were announced: a whole answer that nobody asked for."""
    good = exchange.good()
    return replace(good, data=good.data + reply(200, b"evil", ETag='"evil"', **ID).data)


def range_ignored(exchange: Exchange) -> Reply:
    """Answer the whole object, whatever was asked for."""
    there = exchange.cell.realm.objects[exchange.request.key]
    return reply(200, there.data, ETag=f'"{there.etag}"', Last_Modified=DATE, **ID)


def wrong_range(exchange: Exchange) -> Reply:
    """Say that the bytes are others than they are."""
    size = len(exchange.cell.realm.objects[exchange.request.key].data)
    said = exchange.rng.choice(
        ["bytes 7-9/100", f"bytes 0-0/{size}", f"bytes */{size}", "", "bytes 1-x/9", "items 0-9"]
    )
    return _with(exchange.good(), "Content-Range", said)


def shifted(exchange: Exchange) -> Reply:
    """Give the range before or after the one that was asked for, under its own name."""
    asked = exchange.request.headers.get("range", "")
    if not asked.startswith("bytes="):
        return exchange.good()
    first, last = asked.removeprefix("bytes=").split("-")
    shift = exchange.rng.choice([1, 16])
    other = f"bytes={int(first) + shift}-{int(last) + shift if last else ''}"
    headers = {**exchange.request.headers, "range": other}
    return exchange.cell.realm.answer(replace(exchange.request, headers=headers))


def bit_flipped(exchange: Exchange) -> Reply:
    """Turn one bit of the body."""
    good = exchange.good()
    head, body = _split(good)
    place = exchange.rng.randrange(len(body)) if body else -1
    return replace(good, data=head + body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]) if body else good


def composite_checksum(exchange: Exchange) -> Reply:
    """Send the checksum of a multipart object's parts, which says nothing of the whole."""
    return _with(_with(exchange.good(), "x-amz-checksum-crc32", "AAAAAA==-3"), "x-amz-checksum-type", "COMPOSITE")


def huge_length(exchange: Exchange) -> Reply:
    """Announce eight exbibytes."""
    good = exchange.good()
    return replace(_with(good, "Content-Length", str(2**63 - 1)), end="fin")


def garbage(exchange: Exchange) -> Reply:
    """Answer something that is no HTTP, or breaks its rules."""
    good = exchange.good()
    choices = [
        Reply(good.data[: good.data.index(b"\r\n\r\n") - 3], "fin"),
        Reply(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "fin"),
        replace(_with(good, "Content-Length", "-5"), end="fin"),
        replace(_with(good, "Content-Length", "5\r\nContent-Length: 6"), end="fin"),
        Reply(b"", "fin"),
    ]
    return exchange.rng.choice(choices)


# Answers as a whole


def lost(end: str) -> Callable[[Exchange], Reply]:
    """Do what is asked, and lose the answer."""

    def how(exchange: Exchange) -> Reply:
        exchange.good()
        return Reply(b"", end)

    return how


def nothing(end: str) -> Callable[[Exchange], Reply]:
    """Do nothing, and answer nothing."""
    return lambda _: Reply(b"", end)


def says(status: int, code: str, more: str = "", **headers: str) -> Callable[[Exchange], Reply]:
    """Answer with an error of S3's."""

    def how(exchange: Exchange) -> Reply:
        if exchange.request.method == "HEAD":
            return reply(status, **ID, **headers)
        return error(status, code, more=more, **ID, **headers)

    return how


def says_one_of(*answers: tuple[int, str]) -> Callable[[Exchange], Reply]:
    """Answer with one of some errors."""

    def how(exchange: Exchange) -> Reply:
        bodiless = exchange.request.method == "HEAD"  # which then has no code: 400 may mean anything
        status, code = exchange.rng.choice([answer for answer in answers if not bodiless or answer[0] != 400])
        return says(status, code)(exchange)

    return how


def error_in_200(code: str) -> Callable[[Exchange], Reply]:
    """Answer with an error whose status is 200."""
    return lambda _: reply(200, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode(), **ID)


def empty_200(exchange: Exchange) -> Reply:
    """Answer success without a word of S3's."""
    return reply(200)


def login_page(exchange: Exchange) -> Reply:
    """Answer with the login page of a hotel's network."""
    return reply(200, HTML, Content_Type="text/html")


def white_space(exchange: Exchange) -> Reply:
    """Begin the body with white space, as S3 does to keep a connection open."""
    head, body = _split(_with(exchange.good(), "Content-Length", None))
    padded = b" \n" * 8 + body
    return Reply(head[:-2] + f"Content-Length: {len(padded)}\r\n\r\n".encode() + padded)


def half_xml(exchange: Exchange) -> Reply:
    """Answer with half of the XML, as if it were all."""
    head, body = _split(_with(exchange.good(), "Content-Length", None))
    half = body[: len(body) * 2 // 3]
    return Reply(head[:-2] + f"Content-Length: {len(half)}\r\n\r\n".encode() + half)


def redirected(world: World) -> Callable[[Exchange], Reply]:
    """Send the client to a stranger."""

    def how(exchange: Exchange) -> Reply:
        status = exchange.rng.choice([301, 302, 303, 307, 308])
        place = world.addresses["stranger"] + exchange.request.target
        return reply(status, b"", Location=place, **ID)

    return how


def elsewhere(exchange: Exchange) -> Reply:
    """Say that the bucket is in another region, and not in which, or in this one."""
    more = exchange.rng.choice([{}, {"x_amz_bucket_region": "us-east-1"}])
    return says(exchange.rng.choice([301, 307]), "PermanentRedirect", **more)(exchange)


_BOMB = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


def xml_bomb(exchange: Exchange) -> Reply:
    """Answer with a billion laughs."""
    body = f'<?xml version="1.0"?><!DOCTYPE R [<!ENTITY l0 "ha">{_BOMB}]><R>&l9;</R>'
    return reply(200, body.encode(), **ID)


def deep_xml(exchange: Exchange) -> Reply:
    """Answer with XML of 5,000 levels."""
    return reply(200, b"<R>" * 5_000 + b"</R>" * 5_000, **ID)


def unquoted_etag(exchange: Exchange) -> Reply:
    """Send the entity tag without its quotes."""
    good = exchange.good()
    return replace(good, data=good.data.replace(b'ETag: "', b"ETag: ").replace(b'"\r\n', b"\r\n", 1))


def echo(exchange: Exchange) -> Reply:
    """Refuse, and repeat in the answer what must stay secret."""
    heard = " ".join(f"{name}: {value}" for name, value in exchange.request.headers.items())
    more = f"<StringToSign>{heard}</StringToSign><CanonicalRequest>{heard}</CanonicalRequest>"
    status, code = exchange.rng.choice([(403, "SignatureDoesNotMatch"), (400, "InvalidToken"), (403, "AccessDenied")])
    return says(status, code, more)(exchange)


# Before the request's body is read


async def _some(exchange: Exchange) -> None:
    length = int(exchange.request.headers.get("content-length", 0))
    share = exchange.rng.choice([0.0, 0.01, 0.5])
    await exchange.reader.readexactly(int(length * share))


def ends_reading(end: str) -> Callable[[Exchange], Awaitable[Reply]]:
    """Read a share of the request's body, and end the connection, or fall silent."""

    async def how(exchange: Exchange) -> Reply:
        await _some(exchange)
        return Reply(b"", end)

    return how


async def stops_reading(exchange: Exchange) -> Reply:
    """Read a share of the request's body, and then nothing, for ever; the connection stays."""
    await _some(exchange)
    await exchange.cell.released.wait()
    return Reply(b"", "fin")


async def reads_slowly(exchange: Exchange) -> Reply:
    """Read the request's body byte by byte."""
    while await exchange.reader.read(1) and not await _within(0.1, exchange.cell.released):
        pass
    return Reply(b"", "fin")


async def _within(seconds: float, event: asyncio.Event) -> bool:
    with contextlib.suppress(TimeoutError):
        return await asyncio.wait_for(event.wait(), seconds)
    return False


def refuses_early(exchange: Exchange) -> Reply:
    """Refuse before the body has been sent."""
    return refused(exchange.request, 403, "AccessDenied").ending("linger")


async def no_continue(exchange: Exchange) -> Reply | None:
    """Say nothing to "Expect: 100-continue"; whoever sends the body nevertheless is answered."""
    exchange.request.headers.pop("expect", None)  # type: ignore[attr-defined]  # it is a dict
    return None


# What changes meanwhile


def replaced_after(world: World) -> Callable[[Exchange], Reply]:
    """Answer, and replace the object then."""

    def how(exchange: Exchange) -> Reply:
        good = exchange.good()
        world.put(exchange.request.key, world.versions[0])
        return good

    return how


def source_replaced_after(world: World) -> Callable[[Exchange], Reply]:
    """Answer, and replace then what is copied or moved."""

    def how(exchange: Exchange) -> Reply:
        good = exchange.good()
        world.put(world.key, world.versions[0])
        return good

    return how


def deleted_after(exchange: Exchange) -> Reply:
    """Answer, and delete the object then."""
    good = exchange.good()
    exchange.cell.realm.objects.pop(exchange.request.key, None)
    return good


def cancelling(world: World, how: Callable[[Exchange], Reply | None]) -> Callable[[Exchange], Reply | None]:
    """Have the caller cancelled when the request has arrived."""

    def both(exchange: Exchange) -> Reply | None:
        world.cancel()
        return how(exchange)

    return both


# Listings and batches


def truncated_without_token(exchange: Exchange) -> Reply:
    """Say that there is more, but not where."""
    good = exchange.good().data.replace(b"<IsTruncated>false", b"<IsTruncated>true")
    head, _, rest = good.partition(b"<NextContinuationToken>")
    return _resized(head + rest.partition(b"</NextContinuationToken>")[2] if rest else good)


def same_token(exchange: Exchange) -> Reply:
    """Send the client in a circle."""
    asked = exchange.request.query.get("continuation-token")
    first = replace(exchange.request, target=re.sub("continuation-token=[^&]*", "", exchange.request.target))
    return exchange.cell.realm.answer(first) if asked else exchange.good()


def odd_entries(exchange: Exchange) -> Reply:
    """List sizes and times that are none."""
    data = exchange.good().data
    return _resized(data.replace(b"<Size>", exchange.rng.choice([b"<Size>-", b"<Size>x", b"<Size>1e9"])))


def odd_but_right(exchange: Exchange) -> Reply:
    """List with unknown elements, fractions of a second, and without a storage class."""
    data = exchange.good().data
    data = data.replace(b"<StorageClass>STANDARD</StorageClass>", b"<Owner><ID>x</ID></Owner><Vendor>y</Vendor>")
    return _resized(data.replace(b"00:00:00.000Z", b"00:00:00.123456789Z").replace(b"<R>", b'<R xmlns="urn:vendor">'))


def one_key_refused(code: str) -> Callable[[Exchange], Reply]:
    """Delete all keys of a batch but the first."""

    def how(exchange: Exchange) -> Reply:
        realm = exchange.cell.realm
        key, kept = next(iter((key, there) for key, there in realm.objects.items() if key.startswith("many/")))
        data = exchange.good().data
        realm.objects[key] = kept
        refusal = f"<Error><Key>{key}</Key><Code>{code}</Code><Message>no</Message></Error>".encode()
        return _resized(data.replace(f"<Deleted><Key>{key}</Key></Deleted>".encode(), refusal))

    return how


def one_key_unnamed(exchange: Exchange) -> Reply:
    """Say nothing of one key of a batch."""
    return _resized(exchange.good().data.replace(b"<Deleted><Key>many/1</Key></Deleted>", b""))


def _resized(data: bytes) -> Reply:
    head, body = _split(_with(Reply(data), "Content-Length", None))
    return Reply(head[:-2] + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)


def gzipped(data: bytes) -> bytes:
    """Return a gzip file of the data, the same every time."""
    return gzip.compress(data, mtime=0)
