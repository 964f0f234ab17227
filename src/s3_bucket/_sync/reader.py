# Generated from s3_bucket/_async/reader.py: change that and run python -m s3_bucket._sync._generate
"""Reader: the blocking face of AsyncReader, from s3_bucket._async.reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_bucket._sync._facade import FileReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s3_bucket._async.reader import AsyncReader
    from s3_bucket._models import ObjectInfo


class Reader(FileReader):
    """An object being read, piece by piece.

    Iterating gives chunks of 1 MiB. Wherever Python wants a binary file, the blocking face's reader is one.

    Attributes:
        info: the object, as it was when it was opened.
    """

    _async: AsyncReader

    @property
    def info(self) -> ObjectInfo:
        """The object, as it was when it was opened."""
        return self._async.info

    def read(self, n: int | None = -1, /) -> bytes:
        """Read and return up to n bytes, fewer only at the end; all that is left if n is negative or None.

        Raises:
            IntegrityError: the object was replaced since it was opened; or all of it was read, one byte after
                another, and is not what the server's checksum says.
            InvalidInput: the reader is closed.
            BucketException: whatever get() raises.
        """
        return super().read(n)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a position in bytes: from the start (whence 0), from here (1) or from the end (2); return it.

        Raises:
            InvalidInput: the position lies before the start, or whence is none of the three.
        """
        return super().seek(offset, whence)

    def tell(self) -> int:
        """Return the position in bytes."""
        return super().tell()

    def __iter__(self) -> Iterator[bytes]:
        """Iterate over what is left, in chunks of 1 MiB."""
        return super().__iter__()

    def close(self) -> None:
        """Stop fetching; reading is an error afterwards."""
        super().close()
