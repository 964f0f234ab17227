"""The checksums that S3 keeps and that Python can make, as S3 writes them. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from s3_bucket._models import Buffer

BYTES = {"CRC32": 4, "SHA256": 32, "SHA1": 20}
"""How long they are; the one that takes the least time first."""
SHAS = frozenset(BYTES.keys() - {"CRC32"})


def text(crc: int) -> str:
    """Return a CRC32 as S3 writes it."""
    return binascii.b2a_base64(crc.to_bytes(4, "big"), newline=False).decode()


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
        return text(self._crc)


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
