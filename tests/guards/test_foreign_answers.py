"""An answer of success that is not S3's is no success, and whatever goes wrong is one of this library's exceptions."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

import s3_bucket as S3
from s3_bucket._store import GetRequest, ListRequest, Part, PutOptions, Upload
from tests.guards.script import BUCKET, HTML, Reply, Script, error, reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from s3_bucket._store import ObjectStore

UPLOAD = Upload(BUCKET, "key", "upload-1")

OPERATIONS: dict[str, Callable[[ObjectStore], Awaitable[Any]]] = {
    "GetObject": lambda store: store.get(GetRequest(BUCKET, "key"), lambda length: memoryview(bytearray(length))),
    "GetObject range": lambda store: store.get(
        GetRequest(BUCKET, "key", (0, 5)), lambda length: memoryview(bytearray(length))
    ),
    "HeadObject": lambda store: store.head(GetRequest(BUCKET, "key")),
    "PutObject": lambda store: store.put(BUCKET, "key", b"data", PutOptions()),
    "DeleteObject": lambda store: store.delete(GetRequest(BUCKET, "key")),
    "DeleteObjects": lambda store: store.delete_batch(BUCKET, ["key"]),
    "ListObjectsV2": lambda store: store.list_page(ListRequest(BUCKET), None, 1_000),
    "CreateMultipartUpload": lambda store: store.create_upload(BUCKET, "key", PutOptions()),
    "UploadPart": lambda store: store.upload_part(UPLOAD, 1, b"data"),
    "CompleteMultipartUpload": lambda store: store.complete_upload(UPLOAD, [Part(1, '"e"')], PutOptions()),
    "AbortMultipartUpload": lambda store: store.abort_upload(UPLOAD),
    "HeadBucket": lambda store: store.head_bucket(BUCKET),
    "CreateBucket": lambda store: store.create_bucket(BUCKET),
    "GetBucketCors": lambda store: store.call(BUCKET, "GetBucketCors", {}),
}
WITHOUT_CONTENT = {"DeleteObject", "AbortMultipartUpload", "HeadBucket", "CreateBucket"}
MUST_SAY_SOMETHING = sorted(OPERATIONS.keys() - WITHOUT_CONTENT - {"GetBucketCors"})
TWO_HUNDREDS = {
    "empty": reply(200),
    "HTML": reply(200, HTML, Content_Type="text/html"),
    "other XML": reply(200, b"<Foreign><Thing>1</Thing></Foreign>"),
    "error": error(200, "NobodyKnowsThis"),
    "half of XML": reply(200, b"<R><UploadId>upl"),
    "no text": reply(200, b"\x00\xff\xfe"),
    "204": reply(204),
}


@pytest.mark.parametrize("operation", MUST_SAY_SOMETHING)
async def test_foreign_success(operation: str, script: Script, bucket: S3.AsyncBucket) -> None:
    """A 200 without what S3 always says is an error, tried again."""
    store = await bucket._store()
    for answer in TWO_HUNDREDS.values():
        script.always(answer)
        with pytest.raises(S3.BucketException):
            await OPERATIONS[operation](store)
    assert len(script.requests) == 2 * len(TWO_HUNDREDS)


@pytest.mark.parametrize("operation", sorted(WITHOUT_CONTENT))
async def test_foreign_success_without_content(operation: str, script: Script, bucket: S3.AsyncBucket) -> None:
    """A 200 of a login page is no success either where S3's own answer has no content."""
    store = await bucket._store()
    for answer in (reply(200), reply(200, HTML, Content_Type="text/html")):
        script.always(answer)
        with pytest.raises(S3.UnknownBucketException, match="not S3's"):
            await OPERATIONS[operation](store)
    for answer in (reply(204), reply(200, x_goog_hash="1")):
        script.always(answer)
        await OPERATIONS[operation](store)


async def test_the_region_is_told(script: Script, bucket: S3.AsyncBucket) -> None:
    """A bucket in another region exists; whoever asks for more of it is told the region, though HEAD has no body."""
    script.always(reply(301, x_amz_bucket_region="eu-north-1"))
    assert await bucket.bucket_exists()
    with pytest.raises(S3.UnknownBucketException, match="eu-north-1"):
        await bucket.head("key")


FAULTS = {
    **{f"200 {name}": answer for name, answer in TWO_HUNDREDS.items()},
    **{str(status): reply(status) for status in (206, 302, 304, 400, 401, 403, 404, 405, 409, 411, 412, 416, 429)},
    **{str(status): reply(status) for status in (500, 501, 502, 503, 504, 509, 599)},
    "500 HTML": reply(500, HTML, Content_Type="text/html"),
    "400 half of XML": reply(400, b"<Error><Code>Acc"),
    "403 JSON": reply(403, b'{"message": "Forbidden"}', Content_Type="application/json"),
    "reset": Reply(end="rst"),
    "closed": Reply(end="fin"),
    "no HTTP": Reply(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "fin"),
    "HTTP/0.9": Reply(HTML, "fin"),
    "status 999": Reply(b"HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n"),
    "no header's name": Reply(b"HTTP/1.1 200 OK\r\n: x\r\n\r\n", "fin"),
    "an endless header": Reply(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, "fin"),
    "body reset": reply(200, b"<R>", length=100, end="rst", ETag='"e"'),
    "body closed": reply(200, b"<R>", length=100, end="fin", ETag='"e"'),
    "wrong date": reply(200, b"12345", ETag='"e"', Last_Modified="the day before"),
    "wrong number": reply(200, b"12345", ETag='"e"', x_amz_missing_meta="many", x_amz_mp_parts_count="many"),
    "listing without keys": reply(
        200,
        b"<R><Name>b</Name><IsTruncated>false</IsTruncated><Contents><Size>1</Size></Contents>"
        b"<Error><Code>AccessDenied</Code></Error><Deleted></Deleted></R>",
    ),
    "listing with a wrong size": reply(
        200,
        b"<R><Name>b</Name><IsTruncated>false</IsTruncated><Contents><Key>k</Key><Size>many</Size></Contents></R>",
    ),
    "a bomb": reply(200, b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><R><Name>&b;</Name></R>'),
}


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_every_fault_of_every_operation(
    operation: str, script: Script, make: Callable[..., S3.AsyncBucket]
) -> None:
    """Nothing but this library's exceptions comes out, whatever is answered to whatever, and they say what was done."""
    store = await make(max_attempts=1, read_timeout=0.5)._store()
    wrong = {name: fault for name in FAULTS if (fault := await outcome(OPERATIONS[operation], store, script, name))}
    assert wrong == {}


async def outcome(
    operation: Callable[[ObjectStore], Awaitable[Any]], store: ObjectStore, script: Script, fault: str
) -> str:
    """Return what is wrong with the outcome of a fault."""
    script.always(FAULTS[fault])
    del script.requests[:]
    try:
        await operation(store)
    except S3.BucketException as caught:
        if caught.bucket != BUCKET or caught.operation is None or not str(caught):
            return f"{caught!r} does not say what was done"
    except Exception as caught:  # noqa: BLE001  # it is what is looked for
        return repr(caught)
    return "" if len(script.requests) <= 2 else f"{len(script.requests)} requests"


async def test_nothing_but_a_promise(script: Script, make: Callable[..., S3.AsyncBucket]) -> None:
    """A server that says "100 Continue", and then nothing, is a BucketTimeout, not a hang."""
    script.always(Reply(b"HTTP/1.1 100 Continue\r\n\r\n", "silent"))
    async with asyncio.timeout(5):
        with pytest.raises(S3.BucketTimeout):
            await make(max_attempts=1, connect_timeout=0.5, read_timeout=0.2).get("key")


async def test_there_is_more_but_not_where(script: Script, bucket: S3.AsyncBucket) -> None:
    """A listing that breaks off says so, instead of ending early."""
    body = b"<R><Name>b</Name><IsTruncated>true</IsTruncated></R>"
    script.always(reply(200, body))
    with pytest.raises(S3.IntegrityError):
        await anext(bucket.list())


async def test_a_listing_that_goes_in_circles(script: Script, bucket: S3.AsyncBucket) -> None:
    """A token that leads back to its own page ends the listing with an error."""
    entry = b"<Contents><Key>k</Key><Size>1</Size><ETag>e</ETag></Contents>"
    token = b"<NextContinuationToken>again</NextContinuationToken>"
    script.always(reply(200, b"<R><Name>b</Name><IsTruncated>true</IsTruncated>" + token + entry + b"</R>"))
    with pytest.raises(S3.IntegrityError):
        assert len([info async for info in bucket.list()]) < 5


async def test_a_key_without_an_outcome(script: Script, bucket: S3.AsyncBucket) -> None:
    """A key that the answer to a batch does not name has failed; the others have not."""
    script.always(
        reply(200, b"<R><Deleted><Key>a</Key></Deleted><Error><Key>b</Key><Code>AccessDenied</Code></Error></R>")
    )
    results = [result async for result in bucket.delete_many(["a", "b", "c"])]
    assert [result.ok for result in results] == [True, False, False]
    assert isinstance(results[1].error, S3.BucketAccessDenied)
    assert isinstance(results[2].error, S3.UnknownBucketException)
