"""Faults of the connection."""

from __future__ import annotations

from tests.faults import provoke
from tests.faults.fault import Fault
from tests.faults.terms import (
    ALL,
    BUT_ABORT,
    COMPLETE,
    EITHER,
    ERROR,
    EXACT,
    GET,
    SENDING,
    STALLS,
    TRIED_AGAIN,
    WHOLE,
    names,
)

FAULTS: tuple[Fault, ...] = (
    Fault(
        (53,),
        "no such host",
        ERROR,
        "BucketConnectionError",
        provoke.endpoint("nowhere"),
        errors=("BucketConnectionError",),
        most=0,
    ),
    Fault((55,), "IPv6 literal", EXACT, "the exact result", provoke.endpoint("ipv6")),
    Fault(
        (56,),
        "connection refused",
        ERROR,
        "BucketConnectionError",
        provoke.endpoint("refused"),
        errors=("BucketConnectionError",),
        most=0,
    ),
    Fault((56,), "connection never accepted", ERROR, STALLS, provoke.endpoint("full"), most=0),
    Fault((57,), "connection closed after each answer", EXACT, "the exact result", provoke.closing, certain=False),
    Fault(
        (58,),
        "a certificate that nobody trusts",
        ERROR,
        "BucketConnectionError, after one attempt",
        provoke.endpoint("tls"),
        errors=("BucketConnectionError",),
        most=0,
    ),
    Fault((60,), "answers 0.3 s late", EXACT, "the exact result", provoke.wire("down", "delay", once=False), ALL),
    Fault(
        (1, 60),
        "proxy: FIN in an answer",
        EXACT,
        TRIED_AGAIN,
        provoke.wire("down", "fin", in_body=None),
        BUT_ABORT - COMPLETE,
    ),
    Fault(
        (2,),
        "proxy: RST in an answer",
        EXACT,
        TRIED_AGAIN,
        provoke.wire("down", "rst", in_body=None),
        BUT_ABORT - COMPLETE,
    ),
    Fault((22,), "proxy: FIN in a request", EXACT, TRIED_AGAIN, provoke.wire("up", "fin", in_body=None), BUT_ABORT),
    Fault((22,), "proxy: RST in a request", EXACT, TRIED_AGAIN, provoke.wire("up", "rst", in_body=None), BUT_ABORT),
    Fault(
        (3, 63),
        "proxy: an answer stalls, once",
        EXACT,
        TRIED_AGAIN,
        provoke.wire("down", "stall", in_body=None),
        BUT_ABORT - COMPLETE,
    ),
    Fault(
        (23, 63),
        "proxy: requests stall, ever",
        ERROR,
        STALLS,
        provoke.wire("up", "stall", once=False, in_body=None),
        BUT_ABORT,
    ),
    Fault(
        (47,), "proxy: one bit of a sent body flipped, once", EXACT, TRIED_AGAIN, provoke.wire("up", "flip"), SENDING
    ),
    Fault(
        (47, 50),
        "proxy: one bit of every sent body flipped",
        ERROR,
        "IntegrityError; nothing is stored",
        provoke.wire("up", "flip", once=False),
        SENDING,
        errors=("IntegrityError",),
    ),
    Fault(
        (27, 45),
        "proxy: the answer to a write dropped",
        EXACT,
        "success: the object is there",
        provoke.wire("down", "drop"),
        names("PutObject CompleteMultipartUpload"),
    ),
    Fault(
        (7,),
        "proxy: bytes repeated at the end of an answer",
        EITHER,
        WHOLE,
        provoke.wire("down", "duplicate"),
        GET,
        certain=False,
    ),
    Fault(
        (1, 2, 3, 22, 60), "proxy: anything, to 30 % of the exchanges", EITHER, WHOLE, provoke.chaos, ALL, certain=False
    ),
)
