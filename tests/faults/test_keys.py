"""A hundred thousand generated keys: each is refused by the documented rule, or arrives and comes back as it is."""

from __future__ import annotations

import asyncio
import base64
import os
import random
import re
import unicodedata
import uuid
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote_to_bytes, urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import pytest
from botocore.awsrequest import AWSRequest, prepare_request_dict
from botocore.serialize import create_serializer
from botocore.session import Session
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

import s3_bucket as S3
from s3_bucket import _checks
from tests.conformance.faces import FACES
from tests.faults import real
from tests.guards.script import BUCKET, Reply, Request, Script, reply, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

COUNT = int(os.environ.get("S3_TEST_KEYS", "100000"))
SAMPLE = int(os.environ.get("S3_TEST_KEYS_SENT", "150"))
SERVERS = ["script", *(["real"] if real.ENDPOINT else [])]

PIECES = ["+", "%", "/", "//", ".", "..", "./", "../", "/.", "/..", "...", " ", "?", "#", "&", "=", ";", ":", "@", "'"]
PIECES += [
    '"',
    "<",
    ">",
    "*",
    "~",
    "\\",
    "|",
    "^",
    "`",
    "{",
    "}",
    "[",
    "]",
    "$",
    "!",
    ",",
    "(",
    ")",
    "-",
    "_",
    "a",
    "Z",
]
PIECES += ["%2F", "%2e%2e", "%00", "%", "%zz", "+%20", "?versionId=1", "?uploads", "#x", "//bucket", "http://x/"]
PIECES += [chr(code) for code in [*range(33), 127, 128, 133, 160, 173, 0x2028, 0xFEFF, 0xFFFD, 0xFFFE, 0xFFFF]]
PIECES += [
    "é",
    "e\u0301",
    "\u212b",
    "Å",
    "ﬁ",
    "İ",
    "ß",
    "😀",
    "👨\u200d👩\u200d👧",
    "\u202etxt.exe",
    "中",
    "\U0010ffff",
    "가",
    "\u1100\u1161",
]
PIECES += ["\ud800", "\udfff", "\ud83d", "]]>", "&amp;", "<Key>", "C:\\x", "NUL", "etc/passwd", "null", "\r\n", "\n"]
FILLERS = ["a", "é", "中", "😀", "/", "%", "\0"]
NOT_AT_CEPH = "\0"  # it answers 400
# As a prefix or a token it answers them with 500: XML 1.0 has no word for them.
NOT_LISTED_AT_CEPH = "".join(map(chr, [*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF]))
WIRE = re.compile(r"/(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})*")


def generated(chance: random.Random) -> str:
    """Return a key, or what is none."""
    kind = chance.random()
    if kind < 0.6:
        return "".join(chance.choice(PIECES) for _ in range(chance.randint(0, 8)))
    if kind < 0.8:
        return "".join(
            chr(chance.randrange(chance.choice([0x80, 0x3000, 0x110000]))) for _ in range(chance.randint(1, 9))
        )
    if kind < 0.9:
        filler = chance.choice(FILLERS)
        length = chance.choice([1_020, 1_023, 1_024, 1_025, 1_030]) // len(filler.encode())
        return filler * length + "b" * chance.randint(0, 4)
    return unicodedata.normalize(chance.choice(["NFC", "NFD"]), "".join(chance.choice("éÅ가ñ/a") for _ in range(4)))


def is_key(value: str) -> bool:
    """Whether the documentation takes it: 1 to 1,024 bytes of UTF-8, without '.' and '..' between slashes."""
    try:
        encoded = value.encode()
    except UnicodeEncodeError:
        return False
    return 1 <= len(encoded) <= 1_024 and not re.search(rb"(?:^|/)\.\.?(?:/|\Z)", encoded)


def keys(seed: str, without: str = "") -> list[str]:
    """Return keys of which no two are equal, though many look alike; none holds a character that is not wanted."""
    chance = random.Random(seed)  # noqa: S311  # no secret, and the same every time
    found: dict[str, None] = {}
    while len(found) < SAMPLE:
        key = generated(chance)
        for twin in (key, unicodedata.normalize("NFD", key), unicodedata.normalize("NFC", key), key + "/"):
            if is_key(twin) and set(without).isdisjoint(twin):
                found[twin] = None
    return list(found)[:SAMPLE]


@pytest.fixture(scope="module")
def path_of() -> Callable[[str], str]:
    """Return what gives the path that goes onto the wire for a key: by botocore and yarl, as they send it."""
    model = Session().get_service_model("s3")
    serializer = create_serializer(model.protocol, include_validation=False)
    operation = model.operation_model("GetObject")

    def path(key: str) -> str:
        serialized = serializer.serialize_to_request({"Bucket": BUCKET, "Key": key}, operation)
        serialized["context"] = {}
        prepare_request_dict(serialized, "http://127.0.0.1")
        prepared = AWSRequest(method="GET", url=serialized["url"], headers={}).prepare()
        return URL(prepared.url, encoded=True).raw_path_qs

    return path


def check(key: str, path_of: Callable[[str], str]) -> bool:
    """Check that a key is refused as documented, or is on the wire what it is; return whether it is refused."""
    try:
        request = _checks.get_request(BUCKET, key)
    except S3.InvalidInput as refusal:
        assert not is_key(key)
        return refusal.argument == "key"
    path = path_of(request.key)
    assert is_key(key)
    assert request.key == key
    assert WIRE.fullmatch(path), path
    assert {".", ".."}.isdisjoint(path.split("/"))  # nothing that a proxy could resolve
    assert unquote_to_bytes(path).endswith(b"/" + key.encode())
    return False


def test_a_hundred_thousand_keys(path_of: Callable[[str], str]) -> None:
    """Whatever the key, it is refused by name, or its path holds just its bytes, and none that means something else."""
    chance = random.Random("keys")  # noqa: S311  # no secret, and the same every time
    refused = sum(check(generated(chance), path_of) for _ in range(COUNT))
    assert COUNT / 20 < refused < COUNT / 2  # both kinds are plentiful


@given(st.text(st.characters(exclude_categories=()), max_size=1_100) | st.lists(st.sampled_from(PIECES)).map("".join))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_key(path_of: Callable[[str], str], key: str) -> None:
    """The same holds for hypothesis's keys, which shrink."""
    check(key, path_of)


# Sent


def listing(script: Script, request: Request) -> Reply:
    """Answer ListObjectsV2 with prefix, start-after, pages and keys in URL encoding, as S3 does."""
    one = {name: values[0] for name, values in request.query.items()}
    after = base64.b64decode(one.get("continuation-token", "")) or one.get("start-after", "").encode()
    found = sorted(key.encode() for key in script.objects if key.startswith(one.get("prefix", "")))
    left = [key for key in found if key > after]
    page = left[: int(one["max-keys"])]
    more = len(left) > len(page)
    assert one["encoding-type"] == "url"
    entries = "".join(f"<Contents><Key>{quote(key)}</Key><Size>1</Size><ETag>e</ETag></Contents>" for key in page)
    token = f"<NextContinuationToken>{base64.b64encode(page[-1]).decode()}</NextContinuationToken>" if more else ""
    head = f"<Name>b</Name><EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}</IsTruncated>"
    return reply(200, f"<R>{head}{token}{entries}</R>".encode())


def deletion(script: Script, request: Request) -> Reply:
    """Answer DeleteObject or DeleteObjects, and do it."""
    if request.method == "DELETE":
        del script.objects[request.key]
        return reply(204)
    named = [element.text or "" for element in ET.fromstring(request.body).iter() if element.tag.endswith("Key")]  # noqa: S314  # of the library under test
    for key in named:
        del script.objects[key]
    escaped = (escape(key, {"\r": "&#13;"}) for key in named)
    return reply(200, f"<R>{''.join(f'<Deleted><Key>{key}</Key></Deleted>' for key in escaped)}</R>".encode())


@asynccontextmanager
async def surroundings(face: str, server: str) -> AsyncIterator[tuple[Script, Any]]:
    """Give a scripted server, and an empty bucket there or at the real one."""
    async with serving() as script:
        script.answers["ListObjectsV2"] = lambda request: listing(script, request)
        script.answers["DeleteObject"] = script.answers["DeleteObjects"] = lambda request: deletion(script, request)
        if server == "script":
            name, where = BUCKET, {"endpoint_url": script.url, "max_attempts": 1}
        else:
            name, where = f"keys-{uuid.uuid4().hex}", real.settings()
        async with FACES[face](name, **where) as bucket:
            if server == "real":
                await bucket.create()
            yield script, bucket


async def listed(bucket: Any, **arguments: Any) -> list[str]:
    """Return the keys of a listing."""
    return [info.key async for info in bucket.list(**arguments)]


def in_order(some: list[str]) -> list[str]:
    """Return keys in S3's order."""
    return sorted(some, key=str.encode)


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("face", FACES)
async def test_round_trip(face: str, server: str) -> None:
    """Keys that look alike, or like something else, are put, listed, got and deleted each by itself."""
    some = keys(f"sent {face}", NOT_AT_CEPH if server == "real" else "")
    async with surroundings(face, server) as (script, bucket):
        outcomes = [result async for result in bucket.put_many((key, key.encode()) for key in some)]
        assert [result.key for result in outcomes if not result.ok] == []
        assert server == "real" or script.objects == {key: key.encode() for key in some}
        assert await listed(bucket) == in_order(some)
        got = [result async for result in bucket.get_many(some)]
        assert {result.key: result.value for result in got} == {key: key.encode() for key in some}
        first, rest = some[: SAMPLE // 2], some[SAMPLE // 2 :]
        for key in first:
            assert (await bucket.head(key)).size == len(key.encode())
            await bucket.delete(key)
        assert await listed(bucket) == in_order(rest)
        assert [result.key async for result in bucket.delete_many(rest) if not result.ok] == []
        assert await listed(bucket) == []
        check_targets(script)


def check_targets(script: Script) -> None:
    """Check that each path on the wire is in plain ASCII, quoted in one way only."""
    for request in script.requests:
        assert WIRE.fullmatch(urlsplit(request.target).path), request.target


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("face", FACES)
async def test_prefixes_and_starts(face: str, server: str) -> None:
    """A prefix and a start are texts like keys: the listing holds just those keys, over all pages."""
    chance = random.Random("prefixes")  # noqa: S311  # no secret, and the same every time
    some = keys("listed", NOT_LISTED_AT_CEPH if server == "real" else "")
    async with surroundings(face, server) as (_, bucket):
        assert all([result.ok async for result in bucket.put_many((key, b"1") for key in some)])
        for key in chance.sample(some, min(SAMPLE, 60)):
            prefix = key[: chance.randint(1, len(key))]
            assert await listed(bucket, prefix=prefix) == in_order([each for each in some if each.startswith(prefix)])
            later = [each for each in in_order(some) if each.encode() > key.encode()]
            assert await listed(bucket, start_after=key, limit=7) == later[:7]


BAD_KEYS = ["", ".", "..", "a/./b", "../a", "a/..", "/.", "./", "a" * 1_025, "é" * 513, "\ud800", "a/\udfff"]


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("key", BAD_KEYS, ids=range(len(BAD_KEYS)))
async def test_refused_keys(face: str, key: str, tmp_path: Path) -> None:
    """A key that can't be is refused by every operation, in bulk calls as that item's outcome, and nothing is sent."""
    (tmp_path / "file").touch()
    async with surroundings(face, "script") as (script, bucket):
        calls = [
            bucket.put(key, b""),
            bucket.put_json(key, 1),
            bucket.get(key),
            bucket.get_json(key),
            bucket.head(key),
            bucket.exists(key),
            bucket.delete(key),
            bucket.upload_file(tmp_path / "file", key),
            bucket.download_file(key, tmp_path / "file"),
        ]
        for call in calls:
            with pytest.raises(S3.InvalidInput) as refusal:
                await call
            assert refusal.value.argument == "key"
        for opened in (bucket.open_reader, bucket.open_writer):
            with pytest.raises(S3.InvalidInput, match="key"):
                opened(key)
        for results in (
            bucket.put_many([(key, b"")]),
            bucket.get_many([key]),
            bucket.delete_many([key]),
            bucket.upload_files([(tmp_path / "file", key)]),
            bucket.download_files([(key, tmp_path / "file")]),
        ):
            (error,) = [result.error async for result in results]
            assert isinstance(error, S3.InvalidInput)
        assert script.requests == []


# Hostile listings


def listed_as(*entries: str, more: str = "", root: str = "ListBucketResult") -> Reply:
    """Return a listing with these entries."""
    contents = "".join(f"<Contents>{entry}</Contents>" for entry in entries)
    return reply(200, f"<{root}><Name>b</Name><IsTruncated>false</IsTruncated>{more}{contents}</{root}>".encode())


GOOD = "<Key>k</Key><Size>5</Size><ETag>&quot;e&quot;</ETag><LastModified>2030-01-02T03:04:05.000Z</LastModified>"


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(GOOD.replace("5<", "-5<"), id="negative"),
        pytest.param(GOOD.replace("5<", "9" * 30 + "<"), id="enormous"),
        pytest.param(GOOD.replace("5<", "5.5<"), id="fraction"),
        pytest.param(GOOD.replace("5<", "<"), id="no number"),
        pytest.param(GOOD.replace("<Key>k</Key>", ""), id="no key"),
        pytest.param(GOOD.replace("<Key>k</Key>", "<Key/>"), id="empty key"),
        pytest.param(GOOD.replace("<Size>5</Size>", ""), id="no size"),
        pytest.param(GOOD + "<Size>6</Size>", id="two sizes"),
    ],
)
@pytest.mark.parametrize("face", FACES)
async def test_entries_that_can_not_be(face: str, entry: str) -> None:
    """An entry that no S3 could have meant is an error of this library, never a value."""
    async with surroundings(face, "script") as (script, bucket):
        script.answers["ListObjectsV2"] = lambda _: listed_as(GOOD, entry)
        with pytest.raises(S3.BucketException):
            await listed(bucket)


@pytest.mark.parametrize(
    ("entry", "more", "root"),
    [
        (GOOD, "", 'ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'),
        (GOOD, "", "Anything"),
        (GOOD + "<Owner><ID>1</ID></Owner><Shade>blue</Shade>", "<Future><A>1</A></Future>", "ListBucketResult"),
        ("\n <Shade/>" + GOOD, "", "ListBucketResult"),
    ],
    ids=["namespace", "another root", "more fields", "white space"],
)
async def test_dialects(entry: str, more: str, root: str) -> None:
    """A listing with, or without, a namespace, and with fields that nobody knows, is read as any other."""
    async with surroundings("async", "script") as (script, bucket):
        body = listed_as(entry, more=more, root=root).data.partition(b"\r\n\r\n")[2].decode()
        whole = body.replace(f"</{root}>", f"</{root.split(' ', maxsplit=1)[0]}>")
        script.answers["ListObjectsV2"] = lambda _: reply(200, whole.encode())
        (info,) = [info async for info in bucket.list()]
        assert (info.key, info.size, info.etag) == ("k", 5, "e")
        assert str(info.last_modified) == "2030-01-02 03:04:05+00:00"


@pytest.mark.parametrize(
    "time",
    ["2030-01-02T03:04:05Z", "2030-01-02T05:04:05.000+02:00", "Wed, 02 Jan 2030 03:04:05 GMT", "1893553445"],
    ids=["no fraction", "a zone", "as in headers", "a number"],
)
async def test_ways_to_write_a_time(time: str) -> None:
    """However a server writes the time, it is the same time."""
    entry = GOOD.replace("2030-01-02T03:04:05.000Z", time)
    async with surroundings("async", "script") as (script, bucket):
        script.answers["ListObjectsV2"] = lambda _: listed_as(entry)
        (info,) = [info async for info in bucket.list()]
        assert str(info.last_modified) == "2030-01-02 03:04:05+00:00"


@pytest.mark.parametrize(
    "time",
    [
        "",
        "yesterday",
        "0000-00-00T00:00:00Z",
        "99999-01-01T00:00:00Z",
        "9" * 400,
        "NaN",
    ],
    ids=["empty", "a word", "zeros", "a late year", "too large", "NaN"],
)
async def test_no_time(time: str) -> None:
    """What is no time is an error of this library, or no time."""
    entry = GOOD.replace("2030-01-02T03:04:05.000Z", time)
    async with surroundings("async", "script") as (script, bucket):
        script.answers["ListObjectsV2"] = lambda _: listed_as(entry)
        try:
            times = [info.last_modified async for info in bucket.list()]
        except S3.BucketException as error:
            times = [None] if "ListObjectsV2" in str(error.operation) else []
        assert times == [None]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a directory in a directory."""
    (tmp_path / "inside").mkdir()
    return tmp_path / "inside"


async def test_keys_that_want_out(place: Path) -> None:
    """Keys of a listing that name places outside are texts; none is asked for, none is written."""
    wanting = ["../../etc/passwd", "/etc/passwd", "a/../../b", "..", "C:\\x", "~/.ssh/x", "k", "k"]
    async with surroundings("async", "script") as (script, bucket):
        script.answers["ListObjectsV2"] = lambda _: listed_as(*(GOOD.replace(">k<", f">{key}<") for key in wanting))
        found = await listed(bucket)
        assert found == wanting
        files = [(key, place / "file") for key in found if not is_key(key)]
        assert len(files) == 3
        errors = [result.error async for result in bucket.download_files(files)]
        assert all(isinstance(error, S3.InvalidInput) for error in errors)
        assert script.operations() == ["ListObjectsV2"]
    assert await asyncio.to_thread(lambda: [each.name for each in place.parent.rglob("*")]) == ["inside"]
