"""The server's time is learned where this computer's clock is wrong; credentials that are refused are fetched anew."""

from __future__ import annotations

import asyncio
import datetime
import json
import re
import sys
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest

import s3_bucket as S3
from tests.guards.script import Reply, Request, Script, error, reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

MINUTES_OFF = [20, -20, 60 * 24 * 365]


def signed_at(request: Request) -> datetime.datetime:
    """Return the time that a request was signed with."""
    return datetime.datetime.strptime(request.headers["x-amz-date"] + "+0000", "%Y%m%dT%H%M%SZ%z")


def elsewhen(script: Script, minutes: float, *, tells: bool = True) -> Callable[[Request], Reply]:
    """Return what a server answers whose clock is so many minutes ahead: as S3 does, 15 minutes are let pass."""

    def answer(request: Request) -> Reply:
        now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=minutes)
        if abs(signed_at(request) - now) < datetime.timedelta(minutes=15):
            return script.good(request)
        date = {"Date": format_datetime(now, usegmt=True)} if tells else {}
        return reply(403, **date) if request.method == "HEAD" else error(403, "RequestTimeTooSkewed", **date)

    return answer


@pytest.mark.parametrize("minutes", MINUTES_OFF)
@pytest.mark.parametrize("first", ["get", "head"])
async def test_a_wrong_clock_costs_one_request(
    first: str, minutes: float, script: Script, make: Callable[..., S3.AsyncBucket], caplog: pytest.LogCaptureFixture
) -> None:
    """A clock that is wrong costs one request in all, though the first answer be one to HEAD, without a code."""
    script.objects["key"] = b"1"
    script.answers["*"] = elsewhen(script, minutes)
    bucket = make(max_attempts=2)
    await getattr(bucket, first)("key")
    for _ in range(5):
        assert (await bucket.get("key")).data == b"1"
    await bucket.put("other", b"2")
    assert len(script.requests) == 1 + 5 + 1 + 1
    assert len([record for record in caplog.records if "clock" in record.getMessage()]) == 1


async def test_parallel_refusals_are_learned_alike(script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """Many calls that are refused at once for their time all succeed at their second attempt."""
    script.objects["key"] = b"1"
    script.answers["*"] = elsewhen(script, 20)
    bucket = make(max_attempts=2, max_concurrency=30)
    assert {result.data for result in await asyncio.gather(*(bucket.get("key") for _ in range(30)))} == {b"1"}
    assert len(script.requests) <= 60
    before = len(script.requests)
    await bucket.get("key")
    assert len(script.requests) == before + 1


async def test_a_clock_that_is_put_right_later(script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """When the difference of the clocks changes, it is learned again."""
    script.objects["key"] = b"1"
    bucket = make(max_attempts=2)
    for minutes in (20, 0, -40):
        script.answers["*"] = elsewhen(script, minutes)
        assert (await bucket.get("key")).data == b"1"
    assert len(script.requests) == 6


async def test_each_store_has_its_own_clock(script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """What one endpoint's clock shows is nothing to another store."""
    script.objects["key"] = b"1"
    script.answers["*"] = elsewhen(script, 20)
    await make(max_attempts=2).get("key")
    await make(max_attempts=2, region="eu-west-1").get("key")
    assert len(script.requests) == 4


@pytest.mark.parametrize("date", [None, "yesterday", "Mon, 01 Jan 9999 00:00:00 GMT", "now"])
async def test_a_refusal_that_teaches_nothing(date: str | None, script: Script, bucket: S3.AsyncBucket) -> None:
    """A server that finds the time wrong, but does not tell a time that is another, is asked once."""
    told = format_datetime(datetime.datetime.now(datetime.UTC), usegmt=True) if date == "now" else date
    script.always(error(403, "RequestTimeTooSkewed", **({"Date": told} if told else {})))
    with pytest.raises(S3.NoCredentials, match="clock") as caught:
        await bucket.get("key")
    assert len(script.requests) == 1
    assert not caught.value.retryable


async def test_access_that_is_denied_is_not_about_the_time(script: Script, bucket: S3.AsyncBucket) -> None:
    """A 403 without a code, from a server whose time is right, is asked once."""
    script.always(reply(403, Date=format_datetime(datetime.datetime.now(datetime.UTC), usegmt=True)))
    with pytest.raises(S3.BucketAccessDenied):
        await bucket.head("key")
    assert len(script.requests) == 1


async def test_nothing_signed_nothing_learned(script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """An anonymous request has no time that could be wrong."""
    script.always(error(403, "RequestTimeTooSkewed", Date="Mon, 01 Jan 2035 00:00:00 GMT"))
    with pytest.raises(S3.NoCredentials):
        await make(anonymous=True).get("key")
    assert len(script.requests) == 1


PROCESS = """
import datetime, json, pathlib, sys, time
settings = json.loads(sys.argv[1])
path = pathlib.Path(settings["count"])
with path.open("ab") as count:  # appended, so that programs that run at once count right
    count.write(b".")
    number = count.tell() - 1
if number and settings.get("fails"):
    sys.exit("no more")
expiry = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=settings["life"])
print(json.dumps({"Version": 1, "AccessKeyId": f"key-{number}", "SecretAccessKey": "s" * 40, "SessionToken": "t",
                  "Expiration": expiry.isoformat()}))
"""


@pytest.fixture
def runs(tmp_path: Path) -> Callable[[], Awaitable[int]]:
    """Return what counts how often the program has been asked for credentials."""
    return lambda: asyncio.to_thread(lambda: len((tmp_path / "count").read_bytes()))


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Awaitable[str]]:
    """Return what makes a profile whose credentials come from a program, key-0 first, then key-1 and so on."""

    def write(settings: dict[str, object]) -> None:
        process, config = tmp_path / "process.py", tmp_path / "config"
        process.write_text(PROCESS)
        told = json.dumps({"count": str(tmp_path / "count"), **settings}).replace('"', '\\"')
        config.write_text(f'[profile p]\ncredential_process = {sys.executable} {process} "{told}"\n')
        monkeypatch.setenv("AWS_CONFIG_FILE", str(config))

    async def made(life: float = 3_600, **settings: object) -> str:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        await asyncio.to_thread(write, {"life": life, **settings})
        return "p"

    return made


def key_of(request: Request) -> int:
    """Return the number of the credentials that a request was signed with."""
    found = re.search(r"Credential=key-([0-9]+)/", request.headers["authorization"])
    assert found
    return int(found[1])


def refusing(script: Script, code: str, below: int) -> Callable[[Request], Reply]:
    """Return what a server answers that refuses the first so many credentials."""
    return lambda request: script.good(request) if key_of(request) >= below else error(400, code)


@pytest.mark.parametrize(
    "code", ["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "InvalidAccessKeyId", "InvalidToken"]
)
async def test_refused_credentials_are_fetched_anew(
    code: str,
    script: Script,
    make: Callable[..., S3.AsyncBucket],
    program: Callable[..., Awaitable[str]],
    runs: Callable[[], Awaitable[int]],
) -> None:
    """Credentials that the server refuses before their time are fetched once, and the request succeeds."""
    script.answers["*"] = refusing(script, code, 1)
    bucket = make(profile=await program(), max_attempts=2)
    await bucket.put("key", b"1")
    assert (await bucket.get("key")).data == b"1"
    assert [key_of(request) for request in script.requests] == [0, 1, 1]
    assert await runs() == 2


async def test_a_stampede_fetches_once(
    script: Script,
    make: Callable[..., S3.AsyncBucket],
    program: Callable[..., Awaitable[str]],
    runs: Callable[[], Awaitable[int]],
) -> None:
    """A thousand calls whose credentials have expired fetch new ones once, and all succeed."""
    script.objects["key"] = b"1"
    script.answers["*"] = refusing(script, "ExpiredToken", 1)
    bucket = make(profile=await program(), max_attempts=2, max_concurrency=100)
    results = await asyncio.gather(*(bucket.get("key") for _ in range(1_000)))
    assert {result.data for result in results} == {b"1"}
    assert await runs() == 2


async def test_credentials_that_can_not_be_fetched_anew(
    script: Script,
    make: Callable[..., S3.AsyncBucket],
    program: Callable[..., Awaitable[str]],
    runs: Callable[[], Awaitable[int]],
) -> None:
    """Where nothing new is to be had, the refusal stands, and many calls together ask for it once."""
    script.answers["*"] = refusing(script, "ExpiredToken", 99)
    bucket = make(profile=await program(fails=True), max_attempts=3, max_concurrency=50)
    results = await asyncio.gather(*(bucket.get("key") for _ in range(50)), return_exceptions=True)
    assert {type(result) for result in results} == {S3.NoCredentials}
    assert await runs() == 2
    assert len(script.requests) == 50


async def test_credentials_that_live_five_seconds(
    script: Script,
    make: Callable[..., S3.AsyncBucket],
    program: Callable[..., Awaitable[str]],
    runs: Callable[[], Awaitable[int]],
) -> None:
    """A job whose credentials live a few seconds goes on; a new set is not fetched for each request."""
    bucket = make(profile=await program(life=5), part_size=5 * 1024 * 1024, max_concurrency=4)
    await bucket.put("large", bytes(21_000_000))
    for _ in range(20):
        await bucket.get("large", range=(0, 10))
    assert len(script.requests) >= 20 + 7
    assert await runs() < 15


async def test_static_keys_that_have_expired(script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """Keys that were given can't be refreshed: one request, and the error says that the credentials have expired."""
    script.always(error(400, "ExpiredToken"))
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "aws_session_token": "c"}
    with pytest.raises(S3.NoCredentials, match="have expired") as caught:
        await make(**keys).get("key")
    assert len(script.requests) == 1
    assert not caught.value.retryable


@pytest.mark.parametrize("minutes", [20, -20])
async def test_presigned_at_the_time_that_was_learned(
    minutes: float, script: Script, make: Callable[..., S3.AsyncBucket]
) -> None:
    """A URL is signed at the server's time, once a request has shown that it is another, and its end is told in it."""
    script.answers["*"] = elsewhen(script, minutes)
    bucket = make(max_attempts=2)
    await bucket.put("key", b"1")
    url = await bucket.presign_get("key", 60)
    there = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=minutes)
    assert abs(url.expires - there - datetime.timedelta(seconds=60)) < datetime.timedelta(seconds=30)
    assert f"X-Amz-Date={url.expires - datetime.timedelta(seconds=60):%Y%m%dT%H%M%SZ}" in url


async def test_presigned_with_credentials_that_end(
    script: Script, make: Callable[..., S3.AsyncBucket], program: Callable[..., Awaitable[str]]
) -> None:
    """A URL that was signed with temporary credentials says that it ends with them."""
    bucket = make(profile=await program(life=1_000))
    url = await bucket.presign_get("key", 7 * 86_400)
    left = url.expires - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(seconds=900) < left <= datetime.timedelta(seconds=1_000)
    assert "X-Amz-Credential=key-0%2F" in url
    assert script.requests == []
