"""Faults of hostile endpoints, and secrets."""

from __future__ import annotations

from tests.faults import injections as make
from tests.faults import provoke
from tests.faults.fault import Fault
from tests.faults.terms import BUT_ABORT, ERROR, INVALID, XML, names

FAULTS: tuple[Fault, ...] = (
    Fault(
        "redirected to another host",
        ERROR,
        "not a byte goes there",
        provoke.of_world(make.redirected, times=None),
        BUT_ABORT,
    ),
    Fault(
        "sent from region to region",
        ERROR,
        "an error after few requests",
        provoke.server(make.elsewhere, times=None),
        BUT_ABORT - names("HeadBucket"),
    ),
    Fault("XML bomb", ERROR, "an error; bounded time and memory", provoke.server(make.xml_bomb, times=None), XML),
    Fault(
        "XML of 5,000 levels",
        ERROR,
        "an error; bounded time and memory",
        provoke.server(make.deep_xml, times=None),
        XML,
        without=names("raw"),
    ),
    Fault(
        "sizes that are none in a listing",
        ERROR,
        "an error",
        provoke.server(make.odd_entries, times=None),
        names("ListObjectsV2"),
    ),
    Fault(
        "the server repeats secrets in its error",
        ERROR,
        "they are not repeated",
        provoke.server(make.echo, times=None),
        BUT_ABORT,
    ),
    Fault("an endpoint that is none", provoke=provoke.setting(endpoint_url="ftp://127.0.0.1"), **INVALID),
    Fault(
        "an endpoint with a password in it",
        provoke=provoke.setting(endpoint_url="http://canary-user:canary-password@127.0.0.1"),
        **INVALID,
    ),
)
