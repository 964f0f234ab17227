"""What few answers say of an object: that it is locked, archived, or under a customer's key. Pure."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from s3_bucket._encryption import CUSTOMER
from s3_bucket._keeping import ObjectLock, RestoreStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

KEPT = frozenset(
    {"ArchiveStatus", "ObjectLockLegalHoldStatus", "ObjectLockMode", "Restore", "SSECustomerAlgorithm"},
)
_ONGOING = re.compile(r'ongoing-request="?(true|false)', re.IGNORECASE)
_EXPIRES = re.compile(r'expiry-date="([^"]*)"')


def kept(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of ObjectInfo for these."""
    fields: dict[str, Any] = {}
    if answer.get("ArchiveStatus"):
        fields["archive_status"] = answer["ArchiveStatus"]
    if "ObjectLockLegalHoldStatus" in answer:
        fields["legal_hold"] = answer["ObjectLockLegalHoldStatus"] == "ON"
    if answer.get("ObjectLockMode") and answer.get("ObjectLockRetainUntilDate"):
        fields["lock"] = ObjectLock(answer["ObjectLockMode"], answer["ObjectLockRetainUntilDate"])
    if "Restore" in answer:
        fields["restore"] = restore_status(answer["Restore"])
    if "SSECustomerAlgorithm" in answer:
        fields["encryption"] = CUSTOMER
    return fields


def encryption(answer: Mapping[str, Any]) -> str | None:
    """Return how the server says that it encrypts what was stored."""
    return CUSTOMER if "SSECustomerAlgorithm" in answer else answer.get("ServerSideEncryption")


def restore_status(text: str) -> RestoreStatus | None:
    """Return what x-amz-restore says; None, if that is nothing that S3 would say."""
    ongoing, expires = _ONGOING.search(text), _EXPIRES.search(text)
    if ongoing is None:
        return None
    try:
        until = parsedate_to_datetime(expires[1]) if expires else None
    except ValueError:
        until = None
    # A naive one would be the server's idea of its own time.
    return RestoreStatus(ongoing[1].lower() == "true", until if until is not None and until.tzinfo else None)
