"""Plans of directories: what of two trees is to be transferred, deleted, refused. Pure.

Both trees come sorted by the UTF-8 bytes of their paths, as S3 lists keys, and are joined like two sorted files: nobody
holds all of them. A directory has the path "a/", which stands just before "a/b", as S3's directory markers do.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from s3_bucket._directories._packed import Packed
from s3_bucket._plan import MIB
from s3_bucket.exceptions import IntegrityError, PreconditionFailed

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Iterable, Iterator, Sequence

    from s3_bucket._models import ObjectInfo

LONGEST_NAME = 255
"""Bytes that a file's name can have on every file system in use."""
MOST_READ = 64
"""So many small files are compared in one visit of a worker thread."""
MOST_READ_BYTES = 8 * MIB
"""Such a visit ends after so many bytes."""

_DRIVE = re.compile(r"[A-Za-z]:[/\\]", re.ASCII)
_JUST_AFTER_SLASH = "0"


class Kind(Enum):
    """What stands under a path of the local directory."""

    FILE = "a file"
    DIRECTORY = "a directory"
    OTHER = "neither a file nor a directory"
    UNREADABLE = "not to be read"
    NAMELESS = "a name that is not UTF-8"


class Local(NamedTuple):
    """An entry of the local directory; `why` says what is wrong with it."""

    path: str
    kind: Kind
    size: int = 0
    mtime_ns: int = 0
    why: str = ""


class Remote(NamedTuple):
    """An object below the prefix."""

    path: str
    size: int
    etag: str


class HasPath(Protocol):
    """Whatever can be sorted by its path."""

    @property
    def path(self) -> str:
        """Relative to the directory."""
        ...


L = TypeVar("L", bound=HasPath)


class Pair(NamedTuple, Generic[L]):
    """What stands under one path here and there."""

    path: str
    local: L | None
    remote: Remote | None


class DirItem(NamedTuple):
    """One thing that a plan means to do.

    Attributes:
        action: "upload", "download", "delete", or "make" (a directory).
        path: relative to the directory, with "/" between names.
        key: the object's.
        size: of what is transferred or deleted, in bytes.
        why: "new", "other size", "other content", or "extra" (it is only where it is to be deleted).
        local: (size, mtime in nanoseconds) of the file when the plan was made; None if there was none.
        etag: the object's when the plan was made; None if there was none.
    """

    action: str
    path: str
    key: str
    size: int
    why: str
    local: tuple[int, int] | None
    etag: str | None


class Unplanned(NamedTuple):
    """Something that a plan leaves out.

    Attributes:
        path: relative to the directory, with "/" between names.
        why: what is wrong with it.
    """

    path: str
    why: str


def _item(
    action: str, path: str, key: str, size: int, why: str, local: Sequence[int] | None, etag: str | None
) -> DirItem:
    """Return an item again: JSON has no tuples."""
    return DirItem(action, path, key, size, why, (local[0], local[1]) if local else None, etag)


@dataclass
class Plan:
    """All that is to be done, and what was found besides.

    Attributes:
        action: what is done with the files: "upload" or "download".
        local_dir: the directory's absolute path.
        bucket: the bucket's name.
        prefix: how the keys begin: "" or ending in "/".
        items: what is to be done, in the order of the paths.
        transfers, transfer_bytes, deletions, deletion_bytes, unchanged, unchanged_bytes: how many, how much.
        directories: how many are made for keys that end in "/".
        extra: how many stand at the destination only and stay there.
    """

    action: str
    local_dir: str
    bucket: str
    prefix: str
    items: Packed[DirItem] = field(default_factory=lambda: Packed(_item))
    refused: Packed[Unplanned] = field(default_factory=lambda: Packed(Unplanned))
    skipped: Packed[Unplanned] = field(default_factory=lambda: Packed(Unplanned))
    transfers: int = 0
    transfer_bytes: int = 0
    deletions: int = 0
    deletion_bytes: int = 0
    directories: int = 0
    unchanged: int = 0
    unchanged_bytes: int = 0
    extra: int = 0


def listed(infos: Iterable[ObjectInfo], bucket: str, prefix: str, after: str) -> list[Remote]:
    """Return listed objects as the plan knows them.

    Args:
        infos: the objects of a page.
        bucket: the bucket's name.
        prefix: what was asked for.
        after: the last path of the page before.

    Raises:
        IntegrityError: the keys are not those that were asked for, or not in their order: a plan would take what it
            doesn't find in its place for missing, and overwrite or delete it. (S3's directory buckets don't sort.)
    """
    found: list[Remote] = []
    for info in infos:
        path = info.key.removeprefix(prefix)
        if not info.key.startswith(prefix) or (path <= after and path):
            msg = (
                f"the listing of {prefix!r} in the bucket {bucket!r} is not in the order of its keys, or holds others:"
                f" {info.key!r} comes after {prefix + after!r}; no plan can be made of it"
            )
            raise IntegrityError(msg, bucket=bucket, key=info.key, operation="ListObjectsV2")
        found.append(Remote(path, info.size, info.etag))
        after = path
    return found


def changed(item: DirItem, bucket: str, found: Remote | None) -> PreconditionFailed | None:
    """Return the failure of an item whose object is not what it was when the plan was made; None if it is."""
    if item.etag == (None if found is None else found.etag):
        return None
    what = "deleted" if found is None else "made" if item.etag is None else "replaced"
    msg = f"{item.key!r} in the bucket {bucket!r} was {what} after the plan was made, and is left as it is; plan again"
    return PreconditionFailed(msg, bucket=bucket, key=item.key)


def join(here: deque[L], there: deque[Remote], *, here_ended: bool, there_ended: bool) -> Iterator[Pair[L]]:
    """Take from both what can be paired, before more has come of either."""
    while (here or there) and (here or here_ended) and (there or there_ended):
        if not there or (here and here[0].path < there[0].path):
            local = here.popleft()
            yield Pair(local.path, local, None)
        elif not here or there[0].path < here[0].path:
            far = there.popleft()
            yield Pair(far.path, None, far)
        else:
            local = here.popleft()
            yield Pair(local.path, local, there.popleft())


def needs_reading(pair: Pair[Local]) -> bool:
    """Whether only the content can tell whether both are the same."""
    local, far = pair.local, pair.remote
    if local is None or far is None or local.kind is not Kind.FILE:
        return False
    return local.size == far.size > 0


def chunks(pairs: Iterable[Pair[Local]]) -> Iterator[list[Pair[Local]]]:
    """Cut pairs into lists, each of so many as a worker thread reads in one go."""
    chunk: list[Pair[Local]] = []
    length = 0
    for pair in pairs:
        chunk.append(pair)
        length += pair.remote.size if pair.remote else 0
        if len(chunk) == MOST_READ or length >= MOST_READ_BYTES:
            yield chunk
            chunk, length = [], 0
    if chunk:
        yield chunk


class Files:
    """The files that were passed and below which more may come: "a", then "a-b", then "a/b"."""

    def __init__(self) -> None:
        self._passed: list[tuple[str, str]] = []

    def above(self, path: str) -> tuple[str, str] | None:
        """Return the file that this path lies below, and what was said of it."""
        while self._passed and path >= self._passed[-1][0] + _JUST_AFTER_SLASH:
            self._passed.pop()
        return next((each for each in self._passed if path.startswith(each[0] + "/")), None)

    def passed(self, path: str, what: str) -> None:
        """Note a file."""
        self._passed.append((path, what))


class Spellings:
    """Names in their directories, to find those that a file system takes for one and the same.

    What lies below a directory comes without a gap, so those that are closed can be forgotten.
    """

    def __init__(self) -> None:
        self._open: list[tuple[str, dict[str, str]]] = []

    def other(self, path: str) -> str | None:
        """Return what is spelled otherwise and is the same to the file system, if it was passed."""
        directory = ""
        for depth, name in enumerate(path.rstrip("/").split("/")):
            if len(self._open) <= depth or self._open[depth][0] != directory:
                self._open[depth:] = [(directory, {})]
            known = self._open[depth][1].setdefault(_folded(name), name)
            if known != name:
                return directory + known
            directory += name + "/"
        return None


def _folded(name: str) -> str:
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def unplaceable(path: str) -> str | None:
    """Say why a key can't become a file below a directory; None if it can."""
    if "\0" in path:
        return "no file's name can hold a NUL"
    if path.startswith("/") or _DRIVE.match(path):
        return "it is an absolute path, and would leave the directory"
    if ".." in re.split(r"[/\\]", path):
        return "'..' would leave the directory"
    names = path.removesuffix("/").split("/")
    if "" in names or "." in names:
        return "an empty name, or '.', is no file's name, and another key would become the same file"
    try:
        longest = max(len(name.encode()) for name in names)
    except UnicodeEncodeError:
        return "it can't be encoded as UTF-8"
    return None if longest <= LONGEST_NAME else f"a name in it is longer than {LONGEST_NAME} bytes"
