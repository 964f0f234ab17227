"""FakeS3 as its users see it: in S3's place, with a script of faults, and telling what came."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

import s3_bucket as S3
from s3_bucket.testing import FakeS3, NotFaked, Request
from tests.fake.conftest import NAME

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1024 * 1024
LARGE = os.urandom(12 * MIB)


def operations(fake: FakeS3) -> list[str]:
    """Return what has been asked of the fake."""
    return [request.operation for request in fake.requests]


# In S3's place


def test_in_the_place_of_s3() -> None:
    """Inside the block all buckets go to the fake, whatever their settings, and outside to where they went before."""
    mine = S3.Bucket(NAME, endpoint_url="http://127.0.0.1:1", max_attempts=1)
    with FakeS3() as fake:
        fake.create_bucket(NAME)
        mine.put("key", "data")
        assert S3.Bucket(NAME).get("key").data == b"data"
        assert S3.Bucket(NAME, region="eu-west-1", profile="nobody").get("key").data == b"data"
    with pytest.raises(S3.BucketConnectionError):
        mine.get("key")
    assert fake.objects(NAME) == {"key": b"data"}


def test_no_credentials_are_needed(monkeypatch: pytest.MonkeyPatch, fake: FakeS3) -> None:
    """Without any credentials the fake works."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    S3.Bucket(NAME).put("key", "data")
    assert fake.objects(NAME) == {"key": b"data"}


async def test_both_faces_and_init(fake: FakeS3, bucket: S3.AsyncBucket) -> None:
    """Both faces see the same objects, and init() in between changes nothing."""
    await bucket.put("key", "data")
    S3.init(region="eu-west-1", endpoint_url="http://127.0.0.1:1")
    assert (await asyncio.to_thread(S3.Bucket(NAME).get, "key")).data == b"data"
    assert (await S3.AsyncBucket(NAME).get("key")).data == b"data"


def test_threads_blocking(fake: FakeS3) -> None:
    """Many threads use it at a time, and nothing is lost."""
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: S3.Bucket(NAME).put(f"{number:03}", str(number)), range(200)))
    assert fake.objects(NAME) == {f"{number:03}": str(number).encode() for number in range(200)}


def test_fakes_in_fakes() -> None:
    """The inner one is asked, until it ends; each has its own objects; the order in which they end doesn't matter."""
    bucket = S3.Bucket(NAME)
    outer, inner = FakeS3(), FakeS3()
    with outer:
        outer.create_bucket(NAME)
        with inner:
            inner.create_bucket(NAME)
            bucket.put("key", "inner")
        bucket.put("key", "outer")
    assert (outer.objects(NAME), inner.objects(NAME)) == ({"key": b"outer"}, {"key": b"inner"})
    outer.__enter__()
    inner.__enter__()
    outer.__exit__(None, None, None)
    assert bucket.get("key").data == b"inner"
    inner.__exit__(None, None, None)


def test_of_one_endpoint() -> None:
    """A fake with an endpoint takes the place of that S3 only: two may stand for two."""
    here, there = FakeS3(endpoint_url="https://here.example"), FakeS3(endpoint_url="https://there.example")
    with here, there:
        for fake in (here, there):
            fake.create_bucket(NAME)
        S3.Bucket(NAME, endpoint_url="https://here.example").put("key", "here")
        S3.Bucket(NAME, endpoint_url="https://there.example").put("key", "there")
        with pytest.raises(S3.BucketConnectionError):
            S3.Bucket(NAME, endpoint_url="http://127.0.0.1:1", max_attempts=1).get("key")
    assert (here.objects(NAME), there.objects(NAME)) == ({"key": b"here"}, {"key": b"there"})


def test_entered_twice(fake: FakeS3) -> None:
    """A fake may be entered in itself: it stands until the outer block ends."""
    with fake:
        S3.Bucket(NAME).put("key", "data")
    assert S3.Bucket(NAME).get("key").data == b"data"


def test_it_is_forgotten() -> None:
    """The thread of the blocking face, which never ends, keeps no fake alive but the last one."""
    known = []
    for _ in range(3):
        fake = FakeS3()
        with fake:
            fake.create_bucket(NAME)
            S3.Bucket(NAME).put("key", "data")
        known.append(weakref.ref(fake._service))
        del fake
    gc.collect()
    assert [service() is None for service in known[:2]] == [True, True]


def test_it_is_quick() -> None:
    """Neither the fake nor what is done with it imports anything of aiobotocore."""
    program = (
        "import s3_bucket as S3, sys\n"
        "assert 's3_bucket.testing' not in sys.modules\n"
        "from s3_bucket.testing import FakeS3\n"
        "with FakeS3() as fake:\n"
        "    fake.create_bucket('my-bucket')\n"
        "    bucket = S3.Bucket('my-bucket')\n"
        "    bucket.put('key', 'data')\n"
        "    bucket.put('large', bytes(9_000_000), if_absent=True)\n"
        "    list(bucket.list()), list(bucket.delete_many(['key'])), bucket.call('ListBuckets')\n"
        "print([name for name in ('aiobotocore', 'botocore', 'aiohttp', 'httptools', 'pytest') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"


async def test_a_bucket_must_be_made(fake: FakeS3) -> None:
    """A bucket that nobody has made is not there; made by create() it is, and made again it stays."""
    other = S3.AsyncBucket("other")
    with pytest.raises(S3.NoSuchBucket):
        await other.put("key", "data")
    await other.create()
    await other.put("key", "data")
    fake.create_bucket("other")
    assert fake.objects("other") == {"key": b"data"}
    assert fake.objects("never-made") == {}
    with pytest.raises(S3.InvalidInput):
        fake.create_bucket("a/b")


async def test_requests(fake: FakeS3, bucket: S3.AsyncBucket) -> None:
    """Each request is told, in its order, as a value that can be compared."""
    await bucket.put("key", "data")
    await bucket.exists("missing")
    assert fake.requests == [
        Request("PutObject", NAME, "key"),
        Request("HeadObject", NAME, "missing"),
        Request("HeadBucket", NAME),
    ]
    fake.requests.clear()
    assert len(fake.requests) == 3


async def test_uploads(fake: FakeS3, bucket: S3.AsyncBucket) -> None:
    """An upload that has begun is told until it ends, and grows old when the clock is set on."""
    await bucket.call("CreateMultipartUpload", Key="key")
    [upload] = fake.uploads(NAME)
    assert upload.key == "key"
    assert await bucket.abort_stale_uploads(timedelta(days=2)) == []
    fake.pass_time(timedelta(days=3))
    assert await bucket.abort_stale_uploads(timedelta(days=2)) == [upload]
    assert fake.uploads(NAME) == fake.uploads("never-made") == []


# Faults


async def test_fault_in_a_part(fake: FakeS3, bucket: S3.AsyncBucket) -> None:
    """The part that fails is sent again, and the object is whole."""
    fault = fake.fail("UploadPart", nth=3, error="SlowDown")
    await bucket.put("key", LARGE)
    assert fault.happened == 1
    assert operations(fake).count("UploadPart") == 4
    assert fake.objects(NAME)["key"] == LARGE


async def test_fault_for_good(fake: FakeS3, bucket: S3.AsyncBucket) -> None:
    """What always fails is raised when the attempts are used up, and no upload is left behind."""
    fault = fake.fail("UploadPart", "InternalError", times=None)
    with pytest.raises(S3.UnknownBucketException) as raised:
        await bucket.put("key", LARGE)
    assert (raised.value.status, raised.value.error_code, raised.value.attempts) == (500, "InternalError", 5)
    assert fault.happened >= 5
    assert fake.uploads(NAME) == []
    assert fake.objects(NAME) == {}


ERRORS: dict[str, tuple[type[S3.BucketException], int | None]] = {
    "AccessDenied": (S3.BucketAccessDenied, 403),
    "SlowDown": (S3.Throttled, 503),
    "NoSuchKey": (S3.NoSuchKey, 404),
    "InvalidAccessKeyId": (S3.NoCredentials, 403),
    "SomethingElse": (S3.UnknownBucketException, 400),
    "connection": (S3.BucketConnectionError, None),
    "timeout": (S3.BucketTimeout, None),
}


@pytest.mark.parametrize("error", ERRORS)
async def test_errors(error: str, fake: FakeS3) -> None:
    """Each of S3's codes comes out as this library's exception, with its status."""
    kind, status = ERRORS[error]
    bucket = S3.AsyncBucket(NAME, max_attempts=1)
    fake.fail("GetObject", error)
    with pytest.raises(S3.BucketException) as raised:
        await bucket.get("key")
    assert type(raised.value) is kind
    assert (raised.value.status, raised.value.bucket, raised.value.key) == (status, NAME, "key")


async def test_other_status(fake: FakeS3, bucket: S3.AsyncBucket) -> None:
    """A status that is given goes with the code; to HEAD it is all that is said."""
    fake.fail("GetObject", "Odd", status=418)
    fake.fail("HeadObject", "AccessDenied")
    with pytest.raises(S3.UnknownBucketException) as raised:
        await bucket.get("key")
    assert (raised.value.status, raised.value.error_code) == (418, "Odd")
    with pytest.raises(S3.BucketAccessDenied) as denied:
        await bucket.head("key")
    assert denied.value.error_code == "403"


async def test_faults_for_one_key(fake: FakeS3, bucket: S3.AsyncBucket) -> None:
    """A fault for one key leaves the others alone, and counts only its own; "*" is any operation."""
    fault = fake.fail("*", "AccessDenied", key="b", nth=2)
    for key in ("a", "b"):
        await bucket.put(key, "data")
    assert (await bucket.get("a")).data == b"data"
    with pytest.raises(S3.BucketAccessDenied):
        await bucket.get("b")
    assert (await bucket.get("b")).data == b"data"
    assert fault.happened == 1


async def test_faults_in_turn(fake: FakeS3, bucket: S3.AsyncBucket) -> None:
    """Of two faults at the same request, the second waits for the next one; both count what the other took."""
    first, second = fake.fail("PutObject", "SlowDown"), fake.fail("PutObject", "timeout")
    third = fake.fail("PutObject", "AccessDenied", nth=4)
    await bucket.put("key", "data")
    assert (first.happened, second.happened, len(fake.requests)) == (1, 1, 3)
    with pytest.raises(S3.BucketAccessDenied):
        await bucket.put("key", "data")
    assert "AccessDenied" in repr(third)


@pytest.mark.parametrize("error", ["connection", "timeout", "InternalError"])
@pytest.mark.parametrize("data", [b"small", LARGE], ids=["small", "large"])
async def test_lost_answers(error: str, data: bytes, fake: FakeS3, bucket: S3.AsyncBucket) -> None:
    """A write whose answer is lost is found out to have been done: create-only succeeds, and stores once."""
    fault = fake.fail("PutObject" if len(data) < MIB else "CompleteMultipartUpload", error, after=True)
    info = await bucket.put("key", data, if_absent=True)
    assert fault.happened == 1
    assert info.etag == (await bucket.head("key")).etag
    assert fake.objects(NAME) == {"key": data}
    assert fake.uploads(NAME) == []


async def test_a_lost_refusal(fake: FakeS3, bucket: S3.AsyncBucket) -> None:
    """The answer that is lost may be a refusal."""
    fake.fail("GetObject", "timeout", after=True)
    with pytest.raises(S3.NoSuchKey) as raised:
        await bucket.get("key")
    assert raised.value.attempts == 2


async def test_retries_take_no_time(fake: FakeS3) -> None:
    """Where a call goes on asking for hours, no time passes here, and all of it there."""
    bucket = S3.AsyncBucket(NAME, max_attempts=500)
    await bucket.put("key", "data")
    before = (await bucket.head("key")).last_modified
    fake.fail("PutObject", "InternalError", times=499)
    async with asyncio.timeout(60):
        await bucket.put("key", "data")
    after = (await bucket.head("key")).last_modified
    assert before
    assert after
    assert after - before > timedelta(hours=1)


@pytest.mark.parametrize("cut", [0, 1000, 6 * MIB])
async def test_cut_bodies(cut: int, fake: FakeS3, bucket: S3.AsyncBucket, tmp_path: Any) -> None:
    """A body that breaks off is taken up where it broke off, into memory as into a file."""
    await bucket.put("key", LARGE)
    one = S3.AsyncBucket(NAME, part_size=16 * MIB)
    for get in (lambda: one.get("key"), lambda: one.download_file("key", tmp_path / "file")):
        told = fake.cut_body(after=cut)
        await get()
        assert told.happened == 1
        assert str(cut) in repr(told)
    assert (await asyncio.to_thread((tmp_path / "file").read_bytes)) == LARGE
    assert operations(fake).count("GetObject") == 4


async def test_bodies_that_are_not_cut(fake: FakeS3, bucket: S3.AsyncBucket) -> None:
    """A body that is short enough is left whole, and so are those of other keys."""
    for key in ("a", "b"):
        await bucket.put(key, b"0123456789")
    long, other = fake.cut_body(after=10), fake.cut_body(after=5, key="b")
    assert (await bucket.get("a")).data == b"0123456789"
    assert (long.happened, other.happened) == (0, 0)
    assert (await bucket.get("b")).data == b"0123456789"
    assert (long.happened, other.happened) == (0, 1)


async def test_cut_for_good(fake: FakeS3, bucket: S3.AsyncBucket) -> None:
    """A body that breaks off whenever it is asked for is given up."""
    await bucket.put("key", b"0123456789")
    fake.cut_body(after=0, times=None)
    with pytest.raises(S3.BucketConnectionError):
        await bucket.get("key")


REFUSED: dict[str, Callable[[FakeS3], Any]] = {
    "operation": lambda fake: fake.fail("GetBucketNonsense"),
    "nth": lambda fake: fake.fail("GetObject", nth=0),
    "times": lambda fake: fake.fail("GetObject", times=True),
    "after": lambda fake: fake.cut_body(after=-1),
    "time": lambda fake: fake.pass_time(-1),
    "vendor": lambda _: FakeS3("unheard-of"),  # type: ignore[arg-type]  # just that is refused
}


@pytest.mark.parametrize("argument", REFUSED)
def test_refused(argument: str, fake: FakeS3) -> None:
    """What can't be right is refused by name."""
    with pytest.raises(S3.InvalidInput) as raised:
        REFUSED[argument](fake)
    assert raised.value.argument == argument


async def test_not_faked(bucket: S3.AsyncBucket) -> None:
    """What the fake doesn't know is never passed over: it says so, as a NotImplementedError and by name."""
    with pytest.raises(NotFaked, match="SelectObjectContent") as raised:
        await bucket.call("SelectObjectContent", Key="key")
    assert isinstance(raised.value, NotImplementedError)
    with pytest.raises(NotFaked, match="WriteOffsetBytes") as strange:
        await bucket.call("PutObject", Key="key", WriteOffsetBytes=5)
    assert strange.value.argument == "WriteOffsetBytes"


# Other vendors


@pytest.mark.parametrize("fake", ["r2"], indirect=True)
async def test_equal_parts(fake: FakeS3, bucket: S3.AsyncBucket) -> None:
    """R2 refuses parts of unequal length; the library's own are equal."""
    await bucket.put("key", LARGE)
    with pytest.raises(S3.UnknownBucketException, match="same length"):
        await of_parts(bucket, 6 * MIB, 5 * MIB, 1)
    with pytest.raises(S3.UnknownBucketException, match="same length"):
        await of_parts(bucket, 5 * MIB, 6 * MIB)
    await of_parts(bucket, 5 * MIB, 5 * MIB, 1)
    await of_parts(bucket, 1)


async def of_parts(bucket: S3.AsyncBucket, *lengths: int) -> None:
    """Upload an object in parts of these lengths."""
    upload = {"Key": "parts", "UploadId": (await bucket.call("CreateMultipartUpload", Key="parts"))["UploadId"]}
    parts = []
    for number, length in enumerate(lengths, 1):
        part = await bucket.call("UploadPart", PartNumber=number, Body=bytes(length), **upload)
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    await bucket.call("CompleteMultipartUpload", MultipartUpload={"Parts": parts}, **upload)


@pytest.mark.parametrize("fake", ["b2"], indirect=True)
@pytest.mark.parametrize("data", [b"small", LARGE], ids=["small", "large"])
async def test_refused_checksums(
    data: bytes, fake: FakeS3, bucket: S3.AsyncBucket, caplog: pytest.LogCaptureFixture
) -> None:
    """B2 refuses checksums in headers; the library learns it once, says so once, and stores all the same."""
    for key in ("a", "b"):
        await bucket.put(key, data)
    assert fake.objects(NAME) == {"a": data, "b": data}
    assert ["Content-MD5" in record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        True
    ]
    extra = len(fake.requests) - (2 if len(data) < MIB else 10)
    assert extra == 1
    with pytest.raises(S3.BucketException, match="x-amz-checksum-crc32"):
        await S3.AsyncBucket(NAME, checksums="when_supported").put("key", "data")


@pytest.mark.parametrize("fake", ["ceph16"], indirect=True)
async def test_overlooked_conditions(fake: FakeS3, bucket: S3.AsyncBucket) -> None:
    """Ceph 16 looks at conditions of a PUT, but not where an upload is completed, nor in DELETE, and keeps no CRC32."""
    await bucket.put("key", "data")
    trusting = S3.AsyncBucket(NAME, vendor="aws")  # a vendor that isn't known is asked before, whether they hold
    for one in (bucket, trusting):
        with pytest.raises(S3.KeyAlreadyExists):
            await one.put("key", "other", if_absent=True)
    with pytest.raises(S3.KeyAlreadyExists):
        await bucket.put("key", LARGE, if_absent=True)
    with pytest.raises(S3.PreconditionFailed):
        await bucket.delete("key", if_match="other")
    assert fake.objects(NAME) == {"key": b"data"}
    await trusting.put("key", LARGE, if_absent=True)
    assert fake.objects(NAME) == {"key": LARGE}
    assert (await bucket.head("key")).checksums == {}
    await trusting.delete("key", if_match="other")
    assert fake.objects(NAME) == {}
