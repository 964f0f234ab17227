"""The servers that the suite runs over, and in what each differs from Amazon's S3: data, so that no test asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Vendor:
    """A server.

    Attributes:
        name: how the tests' names call it.
        endpoint: the fixture that gives its URL.
        fails: the tests that can't pass there, by name or by "name[parameter]", each with the reason; they must fail.
    """

    name: str
    endpoint: str
    fails: Mapping[str, str] = field(default_factory=dict[str, str])


MOTO = Vendor(
    "moto",
    "endpoint_url",
    fails={
        "test_replace_only_by_parts": "it overlooks If-Match in CompleteMultipartUpload",
        "test_odd_keys[newline]": "its router takes no line breaks",
        "test_odd_keys[control]": "its XML can't hold control characters",
        "test_odd_keys[not a character]": "its XML can't hold them",
        "test_deleting_odd_keys_together[newline]": "its router takes no line breaks",
    },
)

VENDORS = (MOTO,)
