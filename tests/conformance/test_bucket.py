"""The bucket itself, call(), and what may be printed, logged and pickled."""

from __future__ import annotations

import asyncio
import copy
import io
import pickle
import traceback
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

import s3_bucket as S3
from tests.conformance.conftest import collected

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.conftest import OpenBucket

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEY_ID = "CANARYKEYID"
SECRET = "canary-secret"
TOKEN = "canary-token"
CANARIES = (KEY_ID, SECRET, TOKEN)


async def test_its_life(absent: S3.AsyncBucket) -> None:
    """A bucket is made, exists, is not deleted while it holds anything, and is deleted."""
    assert not await absent.bucket_exists()
    await absent.create()
    assert await absent.bucket_exists()
    await absent.put("key", "data")
    with pytest.raises(S3.BucketNotEmpty) as raised:
        await absent.delete_bucket()
    assert raised.value.bucket == absent.name
    await absent.delete("key")
    await absent.delete_bucket()
    assert not await absent.bucket_exists()


async def test_made_twice(bucket: S3.AsyncBucket) -> None:
    """With exist_ok it is no matter that the bucket is there; what it holds stays."""
    await bucket.put("key", "data")
    await bucket.create(exist_ok=True)
    assert await bucket.exists("key")


async def test_made_twice_elsewhere(open_bucket: OpenBucket, bucket: S3.AsyncBucket) -> None:
    """A name that is taken is BucketAlreadyExists, also a FileExistsError, unless exist_ok says that it's fine."""
    other = open_bucket(f"{bucket.name}-eu", region="eu-west-1")
    await other.create()
    with pytest.raises(S3.BucketAlreadyExists) as raised:
        await other.create()
    assert isinstance(raised.value, FileExistsError)
    await other.create(exist_ok=True)
    assert (await other.call("GetBucketLocation"))["LocationConstraint"] == "eu-west-1"


async def test_names(bucket: S3.AsyncBucket) -> None:
    """The bucket tells its name, also as release 1 did."""
    assert bucket.name == bucket.bucket_name
    assert bucket.name in repr(bucket)


@pytest.mark.parametrize("name", ["", "a/b", "../x", "a b", "a\n", None, 5, b"bytes", "a?b", "-a", ".a", "a..b"])
async def test_refused_names(open_bucket: OpenBucket, name: Any) -> None:
    """What can't be a bucket's name is refused before anything else."""
    with pytest.raises(S3.InvalidInput) as raised:
        open_bucket(name)
    assert raised.value.argument == "bucket_name"


async def test_closing(bucket: S3.AsyncBucket) -> None:
    """A bucket works in a with block, and after it, too."""
    async with bucket as same:
        await same.put("key", "data")
    assert (await bucket.get("key")).data == b"data"
    await bucket.aclose()
    await bucket.aclose()
    assert (await bucket.get("key")).data == b"data"


async def test_call(bucket: S3.AsyncBucket) -> None:
    """Any operation of S3 can be called, with the bucket filled in and bodies as bytes."""
    await bucket.call("PutObject", Key="key", Body=b"data", Metadata={"a": "b"})
    answer = await bucket.call("GetObject", Key="key")
    assert (answer["Body"], answer["Metadata"]) == (b"data", {"a": "b"})
    await bucket.call("PutObject", Key="file", Body=io.BytesIO(b"of a file"))
    assert (await bucket.get("file")).data == b"of a file"
    assert bucket.name in [entry["Name"] for entry in (await bucket.call("ListBuckets"))["Buckets"]]
    rules = [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]
    await bucket.call("PutBucketCors", CORSConfiguration={"CORSRules": rules})
    assert (await bucket.call("GetBucketCors"))["CORSRules"] == rules


async def test_refused_calls(bucket: S3.AsyncBucket) -> None:
    """An unknown operation or parameter is InvalidInput; what the server refuses is this library's error."""
    with pytest.raises(S3.InvalidInput, match="PutBucketCors"):
        await bucket.call("put_bucket_cors")
    with pytest.raises(S3.InvalidInput, match="Nonsense"):
        await bucket.call("GetObject", Key="key", Nonsense=1)
    with pytest.raises(S3.InvalidInput):
        await bucket.call("GetObject")
    with pytest.raises(S3.NoSuchKey) as missing:
        await bucket.call("GetObject", Key="missing")
    assert (missing.value.key, missing.value.operation) == ("missing", "GetObject")
    with pytest.raises(S3.UnknownBucketException) as unknown:
        await bucket.call("GetBucketCors")
    assert unknown.value.error_code == "NoSuchCORSConfiguration"
    assert unknown.value.bucket == bucket.name


async def failures(bucket: S3.AsyncBucket, absent: S3.AsyncBucket, unreachable: S3.AsyncBucket) -> list[Exception]:
    """Make everything fail that can, and return the errors."""
    info = await bucket.put("key", "data")
    calls: list[Any] = [
        lambda: bucket.get("missing"),
        lambda: bucket.head("missing"),
        lambda: bucket.get("key", if_match="other"),
        lambda: bucket.get("key", if_none_match=info.etag),
        lambda: bucket.get("key", range=(100, 200)),
        lambda: bucket.put("key", "data", if_absent=True),
        lambda: bucket.get_json("key"),
        lambda: bucket.get(""),
        bucket.delete_bucket,
        lambda: bucket.call("GetBucketCors"),
        lambda: bucket.call("Nonsense"),
        lambda: absent.get("key"),
        lambda: unreachable.get("key"),
    ]
    errors: list[Exception] = []
    for call in calls:
        with pytest.raises(S3.BucketException) as raised:
            await call()
        errors.append(raised.value)
    results = await collected(bucket.get_many(["key", "missing", "missing too"]))
    errors.append(S3.BulkError("some failed", results))
    return errors


async def test_errors_survive_pickling(
    bucket: S3.AsyncBucket, absent: S3.AsyncBucket, unreachable: S3.AsyncBucket
) -> None:
    """Every error comes out of a pickle, and out of a copy, with its class and all it carried."""
    for error in await failures(bucket, absent, unreachable):
        for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301  # our own
            assert type(again) is type(error)
            assert str(again) == str(error)
            assert repr(again.args) == repr(error.args)
            assert carried(again) == carried(error)


def carried(error: Exception) -> dict[str, Any]:
    """Return an error's attributes, and instead of other errors among them what those say."""
    return {name: repr(value) for name, value in vars(error).items()}


async def test_values_survive_pickling(bucket: S3.AsyncBucket) -> None:
    """What the calls return comes out of a pickle as it was."""
    put = await bucket.put("key", "data", metadata={"a": "b"})
    got = await bucket.get("key")
    [result] = await collected(bucket.get_many(["key"]))
    for value in (put, got, got.info, await bucket.head("key"), result):
        again = pickle.loads(pickle.dumps(value))  # noqa: S301  # our own
        assert again == value
        assert type(again) is type(value)
    again = pickle.loads(pickle.dumps(got))  # noqa: S301  # our own
    assert again.info == got.info
    assert again.metadata == got.metadata


def told(error: BaseException | None) -> str:
    """Return everything that an error and its causes say of themselves, as text and as a pickle."""
    if error is None:
        return ""
    pickled = repr(pickle.dumps(error)) if isinstance(error, S3.BucketException) else ""
    text = "".join(traceback.format_exception(error))
    return f"{error} {error!r} {vars(error)} {text} {pickled} {told(error.__cause__)} {told(error.__context__)}"


async def test_no_secret_is_told(
    open_bucket: OpenBucket, bucket: S3.AsyncBucket, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither repr, nor an error, nor its cause, nor a log, nor a pickle shows a secret."""
    caplog.set_level("INFO")
    keys = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET, "aws_session_token": TOKEN}
    mine = open_bucket(bucket.name, **keys)
    absent = open_bucket("absent-for-canaries", **keys)
    unreachable = open_bucket("canaries", endpoint_url="http://127.0.0.1:1", max_attempts=2, **keys)
    texts = [repr(mine), str(mine), caplog.text]
    texts += [told(error) for error in await failures(mine, absent, unreachable)]
    assert not [(canary, text) for canary in CANARIES for text in texts if canary in text]
    assert not [canary for canary in CANARIES if canary in caplog.text]


@pytest.mark.parametrize("canary", [*CANARIES, "with space"])
async def test_refused_settings_show_no_secret(open_bucket: OpenBucket, canary: str) -> None:
    """A refused setting is named, but what was given is not shown where it may be a secret."""
    with pytest.raises(S3.InvalidInput) as raised:
        open_bucket("bucket", aws_access_key_id=canary, aws_secret_access_key=f"{SECRET} \n")
    assert SECRET not in told(raised.value)
    with pytest.raises(S3.InvalidInput) as raised:
        open_bucket("bucket", endpoint_url=f"http://user:{SECRET}@127.0.0.1")
    assert SECRET not in told(raised.value)


async def test_buckets_pickle_without_keys(open_bucket: OpenBucket, bucket: S3.AsyncBucket) -> None:
    """A bucket that holds keys refuses to be pickled, whatever face it has."""
    holding = open_bucket(bucket.name, aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET)
    with pytest.raises(S3.InvalidInput):
        holding.__reduce__()


async def test_stale_uploads(bucket: S3.AsyncBucket, uploads: Callable[[], Any]) -> None:
    """Uploads that nobody completes are swept by age and prefix; nothing else is touched."""
    keys = ["a/1", "a/2 +%", "b/1"]
    for key in keys:
        await bucket.call("CreateMultipartUpload", Key=key)
    await bucket.put("a/object", "stays")
    assert await bucket.abort_stale_uploads(timedelta(days=36_500)) == []
    assert len(await uploads()) == 3
    swept: list[S3.UploadInfo] = []
    async with asyncio.timeout(60):
        while len(swept) < 2:  # until the server's clock says that they are older than this
            swept += await bucket.abort_stale_uploads(0.000_001, "a/")
    assert sorted(upload.key for upload in swept) == keys[:2]
    assert [upload["Key"] for upload in await uploads()] == ["b/1"]
    assert (await bucket.get("a/object")).data == b"stays"
