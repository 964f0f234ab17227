"""Locks that a server has forgotten, and restores that have begun already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import s3_bucket as S3
from s3_bucket._async import _retention
from s3_bucket._store import GetRequest, PutOptions
from s3_bucket.exceptions import AmbiguousWrite, BucketAccessDenied, BucketException, BucketTimeout, NoSuchKey
from tests.unit.test_keeping import TIME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_bucket._async._retry import RetryingStore

REQUEST = GetRequest("b", "k")
LOCK = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": "2030-01-02T03:04:05Z"}
HOLD = {"ObjectLockLegalHoldStatus": "ON"}
LOCKED = S3.ObjectLock("GOVERNANCE", TIME)
SET_LOCK = (
    "PutObjectRetention",
    {"Key": "k", "VersionId": "v", "Retention": {"Mode": "GOVERNANCE", "RetainUntilDate": "2030-01-02T03:04:05Z"}},
)
SET_HOLD = ("PutObjectLegalHold", {"Key": "k", "VersionId": "v", "LegalHold": {"Status": "ON"}})


class Stub:
    """A store that has one answer to HEAD, and notes what else is asked."""

    def __init__(self, answer: S3.ObjectInfo | BucketException) -> None:
        self.answer = answer
        self.asked: list[Any] = []
        self.error: BucketException | None = None

    async def head(self, request: GetRequest) -> S3.ObjectInfo:
        """Answer."""
        self.asked.append(request)
        if isinstance(self.answer, BucketException):
            raise self.answer
        return self.answer

    async def call(self, bucket: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Take note."""
        assert bucket == "b"
        self.asked.append((operation, dict(parameters)))
        if self.error is not None:
            raise self.error
        return {}


def store(stub: Stub) -> RetryingStore:
    """Return it as what it stands for."""
    return stub  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("headers", "told", "asked"),
    [
        (LOCK, {}, [SET_LOCK]),
        (HOLD, {}, [SET_HOLD]),
        (HOLD, {"legal_hold": False}, [SET_HOLD]),
        ({**LOCK, **HOLD}, {}, [SET_LOCK, SET_HOLD]),
        ({**LOCK, **HOLD}, {"lock": LOCKED}, [SET_HOLD]),
        (LOCK, {"lock": S3.ObjectLock("COMPLIANCE", TIME)}, [SET_LOCK]),
        (LOCK, {"lock": S3.ObjectLock("GOVERNANCE", TIME.replace(second=0))}, [SET_LOCK]),
        ({**LOCK, **HOLD}, {"legal_hold": True}, [SET_LOCK]),
        ({**LOCK, **HOLD}, {"legal_hold": True, "lock": LOCKED}, []),
    ],
)
async def test_settled(headers: dict[str, str], told: dict[str, Any], asked: list[Any]) -> None:
    """What HEAD says to be missing of a lock is set, for the version that HEAD has seen, and nothing else is."""
    stub = Stub(S3.ObjectInfo("k", 1, "e", version_id="v", **told))
    await _retention.settle(store(stub), REQUEST, "e", PutOptions(headers))
    assert stub.asked == [REQUEST, *asked]


async def test_nothing_to_settle() -> None:
    """An object that isn't to be locked is not asked about."""
    stub = Stub(NoSuchKey("gone"))
    await _retention.settle(store(stub), REQUEST, "e", PutOptions({"ContentType": "a/b"}))
    assert stub.asked == []


async def test_those_who_may_not_look() -> None:
    """Who may write but not read has to believe the server."""
    stub = Stub(BucketAccessDenied("no"))
    await _retention.settle(store(stub), REQUEST, "e", PutOptions(LOCK))
    assert stub.asked == [REQUEST]


@pytest.mark.parametrize("answer", [NoSuchKey("gone"), S3.ObjectInfo("k", 1, "another", version_id="v")])
async def test_replaced(answer: S3.ObjectInfo | BucketException) -> None:
    """What has been replaced or deleted at once may be without its lock, and nothing else is locked in its place."""
    stub = Stub(answer)
    with pytest.raises(AmbiguousWrite, match="locked") as caught:
        await _retention.settle(store(stub), REQUEST, "e", PutOptions(LOCK))
    assert (caught.value.bucket, caught.value.key) == ("b", "k")
    assert stub.asked == [REQUEST]


@pytest.mark.parametrize("error", [BucketTimeout("no answer"), BucketException("no", error_code="InvalidRequest")])
async def test_not_locked(error: BucketException) -> None:
    """That an object could not be locked is not kept quiet."""
    with pytest.raises(type(error)):
        await _retention.settle(store(Stub(error)), REQUEST, "e", PutOptions(LOCK))
    stub = Stub(S3.ObjectInfo("k", 1, "e"))
    stub.error = error
    with pytest.raises(type(error)):
        await _retention.settle(store(stub), REQUEST, "e", PutOptions(LOCK))


async def test_a_restore_that_has_begun() -> None:
    """An object that is being restored is left at it; any other refusal is one."""
    stub = Stub(NoSuchKey(""))
    stub.error = BucketException("wait", error_code="RestoreAlreadyInProgress")
    await _retention.restore(store(stub), REQUEST._replace(version_id="v"), {"Days": 1})
    assert stub.asked == [("RestoreObject", {"Key": "k", "VersionId": "v", "RestoreRequest": {"Days": 1}})]
    stub.error = BucketException("no", error_code="NotImplemented")
    with pytest.raises(BucketException, match="no"):
        await _retention.restore(store(stub), REQUEST, {"Days": 1})
