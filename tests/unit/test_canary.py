"""check(): what it tries, in what order it gives up, and that it leaves nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from s3_bucket._async import _canary, _session
from s3_bucket._config import Settings
from s3_bucket._models import UploadInfo
from s3_bucket._store import UploadsPage, Written
from s3_bucket.exceptions import (
    BucketAccessDenied,
    BucketConnectionError,
    BucketException,
    KeyAlreadyExists,
    NoCredentials,
    NoSuchBucket,
    PreconditionFailed,
)
from tests.unit.memory import BUCKET, MemoryStore, is_idle, opener, retrying

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from s3_bucket._models import Buffer
    from s3_bucket._report import Report
    from s3_bucket._store import GetRequest, Part, PutOptions, Upload

SETTINGS = Settings()
HEADERS = {"date": "Sun, 06 Nov 1994 08:49:37 GMT", "server": "MinIO"}


class Vendor(MemoryStore):
    """A store that keeps conditions, but for the operations that it overlooks, and answers call() as S3 does."""

    def __init__(self, overlooks: Sequence[str] = ()) -> None:
        super().__init__()
        self.overlooks = overlooks
        self.refuses_crc32 = False
        self.has_versions = True

    def _check(self, operation: str, key: str, options: PutOptions) -> None:
        if operation in self.overlooks:
            return
        if options.if_absent and key in self.objects:
            raise KeyAlreadyExists("there is one")
        if options.if_match not in {None, "put-etag"}:
            raise PreconditionFailed("another etag")

    async def put(self, bucket: str, key: str, body: Buffer, options: PutOptions) -> Written:
        """Store it, if the condition holds."""
        self._check("put", key, options)
        return await super().put(bucket, key, body, options)

    async def complete_upload(self, upload: Upload, parts: Sequence[Part], options: PutOptions) -> Written:
        """Complete it, if the condition holds."""
        self._check("complete", upload.key, options)
        return await super().complete_upload(upload, parts, options)

    async def delete(self, request: GetRequest) -> None:
        """Delete it, if the condition holds."""
        if request.if_match is not None and "delete" not in self.overlooks:
            raise PreconditionFailed("another etag")
        await super().delete(request)

    async def delete_batch(self, bucket: str, keys: Sequence[str]) -> Mapping[str, BucketException]:
        """Delete them."""
        failed = await super().delete_batch(bucket, keys)
        for key in keys:
            self.objects.pop(key, None)
        return failed

    async def list_uploads(self, bucket: str, prefix: str, after: tuple[str, str] | None) -> UploadsPage:
        """List them."""
        page = await super().list_uploads(bucket, prefix, after)
        return UploadsPage([UploadInfo(prefix, each, page.now) for each in self.uploads], page.now, None)

    async def call(self, bucket: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Answer with S3's names."""
        async with self._call(operation):
            if operation == "PutObject" and "ChecksumCRC32" in parameters and self.refuses_crc32:
                raise BucketException("Unsupported header", status=400, error_code="InvalidArgument")
            if operation == "ListObjectVersions":
                if not self.has_versions:
                    raise BucketException("no such operation", error_code="NotImplemented")
                keys = [key for key in self.objects if key.startswith(parameters["Prefix"])]
                return {"Versions": [{"Key": key, "VersionId": "null"} for key in keys]}
            return {"ResponseMetadata": {"HTTPHeaders": HEADERS}}


async def check(vendor: Vendor, settings: Settings = SETTINGS) -> Report:
    """Check a store, and that nothing is left."""
    store = retrying(vendor)
    report = await _canary.check(opener(store), BUCKET, settings, "prefix/")
    assert is_idle(store)
    return report


def notes(report: Report) -> set[tuple[str, str]]:
    """Return the topics that are not as they should be, with their levels."""
    return {(finding.topic, finding.level) for finding in report.findings if finding.level != "ok"}


@pytest.mark.usefixtures("retries_at_once")
async def test_all_is_well() -> None:
    """Everything is tried, and deleted again; the clock and the vendor are read off an answer."""
    vendor = Vendor()
    report = await check(vendor)
    assert vendor.objects == vendor.uploads == {}
    assert notes(report) == {("clock", "note"), ("vendor", "note"), ("checksums", "note")}
    assert report.settings == {"vendor": "minio"}
    assert {finding.topic for finding in report.findings} >= {"write", "read", "list", "multipart", "delete"}


@pytest.mark.usefixtures("retries_at_once")
@pytest.mark.parametrize(
    ("overlooks", "wanted"), [("put", {"put"}), ("complete", {"uploads in parts"}), ("delete", {"delete"})]
)
async def test_overlooked(overlooks: str, wanted: set[str]) -> None:
    """Whoever overlooks conditions is found out, and nothing is left although it wrote what it should not have."""
    vendor = Vendor([overlooks])
    report = await check(vendor)
    ignored = [finding.text for finding in report.findings if "ignored" in finding.text]
    assert {text.split(" of ")[1].split(" is ")[0] for text in ignored} == wanted
    assert vendor.objects == vendor.uploads == {}


@pytest.mark.usefixtures("retries_at_once")
async def test_a_refused_checksum() -> None:
    """A store that refuses CRC32 is told, with the setting."""
    vendor = Vendor()
    vendor.refuses_crc32 = True
    assert (await check(vendor)).settings["checksums"] == "when_required"


@pytest.mark.usefixtures("retries_at_once")
@pytest.mark.parametrize("operation", ["list_page", "get", "list_uploads", "delete_batch", "create_upload"])
async def test_a_missing_permission(operation: str) -> None:
    """What is not allowed is a finding, and the rest is tried all the same."""
    vendor = Vendor()
    vendor.fail(operation, BucketAccessDenied("denied"))
    report = await check(vendor)
    assert "DeleteObject" not in vendor.calls
    assert [finding for finding in report.findings if "denied" in finding.text]
    assert vendor.count("delete") >= 1
    assert vendor.objects == {}


@pytest.mark.usefixtures("retries_at_once")
async def test_a_key_that_is_not_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that DeleteObjects could not delete is a finding, though the request itself succeeded."""
    vendor = Vendor()

    async def delete_batch(bucket: str, keys: Sequence[str]) -> Mapping[str, BucketException]:
        return {key: BucketAccessDenied("not this one") for key in keys}

    monkeypatch.setattr(vendor, "delete_batch", delete_batch)
    report = await check(vendor)
    assert "lack s3:DeleteObject (not this one)" in str(report)
    assert vendor.objects == {}


@pytest.mark.usefixtures("retries_at_once")
async def test_an_upload_that_is_stuck() -> None:
    """An upload that can't be completed is aborted, whether uploads can be listed or not."""
    for listable in (True, False):
        vendor = Vendor()
        vendor.fail("complete_upload", BucketException("no"))
        if not listable:
            vendor.fail("list_uploads", BucketAccessDenied("denied"))
        report = await check(vendor)
        assert ("multipart", "problem") in notes(report)
        assert vendor.uploads == vendor.objects == {}
        assert vendor.count("complete_upload") == 1


@pytest.mark.usefixtures("retries_at_once")
async def test_without_versions() -> None:
    """Where versions can't be listed, the keys that were written are deleted."""
    vendor = Vendor()
    vendor.has_versions = False
    await check(vendor)
    assert vendor.objects == {}


@pytest.mark.usefixtures("retries_at_once")
@pytest.mark.parametrize("error", [NoSuchBucket("none"), BucketConnectionError("nobody"), NoCredentials("unknown")])
async def test_the_end(error: BucketException) -> None:
    """Where nothing can work, nothing more is tried, and nothing is written."""
    vendor = Vendor()
    vendor.fail("HeadBucket", error)
    report = await check(vendor)
    assert not report.ok
    assert set(vendor.calls) == {"HeadBucket"}


@pytest.mark.usefixtures("retries_at_once")
async def test_who_may_not_write() -> None:
    """Who may not write is told so, and that is all: there is nothing to be deleted."""
    vendor = Vendor()
    vendor.fail("put", BucketAccessDenied("denied"))
    vendor.fail("delete", BucketAccessDenied("denied"))
    vendor.has_versions = False
    report = await check(vendor)
    assert ("write", "problem") in notes(report)
    assert "cleanup" not in {finding.topic for finding in report.findings}
    assert vendor.count("get") == 0


@pytest.mark.usefixtures("retries_at_once")
async def test_what_can_not_be_deleted() -> None:
    """What stays is told."""
    vendor = Vendor()
    vendor.fail("delete", BucketAccessDenied("denied"))
    assert {("delete", "problem"), ("cleanup", "problem")} <= notes(await check(vendor))


@pytest.mark.usefixtures("retries_at_once")
async def test_a_cleanup_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cleanup that gets no answer is given up, and told with the keys' beginning."""
    monkeypatch.setattr(_canary, "CLEANING_SECONDS", 0.01)
    vendor = Vendor()
    vendor.hold("ListObjectVersions")
    report = await check(vendor)
    (left,) = [finding for finding in report.findings if finding.topic == "cleanup"]
    assert "prefix/" in left.text


async def test_credentials_that_are_not_there() -> None:
    """A store that can't be opened is a finding."""

    async def fail() -> Any:
        raise NoCredentials("no profile")

    report = await _canary.check(fail, BUCKET, SETTINGS, "")
    assert [str(finding) for finding in report.findings] == ["credentials: no profile"]


@pytest.mark.usefixtures("retries_at_once")
async def test_faults_of_programs() -> None:
    """A programming error is no finding: it is raised, and what was written is deleted."""
    vendor = Vendor()
    vendor.fail("list_page", TypeError("a fault"))
    with pytest.raises(TypeError, match="a fault"):
        await check(vendor)
    assert vendor.objects == {}


@pytest.mark.usefixtures("retries_at_once")
@pytest.mark.parametrize("operation", ["get", "upload_part", "ListObjectVersions"])
async def test_cancelled(operation: str) -> None:
    """Cancelled at any point, also while it cleans up, it deletes what it has written, and is cancelled then."""
    vendor = Vendor()
    gate = vendor.hold(operation)
    task = asyncio.ensure_future(check(vendor))
    await gate.reached.wait()
    task.cancel()
    await asyncio.sleep(0)
    gate.open.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert vendor.objects == vendor.uploads == {}


@pytest.mark.usefixtures("retries_at_once")
@pytest.mark.parametrize("works", [True, False])
async def test_virtual_where_path_is_wanted(monkeypatch: pytest.MonkeyPatch, *, works: bool) -> None:
    """Where the bucket's own host doesn't answer, path style is tried, in a store of its own."""
    vendor, other = Vendor(), Vendor()
    vendor.fail("HeadBucket", BucketConnectionError("no such host"))
    if not works:
        other.fail("HeadBucket", BucketConnectionError("nobody"))

    async def open_other(settings: Settings) -> Any:
        assert settings.addressing_style == "path"
        return retrying(other)

    monkeypatch.setattr(_session, "_open", open_other)
    store = retrying(vendor)
    report = await _canary.check(opener(store), BUCKET, Settings(addressing_style="virtual"), "")
    assert report.settings == ({"addressing_style": "path"} if works else {})
    assert other.calls[-1] == "aclose"
