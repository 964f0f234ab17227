"""What botocore, aiohttp and asyncio raise becomes one of this library's exceptions, raised from it."""

from __future__ import annotations

import datetime
import errno
from email.utils import format_datetime

import aiohttp
import pytest
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

import s3_bucket as S3
from s3_bucket._async._botocore.errors import LONGEST_MESSAGE, LONGEST_PAUSE, pause, translated
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
    (TypeError("no text"), S3.UnknownBucketException, True),
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


NOON = "Mon, 01 Jan 2035 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": " 0 "}, 0.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, LONGEST_PAUSE),
        ({"retry-after": "1e400"}, LONGEST_PAUSE),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Mon, 01 Jan 2035 12:00:07 GMT", "date": NOON}, 7.0),
        ({"retry-after": "Mon, 01 Jan 2035 11:00:00 GMT", "date": NOON}, None),
        ({"retry-after": "Mon, 01 Jan 2035 12:00:07 GMT", "date": "never"}, None),
        ({"retry-after": "Mon, 01 Jan 99999 12:00:07 GMT"}, None),
        ({"x-amz-retry-after": "1500"}, 1.5),
        ({"x-amz-retry-after": "many"}, None),
        ({"retry-after": "2", "x-amz-retry-after": "1500"}, 2.0),
        ({"retry-after": "soon", "x-amz-retry-after": "1500"}, 1.5),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    """What the server asks to wait is in seconds, or a time, or milliseconds in Amazon's own header, or no sense."""
    assert pause(headers) == seconds


def test_how_long_to_wait_without_a_date() -> None:
    """A time, from a server that doesn't tell its own, is compared with this computer's."""
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=100)
    assert 90 < (pause({"retry-after": format_datetime(later, usegmt=True)}) or 0) <= 100


def test_this_computer_has_no_more() -> None:
    """Where it is this computer that ran out of something, the error's errno says what."""
    for number, said in ((errno.EMFILE, errno.EMFILE), (errno.ECONNREFUSED, None)):
        error = boto.EndpointConnectionError(endpoint_url="http://h", error="no more")
        error.__context__ = OSError(number, "no more")
        with pytest.raises(S3.BucketConnectionError) as caught, translated(TARGET):
            raise error
        assert caught.value.errno == said
        assert caught.value.retryable


def test_what_can_not_be_parsed_is_not_repeated() -> None:
    """The whole answer, which botocore repeats in its exception, is neither in ours nor in its cause."""
    for error in (ResponseParserError("<R>private"), ValueError("invalid literal: private")):
        with pytest.raises(S3.UnknownBucketException) as caught, translated(TARGET):
            raise error
        assert "private" not in f"{caught.value}{caught.value.__cause__!r}"
