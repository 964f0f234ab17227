"""Faults of cancellation."""

from __future__ import annotations

from tests.faults import injections as make
from tests.faults import provoke
from tests.faults.fault import Fault
from tests.faults.terms import BODIES, BUT_ABORT, CLEAN

FAULTS: tuple[Fault, ...] = (
    Fault(
        "cancelled while the answer is awaited",
        CLEAN,
        "no orphan, no file, no connection stays",
        provoke.cancelled_at(make.nothing("silent")),
        BUT_ABORT,
        blocking=False,
    ),
    Fault(
        "cancelled in the middle of a body",
        CLEAN,
        "no orphan, no file, no connection stays",
        provoke.cancelled_at(make.cut("silent")),
        BODIES,
        blocking=False,
    ),
    Fault(
        "cancelled when all has been done",
        CLEAN,
        "no orphan, no file, no connection stays",
        provoke.cancelled_at(make.lost("silent")),
        BUT_ABORT,
        blocking=False,
    ),
    Fault(
        "cancelled while a retry waits",
        CLEAN,
        "no orphan, no file, no connection stays",
        provoke.cancelled_at(make.says(503, "SlowDown")),
        BUT_ABORT,
        blocking=False,
        throttles=True,
    ),
    Fault(
        "cancelled at a random instant",
        CLEAN,
        "no orphan, no file, no connection stays",
        provoke.cancelled_sometime(0.15),
        blocking=False,
        certain=False,
    ),
    Fault(
        "cancelled twice",
        CLEAN,
        "no orphan, no file, no connection stays",
        provoke.cancelled_twice,
        BUT_ABORT,
        blocking=False,
    ),
    Fault(
        "asyncio.timeout() around the call",
        CLEAN,
        "TimeoutError, and no orphan",
        provoke.timed_out,
        BUT_ABORT,
        blocking=False,
        certain=False,
        also=("BucketTimeout",),
    ),
)
