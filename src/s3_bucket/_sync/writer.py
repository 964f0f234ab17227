# Generated from s3_bucket/_async/writer.py: change that and run python -m s3_bucket._sync._generate
"""Writer: the blocking face of AsyncWriter, from s3_bucket._async.writer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_bucket._sync._facade import FileWriter

if TYPE_CHECKING:
    from s3_bucket._async.writer import AsyncWriter
    from s3_bucket._models import Buffer, ObjectInfo


class Writer(FileWriter):
    """An object being written, piece by piece.

    Closing it early, or dropping it, publishes nothing: the object appears when the ``with`` block of open_writer()
    ends without an exception.
    """

    _async: AsyncWriter

    @property
    def info(self) -> ObjectInfo:
        """What was stored; known when the ``with`` block has ended.

        Raises:
            InvalidInput: it hasn't.
        """
        return self._async.info

    def write(self, data: Buffer, /) -> int:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Take more bytes; return how many. Waits while part_size x max_concurrency bytes are on their way.

        Raises:
            InvalidInput: it isn't bytes, or the writer is closed.
            BucketException: whatever put() raises; nothing will be published then.
        """
        return super().write(data)

    def close(self) -> None:
        """Take no more bytes. The object still appears when the ``with`` block ends, not before."""
        super().close()
