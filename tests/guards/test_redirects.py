"""Nothing is ever sent to another host than the endpoint, and a server that redirects gets a few requests at most."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

import s3_bucket as S3
from s3_bucket._async._botocore import client as client_room
from s3_bucket._async._botocore import wiring
from tests.guards.script import Script, error, reply, serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CALLS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "get": lambda bucket: bucket.get("key"),
    "put": lambda bucket: bucket.put("key", b"secret bytes", metadata={"owner": "me"}),
    "head": lambda bucket: bucket.head("key"),
    "delete": lambda bucket: bucket.delete("key"),
    "list": lambda bucket: anext(bucket.list()),
}


@pytest.mark.parametrize("call", CALLS)
async def test_redirects_are_not_followed(call: str, script: Script, bucket: S3.AsyncBucket) -> None:
    """A redirect to another origin brings no request to it: it would take the token and the bytes along."""
    async with serving() as other:
        for status in (301, 302, 303, 307, 308):
            script.always(reply(status, Location=f"{other.url}/elsewhere/key"))
            with pytest.raises(S3.BucketException):
                await CALLS[call](bucket)
        assert other.requests == []
    assert len(script.requests) == 5


async def test_redirects_are_not_followed_by_the_blocking_face(script: Script, blocking: S3.Bucket) -> None:
    """The blocking face follows no redirect either."""
    async with serving() as other:
        script.always(reply(307, Location=f"{other.url}/elsewhere/key"))
        with pytest.raises(S3.BucketException):
            await asyncio.to_thread(blocking.get, "key")
        assert other.requests == []


async def test_a_redirect_within_a_transfer_is_not_followed(script: Script, bucket: S3.AsyncBucket) -> None:
    """A part of a multipart upload is sent to nobody but the endpoint."""
    async with serving() as other:
        script.answers["UploadPart"] = lambda _: reply(307, Location=f"{other.url}/elsewhere/key")
        with pytest.raises(S3.BucketException):
            await bucket.put("key", bytes(11 * 1024 * 1024))
        assert other.requests == []
    assert script.operations()[-2:] == ["AbortMultipartUpload", "ListParts"]


MOVED = {
    "301": reply(301),
    "301 with a region": reply(301, x_amz_bucket_region="eu-west-1"),
    "301 in XML": error(301, "PermanentRedirect", more="<Endpoint>elsewhere.example</Endpoint>"),
    "307": error(307, "TemporaryRedirect"),
    "400": error(400, "AuthorizationHeaderMalformed", more="<Region>eu-west-1</Region>"),
    "400 without a region": error(400, "AuthorizationHeaderMalformed"),
}


@pytest.mark.parametrize("answer", MOVED)
@pytest.mark.parametrize("call", CALLS)
async def test_no_recursion_at_an_endpoint(call: str, answer: str, script: Script, bucket: S3.AsyncBucket) -> None:
    """A server that answers everything with a move gets one request, and the caller an error."""
    script.always(MOVED[answer])
    with pytest.raises(S3.BucketException) as caught:
        await CALLS[call](bucket)
    assert len(script.requests) == 1
    if call != "head" or not answer.startswith("400"):  # of which nothing but the status is known
        assert "region" in str(caught.value)


@pytest.mark.parametrize("answer", MOVED)
@pytest.mark.parametrize("call", CALLS)
async def test_no_recursion_at_amazon(
    call: str, answer: str, script: Script, make: Callable[..., S3.AsyncBucket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where botocore looks for the bucket's region, it does so once: no recursion, a few requests."""
    for room in (client_room, wiring):
        monkeypatch.setattr(room, "is_amazon", lambda _: True)
    script.always(MOVED[answer])
    with pytest.raises(S3.BucketException):
        await CALLS[call](make())
    assert len(script.requests) <= 3
