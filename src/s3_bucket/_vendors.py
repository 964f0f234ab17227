"""How the vendors of S3 differ, as one table: data, each claim with its source. Pure.

What is not known of a vendor is no claim: an endpoint whose vendor nobody named, and whose host name tells none, is
treated as UNKNOWN says, and nothing is refused there. docs/vendors.md is made of this table.
"""

# ruff: noqa: FBT003  # a claim's value stands first, whatever its type

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from s3_bucket.exceptions import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

AddressingStyle = Literal["auto", "path", "virtual"]
Checksums = Literal["auto", "when_supported", "when_required"]
VendorName = Literal["auto", "aws", "ceph", "minio", "r2", "b2", "gcs", "wasabi"]
Kept: TypeAlias = Literal["kept", "ignored", "refused", "unknown"]
"""What a vendor makes of a condition. Those that it ignores or refuses are refused here, before anything is sent."""

CONTENT_MD5: Checksums = "when_required"


class Claim(NamedTuple):
    """What is said of a vendor, where that is written, and what else there is to say."""

    value: Any
    source: str
    note: str = ""


class Vendor(NamedTuple):
    """A vendor.

    Attributes:
        name: the setting's value.
        title: how people call it.
        hosts: its endpoints' host names, which may have others before them; REGION stands for a region's name, ALIAS
            for another name of one. None for what stands in everybody's own network.
        addressing: the addressing_style that "auto" means there.
        checksums: the checksums that "auto" means there: "auto" learns, "when_required" is a Content-MD5.
        region: the region to sign for where none was given; None for that of the standard chain.
        equal_parts: whether all parts of an upload but the last must be of one size.
        delete_md5: whether DeleteObjects must carry a Content-MD5, and not another checksum.
        checksum_mode: what it makes of GetObject's question for the checksum that is kept.
        put_if_absent, put_if_match: what it makes of If-None-Match and If-Match in PutObject.
        complete: what it makes of either in CompleteMultipartUpload.
        delete_if_match: what it makes of If-Match in DeleteObject.
    """

    name: str
    title: str
    hosts: tuple[str, ...]
    addressing: Claim
    checksums: Claim
    region: Claim
    equal_parts: Claim
    delete_md5: Claim
    checksum_mode: Claim
    put_if_absent: Claim
    put_if_match: Claim
    complete: Claim
    delete_if_match: Claim


_FROM_HOST = "REGION"
"""The region stands in the host name."""

_S3 = "https://docs.aws.amazon.com/AmazonS3/latest"
_GATEWAY = "https://docs.ceph.com/en/latest/radosgw/s3"
_R2 = "https://developers.cloudflare.com/r2"
_B2 = "https://www.backblaze.com/docs/cloud-storage-s3-compatible-api"
_B2_CALLS = "https://www.backblaze.com/docs/cloud-storage-call-the-s3-compatible-api"
_B2_CONDITIONS = "https://github.com/sathinduga/obsidian-s3-sync-and-backup/issues/78"
_GCS = "https://docs.cloud.google.com/storage/docs"
_GCS_CONDITIONS = f"{_GCS}/request-preconditions"
_WASABI = "https://docs.wasabi.com/apidocs/wasabi-api"
_WASABI_HOSTS = "https://docs.wasabi.com/docs/service-urls-for-wasabis-storage-regions"
_MINIO = "https://github.com/minio/minio/blob/master"
_OVER_CEPH = "https://github.com/CodeLighthouse/s3-bucket/blob/main/tests/conformance/vendors.py"

AWS = Vendor(
    name="aws",
    title="Amazon S3",
    # The DNS suffixes of botocore's partitions.
    hosts=(
        "amazonaws.com",
        "amazonaws.com.cn",
        "amazonaws.eu",
        "api.aws",
        "api.amazonwebservices.com.cn",
        "c2s.ic.gov",
        "sc2s.sgov.gov",
        "csp.hci.ic.gov",
        "cloud.adc-e.uk",
    ),
    addressing=Claim("auto", f"{_S3}/userguide/VirtualHosting.html", "virtual, but for an endpoint_url that was given"),
    checksums=Claim("auto", f"{_S3}/userguide/checking-object-integrity.html", "CRC32, kept for the whole object"),
    region=Claim(None, "https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html"),
    equal_parts=Claim(False, f"{_S3}/userguide/qfacts.html"),
    delete_md5=Claim(False, f"{_S3}/API/API_DeleteObjects.html", "any checksum will do"),
    checksum_mode=Claim("answered", f"{_S3}/API/API_GetObject.html"),
    put_if_absent=Claim("kept", f"{_S3}/userguide/conditional-writes.html"),
    put_if_match=Claim("kept", f"{_S3}/userguide/conditional-writes.html"),
    complete=Claim("kept", f"{_S3}/userguide/conditional-writes.html"),
    delete_if_match=Claim("kept", f"{_S3}/userguide/conditional-deletes.html"),
)

CEPH = Vendor(
    name="ceph",
    title="Ceph RADOS Gateway",
    hosts=(),
    addressing=Claim("path", f"{_GATEWAY}/commons/", "virtual where rgw_dns_name is set"),
    checksums=Claim(CONTENT_MD5, f"{_GATEWAY}/objectops/", "16.2 overlooks CRC32"),
    region=Claim(None, f"{_GATEWAY}/commons/", "any: it isn't looked at"),
    equal_parts=Claim(False, f"{_GATEWAY}/objectops/"),
    delete_md5=Claim(False, _OVER_CEPH),
    checksum_mode=Claim("ignored", _OVER_CEPH),
    put_if_absent=Claim("kept", _OVER_CEPH),
    put_if_match=Claim("kept", _OVER_CEPH, "but in a bucket with versioning, where even a true one fails"),
    complete=Claim("ignored", _OVER_CEPH),
    delete_if_match=Claim(
        "ignored", "https://github.com/ceph/ceph/pull/63348", "but kept by releases with that change"
    ),
)

MINIO = Vendor(
    name="minio",
    title="MinIO",
    hosts=(),
    addressing=Claim("path", "https://github.com/minio/minio/discussions/15997", "virtual where MINIO_DOMAIN is set"),
    checksums=Claim("auto", f"{_MINIO}/internal/hash/checksum.go", "CRC32"),
    region=Claim(None, "https://github.com/minio/minio/discussions/15997", "us-east-1, unless the server has another"),
    equal_parts=Claim(False, f"{_MINIO}/cmd/object-multipart-handlers.go"),
    delete_md5=Claim(True, "https://github.com/aws/aws-sdk-ruby/issues/3167", "releases of 2025 know others, too"),
    checksum_mode=Claim("answered", f"{_MINIO}/internal/hash/checksum.go"),
    put_if_absent=Claim("kept", "https://github.com/minio/minio/pull/16551"),
    put_if_match=Claim(
        "kept",
        "https://github.com/minio/minio/issues/21526",
        "releases before August 2025 overlook it where there is no object",
    ),
    complete=Claim("kept", f"{_MINIO}/cmd/object-multipart-handlers.go"),
    delete_if_match=Claim(
        "ignored", "https://github.com/apache/opendal/pull/7607", "but kept by AIStor, its commercial sister"
    ),
)

R2 = Vendor(
    name="r2",
    title="Cloudflare R2",
    hosts=("r2.cloudflarestorage.com",),
    addressing=Claim("path", f"{_R2}/api/s3/api/"),
    checksums=Claim(CONTENT_MD5, f"{_R2}/api/s3/api/", "it keeps no CRC32 of whole objects"),
    region=Claim("auto", f"{_R2}/api/s3/api/"),
    equal_parts=Claim(True, f"{_R2}/objects/multipart-objects/"),
    delete_md5=Claim(True, f"{_R2}/api/s3/api/", "no other checksum is documented"),
    checksum_mode=Claim("answered", f"{_R2}/api/s3/api/", "not for Content-MD5"),
    put_if_absent=Claim("kept", f"{_R2}/api/s3/conditional-operations/"),
    put_if_match=Claim("kept", f"{_R2}/api/s3/conditional-operations/"),
    complete=Claim("kept", f"{_R2}/api/s3/conditional-operations/"),
    delete_if_match=Claim("ignored", f"{_R2}/api/s3/conditional-operations/", "not among those that it documents"),
)

B2 = Vendor(
    name="b2",
    title="Backblaze B2",
    hosts=("s3.REGION.backblazeb2.com",),
    addressing=Claim("path", _B2_CALLS),
    checksums=Claim(CONTENT_MD5, f"{_B2}#unsupported-features", "others are refused"),
    region=Claim(_FROM_HOST, "https://www.backblaze.com/apidocs/introduction-to-the-s3-compatible-api"),
    equal_parts=Claim(False, _B2),
    delete_md5=Claim(True, f"{_B2}#unsupported-features"),
    checksum_mode=Claim("refused", "https://github.com/vatesfr/xen-orchestra/issues/8358"),
    put_if_absent=Claim("refused", _B2_CONDITIONS, "501 NotImplemented"),
    put_if_match=Claim("refused", _B2_CONDITIONS, "501 NotImplemented"),
    complete=Claim("refused", _B2_CONDITIONS, "as in PutObject; not documented"),
    delete_if_match=Claim("ignored", _B2_CALLS, "not documented"),
)

GCS = Vendor(
    name="gcs",
    title="Google Cloud Storage",
    hosts=("storage.googleapis.com", "storage.mtls.googleapis.com", "storage.REGION.rep.googleapis.com"),
    addressing=Claim("path", f"{_GCS}/request-endpoints"),
    checksums=Claim(CONTENT_MD5, f"{_GCS}/xml-api/put-object-upload", "others are refused"),
    region=Claim("auto", f"{_GCS}/authentication/signatures"),
    equal_parts=Claim(False, f"{_GCS}/multipart-uploads"),
    delete_md5=Claim(True, "https://github.com/milvus-io/milvus-storage/pull/480"),
    checksum_mode=Claim("unknown", f"{_GCS}/xml-api/get-object-download", "not documented"),
    put_if_absent=Claim("ignored", _GCS_CONDITIONS, "its own are of generations"),
    put_if_match=Claim("ignored", _GCS_CONDITIONS, "its own are of generations"),
    complete=Claim("ignored", _GCS_CONDITIONS, "its own are of generations"),
    delete_if_match=Claim("ignored", _GCS_CONDITIONS, "its own are of generations"),
)

WASABI = Vendor(
    name="wasabi",
    title="Wasabi",
    # Not those of Dell ObjectScale at Wasabi, which is another server.
    hosts=("s3.REGION.wasabisys.com", "s3.ALIAS.wasabisys.com", "s3.wasabisys.com"),
    addressing=Claim("path", _WASABI),
    checksums=Claim("auto", _WASABI, "CRC32, until it is refused"),
    region=Claim(_FROM_HOST, _WASABI_HOSTS),
    equal_parts=Claim(False, _WASABI),
    delete_md5=Claim(True, _WASABI, "as Amazon's first documentation has it"),
    checksum_mode=Claim("unknown", _WASABI, "not documented"),
    put_if_absent=Claim("unknown", _WASABI, "not documented"),
    put_if_match=Claim("unknown", _WASABI, "not documented"),
    complete=Claim("unknown", _WASABI, "not documented"),
    delete_if_match=Claim("unknown", _WASABI, "not documented"),
)

_NOBODY = Claim("unknown", "")
UNKNOWN = Vendor(
    name="auto",
    title="an unknown vendor",
    hosts=(),
    addressing=Claim("auto", ""),
    checksums=Claim("auto", ""),
    region=Claim(None, ""),
    equal_parts=Claim(False, ""),
    delete_md5=Claim(False, ""),
    checksum_mode=_NOBODY,
    put_if_absent=_NOBODY,
    put_if_match=_NOBODY,
    complete=_NOBODY,
    delete_if_match=_NOBODY,
)

VENDORS = {vendor.name: vendor for vendor in (AWS, CEPH, MINIO, R2, B2, GCS, WASABI)}


def _pattern(host: str) -> re.Pattern[str]:
    text = re.escape(host).replace("REGION", r"(?P<region>[a-z]+-[a-z]+\d*-?\d*)").replace("ALIAS", r"[a-z]{2}-\d")
    return re.compile(rf"(?:.+\.)?{text}", re.ASCII)


_BY_HOST = [(vendor, _pattern(host)) for vendor in VENDORS.values() for host in vendor.hosts]
_GATEWAYS_ID = re.compile(r"tx[0-9a-f]{20,}-[0-9a-f]+-[0-9a-f]+-.+", re.ASCII)
"""A request's id as Ceph's gateway makes it: a transaction, a time, the gateway, the zone."""


def known(setting: str, endpoint_url: str | None) -> Vendor:
    """Return the vendor that was named, or that the endpoint's host name tells; UNKNOWN, if neither does."""
    return VENDORS.get(setting) or by_host(endpoint_url)


def by_host(endpoint_url: str | None) -> Vendor:
    """Return the vendor whose host that is."""
    return _found(endpoint_url)[0]


def _found(endpoint_url: str | None) -> tuple[Vendor, str | None]:
    host = (urlsplit(endpoint_url or "").hostname or "").rstrip(".")
    for vendor, pattern in _BY_HOST:
        if found := pattern.fullmatch(host):
            return vendor, found.groupdict().get("region")
    return UNKNOWN, None


def by_answer(headers: Mapping[str, str]) -> Vendor:
    """Return the vendor that answered so: the two that no host name tells have manners of their own."""
    if headers.get("server", "").startswith("MinIO"):
        return MINIO
    return CEPH if _GATEWAYS_ID.fullmatch(headers.get("x-amz-request-id", "")) else UNKNOWN


def region(vendor: Vendor, endpoint_url: str | None) -> str | None:
    """Return the region to sign for; None, if only the standard chain can tell."""
    if vendor.region.value != _FROM_HOST:
        return None if vendor.region.value is None else str(vendor.region.value)
    by_name, named = _found(endpoint_url)
    return named if by_name is vendor else None


def refuse_condition(
    vendor: Vendor, operation: str, bucket: str, key: str, *, if_absent: bool = False, if_match: str | None = None
) -> None:
    """Raise InvalidInput for a condition that the vendor would not keep: nobody must rely on it.

    Args:
        vendor: who will be asked.
        operation: "PutObject", "CompleteMultipartUpload" or "DeleteObject".
        bucket: for the error.
        key: for the error.
        if_absent: whether there must be no object.
        if_match: the etag that the object must have.
    """
    if not (if_absent or if_match):
        return
    claim = claim_of(vendor, operation, if_absent=if_absent)
    if claim.value in {"ignored", "refused"}:
        argument, header = ("if_absent", "If-None-Match") if if_absent else ("if_match", "If-Match")
        does = f"{vendor.title} {_DOES[claim.value]} {header} in {operation}"
        msg = f"{argument}: {does}, so {_instead(vendor, operation)}"
        raise InvalidInput(msg, argument=argument, bucket=bucket, key=key)


def claim_of(vendor: Vendor, operation: str, *, if_absent: bool) -> Claim:
    """Return what is known of a condition."""
    if operation == "PutObject":
        return vendor.put_if_absent if if_absent else vendor.put_if_match
    return vendor.delete_if_match if operation == "DeleteObject" else vendor.complete


_DOES = {"ignored": "overlooks", "refused": "refuses"}


def _instead(vendor: Vendor, operation: str) -> str:
    by_put = operation == "CompleteMultipartUpload" and vendor.put_if_absent.value == "kept"
    shorter = " Up to part_size bytes go by PutObject, which keeps it: give a larger part_size." if by_put else ""
    return (
        f"it can't be promised; nothing was written.{shorter} If your server keeps it, as check() tells, give"
        " vendor='aws' and what else it needs"
    )
