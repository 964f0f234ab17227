"""The hot operations as HTTP: what botocore would send, and what it would make of the answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import HeadersDict
from botocore.parsers import ResponseParserFactory
from botocore.serialize import create_serializer
from hypothesis import given
from hypothesis import strategies as st

from s3_bucket._async._botocore import answers
from s3_bucket._async._sigv4 import canonical_query
from s3_bucket._async._wire import requests
from s3_bucket._encryption import SSE
from s3_bucket._store import GetRequest, PutOptions, Upload

KEY = "a key/ü+%"


@pytest.fixture(scope="module")
def model() -> Any:
    """Return botocore's model of S3."""
    return botocore.session.Session().get_service_model("s3")


def sent_by_botocore(model: Any, operation: str, parameters: dict[str, Any]) -> tuple[dict[str, str], str]:
    """Return the headers, by their names in lower case, and the query of a request as botocore serializes it."""
    serializer = create_serializer("rest-xml", include_validation=False)
    sent = serializer.serialize_to_request(parameters, model.operation_model(operation))
    query = canonical_query((name, str(value)) for name, value in sent["query_string"].items())
    return {name.lower(): value for name, value in sent["headers"].items()}, query


REQUESTS = {
    "plain": GetRequest("bucket", KEY),
    "of a range": GetRequest("bucket", KEY, range=(5, 10)),
    "from somewhere": GetRequest("bucket", KEY, range=(5, None)),
    "of the end": GetRequest("bucket", KEY, range=(-5, None)),
    "of a version": GetRequest("bucket", KEY, version_id="a+b/c=="),
    "as a type": GetRequest("bucket", KEY, response_content_type="text/plain; charset=utf-8"),
    "under conditions": GetRequest("bucket", KEY, if_match="etag", if_none_match="other"),
    "with all": GetRequest("bucket", KEY, (0, 1), "version", "etag", "other", "a/b"),
    "with a customer's key": GetRequest("bucket", KEY, customer=SSE.c(bytes(range(32))).parameters),
    "with no customer's key": GetRequest("bucket", KEY, customer={}),
}


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("operation", ["GetObject", "HeadObject", "DeleteObject"])
def test_get(model: Any, name: str, operation: str) -> None:
    """A request for an object has the headers and the query that botocore sends."""
    request = REQUESTS[name]
    parameters = answers.get_parameters(request)
    query = requests.get_query(request)
    if operation == "DeleteObject":
        query = requests.delete_query(request)
        request = request._replace(range=None, if_none_match=None, response_content_type=None, customer=None)
        parameters = answers.get_parameters(request)
    assert (requests.get_headers(request), query) == sent_by_botocore(model, operation, parameters)


OPTIONS = {
    "plain": PutOptions(),
    "with all headers": PutOptions(
        {
            "ContentType": "text/plain; charset=utf-8",
            "CacheControl": "no-store",
            "ContentDisposition": 'attachment; filename="a b"',
            "ContentEncoding": "gzip",
            "ContentLanguage": "de",
            "Expires": "Sun, 06 Nov 1994 08:49:37 GMT",
            "StorageClass": "STANDARD_IA",
            "Tagging": "a=b&c=d%20e",
            "ServerSideEncryption": "aws:kms",
            "SSEKMSKeyId": "arn:aws:kms:eu-west-1:1:key/x",
        }
    ),
    "encrypted with a context": PutOptions(SSE.kms("k", context={"a": "b"}, bucket_key=True).parameters),
    "encrypted without a bucket's key": PutOptions(SSE.kms(bucket_key=False).parameters),
    "encrypted with a customer's key": PutOptions(SSE.c(bytes(range(32))).parameters),
    "locked": PutOptions(
        {
            "ACL": "public-read",
            "ObjectLockMode": "GOVERNANCE",
            "ObjectLockRetainUntilDate": "2030-01-02T03:04:05Z",
            "ObjectLockLegalHoldStatus": "ON",
        }
    ),
    "with metadata": PutOptions(metadata={"Owner": "me  and you", "a.b_c": ""}),
    "absent": PutOptions(if_absent=True),
    "matching": PutOptions({"ContentType": "a/b"}, {"x": "y"}, if_match="etag"),
}
CHECKSUMS = ({}, {"ChecksumCRC32": "AAAAAA=="}, {"ContentMD5": "1B2M2Y8AsgTpgAmY7PhCfg=="})


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("checksum", CHECKSUMS, ids=["none", "CRC32", "MD5"])
def test_put(model: Any, name: str, checksum: dict[str, str]) -> None:
    """What goes with an object is put into the headers that botocore sends."""
    options = OPTIONS[name]
    given = {
        **answers.put_parameters(options),
        **answers.conditions(options),
        **answers.checksum_parameters(options, checksum),
    }
    headers, query = sent_by_botocore(model, "PutObject", {"Bucket": "bucket", "Key": KEY, **given})
    assert (requests.put_headers(options, checksum), "") == (headers, query)
    assert requests.is_known(options)


def test_unknown() -> None:
    """What there is no header for is known to be none."""
    assert not requests.is_known(PutOptions({"ContentType": "a/b", "GrantRead": "x"}))


@given(upload_id=st.text(st.characters(codec="utf-8"), min_size=1), number=st.integers(1, 10_000))
def test_part(model: Any, upload_id: str, number: int) -> None:
    """A part is named in the query as botocore does, whatever the upload's id looks like."""
    parameters = {**answers.upload_parameters(Upload("bucket", KEY, upload_id)), "PartNumber": number}
    assert requests.part_query(upload_id, number) == sent_by_botocore(model, "UploadPart", parameters)[1]


@pytest.mark.parametrize(
    ("query", "length", "expected"),
    [
        ("", None, b"GET /a/b%20c HTTP/1.1\r\nhost: h\r\nx: y\r\nunsigned: 1\r\n\r\n"),
        ("a=b", None, b"GET /a/b%20c?a=b HTTP/1.1\r\nhost: h\r\nx: y\r\nunsigned: 1\r\n\r\n"),
        ("", 0, b"GET /a/b%20c HTTP/1.1\r\nhost: h\r\nx: y\r\nunsigned: 1\r\ncontent-length: 0\r\n\r\n"),
        ("", 7, b"GET /a/b%20c HTTP/1.1\r\nhost: h\r\nx: y\r\nunsigned: 1\r\ncontent-length: 7\r\n\r\n"),
    ],
)
def test_head(query: str, length: int | None, expected: bytes) -> None:
    """A request's line and headers end with an empty line, and a body's length is told where there may be one."""
    headers = {"host": "h", "x": "y"}
    assert requests.head("GET", "/a/b%20c", query, headers, "unsigned: 1\r\n", length) == expected


ANSWER = {
    "etag": b'"0123"',
    "content-type": b"text/plain",
    "content-length": b"5",
    "content-range": b"bytes 0-4/10",
    "last-modified": b"Sun, 06 Nov 1994 08:49:37 GMT",
    "cache-control": b"no-store",
    "content-disposition": b"inline",
    "content-encoding": b"gzip",
    "content-language": b"de",
    "x-amz-version-id": b"v",
    "x-amz-storage-class": b"GLACIER",
    "x-amz-server-side-encryption": b"AES256",
    "x-amz-server-side-encryption-customer-algorithm": b"AES256",
    "x-amz-restore": b'ongoing-request="true"',
    "x-amz-object-lock-mode": b"COMPLIANCE",
    "x-amz-object-lock-retain-until-date": b"2030-01-02T03:04:05.000Z",
    "x-amz-object-lock-legal-hold": b"ON",
    "x-amz-checksum-crc32": b"AAAAAA==",
    "x-amz-checksum-crc32c": b"AAAAAA==",
    "x-amz-checksum-crc64nvme": b"AAAAAAAAAAA=",
    "x-amz-checksum-sha1": b"x",
    "x-amz-checksum-sha256": b"y",
    "x-amz-checksum-type": b"FULL_OBJECT",
    "x-amz-meta-owner": b"me",
    "x-amz-meta-umlaut": "ü".encode(),
    "x-amz-request-id": b"1",
}


@pytest.mark.parametrize("operation", ["GetObject", "HeadObject"])
@pytest.mark.parametrize("without", [None, *ANSWER])
def test_answer(model: Any, operation: str, without: str | None) -> None:
    """An answer's headers have botocore's names and values, whichever of them there are."""
    headers = {name: value for name, value in ANSWER.items() if name != without}
    texts = HeadersDict({name: value.decode() for name, value in headers.items()})
    parser = ResponseParserFactory().create_parser("rest-xml")
    shape = model.operation_model(operation).output_shape
    expected = parser.parse({"status_code": 206, "headers": texts, "body": b""}, shape)
    expected.pop("Body", None)
    expected.pop("ResponseMetadata")
    got = requests.answer(206, headers)
    assert got.pop("ResponseMetadata") == {"HTTPStatusCode": 206, "HTTPHeaders": headers}
    assert got == expected


def test_bypass(model: Any) -> None:
    """A deletion that bypasses a lock says so as botocore does."""
    request = GetRequest("bucket", KEY, bypass_governance=True)
    sent = sent_by_botocore(model, "DeleteObject", answers.get_parameters(request))
    assert (requests.get_headers(request), requests.delete_query(request)) == sent


@pytest.mark.parametrize("text", ["soon", ""])
def test_odd_locks(text: str) -> None:
    """A lock until a time that is none hides no object."""
    headers = {"x-amz-object-lock-mode": b"COMPLIANCE", "x-amz-object-lock-retain-until-date": text.encode()}
    assert requests.answer(200, headers)["ObjectLockRetainUntilDate"] is None


def test_answer_of_a_write(model: Any) -> None:
    """What PutObject answers is named as botocore names it."""
    headers = {name: ANSWER[name] for name in ("etag", "x-amz-version-id", "x-amz-checksum-crc32")}
    got = requests.answer(200, headers)
    assert (got["ETag"], got["VersionId"], got["ChecksumCRC32"]) == ('"0123"', "v", "AAAAAA==")
    assert "Metadata" not in got


def test_answer_in_no_encoding() -> None:
    """Bytes that are no text hide no object."""
    assert requests.answer(200, {"x-amz-meta-a": b"\xff"})["Metadata"] == {"a": "\udcff"}


@given(st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)))  # noqa: DTZ001  # the zone follows
def test_time(moment: datetime) -> None:
    """A time as RFC 9110 prefers it is that time, to the second."""
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    days, months = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], requests._MONTHS
    written = (
        f"{days[moment.weekday()]}, {moment.day:02} {months[moment.month - 1]} {moment.year:04} {moment:%H:%M:%S} GMT"
    )
    assert requests.time(written) == moment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1994-11-06T08:49:37Z", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("1994-11-06T09:49:37+01:00", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Sun, 6 Nov 1994 08:49:37 GMT", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Sun, 06 Nov 1994 25:49:37 GMT", None),
        ("Sun, 06 Foo 1994 08:49:37 GMT", None),
        ("Sun, xx Nov 1994 08:49:37 GMT", None),
        ("yesterday, so to speak... GMT", None),
        ("", None),
    ],
)
def test_odd_times(text: str, expected: datetime | None) -> None:
    """Times in other forms are read as the reference reads them; what is none is no error."""
    assert requests.time(text) == expected == answers.time(text)
