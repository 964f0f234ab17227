"""The checksums that S3 keeps and that Python can make, as S3 writes them. Pure."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from s3_bucket._models import Buffer

ALGORITHMS = ("CRC32", "SHA256", "SHA1")
"""The one that takes the least time first."""


class Sum(Protocol):
    """Something that is made of bytes, one after another."""

    def update(self, data: Buffer) -> None:
        """Take the next bytes."""
        ...

    def text(self) -> str:
        """Return it, when all bytes have been taken."""
        ...


class Crc32:
    """The CRC32 of bytes, as S3 writes it."""

    def __init__(self) -> None:
        self._crc = 0

    def update(self, data: Buffer) -> None:
        """Take the next bytes."""
        self._crc = zlib.crc32(data, self._crc)

    def text(self) -> str:
        """Return it, when all bytes have been taken."""
        return base64.b64encode(self._crc.to_bytes(4, "big")).decode()


class Sha:
    """A SHA of bytes, as S3 writes it."""

    def __init__(self, name: str) -> None:
        self._hash = hashlib.new(name, usedforsecurity=False)

    def update(self, data: Buffer) -> None:
        """Take the next bytes."""
        self._hash.update(data)

    def text(self) -> str:
        """Return it, when all bytes have been taken."""
        return base64.b64encode(self._hash.digest()).decode()


def running(algorithm: str) -> Sum:
    """Return what makes the checksum of bytes that come one after another."""
    return Crc32() if algorithm == "CRC32" else Sha(algorithm.lower())


def of(algorithm: str, data: Buffer) -> str:
    """Return the checksum of bytes."""
    made = running(algorithm)
    made.update(data)
    return made.text()
