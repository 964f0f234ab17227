"""Files below a directory, which no symlink leads out of. Everything here blocks: it is called in worker threads.

Each path is gone down name by name from the directory's descriptor, with O_NOFOLLOW: what somebody puts in the way
between the plan and its run, or in the middle of it, is an error, and nothing outside is read or written.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from s3_bucket._async._files import _EFFECTIVE_IDS, Replacement, _temporary_name, _umask
from s3_bucket._async._sources import FileSource, state_of
from s3_bucket._directories._tree import Kind, Local
from s3_bucket.exceptions import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from s3_bucket._sums import Sum

BATCH = 1_000
"""So many entries of a directory are taken in one visit of a worker thread."""
READ_SIZE = 256 * 1024
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class Root:
    """A local directory."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._is_made = False

    @cached_property
    def new_mode(self) -> int:
        """The mode of new files: asked for once, for it takes reading a file."""
        return 0o666 & ~_umask()

    @contextmanager
    def parent(self, path: str, *, make: bool = False) -> Generator[tuple[int, str], None, None]:
        """Give the descriptor of the directory that a path stands in, and the path's last name."""
        directory, _, name = path.rstrip("/").rpartition("/")
        fd = self._descend(directory, make=make)
        try:
            yield fd, name
        finally:
            os.close(fd)

    def _descend(self, directory: str, *, make: bool = False) -> int:
        if make and not self._is_made:
            Path(self.path).mkdir(parents=True, exist_ok=True)
            self._is_made = True
        fd = os.open(self.path, _DIRECTORY)  # the directory that the user named may be a symlink itself
        for name in directory.split("/") if directory else ():
            try:
                below = _open_directory(name, fd, make=make)
            finally:
                os.close(fd)
            fd = below
        return fd

    def make(self, path: str) -> None:
        """Make a directory."""
        os.close(self._descend(path.rstrip("/"), make=True))

    def require(self) -> None:
        """Raise unless the directory is there."""
        os.close(self._descend(""))

    def remove(self, path: str, state: tuple[int, int] | None) -> None:
        """Delete a file that is still as it was when the plan was made."""
        with self.parent(path) as (fd, name):
            _check(path, _state(fd, name), state)
            os.unlink(name, dir_fd=fd)

    def sums_to(self, path: str, size: int, sums: list[Sum], *wanted: str) -> bool:
        """Whether one of the sums of a file's bytes is what is wanted; a file that can't be read has none."""
        try:
            with self.parent(path) as (fd, name), os.fdopen(os.open(name, _FILE, dir_fd=fd), "rb", 0) as file:
                left = size
                while data := file.read(READ_SIZE):
                    left -= len(data)
                    for each in sums:
                        each.update(data)
        except OSError:
            return False
        return left == 0 and not {each.text() for each in sums}.isdisjoint(wanted)

    # What is there

    def walk(self, leaves_out: Callable[[str], bool]) -> Iterator[Local]:
        """Yield all that stands below, in the order of S3's keys."""
        open_directories = [iter(self._entries(""))]
        while open_directories:
            entry = next(open_directories[-1], None)
            if entry is None:
                open_directories.pop()
                continue
            yield entry
            if entry.kind is Kind.DIRECTORY and not leaves_out(entry.path.removesuffix("/")):
                open_directories.append(iter(self._entries(entry.path)))

    def _entries(self, directory: str) -> list[Local]:
        """Return what stands in a directory, sorted."""
        try:
            fd = self._descend(directory.rstrip("/"))
        except FileNotFoundError:
            return []
        except OSError as error:
            return [Local(directory, Kind.UNREADABLE, why=f"the directory can't be read: {error.strerror}")]
        try:
            with os.scandir(fd) as found:
                entries = [_entry(directory, each) for each in found]
        finally:
            os.close(fd)
        return sorted(each for each in entries if each is not None)

    def folds_case(self) -> bool:
        """Whether "a" and "A" are one name here.

        Asked without writing anything: of a name that is there, in the directory, or of the directory itself, or of
        those that it stands in.
        """
        directory = Path(os.path.realpath(self.path))
        known = [*directory.parents[::-1], directory]
        with suppress(OSError), os.scandir(directory) as found:
            known += [directory / each.name for each in islice(found, BATCH)]
        for path in reversed(known):
            if path.name.swapcase() != path.name and os.path.lexists(path):
                return _is_same(path, path.with_name(path.name.swapcase()))
        return False


class Placed(Replacement):
    """A file below a directory that is replaced whole or not at all, if it still is as it was.

    Args:
        root: the directory.
        path: relative to it.
        state: what the plan found there: (size, mtime in nanoseconds); None for nothing.
    """

    def __init__(self, root: Root, path: str, state: tuple[int, int] | None) -> None:
        super().__init__(f"{root.path}/{path}")
        self._root = root
        self._path = path
        self._state = state
        self._directory = -1
        self._name = ""
        self._hidden = ""

    def create(self) -> None:
        """Make the temporary file, and the directories on the way; raise if the destination can't be written."""
        with self._root.parent(self._path, make=True) as (fd, self._name):
            self._directory = os.dup(fd)
        self._mode = self._checked_mode()
        hidden = _temporary_name(self._name)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._fd = os.open(hidden, flags, 0o600, dir_fd=self._directory)
        self._hidden = hidden

    def _checked_mode(self) -> int:
        """Return the mode that the file is to have; raise if the destination is not what it was, or is protected."""
        _check(self._path, _state(self._directory, self._name), self._state)
        if self._state is None:
            return self._root.new_mode
        found = os.stat(self._name, dir_fd=self._directory, follow_symlinks=False)
        if not os.access(self._name, os.W_OK, dir_fd=self._directory, effective_ids=_EFFECTIVE_IDS):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), self._given)
        return stat.S_IMODE(found.st_mode)

    def put(self, data: bytes) -> None:
        """Do all at once, where all that comes is at hand: each visit of a worker thread takes its time."""
        try:
            self.create()
            self.write(memoryview(data), 0)
            self.publish()
        finally:
            self.discard()

    def publish(self) -> None:
        """Let the temporary file take the destination's place."""
        os.fchmod(self._fd, self._mode)
        self._close()
        _check(self._path, _state(self._directory, self._name), self._state)
        os.replace(self._hidden, self._name, src_dir_fd=self._directory, dst_dir_fd=self._directory)
        self._hidden = ""

    def discard(self) -> None:
        """Remove the temporary file, if it has not been published."""
        self._close()
        if self._hidden:
            hidden, self._hidden = self._hidden, ""
            with suppress(FileNotFoundError):
                os.unlink(hidden, dir_fd=self._directory)
        if self._directory >= 0:
            directory, self._directory = self._directory, -1
            os.close(directory)


class PlacedSource(FileSource):
    """A file below a directory, to be read as it was when the plan was made."""

    def __init__(self, root: Root, path: str, state: tuple[int, int] | None) -> None:
        super().__init__(f"{root.path}/{path}")
        self._root = root
        self._relative = path
        self._planned = state

    def _open(self) -> None:
        with self._root.parent(self._relative) as (fd, name):
            self._fd = os.open(name, _FILE, dir_fd=fd)
        found = os.fstat(self._fd)
        _check(self._relative, _regular(found), self._planned)
        self._state = state_of(found)
        self.size: int | None = found.st_size


def absolute(path: str) -> str:
    """Return a path that stays the same where the working directory changes; symlinks stay in it."""
    return os.path.abspath(path)  # noqa: PTH100  # resolve() would follow them


def take(entries: Iterator[Local], chosen: Callable[[str], bool]) -> list[Local]:
    """Return the next entries that take part: none if there are no more."""
    while batch := list(islice(entries, BATCH)):
        taken = [each for each in batch if each.kind is Kind.DIRECTORY or chosen(each.path)]
        if taken:
            return taken
    return []


def all_sums(root: Root, wanted: Iterable[tuple[str, int, list[Sum], str]]) -> list[bool]:
    """Return for each (path, size, sums, etag) whether one of the file's sums is that."""
    return [bool(sums) and root.sums_to(path, size, sums, etag) for path, size, sums, etag in wanted]


def _open_directory(name: str, parent: int, *, make: bool) -> int:
    try:
        return os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
    except FileNotFoundError:
        if not make:
            raise
    with suppress(FileExistsError):  # another thread was faster
        os.mkdir(name, dir_fd=parent)
    return os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)


def _entry(directory: str, found: os.DirEntry[str]) -> Local | None:
    """Return what a directory's entry is; None if it has gone meanwhile."""
    path = directory + found.name
    try:
        found.name.encode()
    except UnicodeEncodeError:
        return Local(path, Kind.NAMELESS, why="its name is not UTF-8, as a key must be")
    try:
        state = found.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(state.st_mode):
        return Local(path + "/", Kind.DIRECTORY)
    if stat.S_ISREG(state.st_mode):
        return Local(path, Kind.FILE, state.st_size, state.st_mtime_ns)
    return Local(path, Kind.OTHER, why="a symlink" if stat.S_ISLNK(state.st_mode) else "no regular file")


def _state(directory: int, name: str) -> tuple[int, int] | None:
    try:
        return _regular(os.stat(name, dir_fd=directory, follow_symlinks=False))
    except FileNotFoundError:
        return None


def _regular(found: os.stat_result) -> tuple[int, int]:
    """Return what a plan knows of a file; of anything else what no file has."""
    return state_of(found) if stat.S_ISREG(found.st_mode) else (-1, -1)


def _check(path: str, found: tuple[int, int] | None, planned: tuple[int, int] | None) -> None:
    if found != planned:
        msg = f"the local {path!r} is not what it was when the plan was made; nothing was done to it; plan again"
        raise IntegrityError(msg)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return os.path.samestat(one.lstat(), other.lstat())
    except OSError:
        return False
