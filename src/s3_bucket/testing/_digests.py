"""Checksums: compared with what comes, and kept as S3 keeps them. Pure."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from s3_bucket import _sums
from s3_bucket._async import _checksums
from s3_bucket.testing._state import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from s3_bucket.testing._personality import Personality
    from s3_bucket.testing._state import Content, Parameters, StoredPart

FULL_OBJECT, COMPOSITE = "FULL_OBJECT", "COMPOSITE"
ALGORITHMS = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")
GIVEN = " ".join(f"Checksum{name}" for name in ALGORITHMS)
"""The parameters that carry a checksum."""


def base64_of(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


# The other two are kept unseen: Python can't make them.
_SUMS: dict[str, Callable[[Content], str]] = {
    "CRC32": lambda content: _sums.text(content.crc32),
    "SHA1": lambda content: _sums.of("SHA1", content.data),
    "SHA256": lambda content: _sums.of("SHA256", content.data),
}


def received(personality: Personality, parameters: Parameters, content: Content) -> dict[str, str]:
    """Compare what came with the checksums that came with it; return those to keep."""
    md5 = parameters.get("ContentMD5")
    if md5 is not None and md5 != base64_of(content.md5):
        raise bad_digest("Content-MD5")
    given = {name: parameters[f"Checksum{name}"] for name in ALGORITHMS if parameters.get(f"Checksum{name}")}
    wanted = parameters.get("ChecksumAlgorithm")
    if wanted in _SUMS and not given:  # botocore would have made it of this
        given = {wanted: _SUMS[wanted](content)}
    if not personality.keeps_checksums:
        return {}
    for name, value in given.items():
        if name in _SUMS and _SUMS[name](content) != value:
            raise bad_digest(name)
    return {f"Checksum{name}": value for name, value in given.items()}


def bad_digest(name: str) -> Refused:
    """Return the refusal of bytes that are not those that were sent."""
    return Refused(400, "BadDigest", f"The {name} you specified did not match the calculated checksum.")


def whole(checksums: dict[str, str]) -> dict[str, str]:
    """Return the checksums of an object that came in one piece, with their kind."""
    return {**checksums, "ChecksumType": FULL_OBJECT} if checksums else {}


def of_parts(algorithm: str | None, kind: str | None, parts: Sequence[StoredPart]) -> dict[str, str]:
    """Return the checksum of an object that is put together of parts."""
    if algorithm not in _SUMS:
        return {}
    if kind == FULL_OBJECT:
        crc = _checksums.combined((part.content.crc32, len(part.content)) for part in parts)
        return {"ChecksumCRC32": _sums.text(crc), "ChecksumType": FULL_OBJECT}
    digests = b"".join(base64.b64decode(_SUMS[algorithm](part.content)) for part in parts)
    whole = _sums.of(algorithm, digests)
    return {f"Checksum{algorithm}": f"{whole}-{len(parts)}", "ChecksumType": COMPOSITE}
