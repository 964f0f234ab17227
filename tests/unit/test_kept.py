"""Files that outlive their process: one at a time has them, and what others have put there is not touched."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from s3_bucket._async import _kept
from s3_bucket._async._files import SUFFIX
from s3_bucket._async._kept import Journal, PartFile
from s3_bucket._unfinished import BegunDownload, Range
from s3_bucket.exceptions import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DATA = b"some bytes"
WHOLE = Range(0, len(DATA), zlib.crc32(DATA))
BEGUN = BegunDownload(None, "bucket", "key", None, "etag", len(DATA), {})


def names(directory: Path) -> list[str]:
    """Return what is in a directory."""
    return sorted(path.name for path in directory.iterdir())


# Journals


def test_a_journal(tmp_path: Path) -> None:
    """What is noted is found again, and goes when it is cleared."""
    journal = Journal(tmp_path / "new" / "directory" / "journal")
    assert not journal.reopen()
    assert journal.make()
    assert journal.read() == b""
    journal.begin(b"old")
    journal.begin(b"new\n")
    journal.append(b"more\n")
    journal.close()
    journal.close()
    directory = tmp_path / "new" / "directory"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (directory, directory / "journal")] == [0o700, 0o600]
    assert journal.reopen()
    assert journal.read() == b"new\nmore\n"
    journal.append(b"end\n")
    assert journal.read() == b"new\nmore\nend\n"
    journal.clear()
    journal.close()
    assert names(directory) == []


def test_one_at_a_time(tmp_path: Path) -> None:
    """While one has it, nobody else gets it, of the same process neither; then the next one does."""
    one, two = Journal(tmp_path / "journal"), Journal(tmp_path / "journal")
    assert one.open()
    assert not two.open()
    assert not two.reopen()
    two.close()
    one.begin(b"kept")
    one.close()
    assert two.reopen()
    two.close()


def test_removed_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who gets the lock of a file that has been removed, or replaced, before, takes the one that is there now."""
    path = tmp_path / "journal"
    one, two = Journal(path), Journal(path)
    locked: list[int] = []

    def lock(fd: int, operation: int) -> None:
        locked.append(operation)
        if len(locked) == 1:
            path.unlink()
        if len(locked) == 3:
            path.unlink()
            path.touch()
        flock(fd, operation)

    flock = fcntl.flock
    monkeypatch.setattr(_kept.fcntl, "flock", lock)
    assert one.open()
    monkeypatch.undo()
    assert locked.count(fcntl.LOCK_EX | fcntl.LOCK_NB) == 3
    assert not two.open()
    one.close()
    assert names(tmp_path) == []


def test_no_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a file system has no locks, that is an error, and no file stays open."""

    def none(_: int, operation: int) -> None:
        if operation != fcntl.LOCK_UN:
            raise OSError(errno.ENOLCK, "No locks available")

    opened: list[int] = []
    monkeypatch.setattr(_kept.fcntl, "flock", none)
    monkeypatch.setattr(_kept, "opened", lambda *given: opened.append(_open(*given)) or opened[-1])
    with pytest.raises(OSError, match="No locks"):
        Journal(tmp_path / "journal").open()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(opened[-1])


_open = _kept.opened


def test_short_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that takes less than it was given goes on, and so does a read."""
    journal = Journal(tmp_path / "journal")
    assert journal.open()
    write = os.write
    monkeypatch.setattr(_kept.os, "write", lambda fd, data: write(fd, data[:3]))
    monkeypatch.setattr(_kept, "READ_SIZE", 4)
    journal.append(DATA)
    assert journal.read() == DATA
    journal.close()


def link(path: Path) -> None:
    """Make a link to another file of the user's."""
    path.symlink_to(path.with_name("mine"))


def second_name(path: Path) -> None:
    """Give another file of the user's this name, too."""
    path.hardlink_to(path.with_name("mine"))


@pytest.mark.parametrize("plant", [link, second_name, os.mkfifo])
def test_what_others_have_planted(plant: Callable[[Path], None], tmp_path: Path) -> None:
    """What isn't the user's own file is not opened, and nothing is written anywhere."""
    (tmp_path / "mine").write_bytes(b"precious")
    plant(tmp_path / "journal")
    assert not Journal(tmp_path / "journal").open()
    assert (tmp_path / "mine").read_bytes() == b"precious"


def test_another_users_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of another user is not used: who owns it could change what is published."""
    (tmp_path / "journal").touch()
    monkeypatch.setattr(_kept.os, "geteuid", lambda: 4_294_967_000)
    assert not Journal(tmp_path / "journal").open()


def test_a_directory_in_its_place(tmp_path: Path) -> None:
    """A directory of that name is an error that names it."""
    (tmp_path / "journal").mkdir()
    with pytest.raises(IsADirectoryError, match="journal"):
        Journal(tmp_path / "journal").open()


@pytest.mark.parametrize("given", [None, "", "relative/path"])
def test_the_home_directory(given: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where XDG_STATE_HOME names no absolute path, it is ignored, as its specification says."""
    monkeypatch.setenv("HOME", str(tmp_path))
    if given is None:
        monkeypatch.delenv("XDG_STATE_HOME")
    else:
        monkeypatch.setenv("XDG_STATE_HOME", given)
    journal = _kept.upload_journal("endpoint", "bucket", "key", "path")
    assert journal.make()
    assert [path.name for path in (tmp_path / ".local" / "state" / "s3-bucket" / "uploads").iterdir()] != []
    journal.close()


def test_no_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no directory at all, that is said."""

    def homeless(*_: object) -> Path:
        raise RuntimeError("no home")

    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setattr(_kept.Path, "home", homeless)
    with pytest.raises(InvalidInput, match="XDG_STATE_HOME") as caught:
        _kept.upload_journal("name")
    assert caught.value.argument == "resume"


def test_every_upload_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Uploads from elsewhere, or to elsewhere, have other journals."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for given in (("a", "bc"), ("ab", "c"), ("a", "bc", None), (None, "a", "bc"), ("a", "bc")):
        journal = _kept.upload_journal(*given)
        assert journal.make()
        journal.begin(b"text")
        journal.close()
    assert len(names(tmp_path / "s3-bucket" / "uploads")) == 4


# Part files


def opened(path: Path) -> PartFile:
    """Open the part file of a destination."""
    file = PartFile(path)
    assert file.open()
    return file


def kept(path: Path) -> None:
    """Leave something that has arrived."""
    file = opened(path)
    file.begin(BEGUN)
    file.put(memoryview(DATA), WHOLE)
    file.leave()


def test_kept(tmp_path: Path) -> None:
    """What has arrived is found again, by the destination's name, with the note of it."""
    path = tmp_path / "file"
    kept(path)
    part, journal = names(tmp_path)
    assert (part.endswith(SUFFIX), journal) == (True, f"{part}-journal")
    assert {stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()} == {0o600}
    file = opened(path)
    assert file.load() == (BEGUN, [WHOLE])
    assert file.holds(WHOLE)
    assert not file.holds(WHOLE._replace(crc=WHOLE.crc ^ 1))
    assert not file.holds(WHOLE._replace(stop=WHOLE.stop + 1))
    file.publish_whole(len(DATA))
    file.leave()
    assert names(tmp_path) == ["file"]
    assert path.read_bytes() == DATA


def test_published_as_long_as_it_should_be(tmp_path: Path) -> None:
    """What stands behind the object's end is not published."""
    kept(tmp_path / "file")
    file = opened(tmp_path / "file")
    file.write(memoryview(b"more"), len(DATA) - 2)
    file.publish_whole(len(DATA) - 2)
    file.leave()
    assert (tmp_path / "file").read_bytes() == DATA[:-2]


def nothing(_: PartFile) -> None:
    """Do nothing."""


@pytest.mark.parametrize("end", [nothing, PartFile.load, lambda file: file.begin(BEGUN), PartFile.forget])
def test_not_worth_keeping(end: Callable[[PartFile], Any], tmp_path: Path) -> None:
    """Where nothing has arrived, nothing is left."""
    file = opened(tmp_path / "file")
    end(file)
    file.leave()
    file.leave()
    assert names(tmp_path) == []


def test_begun_anew(tmp_path: Path) -> None:
    """What begins anew has nothing of what was there before."""
    kept(tmp_path / "file")
    file = opened(tmp_path / "file")
    file.begin(BEGUN)
    assert file.load() == (BEGUN, [])
    assert not file.holds(WHOLE)
    file.leave()
    assert names(tmp_path) == []


def test_part_of_another(tmp_path: Path) -> None:
    """While one has it, or if somebody has put a link there, another doesn't get it, and leaves it alone."""
    kept(tmp_path / "file")
    part, _ = names(tmp_path)
    one, two = opened(tmp_path / "file"), PartFile(tmp_path / "file")
    assert not two.open()
    two.leave()
    one.load()
    one.leave()
    (tmp_path / part).unlink()
    (tmp_path / part).symlink_to("victim")
    assert not two.open()
    two.leave()
    assert names(tmp_path) == [part]
    assert (tmp_path / part).is_symlink()


def test_a_destination_that_vanishes(tmp_path: Path) -> None:
    """What can't be published in the end is kept."""
    kept(tmp_path / "file")
    file = opened(tmp_path / "file")
    file.load()
    (tmp_path / "file").mkdir()
    with pytest.raises(IsADirectoryError):
        file.publish_whole(len(DATA))
    file.leave()
    assert len(names(tmp_path)) == 3
    (tmp_path / "file").rmdir()
    file = opened(tmp_path / "file")
    assert file.load() == (BEGUN, [WHOLE])
    file.leave()


@pytest.mark.parametrize("name", ["a" * 255, "ä" * 127])
def test_long_names(name: str, tmp_path: Path) -> None:
    """Files of the longest names, that are alike at their beginnings, have parts of their own."""
    others = [name[:-1] + ending for ending in "bc"]
    for other in others:
        kept(tmp_path / other)
    assert len(names(tmp_path)) == 4
    file = opened(tmp_path / others[0])
    assert file.load() == (BEGUN, [WHOLE])
    file.leave()
