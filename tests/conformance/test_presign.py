"""What presigning gives, used as its receivers use it: by a plain HTTP client that knows nothing of S3."""

from __future__ import annotations

import asyncio
import http.client
import json
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import pytest

import s3_bucket as S3

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.conformance.conftest import OpenBucket

pytestmark = pytest.mark.asyncio(loop_scope="session")

ODD_KEYS = ["a b", "a+b", "100%", "ä/ö/日本語", "a?b#c&d=e", "a//b/", "~!$&'()*,;:@", "quote\"'<>"]


class Answer(NamedTuple):
    """What the server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def send(method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
    """Send a request."""

    def blocking() -> Answer:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=60)
        try:
            connection.request(method, f"{parts.path}?{parts.query}", body, dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    return await asyncio.to_thread(blocking)


async def submit(post: S3.PresignedPost, data: bytes, filename: str = "cat.jpg", **changed: str) -> Answer:
    """Submit the form as a browser does, with a file in its last field."""
    boundary = f"----WebKitFormBoundary{secrets.token_hex(8)}"
    fields = {**post.fields, **{name.replace("_", "-"): value for name, value in changed.items()}}
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    file = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
    head = "".join([*parts, file, "Content-Type: application/octet-stream\r\n\r\n"]).encode()
    body = head + data + f"\r\n--{boundary}--\r\n".encode()
    return await send("POST", post.url, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})


def is_refused(answer: Answer) -> bool:
    """Whether the server has found that this was not allowed."""
    return answer.status in {400, 403} and b"<Error>" in answer.body


# Downloads


async def test_get(bucket: S3.AsyncBucket) -> None:
    """Whoever has the URL gets the object, and it ends when it says."""
    await bucket.put("key", b"bytes")
    before = datetime.now(UTC).replace(microsecond=0)
    url = await bucket.presign_get("key", 600)
    assert before <= url.expires - timedelta(seconds=600) <= datetime.now(UTC)
    assert (url.method, url.headers) == ("GET", {})
    answer = await send("GET", url)
    assert (answer.status, answer.body) == (200, b"bytes")


async def test_headers_of_a_get(bucket: S3.AsyncBucket) -> None:
    """The answer carries the headers that were asked for, whatever the object's own are."""
    await bucket.put("key", b"bytes", content_type="text/plain", content_disposition="inline")
    url = await bucket.presign_get(
        "key",
        response_content_type="application/pdf",
        response_content_disposition='attachment; filename="a b.pdf"',
        response_content_encoding="identity",
        response_content_language="de",
        response_cache_control="no-store",
    )
    answer = await send("GET", url)
    headers = {name.lower(): value for name, value in answer.headers.items()}
    assert answer.status == 200
    assert headers["content-type"] == "application/pdf"
    assert headers["content-disposition"] == 'attachment; filename="a b.pdf"'
    assert (headers["content-encoding"], headers["content-language"]) == ("identity", "de")
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("key", ODD_KEYS)
async def test_odd_keys_presigned(bucket: S3.AsyncBucket, key: str) -> None:
    """A key may hold whatever means something in a URL or in JSON: it is the same by each way."""
    put = await bucket.presign_put(key)
    assert (await send("PUT", put, b"by a URL")).status == 200
    assert (await bucket.get(key)).data == b"by a URL"
    assert (await send("GET", await bucket.presign_get(key))).body == b"by a URL"
    post = await bucket.presign_post(key, max_size=100)
    assert (await submit(post, b"by a form")).status == 204
    assert (await bucket.get(key)).data == b"by a form"


async def test_get_of_a_version(versioned: S3.AsyncBucket) -> None:
    """The URL is of the version that was named."""
    first = await versioned.put("key", b"first")
    await versioned.put("key", b"second")
    answer = await send("GET", await versioned.presign_get("key", version_id=first.version_id))
    assert answer.body == b"first"


async def test_other_object(bucket: S3.AsyncBucket) -> None:
    """A URL opens the one object, by the one method, as it was made, and nothing else."""
    await bucket.put("one", b"1")
    await bucket.put("two", b"2")
    url = await bucket.presign_get("one")
    assert is_refused(await send("GET", url.replace("/one?", "/two?")))
    assert is_refused(await send("PUT", url, b"3"))
    assert is_refused(await send("GET", url.replace("X-Amz-Expires=3600", "X-Amz-Expires=7200")))
    assert (await send("GET", url)).body == b"1"


# Uploads by PUT


async def test_put(bucket: S3.AsyncBucket) -> None:
    """What is sent with the URL's headers is stored with them."""
    url = await bucket.presign_put(
        "key",
        timedelta(minutes=5),
        content_type="image/png",
        metadata={"Owner": "me  too"},
        cache_control="no-cache",
        content_disposition="inline",
        storage_class="STANDARD_IA",
        tags={"a b": "c=d"},
    )
    assert url.method == "PUT"
    assert (await send(url.method, url, b"bytes", url.headers)).status == 200
    info = (await bucket.get("key")).info
    assert (info.size, info.content_type, info.cache_control) == (5, "image/png", "no-cache")
    assert (info.content_disposition, info.storage_class) == ("inline", "STANDARD_IA")
    assert info.metadata["owner"].split() == ["me", "too"]
    tags = (await bucket.call("GetObjectTagging", Key="key"))["TagSet"]
    assert tags == [{"Key": "a b", "Value": "c=d"}]


async def test_put_of_any_type(bucket: S3.AsyncBucket) -> None:
    """Where no content type was given, whoever uploads says it."""
    url = await bucket.presign_put("key.txt")
    assert url.headers == {}
    assert (await send("PUT", url, b"bytes", {"Content-Type": "image/gif"})).status == 200
    assert (await bucket.head("key.txt")).content_type == "image/gif"


async def test_put_of_another_type(bucket: S3.AsyncBucket) -> None:
    """What is sent without the URL's headers, or with others, is refused."""
    url = await bucket.presign_put("key", content_type="image/png", metadata={"owner": "me"})
    assert is_refused(await send("PUT", url, b"bytes"))
    assert is_refused(await send("PUT", url, b"bytes", {**url.headers, "Content-Type": "text/html"}))
    assert is_refused(await send("PUT", url, b"bytes", {**url.headers, "x-amz-meta-owner": "you"}))
    assert not await bucket.exists("key")


async def test_put_of_what_is_absent(bucket: S3.AsyncBucket) -> None:
    """A URL with if_absent stores once."""
    url = await bucket.presign_put("key", if_absent=True)
    assert (await send("PUT", url, b"first", url.headers)).status == 200
    assert (await send("PUT", url, b"second", url.headers)).status == 412
    assert (await bucket.get("key")).data == b"first"


# Uploads by a form


async def test_post(bucket: S3.AsyncBucket) -> None:
    """A form stores the file under its key, with all that the form says."""
    before = datetime.now(UTC).replace(microsecond=0)
    post = await bucket.presign_post("docs/a.txt", 600, max_size=1_000, metadata={"Owner": "me"})
    assert before <= post.expires - timedelta(seconds=600) <= datetime.now(UTC)
    answer = await submit(post, b"bytes")
    assert answer.status == 204
    got = await bucket.get("docs/a.txt")
    assert (got.data, got.metadata, got.info.content_type) == (b"bytes", {"owner": "me"}, "text/plain")


async def test_headers_of_a_post(bucket: S3.AsyncBucket) -> None:
    """What the form says of the object, a get brings."""
    expires = datetime(2040, 1, 1, tzinfo=UTC)
    options = {"cache_control": "no-cache", "content_disposition": "inline", "content_encoding": "identity"}
    post = await bucket.presign_post("key", max_size=10, expires=expires, **options)
    assert (await submit(post, b"bytes")).status == 204
    info = await bucket.head("key")
    assert info.expires == "Sun, 01 Jan 2040 00:00:00 GMT"
    assert {name: getattr(info, name) for name in options} == options


async def test_storage_class_of_a_post(bucket: S3.AsyncBucket) -> None:
    """A form says where the object is kept."""
    post = await bucket.presign_post("key", max_size=10, storage_class="STANDARD_IA")
    assert (await submit(post, b"bytes")).status == 204
    assert (await bucket.head("key")).storage_class == "STANDARD_IA"


@pytest.mark.parametrize("status", [200, 201, 204])
async def test_status_of_a_post(bucket: S3.AsyncBucket, status: int) -> None:
    """The answer has the status that was asked for; a 201 says what was stored."""
    post = await bucket.presign_post("key", max_size=10, success_action_status=status)
    answer = await submit(post, b"bytes")
    assert answer.status == status
    assert (b"<Key>key</Key>" in answer.body) is (status == 201)


async def test_filename(bucket: S3.AsyncBucket) -> None:
    """The name of the file takes the place of ${filename}."""
    post = await bucket.presign_post("photos/${filename}", max_size=1_000)
    assert (await submit(post, b"a cat", "cat.jpg")).status == 204
    assert (await bucket.get("photos/cat.jpg")).data == b"a cat"


async def test_keys_of_a_post(bucket: S3.AsyncBucket) -> None:
    """A form may name any key that begins as it must, and no other."""
    post = await bucket.presign_post("in/1", key_starts_with="in/")
    assert (await submit(post, b"1")).status == 204
    assert (await submit(post, b"2", key="in/2")).status == 204
    assert is_refused(await submit(post, b"3", key="out/3"))
    assert [info.key async for info in bucket.list()] == ["in/1", "in/2"]


async def test_another_key(bucket: S3.AsyncBucket) -> None:
    """A form whose key is fixed stores under that key only."""
    post = await bucket.presign_post("key", max_size=10)
    assert is_refused(await submit(post, b"1", key="another"))
    assert not await bucket.exists("another")


async def test_too_large(bucket: S3.AsyncBucket) -> None:
    """A file of the size that is allowed is stored; one of a byte more is refused."""
    post = await bucket.presign_post("key", max_size=1_000)
    assert is_refused(await submit(post, bytes(1_001)))
    assert not await bucket.exists("key")
    assert (await submit(post, bytes(1_000))).status == 204
    assert (await bucket.head("key")).size == 1_000


async def test_types_of_a_post(bucket: S3.AsyncBucket) -> None:
    """A content type that was given as a beginning may be any that begins so, and no other."""
    post = await bucket.presign_post("key", max_size=10, content_type="image/")
    assert (await submit(post, b"1", Content_Type="image/gif")).status == 204
    assert (await bucket.head("key")).content_type == "image/gif"
    assert is_refused(await submit(post, b"2", Content_Type="text/html"))


async def test_another_type(bucket: S3.AsyncBucket) -> None:
    """A content type that was given is the only one."""
    post = await bucket.presign_post("key", max_size=10, content_type="image/png")
    assert is_refused(await submit(post, b"1", Content_Type="text/html"))
    assert (await submit(post, b"1")).status == 204
    assert (await bucket.head("key")).content_type == "image/png"


async def test_more_fields(bucket: S3.AsyncBucket) -> None:
    """A form can't say more of the object than was signed."""
    post = await bucket.presign_post("key", max_size=10)
    assert is_refused(await submit(post, b"1", x_amz_meta_owner="somebody"))


async def test_another_bucket(bucket: S3.AsyncBucket, open_bucket: OpenBucket) -> None:
    """A form is for one bucket."""
    other = open_bucket(f"other-{secrets.token_hex(8)}")
    await other.create()
    post = await bucket.presign_post("key", max_size=10)
    assert is_refused(await submit(replace(post, url=post.url.replace(bucket.name, other.name)), b"1"))
    assert not await other.exists("key")


# Both


async def test_expired(bucket: S3.AsyncBucket) -> None:
    """What has expired is refused."""
    await bucket.put("key", b"bytes")
    get, put = await bucket.presign_get("key", 1), await bucket.presign_put("key", 1)
    post = await bucket.presign_post("key", 1, max_size=10)
    await asyncio.sleep((post.expires - datetime.now(UTC)).total_seconds() + 1)
    assert is_refused(await send("GET", get))
    assert is_refused(await send("PUT", put, b"1"))
    assert is_refused(await submit(post, b"1"))
    assert (await bucket.get("key")).data == b"bytes"


async def test_of_a_user(open_bucket: OpenBucket, bucket: S3.AsyncBucket) -> None:
    """What is presigned with other keys is accepted as theirs, and what with wrong ones is not."""
    await bucket.put("key", b"bytes")
    keys = {"aws_access_key_id": "CANARYKEYID", "aws_secret_access_key": "canary-secret"}
    other = open_bucket(bucket.name, **keys)
    assert (await send("GET", await other.presign_get("key"))).body == b"bytes"
    assert (await submit(await other.presign_post("key", max_size=10), b"more")).status == 204
    wrong = open_bucket(bucket.name, **{**keys, "aws_secret_access_key": "another-secret"})
    assert is_refused(await send("GET", await wrong.presign_get("key")))
    assert is_refused(await submit(await wrong.presign_post("key", max_size=10), b"even more"))
    assert (await bucket.get("key")).data == b"more"


async def test_nothing_is_sent(unreachable: S3.AsyncBucket) -> None:
    """Presigning asks nobody."""
    assert str(await unreachable.presign_get("key")).startswith("http://127.0.0.1:1/nobody-listens/key?")
    assert (await unreachable.presign_put("key")).method == "PUT"
    assert (await unreachable.presign_post("key", max_size=1)).url == "http://127.0.0.1:1/nobody-listens"


@pytest.mark.parametrize("call", ["presign_get", "presign_put", "presign_post"])
async def test_anonymous(open_bucket: OpenBucket, call: str) -> None:
    """Who has no credentials is told that there is nothing to sign with, and what to do."""
    bucket = open_bucket("some-bucket", anonymous=True)
    more = {"max_size": 1} if call == "presign_post" else {}
    with pytest.raises(S3.NoCredentials, match=r"anonymous=True .* give keys") as caught:
        await getattr(bucket, call)("key", **more)
    assert (caught.value.bucket, caught.value.key, caught.value.sent) == ("some-bucket", "key", False)


@pytest.mark.parametrize("expires_in", [0, -1, 0.5, 604_801, timedelta(days=7, seconds=1), "1", True, None])
async def test_expires_in(unreachable: S3.AsyncBucket, expires_in: object) -> None:
    """Signatures hold from one second to seven days; anything else is refused, naming the argument."""
    for call in (unreachable.presign_get, unreachable.presign_put):
        with pytest.raises(S3.InvalidInput) as caught:
            await call("key", expires_in)  # type: ignore[arg-type]
        assert caught.value.argument == "expires_in"
    with pytest.raises(S3.InvalidInput) as caught:
        await unreachable.presign_post("key", expires_in, max_size=1)  # type: ignore[arg-type]
    assert caught.value.argument == "expires_in"


@pytest.mark.parametrize("arguments", [{}, {"key_starts_with": ""}])
async def test_a_post_without_limits(unreachable: S3.AsyncBucket, arguments: dict[str, str]) -> None:
    """A form that would let whoever has it store anything is refused, saying why."""
    with pytest.raises(S3.InvalidInput, match="5 GiB") as caught:
        await unreachable.presign_post("key", **arguments)
    assert caught.value.argument == "max_size"


async def test_values_travel(unreachable: S3.AsyncBucket) -> None:
    """A URL and a form are JSON as they are, and show no secret where they are shown."""
    url = await unreachable.presign_get("key")
    post = await unreachable.presign_post("key", max_size=1)
    told = json.dumps({"url": url, "form": {"url": post.url, "fields": post.fields}})
    assert json.loads(told) == {"url": str(url), "form": {"url": post.url, "fields": dict(post.fields)}}
    opening = [str(url).rpartition("=")[2], post.fields["policy"], post.fields["x-amz-signature"], "test-key-id"]
    assert not [secret for secret in opening if secret in f"{url!r} {post!r} {[url]} {post.fields!r} {post}"]
