"""A copy is believed only if the server says that it is one: its 200 comes before it has copied anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import s3_bucket as S3
from tests.guards.script import HTML, Reply, Request, Script, error, etag, reply

if TYPE_CHECKING:
    from collections.abc import Callable

NO_COPIES = {
    "empty": reply(200),
    "HTML": reply(200, HTML, Content_Type="text/html"),
    "other XML": reply(200, b"<CopyObjectResult><Thing>1</Thing></CopyObjectResult>", x_amz_request_id="1"),
    "half of XML": reply(200, b"<CopyObjectResult><ETag>"),
    "nothing": reply(200, x_amz_request_id="1"),
    "an error": error(200, "NobodyKnowsThis"),
    "an error that passes": error(200, "InternalError"),
    "an error that stays": error(200, "AccessDenied"),
}


def copying(script: Script, *answers: Reply) -> Callable[[Request], Reply]:
    """Return what answers a CopyObject so, one after another, and then as S3 does."""
    left = list(answers)

    def answer(request: Request) -> Reply:
        if request.method != "PUT":
            return script.good(request)
        if left:
            return left.pop(0)
        script.objects["copy"] = script.objects["source"]
        script.etags["copy"] = etag(script.objects["copy"])
        head = b'<?xml version="1.0" encoding="UTF-8"?>\n'
        return reply(200, b"    " + head + f"<R><ETag>&quot;{script.etags['copy']}&quot;</ETag></R>".encode())

    return answer


@pytest.mark.parametrize("kind", NO_COPIES)
async def test_no_copy(script: Script, bucket: S3.AsyncBucket, kind: str) -> None:
    """A 200 without a copy is an error, also with an error in it, and nothing is deleted after it."""
    await bucket.put("source", "data")
    script.answers["copy"] = copying(script, *[NO_COPIES[kind]] * 9)
    with pytest.raises(S3.BucketException) as raised:
        await bucket.move("source", "copy")
    assert isinstance(raised.value, S3.BucketAccessDenied) == (kind == "an error that stays")
    assert script.objects == {"source": b"data"}
    assert "DeleteObject" not in script.operations()


@pytest.mark.parametrize("kind", ["an error that passes", "half of XML", "HTML"])
async def test_copied_again(script: Script, bucket: S3.AsyncBucket, kind: str) -> None:
    """What may succeed at the next attempt is tried again, and white space before an answer is no answer."""
    await bucket.put("source", "data")
    script.answers["copy"] = copying(script, NO_COPIES[kind])
    assert (await bucket.copy("source", "copy")).size == 4


async def test_pinned(script: Script, bucket: S3.AsyncBucket) -> None:
    """CopyObject names the source, and the etag that it was seen with."""
    await bucket.put("ä+ %?&#", "data")
    script.objects["source"] = b"data"
    script.answers["copy"] = copying(script)
    await bucket.copy("ä+ %?&#", "copy")
    [sent] = [request for request in script.requests if "x-amz-copy-source" in request.headers]
    assert sent.headers["x-amz-copy-source"].removeprefix("/") == f"{bucket.name}/%C3%A4%2B%20%25%3F%26%23"
    assert sent.headers["x-amz-copy-source-if-match"] == f'"{etag(b"data")}"'


LISTINGS: dict[str, Any] = {
    "empty": reply(200),
    "HTML": reply(200, HTML, Content_Type="text/html"),
    "other XML": reply(200, b"<Foreign><Thing>1</Thing></Foreign>", x_amz_request_id="1"),
    "broken off": reply(200, b"<ListVersionsResult><Name>n</Name><IsTruncated>true</IsTruncated></ListVersionsResult>"),
}


@pytest.mark.parametrize("kind", LISTINGS)
async def test_no_versions(script: Script, bucket: S3.AsyncBucket, kind: str) -> None:
    """A listing that says nothing is no empty one."""
    script.always(LISTINGS[kind])
    with pytest.raises(S3.BucketException):
        [version async for version in bucket.list_versions()]
