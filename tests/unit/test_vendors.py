"""Vendors: each is told by its host names or its answers; what is claimed has a source; what isn't kept is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from docs import vendors as document
from s3_bucket import _config, _vendors
from s3_bucket._async._botocore.store import BotocoreStore
from s3_bucket._config import Settings
from s3_bucket._vendors import UNKNOWN, VENDORS, Claim, Vendor
from s3_bucket.exceptions import InvalidInput

if TYPE_CHECKING:
    from pathlib import Path

HOSTS = {
    "https://s3.eu-west-1.amazonaws.com": ("aws", None),
    "https://bucket.vpce-1.s3.us-east-1.vpce.amazonaws.com": ("aws", None),
    "https://s3.cn-north-1.amazonaws.com.cn": ("aws", None),
    "https://s3.eusc-de-east-1.amazonaws.eu": ("aws", None),
    "https://s3.us-east-1.amazonaws.com.": ("aws", None),
    "https://account.r2.cloudflarestorage.com": ("r2", "auto"),
    "https://account.eu.r2.cloudflarestorage.com": ("r2", "auto"),
    "https://s3.us-west-004.backblazeb2.com": ("b2", "us-west-004"),
    "https://S3.EU-central-003.BackblazeB2.com": ("b2", "eu-central-003"),
    "https://storage.googleapis.com": ("gcs", "auto"),
    "https://storage.europe-west3.rep.googleapis.com": ("gcs", "auto"),
    "https://s3.wasabisys.com": ("wasabi", None),
    "https://s3.eu-central-1.wasabisys.com": ("wasabi", "eu-central-1"),
    "https://s3.nl-1.wasabisys.com": ("wasabi", None),
    "https://s3.us-east-1-dell-obs.wasabisys.com:9021": ("auto", None),
    "https://evilamazonaws.com": ("auto", None),
    "https://amazonaws.com.evil.example": ("auto", None),
    "http://127.0.0.1:9000": ("auto", None),
    "http://[::1]:9000": ("auto", None),
    None: ("auto", None),
}
ANSWERS = [
    ({"server": "MinIO"}, "minio"),
    ({"server": "MinIO/RELEASE.2024"}, "minio"),
    ({"x-amz-request-id": "tx000000000000000000003-0065a1b2c3-1009-default"}, "ceph"),
    ({"x-amz-request-id": "tx000000000000000000003"}, "auto"),
    ({"x-amz-request-id": "4442587FB7D0A2F9", "server": "AmazonS3"}, "auto"),
    ({}, "auto"),
]
OPERATIONS = ("PutObject", "CompleteMultipartUpload", "DeleteObject")
CONDITIONS = {"if_absent": {"if_absent": True}, "if_match": {"if_match": "etag"}}


@pytest.mark.parametrize("url", HOSTS)
def test_hosts(url: str | None) -> None:
    """An endpoint's host name tells the vendor and perhaps the region; another's that looks alike doesn't."""
    name, region = HOSTS[url]
    vendor = _vendors.known("auto", url)
    assert vendor.name == name
    assert _vendors.region(vendor, url) == region


def test_named() -> None:
    """The vendor that was named is the vendor, whatever the host name says; only its own host names tell a region."""
    url = "https://s3.us-west-004.backblazeb2.com"
    assert [_vendors.known(name, url) for name in VENDORS] == list(VENDORS.values())
    assert _vendors.region(_vendors.WASABI, url) is None


@pytest.mark.parametrize(("headers", "name"), ANSWERS)
def test_answers(headers: dict[str, str], name: str) -> None:
    """The vendors that no host name tells are known by their answers."""
    assert _vendors.by_answer(headers).name == name


@pytest.mark.parametrize("vendor", VENDORS.values(), ids=VENDORS)
def test_claims(vendor: Vendor) -> None:
    """Every claim has a source, and a value that the code understands."""
    claims = {name: value for name, value in vendor._asdict().items() if isinstance(value, Claim)}
    assert all(claim.source.startswith("https://") for claim in claims.values())
    assert {claims[name].value for name in ("put_if_absent", "put_if_match", "complete", "delete_if_match")} <= {
        "kept",
        "ignored",
        "refused",
        "unknown",
    }
    fitted = _config.fitted(Settings(vendor=vendor.name), None)  # type: ignore[arg-type]  # it is one of them
    assert _config.checked({"addressing_style": fitted.addressing_style, "checksums": fitted.checksums})


def test_every_setting_has_a_row() -> None:
    """What the setting takes and what the table has are the same."""
    assert _config._CHECKS["vendor"][0] == f"one of auto, {', '.join(VENDORS)}"


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("argument", CONDITIONS)
@pytest.mark.parametrize("vendor", [*VENDORS.values(), UNKNOWN], ids=lambda vendor: vendor.name)
def test_refused(vendor: Vendor, argument: str, operation: str) -> None:
    """A condition is refused, naming it, if and only if the vendor is known not to keep it."""
    condition: dict[str, Any] = CONDITIONS[argument]
    claim = _vendors.claim_of(vendor, operation, if_absent=argument == "if_absent")
    if claim.value in {"kept", "unknown"}:
        _vendors.refuse_condition(vendor, operation, "bucket", "key", **condition)
        return
    with pytest.raises(InvalidInput, match=f"^{argument}: {vendor.title} .*{operation}.*nothing was written") as caught:
        _vendors.refuse_condition(vendor, operation, "bucket", "key", **condition)
    assert (caught.value.argument, caught.value.bucket, caught.value.key) == (argument, "bucket", "key")
    assert ("part_size" in caught.value.message) == (vendor.name == "ceph" and operation == OPERATIONS[1])


def test_no_condition() -> None:
    """Without a condition nothing is refused."""
    for vendor in VENDORS.values():
        _vendors.refuse_condition(vendor, "PutObject", "bucket", "key")


R2_URL = "https://account.r2.cloudflarestorage.com"
FITTED = [
    (Settings(endpoint_url=R2_URL), ("auto", "path", "when_required")),
    (Settings(vendor="r2"), ("auto", "path", "when_required")),
    (Settings(endpoint_url=R2_URL, region="weur"), ("weur", "path", "when_required")),
    (Settings(endpoint_url=R2_URL, addressing_style="virtual"), ("auto", "virtual", "when_required")),
    (Settings(endpoint_url=R2_URL, checksums="when_supported"), ("auto", "path", "when_supported")),
    (Settings(endpoint_url=R2_URL, vendor="aws"), (None, "auto", "auto")),
    (Settings(endpoint_url="http://127.0.0.1:9000"), (None, "auto", "auto")),
    (Settings(vendor="ceph", region="zone"), ("zone", "path", "when_required")),
]


@pytest.mark.parametrize(("settings", "wanted"), FITTED)
def test_fitted(settings: Settings, wanted: tuple[Any, ...]) -> None:
    """The vendor fills in what wasn't given; what was given explicitly wins."""
    fitted = _config.fitted(settings, settings.endpoint_url)
    assert (fitted.region, fitted.addressing_style, fitted.checksums) == wanted


@pytest.mark.parametrize("by_environment", [False, True])
async def test_the_client_is_for_the_vendor(monkeypatch: pytest.MonkeyPatch, *, by_environment: bool) -> None:
    """The client signs for the vendor's region, wherever the endpoint comes from; the store knows the vendor."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    if by_environment:
        monkeypatch.setenv("AWS_ENDPOINT_URL", R2_URL)
    store = await BotocoreStore.open(Settings(endpoint_url=None if by_environment else R2_URL))
    try:
        assert store.vendor is _vendors.R2
        assert store._client.meta.region_name == "auto"
        assert store.checksums.deletes_by_md5
    finally:
        await store.aclose()


def test_document() -> None:
    """docs/vendors.md is what the table makes of it."""
    assert document.main(["--check"]) == 0


def test_stale_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A page that isn't is told, and can be written anew."""
    page = tmp_path / "vendors.md"
    page.write_text("old")
    assert document.main(["--check"], page) == 1
    assert "run python -m docs.vendors" in capsys.readouterr().err
    assert document.main([], page) == document.main(["--check"], page) == 0
    assert document.main(["--help"], page) == 2
