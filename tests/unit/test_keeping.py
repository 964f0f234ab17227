"""What an answer says of an object that is archived, locked or under a customer's key."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import s3_bucket as S3
from s3_bucket._async._botocore import answers, keeping
from s3_bucket._async._errors import Target
from s3_bucket._store import GetRequest, PutOptions, Upload, Written

TIME = datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
TARGET = Target("HeadObject", "b", "k")
META: dict[str, Any] = {"ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": {}}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('ongoing-request="true"', S3.RestoreStatus(in_progress=True)),
        ('ongoing-request="false"', S3.RestoreStatus(in_progress=False)),
        (
            'ongoing-request="false", expiry-date="Wed, 02 Jan 2030 03:04:05 GMT"',
            S3.RestoreStatus(in_progress=False, expires=TIME),
        ),
        ('ongoing-request="false", expiry-date="soon"', S3.RestoreStatus(in_progress=False)),
        ('ongoing-request="false", expiry-date="Wed, 02 Jan 2030 03:04:05 -0000"', S3.RestoreStatus(in_progress=False)),
        ('ongoing-request="perhaps"', None),
        ("", None),
    ],
)
def test_restore_status(text: str, expected: S3.RestoreStatus | None) -> None:
    """How far a restore is, and until when its copy is there, is read from the header; a date that is none is none."""
    assert keeping.restore_status(text) == expected


@given(st.text())
def test_any_restore_status(text: str) -> None:
    """No header of a server makes an object unreadable."""
    status = keeping.restore_status(f'ongoing-request="false", expiry-date="{text}"')
    assert status is not None
    assert status.expires is None or status.expires.tzinfo is not None
    keeping.restore_status(text)


@pytest.mark.parametrize(
    ("answer", "fields"),
    [
        ({}, {}),
        ({"ArchiveStatus": "ARCHIVE_ACCESS"}, {"archive_status": "ARCHIVE_ACCESS"}),
        ({"ArchiveStatus": ""}, {}),
        ({"ObjectLockLegalHoldStatus": "ON"}, {"legal_hold": True}),
        ({"ObjectLockLegalHoldStatus": "OFF"}, {"legal_hold": False}),
        (
            {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": TIME},
            {"lock": S3.ObjectLock("COMPLIANCE", TIME)},
        ),
        ({"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": None}, {}),
        ({"ObjectLockMode": "COMPLIANCE"}, {}),
        ({"Restore": 'ongoing-request="true"'}, {"restore": S3.RestoreStatus(in_progress=True)}),
        ({"SSECustomerAlgorithm": "AES256"}, {"encryption": "SSE-C"}),
    ],
)
def test_kept(answer: dict[str, Any], fields: dict[str, Any]) -> None:
    """What few objects have stands in their ObjectInfo; what isn't said is None."""
    info = answers.info("k", {"ETag": '"e"', **answer}, 7)
    names = ("archive_status", "legal_hold", "lock", "restore", "encryption")
    assert {name: getattr(info, name) for name in names} == dict.fromkeys(names) | fields
    assert keeping.kept(answer) == fields


def test_written_with_a_key() -> None:
    """What was stored under a customer's key says so, if the server has."""
    said = {"ETag": '"e"', **META}
    assert answers.written(TARGET, {**said, "SSECustomerAlgorithm": "AES256"}).encryption == "SSE-C"
    assert answers.written(TARGET, {**said, "ServerSideEncryption": "aws:kms"}).encryption == "aws:kms"
    assert answers.written(TARGET, said).encryption is None


def test_uploads_remember_their_key() -> None:
    """The key of a multipart upload goes with its parts and its completion, not with its end."""
    customer = S3.SSE.c(bytes(32)).parameters
    upload = answers.begun(TARGET, {"UploadId": "u", "SSECustomerAlgorithm": "AES256", **META}, PutOptions(customer))
    assert upload == Upload("b", "k", "u", None, "SSE-C", customer)
    named = {"Bucket": "b", "Key": "k", "UploadId": "u"}
    assert answers.upload_parameters(upload) == named
    assert answers.part_parameters(upload, 7) == {**named, **customer, "PartNumber": 7}
    assert answers.complete_parameters(upload, []) == {**named, **customer, "MultipartUpload": {"Parts": []}}


@pytest.mark.parametrize(
    ("begun", "completed", "expected"),
    [(None, None, None), ("SSE-C", None, "SSE-C"), ("AES256", "aws:kms", "aws:kms"), (None, "AES256", "AES256")],
)
def test_completed(begun: str | None, completed: str | None, expected: str | None) -> None:
    """How an object of parts is encrypted, the last answer says or, of a customer's key, the first."""
    said = {"ETag": '"e"', **META} | ({} if completed is None else {"ServerSideEncryption": completed})
    written = answers.completed(TARGET, said, Upload("b", "k", "u", encryption=begun))
    assert written == Written("e", encryption=expected)


@pytest.mark.parametrize("name", ["ObjectLockMode", "ObjectLockLegalHoldStatus"])
def test_checksums_of_what_is_locked(name: str) -> None:
    """What is locked is sent with the name of its checksum's algorithm, if it has one."""
    locked, checksum = PutOptions({name: "ON"}), {"ChecksumCRC32": "AAAAAA=="}
    assert answers.checksum_parameters(locked, checksum) == {**checksum, "ChecksumAlgorithm": "CRC32"}
    assert answers.checksum_parameters(PutOptions({"ContentType": "a/b"}), checksum) == checksum
    assert answers.checksum_parameters(locked, {"ContentMD5": "x"}) == {"ContentMD5": "x"}
    assert answers.checksum_parameters(locked, {}) == {}


def test_bucket_keys() -> None:
    """Whether there is a bucket key is a bool for botocore."""
    for text, value in (("true", True), ("false", False)):
        assert answers.put_parameters(PutOptions({"BucketKeyEnabled": text}))["BucketKeyEnabled"] is value


def test_requests_with_a_key() -> None:
    """What is asked for with a key is asked for with the parameters that carry it; what bypasses a lock says so."""
    customer = S3.SSE.c(bytes(32)).parameters
    named = {"Bucket": "b", "Key": "k"}
    for options, more in (({"customer": customer}, customer), ({"customer": {}}, {}), ({}, {})):
        assert answers.get_parameters(GetRequest("b", "k", **options)) == {**named, **more}
    assert answers.get_parameters(GetRequest("b", "k", bypass_governance=True)) == {
        **named,
        "BypassGovernanceRetention": True,
    }
