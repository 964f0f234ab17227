"""Ten thousand fuzzed sets of what becomes headers: each is refused before anything is sent, or arrives as it is.

The server here reads raw requests, line by line: a dict of headers would hide one that came twice.
"""

from __future__ import annotations

import asyncio
import os
import random
import string
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest

import s3_bucket as S3
from tests.conformance.faces import FACES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

COUNT = int(os.environ.get("S3_TEST_HEADERS", "10000"))
BLOCKING_COUNT = max(500, COUNT // 20)  # that face crosses threads for each call
BACK = 4  # one of so many is also asked for again

HEADERS = {
    "content_type": "content-type",
    "cache_control": "cache-control",
    "content_disposition": "content-disposition",
    "content_encoding": "content-encoding",
    "content_language": "content-language",
    "storage_class": "x-amz-storage-class",
    "if_match": "if-match",
}
TAGS, META = "x-amz-tagging", "x-amz-meta-"
OWN_TOKEN = "x-amz-meta-s3-bucket-token"  # a conditional put recognises its own write by it
ALWAYS = {
    "host",
    "accept",
    "accept-encoding",
    "user-agent",
    "connection",
    "content-length",
    "content-type",
    "content-md5",
    "x-amz-date",
    "x-amz-content-sha256",
    "x-amz-checksum-crc32",
    "x-amz-sdk-checksum-algorithm",
    "amz-sdk-invocation-id",
    "amz-sdk-request",
    "authorization",
}

HOSTILE = [
    "\r\n",
    "\n",
    "\r",
    "\0",
    "\t",
    "\x7f",
    "\x1b",
    "\r\nEvil: 1",
    "\nEvil:1\n",
    "\r\n\r\nGET /evil HTTP/1.1\r\n",
]
HOSTILE += ["é", "e\u0301", "\u2028", "\x85", "\uff1a", "\u560a\u560d", "\ud800", "😀", "İ"]
PLAIN = ["a", "B", "7", "text/plain", "max-age=60", ": ", "; q=0.5", '"quoted"', "%0d%0a", "\\r\\n", "=?utf-8?q?=0D?="]
EDGES = [" ", "  ", "x" * 255, "y" * 2_040, "z" * 2_060]
NAMES = ["a", "A", "owner", "Owner", "x-amz-meta-a", "content-length", "a_b", "1", "~", "a.b", "s3", "evil", "EVIL"]
BAD_NAMES = ["a:b", "a b", "", " ", "a\r\nEvil: 1", "é", "a\0", "a\n", "(a)", "a/b", "a=b", "\udc00", "a\t", "K"]
TOKEN_CHARACTERS = set(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~")


def text(chance: random.Random, bad: float) -> str:
    """Return a header's value, or what is none."""
    pieces = [chance.choice(PLAIN) for _ in range(chance.randint(1, 3))]
    if chance.random() < bad:
        pieces.insert(chance.randint(0, len(pieces)), chance.choice(HOSTILE + EDGES))
    return "".join(pieces) if chance.random() > bad / 5 else ""


def metadata(chance: random.Random, bad: float) -> dict[str, str]:
    """Return a set of names and values."""
    names = NAMES if chance.random() > bad else NAMES + BAD_NAMES
    return {chance.choice(names): text(chance, bad / 4) for _ in range(chance.randint(0, 5))}


def tags(chance: random.Random, bad: float) -> dict[str, str]:
    """Return tags: of them, nearly every text is one."""
    many = 11 if chance.random() < bad / 4 else chance.randint(0, 4)
    return {f"{text(chance, bad)[:140]}{number or ''}": text(chance, bad / 4)[:300] for number in range(many)}


def arguments(chance: random.Random) -> dict[str, Any]:
    """Return what put() is called with, of which half is hostile."""
    bad = chance.choice([0.0, 0.5])
    given: dict[str, Any] = {
        name: text(chance, bad) for name in chance.sample(sorted(HEADERS), chance.choice([0, 1, 1, 2]))
    }
    if chance.random() < 0.7:
        given["metadata"] = metadata(chance, bad)
    if chance.random() < 0.3:
        given["tags"] = tags(chance, bad)
    return given


def is_visible(value: str) -> bool:
    """Whether a text is what the documentation allows in a header: visible ASCII, with no spaces at its ends."""
    return bool(value) and all(" " <= character <= "~" for character in value) and value == value.strip(" ")


def is_metadata(value: Mapping[str, str]) -> bool:
    """Whether these are names and values as the documentation allows them, 2 KiB in all."""
    return (
        all(name and set(name) <= TOKEN_CHARACTERS for name in value)
        and all(not content or is_visible(content) for content in value.values())
        and len({name.lower() for name in value}) == len(value)
        and sum(map(len, [*value, *value.values()])) <= 2_048
    )


def is_tags(value: Mapping[str, str]) -> bool:
    """Whether these are at most ten names and values of S3's lengths, in Unicode."""
    both = "".join([*value, *value.values()])
    lengths = all(1 <= len(name) <= 128 and len(content) <= 256 for name, content in value.items())
    return len(value) <= 10 and lengths and both.encode(errors="replace").decode() == both


def wrong(given: Mapping[str, Any]) -> set[str]:
    """Return the names of the arguments that must be refused."""
    rules: dict[str, Callable[[Any], bool]] = {"metadata": is_metadata, "tags": is_tags}
    refused = {name for name, value in given.items() if not rules.get(name, is_visible)(value)}
    return refused | ({"if_match"} if not given.get("if_match", "e").removeprefix("W/").strip('"') else set())


class Raw:
    """Keeps the head of each request as it came, and gives back an object's headers as they were stored."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.connections = 0
        self._stored: list[bytes] = []

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                lines = head.split(b"\r\n")[1:-2]
                length = next((int(line[15:]) for line in lines if line.lower().startswith(b"content-length:")), 0)
                await reader.readexactly(length)
                if head.startswith(b"PUT"):
                    self._stored = [line for line in lines if line.lower().startswith(KEPT)]
                writer.write(
                    b"\r\n".join([b'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: 0', *self._stored, b"\r\n"])
                )
        except (OSError, asyncio.IncompleteReadError):
            writer.close()


KEPT = tuple(name.encode() for name in [*HEADERS.values(), META] if name != "if-match")


@asynccontextmanager
async def surroundings(face: str) -> AsyncIterator[tuple[Raw, Any]]:
    """Give a server and a bucket there."""
    raw = Raw()
    server = await asyncio.start_server(raw.connected, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with FACES[face]("bucket", endpoint_url=url, max_attempts=1, max_concurrency=1) as bucket:
        yield raw, bucket
    server.close()
    await server.wait_closed()


def received(head: bytes) -> list[tuple[str, str]]:
    """Return the headers of a request, in order, with all that came twice."""
    lines = head.decode("latin-1").split("\r\n")[1:-2]
    return [(name.lower(), value.removeprefix(" ")) for name, _, value in (line.partition(":") for line in lines)]


def check_head(head: bytes, given: Mapping[str, Any]) -> None:
    """Check that a request has the headers that were wanted, each once, and no other."""
    headers = received(head)
    found = dict(headers)
    assert len(found) == len(headers), headers
    wanted = {HEADERS[name]: value for name, value in given.items() if name in HEADERS}
    if "if_match" in given:
        wanted["if-match"] = found["if-match"] if found["if-match"].strip('"') in given["if_match"] else "another"
    wanted |= {META + name.lower(): value for name, value in given.get("metadata", {}).items()}
    assert {name: found.get(name) for name in wanted} == wanted
    assert dict(parse_qsl(found.pop(TAGS, ""), keep_blank_values=True)) == given.get("tags", {})
    assert set(found) <= ALWAYS | set(wanted) | {OWN_TOKEN}


async def refused_argument(call: Awaitable[Any]) -> str | None:
    """Make a call; return the name of the argument for which it is refused, if it is."""
    try:
        await call
    except S3.InvalidInput as refusal:
        return refusal.argument
    return None


async def check_set(raw: Raw, bucket: Any, given: Mapping[str, Any]) -> None:
    """Check that a set is refused by the name of a wrong argument, with nothing sent, or arrives as it is."""
    before = len(raw.heads)
    argument = await refused_argument(bucket.put("key", b"", **given))
    assert argument in (wrong(given) or {None}), given
    assert len(raw.heads) == before + (argument is None)
    if argument is None:
        check_head(raw.heads[-1], given)


async def check_back(bucket: Any, given: Mapping[str, Any]) -> None:
    """Check that what was stored last comes back as it was given."""
    info = await bucket.head("key")
    assert info.metadata == {name.lower(): value for name, value in given.get("metadata", {}).items()}
    for name in ("cache_control", "content_disposition", "content_encoding", "content_language", "storage_class"):
        assert getattr(info, name) == given.get(name)
    assert info.content_type == given.get("content_type", info.content_type)


@pytest.mark.parametrize("face", FACES)
async def test_fuzzed_sets(face: str) -> None:
    """Of all sets, those that break a documented rule are refused before anything is sent; the rest round-trip."""
    chance = random.Random(f"headers {face}")  # noqa: S311  # no secret, and the same every time
    refused = 0
    count = COUNT if face == "async" else BLOCKING_COUNT
    async with surroundings(face) as (raw, bucket):
        for _ in range(count):
            given = arguments(chance)
            refused += bool(wrong(given))
            await check_set(raw, bucket, given)
            if not wrong(given) and len(raw.heads) % BACK == 1:
                await check_back(bucket, given)
    assert count / 5 < refused < count * 4 / 5  # both kinds are plentiful


async def test_no_connection_for_a_refusal() -> None:
    """A refused call doesn't even open a connection."""
    async with surroundings("async") as (raw, bucket):
        for call in (bucket.put, bucket.put_json, bucket.open_writer):
            for value in HOSTILE:
                with pytest.raises(S3.InvalidInput):
                    await call(*(("key",) if call is bucket.open_writer else ("key", "")), metadata={"a": value})
        assert (raw.connections, raw.heads) == (0, [])


@pytest.mark.parametrize("argument", ["version_id", "if_match", "if_none_match", "response_content_type"])
async def test_arguments_of_get(argument: str) -> None:
    """What get() sends in headers or in the query is refused by name, or stands there once, as it was given."""
    chance = random.Random(argument)  # noqa: S311  # no secret, and the same every time
    async with surroundings("async") as (raw, bucket):
        for _ in range(COUNT // 50):
            given = text(chance, 0.4)
            before = len(raw.heads)
            bad = wrong({"if_match": given} if argument.startswith("if") else {"content_type": given})
            assert await refused_argument(bucket.get("key", **{argument: given})) == (argument if bad else None)
            assert (len(raw.heads) == before) is bool(bad)
            if not bad:
                check_get(raw.heads[-1], argument, given)


def check_get(head: bytes, argument: str, given: str) -> None:
    """Check a GET's headers and query."""
    headers = received(head)
    assert len(dict(headers)) == len(headers)
    assert set(dict(headers)) <= ALWAYS | {"range", "x-amz-checksum-mode", argument.replace("_", "-")}
    _, target, version = head.split(b"\r\n")[0].decode("ascii").split(" ")
    assert version == "HTTP/1.1"
    if not argument.startswith("if"):
        name = {"version_id": "versionId", "response_content_type": "response-content-type"}[argument]
        assert parse_qsl(target.partition("?")[2], strict_parsing=True) == [(name, given)]


async def test_parts_carry_nothing_of_it() -> None:
    """An upload in parts is begun with the same checks: refused before its data are touched, if they are wrong."""
    touched: list[int] = []

    async def data() -> AsyncIterator[bytes]:
        touched.append(1)
        yield b""

    async with surroundings("async") as (raw, bucket):
        for value in HOSTILE:
            with pytest.raises(S3.InvalidInput, match="content_language"):
                await bucket.put("key", data(), content_language=f"a{value}b")
        assert (touched, raw.heads) == ([], [])
