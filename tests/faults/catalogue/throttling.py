"""Faults of throttling, credentials and time."""

from __future__ import annotations

from tests.faults import injections as make
from tests.faults import provoke
from tests.faults.fault import Fault
from tests.faults.terms import BUT_ABORT, ERROR, EXACT, RETRYABLE, TRIED_AGAIN

FAULTS: tuple[Fault, ...] = (
    Fault(
        "503 SlowDown at 30 % of the requests",
        EXACT,
        TRIED_AGAIN,
        provoke.throttled,
        certain=False,
        throttles=True,
    ),
    Fault(
        "503 SlowDown, twice",
        EXACT,
        TRIED_AGAIN,
        provoke.server(make.says(503, "SlowDown"), times=2, second=False),
        BUT_ABORT,
        throttles=True,
    ),
    Fault(
        "503 SlowDown, ever",
        ERROR,
        "Throttled, after a bounded number of requests",
        provoke.server(make.says(503, "SlowDown"), times=None),
        BUT_ABORT,
        errors=("Throttled",),
        throttles=True,
    ),
    Fault(
        "429, 408, 500, 502, 503 or 504, once",
        EXACT,
        TRIED_AGAIN,
        provoke.server(make.says_one_of(*RETRYABLE)),
        BUT_ABORT,
        throttles=True,
    ),
    Fault(
        "500 InternalError, ever",
        ERROR,
        "a named error",
        provoke.server(make.says(500, "InternalError"), times=None),
        BUT_ABORT,
    ),
    Fault(
        "503 with Retry-After: 1, once",
        EXACT,
        "tried again, not before",
        provoke.server(make.says(503, "SlowDown", Retry_After="1"), second=False),
        BUT_ABORT,
        throttles=True,
        pause=1.0,
    ),
    Fault(
        "the server's clock is 20 minutes ahead",
        EXACT,
        "learnt from its answer, and signed anew",
        provoke.skewed,
        BUT_ABORT,
        certain=False,
    ),
    Fault(
        "the token has expired",
        ERROR,
        "NoCredentials",
        provoke.server(make.says(400, "ExpiredToken"), times=None),
        BUT_ABORT,
        errors=("NoCredentials", "UnknownBucketException"),
    ),
    Fault(
        "no credentials",
        ERROR,
        "NoCredentials, before anything is sent",
        provoke.setting(aws_access_key_id=None, aws_secret_access_key=None, aws_session_token=None),
        errors=("NoCredentials",),
        most=0,
    ),
    Fault(
        "403 AccessDenied",
        ERROR,
        "BucketAccessDenied: never 'it is not there'",
        provoke.server(make.says(403, "AccessDenied"), times=None),
        BUT_ABORT,
        errors=("BucketAccessDenied",),
    ),
)
