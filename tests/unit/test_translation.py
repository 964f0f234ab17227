"""What botocore, aiohttp and asyncio raise becomes one of this library's exceptions, raised from it."""

from __future__ import annotations

import aiohttp
import pytest
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

import s3_bucket as S3
from s3_bucket._async._botocore.errors import LONGEST_MESSAGE, translated
from s3_bucket._async._errors import Target

TARGET = Target("GetObject", "b", "k")

TABLE: list[tuple[Exception, type[S3.BucketException], bool]] = [
    (boto.NoCredentialsError(), S3.NoCredentials, False),
    (boto.ProfileNotFound(profile="p"), S3.NoCredentials, False),
    (boto.ConnectTimeoutError(endpoint_url="http://h"), S3.BucketTimeout, True),
    (boto.ReadTimeoutError(endpoint_url="http://h"), S3.BucketTimeout, True),
    (TimeoutError(), S3.BucketTimeout, True),
    (boto.IncompleteReadError(actual_bytes=1, expected_bytes=2), S3.IntegrityError, True),
    (ResponseParserError("no XML"), S3.UnknownBucketException, True),
    (boto.EndpointConnectionError(endpoint_url="http://h", error="refused"), S3.BucketConnectionError, True),
    (boto.HTTPClientError(error="x"), S3.BucketConnectionError, True),
    (aiohttp.ClientPayloadError("cut"), S3.BucketConnectionError, True),
    (aiohttp.ServerDisconnectedError(), S3.BucketConnectionError, True),
    (ConnectionResetError(104, "reset"), S3.BucketConnectionError, True),
    (boto.ParamValidationError(report="wrong"), S3.InvalidInput, False),
]


@pytest.mark.parametrize(("error", "kind", "retryable"), TABLE)
def test_translated(error: Exception, kind: type[S3.BucketException], *, retryable: bool) -> None:
    """Each failure has its exception, which says what was being done."""
    with pytest.raises(kind) as caught, translated(TARGET):
        raise error
    assert type(caught.value) is kind
    assert caught.value.__cause__ is error
    assert caught.value.retryable == retryable
    assert (caught.value.operation, caught.value.bucket, caught.value.key) == ("GetObject", "b", "k")


def test_ours_stay() -> None:
    """This library's own exceptions pass, and learn what was being done if they don't know."""
    for error, operation in (
        (S3.IntegrityError("x"), "GetObject"),
        (S3.IntegrityError("x", operation="HeadObject"), "HeadObject"),
    ):
        with pytest.raises(S3.IntegrityError) as caught, translated(TARGET):
            raise error
        assert caught.value is error
        assert error.operation == operation


def test_answers_are_not_repeated_whole() -> None:
    """Of an answer, the code and a limited message are taken, and nothing else that it says."""
    said = {"Code": "AccessDenied", "Message": "m" * 10_000, "StringToSign": "private", "AWSAccessKeyId": "private"}
    with pytest.raises(S3.BucketAccessDenied) as caught, translated(TARGET):
        raise boto.ClientError({"Error": said, "ResponseMetadata": {"HTTPStatusCode": 403}}, "GetObject")
    assert len(caught.value.error_message or "") == LONGEST_MESSAGE
    assert "private" not in f"{caught.value!r}{caught.value.__dict__}"
