"""What the settings and the operations look like on the wire."""

from __future__ import annotations

import asyncio
import binascii
import contextlib
import os
import re
import struct
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
import pytest
from botocore.exceptions import UnknownServiceError

import s3_bucket as S3
from s3_bucket._async._botocore import client as client_room
from tests.guards.script import BUCKET, Reply, Script, reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aiobotocore.session import AioSession


async def test_anonymous(script: Script, make: Callable[..., S3.AsyncBucket], monkeypatch: pytest.MonkeyPatch) -> None:
    """Anonymous requests are not signed, and need no credentials."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    await make(anonymous=True).put("key", b"1")
    assert "authorization" not in script.requests[0].headers


async def test_no_credentials(
    script: Script, make: Callable[..., S3.AsyncBucket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any credentials nothing is sent, and the error says how to give some."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(S3.NoCredentials, match=r"init\(\)"):
        await make().get("key")
    assert script.requests == []


@pytest.fixture
def own_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Have a directory of the user's own models, and name one that isn't there."""
    monkeypatch.setenv("AWS_DATA_PATH", os.pathsep.join([str(tmp_path), str(tmp_path / "missing")]))
    (tmp_path / "of-the-user").mkdir()


async def test_models(make: Callable[..., S3.AsyncBucket], monkeypatch: pytest.MonkeyPatch, own_models: None) -> None:
    """The models of S3 and of the services that give credentials are found, without a look at all the others."""
    sessions: list[AioSession] = []
    share = client_room._share_loader
    monkeypatch.setattr(client_room, "_share_loader", lambda session: (sessions.append(session), share(session)))
    listed: list[str] = []
    listdir = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: (listed.append(str(path)), listdir(path))[1])
    await make().put("key", b"1")
    of_botocore = [path for path in listed if "botocore" in path]
    assert 0 < len(of_botocore) < 20
    loader = sessions[-1].get_component("data_loader")
    found = await asyncio.to_thread(loader.list_available_services, "service-2")
    assert {"s3", "sts", "sso", "sso-oidc", "of-the-user"} <= set(found)
    model = await asyncio.to_thread(loader.load_service_model, "sts", "service-2")
    assert model["metadata"]["serviceId"] == "STS"
    with pytest.raises(UnknownServiceError):
        await asyncio.to_thread(loader.load_service_model, "no-such-service", "service-2")


async def test_opening_says_nothing(make: Callable[..., S3.AsyncBucket], monkeypatch: pytest.MonkeyPatch) -> None:
    """In asyncio's debug mode, the loop on which a client is made complains of nothing: no loop of the user's waits."""
    debugged: list[bool] = []
    share = client_room._share_loader

    def sharing(session: AioSession) -> None:
        debugged.append(asyncio.get_running_loop().get_debug())
        share(session)

    monkeypatch.setattr(client_room, "_share_loader", sharing)
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    await make().put("key", b"1")
    assert debugged == [False]


PROCESS = """
import datetime, json, os, pathlib, sys
count = pathlib.Path(sys.argv[1])
number = len(count.read_bytes()) if count.exists() else 0
count.write_bytes(b"." * (number + 1))
life = datetime.timedelta(minutes=1 if number else -1)
expiry = datetime.datetime.now(datetime.timezone.utc) + life
print(json.dumps({"Version": 1, "AccessKeyId": f"key-{number}", "SecretAccessKey": "s", "SessionToken": "t",
                  "Expiration": expiry.isoformat()}))
"""


@pytest.fixture
def short_lived(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Return a profile whose credentials come from a program; the first have expired when they come."""
    process, config = tmp_path / "process.py", tmp_path / "config"
    process.write_text(PROCESS)
    config.write_text(f"[profile short]\ncredential_process = {sys.executable} {process} {tmp_path / 'count'}\n")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    return "short"


async def test_the_chain_refreshes(script: Script, make: Callable[..., S3.AsyncBucket], short_lived: str) -> None:
    """What the chain found is asked for again when it has expired, once, also where many calls want it at once."""
    bucket = make(profile=short_lived)
    script.objects["key"] = b"1"
    await asyncio.gather(*(bucket.get("key") for _ in range(20)))
    await bucket.get("key")
    used = [re.search(r"Credential=(key-[0-9]+)/", each.headers["authorization"]) for each in script.requests]
    assert [found and found[1] for found in used] == ["key-1"] * 21
    assert {each.headers["x-amz-security-token"] for each in script.requests} == {"t"}


async def test_a_profile_that_there_is_not(make: Callable[..., S3.AsyncBucket]) -> None:
    """A profile that there is not is an error that names it."""
    with pytest.raises(S3.BucketException, match="no-such-profile"):
        await make(profile="no-such-profile").get("key")


async def test_addressing_styles(script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """The bucket's name goes into the path at an endpoint, unless it is wanted in the host's name."""
    for style in ("auto", "path"):
        await make(addressing_style=style).put("key", b"1")
    assert {request.target for request in script.requests} == {f"/{BUCKET}/key"}
    localhost = script.url.replace("127.0.0.1", "localhost")
    with pytest.raises(S3.BucketException):
        await make(addressing_style="virtual", endpoint_url=localhost.replace("http", "https")).put("key", b"1")


@pytest.mark.parametrize(("region", "named"), [("us-east-1", False), ("eu-west-1", True)])
async def test_creating(region: str, named: bool, script: Script, make: Callable[..., S3.AsyncBucket]) -> None:  # noqa: FBT001  # of a table
    """A bucket is made in the settings' region, which is named unless it is the one that must not be."""
    await make(region=region).create()
    assert (f"<LocationConstraint>{region}</LocationConstraint>".encode() in script.requests[0].body) == named


@pytest.mark.parametrize(("checksums", "sent"), [("when_supported", True), ("when_required", False), ("auto", True)])
async def test_checksums(checksums: str, sent: bool, script: Script, make: Callable[..., S3.AsyncBucket]) -> None:  # noqa: FBT001  # of a table
    """Uploads carry a CRC32 in a header where that is wanted; a Content-MD5 where it is not."""
    bucket = make(checksums=checksums)
    await bucket.put("small", b"1")
    await bucket.put("large", bytes(6_000_000))
    uploads = [each for each in script.requests if each.operation in {"PutObject", "UploadPart"}]
    assert len(uploads) == 3
    assert {"x-amz-checksum-crc32" in each.headers for each in uploads} == {sent}
    assert {"content-md5" in each.headers for each in uploads} == {not sent}
    assert {each.headers.get("x-amz-trailer") for each in uploads} == {None}
    created, completed = (
        next(each for each in script.requests if each.operation == name)
        for name in ("CreateMultipartUpload", "CompleteMultipartUpload")
    )
    assert ("x-amz-checksum-algorithm" in created.headers) == sent
    assert (b"<ChecksumCRC32>" in completed.body) == sent


async def test_calling(script: Script, bucket: S3.AsyncBucket) -> None:
    """call() gives the answer, streams received; an operation that there is not, or a wrong argument, is refused."""
    script.objects["key"] = bytes(1_000_000)
    assert (await bucket.call("GetObject", Key="key"))["Body"] == bytes(1_000_000)
    for operation, parameters in (
        ("NoSuchThing", {}),
        ("get_object", {}),
        ("GetObject", {"Wrong": 1}),
        ("PutObject", {}),
    ):
        with pytest.raises(S3.InvalidInput):
            await bucket.call(operation, **parameters)
    assert len(script.requests) == 1


def event(kind: str, payload: bytes) -> bytes:
    """Return a message of an event stream."""
    names = {":message-type": "event", ":event-type": kind}
    headers = b"".join(
        struct.pack("B", len(name)) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for name, value in names.items()
    )
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", binascii.crc32(prelude)) + headers + payload
    return message + struct.pack(">I", binascii.crc32(message))


async def test_calling_for_events(script: Script, bucket: S3.AsyncBucket) -> None:
    """A stream of events is received whole."""
    script.always(reply(200, event("Records", b"1,2,3") + event("End", b"")))
    answer = await bucket.call(
        "SelectObjectContent",
        Key="key",
        Expression="SELECT *",
        ExpressionType="SQL",
        InputSerialization={"CSV": {}},
        OutputSerialization={"CSV": {}},
    )
    assert answer["Payload"] == [{"Records": {"Payload": b"1,2,3"}}, {"End": {}}]


@pytest.mark.parametrize("name", ["a b+%?#&=;:@'\"<>*~\\", "ä😀", "//a//", "\x01\r\n", "%2F%00", "a/...", "-"])
async def test_keys_on_the_wire(name: str, script: Script, bucket: S3.AsyncBucket) -> None:
    """A key arrives as it was given, in every operation that sends it in the URL."""
    await bucket.put(name, b"1")
    assert (await bucket.get(name)).data == b"1"
    await bucket.head(name)
    await bucket.delete(name)
    assert [request.target.split("?")[0] for request in script.requests] == [script.requests[0].target] * 4
    assert list(script.objects) == [name]


async def test_keys_that_xml_has_no_word_for(script: Script, bucket: S3.AsyncBucket) -> None:
    """A key that XML can't express does not keep the other keys of its batch from being deleted."""
    results = {result.key: result.ok async for result in bucket.delete_many(["a", "b\x01", "c\uffff", "d"])}
    assert results == {"a": True, "b\x01": True, "c\uffff": True, "d": True}
    batches = [each for each in script.requests if each.operation == "DeleteObjects"]
    assert not [each for each in batches if b"\x01" in each.body or "\uffff".encode() in each.body]


async def test_closing_while_it_is_used(script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """A bucket that is closed while a call runs makes that call fail with an error of this library, or succeed."""
    arrived = asyncio.Event()
    bucket = make(read_timeout=0.3)

    async def answer(_: object) -> Reply:
        arrived.set()
        return Reply(end="silent")

    script.answers["*"] = answer
    task = asyncio.ensure_future(bucket.get("key"))
    await arrived.wait()
    script.answers.clear()
    script.objects["key"] = b"1"
    await bucket.aclose()
    with contextlib.suppress(S3.BucketException):
        assert (await task).data == b"1"


async def test_bytes_that_nobody_asked_for(script: Script) -> None:
    """A connection on which bytes have come that nobody asked for is closed, and its next request fails at once."""
    address = urlsplit(script.url)
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(
        lambda: client_room._Connection(loop=loop), address.hostname, address.port
    )
    connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
    assert connection.is_connected()
    connection.set_response_params()
    assert not connection.is_connected()
    with pytest.raises(aiohttp.ServerDisconnectedError, match="more than it was asked for"):
        await connection.read()
