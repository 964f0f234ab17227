"""Files that outlive their process, for the next one to go on with. Everything here blocks: it is called in threads.

What is found is never trusted: another process may be at it, another user may have put it there, and a crash of the
machine may have left anything in it.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import stat
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3_bucket import _unfinished
from s3_bucket._async._files import SUFFIX, Replacement, hidden_name
from s3_bucket.exceptions import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s3_bucket._unfinished import BegunDownload, Range

READ_SIZE = 1024 * 1024
"""Bytes that are read at a time."""


def upload_journal(*names: str | None) -> Journal:
    """Return the journal of the upload that these names together stand for.

    It is no cache, and none of the user's files: https://specifications.freedesktop.org/basedir-spec/
    """
    name = hashlib.sha256(json.dumps(names).encode()).hexdigest()
    return Journal(_state_directory() / "s3-bucket" / "uploads" / f"{name[:32]}.json")


def _state_directory() -> Path:
    given = Path(os.environ.get("XDG_STATE_HOME", ""))
    if given.is_absolute():
        return given
    try:
        return Path.home() / ".local" / "state"
    except RuntimeError as error:
        msg = "resume: there is no home directory in which to note what has begun; set XDG_STATE_HOME to a directory"
        raise InvalidInput(msg, argument="resume") from error


class Journal:
    """A small file that one at a time has: another process that asks for it meanwhile is told so."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1

    def make(self) -> bool:
        """Take it, or make it, and its directory; return whether nobody else has it."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.open()

    def open(self) -> bool:
        """Take it, or make it; return whether nobody else has it."""
        return self._taken(os.O_CREAT)

    def reopen(self) -> bool:
        """Take it, if it is there; return whether it is, and nobody else has it."""
        try:
            return self._taken(0)
        except FileNotFoundError:
            return False

    def _taken(self, flags: int) -> bool:
        while (fd := opened(self._path, flags)) is not None:
            self._fd = fd
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                self._release()
                if not isinstance(error, BlockingIOError):  # the file system has no locks, say
                    raise
                return False
            if self._is_there():
                return True
            self._release()  # whoever had it has removed it meanwhile
        return False

    def _is_there(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._fd), self._path.stat(follow_symlinks=False))
        except FileNotFoundError:
            return False

    def read(self) -> bytes:
        """Return all of it."""
        return b"".join(pieces(self._fd, 0, os.fstat(self._fd).st_size))

    def begin(self, text: bytes) -> None:
        """Let it hold this and nothing else, also when the machine crashes."""
        self.clear()
        self.append(text)
        os.fsync(self._fd)

    def append(self, text: bytes) -> None:
        """Write at its end."""
        os.lseek(self._fd, 0, os.SEEK_END)
        while text:
            text = text[os.write(self._fd, text) :]

    def clear(self) -> None:
        """Let it hold nothing: then it goes when it is closed."""
        os.ftruncate(self._fd, 0)

    def close(self) -> None:
        """Let others have it."""
        if self._fd >= 0:
            try:
                if not os.fstat(self._fd).st_size:
                    self._path.unlink(missing_ok=True)  # before the others may have it
            finally:
                self._release()

    def _release(self) -> None:
        fd, self._fd = self._fd, -1
        try:
            fcntl.flock(fd, fcntl.LOCK_UN)  # a child that was forked meanwhile would have it still
        finally:
            os.close(fd)


class PartFile(Replacement):
    """A temporary file that is found again, by its destination's name, with a journal of what has arrived in it."""

    def __init__(self, destination: str | os.PathLike[str]) -> None:
        super().__init__(destination)
        self._journal = Journal(Path())
        self._is_worth_it = False

    def open(self) -> bool:
        """Take it, or make it; return whether nobody else has it. Raise if the destination can't be written."""
        self._find()
        name = self._destination.name
        ending = f".{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}{SUFFIX}"
        part, journal = (self._destination.with_name(hidden_name(name, end)) for end in (ending, f"{ending}-journal"))
        self._journal = Journal(journal)
        if not self._journal.open():
            return False
        fd = opened(part, os.O_CREAT)
        if fd is None:
            self._journal.clear()
            return False
        self._fd, self._temporary = fd, part
        return True

    def load(self) -> tuple[BegunDownload | None, list[Range]]:
        """Return what has begun, and what is said to have arrived of it."""
        begun, ranges = _unfinished.download_of(self._journal.read())
        self._is_worth_it = bool(ranges)
        return begun, ranges

    def begin(self, begun: BegunDownload) -> None:
        """Begin anew."""
        self.forget()
        os.ftruncate(self._fd, 0)
        self._journal.begin(_unfinished.text(begun))

    def put(self, data: memoryview, arrived: Range) -> None:
        """Write the data at its place, and then note that it has arrived."""
        self.write(data, arrived.start)
        self._journal.append(_unfinished.range_line(arrived))
        self._is_worth_it = True

    def holds(self, arrived: Range) -> bool:
        """Whether what has arrived is really there."""
        crc, at = 0, arrived.start
        for piece in pieces(self._fd, arrived.start, arrived.stop):
            crc, at = zlib.crc32(piece, crc), at + len(piece)
        return (crc, at) == (arrived.crc, arrived.stop)

    def forget(self) -> None:
        """Note that nothing has arrived: then nothing is kept."""
        self._journal.clear()
        self._is_worth_it = False

    def publish_whole(self, size: int) -> None:
        """Let it take the destination's place: all of its bytes have arrived."""
        os.ftruncate(self._fd, size)
        self.publish()
        self._journal.clear()

    def leave(self) -> None:
        """Keep what is worth it, and let others have it."""
        try:
            if self._temporary is not None and not self._is_worth_it:
                self.forget()
                self.discard()
            self._close()
        finally:
            self._journal.close()


def opened(path: Path, flags: int) -> int | None:
    """Open a file for reading and writing; None if it isn't the user's own, as in a directory that others share.

    Whoever else could write into it could change what is published, and a link could lead anywhere.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | flags, 0o600)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        return None
    found = os.fstat(fd)
    if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_nlink <= 1:
        return fd
    os.close(fd)
    return None


def add_up(fd: int, start: int, stop: int, *sums: Any) -> None:
    """Have each of the sums take the bytes from start to stop."""
    for piece in pieces(fd, start, stop):
        for each in sums:
            each.update(piece)


def pieces(fd: int, start: int, stop: int) -> Iterator[bytes]:
    """Read the bytes from start to stop, as far as there are any, piece by piece."""
    while start < stop and (piece := os.pread(fd, min(READ_SIZE, stop - start), start)):
        yield piece
        start += len(piece)
