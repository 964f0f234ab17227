"""Both engines send the same requests, and make the same of the answers: for every keyword, setting and refusal."""

from __future__ import annotations

import asyncio
import datetime
import inspect
from typing import TYPE_CHECKING, Any

import pytest

import s3_bucket as S3
from s3_bucket._async import _errors
from s3_bucket._async._botocore import client as client_room
from s3_bucket._async._botocore import wiring
from tests.engine import ENGINES
from tests.engines.conftest import MIB, differences, told
from tests.guards.script import HTML, Reply, Script, error, etag, reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from tests.engines.conftest import Both

together = pytest.mark.asyncio(loop_scope="module")

SMALL = bytes(range(256)) * 40
LARGE = bytes(range(256)) * (12 * MIB // 256)
DATE = datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)

KEYS = [
    "key", "a b+%?#&=;:@'\"<>*~\\", "ä😀", "//a//", "\x01\r\n", "%2F%00", "a/...", "-", "a/", " a ", "a//b", "~!()*'",
    "?versionId=1", "#", "=;,$&@", "[]{}|^`", "a\u0308é", "\u2028\ufffe", "x" * 1024, "ü" * 512, "+", "%41", "%",
]  # fmt: skip

GETS: dict[str, dict[str, Any]] = {
    "response_content_type": {"response_content_type": "text/html; charset=utf-8"},
    "range": {"range": (1, 100)},
    "an open range": {"range": (5_000, None)},
    "a range at the end": {"range": (-7, None)},
    "a range of one": {"range": (0, 1)},
    "version_id": {"version_id": "a/b+c=d&e f~*"},
    "if_match": {"if_match": etag(SMALL)},
    "if_match in quotes": {"if_match": f'W/"{etag(SMALL)}"'},
    "if_none_match": {"if_none_match": "another, \"with\" 'marks'"},
    "a customer's key": {"encryption": S3.SSE.c(bytes(range(32)))},
    "all": {
        "response_content_type": "image/png",
        "range": (3, 30),
        "version_id": "null",
        "if_match": etag(SMALL),
        "if_none_match": "other",
    },
}
"""What get() takes; open_reader() takes it, too, but for the content type."""

PUTS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "content_type": {"content_type": "text/plain; charset=utf-8"},
    "metadata": {
        "metadata": {"owner": "me", "B-c_D.e": "two  spaces   and; more, \"marks\" = 'fine'", "n": "=?utf-8?q?"}
    },
    "metadata without a value": {"metadata": {"empty": ""}},
    "odd names of metadata": {"metadata": {"!#$%&'*+-.^_`|~": "1", "X-AMZ-META-a": "2", "content-type": "3"}},
    "if_absent": {"if_absent": True},
    "if_match": {"if_match": '"0123"'},
    "cache_control": {"cache_control": "no-cache,  max-age=3"},
    "content_disposition": {"content_disposition": "attachment; filename=\"a b.txt\"; filename*=utf-8''%e2%82%ac"},
    "content_encoding": {"content_encoding": "gzip"},
    "content_language": {"content_language": "de, en"},
    "expires": {"expires": DATE},
    "storage_class": {"storage_class": "STANDARD_IA"},
    "tags": {"tags": {"a b": "c&d=e+f/ü", "x": "", "~*'()": "!"}},
    "no tags": {"tags": {}},
    "encryption": {"encryption": "AES256"},
    "encryption with a key": {"encryption": "arn:aws:kms:eu-west-1:1:key/2"},
    "encryption by value": {"encryption": S3.SSE.s3()},
    "encryption with a context": {"encryption": S3.SSE.kms("alias/a", context={"ä": "b c"}, bucket_key=True)},
    "encryption without a bucket's key": {"encryption": S3.SSE.kms(bucket_key=False)},
    "a customer's key": {"encryption": S3.SSE.c(bytes(range(32)))},
    "checksum": {"checksum": "CRC32"},
    "another checksum": {"checksum": "SHA1"},
    "a third one, of what is locked": {"checksum": "SHA256", "legal_hold": True},
    "acl": {"acl": "bucket-owner-full-control"},
    "lock": {"lock": S3.ObjectLock("COMPLIANCE", DATE)},
    "legal_hold": {"legal_hold": True},
    "storage class by name": {"storage_class": S3.StorageClass.DEEP_ARCHIVE},
    "all": {
        "content_type": "a/b",
        "metadata": {"b": "1", "a": "2"},
        "if_absent": True,
        "cache_control": "c",
        "content_disposition": "d",
        "content_encoding": "e",
        "content_language": "f",
        "expires": DATE,
        "storage_class": "GLACIER",
        "tags": {"g": "h"},
        "encryption": "aws:kms:dsse",
        "checksum": "SHA256",
        "acl": "public-read",
        "lock": S3.ObjectLock("GOVERNANCE", DATE),
        "legal_hold": True,
    },
}

SETTINGS: dict[str, dict[str, Any]] = {
    "as they are": {},
    "checksums where they are supported": {"checksums": "when_supported"},
    "checksums where they are required": {"checksums": "when_required"},
    "a session token": {
        "aws_access_key_id": "test-key-id",
        "aws_secret_access_key": "test-secret",
        "aws_session_token": "to/ken+=",
    },
    "another region": {"region": "eu-central-1"},
    "anonymous": {"anonymous": True},
    "in the path": {"addressing_style": "path"},
}

BODIES: dict[str, Any] = {
    "nothing": b"",
    "a text": "ä",
    "a view": memoryview(b"abcdef")[::1],
    "bytes that can change": bytearray(b"abc"),
    "more than one piece": bytes(300_000),
    "more than is summed on the loop": bytes(3 * MIB),
}


def stored(script: Script) -> None:
    """Have an object there, and every other key, too."""
    script.objects["key"] = SMALL
    script.objects["large"] = LARGE


async def read(bucket: S3.AsyncBucket, key: str, **options: Any) -> tuple[bytes, S3.ObjectInfo]:
    """Read through a reader."""
    async with bucket.open_reader(key, **options) as reader:
        return await reader.read(), reader.info


async def write(bucket: S3.AsyncBucket, key: str, data: bytes, **options: Any) -> S3.ObjectInfo | None:
    """Write through a writer."""
    async with bucket.open_writer(key, **options) as writer:
        await writer.write(data)
    return writer.info


async def listed(listing: AsyncIterator[Any]) -> list[Any]:
    """Return all of a listing."""
    return [entry async for entry in listing]


async def outcomes(bucket: S3.AsyncBucket, keys: list[str]) -> Any:
    """Return what becomes of keys that are deleted together; if nothing does of any, the first one's exception."""
    results = [result async for result in bucket.delete_many(keys)]
    errors = [result.error for result in results if isinstance(result.error, S3.BucketException)]
    if errors and len(errors) == len(results):
        raise errors[0]
    return sorted((result.index, result.key, result.error and told(result.error)) for result in results)


CALLS: dict[str, Callable[[S3.AsyncBucket], Awaitable[Any]]] = {
    "get": lambda bucket: bucket.get("key"),
    "range": lambda bucket: bucket.get("key", range=(2, 9)),
    "head": lambda bucket: bucket.head("key"),
    "exists": lambda bucket: bucket.exists("key"),
    "put": lambda bucket: bucket.put("key", SMALL, metadata={"owner": "me"}),
    "put if absent": lambda bucket: bucket.put("key", SMALL, if_absent=True),
    "put if it matches": lambda bucket: bucket.put("key", SMALL, if_match="0123"),
    "put in parts": lambda bucket: bucket.put("key", LARGE),
    "delete": lambda bucket: bucket.delete("key"),
    "list": lambda bucket: listed(bucket.list()),
    "delete many": lambda bucket: outcomes(bucket, ["key", "a<&>\"'\t\r\nä😀", "large", "key", "\x01"]),
}


# Every keyword


def all_of(result: Any) -> Any:
    """Return what a get() gives, and what hangs on it."""
    return result.data, result.metadata, result.info


@together
@pytest.mark.parametrize("given", GETS)
async def test_get(given: str, both: Both) -> None:
    """Each keyword of get() and open_reader() is sent alike, for small objects and for those of several ranges."""
    options = GETS[given]
    for key in ("key", "large"):
        await both.alike(lambda bucket, key=key: got(bucket, key, options), stored)
    del (without := dict(options))[
        "response_content_type" if "response_content_type" in options else next(iter(options))
    ]
    await both.alike(lambda bucket: read(bucket, "large", **without), stored)


async def got(bucket: S3.AsyncBucket, key: str, options: dict[str, Any]) -> Any:
    """Return all of a get()."""
    return all_of(await bucket.get(key, **options))


@together
@pytest.mark.parametrize("operation", ["head", "exists", "delete", "get_json"])
@pytest.mark.parametrize("key", ["key", "missing"])
async def test_short_calls(operation: str, key: str, both: Both) -> None:
    """Each keyword of the calls without a body is sent alike."""
    keywords = {"version_id": "1", "if_match": "0123", "if_none_match": "4567", "bypass_governance": True}
    known = inspect.signature(getattr(S3.AsyncBucket, operation)).parameters
    for options in ({}, *({name: value} for name, value in keywords.items() if name in known)):
        await both.alike(lambda bucket, options=options: getattr(bucket, operation)(key, **options), stored)


@together
@pytest.mark.parametrize("given", PUTS)
async def test_put(given: str, both: Both, tmp_path: Path) -> None:
    """Each keyword of what writes is sent alike, in one request and in parts."""
    options = PUTS[given]
    for data in (SMALL, LARGE):
        path = tmp_path / "file"
        await asyncio.to_thread(path.write_bytes, data)
        await both.alike(lambda bucket, data=data: bucket.put("a.txt", data, **options))
        await both.alike(lambda bucket, data=data: write(bucket, "a.txt", data, **options))
        await both.alike(lambda bucket, path=path: bucket.upload_file(path, "a.txt", **options))
    await both.alike(lambda bucket: bucket.put_json("a", {"ä": [1, None]}, **options))


LISTS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "prefix": {"prefix": "a b+%?#&=;:@'\"<>*~\\/"},
    "start_after": {"start_after": "ä😀"},
    "limit": {"limit": 7},
    "all": {"prefix": "\x01\r\n", "start_after": "%2F", "limit": 1},
}


@together
@pytest.mark.parametrize("given", LISTS)
async def test_list(given: str, both: Both) -> None:
    """Each keyword of list() is sent alike, and those of list_dir()."""
    options = LISTS[given]
    seen = await both.alike(lambda bucket: listed(bucket.list(**options)), stored)
    assert [info.key for info in seen.result] == ["key", "large"][: options.get("limit")]
    delimiter = options.get("start_after", "/")
    await both.alike(lambda bucket: listed(bucket.list_dir(options.get("prefix", ""), delimiter)), stored)


def test_every_keyword() -> None:
    """The tables name every keyword that says what is sent."""
    of_get = inspect.signature(S3.AsyncBucket.get).parameters.keys() - {"self", "key"}
    of_put = inspect.signature(S3.AsyncBucket.put).parameters.keys() - {"self", "key", "data", "progress"}
    of_list = inspect.signature(S3.AsyncBucket.list).parameters.keys() - {"self"}
    assert set().union(*LISTS.values()) == of_list
    assert set().union(*GETS.values()) == of_get
    assert set().union(*PUTS.values()) == of_put
    assert set().union(*SETTINGS.values()) >= {"checksums", "anonymous", "addressing_style", "region"}


@together
@pytest.mark.parametrize("key", ["key", "large", "missing"])
@pytest.mark.parametrize("version_id", [None, "1"])
async def test_download_file(key: str, version_id: str | None, both: Both, tmp_path: Path) -> None:
    """A download asks alike and leaves the same file."""
    path = tmp_path / "file"

    async def download(bucket: S3.AsyncBucket) -> Any:
        await asyncio.to_thread(path.unlink, missing_ok=True)
        info = await bucket.download_file(key, path, version_id=version_id)
        return info, await asyncio.to_thread(path.read_bytes)

    await both.alike(download, stored)


@together
@pytest.mark.parametrize("body", BODIES)
async def test_bodies(body: str, both: Both) -> None:
    """Whatever is put arrives alike."""
    seen = await both.alike(lambda bucket: bucket.put("key", BODIES[body]))
    data = BODIES[body]
    assert seen.requests[0].body == (data.encode() if isinstance(data, str) else bytes(data))


@together
@pytest.mark.parametrize("key", KEYS)
async def test_keys(key: str, both: Both) -> None:
    """A key stands in the path alike, and is signed alike, in every operation that sends it so."""
    await both.alike(lambda bucket: bucket.put(key, SMALL))
    await both.alike(lambda bucket: bucket.get(key), lambda script: script.objects.update({key: SMALL}))
    await both.alike(lambda bucket: bucket.head(key, version_id=key[:1] if key.isascii() and key[0] > " " else None))
    await both.alike(lambda bucket: bucket.delete(key))


# Every setting


@together
@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("call", CALLS)
async def test_settings(call: str, settings: str, both: Both) -> None:
    """Each setting that is seen on the wire is kept alike."""
    await both.alike(CALLS[call], stored, **SETTINGS[settings])


@together
@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("call", CALLS)
async def test_settings_over_tls(call: str, settings: str, both_secure: Both) -> None:
    """So it is over TLS, where a checksum stands for the signed hash of a body."""
    seen = await both_secure.alike(CALLS[call], stored, verify=both_secure.verify, **SETTINGS[settings])
    sums = {"x-amz-checksum-crc32", "content-md5"}
    for request in seen.requests:
        if request.method == "PUT" and settings != "anonymous":
            assert sums & request.headers.keys()
            assert request.headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"


CUSTOMER = {"encryption": S3.SSE.c(bytes(range(32)))}
WITH_A_KEY: dict[str, Callable[[S3.AsyncBucket], Awaitable[Any]]] = {
    "get": lambda bucket: got(bucket, "key", CUSTOMER),
    "get in ranges": lambda bucket: got(bucket, "large", CUSTOMER),
    "head": lambda bucket: bucket.head("key", **CUSTOMER),
    "exists": lambda bucket: bucket.exists("key", version_id="1", **CUSTOMER),
    "read": lambda bucket: read(bucket, "large", range=(1, None), **CUSTOMER),
    "put": lambda bucket: bucket.put("key", SMALL, **CUSTOMER),
    "put if absent": lambda bucket: bucket.put("key", SMALL, if_absent=True, **CUSTOMER),
    "put in parts": lambda bucket: bucket.put("key", LARGE, **CUSTOMER),
    "write": lambda bucket: write(bucket, "key", LARGE, metadata={"a": "b"}, **CUSTOMER),
}


@together
@pytest.mark.parametrize("settings", ["as they are", "anonymous", "a session token"])
@pytest.mark.parametrize("call", WITH_A_KEY)
async def test_customer_keys(call: str, settings: str, both_secure: Both) -> None:
    """A customer's key goes with every request of a transfer, alike, over TLS."""
    seen = await both_secure.alike(WITH_A_KEY[call], stored, verify=both_secure.verify, **SETTINGS[settings])
    assert seen.requests
    for request in seen.requests:
        sent = {name: value for name, value in request.headers.items() if "customer" in name}
        assert sent == {
            "x-amz-server-side-encryption-customer-algorithm": "AES256",
            "x-amz-server-side-encryption-customer-key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "x-amz-server-side-encryption-customer-key-md5": "tP/LI3N87DFaSk0aoqYgzg==",
        }
        assert settings == "anonymous" or sent.keys() <= set(request.signed)


@together
@pytest.mark.parametrize("call", WITH_A_KEY)
async def test_no_customer_keys_over_http(call: str, both: Both) -> None:
    """Over plain HTTP, each refuses it in the same words, and sends nothing."""
    for settings in ({}, {"anonymous": True}):
        seen = await both.alike(WITH_A_KEY[call], stored, **settings)
        assert seen.requests == []
        assert seen.result[0] == "InvalidInput"


@together
@pytest.mark.parametrize("call", CALLS)
async def test_virtual_hosts(call: str, both: Both, named_host: str) -> None:
    """A bucket's name stands in the host's name alike."""
    seen = await both.alike(CALLS[call], stored, endpoint_url=named_host, addressing_style="virtual")
    assert {request.headers["host"].split(".")[0] for request in seen.requests} == {"script-bucket"}


@together
@pytest.mark.parametrize("call", CALLS)
async def test_paths_of_endpoints(call: str, both: Both) -> None:
    """What an endpoint's URL has behind its host stands before the bucket alike."""
    for more in ("/", "/s3", "/a%20b/"):
        await both.alike(CALLS[call], stored, endpoint_url=both.script.url + more)


@together
@pytest.mark.parametrize("call", CALLS)
async def test_learning_that_checksums_are_refused(call: str, both: Both) -> None:
    """A vendor that refuses CRC32 gets the same second request."""

    def refusing(script: Script) -> None:
        stored(script)
        named = ("x-amz-checksum-", "x-amz-sdk-checksum")
        refusal = error(400, "InvalidArgument", "Unsupported header 'x-amz-checksum-crc32'")
        script.answers["*"] = lambda request: (
            refusal if any(name.startswith(named) for name in request.headers) else script.good(request)
        )

    await both.alike(CALLS[call], refusing, region=f"learning-{call.replace(' ', '-')}")  # a client that knows nothing


# Every answer

CODES = [*sorted(_errors._BY_CODE), "NoSuchUpload", "InternalError", "OperationAborted", "WhateverWeCallIt", ""]
STATUSES = [*range(300, 309), *range(400, 432), 451, 499, *range(500, 512), 599]
WITH_A_BODY = [call for call in CALLS if call not in {"head", "exists", "put in parts"}]


@together
@pytest.mark.parametrize("call", WITH_A_BODY)
async def test_codes(call: str, both: Both) -> None:
    """Each code of S3's becomes the same exception, with all it says."""
    for code in CODES:
        for status in (400, 503, 200):
            said = error(status, code, "words", "<RequestId>r</RequestId><Extra>e</Extra>", x_amz_id_2="i")
            await both.alike(CALLS[call], lambda script, said=said: script.always(said))


@together
@pytest.mark.parametrize("call", [*WITH_A_BODY, "head", "exists"])
async def test_statuses(call: str, both: Both) -> None:
    """Each status without a body becomes the same exception."""
    for status in STATUSES:
        answer = reply(status, x_amz_request_id="r", Retry_After="0")
        await both.alike(CALLS[call], lambda script, answer=answer: script.always(answer))


ANSWERS: dict[str, Reply] = {
    "a login page": reply(200, HTML, Content_Type="text/html"),
    "a login page as a refusal": reply(403, HTML),
    "nothing": reply(200),
    "no etag": reply(200, SMALL, x_amz_request_id="r"),
    "half an error": reply(400, b"<Error><Code>AccessDenied</Code>"),
    "an error with a DOCTYPE": reply(400, b'<!DOCTYPE a [<!ENTITY b "c">]><Error><Code>AccessDenied</Code></Error>'),
    "an error in UTF-16": reply(400, "<Error><Code>AccessDenied</Code></Error>".encode("utf-16")),
    "an error of other letters": reply(400, b"<Error><Code>\xff</Code></Error>"),
    "an error behind white space": reply(200, b'  \n<?xml version="1.0"?><Error><Code>SlowDown</Code></Error>'),
    "an error in a namespace": reply(403, b'<Error xmlns="http://s3/"><Code>AccessDenied</Code></Error>'),
    "no error, but XML": reply(400, b"<Other><Code>AccessDenied</Code></Other>"),
    "JSON": reply(500, b'{"Code": "SlowDown"}'),
    "a text": reply(502, b"Bad Gateway"),
    "an error that is too long": reply(400, b"<Error><Code>AccessDenied</Code>" + b"<a/>" * 300_000 + b"</Error>"),
    "secrets": error(
        403, "SignatureDoesNotMatch", "test-key-id signed with test-secret", x_amz_request_id="test-secret"
    ),
    "a pause in seconds": error(503, "SlowDown", Retry_After="0.01"),
    "a pause until a time": error(503, "SlowDown", Retry_After="Thu, 01 Jan 1970 00:00:00 GMT"),
    "a pause of Amazon's": error(503, "SlowDown", x_amz_retry_after="7"),
    "no pause": error(503, "SlowDown", Retry_After="soon"),
    "another region": error(301, "PermanentRedirect", x_amz_bucket_region="eu-west-1"),
    "another region for short": reply(400, x_amz_bucket_region="eu-west-1"),
    "a delete marker": reply(404, x_amz_delete_marker="true", x_amz_version_id="1"),
    "a method that isn't allowed": error(405, "MethodNotAllowed", x_amz_delete_marker="true"),
    "an etag of proxies": reply(200, b"abc", ETag='W/"e"'),
    "an etag without quotes": reply(200, b"abc", ETag="e"),
    "an empty etag": reply(200, b"abc", ETag=""),
    "no length": reply(200, SMALL, length=None, end="fin", ETag='"e"'),
    "too many bytes": reply(200, SMALL, length=10, end="fin", ETag='"e"'),
    "chunks": Reply(b'HTTP/1.1 200 OK\r\nETag: "e"\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'),
    "an odd range": reply(206, b"abc", ETag='"e"', Content_Range="bytes 5-7/100"),
    "a range without a length": reply(206, b"abcdefg", ETag='"e"', Content_Range="bytes 2-8/*"),
    "a range that is none": reply(206, b"abc", ETag='"e"', Content_Range="words"),
    "no range": reply(200, SMALL, ETag='"e"'),
    "a wrong checksum": reply(200, b"abc", ETag='"e"', x_amz_checksum_crc32="AAAAAA=="),
    "a checksum of parts": reply(
        200, b"abc", ETag='"e"', x_amz_checksum_crc32="AAAAAA==-2", x_amz_checksum_type="COMPOSITE"
    ),
    "another checksum": reply(
        200, b"abc", ETag='"e"', x_amz_checksum_sha256="ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
    ),
    "a wrong SHA-256": reply(200, b"abc", ETag='"e"', x_amz_checksum_sha256="AAAAAA=="),
    "a wrong SHA-1": reply(200, b"abc", ETag='"e"', x_amz_checksum_sha1="AAAAAA=="),
    "a SHA-1 of parts": reply(200, b"abc", ETag='"e"', x_amz_checksum_sha1="AAAAAA==-1"),
    "another wrong checksum": reply(200, b"abc", ETag='"e"', x_amz_checksum_crc32c="AAAAAA=="),
    "all headers": reply(
        200,
        b"abc",
        ETag='"e"',
        Content_Type="text/plain",
        Last_Modified="Sun, 06 Nov 1994 08:49:37 GMT",
        Cache_Control="c",
        Content_Disposition="d",
        Content_Encoding="gzip",
        Content_Language="f",
        Expires="whenever",
        x_amz_version_id="v",
        x_amz_storage_class="GLACIER",
        x_amz_server_side_encryption="aws:kms",
        x_amz_server_side_encryption_aws_kms_key_id="k",
        x_amz_checksum_type="FULL_OBJECT",
        x_amz_meta_Owner="Me",
        X_Amz_Meta_two="=?UTF-8?Q?=C3=A4?=",
        x_amz_meta_empty="",
        x_amz_missing_meta="3",
        x_amz_expiration='expiry-date="Fri, 23 Dec 2012 00:00:00 GMT", rule-id="r"',
        x_amz_tagging_count="1",
        x_amz_mp_parts_count="2",
        x_amz_delete_marker="false",
        x_amz_website_redirect_location="/",
        x_amz_object_lock_retain_until_date="2030-01-02T03:04:05Z",
    ),
    "a locked object": reply(
        200,
        b"abc",
        ETag='"e"',
        x_amz_object_lock_mode="GOVERNANCE",
        x_amz_object_lock_retain_until_date="2030-01-02T03:04:05.000Z",
        x_amz_object_lock_legal_hold="ON",
    ),
    "a lock until nobody knows when": reply(
        200, b"abc", ETag='"e"', x_amz_object_lock_mode="GOVERNANCE", x_amz_object_lock_retain_until_date="soon"
    ),
    "a restored object": reply(
        200,
        b"abc",
        ETag='"e"',
        x_amz_restore='ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"',
        x_amz_storage_class="GLACIER",
    ),
    "a customer's object": reply(
        200,
        b"abc",
        ETag='"e"',
        x_amz_server_side_encryption_customer_algorithm="AES256",
        x_amz_server_side_encryption_customer_key_MD5="AAAAAAAAAAAAAAAAAAAAAA==",
    ),
    "an archived object": error(403, "InvalidObjectState", more="<StorageClass>GLACIER</StorageClass>"),
    "a header twice": reply(200, b"abc", ETag='"e"', x_amz_meta_a="1\r\nx-amz-meta-a: 2"),
    "letters of another alphabet": Reply(
        'HTTP/1.1 200 OK\r\nETag: "e"\r\nx-amz-meta-a: ä\r\nContent-Length: 0\r\n\r\n'.encode()
    ),
    "letters of no alphabet": Reply(b'HTTP/1.1 200 OK\r\nETag: "e"\r\nx-amz-meta-a: \xff\r\nContent-Length: 0\r\n\r\n'),
    **{
        f"the time {number}": reply(200, b"abc", ETag='"e"', Last_Modified=text)
        for number, text in enumerate(
            [
                "Sunday, 06-Nov-94 08:49:37 GMT",
                "Sun Nov  6 08:49:37 1994",
                "2030-01-02T03:04:05Z",
                "1700000000",
                "1700000000.5",
                "Sun, 31 Feb 1994 08:49:37 GMT",
                "Sun, 06 Xxx 1994 08:49:37 GMT",
                "Sun, 06 Nov 1994 08:49:37 +0100",
                "Sun, 06 Nov 1994 08:49:60 GMT",
                "0",
                "9" * 400,
                "",
            ]
        )
    },
}


WHOLE = "<Name>script-bucket</Name><IsTruncated>false</IsTruncated>"
MORE = "<Name>script-bucket</Name><IsTruncated>true</IsTruncated>"
CODED = WHOLE + "<EncodingType>url</EncodingType>"
KEY = "<Key>a%20b+c&amp;%C3%A4</Key>"
TIME = "<LastModified>2030-01-02T03:04:05.678Z</LastModified>"
ENTRY = f'{KEY}<Size>5</Size><ETag>"e"</ETag>'
LISTINGS = {
    "empty": WHOLE,
    "in a namespace": f'<R xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{WHOLE}<Contents>{ENTRY}</Contents></R>',
    "in two namespaces": f'<R xmlns="a" xmlns:b="b">{WHOLE}<b:Contents>{ENTRY}</b:Contents></R>',
    "behind a declaration": f'<?xml version="1.0" encoding="UTF-8"?>\n<R>{WHOLE}<Contents>{ENTRY}</Contents></R>',
    "behind white space": f'  \n<?xml version="1.0"?><R>{WHOLE}<Contents>{ENTRY}</Contents></R>',
    "with a DOCTYPE": f"<!DOCTYPE a><R>{WHOLE}</R>",
    "coded": f"{CODED}<Prefix>a%20b</Prefix><Contents>{ENTRY}</Contents>",
    "not coded": f"{WHOLE}<Contents>{ENTRY}</Contents>",
    "coded otherwise": f"{WHOLE}<EncodingType>base64</EncodingType><Contents>{ENTRY}</Contents>",
    "coded wrongly": f"{CODED}<Contents><Key>%zz%ff%</Key><Size>1</Size><ETag>e</ETag></Contents>",
    "prefixes": f"{CODED}<CommonPrefixes><Prefix>a%2Fb/</Prefix></CommonPrefixes><Contents>{ENTRY}</Contents>",
    "an empty prefix": f"{WHOLE}<CommonPrefixes><Prefix/></CommonPrefixes>",
    "all of an entry": f"""{WHOLE}<Contents>{ENTRY}{TIME}<StorageClass>GLACIER</StorageClass><Owner><ID>1</ID></Owner>
        <ChecksumAlgorithm>CRC32</ChecksumAlgorithm><RestoreStatus/></Contents>""",
    "white space": f"\n {WHOLE}\n <Contents>\n {ENTRY}\n </Contents>\n",
    "comments": f"{WHOLE}<!-- a --><Contents><?b c?>{ENTRY}<!-- d --></Contents>",
    "CDATA": f"{WHOLE}<Contents><Key><![CDATA[<&>]]></Key><Size>1</Size><ETag>e</ETag></Contents>",
    "no key": f"{WHOLE}<Contents><Size>5</Size><ETag>e</ETag></Contents>",
    "an empty key": f"{CODED}<Contents><Key/><Size>5</Size><ETag>e</ETag></Contents>",
    "no size": f"{WHOLE}<Contents>{KEY}<ETag>e</ETag></Contents>",
    "no etag": f"{WHOLE}<Contents>{KEY}<Size>5</Size></Contents>",
    "an empty etag": f"{WHOLE}<Contents>{KEY}<Size>5</Size><ETag/></Contents>",
    "an empty entry": f"{WHOLE}<Contents/>",
    "a size below nothing": f"{WHOLE}<Contents>{KEY}<Size>-1</Size><ETag>e</ETag></Contents>",
    "a size that is none": f"{WHOLE}<Contents>{KEY}<Size>many</Size><ETag>e</ETag></Contents>",
    "a size without an end": f"{WHOLE}<Contents>{KEY}<Size>{'9' * 5_000}</Size><ETag>e</ETag></Contents>",
    "two sizes": f"{WHOLE}<Contents>{ENTRY}<Size>5</Size></Contents>",
    "two algorithms": f"""{WHOLE}<Contents>{ENTRY}<ChecksumAlgorithm>CRC32</ChecksumAlgorithm>
        <ChecksumAlgorithm>SHA1</ChecksumAlgorithm></Contents>""",
    "an empty size": f"{WHOLE}<Contents>{KEY}<Size/><ETag>e</ETag></Contents>",
    "no name": f"<IsTruncated>false</IsTruncated><Contents>{ENTRY}</Contents>",
    "no end": f"<Name>b</Name><Contents>{ENTRY}</Contents>",
    "an end that is none": f"<Name>b</Name><IsTruncated>perhaps</IsTruncated><Contents>{ENTRY}</Contents>",
    "an end in capitals": f"<Name>b</Name><IsTruncated>True</IsTruncated><Contents>{ENTRY}</Contents>",
    "more, but not where": f"{MORE}<Contents>{ENTRY}</Contents>",
    "more, at nothing": f"{MORE}<NextContinuationToken/><Contents>{ENTRY}</Contents>",
    "more, the same again": f"{MORE}<NextContinuationToken>a+b%41/=</NextContinuationToken>",
    "broken off": "<R><Name>b</Name><IsTruncated>false</IsTruncated><Contents>",
    "nothing": "",
    "white space alone": " \n ",
    "an error": "<Error><Code>InternalError</Code><Message>m</Message></Error>",
    "another answer": "<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>",
    "no XML": '{"Name": "b"}',
    "more tags than fit": WHOLE + "<a/>" * 500_001,
    **{
        f"the time {number}": f"{WHOLE}<Contents>{ENTRY}<LastModified>{text}</LastModified></Contents>"
        for number, text in enumerate(
            [
                "2030-01-02T03:04:05Z",
                "2030-01-02T03:04:05",
                "2030-01-02T03:04:05+02:00",
                "2030-01-02T03:04:05.678901234Z",
                "2030-13-02T03:04:05Z",
                "20300102T0304050000Z",
                "2030-W01-2T03:04:05Z",
                "Sun, 06 Nov 1994 08:49:37 GMT",
                "1700000000",
                "yesterday",
                "",
            ]
        )
    },
}


@together
@pytest.mark.parametrize("answer", LISTINGS)
@pytest.mark.parametrize("chunked", [False, True])
async def test_listings(answer: str, both: Both, *, chunked: bool) -> None:
    """Whatever a listing says, both make the same of it."""
    text = LISTINGS[answer]
    body = (
        f"<ListBucketResult>{text}</ListBucketResult>" if text.startswith(("<Name>", "<IsT", "\n <")) else text
    ).encode()
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    in_chunks = Reply(b"%b%x\r\n%b\r\n0\r\n\r\n" % (head, len(body), body) if body else head + b"0\r\n\r\n")
    said = in_chunks if chunked else reply(200, body)
    await both.alike(lambda bucket: listed(bucket.list()), lambda script: script.always(said))
    await both.alike(lambda bucket: listed(bucket.list_dir()), lambda script: script.always(said))


GONE = "<Deleted><Key>a&amp;b</Key></Deleted><Deleted><Key>c</Key></Deleted>"
DELETIONS = {
    "all": f"<DeleteResult>{GONE}</DeleteResult>",
    "in a namespace": f'<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{GONE}</DeleteResult>',
    "delete markers": """<R><Deleted><Key>a&amp;b</Key><DeleteMarker>true</DeleteMarker><VersionId>1</VersionId>
        <DeleteMarkerVersionId>2</DeleteMarkerVersionId></Deleted><Deleted><Key>c</Key></Deleted></R>""",
    "a refusal": """<R><Deleted><Key>c</Key></Deleted><Error><Key>a&amp;b</Key><Code>AccessDenied</Code>
        <Message>no</Message><VersionId/></Error></R>""",
    "refusals alone": "<R><Error><Key>c</Key><Code>InternalError</Code></Error><Error><Key>a&amp;b</Key></Error></R>",
    "a refusal of nothing": f"<R>{GONE}<Error><Code>SlowDown</Code></Error></R>",
    "both of one": f"<R>{GONE}<Error><Key>c</Key><Code>AccessDenied</Code><Message/></Error></R>",
    "silence on one": "<R><Deleted><Key>c</Key></Deleted></R>",
    "silence": "<DeleteResult/>",
    "others": "<R><Deleted><Key>d</Key></Deleted><Deleted/></R>",
    "nothing": "",
    "broken off": f"<DeleteResult>{GONE}<Deleted><Key>d",
    "an error": "<Error><Code>MalformedXML</Code><Message>m</Message></Error>",
    "no XML": "<html><body>log in<br></body></html>",
}


@together
@pytest.mark.parametrize("answer", DELETIONS)
async def test_deletions(answer: str, both: Both) -> None:
    """Whatever a deletion of many says, both make the same of it, for each key."""
    said = reply(200, DELETIONS[answer].encode())
    await both.alike(lambda bucket: outcomes(bucket, ["a&b", "c"]), lambda script: script.always(said))


@together
@pytest.mark.parametrize("vendor", ["aws", "ceph", "minio", "r2"])
async def test_checksums_of_deletions(vendor: str, both: Both) -> None:
    """A deletion of many carries the checksum that the vendor wants."""
    await both.alike(CALLS["delete many"], vendor=vendor)


DIFFERENT = {
    "too many bytes": "aiohttp fails if the surplus comes with the body; without it, the answer is right",
    "letters of no alphabet": "aiohttp refuses the whole answer; over wire, they are what Python makes of such names",
}
"""Answers of which the engines make different things, and why they may."""


@together
@pytest.mark.parametrize("answer", DIFFERENT)
async def test_different(answer: str, both: Both) -> None:
    """Where the engines may make different things of an answer, they do: otherwise it belongs to the others."""
    seen = [await both.seen(engine, CALLS["get"], lambda script: script.always(ANSWERS[answer])) for engine in ENGINES]
    assert differences(*seen)


OF_A_GET = ("an odd range", "a range without a length", "a range that is none")
"""Answers that tell of a body that a get has asked for: to a write or a listing, S3 never says 206."""
IN_OTHER_WORDS = ("a wrong checksum", "a wrong SHA-256", "a wrong SHA-1")
"""Answers whose faults botocore finds, with its own words."""


@together
@pytest.mark.parametrize("answer", [name for name in ANSWERS if name not in DIFFERENT])
@pytest.mark.parametrize("call", [*WITH_A_BODY, "head", "exists"])
async def test_answers(call: str, answer: str, both: Both) -> None:
    """Whatever is answered, both make the same of it."""
    if answer in OF_A_GET and call.startswith(("put", "delete", "list")):
        return

    async def made(bucket: S3.AsyncBucket) -> Any:
        result = await CALLS[call](bucket)
        return all_of(result) if isinstance(result, S3.GetResult) else result

    of_result = without_words if answer in IN_OTHER_WORDS else lambda result: result
    await both.alike(made, lambda script: script.always(ANSWERS[answer]), of_result)


@together
@pytest.mark.parametrize("call", CALLS)
async def test_another_region_at_amazon(call: str, both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket in another region is found by both, and then asked there at once."""
    for room in (client_room, wiring):
        monkeypatch.setattr(room, "is_amazon", lambda _: True)
    moved = error(301, "PermanentRedirect", x_amz_bucket_region="eu-west-1")

    def elsewhere(script: Script) -> None:
        stored(script)
        script.answers["*"] = lambda request: (
            script.good(request) if "/eu-west-1/" in request.headers["authorization"] else moved
        )

    settings = {"read_timeout": 19.0 + list(CALLS).index(call) / 100}  # of a client that knows no region
    found, again = [
        [await both.seen(engine, CALLS[call], elsewhere, **settings) for engine in ENGINES] for _ in range(2)
    ]
    assert found[0].result == found[1].result == again[0].result
    assert differences(*again) == []
    assert [len(each.requests) for each in found] > [len(each.requests) for each in again]


BREAKS = {
    "reset": Reply(end="rst"),
    "closed": Reply(end="fin"),
    "half a head": Reply(b"HTTP/1.1 200 OK\r\nContent-Le", "fin"),
    "no HTTP": Reply(b"SSH-2.0-OpenSSH_9.6\r\n", "fin"),
    "silent": Reply(end="silent"),
    "half a body": reply(200, b"abc", length=10, end="fin", ETag='"e"'),
    "a silent body": reply(200, b"abc", length=10, end="silent", ETag='"e"'),
}


@together
@pytest.mark.parametrize("answer", BREAKS)
@pytest.mark.parametrize("call", [*WITH_A_BODY, "head"])
async def test_breaks(call: str, answer: str, both: Both) -> None:
    """A connection that breaks off becomes the same exception, in other words."""
    await both.alike(CALLS[call], lambda script: script.always(BREAKS[answer]), without_words, read_timeout=0.3)


def without_words(result: Any) -> Any:
    """Return what an exception says besides its message: what the system or a library said stands in it."""
    kind, _, notes, said = result if isinstance(result, tuple) else (type(result), "", [], {})
    return kind, notes, {name: value for name, value in said.items() if name != "message"}
