"""The public API as a type checker sees it. It is checked, never run: by ``mypy --strict`` and by pyright."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, assert_type

import s3_bucket as S3
from s3_bucket.testing import FakeS3, Fault, Request


def configuration() -> None:
    """init() takes keys in order and everything else by name; so does a bucket."""
    S3.init()
    S3.init("key id", "secret")
    S3.init("key id", "secret", "token", region="eu-west-1", endpoint_url=None, verify="/etc/ca.pem")
    S3.init(addressing_style="path", checksums="when_required", part_size=16 * 1024 * 1024, anonymous=True)
    S3.Bucket.prepare("key id", "secret", None)
    S3.AsyncBucket.prepare("key id", "secret")
    S3.AsyncBucket("name", profile="other", max_concurrency=20, connect_timeout=1.5, max_attempts=1)
    assert_type(S3.Bucket("name", region="eu-west-1").name, str)
    assert_type(S3.bucket("name"), S3.Bucket)
    S3.AsyncBucket("name", endpoint_url="http://127.0.0.1:9000", vendor="minio")
    S3.init(vendor="amazon")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    S3.init(addressing_style="host")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    S3.Bucket("name", concurrency=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def one_object(bucket: S3.AsyncBucket) -> None:
    """A get is a pair with an info; a put takes every kind of data."""
    data, metadata = await bucket.get("key", range=(0, 10))
    assert_type(data, bytes)
    assert_type(metadata, dict[str, str])
    got = await bucket.get("key", "text/plain", version_id="1", if_match="etag")
    assert_type(got, S3.GetResult)
    assert_type(got.info.size, int)
    assert_type(got.info.last_modified, datetime | None)

    assert_type(await bucket.put("key", "text", "text/plain", {"owner": "me"}), S3.ObjectInfo)
    await bucket.put("key", b"bytes", metadata={"owner": "me"}, if_absent=True, tags={"a": "b"})
    await bucket.put("key", bytearray(b"bytes"), expires=datetime.now(UTC), storage_class="STANDARD_IA")
    await bucket.put("key", memoryview(b"bytes"), encryption="AES256")
    until = S3.ObjectLock("GOVERNANCE", datetime.now(UTC))
    await bucket.put("key", b"", encryption=S3.SSE.kms("id", bucket_key=True), storage_class=S3.StorageClass.SNOW)
    await bucket.put("key", b"", lock=until, legal_hold=True, acl="public-read")
    await bucket.put("key", b"", acl="public")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await bucket.get("key", encryption=S3.SSE.c(bytes(32)))
    await bucket.get("key", encryption="AES256")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert_type(got.info.restore, S3.RestoreStatus | None)
    assert_type(got.info.lock, S3.ObjectLock | None)
    S3.ObjectLock("FOREVER", datetime.now(UTC))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await bucket.restore("key", 2, "Bulk")
    await bucket.set_retention("key", None, bypass_governance=True)
    await bucket.set_legal_hold("key", legal_hold=False)
    await bucket.put("key", Path("file"))
    await bucket.put("key", io.BytesIO(b"bytes"))
    await bucket.put("key", [b"one", b"two"])
    await bucket.put("key", chunks())
    await bucket.put("key", 42)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await bucket.put("key", b"", None, None, 1)  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]

    await bucket.put_json("key", {"a": [1, 2]}, cache_control="no-cache")
    assert_type(await bucket.get_json("key"), Any)
    assert_type(await bucket.head("key"), S3.ObjectInfo)
    assert_type(await bucket.exists("key"), bool)
    await bucket.delete("key", if_match="etag")
    assert_type(await bucket.call("GetBucketLocation"), dict[str, Any])


async def chunks() -> AsyncIterator[bytes]:
    """Bytes that come piece by piece."""
    yield b"one"


async def streams(bucket: S3.AsyncBucket) -> None:
    """Readers and writers are opened by async with."""
    assert_type(bucket.open_reader("key"), AbstractAsyncContextManager[S3.AsyncReader, bool | None])
    async with bucket.open_reader("key", range=(-10, None)) as reader:
        assert_type(await reader.read(10), bytes)
        assert_type(reader.info, S3.ObjectInfo)
        async for chunk in reader:
            assert_type(chunk, bytes)
    async with bucket.open_writer("key", "text/plain", {"owner": "me"}, if_absent=True) as writer:
        assert_type(await writer.write(b"bytes"), int)


async def files(bucket: S3.AsyncBucket) -> None:
    """Paths are given as str or Path."""
    assert_type(await bucket.upload_file("/tmp/a", "a", content_type="text/plain"), S3.ObjectInfo)  # noqa: S108
    assert_type(await bucket.download_file("a", Path("a"), version_id="1"), S3.ObjectInfo)
    assert_type(await bucket.upload_file("a", "a", resume=True, if_absent=True), S3.ObjectInfo)
    assert_type(await bucket.download_file("a", "a", resume=True, progress=print), S3.ObjectInfo)


async def many_objects(bucket: S3.AsyncBucket) -> None:
    """What is iterated over has a type, and failed items are of one kind."""
    assert_type(bucket.list("prefix", limit=3), AsyncIterator[S3.ObjectInfo])
    async for info in bucket.list(start_after="a"):
        assert_type(info, S3.ObjectInfo)
    async for fetched in bucket.get_many(["a", "b"], concurrency=3):
        assert_type(fetched, S3.Result[bytes])
        assert_type(fetched.value, bytes | None)
        assert_type(fetched.error, Exception | None)
    results = [result async for result in bucket.put_many([("a", b"1"), ("b", b"2")])]
    assert_type(results, list[S3.Result[None]])
    results += [result async for result in bucket.delete_many(info.key async for info in bucket.list())]
    results += [result async for result in bucket.upload_files([("a", "a"), (Path("b"), "b")])]
    results += [result async for result in bucket.download_files([("a", "a"), ("b", Path("b"))])]
    S3.raise_failed(results)


async def directories(bucket: S3.AsyncBucket, blocking: S3.Bucket) -> None:
    """A plan is of its own face, and a report of none."""
    plan = await bucket.plan_upload_dir(
        "photos", "backup", include="*.jpg", exclude=["a/"], storage_class="STANDARD_IA"
    )
    assert_type(plan, S3.AsyncDirPlan)
    assert_type(await plan.run(concurrency=3), S3.DirReport)
    async for item in plan.items():
        assert_type(item, S3.DirItem)
    assert_type(plan.refused, Sequence[S3.Unplanned])
    assert_type(await bucket.download_dir("backup", Path("photos"), delete=True, dry_run=True), S3.DirReport)
    assert_type(blocking.plan_download_dir("backup", "photos"), S3.DirPlan)
    assert_type(blocking.plan_upload_dir("photos").run(), S3.DirReport)
    S3.raise_failed(blocking.upload_dir(Path("photos"), metadata={"owner": "me"}).results)


async def the_bucket(bucket: S3.AsyncBucket) -> None:
    """The bucket itself is made, asked for and deleted; a context manager gives itself."""
    async with bucket as same:
        assert_type(same, S3.AsyncBucket)
    await bucket.create(exist_ok=True)
    assert_type(await bucket.bucket_exists(), bool)
    assert_type(await bucket.abort_stale_uploads(timedelta(days=1), "a/"), Sequence[S3.UploadInfo])
    report = await bucket.check("below/")
    assert_type(report, S3.Report)
    assert_type(report.ok, bool)
    assert_type(report.settings, dict[str, Any])
    assert_type(report.findings, tuple[S3.Finding, ...])
    await bucket.delete_bucket()
    await bucket.aclose()


async def copies_and_changes(bucket: S3.AsyncBucket, blocking: S3.Bucket) -> None:
    """Copies are ObjectInfos, directories hold two kinds of entries, and a document may be anything."""
    assert_type(await bucket.copy("a", "b", source_bucket="c", metadata={"d": "e"}), S3.ObjectInfo)
    assert_type(await bucket.move("a", "b", if_absent=True), S3.ObjectInfo)
    async for entry in bucket.list_dir("a/"):
        assert_type(entry.prefix if isinstance(entry, S3.Prefix) else entry.key, str)
    assert_type([version async for version in bucket.list_versions()], list[S3.ObjectVersion])
    assert_type(await bucket.tags("a"), dict[str, str])
    await bucket.set_tags("a", {}, version_id="b")
    async with bucket.edit_json("a", default={}) as document:
        document["b"] = 1
    assert_type(await bucket.update_json("a", lambda count: count + 1, default=0), Any)
    with blocking.edit_json("a") as other:
        other["b"] = 1
    assert_type(blocking.list_dir(), Iterator[S3.ObjectInfo | S3.Prefix])


def blocking(bucket: S3.Bucket) -> None:
    """The blocking face has the same types, without awaiting."""
    data, metadata = bucket.get("key")
    assert_type(data, bytes)
    assert_type(metadata, dict[str, str])
    assert_type(bucket.get("key"), S3.GetResult)
    assert_type(bucket.put("key", b"bytes", "text/plain", {"owner": "me"}), S3.ObjectInfo)
    assert_type(bucket.list("prefix"), Iterator[S3.ObjectInfo])
    assert_type(bucket.exists("key"), bool)
    assert_type(bucket.upload_file("a", "a"), S3.ObjectInfo)
    assert_type(bucket.download_file("a", "a"), S3.ObjectInfo)
    S3.raise_failed(bucket.put_many([("a", b"1")]))
    S3.raise_failed(bucket.get_many(["a"]))
    with bucket as same:
        assert_type(same, S3.Bucket)
    bucket.close()


def readers_are_files(bucket: S3.Bucket) -> None:
    """Whatever wants a binary file takes a reader or a writer."""
    assert_type(bucket.open_reader("key"), AbstractContextManager[S3.Reader, bool | None])
    with bucket.open_reader("key") as reader:
        assert_type(reader.info, S3.ObjectInfo)
        assert_type(reader.read(10), bytes)
        for row in csv.reader(io.TextIOWrapper(reader)):
            assert_type(row, list[str])
        json.load(reader)
        zipfile.ZipFile(reader).namelist()
    with bucket.open_writer("key") as writer:
        assert_type(writer.write(b"bytes"), int)
        io.TextIOWrapper(writer).write("text")


def fakes() -> None:
    """Tests are typed, too."""
    with FakeS3("r2") as fake:
        assert_type(fake, FakeS3)
        assert_type(fake.requests, list[Request])
        assert_type(fake.objects("name"), dict[str, bytes])
        assert_type(fake.uploads("name"), list[S3.UploadInfo])
        assert_type(fake.fail("UploadPart", nth=3, error="SlowDown"), Fault)
        assert_type(fake.cut_body(after=1000).happened, int)
        fake.pass_time(timedelta(days=1))


def exceptions() -> None:
    """Exceptions are reached in two ways, and carry what happened."""
    try:
        S3.Bucket("name").get("key")
    except S3.Exceptions.NoSuchKey as error:
        assert_type(error, S3.NoSuchKey)
        assert_type(error.key, str | None)
        assert_type(error.status, int | None)
    except S3.BulkError as group:
        assert_type(group.message, str)
    except FileExistsError:
        pass
    except S3.BucketException as other:
        assert_type(other.retryable, bool)


async def presigned(bucket: S3.AsyncBucket, blocking: S3.Bucket) -> None:
    """URLs are texts with an end; forms have fields."""
    url = await bucket.presign_get("key", timedelta(hours=1), response_content_disposition="attachment")
    assert_type(url, S3.PresignedURL)
    assert_type(url.expires, datetime)
    assert_type(url.method, str)
    assert_type(len(url), int)
    assert_type(blocking.presign_put("key", 60, content_type="text/plain", if_absent=True), S3.PresignedURL)
    await bucket.presign_put("key", metadata={"owner": "me"}, tags={"a": "b"})
    post = await bucket.presign_post("in/${filename}", max_size=1_000, content_type="image/")
    assert_type(post, S3.PresignedPost)
    assert_type(post.fields, dict[str, str])
    assert_type(blocking.presign_post("key", 60, max_size=1, success_action_status=201).url, str)
    await bucket.presign_get("key", "60")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
