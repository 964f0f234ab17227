"""Faults of listing and deleting."""

from __future__ import annotations

from tests.faults import injections as make
from tests.faults import provoke
from tests.faults.fault import Fault
from tests.faults.terms import EITHER, ERROR, EXACT, names

FAULTS: tuple[Fault, ...] = (
    Fault(
        "more is said to follow, but not where",
        ERROR,
        "an error: never an end that is none",
        provoke.server(make.truncated_without_token, times=None),
        names("ListObjectsV2"),
    ),
    Fault(
        "the listing goes in a circle",
        ERROR,
        "an error",
        provoke.server(make.same_token, times=None),
        names("ListObjectsV2"),
    ),
    Fault(
        "DeleteObjects refuses one key",
        ERROR,
        "that key's outcome",
        provoke.server(make.one_key_refused("AccessDenied"), times=None),
        names("DeleteObjects"),
        errors=("BucketAccessDenied",),
    ),
    Fault(
        "DeleteObjects fails for one key, once",
        EITHER,
        "that key's outcome",
        provoke.server(make.one_key_refused("InternalError")),
        names("DeleteObjects"),
    ),
    Fault(
        "DeleteObjects says nothing of one key",
        ERROR,
        "that key's outcome",
        provoke.server(make.one_key_unnamed, times=None),
        names("DeleteObjects"),
    ),
    Fault(
        "DeleteObjects is not implemented",
        EITHER,
        "deleted, or a named error",
        provoke.server(make.says(501, "NotImplemented"), times=None),
        names("DeleteObjects"),
    ),
    Fault(
        "what is deleted is not there",
        EXACT,
        "success",
        lambda world, _: world.empty(),
        names("DeleteObject DeleteObjects"),
        without=names("copies"),
    ),
    Fault(
        "a vendor's own elements and times in a listing",
        EXACT,
        "the exact result",
        provoke.server(make.odd_but_right, times=None),
        names("ListObjectsV2"),
    ),
)
