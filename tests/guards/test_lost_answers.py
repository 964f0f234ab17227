"""Answers that are lost on the wire: what was done is not reported as undone, nor undone as done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import s3_bucket as S3
from tests.guards.script import Reply, Request, Script, error, serving

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL = b"bytes"
LARGE = bytes(6_000_000)


def create_only(script: Script, operation: str, lost: list[Reply], again: Reply) -> None:
    """Let the server do the operation, lose its answers, and then refuse it, as S3 does."""
    done: list[bool] = []

    def answer(request: Request) -> Reply:
        if done and not lost:
            return again
        if not done:
            script.good(request)
            done.append(True)
        return lost.pop()

    script.answers[operation] = answer


@pytest.mark.parametrize("end", ["fin", "rst"])
@pytest.mark.parametrize("again", [error(412, "PreconditionFailed"), error(500, "InternalError"), Reply(end="rst")])
async def test_create_only(end: str, again: Reply, script: Script, bucket: S3.AsyncBucket) -> None:
    """A create-only put whose answer is lost is a success, not a KeyAlreadyExists by its own hand."""
    create_only(script, "PutObject", [Reply(end=end)], again)
    info = await bucket.put("key", SMALL, metadata={"owner": "me"}, if_absent=True)
    assert info.metadata == {"owner": "me"}
    assert (await bucket.head("key")).metadata == {"owner": "me"}
    assert script.operations() == ["PutObject", "PutObject", "HeadObject", "HeadObject"]


async def test_somebody_was_first(script: Script, bucket: S3.AsyncBucket) -> None:
    """If the object that is there is another's, of the same bytes even, the put has failed."""
    script.objects["key"] = SMALL
    answers = [error(412, "PreconditionFailed"), Reply(end="rst")]
    script.answers["PutObject"] = lambda _: answers.pop()
    with pytest.raises(S3.KeyAlreadyExists):
        await bucket.put("key", SMALL, if_absent=True)


@pytest.mark.parametrize("if_absent", [True, False])
@pytest.mark.parametrize("again", [error(404, "NoSuchUpload"), error(500, "InternalError"), Reply(end="rst")])
async def test_completed(again: Reply, script: Script, bucket: S3.AsyncBucket, *, if_absent: bool) -> None:
    """A multipart upload whose last answer is lost is a success."""
    create_only(script, "CompleteMultipartUpload", [Reply(end="fin")], again)
    info = await bucket.put("key", LARGE, if_absent=if_absent)
    assert (info.size, info.etag) == (len(LARGE), script.etags["key"])
    assert (await bucket.get("key")).data == LARGE


async def test_not_completed(script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """One that was not carried out is aborted, and the error is that of the connection."""
    script.answers["CompleteMultipartUpload"] = lambda _: Reply(end="rst")
    with pytest.raises(S3.BucketConnectionError) as caught:
        await make(max_attempts=3).put("key", LARGE)
    assert caught.value.attempts == 3
    assert "AbortMultipartUpload" in script.operations()


async def test_the_token_is_taken(script: Script, bucket: S3.AsyncBucket) -> None:
    """The name by which writes are known again can't be used for something else."""
    with pytest.raises(S3.InvalidInput, match="metadata"):
        await bucket.put("key", SMALL, metadata={"S3-Bucket-Token": "mine"})
    assert script.requests == []


async def test_nothing_was_sent(make: Callable[..., S3.AsyncBucket]) -> None:
    """Where nobody could be reached, nothing was written, and nobody needs to be asked."""
    async with serving() as gone:
        url = gone.url
    with pytest.raises(S3.BucketConnectionError) as caught:
        await make(endpoint_url=url).put("key", SMALL, if_absent=True)
    assert (caught.value.sent, caught.value.answer_lost) == (False, False)
