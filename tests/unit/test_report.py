"""What check() makes of what it has seen: findings in words, and the settings that a store needs."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

import s3_bucket as S3
from s3_bucket import _report, _vendors
from s3_bucket._config import Settings
from s3_bucket._report import Finding, Report, Seen
from s3_bucket.exceptions import (
    BucketAccessDenied,
    BucketConnectionError,
    BucketException,
    BucketTimeout,
    IntegrityError,
    KeyAlreadyExists,
    NoCredentials,
    NoSuchBucket,
    PreconditionFailed,
    UnknownBucketException,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

PLAIN = Settings()
HELD = KeyAlreadyExists("there is one")
GOOD: dict[str, BucketException | None] = {
    **dict.fromkeys(("bucket", "write", "read", "list", "put(if_match that holds)", "crc32", "md5")),
    **dict.fromkeys(_report.CONDITIONS, HELD),
    **dict.fromkeys(("multipart", "uploads", "delete", "delete_many")),
}


def report(changed: Mapping[str, BucketException | None] = {}, settings: Settings = PLAIN, **facts: Any) -> Report:
    """Return the report of a store that is as good as Amazon's but for what is given."""
    given: dict[str, Any] = {"keeps_crc32": True, **facts}
    return _report.report(Seen("bucket", settings, errors={**GOOD, **changed}, **given))


def told(made: Report, topic: str) -> list[str]:
    """Return what there is of a topic but what is as it should be."""
    return [f"{each.level} {each}" for each in made.findings if each.topic == topic and each.level != "ok"]


def test_all_is_well() -> None:
    """A store like Amazon's has nothing but good findings, and needs no setting."""
    made = report(offset=0.5)
    assert made.ok
    assert made.settings == {}
    assert {finding.level for finding in made.findings} == {"ok"}
    assert str(made).splitlines() == [
        "bucket 'bucket' works:",
        "ok      bucket: it is there",
        "ok      write: an object can be stored",
        "ok      read: it can be read back",
        "ok      list: it is in the listing",
        "ok      multipart: an upload in parts can be completed",
        "ok      delete: an object can be deleted",
        "ok      delete_many: objects can be deleted together",
        "ok      checksums: CRC32 is taken, and kept",
        (
            "ok      conditions: kept: if_absent of put, if_match of put, if_absent of uploads in parts,"
            " if_match of uploads in parts, if_match of delete"
        ),
        "ok      clock: this computer's is the server's",
    ]


ENDS = [
    (NoSuchBucket("there is no bucket"), "bucket: there is no bucket", {}),
    (NoCredentials("the server refuses them"), "credentials: the server refuses them", {}),
    (BucketConnectionError("nobody listens"), "connection: nobody listens", {}),
    (BucketTimeout("no answer"), "connection: no answer", {}),
    (
        UnknownBucketException("the bucket is in the region 'eu-west-1'", error_code="PermanentRedirect"),
        "region: the bucket is in another region (the bucket is in the region 'eu-west-1'): init(region='eu-west-1')",
        {"region": "eu-west-1"},
    ),
    (
        UnknownBucketException("somewhere", error_code="PermanentRedirect"),
        "region: the bucket is in another region (somewhere)",
        {},
    ),
]


@pytest.mark.parametrize("probe", ["open", "bucket", "write"])
@pytest.mark.parametrize(("error", "text", "settings"), ENDS, ids=[type(end[0]).__name__ for end in ENDS])
def test_the_end(probe: str, error: BucketException, text: str, settings: dict[str, Any]) -> None:
    """What makes all the rest useless is said alone."""
    made = _report.report(Seen("bucket", Settings(), errors={probe: error}))
    assert not made.ok
    assert [str(finding) for finding in made.findings] == [text]
    assert made.settings == settings
    assert str(made).startswith("bucket 'bucket' does not work as it should:\nproblem ")


def test_addressing() -> None:
    """A bucket that answers only in path style needs that setting."""
    made = _report.report(
        Seen("bucket", Settings(), errors={"bucket": BucketConnectionError("no such host")}, path_works=True)
    )
    assert made.settings == {"addressing_style": "path"}


DENIED = BucketAccessDenied("denied")
FAULTS: list[tuple[dict[str, BucketException | None], str, list[str], dict[str, Any]]] = [
    ({"write": DENIED}, "write", ["problem write: access is denied: the credentials lack s3:PutObject (denied)"], {}),
    ({"list": DENIED}, "list", ["problem list: access is denied: the credentials lack s3:ListBucket (denied)"], {}),
    (
        {"bucket": DENIED},
        "bucket",
        ["note bucket: whether it is there can't be asked; the credentials lack s3:ListBucket"],
        {},
    ),
    ({"bucket": IntegrityError("odd")}, "bucket", ["problem bucket: odd"], {}),
    ({"read": IntegrityError("not whole")}, "read", ["problem read: not whole"], {}),
    (
        {"delete_many": BucketException("no Content-Md5", error_code="MissingContentMD5")},
        "delete_many",
        ["problem delete_many: no Content-Md5: init(checksums='when_required')"],
        {"checksums": "when_required"},
    ),
    (
        {"uploads": DENIED},
        "uploads",
        ["note uploads: abort_stale_uploads() will fail (denied); the credentials lack s3:ListBucketMultipartUploads"],
        {},
    ),
    (
        {"uploads": UnknownBucketException("not implemented")},
        "uploads",
        ["note uploads: abort_stale_uploads() will fail (not implemented)"],
        {},
    ),
    (
        {"crc32": BucketException("no")},
        "checksums",
        ["note checksums: this store refuses CRC32, and takes Content-MD5: init(checksums='when_required')"],
        {"checksums": "when_required"},
    ),
    (
        {"crc32": BucketException("no"), "md5": BucketException("neither")},
        "checksums",
        ["problem checksums: this store refuses CRC32 and Content-MD5 (neither)"],
        {},
    ),
    (
        {"put(if_match that holds)": PreconditionFailed("no")},
        "conditions",
        ["note conditions: if_match fails although it holds (no)"],
        {},
    ),
    (
        {"cleanup": BucketTimeout("too late")},
        "cleanup",
        ["problem cleanup: what was written to try it could not be deleted (too late)"],
        {},
    ),
]


@pytest.mark.parametrize(("changed", "topic", "wanted", "settings"), FAULTS)
def test_faults(
    changed: dict[str, BucketException | None], topic: str, wanted: list[str], settings: dict[str, Any]
) -> None:
    """Each fault is said in words, with the setting that helps; all the rest is still told."""
    made = report(changed)
    assert told(made, topic) == wanted
    assert made.settings == settings
    assert made.ok == all(line.startswith("note") for line in wanted)
    assert len(made.findings) >= 9


def test_insisting_on_crc32() -> None:
    """To insist on a checksum that is refused is a problem."""
    made = report({"crc32": BucketException("no")}, Settings(checksums="when_supported"))
    assert not made.ok


@pytest.mark.parametrize(
    ("settings", "vendor"), [(Settings(checksums="when_required"), _vendors.UNKNOWN), (PLAIN, _vendors.B2)]
)
def test_what_is_sent_already(settings: Settings, vendor: _vendors.Vendor) -> None:
    """Where a Content-MD5 is sent anyway, no setting is needed."""
    made = report({"crc32": BucketException("no")}, settings, vendor=vendor)
    assert told(made, "checksums") == []
    assert made.settings == {}


def test_other_bytes() -> None:
    """What comes back otherwise, or is not listed, is a problem; a CRC32 that is not kept should be known."""
    assert told(report(same=False), "read") == ["problem read: what comes back is not what was stored"]
    assert told(report(listed=False), "list") == ["problem list: what was stored is not in the listing"]
    assert told(report(keeps_crc32=False), "checksums") == [
        "note checksums: CRC32 is taken, and not kept: what is read can't be compared with it"
    ]


def test_ignored_conditions() -> None:
    """A condition that was ignored, or refused, is named, with what the library does about it."""
    refusal = UnknownBucketException("no", error_code="NotImplemented")
    changed = {"parts(if_absent)": None, "put(if_match)": refusal}
    unknown = told(report(changed), "conditions")
    assert unknown == [
        "note conditions: if_match of put is refused (NotImplemented); the error comes from the server",
        (
            "note conditions: if_absent of uploads in parts is ignored; HEAD is asked first where a vendor is unknown,"
            " but who writes at the same time isn't seen"
        ),
    ]
    known = told(report(changed, vendor=_vendors.CEPH), "conditions")
    assert "if_absent of uploads in parts is ignored; InvalidInput is raised instead of sending it" in known[1]


def test_better_than_its_table() -> None:
    """A server that keeps what its vendor doesn't is told how to use it."""
    made = report(vendor=_vendors.CEPH)
    assert [line for line in told(made, "conditions") if "vendor='aws'" in line] == told(made, "conditions")
    assert len(told(made, "conditions")) == 3
    assert made.ok


def test_vendor() -> None:
    """A vendor that is known is named; one that can be told from its answers needs a setting."""
    assert "vendor: Cloudflare R2; all parts of an upload are of one size" in str(report(vendor=_vendors.R2))
    assert report(headers={"server": "MinIO"}).settings == {"vendor": "minio"}
    assert report(headers={"server": "MinIO"}, vendor=_vendors.AWS).settings == {}


@pytest.mark.parametrize(
    ("offset", "text"),
    [
        (240, "4 minutes behind the server's"),
        (-7200, "120 minutes ahead of the server's"),
        (-90, "90 seconds ahead of the server's"),
    ],
)
def test_clock(offset: float, text: str) -> None:
    """A clock that differs is told, with the side and the length."""
    assert text in told(report(offset=offset), "clock")[0]


@pytest.mark.parametrize(
    ("headers", "offset"),
    [
        ({"date": "Sun, 06 Nov 1994 08:50:37 GMT"}, 60.0),
        ({"date": "Sun, 06 Nov 1994 09:49:37 +0100"}, 720.0 - 720.0),
        ({"date": "yesterday"}, None),
        ({"date": "Sun, 06 Nov 999999 08:49:37 GMT"}, None),
        ({}, None),
    ],
)
def test_clock_offset(headers: dict[str, str], offset: float | None) -> None:
    """The server's Date says how far its clock is ahead; one that makes no sense says nothing."""
    assert _report.clock_offset(headers, datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)) == offset


def test_values() -> None:
    """Reports and findings are values: they pickle, and compare."""
    made = report({"crc32": BucketException("no")})
    assert pickle.loads(pickle.dumps(made)) == made  # noqa: S301  # our own
    assert Finding("a", "ok", "b") == S3.Finding("a", "ok", "b")
