"""Faults of keys, names and metadata."""

from __future__ import annotations

from tests.faults import injections as make
from tests.faults import provoke
from tests.faults.fault import Fault
from tests.faults.terms import BUT_ABORT, EITHER, ERROR, EXACT, INVALID, KEYS, OPTIONS, names

FAULTS: tuple[Fault, ...] = (
    Fault(
        "'.' and '..' in keys",
        provoke=provoke.bad_key(".", "..", "a/../b", "./a", "a/.."),
        traits=KEYS,
        **INVALID,
    ),
    Fault("half a surrogate pair in a key", provoke=provoke.bad_key("a\ud800b", "\udfff"), traits=KEYS, **INVALID),
    Fault("an empty key", provoke=provoke.bad_key(""), traits=KEYS, **INVALID),
    Fault("a key of more than 1,024 bytes", provoke=provoke.bad_key("é" * 513, "x" * 1_025), traits=KEYS, **INVALID),
    Fault(
        "slashes at odd places in keys",
        EXACT,
        "round trip, as they are",
        provoke.key("/a", "a//b", "a/", "//", "a///b/c"),
        traits=KEYS,
        without=names("xml"),
    ),
    Fault(
        "+ % ? # & = ; ' \" < > in keys",
        EXACT,
        "round trip, as they are",
        provoke.key("a+b c", "%41%2F", "a?b#c", "a&b=c;d", "<a>\"'*~\\", "☃/😀"),
        traits=KEYS,
    ),
    Fault(
        "control characters in keys",
        EITHER,
        "round trip, or refused",
        provoke.key("a\nb", "a\rb", "tab\t", "\x01", "a\x7fb"),
        traits=KEYS,
    ),
    Fault(
        "decomposed letters in keys",
        EXACT,
        "never normalised",
        provoke.key("e\u0301", "\u1e9b\u0323", "\u212b"),
        traits=KEYS,
    ),
    Fault(
        "a line break in a key that is refused",
        ERROR,
        "told as an escape: nothing forges a line in a log",
        lambda world, fault: (
            provoke.key("a\nINFO forged")(world, fault),
            provoke.server(make.says(403, "AccessDenied"), times=None)(world, fault),
        )[0],
        BUT_ABORT,
        KEYS,
        errors=("BucketAccessDenied",),
    ),
    Fault(
        "a bucket name that can't be",
        provoke=provoke.bucket_name("a/b", "b?x", "../x", "a b", "", "a..b"),
        **INVALID,
    ),
    Fault(
        "line breaks in metadata or headers",
        provoke=provoke.option(
            {"metadata": {"a": "b\r\nX-Evil: 1"}},
            {"cache_control": "x\ny"},
            {"content_type": "a/b\r\nX-Evil: 1"},
            {"metadata": {"a\nb": "c"}},
        ),
        traits=OPTIONS,
        **INVALID,
    ),
    Fault(
        "other than ASCII in metadata or headers",
        provoke=provoke.option({"metadata": {"a": "é"}}, {"content_disposition": "attachment; filename=é"}),
        traits=OPTIONS,
        **INVALID,
    ),
    Fault(
        "colons and spaces in names of metadata",
        provoke=provoke.option({"metadata": {"a:b": "c"}}, {"metadata": {"a b": "c"}}, {"metadata": {"": "c"}}),
        traits=OPTIONS,
        **INVALID,
    ),
    Fault(
        "names of metadata that differ in case",
        provoke=provoke.option({"metadata": {"A": "1", "a": "2"}}),
        traits=OPTIONS,
        **INVALID,
    ),
    Fault(
        "spaces at the ends of metadata",
        provoke=provoke.option({"metadata": {"a": " b"}}, {"metadata": {"a": "b\t"}}),
        traits=OPTIONS,
        **INVALID,
    ),
    Fault(
        "more than 2 KiB of metadata",
        provoke=provoke.option({"metadata": {"a": "b" * 2_048}}),
        traits=OPTIONS,
        **INVALID,
    ),
)
