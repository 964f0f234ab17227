"""What the etag of a listing, and the checksum of a HEAD, say of an object's content. Pure.

An object that came in one piece has the MD5 of its bytes as its etag, if it isn't encrypted with a key of KMS or of the
client; one that came in N parts the MD5 of the parts' MD5s, and "-N". The length of the parts isn't told: those that
this library and others use are tried. So an etag can say that two contents are the same, and only sometimes that they
differ. https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html

Where it doesn't, HEAD may tell a checksum of the whole object, if the server keeps one.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from s3_bucket import _plan, _sums
from s3_bucket._plan import MIB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_bucket._models import Buffer
    from s3_bucket._sums import Sum

_ETAG = re.compile(r"[0-9a-f]{32}(?:-([1-9][0-9]{0,4}))?", re.ASCII)
_USUAL_PART_SIZES = tuple(mib * MIB for mib in (5, 8, 10, 15, 16, 20, 25, 32, 50, 64, 100, 128, 256, 512, 1024))
"""Of this library, boto3 and the AWS CLI (8 MiB), MinIO (16), rclone (5), s5cmd and s3fs (50), and what people set."""


def part_sizes(etag: str, size: int, own: int) -> list[int]:
    """Return the lengths of parts that may have given an object of this size its etag; none, if that is no MD5.

    Args:
        etag: the object's.
        size: its length in bytes.
        own: the part_size of the settings.
    """
    match = _ETAG.fullmatch(etag)
    if match is None:
        return []
    if match[1] is None:
        return [size]
    count = int(match[1])
    even = -(-size // count)
    usual = {_plan.part_size_for(size, each) for each in (own, *_USUAL_PART_SIZES)}
    return sorted(each for each in {*usual, -(-even // MIB) * MIB, even} if each and -(-size // each) == count)


class Etag:
    """The etag that bytes would have, of parts so long."""

    def __init__(self, part_size: int, *, in_parts: bool) -> None:
        self._part_size = part_size
        self._part = _md5()
        self._parts = _md5() if in_parts else None
        self._count = 0
        self._room = part_size

    def update(self, data: Buffer) -> None:
        """Take the next bytes."""
        view = memoryview(data)
        while view:
            if not self._room:
                self._end_part()
            taken, view = view[: self._room], view[self._room :]
            self._part.update(taken)
            self._room -= len(taken)

    def text(self) -> str:
        """Return it, when all bytes have been taken."""
        if self._parts is None:
            return str(self._part.hexdigest())
        self._end_part()
        return f"{self._parts.hexdigest()}-{self._count}"

    def _end_part(self) -> None:
        if self._parts is not None:
            self._parts.update(self._part.digest())
        self._count += 1
        self._part, self._room = _md5(), self._part_size


def etags(etag: str, size: int, own: int) -> list[Sum]:
    """Return what to make of the bytes that may be those of this object: one of them is its etag, if they are."""
    return [Etag(each, in_parts="-" in etag) for each in part_sizes(etag, size, own)]


def checksum(answer: Mapping[str, Any]) -> tuple[Sum, str] | None:
    """Return what to make of the bytes, and what must come out, by an answer of HeadObject.

    None, if the server keeps no checksum of the whole object, or of a kind that Python can't make (CRC64NVME, CRC32C).
    One of the parts' checksums ("...-3", of the type COMPOSITE) says nothing of the whole.
    """
    for algorithm in _sums.BYTES:
        kept = answer.get(f"Checksum{algorithm}") or "-"
        if "-" not in kept and answer.get("ChecksumType") != "COMPOSITE":
            return _sums.running(algorithm), kept
    return None


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)
