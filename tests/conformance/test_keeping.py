"""Storage classes, archives, locks and access control lists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import s3_bucket as S3
from tests.conformance.conftest import PART

pytestmark = pytest.mark.asyncio(loop_scope="session")

UNTIL = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0)
LATER = UNTIL + timedelta(days=2)


async def test_storage_class(bucket: S3.AsyncBucket) -> None:
    """A storage class by its name is told as the text that it is."""
    put = await bucket.put("key", "data", storage_class=S3.StorageClass.STANDARD_IA)
    for info in (put, await bucket.head("key")):
        assert info.storage_class == "STANDARD_IA"
        assert type(info.storage_class) is str


async def test_archived(bucket: S3.AsyncBucket) -> None:
    """An archived object is told to be one, and read when it has been restored."""
    await bucket.put("key", "data", storage_class=S3.StorageClass.GLACIER)
    head = await bucket.head("key")
    assert (head.storage_class, head.restore) == ("GLACIER", None)
    with pytest.raises(S3.ObjectArchived, match="restore") as caught:
        await bucket.get("key")
    assert (caught.value.key, caught.value.bucket, caught.value.retryable) == ("key", bucket.name, False)

    await bucket.restore("key", 2)
    got = await bucket.get("key")
    assert got.data == b"data"
    for info in (got.info, await bucket.head("key")):
        assert info.restore is not None
        assert not info.restore.in_progress
        assert info.restore.expires is not None
        assert info.restore.expires > datetime.now(UTC) + timedelta(days=1)
    await bucket.restore("key", 3, tier="Bulk")


async def test_restored_version(versioned: S3.AsyncBucket) -> None:
    """A version other than the newest is restored by its id."""
    first = await versioned.put("key", "1", storage_class="GLACIER")
    await versioned.put("key", "2", storage_class="GLACIER")
    await versioned.restore("key", 1, "Expedited", first.version_id)
    assert (await versioned.get("key", version_id=first.version_id)).data == b"1"
    with pytest.raises(S3.ObjectArchived):
        await versioned.get("key")


async def test_nothing_to_restore(bucket: S3.AsyncBucket) -> None:
    """What is in no archive can't be restored, and what is missing is a NoSuchKey."""
    await bucket.put("key", "data")
    with pytest.raises(S3.InvalidInput, match="RestoreObject"):
        await bucket.restore("key", 2)
    with pytest.raises(S3.NoSuchKey):
        await bucket.restore("missing", 2)


@pytest.mark.parametrize("size", [3, PART + 1])
async def test_locked(locking: S3.AsyncBucket, size: int, data: bytes) -> None:
    """What is stored with a lock is told to have it, and can't be deleted but by who may bypass it."""
    lock = S3.ObjectLock("GOVERNANCE", UNTIL)
    info = await locking.put("key", data[:size], lock=lock)
    version_id = (await locking.head("key")).version_id
    assert info.size == size
    for found in ((await locking.get("key")).info, await locking.head("key", version_id=version_id)):
        assert found.lock == lock
    with pytest.raises(S3.BucketAccessDenied):
        await locking.delete("key", version_id=version_id)
    await locking.delete("key", version_id=version_id, bypass_governance=True)
    assert not await locking.exists("key", version_id=version_id)


async def test_hidden(locking: S3.AsyncBucket) -> None:
    """A lock keeps a version, and nobody from hiding it behind a delete marker."""
    info = await locking.put("key", "data", lock=S3.ObjectLock("GOVERNANCE", UNTIL))
    await locking.delete("key")
    assert not await locking.exists("key")
    assert (await locking.get("key", version_id=info.version_id)).data == b"data"


async def test_retention(locking: S3.AsyncBucket) -> None:
    """A lock is set, prolonged, and lifted by who may bypass it; what has none says so."""
    version_id = (await locking.put("key", "data")).version_id
    assert (await locking.head("key")).lock is None
    for until in (UNTIL, LATER):
        await locking.set_retention("key", S3.ObjectLock("GOVERNANCE", until))
        assert (await locking.head("key")).lock == S3.ObjectLock("GOVERNANCE", until)
    await locking.set_retention(
        "key", S3.ObjectLock("GOVERNANCE", UNTIL), bypass_governance=True, version_id=version_id
    )
    assert (await locking.head("key")).lock == S3.ObjectLock("GOVERNANCE", UNTIL)


async def test_retention_is_kept(locking: S3.AsyncBucket) -> None:
    """A lock is not shortened by who doesn't bypass it."""
    await locking.put("key", "data", lock=S3.ObjectLock("GOVERNANCE", LATER))
    with pytest.raises(S3.BucketAccessDenied):
        await locking.set_retention("key", S3.ObjectLock("GOVERNANCE", UNTIL))
    assert (await locking.head("key")).lock == S3.ObjectLock("GOVERNANCE", LATER)


async def test_retention_is_lifted(locking: S3.AsyncBucket) -> None:
    """A lock is lifted by who may bypass it, and then the version can be deleted."""
    version_id = (await locking.put("key", "data", lock=S3.ObjectLock("GOVERNANCE", UNTIL))).version_id
    await locking.set_retention("key", None, bypass_governance=True)
    assert (await locking.head("key")).lock is None
    await locking.delete("key", version_id=version_id)


async def test_compliance(locking: S3.AsyncBucket) -> None:
    """In the mode COMPLIANCE nobody deletes the version, and nobody shortens the lock."""
    lock = S3.ObjectLock("COMPLIANCE", datetime.now(UTC) + timedelta(hours=1))
    version_id = (await locking.put("key", "data", lock=lock)).version_id
    with pytest.raises(S3.BucketAccessDenied):
        await locking.delete("key", version_id=version_id, bypass_governance=True)
    assert (await locking.head("key", version_id=version_id)).lock is not None


@pytest.mark.parametrize("size", [3, PART + 1])
async def test_legal_hold(locking: S3.AsyncBucket, size: int, data: bytes) -> None:
    """What is held can't be deleted, not even by who bypasses locks, until it is let go."""
    await locking.put("key", data[:size], legal_hold=True)
    head = await locking.head("key")
    assert (head.legal_hold, head.lock) == (True, None)
    with pytest.raises(S3.BucketAccessDenied):
        await locking.delete("key", version_id=head.version_id, bypass_governance=True)
    await locking.set_legal_hold("key", legal_hold=False)
    assert (await locking.get("key")).info.legal_hold is False
    await locking.set_legal_hold("key", legal_hold=True, version_id=head.version_id)
    assert (await locking.head("key")).legal_hold is True
    await locking.set_legal_hold("key", legal_hold=False)
    await locking.delete("key", version_id=head.version_id)


async def test_no_locks_here(bucket: S3.AsyncBucket) -> None:
    """In a bucket without Object Lock, a lock is an error of the server's, and nothing is stored."""
    with pytest.raises(S3.BucketException) as caught:
        await bucket.put("key", "data", lock=S3.ObjectLock("GOVERNANCE", UNTIL))
    assert caught.value.status == 400
    assert not await bucket.exists("key")


@pytest.mark.parametrize("if_absent", [False, True], ids=["whole", "in parts"])
async def test_locked_copy(locking: S3.AsyncBucket, *, if_absent: bool) -> None:
    """A copy has the lock that it is given, and not the source's."""
    await locking.put("source", "data", lock=S3.ObjectLock("GOVERNANCE", LATER), legal_hold=True)
    lock = S3.ObjectLock("GOVERNANCE", UNTIL)
    copied = await locking.copy("source", "copy", lock=lock, if_absent=if_absent)
    assert (copied.lock, bool(copied.legal_hold)) == (lock, False)
    held = await locking.copy("source", "held", legal_hold=True, acl="public-read", if_absent=if_absent)
    assert (held.lock, held.legal_hold) == (None, True)


EVERYBODY = "http://acs.amazonaws.com/groups/global/AllUsers"


@pytest.mark.parametrize("size", [3, PART + 1])
async def test_access_control_list(bucket: S3.AsyncBucket, size: int, data: bytes) -> None:
    """A canned access control list goes with the object, from one PUT as from a multipart upload."""
    await bucket.put("key", data[:size], acl="public-read")
    await bucket.put("private", data[:size], acl="private")
    grants = [(await bucket.call("GetObjectAcl", Key=key))["Grants"] for key in ("key", "private")]
    found = [[grant["Permission"] for grant in each if grant["Grantee"].get("URI") == EVERYBODY] for each in grants]
    assert found == [["READ"], []]


async def test_all_together(locking: S3.AsyncBucket) -> None:
    """A writer takes all of it, too."""
    options: dict[str, Any] = {
        "storage_class": S3.StorageClass.STANDARD_IA,
        "acl": "public-read",
        "lock": S3.ObjectLock("GOVERNANCE", UNTIL),
        "legal_hold": True,
    }
    async with locking.open_writer("key", **options) as writer:
        await writer.write(b"data")
    head = await locking.head("key")
    assert (head.storage_class, head.lock, head.legal_hold) == ("STANDARD_IA", options["lock"], True)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("acl", "public"),
        ("lock", "GOVERNANCE"),
        ("lock", S3.ObjectLock("GOVERNANCE", datetime(2030, 1, 1))),  # noqa: DTZ001  # just that is refused
        ("lock", S3.ObjectLock("FOREVER", UNTIL)),  # type: ignore[arg-type]
        ("legal_hold", "ON"),
        ("encryption", S3.SSE),
    ],
)
async def test_refused_options(unreachable: S3.AsyncBucket, argument: str, value: Any) -> None:
    """An option that can't be right is refused by name, and nothing is sent."""
    options: dict[str, Any] = {argument: value}
    with pytest.raises(S3.InvalidInput) as caught:
        await unreachable.put("key", "data", **options)
    assert caught.value.argument == argument


async def test_refused_calls(unreachable: S3.AsyncBucket) -> None:
    """So it is with what is restored, locked and held."""
    calls: dict[str, Any] = {
        "days": unreachable.restore("key", 0),
        "tier": unreachable.restore("key", 1, "Soon"),  # type: ignore[arg-type]
        "lock": unreachable.set_retention("key", "2030"),  # type: ignore[arg-type]
        "legal_hold": unreachable.set_legal_hold("key", legal_hold="ON"),  # type: ignore[arg-type]
        "key": unreachable.restore("", 1),
    }
    for argument, call in calls.items():
        with pytest.raises(S3.InvalidInput) as caught:
            await call
        assert caught.value.argument == argument
