"""Faults of cancellation."""

from __future__ import annotations

from tests.faults import injections as make
from tests.faults import provoke
from tests.faults.fault import Fault
from tests.faults.terms import BODIES, BUT_ABORT, CLEAN

FAULTS: tuple[Fault, ...] = (
    Fault(
        (124,),
        "cancelled while the answer is awaited",
        CLEAN,
        "no orphan, no file, no connection stays",
        provoke.cancelled_at(make.nothing("silent")),
        BUT_ABORT,
        blocking=False,
    ),
    Fault(
        (124,),
        "cancelled in the middle of a body",
        CLEAN,
        "no orphan, no file, no connection stays",
        provoke.cancelled_at(make.cut("silent")),
        BODIES,
        blocking=False,
    ),
    Fault(
        (33, 124),
        "cancelled when all has been done",
        CLEAN,
        "no orphan, no file, no connection stays",
        provoke.cancelled_at(make.lost("silent")),
        BUT_ABORT,
        blocking=False,
    ),
    Fault(
        (125,),
        "cancelled while a retry waits",
        CLEAN,
        "no orphan, no file, no connection stays",
        provoke.cancelled_at(make.says(503, "SlowDown")),
        BUT_ABORT,
        blocking=False,
        throttles=True,
    ),
    Fault(
        (33, 124),
        "cancelled at a random instant",
        CLEAN,
        "no orphan, no file, no connection stays",
        provoke.cancelled_sometime(0.15),
        blocking=False,
        certain=False,
    ),
    Fault(
        (33,),
        "cancelled twice",
        CLEAN,
        "no orphan, no file, no connection stays",
        provoke.cancelled_twice,
        BUT_ABORT,
        blocking=False,
    ),
    Fault(
        (126,),
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
