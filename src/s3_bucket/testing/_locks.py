"""Object lock: what may not be deleted yet."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from s3_bucket.testing._server import Operation, Server, object_of, operation
from s3_bucket.testing._state import Refused, StoredBucket, Version

if TYPE_CHECKING:
    from s3_bucket.testing._state import Parameters

HOLD, MODE, UNTIL = "ObjectLockLegalHoldStatus", "ObjectLockMode", "ObjectLockRetainUntilDate"


def of_write(bucket: StoredBucket, parameters: Parameters) -> dict[str, Any]:
    """Return the lock that an object is written with."""
    lock = {name: parameters[name] for name in (HOLD, MODE, UNTIL) if parameters.get(name)}
    if lock:
        _check_has_locks(bucket)
    if UNTIL in lock:
        lock[UNTIL] = _time(lock[UNTIL])
    if (MODE in lock) != (UNTIL in lock):
        raise Refused(
            400,
            "InvalidArgument",
            "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
        )
    return lock


def _time(given: datetime | str) -> datetime:
    """Return a time, which aiobotocore takes as a text, too."""
    return datetime.fromisoformat(given) if isinstance(given, str) else given


def _check_has_locks(bucket: StoredBucket) -> None:
    if not bucket.has_locks:
        raise Refused(400, "InvalidRequest", "Bucket is missing Object Lock Configuration")


def check_delete(server: Server, version: Version, parameters: Parameters) -> None:
    """Raise if the version is locked."""
    bypasses = bool(parameters.get("BypassGovernanceRetention"))
    if version.lock.get(HOLD) == "ON" or _is_retained(server, version, bypasses=bypasses):
        raise Refused(403, "AccessDenied", "Access Denied because object protected by object lock.")


def _is_retained(server: Server, version: Version, *, bypasses: bool) -> bool:
    until = version.lock.get(UNTIL)
    is_over = until is None or until <= server.now()
    return not is_over and not (bypasses and version.lock[MODE] == "GOVERNANCE")


def put_legal_hold(server: Server, parameters: Parameters) -> dict[str, Any]:
    """PutObjectLegalHold."""
    _check_has_locks(server.bucket(parameters))
    object_of(server, parameters).lock[HOLD] = parameters["LegalHold"]["Status"]
    return {}


def get_legal_hold(server: Server, parameters: Parameters) -> dict[str, Any]:
    """GetObjectLegalHold."""
    _check_has_locks(server.bucket(parameters))
    version = object_of(server, parameters)
    if HOLD not in version.lock:
        raise _none()
    return {"LegalHold": {"Status": version.lock[HOLD]}}


def put_retention(server: Server, parameters: Parameters) -> dict[str, Any]:
    """PutObjectRetention."""
    _check_has_locks(server.bucket(parameters))
    version = object_of(server, parameters)
    wanted = dict(parameters["Retention"])
    if wanted:
        wanted["RetainUntilDate"] = _time(wanted["RetainUntilDate"])
    bypasses = bool(parameters.get("BypassGovernanceRetention"))
    is_shorter = UNTIL in version.lock and (not wanted or wanted["RetainUntilDate"] < version.lock[UNTIL])
    if is_shorter and _is_retained(server, version, bypasses=bypasses):
        raise Refused(403, "AccessDenied", "Access Denied because object protected by object lock.")
    for name in (MODE, UNTIL):
        version.lock.pop(name, None)
    if wanted:
        version.lock |= {MODE: wanted["Mode"], UNTIL: wanted["RetainUntilDate"]}
    return {}


def get_retention(server: Server, parameters: Parameters) -> dict[str, Any]:
    """GetObjectRetention."""
    _check_has_locks(server.bucket(parameters))
    version = object_of(server, parameters)
    if UNTIL not in version.lock:
        raise _none()
    return {"Retention": {"Mode": version.lock[MODE], "RetainUntilDate": version.lock[UNTIL]}}


def _none() -> Refused:
    why = "The specified object does not have a ObjectLock configuration"
    return Refused(404, "NoSuchObjectLockConfiguration", why)


_OPTIONAL = "VersionId ContentMD5 ChecksumAlgorithm"
OPERATIONS: dict[str, Operation] = {
    "PutObjectLegalHold": operation(put_legal_hold, "Bucket Key LegalHold", _OPTIONAL),
    "GetObjectLegalHold": operation(get_legal_hold, "Bucket Key", "VersionId"),
    "PutObjectRetention": operation(put_retention, "Bucket Key Retention", f"{_OPTIONAL} BypassGovernanceRetention"),
    "GetObjectRetention": operation(get_retention, "Bucket Key", "VersionId"),
}
