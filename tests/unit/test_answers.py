"""botocore's parameters and answers, to and from the seam's types."""

from __future__ import annotations

import datetime
import zlib
from typing import Any

import pytest

from s3_bucket import _sums
from s3_bucket._async._botocore import answers
from s3_bucket._async._errors import Target
from s3_bucket._store import GetRequest, Part, PutOptions, Upload
from s3_bucket.exceptions import BucketAccessDenied, IntegrityError, UnknownBucketException

TARGET = Target("ListObjectsV2", "b")
META = {"ResponseMetadata": {"HTTPStatusCode": 200}}
ENTRY = {"Key": "k", "Size": 1, "ETag": '"e"'}


def test_get_parameters() -> None:
    """Only what was asked for is sent, etags in their quotes."""
    assert answers.get_parameters(GetRequest("b", "k")) == {"Bucket": "b", "Key": "k"}
    assert answers.get_parameters(GetRequest("b", "k", (0, 5), "v", "m", "n", "a/b")) == {
        "Bucket": "b",
        "Key": "k",
        "Range": "bytes=0-4",
        "VersionId": "v",
        "IfMatch": '"m"',
        "IfNoneMatch": '"n"',
        "ResponseContentType": "a/b",
    }


def test_put_parameters() -> None:
    """What goes with an object, its conditions, and the names of uploads and parts."""
    options = PutOptions({"ContentType": "a/b"}, {"owner": "me"}, if_absent=True)
    assert answers.put_parameters(options) == {"ContentType": "a/b", "Metadata": {"owner": "me"}}
    assert answers.conditions(options) == {"IfNoneMatch": "*"}
    assert answers.conditions(PutOptions(if_match="e"))["IfMatch"].strip('"') == "e"
    assert answers.conditions(PutOptions()) == {}
    assert answers.upload_parameters(Upload("b", "k", "u")) == {"Bucket": "b", "Key": "k", "UploadId": "u"}


BYTES = [b"first", b"", b"third"]
PARTS = [Part(number, f"e{number}", len(data), _sums.text(zlib.crc32(data))) for number, data in enumerate(BYTES, 1)]
BARE = [{"PartNumber": part.number, "ETag": part.etag} for part in PARTS]
SUMMED = [{**bare, "ChecksumCRC32": part.crc32} for bare, part in zip(BARE, PARTS, strict=True)]


@pytest.mark.parametrize("algorithm", [None, "CRC32"])
@pytest.mark.parametrize(("checksum", "named"), [(None, BARE), ("COMPOSITE", SUMMED), ("FULL_OBJECT", SUMMED)])
def test_complete_parameters(checksum: str | None, named: list[dict[str, Any]], algorithm: str | None) -> None:
    """Parts are named with the checksums that the server keeps; the whole's, if it keeps that: chosen or by default."""
    parameters = answers.complete_parameters(Upload("b", "k", "u", checksum, algorithm=algorithm), PARTS)
    assert parameters["MultipartUpload"] == {"Parts": named}
    if checksum == "FULL_OBJECT":
        assert parameters["ChecksumCRC32"] == _sums.text(zlib.crc32(b"".join(BYTES)))
        assert (parameters["ChecksumType"], parameters["MpuObjectSize"]) == ("FULL_OBJECT", 10)
    else:
        assert parameters.keys() == {"Bucket", "Key", "UploadId", "MultipartUpload"}


@pytest.mark.parametrize(("checksum", "is_named"), [(None, False), ("COMPOSITE", True), ("FULL_OBJECT", True)])
def test_complete_parameters_of_a_chosen_checksum(checksum: str | None, *, is_named: bool) -> None:
    """By an algorithm of its own, an upload's parts are named with that, if the server keeps it; the whole's isn't."""
    upload = Upload("b", "k", "u", checksum, algorithm="SHA1")
    part = Part.of(upload.algorithm, 1, "e", 5, {"ChecksumSHA1": "s"})
    assert part == Part(1, "e", 5, None, "s")
    parameters = answers.complete_parameters(upload, [part])
    named = {"PartNumber": 1, "ETag": "e", **({"ChecksumSHA1": "s"} if is_named else {})}
    assert parameters == {**answers.upload_parameters(upload), "MultipartUpload": {"Parts": [named]}}


@pytest.mark.parametrize("algorithm", [None, "CRC32"])
def test_a_part_without_a_checksum(algorithm: str | None) -> None:
    """If one part was sent without, because the vendor refused it, none is named."""
    parts = [*PARTS, Part(4, "e4", 1)]
    parameters = answers.complete_parameters(Upload("b", "k", "u", "FULL_OBJECT", algorithm=algorithm), parts)
    assert parameters["MultipartUpload"] == {"Parts": [*BARE, {"PartNumber": 4, "ETag": "e4"}]}
    assert "ChecksumCRC32" not in parameters


def test_info() -> None:
    """An object has what its headers say, times in UTC, and the checksums by their names."""
    time = datetime.datetime(2030, 1, 1, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
    answer = {
        "ETag": '"e"',
        "LastModified": time,
        "Metadata": {"a": "b"},
        "ChecksumCRC32": "AAAA",
        "ChecksumType": "FULL_OBJECT",
        "ContentType": "a/b",
        "ExpiresString": "never",
        "ServerSideEncryption": "AES256",
    }
    info = answers.info("k", answer, 7)
    assert (info.key, info.size, info.etag, info.metadata, info.checksums) == (
        "k",
        7,
        "e",
        {"a": "b"},
        {"CRC32": "AAAA"},
    )
    assert info.last_modified == time
    assert info.last_modified is not None
    assert info.last_modified.tzinfo is datetime.UTC
    assert (info.content_type, info.expires, info.encryption) == ("a/b", "never", "AES256")
    assert answers.info("k", {"ETag": "e"}, 0).last_modified is None


@pytest.mark.parametrize("etag", ['"e"', "e", 'W/"e"'])
def test_etags(etag: str) -> None:
    """An etag is the same however the server, or a proxy, has dressed it."""
    assert answers.info("k", {"ETag": etag}, 0).etag == "e"


@pytest.mark.parametrize("answer", [{}, {"ETag": ""}, {"ETag": None}])
def test_nothing_written(answer: dict[str, Any]) -> None:
    """An answer without an etag is no success."""
    with pytest.raises(UnknownBucketException, match="ETag"):
        answers.written(TARGET, {**answer, **META})
    assert answers.written(TARGET, {"ETag": '"e"', "VersionId": "v"}).version_id == "v"


def test_pages() -> None:
    """A page has its objects, and the way to the next one unless it is the last."""
    page = answers.page(TARGET, {"Name": "b", "IsTruncated": False, "NextContinuationToken": "x", **META}, None)
    assert (page.objects, page.token) == ([], None)
    truncated = {"Name": "b", "IsTruncated": True, "NextContinuationToken": "x", "Contents": [ENTRY], **META}
    page = answers.page(TARGET, truncated, None)
    assert ([info.key for info in page.objects], page.token) == (["k"], "x")
    with pytest.raises(IntegrityError):
        answers.page(TARGET, truncated, "x")


@pytest.mark.parametrize(
    "wrong",
    [{}, {"Name": "b"}, {"IsTruncated": False}, {"Name": "", "IsTruncated": False}]
    + [
        {"Name": "b", "IsTruncated": False, "Contents": [{name: ENTRY[name] for name in ENTRY if name != without}]}
        for without in ENTRY
    ],
)
def test_no_pages(wrong: dict[str, Any]) -> None:
    """An answer that is no page, or has an entry that is none, is not S3's."""
    with pytest.raises(UnknownBucketException):
        answers.page(TARGET, {**wrong, **META}, None)


def test_batches() -> None:
    """Every key has an outcome: deleted, refused, or not named at all."""
    answer = {"Deleted": [{"Key": "a"}, {}], "Errors": [{"Key": "b", "Code": "AccessDenied"}, {"Code": "x"}], **META}
    errors = answers.batch_errors("b", ["a", "b", "c"], answer)
    assert {key: type(error) for key, error in errors.items()} == {
        "b": BucketAccessDenied,
        "c": UnknownBucketException,
    }
    assert errors["b"].key == "b"
    with pytest.raises(UnknownBucketException):
        answers.batch_errors("b", ["a"], META)
    assert answers.batch_errors("b", ["a", "a"], {"Deleted": [{"Key": "a"}], **META}) == {}


DATE = {"HTTPStatusCode": 200, "HTTPHeaders": {"date": "Tue, 01 Jan 2030 00:00:00 GMT"}}
BEGUN = datetime.datetime(2029, 12, 31, tzinfo=datetime.UTC)
BEGUN_UPLOAD = {"Key": "a/b+c", "UploadId": "u", "Initiated": BEGUN}


def test_uploads_page() -> None:
    """Uploads are as the server names them, and the time is the server's."""
    answer = {"Bucket": "b", "IsTruncated": False, "Uploads": [BEGUN_UPLOAD], "ResponseMetadata": DATE}
    page = answers.uploads_page(TARGET, "", answer, None)
    assert [(upload.key, upload.upload_id, upload.initiated) for upload in page.uploads] == [("a/b+c", "u", BEGUN)]
    assert page.now == BEGUN + datetime.timedelta(days=1)
    assert page.after is None


@pytest.mark.parametrize("missing", ["Key", "UploadId", "Initiated"])
def test_uploads_that_say_too_little(missing: str) -> None:
    """An upload whose age or name is unknown is left alone; so is one of another prefix than was asked for."""
    entries = [{name: value for name, value in BEGUN_UPLOAD.items() if name != missing}, BEGUN_UPLOAD]
    answer = {"Bucket": "b", "IsTruncated": False, "Uploads": entries, "ResponseMetadata": DATE}
    assert len(answers.uploads_page(TARGET, "a", answer, None).uploads) == 1
    assert answers.uploads_page(TARGET, "b", answer, None).uploads == []


def test_more_uploads() -> None:
    """A page that is not the last says where to go on, to somewhere else than before."""
    more = {"Bucket": "b", "IsTruncated": True, "ResponseMetadata": DATE}
    marked = {**more, "NextKeyMarker": "a/b", "NextUploadIdMarker": "u"}
    assert answers.uploads_page(TARGET, "", marked, None).after == ("a/b", "u")
    for answer in (more, marked):
        with pytest.raises(IntegrityError, match="breaks off"):
            answers.uploads_page(TARGET, "", answer, ("a/b", "u"))
    with pytest.raises(UnknownBucketException):
        answers.uploads_page(TARGET, "", META, None)


@pytest.mark.parametrize("headers", [{}, {"date": "yesterday"}, {"date": "Tue, 01 Jan 2030 00:00:00 -0000"}])
def test_a_server_without_a_clock(headers: dict[str, str]) -> None:
    """Where the server doesn't say what time it is, this computer's clock must do; a time without a zone is UTC."""
    answer = {"Bucket": "b", "IsTruncated": False, "ResponseMetadata": {**DATE, "HTTPHeaders": headers}}
    now = answers.uploads_page(TARGET, "", answer, None).now
    expected = BEGUN + datetime.timedelta(days=1) if "-0000" in str(headers) else datetime.datetime.now(datetime.UTC)
    assert abs(now - expected) < datetime.timedelta(minutes=1)


@pytest.mark.parametrize("wrong", [{"Size": -1}, {"Key": ""}])
def test_no_objects(wrong: dict[str, Any]) -> None:
    """An entry that no object can have is not S3's; one that is there twice is."""
    page = {"Name": "b", "IsTruncated": False, **META}
    with pytest.raises(UnknownBucketException, match="can't be an object"):
        answers.page(TARGET, {**page, "Contents": [ENTRY, ENTRY | wrong]}, None)
    assert len(answers.page(TARGET, {**page, "Contents": [ENTRY, ENTRY]}, None).objects) == 2


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("2030-01-01T00:00:00.000Z", 2030),
        ("Tue, 01 Jan 2030 00:00:00 GMT", 2030),
        ("1893456000", 2030),
        ("the day before", None),
        ("", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("1e400", None),
        (None, None),
    ],
)
def test_times(text: str | None, year: int | None) -> None:
    """A time is in UTC; a text that means no time is None, and hides no object."""
    time = answers.time(text)
    assert (time.year if time else None) == year
    assert time is None or time.tzinfo is datetime.UTC


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><R>&a;</R>'


@pytest.mark.parametrize(
    "body",
    [
        BOMB,
        b'  <?xml version="1.0"?>\n<!-- <R> -->' + BOMB,
        BOMB.decode().encode("utf-16"),
        BOMB.decode().encode("utf-16-le"),
        BOMB.decode().encode("utf-16-be"),
        BOMB.decode().encode("utf-32"),
        b" " + BOMB.decode().encode("utf-16-le"),
        b"\xff\xfe",
        b"<R>" + b"<a/>" * answers.MOST_TAGS,
    ],
)
def test_what_is_not_parsed(body: bytes) -> None:
    """What S3 would not have made is not parsed: a DOCTYPE, another encoding than UTF-8, too many tags."""
    assert answers.harmless(body) == b""


@pytest.mark.parametrize(
    "body", [b"", b"<R>&lt;!DOCTYPE</R>", b'{"Statement": "<!DOCTYPE"}', b"\xef\xbb\xbf<R/>", b" "]
)
def test_what_is_parsed(body: bytes) -> None:
    """XML without a DOCTYPE, and whatever is no XML, stays as it came; XML without the white space before it."""
    assert answers.harmless(body) == body
    assert answers.harmless(b"\r\n <?xml version='1.0'?><R/>") == b"<?xml version='1.0'?><R/>"
