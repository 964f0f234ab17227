"""The XML is what botocore makes, and says what botocore makes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus
from xml.sax.saxutils import escape

import botocore.loaders
import botocore.serialize
import pytest
from botocore.handlers import decode_list_object_v2, escape_xml_payload
from botocore.model import ServiceModel
from botocore.parsers import ResponseParserFactory
from hypothesis import given
from hypothesis import strategies as st

from s3_bucket import _checks
from s3_bucket._async._botocore import answers
from s3_bucket._async._botocore.wiring import document
from s3_bucket._async._errors import Target
from s3_bucket._async._wire import documents
from s3_bucket._store import ListRequest

TARGET = Target("ListObjectsV2", "b")
MODEL = ServiceModel(botocore.loaders.create_loader().load_service_model("s3", "service-2"), "s3")
SERIALIZER = botocore.serialize.create_serializer("rest-xml")
EMPTY = b'<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></Delete>'
PARSER = ResponseParserFactory().create_parser("rest-xml")

times = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(  # noqa: DTZ001  # the zone is written behind it
    lambda time: time.isoformat(timespec="milliseconds") + "Z"
)
entries = st.lists(
    st.tuples(st.text(min_size=1, max_size=20), st.integers(0, 2**63 - 1), st.uuids().map(str), times), max_size=5
)


def by_botocore(body: bytes) -> dict[str, Any]:
    """Return what botocore makes of an answer."""
    shape = MODEL.operation_model("ListObjectsV2").output_shape
    answer: dict[str, Any] = PARSER.parse({"status_code": 200, "headers": {}, "body": body}, shape)
    decode_list_object_v2(answer, {"encoding_type_auto_set": True})
    return answer


@given(entries=entries, prefixes=st.lists(st.text(min_size=1), max_size=3), coded=st.sampled_from([quote, quote_plus]))
@pytest.mark.parametrize("namespace", ["", ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'])
def test_same_as_botocore(entries: list[Any], prefixes: list[str], coded: Any, namespace: str) -> None:
    """Whatever is stored, with or without a namespace: the page is the one that botocore's answer makes."""
    contents = "".join(
        f"<Contents><Key>{escape(coded(key))}</Key><LastModified>{time}</LastModified>"
        f"<ETag>&quot;{etag}&quot;</ETag><Size>{size}</Size></Contents>"
        for key, size, etag, time in entries
    )
    common = "".join(f"<CommonPrefixes><Prefix>{coded(prefix)}</Prefix></CommonPrefixes>" for prefix in prefixes)
    body = (
        f"<ListBucketResult{namespace}><Name>b</Name><IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>"
        f"{contents}{common}</ListBucketResult>"
    ).encode()
    root = document(body)
    assert root is not None
    made = documents.listing(root) | {"ResponseMetadata": {"HTTPStatusCode": 200}}
    page = answers.page(TARGET, made, None)
    assert page == answers.page(TARGET, by_botocore(body), None)
    assert [info.key for info in page.objects] == [key for key, *_ in entries]
    assert all(info.last_modified is None or info.last_modified.tzinfo is UTC for info in page.objects)


@pytest.mark.parametrize(
    "text",
    [
        "<Name>b</Name><Name>c</Name>",
        "<IsTruncated>true</IsTruncated><IsTruncated>false</IsTruncated>",
        "<Contents><Key>a</Key><Key>b</Key></Contents>",
        "<CommonPrefixes><Prefix>a</Prefix><Prefix>a</Prefix></CommonPrefixes>",
        "<Deleted><Key>a</Key><Key>b</Key></Deleted>",
        "<Error><Key>a</Key><Code>c</Code><Code>d</Code></Error>",
    ],
)
def test_said_twice(text: str) -> None:
    """What is said twice is an error: nobody could tell which is meant, and the first of two keys would be lost."""
    root = document(f"<Result>{text}</Result>".encode())
    assert root is not None
    read = documents.deletion if "<Deleted>" in text or "<Error>" in text else documents.listing
    with pytest.raises(ValueError, match="twice"):
        read(root)


def test_unread_twice() -> None:
    """What nobody reads may be said as often as it likes: an object may have several checksums."""
    entry = "<Key>a</Key><ChecksumAlgorithm>CRC32</ChecksumAlgorithm><ChecksumAlgorithm>SHA1</ChecksumAlgorithm>"
    root = document(f"<Result><Future>1</Future><Future>2</Future><Contents>{entry}</Contents></Result>".encode())
    assert root is not None
    assert [found["Key"] for found in documents.listing(root)["Contents"]] == ["a"]


@given(
    prefix=st.text(), start_after=st.none() | st.text(), delimiter=st.none() | st.text(), token=st.none() | st.text()
)
def test_query(prefix: str, start_after: str | None, delimiter: str | None, token: str | None) -> None:
    """What was asked for is sent, coded as in a URL; what wasn't is not."""
    query = documents.listing_query(ListRequest("b", prefix, start_after, delimiter=delimiter), token, 7)
    assert dict(parse_qsl(query, keep_blank_values=True, strict_parsing=True)) == answers.given(
        {
            "list-type": "2",
            "encoding-type": "url",
            "max-keys": "7",
            "prefix": prefix,
            "start-after": start_after,
            "delimiter": delimiter,
            "continuation-token": token,
        }
    )


@given(keys=st.lists(st.text(min_size=1).filter(_checks.fits_xml), max_size=5))
def test_deletion_body(keys: list[str]) -> None:
    """A deletion names each key once, as it is, and botocore would write it so."""
    body = documents.deletion_body(keys)
    root = document(body)
    assert root is not None
    assert [element.findtext("{*}Key") for element in root] == list(dict.fromkeys(keys))
    objects = [{"Key": key} for key in dict.fromkeys(keys)]
    model = MODEL.operation_model("DeleteObjects")
    serialized = SERIALIZER.serialize_to_request({"Bucket": "b", "Delete": {"Objects": objects}}, model)
    escape_xml_payload(serialized)
    assert body == serialized["body"].replace(b'<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/" />', EMPTY)
