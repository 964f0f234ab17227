"""Objects that are archived or locked: restoring, retention, legal holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s3_bucket import _checks
from s3_bucket._async import _errors, _shapes
from s3_bucket._async._errors import Target
from s3_bucket.exceptions import AmbiguousWrite, BucketAccessDenied, BucketException, NoSuchKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_bucket._async._retry import RetryingStore
    from s3_bucket._models import ObjectInfo
    from s3_bucket._store import GetRequest, PutOptions

_LOCK = "ObjectLock"
_MODE, _UNTIL, _HOLD = f"{_LOCK}Mode", f"{_LOCK}RetainUntilDate", f"{_LOCK}LegalHoldStatus"


async def restore(store: RetryingStore, request: GetRequest, asked: Mapping[str, Any]) -> None:
    """Have an archived object restored; one that is being restored already is left at it."""
    try:
        await _call(store, "RestoreObject", request, RestoreRequest=asked)
    except BucketException as error:
        if error.error_code != "RestoreAlreadyInProgress":
            raise


async def set_retention(store: RetryingStore, request: GetRequest, lock: Mapping[str, str]) -> None:
    """Lock a version of an object, or lift its lock."""
    bypass = {"BypassGovernanceRetention": True} if request.bypass_governance else {}
    await _call(store, "PutObjectRetention", request, Retention=lock, **bypass)


async def set_legal_hold(store: RetryingStore, request: GetRequest, hold: Mapping[str, str]) -> None:
    """Hold a version of an object, or let it go."""
    await _call(store, "PutObjectLegalHold", request, LegalHold=hold)


async def settle(store: RetryingStore, request: GetRequest, etag: str, options: PutOptions) -> None:
    """Lock an object of parts, if it is to be: there are servers that forget that until the last part has come."""
    wanted = {name: value for name, value in options.headers.items() if name.startswith(_LOCK)}
    if not wanted:
        return
    info = await _found(store, request, etag)
    if info is None:
        return
    version = request._replace(version_id=info.version_id)
    if _MODE in wanted and _lock_of(info) != (wanted[_MODE], wanted[_UNTIL]):  # a copy may have got the source's
        await set_retention(store, version, {"Mode": wanted[_MODE], "RetainUntilDate": wanted[_UNTIL]})
    if _HOLD in wanted and not info.legal_hold:
        await set_legal_hold(store, version, {"Status": wanted[_HOLD]})


def _lock_of(info: ObjectInfo) -> tuple[str, str] | None:
    """Return an object's lock as it is sent."""
    return None if info.lock is None else (info.lock.mode, _checks.moment(info.lock.until))


async def _found(store: RetryingStore, request: GetRequest, etag: str) -> ObjectInfo | None:
    """Return the object that was written; None for those who may write only: they have to believe the server."""
    try:
        info = await store.head(request)
    except BucketAccessDenied:
        return None
    except NoSuchKey as error:
        raise _unknown(request) from error
    if info.etag != etag:
        raise _unknown(request)
    return info


def _unknown(request: GetRequest) -> BucketException:
    target = Target("HeadObject", request.bucket, request.key)
    msg = (
        f"{_errors.where(target)} was stored, but replaced or deleted before it could be seen whether it is locked;"
        " find its version, and lock that by set_retention() or set_legal_hold()"
    )
    return _errors.make(AmbiguousWrite, target, msg)


async def _call(store: RetryingStore, operation: str, request: GetRequest, **parameters: Any) -> None:
    version = _shapes.version_parameters(request.key, request.version_id)
    await store.call(request.bucket, operation, {**version, **parameters})
