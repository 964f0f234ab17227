"""Which exception an answer means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import s3_bucket as S3
from s3_bucket._async import _errors
from s3_bucket._async._errors import Refusal, Target

OBJECT = Target("GetObject", "b", "k")
BUCKET = Target("ListObjectsV2", "b")
CREATE = Target("PutObject", "b", "k", if_absent=True)

TABLE = [
    (OBJECT, 404, "NoSuchKey", S3.NoSuchKey, False),
    (OBJECT, 404, "NoSuchVersion", S3.NoSuchKey, False),
    (OBJECT, 404, "NoSuchBucket", S3.NoSuchBucket, False),
    (OBJECT, 404, "404", S3.NoSuchKey, False),
    (BUCKET, 404, "404", S3.NoSuchBucket, False),
    (OBJECT, 404, "", S3.NoSuchKey, False),
    (OBJECT, 404, "NobodyKnowsThis", S3.UnknownBucketException, False),
    (OBJECT, 405, "405", S3.NoSuchKey, False),
    (OBJECT, 403, "AccessDenied", S3.BucketAccessDenied, False),
    (OBJECT, 403, "403", S3.BucketAccessDenied, False),
    (OBJECT, 500, "AccessDenied", S3.BucketAccessDenied, False),
    (OBJECT, 403, "InvalidAccessKeyId", S3.NoCredentials, False),
    (OBJECT, 403, "SignatureDoesNotMatch", S3.NoCredentials, False),
    (OBJECT, 400, "ExpiredToken", S3.NoCredentials, False),
    (OBJECT, 403, "RequestTimeTooSkewed", S3.NoCredentials, False),
    (OBJECT, 401, "401", S3.NoCredentials, False),
    (OBJECT, 304, "304", S3.NotModified, False),
    (OBJECT, 412, "PreconditionFailed", S3.PreconditionFailed, False),
    (CREATE, 412, "PreconditionFailed", S3.KeyAlreadyExists, False),
    (CREATE, 412, "412", S3.KeyAlreadyExists, False),
    (CREATE, 409, "ConditionalRequestConflict", S3.KeyAlreadyExists, True),
    (OBJECT, 416, "InvalidRange", S3.InvalidInput, False),
    (OBJECT, 403, "InvalidObjectState", S3.ObjectArchived, False),
    (Target("RestoreObject", "b", "k"), 403, "InvalidObjectState", S3.InvalidInput, False),
    (CREATE, 400, "AccessControlListNotSupported", S3.InvalidInput, False),
    (OBJECT, 503, "SlowDown", S3.Throttled, True),
    (OBJECT, 503, "503", S3.Throttled, True),
    (OBJECT, 503, "NobodyKnowsThis", S3.UnknownBucketException, True),
    (OBJECT, 429, "429", S3.Throttled, True),
    (OBJECT, 400, "RequestTimeout", S3.BucketTimeout, True),
    (OBJECT, 408, "408", S3.BucketTimeout, True),
    (OBJECT, 400, "BadDigest", S3.IntegrityError, True),
    (OBJECT, 500, "InternalError", S3.UnknownBucketException, True),
    (OBJECT, 502, "502", S3.UnknownBucketException, True),
    (OBJECT, 501, "NotImplemented", S3.UnknownBucketException, False),
    (OBJECT, 301, "PermanentRedirect", S3.UnknownBucketException, False),
    (BUCKET, 409, "BucketAlreadyOwnedByYou", S3.BucketAlreadyExists, False),
    (BUCKET, 409, "BucketNotEmpty", S3.BucketNotEmpty, False),
    (BUCKET, None, "", S3.UnknownBucketException, False),
]


@pytest.mark.parametrize(("target", "status", "code", "kind", "retryable"), TABLE)
def test_the_table(
    target: Target, status: int | None, code: str, kind: type[S3.BucketException], *, retryable: bool
) -> None:
    """A code, or where there is none a status, means one exception, that may or may not pass."""
    error = _errors.from_refusal(target, Refusal(status, code, "S3's words", "42"))
    assert type(error) is kind
    assert error.retryable == retryable
    assert (error.bucket, error.key, error.operation) == (target.bucket, target.key, target.operation)
    assert (error.status, error.error_code, error.error_message, error.request_id) == (status, code, "S3's words", "42")
    assert target.operation in str(error)


def test_what_was_corrected_is_tried_again() -> None:
    """A refusal whose cause has been put right may be tried again, and what the server asked to wait is said."""
    error = _errors.from_refusal(OBJECT, Refusal(400, "ExpiredToken", retry_after=2.5, corrected=True))
    assert (type(error), error.retryable, error.retry_after) == (S3.NoCredentials, True, 2.5)
    assert "expired" in str(error)
    assert "clock" in str(_errors.from_refusal(OBJECT, Refusal(403, "RequestTimeTooSkewed")))


@given(st.integers(100, 999), st.text(max_size=30), st.text(max_size=30))
def test_any_answer(status: int, code: str, message: str) -> None:
    """Any answer has an exception, with a sentence."""
    for target in (OBJECT, BUCKET, CREATE, Target("ListBuckets")):
        assert str(_errors.from_refusal(target, Refusal(status, code, message)))


def test_braces_in_names() -> None:
    """A key that looks like a format is shown as it is."""
    error = _errors.from_refusal(Target("GetObject", "b", "{key}{0}%s\n"), Refusal(404, "NoSuchKey"))
    assert repr("{key}{0}%s\n") in str(error)


def test_a_redirect_is_explained() -> None:
    """A redirect says that it is not followed, and what to look at."""
    assert "region" in str(_errors.from_refusal(OBJECT, Refusal(307, "TemporaryRedirect")))
    assert "redirect" not in str(_errors.from_refusal(OBJECT, Refusal(304, "304")))
    assert "redirect" not in str(_errors.from_refusal(OBJECT, Refusal(None, "x")))


def test_what_to_do() -> None:
    """What can be done about it, the sentence says: restore an archived object, leave an ACL out, bring the key."""
    assert "restore(key, days)" in str(_errors.from_refusal(OBJECT, Refusal(403, "InvalidObjectState")))
    assert "leave acl out" in str(_errors.from_refusal(CREATE, Refusal(400, "AccessControlListNotSupported")))
    head = Target("HeadObject", "b", "k")
    assert "SSE.c(key)" in str(_errors.from_refusal(head, Refusal(400, "400")))
    for target, code in ((OBJECT, "400"), (head, "InvalidRequest")):
        assert "SSE.c" not in str(_errors.from_refusal(target, Refusal(400, code)))


def test_not_s3() -> None:
    """An answer that is not S3's says what it lacks, and may pass."""
    error = _errors.not_s3(BUCKET, "it has no Name", 200)
    assert isinstance(error, S3.UnknownBucketException)
    assert (error.retryable, error.status, error.error_code) == (True, 200, "InvalidResponse")
    assert "no Name" in str(error)


def test_undelivered() -> None:
    """Keys without an outcome are found, in their order, twice if they were given twice."""
    assert _errors.undelivered(["a", "b", "c", "b"], ["a"]) == ["b", "c", "b"]
