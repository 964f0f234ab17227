"""The servers that the suite runs over, and in what each differs from Amazon's S3: data, so that no test asks."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests import engine

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Vendor:
    """A server.

    Attributes:
        name: how the tests' names call it.
        endpoint: the fixture that gives its URL.
        fails: the tests that can't pass there, by "name", "name[parameter]" or, where files share a name, "file::name",
            each with the reason; they must fail.
        is_server: whether there is a server, which TLS can stand before.
    """

    name: str
    endpoint: str
    fails: Mapping[str, str] = field(default_factory=dict[str, str])
    is_server: bool = True


_NO_CUSTOMER = "it knows no customers' keys"
_NO_SIGNATURE = "it compares no signatures"
_NO_CHECKSUM = "it tells no checksums"
_NO_POLICY = "it reads no policies"

MOTO = Vendor(
    "moto",
    "endpoint_url",
    fails={
        "test_odd_keys[newline]": "its router takes no line breaks",
        "test_odd_keys[control]": "its XML can't hold control characters",
        "test_odd_keys[not a character]": "its XML can't hold them",
        "test_deleting_odd_keys_together[newline]": "its router takes no line breaks",
        "test_other_object": _NO_SIGNATURE,
        "test_put_of_another_type": _NO_SIGNATURE,
        "test_of_a_user": _NO_SIGNATURE,
        "test_expired": "it overlooks when a signature ends",
        "test_storage_class_of_a_post": "it drops a form's storage class",
        "test_status_of_a_post[201]": "its answer to a form has no body",
        "test_keys_of_a_post": _NO_POLICY,
        "test_another_key": _NO_POLICY,
        "test_too_large": _NO_POLICY,
        "test_types_of_a_post": _NO_POLICY,
        "test_another_type": _NO_POLICY,
        "test_more_fields": _NO_POLICY,
        "test_another_bucket": _NO_POLICY,
        "test_checksum::test_kept": _NO_CHECKSUM,
        "test_checksum::test_kept_of_parts": _NO_CHECKSUM,
        "test_checksum::test_copy[in parts]": "it keeps a checksum of the whole where S3 keeps that of the parts'",
        "test_checksum::test_upload_dir": _NO_CHECKSUM,
        "test_customer_key_is_told": _NO_CUSTOMER,
        "test_without_the_key": _NO_CUSTOMER,
        "test_restored_version": "it restores the newest version, whichever is named",
        "test_retention_is_kept": "it lets everybody shorten a lock",
        "test_locked_copy[whole]": "it wants the checksum of a body, which a copy doesn't have",
    },
)

_NO_VERSION = "its CompleteMultipartUpload doesn't say which version it has made"
_NO_KEYED_COPY = "it copies from one customer's key to the same one only, in parts"
_NO_ARCHIVE = "it has no archive"
_NO_TAGS = "it drops the tags of a multipart upload"
_BARE_PREFIX = "it repeats prefix and start-after unencoded, also where XML can't hold them"

# Ceph 16.2, as Debian 12 has it. It overlooks conditions in CompleteMultipartUpload and DeleteObject, as moto overlooks
# If-Match in the first: where HEAD can see that they don't hold, they fail nevertheless.
CEPH = Vendor(
    "ceph",
    "ceph_url",
    fails={
        "test_made_twice_elsewhere": "it has one region, and lets its owner make a bucket twice",
        "test_error_message": "its errors have no Message",
        "test_large_versions": _NO_VERSION,
        "test_reader::test_versions": _NO_VERSION,
        "test_odd_keys[control]": _BARE_PREFIX,
        "test_odd_keys[not a character]": _BARE_PREFIX,
        "test_underscores_in_metadata": "it makes dashes of them",
        "test_encryption": "it takes the word AES256 and encrypts nothing",
        "test_tags[5242881]": _NO_TAGS,
        "test_writer::test_options": "it encrypts nothing, and drops the tags of a multipart upload",
        "test_json_options": "it refuses every If-Match in a bucket with versioning",
        "test_headers_of_a_post": "it keeps a form's content type, and drops the other headers",
        "test_checksum::test_kept": _NO_CHECKSUM,
        "test_checksum::test_kept_of_parts": _NO_CHECKSUM,
        "test_checksum::test_copy": _NO_CHECKSUM,
        "test_checksum::test_upload_dir": _NO_CHECKSUM,
        "test_s3_s_keys": "it takes the word AES256 and encrypts nothing",
        "test_bucket_key": "it knows no bucket keys",
        "test_archived": _NO_ARCHIVE,
        "test_restored_version": _NO_ARCHIVE,
        "test_nothing_to_restore": _NO_ARCHIVE,
        "test_retention_is_lifted": "it takes no retention that is none",
        "test_copy_under_keys[whole]": _NO_KEYED_COPY,
        "test_copy_under_keys[another-in parts]": _NO_KEYED_COPY,
        "test_copy_under_keys[none-in parts]": _NO_KEYED_COPY,
        "test_another_key_for_an_object": _NO_KEYED_COPY,
        "test_copy_under_a_key_of_kms": "it encrypts no copies",
        "test_locked_copy[whole]": "its copies have the source's lock and hold",
    },
)

_BY_HTTP = (
    "test_get test_headers_of_a_get test_odd_keys_presigned test_get_of_a_version test_other_object test_put"
    " test_put_of_any_type test_put_of_another_type test_put_of_what_is_absent test_post test_headers_of_a_post"
    " test_storage_class_of_a_post test_status_of_a_post test_filename test_keys_of_a_post test_another_key"
    " test_too_large test_types_of_a_post test_another_type test_more_fields test_another_bucket test_expired"
    " test_of_a_user"
)

FAKE = Vendor(
    "fake",
    "fake_url",
    is_server=False,
    fails={f"test_presign::{name}": "what it presigns nobody answers: there is no server" for name in _BY_HTTP.split()},
)

# The one under test: moto, unless S3_VENDOR names another, as `python -m tests.servers.ceph` does, or there is none.
_NAME = os.environ.get("S3_VENDOR", "fake" if engine.is_fake() else "moto")
VENDORS = [{vendor.name: vendor for vendor in (MOTO, CEPH, FAKE)}[_NAME]]
