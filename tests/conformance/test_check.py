"""check() says what works, and leaves nothing; conditions that a vendor doesn't keep are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import s3_bucket as S3
from tests.conformance.conftest import collected

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.conftest import OpenBucket

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_works(bucket: S3.AsyncBucket) -> None:
    """A store that works is said to, topic by topic, and the clocks don't differ: they are one."""
    report = await bucket.check()
    good = {finding.topic for finding in report.findings if finding.level == "ok"}
    assert report.ok, str(report)
    assert good >= {"bucket", "write", "read", "list", "multipart", "delete", "delete_many", "conditions"}
    assert "clock" not in {finding.topic for finding in report.findings if finding.level != "ok"}
    assert str(report).startswith(f"bucket {bucket.name!r} works:\nok ")
    assert "kept: if_absent of put, if_match of put" in str(report)


async def test_leaves_nothing(bucket: S3.AsyncBucket, uploads: Callable[[], Any]) -> None:
    """It leaves no object, no upload, and what was there as it was."""
    await bucket.put("mine", "untouched")
    await bucket.check()
    assert [info.key for info in await collected(bucket.list())] == ["mine"]
    assert await uploads() == []


async def test_leaves_no_versions(versioned: S3.AsyncBucket) -> None:
    """In a bucket with versioning, it leaves no versions and no delete markers either."""
    assert (await versioned.check("below/")).ok
    found = await versioned.call("ListObjectVersions")
    assert (found.get("Versions", []), found.get("DeleteMarkers", [])) == ([], [])


async def test_needed_settings_do(bucket: S3.AsyncBucket, open_bucket: OpenBucket) -> None:
    """With the settings that it names, it names none any more."""
    needed = (await bucket.check()).settings
    assert (await open_bucket(bucket.name, **needed).check()).settings == {}


async def test_no_bucket(absent: S3.AsyncBucket) -> None:
    """A bucket that isn't there is a finding."""
    report = await absent.check()
    assert not report.ok
    assert report.findings[0].topic == "bucket"
    assert "create()" in report.findings[0].text


async def test_nobody_listens(unreachable: S3.AsyncBucket) -> None:
    """A server that isn't there is a finding."""
    report = await unreachable.check()
    assert [finding.topic for finding in report.findings] == ["connection"]


@pytest.mark.parametrize("prefix", ["../", "x" * 1_020])
async def test_wrong_prefix(bucket: S3.AsyncBucket, prefix: str) -> None:
    """A prefix that no key can have is refused."""
    with pytest.raises(S3.InvalidInput, match=r"^prefix: "):
        await bucket.check(prefix)


async def test_refused_conditions(bucket: S3.AsyncBucket, open_bucket: OpenBucket, data: bytes) -> None:
    """What the vendor that was named doesn't keep is refused before anything is sent; what it keeps is kept."""
    ceph = open_bucket(bucket.name, vendor="ceph")
    await ceph.put("key", "first", if_absent=True)
    with pytest.raises(S3.KeyAlreadyExists):
        await ceph.put("key", "second", if_absent=True)
    with pytest.raises(S3.InvalidInput, match=r"^if_absent: Ceph"):
        await ceph.put("large", data, if_absent=True)
    with pytest.raises(S3.InvalidInput, match=r"^if_match: Ceph"):
        async with ceph.open_writer("key", if_match="etag") as writer:
            await writer.write(data)
    with pytest.raises(S3.InvalidInput, match=r"^if_match: Ceph"):
        await ceph.delete("key", if_match="etag")
    assert [info.key for info in await collected(bucket.list())] == ["key"]
    assert (await bucket.get("key")).data == b"first"


async def test_content_md5(bucket: S3.AsyncBucket, open_bucket: OpenBucket, data: bytes) -> None:
    """A store that is sent a Content-MD5 instead of a CRC32 takes it, whole, in parts, and to delete."""
    other = open_bucket(bucket.name, vendor="r2")
    await other.put("key", data)
    await other.put("small", "text")
    assert (await other.get("key")).data == data
    assert [result.ok async for result in other.delete_many(["key", "small"])] == [True, True]
    assert await collected(bucket.list()) == []
