"""In what some vendors differ from Amazon: as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Vendor: TypeAlias = Literal["aws", "r2", "b2", "ceph16"]


@dataclass(frozen=True, slots=True)
class Personality:
    """A vendor's S3.

    Attributes:
        equal_parts: whether all parts of an upload but the last must be equally long.
        refuses_checksums: whether it refuses requests that carry one of Amazon's checksums.
        keeps_checksums: whether it keeps them; otherwise it overlooks them.
        completes_on_condition: whether it looks at If-Match and If-None-Match in CompleteMultipartUpload.
        deletes_on_condition: whether it looks at If-Match in DeleteObject.
    """

    equal_parts: bool = False
    refuses_checksums: bool = False
    keeps_checksums: bool = True
    completes_on_condition: bool = True
    deletes_on_condition: bool = True


PERSONALITIES: dict[Vendor, Personality] = {
    "aws": Personality(),
    # https://developers.cloudflare.com/r2/objects/multipart-objects/
    "r2": Personality(equal_parts=True),
    # It knows no header of Amazon's checksums, nor conditions.
    "b2": Personality(refuses_checksums=True, keeps_checksums=False),
    # What the conformance suite found in Debian 12's Ceph.
    "ceph16": Personality(keeps_checksums=False, completes_on_condition=False, deletes_on_condition=False),
}
