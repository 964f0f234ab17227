"""A file that is replaced whole or not at all. Everything here blocks: it is called in worker threads."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from pathlib import Path

from s3_bucket.exceptions import InvalidInput

LONGEST_NAME = 255
"""Bytes that a file's name can have on every file system in use."""
WRITE_SIZE = 256 * 1024
"""Bytes that are written at a time. A file system takes memory for as much as it is given in one piece, if it can find
so much in one: on a machine whose memory is in use, that search costs up to ten times what the writing does."""
SUFFIX = ".s3part"
"""By this, what a killed process left behind is recognised."""
_EFFECTIVE_IDS = os.access in os.supports_effective_ids  # a server may act for others: who it is now counts


class Replacement:
    """A temporary file beside a destination, that takes its place when it is whole."""

    def __init__(self, destination: str | os.PathLike[str]) -> None:
        given = os.fspath(destination) if isinstance(destination, str | os.PathLike) else None
        if not isinstance(given, str) or "\0" in given:
            msg = f"local_filepath: expected a path, not {destination!r}"
            raise InvalidInput(msg, argument="local_filepath")
        self._given = given
        self._destination = Path()
        self._temporary: Path | None = None
        self._fd = -1
        self._mode = 0

    def create(self) -> None:
        """Make the temporary file; raise if the destination can't be written."""
        self._find()
        temporary = self._destination.with_name(_temporary_name(self._destination.name))
        # In a shared directory somebody may have put a link of that name there: never follow it, never open it.
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._fd = os.open(temporary, flags, 0o600)
        self._temporary = temporary

    def _find(self) -> None:
        if self._given.endswith(os.sep):  # realpath() would forget it
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), self._given)
        # A symlink stays one: what it points to is replaced.
        self._destination = Path(os.path.realpath(self._given))
        self._mode = self._mode_of_destination()

    def _mode_of_destination(self) -> int:
        try:
            found = self._destination.stat()
        except FileNotFoundError:
            return 0o666 & ~_umask()
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), self._given)
        if not stat.S_ISREG(found.st_mode):
            msg = f"local_filepath: {self._given!r} is no regular file; open it, and write what open_reader() reads"
            raise InvalidInput(msg, argument="local_filepath")
        if not os.access(self._destination, os.W_OK, effective_ids=_EFFECTIVE_IDS):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), self._given)
        return stat.S_IMODE(found.st_mode)

    def write(self, data: memoryview, offset: int) -> None:
        """Write all of the data at its place."""
        while data:
            written = os.pwrite(self._fd, data[:WRITE_SIZE], offset)
            data, offset = data[written:], offset + written

    def publish(self) -> None:
        """Let the temporary file take the destination's place."""
        if self._temporary is not None:
            os.fchmod(self._fd, self._mode)
            self._close()
            self._temporary.replace(self._destination)
            self._temporary = None

    def discard(self) -> None:
        """Remove the temporary file, if it has not been published."""
        self._close()
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)
            self._temporary = None

    def _close(self) -> None:
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)


def _temporary_name(name: str) -> str:
    return hidden_name(name, f".{secrets.token_hex(8)}{SUFFIX}")


def hidden_name(name: str, ending: str) -> str:
    """Return the name of a hidden file that belongs to the file of this name."""
    kept = os.fsencode(name)[: LONGEST_NAME - len(ending) - 1]
    return f".{os.fsdecode(kept)}{ending}"


def _umask() -> int:
    """Return the process's umask. Asking the C library for it would change it for a moment, in all threads."""
    try:
        return int(Path("/proc/self/status").read_bytes().split(b"\nUmask:", 1)[1].split()[0], 8)
    except (OSError, IndexError, ValueError):
        mask = os.umask(0o077)
        os.umask(mask)
        return mask
