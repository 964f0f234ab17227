"""Conditions: If-Match, If-None-Match and their sisters, as S3 answers them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_bucket.testing._server import bare, no_such_key
from s3_bucket.testing._state import Refused

if TYPE_CHECKING:
    from s3_bucket.testing._state import Parameters, Version

_NOT_MET = "At least one of the pre-conditions you specified did not hold"


def check_read(version: Version, parameters: Parameters) -> None:
    """Raise unless the object may be read."""
    _check_matches(version, parameters, "If", Refused(304, "304", "Not Modified"))


def check_source(version: Version, parameters: Parameters) -> None:
    """Raise unless the object may be copied."""
    _check_matches(version, parameters, "CopySourceIf", _failed())


def _check_matches(version: Version, parameters: Parameters, prefix: str, unchanged: Refused) -> None:
    """Where an etag is given, it decides, and not the time (RFC 9110, 13.2.2)."""
    wanted, unwanted = parameters.get(f"{prefix}Match"), parameters.get(f"{prefix}NoneMatch")
    before, since = parameters.get(f"{prefix}UnmodifiedSince"), parameters.get(f"{prefix}ModifiedSince")
    if wanted is not None and not is_one_of(version, wanted):
        raise _failed()
    if wanted is None and before is not None and version.modified > before:
        raise _failed()
    if unwanted is not None and is_one_of(version, unwanted):
        raise unchanged
    if unwanted is None and since is not None and version.modified <= since:
        raise unchanged


def check_write(there: Version | None, parameters: Parameters) -> None:
    """Raise unless what is there may be replaced."""
    absent, wanted = parameters.get("IfNoneMatch"), parameters.get("IfMatch")
    if absent not in {None, "*"}:
        raise Refused(501, "NotImplemented", "A header you provided implies functionality that is not implemented")
    if absent is not None and there is not None:
        raise _failed()
    check_match(there, wanted)


def check_match(there: Version | None, wanted: str | None) -> None:
    """Raise unless what is there has the etag that is wanted, if one is."""
    if wanted is None:
        return
    if there is None:
        raise no_such_key()
    if not is_one_of(there, wanted):
        raise _failed()


def is_one_of(version: Version, etags: str) -> bool:
    """Whether it is the version that an etag names."""
    return bare(etags) in {"*", version.etag}


def _failed() -> Refused:
    return Refused(412, "PreconditionFailed", _NOT_MET)
