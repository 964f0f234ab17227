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
        "no such host",
        ERROR,
        "BucketConnectionError",
        provoke.endpoint("nowhere"),
        errors=("BucketConnectionError",),
        most=0,
    ),
    Fault("IPv6 literal", EXACT, "the exact result", provoke.endpoint("ipv6")),
    Fault(
        "connection refused",
        ERROR,
        "BucketConnectionError",
        provoke.endpoint("refused"),
        errors=("BucketConnectionError",),
        most=0,
    ),
    Fault("connection never accepted", ERROR, STALLS, provoke.endpoint("full"), most=0),
    Fault("connection closed after each answer", EXACT, "the exact result", provoke.closing, certain=False),
    Fault(
        "a certificate that nobody trusts",
        ERROR,
        "BucketConnectionError, after one attempt",
        provoke.endpoint("tls"),
        errors=("BucketConnectionError",),
        most=0,
    ),
    Fault("answers 0.3 s late", EXACT, "the exact result", provoke.wire("down", "delay", once=False), ALL),
    Fault(
        "proxy: FIN in an answer",
        EXACT,
        TRIED_AGAIN,
        provoke.wire("down", "fin", in_body=None),
        BUT_ABORT - COMPLETE,
    ),
    Fault(
        "proxy: RST in an answer",
        EXACT,
        TRIED_AGAIN,
        provoke.wire("down", "rst", in_body=None),
        BUT_ABORT - COMPLETE,
    ),
    Fault("proxy: FIN in a request", EXACT, TRIED_AGAIN, provoke.wire("up", "fin", in_body=None), BUT_ABORT),
    Fault("proxy: RST in a request", EXACT, TRIED_AGAIN, provoke.wire("up", "rst", in_body=None), BUT_ABORT),
    Fault(
        "proxy: an answer stalls, once",
        EXACT,
        TRIED_AGAIN,
        provoke.wire("down", "stall", in_body=None),
        BUT_ABORT - COMPLETE,
    ),
    Fault(
        "proxy: requests stall, ever",
        ERROR,
        STALLS,
        provoke.wire("up", "stall", once=False, in_body=None),
        BUT_ABORT,
    ),
    Fault("proxy: one bit of a sent body flipped, once", EXACT, TRIED_AGAIN, provoke.wire("up", "flip"), SENDING),
    Fault(
        "proxy: one bit of every sent body flipped",
        ERROR,
        "IntegrityError; nothing is stored",
        provoke.wire("up", "flip", once=False),
        SENDING,
        errors=("IntegrityError",),
    ),
    Fault(
        "proxy: the answer to a write dropped",
        EXACT,
        "success: the object is there",
        provoke.wire("down", "drop"),
        names("PutObject CompleteMultipartUpload CopyObject"),
    ),
    Fault(
        "proxy: bytes repeated at the end of an answer",
        EITHER,
        WHOLE,
        provoke.wire("down", "duplicate"),
        GET,
        certain=False,
    ),
    Fault("proxy: anything, to 30 % of the exchanges", EITHER, WHOLE, provoke.chaos, ALL, certain=False),
)
