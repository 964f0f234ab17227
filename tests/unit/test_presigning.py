"""Signing for others: for the right place, with credentials that last, at the server's time."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.utils import S3RegionRedirectorv2

from s3_bucket import _presign, exceptions
from s3_bucket._async._botocore.store import BotocoreStore
from s3_bucket._config import Settings
from tests.unit.memory import MemoryStore, retrying
from tests.unit.test_signing import Source

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from s3_bucket._store import PresignRequest

KEYS = {"aws_access_key_id": "AKIDPRIVATE", "aws_secret_access_key": "a-private-secret", "aws_session_token": "t0k+n/="}
REQUESTS = {
    "get": _presign.get("bucket", "key", 3_600),
    "put": _presign.put("bucket", "key", 3_600, content_type="text/plain"),
    "post": _presign.post("bucket", "key", 3_600, max_size=1),
}
AP = "accesspoint/mine"


@asynccontextmanager
async def opened(**settings: Any) -> AsyncIterator[BotocoreStore]:
    """Open a store with these settings, which sends nothing."""
    store = await BotocoreStore.open(Settings(**{"region": "eu-west-1", **KEYS, **settings}))
    try:
        yield store
    finally:
        await store.aclose()


def signed_for(query: str) -> tuple[str, str]:
    """Return the region and the service that a URL was signed for."""
    [credential] = parse_qs(query)["X-Amz-Credential"]
    key_id, _, region, service, last = credential.split("/")
    assert (key_id, last) == ("AKIDPRIVATE", "aws4_request")
    return region, service


PLACES: dict[str, tuple[dict[str, Any], str, str, str, str]] = {
    "virtual": ({}, "bucket", "https://bucket.s3.eu-west-1.amazonaws.com/", "eu-west-1", "s3"),
    "a new region": (
        {"region": "ap-east-2"},
        "bucket",
        "https://bucket.s3.ap-east-2.amazonaws.com/",
        "ap-east-2",
        "s3",
    ),
    "another partition": (
        {"region": "cn-north-1"},
        "bucket",
        "https://bucket.s3.cn-north-1.amazonaws.com.cn/",
        "cn-north-1",
        "s3",
    ),
    "the first region": (
        {"region": "us-east-1"},
        "bucket",
        "https://bucket.s3.amazonaws.com/",
        "us-east-1",
        "s3",
    ),
    "path": (
        {"addressing_style": "path"},
        "bucket",
        "https://s3.eu-west-1.amazonaws.com/bucket/",
        "eu-west-1",
        "s3",
    ),
    "dots": ({}, "a.bucket", "https://s3.eu-west-1.amazonaws.com/a.bucket/", "eu-west-1", "s3"),
    "an endpoint": (
        {"endpoint_url": "http://127.0.0.1:9000/base"},
        "bucket",
        "http://127.0.0.1:9000/base/bucket/",
        "eu-west-1",
        "s3",
    ),
    "an endpoint, virtual": (
        {"endpoint_url": "https://s3.example:443", "addressing_style": "virtual"},
        "bucket",
        "https://bucket.s3.example/",
        "eu-west-1",
        "s3",
    ),
    "an access point": (
        {},
        f"arn:aws:s3:eu-west-2:123456789012:{AP}",
        "https://mine-123456789012.s3-accesspoint.eu-west-2.amazonaws.com/",
        "eu-west-2",
        "s3",
    ),
    "an access point that runs a function": (
        {},
        f"arn:aws:s3-object-lambda:eu-west-2:123456789012:{AP}",
        "https://mine-123456789012.s3-object-lambda.eu-west-2.amazonaws.com/",
        "eu-west-2",
        "s3-object-lambda",
    ),
    "an Outpost": (
        {},
        f"arn:aws:s3-outposts:eu-west-2:123456789012:outpost/op-1/{AP}",
        "https://mine-123456789012.op-1.s3-outposts.eu-west-2.amazonaws.com/",
        "eu-west-2",
        "s3-outposts",
    ),
}


@pytest.mark.parametrize("name", PLACES)
async def test_place(name: str) -> None:
    """A URL and a form are for the endpoint that the rules give the bucket, and signed for its region."""
    settings, bucket, base, *place = PLACES[name]
    async with opened(**settings) as store:
        url = (await store.presign(_presign.get(bucket, "a key", 60))).url
        form = await store.presign(_presign.post(bucket, "a key", 60, max_size=1))
    assert url.partition("?")[0] == f"{base}a%20key"
    assert list(signed_for(urlsplit(url).query)) == place
    assert form.url.removesuffix("/") == base.removesuffix("/")
    assert form.fields["x-amz-credential"].split("/")[2:4] == place


KMS_KEY = "arn:aws:kms:eu-west-1:123456789012:key/1"
ENCRYPTED = {"x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": KMS_KEY}


async def test_encryption() -> None:
    """How the object is to be encrypted is signed with the rest: as headers to be sent, or as fields."""
    async with opened() as store:
        url = await store.presign(_presign.put("bucket", "key", 60, encryption=KMS_KEY))
        form = await store.presign(_presign.post("bucket", "key", 60, max_size=1, encryption=KMS_KEY))
    assert url.headers == ENCRYPTED
    [names] = parse_qs(urlsplit(url.url).query)["X-Amz-SignedHeaders"]
    assert names == ";".join(["host", *ENCRYPTED])
    policy = json.loads(base64.b64decode(form.fields["policy"]))
    for name, value in ENCRYPTED.items():
        assert form.fields[name] == value
        assert {name: value} in policy["conditions"]


async def test_dual_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ~/.aws/config says of endpoints holds for URLs, too."""
    await asyncio.to_thread((tmp_path / "config").write_text, "[default]\nuse_dualstack_endpoint = true\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    async with opened() as store:
        url = (await store.presign(REQUESTS["get"])).url
    assert urlsplit(url).netloc == "bucket.s3.dualstack.eu-west-1.amazonaws.com"


async def test_region_that_was_found_out() -> None:
    """Once a request has shown in which region a bucket is, URLs are for that one."""
    async with opened() as store:
        before = await store.presign(REQUESTS["get"])
        handlers = store._client.meta.events._emitter._handlers.prefix_search("before-endpoint-resolution.s3")
        [redirector] = {
            owner for found in handlers if isinstance(owner := getattr(found, "__self__", None), S3RegionRedirectorv2)
        }
        redirector._cache["bucket"] = "us-west-2"
        after = await store.presign(REQUESTS["get"])
    assert signed_for(urlsplit(before.url).query)[0] == "eu-west-1"
    assert signed_for(urlsplit(after.url).query)[0] == "us-west-2"
    assert urlsplit(after.url).netloc == "bucket.s3.us-west-2.amazonaws.com"


@pytest.mark.parametrize("bucket", ["bucket--euw1-az1--x-s3", f"arn:aws:s3::123456789012:{AP}.mrap"])
@pytest.mark.parametrize("make", [_presign.get, _presign.put])
async def test_other_signatures(bucket: str, make: Any) -> None:
    """A bucket that takes other signatures than version 4 is refused, saying so."""
    async with opened() as store:
        with pytest.raises(exceptions.InvalidInput, match="other signatures than version 4") as caught:
            await store.presign(make(bucket, "key", 60))
    assert (caught.value.argument, caught.value.bucket, caught.value.sent) == ("bucket_name", bucket, False)


@pytest.mark.parametrize("name", REQUESTS)
async def test_no_credentials(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Without credentials, or without leave to use them, nothing is signed, and the error says what to do."""
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable)
    nobody = dict.fromkeys(KEYS)
    async with opened(**nobody) as store:
        with pytest.raises(exceptions.NoCredentials, match=r"give keys to init\(\)") as caught:
            await store.presign(REQUESTS[name])
    assert (caught.value.key, caught.value.sent, caught.value.retryable) == ("key", False, False)
    async with opened(**nobody, anonymous=True) as store:
        with pytest.raises(exceptions.NoCredentials, match="anonymous=True") as caught:
            await store.presign(REQUESTS[name])
    assert (caught.value.key, caught.value.sent, caught.value.retryable) == ("key", False, False)


@pytest.mark.parametrize("name", REQUESTS)
async def test_nothing_is_logged(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Neither this library nor botocore logs anything that opens S3, and no repr on the way shows it."""
    caplog.set_level(logging.DEBUG)
    async with opened() as store:
        caplog.clear()
        signed = await store.presign(REQUESTS[name])
    opening = [*KEYS.values(), "t0k%2Bn%2F%3D", signed.url[-64:], *signed.fields.values()]
    shown = caplog.text + repr(signed) + repr(REQUESTS[name])
    harmless = {"key", "AWS4-HMAC-SHA256", signed.fields.get("x-amz-date"), "http://127.0.0.1"}
    assert not [secret for secret in opening if secret not in harmless and secret in shown]
    assert "t0k" in signed.url + str(signed.fields)


def ahead(store: BotocoreStore, offset: timedelta) -> None:
    """Let the server's clock be ahead of this computer's."""
    store._wiring.clock._offset = offset


async def test_the_servers_time() -> None:
    """What is signed is signed at the server's time, where this computer's clock is another."""
    offset = timedelta(hours=5)
    async with opened() as store:
        ahead(store, offset)
        url, form = await store.presign(REQUESTS["get"]), await store.presign(REQUESTS["post"])
    now = datetime.now(UTC) + offset
    for date in (parse_qs(urlsplit(url.url).query)["X-Amz-Date"][0], form.fields["x-amz-date"]):
        at = datetime.strptime(f"{date}+0000", "%Y%m%dT%H%M%SZ%z")
        assert abs(now - at) < timedelta(minutes=1)
        assert url.expires - at in {timedelta(hours=1), timedelta(hours=1, seconds=1), timedelta(seconds=3_599)}
    policy = json.loads(base64.b64decode(form.fields["policy"]))
    assert policy["expiration"] == f"{form.expires:%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize(("life", "left"), [(600.0, 600.0), (7_200.0, 3_600.0)])
async def test_ends_with_the_credentials(name: str, life: float, left: float) -> None:
    """What was signed with credentials that end sooner ends with them; if they last longer, when it was asked to."""
    source = Source(life)
    async with opened() as store:
        store._wiring._signing.keys = source.keys()
        signed = await store.presign(REQUESTS[name])
    assert abs(signed.expires - datetime.now(UTC) - timedelta(seconds=left)) < timedelta(minutes=1)
    assert signed.expires.tzinfo is UTC
    assert source.count == 0


async def test_credentials_that_end_soon() -> None:
    """In the second half of their life, credentials that end before the URL would are fetched anew, once."""
    source = Source(7_200.0)
    keys = source.keys()
    keys._credentials._expiry_time -= timedelta(seconds=4_000)
    async with opened() as store:
        store._wiring._signing.keys = keys
        urls = [await store.presign(_presign.get("bucket", "key", 7 * 86_400)) for _ in range(3)]
        assert source.count == 1
        assert {"key-1%2F" in url.url for url in urls} == {True}
        short = await store.presign(_presign.get("bucket", "key", 60))
    assert source.count == 1
    assert short.expires < urls[0].expires


async def test_credentials_that_end_soon_can_not_be_fetched() -> None:
    """Where there are no newer credentials, those that hold are used."""
    source = Source(7_200.0)
    keys = source.keys()
    keys._credentials._expiry_time -= timedelta(seconds=4_000)

    async def fail() -> None:
        raise OSError("no network")

    source.meanwhile = fail
    async with opened() as store:
        store._wiring._signing.keys = keys
        signed = await store.presign(REQUESTS["get"])
    assert "key-0%2F" in signed.url
    assert signed.expires - datetime.now(UTC) < timedelta(seconds=3_201)


async def test_credentials_without_an_end() -> None:
    """Credentials that don't say when they expire end nothing."""
    source = Source()
    keys = source.keys()
    keys._credentials._expiry_time = None
    assert (await keys.lasting(604_800))[1] is None
    assert source.count == 0


async def test_a_presigner_waits_for_nobody() -> None:
    """Presigning takes no slot and is done while all are taken: nothing is sent."""
    memory = MemoryStore()
    store = retrying(memory, max_concurrency=1)
    assert store._slots.taken() is not None
    request: PresignRequest = REQUESTS["get"]
    assert (await store.presign(request)).url == "memory://bucket/key"
    store._slots.release()
