"""What users give is refused, by the argument's name, or goes out just as it was meant."""

from __future__ import annotations

import datetime
import math
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_bucket import _checks
from s3_bucket._encryption import SSE
from s3_bucket._keeping import ObjectLock, StorageClass
from s3_bucket.exceptions import InvalidInput

HEADERS = [
    "content_type",
    "cache_control",
    "content_disposition",
    "content_encoding",
    "content_language",
    "storage_class",
    "if_match",
]
EVIL = [
    "a\r\nEvil: 1",
    "a\nb",
    "a\rb",
    "a\x00b",
    "a\x7fb",
    "ä",
    "\u2028",
    "a\tb",
    " a",
    "a ",
    "",
    "a\n",
    7,
    b"a",
    ["a"],
]


def refused(argument: str) -> Any:
    """Return a context in which the argument must be refused by its name."""
    return pytest.raises(InvalidInput, match=f"^{argument}: ")


@pytest.mark.parametrize("name", ["abc", "my.bucket", "My_Bucket", "a-1", "arn:aws:s3:eu-west-1:1:accesspoint/x"])
def test_bucket_names(name: str) -> None:
    """Names that some vendor takes are taken."""
    assert _checks.bucket_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "a", "a/b", "a?b", "a..b", "../x", "-ab", "a" * 256, "ä" * 5, "ab\n", None, 7, b"ab"]
)
def test_no_bucket_names(name: Any) -> None:
    """What would go astray in a URL is refused."""
    with refused("bucket_name") as caught:
        _checks.bucket_name(name)
    assert caught.value.argument == "bucket_name"


@pytest.mark.parametrize(
    "key",
    [
        "a",
        "/",
        "//",
        "/a",
        "a/",
        "a//b",
        ".a",
        "a.",
        "...",
        "a/.../b",
        "ä" * 512,
        "a b+%?#&=;:@'\"<>*~\\",
        "\x01",
        "😀",
    ],
)
def test_keys(key: str) -> None:
    """Keys are opaque: they come out as they went in."""
    assert _checks.key(key) == key


@pytest.mark.parametrize(
    "key", ["", ".", "..", "a/./b", "../a", "a/..", "/..", "a" * 1_025, "ä" * 513, "\ud800", None, 7, b"a", ["a"]]
)
def test_no_keys(key: Any) -> None:
    """What S3 can't hold, or a proxy would resolve, is refused."""
    with refused("key"):
        _checks.key(key)


@given(st.text(max_size=1_100))
def test_any_key(key: str) -> None:
    """A key is refused, or is what it was and has 1 to 1,024 bytes of UTF-8 and no dot segments."""
    try:
        assert _checks.key(key) == key
    except InvalidInput:
        return
    assert 1 <= len(key.encode()) <= 1_024
    assert not {".", ".."} & set(key.split("/"))


@pytest.mark.parametrize("value", EVIL)
@pytest.mark.parametrize("argument", HEADERS)
def test_no_header_can_be_injected(argument: str, value: Any) -> None:
    """Nothing that could end a header, or that a header can't hold, gets into one."""
    with refused(argument):
        _checks.put_options("key", **{argument: value})


@given(st.text(max_size=50), st.sampled_from(HEADERS))
def test_any_header(text: str, argument: str) -> None:
    """Whatever is given, what goes out is visible ASCII."""
    try:
        options = _checks.put_options("key", **{argument: text})  # type: ignore[arg-type]
    except InvalidInput:
        return
    sent = "".join([*options.headers.values(), options.if_match or ""])
    assert sent.isascii()
    assert sent.isprintable()


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=4))
def test_any_metadata(metadata: dict[str, str]) -> None:
    """Metadata is refused, or goes out as it is and can be read back from headers."""
    try:
        options = _checks.put_options("key", metadata=metadata)
    except InvalidInput:
        return
    assert options.metadata == metadata
    for name, value in metadata.items():
        assert name.isascii()
        assert not set(name) & set(' :\r\n\t"(),/;<=>?@[\\]{}')
        assert (value.isascii() and value.isprintable() and value == value.strip()) or not value
    assert len({name.lower() for name in metadata}) == len(metadata)


@pytest.mark.parametrize(
    "metadata",
    [
        {"a:b": "v"},
        {"": "v"},
        {"ä": "v"},
        {"a b": "v"},
        {"a": "ä"},
        {"a": "b\r\nc: d"},
        {"a": " b"},
        {"a": "x", "A": "y"},
        {"a": 1},
        {1: "a"},
        {"a": "b" * 2_048},
        {"S3-Bucket-Token": "a"},
        ["a"],
        "ab",
    ],
)
def test_no_metadata(metadata: Any) -> None:
    """Metadata that would come back otherwise, or not at all, is refused."""
    with refused("metadata"):
        _checks.put_options("key", metadata=metadata)


def test_metadata() -> None:
    """2 KiB of metadata, empty values included, are taken."""
    metadata = {"a": "b" * 2_045, "c": "", "d": ""}
    assert _checks.put_options("key", metadata=metadata).metadata == metadata


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=9),
        st.text(st.characters(codec="utf-8"), max_size=9),
        max_size=10,
    )
)
def test_any_tags(tags: dict[str, str]) -> None:
    """Tags come out of the header as they went in."""
    header = _checks.put_options("key", tags=tags).headers.get("Tagging", "")
    assert header.isascii()
    assert dict(parse_qsl(header, keep_blank_values=True, strict_parsing=bool(header))) == tags


@pytest.mark.parametrize(
    "tags",
    [{str(n): "" for n in range(11)}, {"": "a"}, {"a" * 129: ""}, {"a": "b" * 257}, {"a": 1}, {"\ud800": ""}, ["a"]],
)
def test_no_tags(tags: Any) -> None:
    """More, or longer, tags than S3 takes are refused."""
    with refused("tags"):
        _checks.put_options("key", tags=tags)


@pytest.mark.parametrize(
    ("given_etag", "bare"), [("abc", "abc"), ('"abc"', "abc"), ('W/"abc"', "abc"), ("abc-3", "abc-3")]
)
def test_etags(given_etag: str, bare: str) -> None:
    """An etag is the same with or without its quotes."""
    assert _checks.etag("if_match", given_etag) == bare


@pytest.mark.parametrize("given_etag", ['""', 'W/""', '"', "", "a\nb", 3])
def test_no_etags(given_etag: Any) -> None:
    """What is no etag is refused: sent as an empty condition it would hold for nothing, or everything."""
    with refused("if_none_match"):
        _checks.get_request("b", "k", if_none_match=given_etag)


@pytest.mark.parametrize("byte_range", [(0, 1), (5, 9), (0, None), (7, None), (-1, None)])
def test_byte_ranges(byte_range: tuple[int, int | None]) -> None:
    """Ranges that hold a byte are taken."""
    assert _checks.get_request("b", "k", byte_range).range == byte_range


@pytest.mark.parametrize(
    "byte_range",
    [
        (0, 0),
        (5, 4),
        (-5, 3),
        (-5, -3),
        (None, 5),
        (None, None),
        (0,),
        (0, 1, 2),
        [0, 1],
        "01",
        5,
        (0.0, 1),
        ("0", 1),
        (True, 5),
        (0, True),
    ],
)
def test_no_byte_ranges(byte_range: Any) -> None:
    """Ranges that hold nothing, or are none, are refused."""
    with refused("range"):
        _checks.get_request("b", "k", byte_range)


@pytest.mark.parametrize("argument", ["version_id", "response_content_type"])
def test_arguments_of_get(argument: str) -> None:
    """get()'s other texts are checked as headers are."""
    with refused(argument):
        _checks.get_request("b", "k", **{argument: "a\r\nb"})


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (1, 1.0),
        (0.5, 0.5),
        (datetime.timedelta(minutes=2), 120.0),
        (datetime.timedelta.max, datetime.timedelta.max.total_seconds()),
    ],
)
def test_seconds(given: datetime.timedelta | float, seconds: float) -> None:
    """A length of time is a timedelta or a number of seconds."""
    assert _checks.seconds("older_than", given) == seconds


@pytest.mark.parametrize(
    "given", [0, -1, datetime.timedelta(0), datetime.timedelta(-1), True, "5", None, 1e300, float("nan"), float("inf")]
)
def test_no_seconds(given: Any) -> None:
    """What is no length of time, or none at all, is refused: nothing may be swept by mistake."""
    with refused("older_than"):
        _checks.seconds("older_than", given)


def test_list_requests() -> None:
    """What to list is taken as it is."""
    request = _checks.list_request("b", "ä/", "ä/b", 0)
    assert (request.bucket, request.prefix, request.start_after, request.limit) == ("b", "ä/", "ä/b", 0)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("prefix", None),
        ("prefix", "\ud800"),
        ("prefix", 1),
        ("start_after", 5),
        ("start_after", "\ud800"),
        ("start_after", 0),
    ]
    + [("limit", value) for value in (-1, 1.5, True, "1", math.inf)],
)
def test_no_list_requests(argument: str, value: Any) -> None:
    """What can't be listed is refused."""
    arguments = {"prefix": "", "start_after": None, "limit": None, argument: value}
    with refused(argument):
        _checks.list_request("b", **arguments)


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "1"])
def test_no_concurrency(value: Any) -> None:
    """Less than one at a time is refused."""
    with refused("concurrency"):
        _checks.concurrency(value)
    assert _checks.concurrency(None) is None
    assert _checks.concurrency(7) == 7


def test_conditions_exclude_each_other() -> None:
    """if_absent and if_match can't both hold."""
    with refused("if_absent"):
        _checks.put_options("key", if_absent=True, if_match="e")


def test_expires() -> None:
    """A time goes out in GMT, as HTTP writes it; without a time zone it is refused."""
    zone = datetime.timezone(datetime.timedelta(hours=2))
    options = _checks.put_options("key", expires=datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=zone))
    assert options.headers["Expires"] == "Wed, 02 Jan 2030 01:04:05 GMT"
    for value in (datetime.datetime(2030, 1, 1), "2030", 5):  # noqa: DTZ001  # that it has none is the point
        with refused("expires"):
            _checks.put_options("key", expires=value)  # type: ignore[arg-type]


def test_encryption() -> None:
    """Encryption is one of S3's kinds, or the ARN of a key."""
    arn = "arn:aws:kms:eu-west-1:1:key/2"
    assert _checks.put_options("k", encryption="AES256").headers == {"ServerSideEncryption": "AES256"}
    assert _checks.put_options("k", encryption=arn).headers == {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": arn}
    for value in ("aes", "arn:aws:kms:\r\n:kms:x", 5, ["AES256"]):
        with refused("encryption"):
            _checks.put_options("k", encryption=value)  # type: ignore[arg-type]


def test_encryption_by_value() -> None:
    """An SSE goes out as it is; to read, only a customer's key is of use."""
    for sse in (SSE.s3(), SSE.kms("a", bucket_key=True), SSE.c(bytes(32))):
        assert _checks.put_options("k", encryption=sse).headers == sse.parameters
    assert _checks.get_request("b", "k", encryption=SSE.c(bytes(32))).customer == SSE.c(bytes(32)).parameters
    assert _checks.get_request("b", "k").customer is None
    for value in (SSE.s3(), SSE.kms(), "AES256", bytes(32)):
        with refused("encryption"):
            _checks.get_request("b", "k", encryption=value)  # type: ignore[arg-type]


def test_storage_classes() -> None:
    """A storage class is a text, Amazon's by its name or any vendor's own."""
    for value in (StorageClass.GLACIER, "GLACIER"):
        sent = _checks.put_options("k", storage_class=value).headers["StorageClass"]
        assert (type(sent), sent) == (str, "GLACIER")
    assert _checks.put_options("k", storage_class="COLD_LINE").headers == {"StorageClass": "COLD_LINE"}


def test_access_control_lists() -> None:
    """A canned list is one of S3's."""
    assert _checks.put_options("k", acl="bucket-owner-full-control").headers == {"ACL": "bucket-owner-full-control"}
    for value in ("", "public", "log-delivery-write", "public-read\r\nx: y", 5, ["private"]):
        with refused("acl"):
            _checks.put_options("k", acl=value)  # type: ignore[arg-type]


UNTIL = datetime.datetime(2030, 1, 2, 3, 4, 5, 999_999, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))


def test_locks() -> None:
    """A lock goes out with its time in UTC, to the second."""
    lock = {"Mode": "COMPLIANCE", "RetainUntilDate": "2030-01-02T01:04:05Z"}
    assert _checks.retention(ObjectLock("COMPLIANCE", UNTIL)) == lock
    assert _checks.put_options("k", lock=ObjectLock("GOVERNANCE", UNTIL)).headers == {
        "ObjectLockMode": "GOVERNANCE",
        "ObjectLockRetainUntilDate": "2030-01-02T01:04:05Z",
    }


EAST = datetime.timezone(datetime.timedelta(hours=14))


@pytest.mark.parametrize(
    "lock",
    [
        ("COMPLIANCE", UNTIL),
        ObjectLock("governance", UNTIL),  # type: ignore[arg-type]
        ObjectLock(["GOVERNANCE"], UNTIL),  # type: ignore[arg-type]
        ObjectLock("GOVERNANCE", UNTIL.replace(tzinfo=None)),
        ObjectLock("GOVERNANCE", "2030-01-02"),  # type: ignore[arg-type]
        ObjectLock("GOVERNANCE", datetime.datetime.min.replace(tzinfo=EAST)),
    ],
)
def test_no_locks(lock: Any) -> None:
    """What is no lock, or until a time that can't be told, is refused."""
    with refused("lock"):
        _checks.put_options("k", lock=lock)


def test_legal_holds() -> None:
    """A hold is sent if there is to be one, and is true or not."""
    assert _checks.put_options("k", legal_hold=True).headers == {"ObjectLockLegalHoldStatus": "ON"}
    assert _checks.put_options("k", legal_hold=False).headers == {}
    assert (_checks.hold(legal_hold=True), _checks.hold(legal_hold=False)) == ({"Status": "ON"}, {"Status": "OFF"})
    for value in ("OFF", 1, 0, None):
        with refused("legal_hold"):
            _checks.put_options("k", legal_hold=value)  # type: ignore[arg-type]


def test_restoring() -> None:
    """A restore has a tier and, but for one storage class, a number of days."""
    assert _checks.restoring(2, "Bulk") == {"Days": 2, "GlacierJobParameters": {"Tier": "Bulk"}}
    assert _checks.restoring(None, "Standard") == {"GlacierJobParameters": {"Tier": "Standard"}}
    for days in (0, -1, 1.5, True, "2", 2**31):
        with refused("days"):
            _checks.restoring(days, "Standard")  # type: ignore[arg-type]
    for tier in ("standard", "", None, ["Bulk"]):
        with refused("tier"):
            _checks.restoring(2, tier)  # type: ignore[arg-type]


def test_bypass() -> None:
    """A deletion bypasses a lock only if it is told to."""
    assert not _checks.get_request("b", "k").bypass_governance
    assert _checks.get_request("b", "k", bypass_governance=True).bypass_governance


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("a.txt", "text/plain"),
        ("a/b.JSON", "application/json"),
        ("a.tar.gz", "application/gzip"),
        ("a.bz2", "application/x-bzip2"),
        ("a.xz", "application/x-xz"),
        ("a.html/b", None),
        ("data:text/html,x", None),
        ("http://x/a.png", "image/png"),
    ],
)
def test_guessed_types(key: str, kind: str | None) -> None:
    """The media type is guessed from the ending of the key's last part, of compressed files as what they are."""
    assert _checks.guessed_type(key) == kind
    assert _checks.put_options(key).headers.get("ContentType") == kind
    assert _checks.put_options(key, content_type="a/b").headers["ContentType"] == "a/b"
