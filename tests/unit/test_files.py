"""Replacement: the old file or the whole new one, with its permissions, and nothing beside it."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

import pytest

from s3_bucket._async import _files
from s3_bucket._async._files import Replacement
from s3_bucket.exceptions import InvalidInput

if TYPE_CHECKING:
    from pathlib import Path

UMASK = 0o027


@pytest.fixture(autouse=True)
def umask() -> Any:
    """Set a umask of our own."""
    before = os.umask(UMASK)
    yield
    os.umask(before)


def replaced(path: str | os.PathLike[str], data: bytes = b"new") -> None:
    """Replace a file."""
    file = Replacement(path)
    try:
        file.create()
        file.write(memoryview(data)[1:], 1)
        file.write(memoryview(data)[:1], 0)
        file.publish()
    finally:
        file.discard()


def mode(path: Path) -> int:
    """Return a file's permissions."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file(tmp_path: Path) -> None:
    """A new file has the permissions that open() would give it, but nobody else's while it is written."""
    file = Replacement(tmp_path / "file")
    file.create()
    (beside,) = tmp_path.iterdir()
    assert mode(beside) == 0o600
    assert beside.name.startswith(".file.")
    file.publish()
    file.discard()
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
    assert mode(tmp_path / "file") == 0o666 & ~UMASK


def test_an_old_file(tmp_path: Path) -> None:
    """A file that is there is replaced, and its permissions kept."""
    path = tmp_path / "file"
    path.write_bytes(b"old and longer")
    path.chmod(0o640)
    replaced(str(path))
    assert (path.read_bytes(), mode(path)) == (b"new", 0o640)


def test_given_up(tmp_path: Path) -> None:
    """What is discarded leaves the old file; discarding what was never begun, or twice, does nothing."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    file = Replacement(path)
    file.discard()
    file.create()
    file.write(memoryview(b"half"), 0)
    file.discard()
    file.discard()
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"old"


def test_a_symlink_stays(tmp_path: Path) -> None:
    """Of a symlink, what it points to is replaced."""
    (tmp_path / "a").mkdir()
    target, link = tmp_path / "a" / "target", tmp_path / "link"
    link.symlink_to(target)
    replaced(link)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_what_can_not_be_replaced(tmp_path: Path) -> None:
    """A directory, a FIFO, a missing parent and a name that is too long are errors, and leave nothing."""
    (tmp_path / "dir").mkdir()
    os.mkfifo(tmp_path / "fifo")
    Replacement(tmp_path / "file").publish()  # never begun, it does nothing
    for name, kind in (
        ("dir", IsADirectoryError),
        ("new/", IsADirectoryError),
        ("fifo", InvalidInput),
        ("no/file", FileNotFoundError),
        ("dir/../no/../no/x", FileNotFoundError),
    ):
        with pytest.raises(kind):
            replaced(f"{tmp_path}/{name}")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["dir", "fifo"]


@pytest.mark.parametrize("name", ["a" * 255, "ä" * 127, "x"])
def test_long_names(name: str, tmp_path: Path) -> None:
    """Every name that a file can have can be replaced."""
    replaced(tmp_path / name)
    assert (tmp_path / name).read_bytes() == b"new"


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    """A name that no file can have is an error that leaves nothing."""
    with pytest.raises(OSError, match="too long"):
        replaced(tmp_path / ("a" * 256))
    assert list(tmp_path.iterdir()) == []


def test_a_read_only_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that may not be written is not replaced, though its directory could be."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(_files.os, "access", lambda *_, **__: False)  # root may write all
    with pytest.raises(PermissionError):
        replaced(path)
    assert path.read_bytes() == b"old"


def test_a_planted_link_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link of the temporary file's name is neither followed nor removed."""
    monkeypatch.setattr(_files.secrets, "token_hex", lambda _: "known")
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / f".file.known{_files.SUFFIX}").symlink_to(victim)
    with pytest.raises(FileExistsError):
        replaced(tmp_path / "file")
    assert victim.read_bytes() == b"precious"
    assert len(list(tmp_path.iterdir())) == 2


def test_short_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that takes less than it was given goes on."""
    whole = os.pwrite
    monkeypatch.setattr(_files.os, "pwrite", lambda fd, data, at: whole(fd, data[:3], at))
    replaced(tmp_path / "file", bytes(range(50)))
    assert (tmp_path / "file").read_bytes() == bytes(range(50))


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a write fails, the old file stays and the temporary one goes."""
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_files.os, "pwrite", full)
    with pytest.raises(OSError, match="No space"):
        replaced(path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("content", [None, "", "Umask:\tx\n"])
def test_the_umask_elsewhere(content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system does not tell the umask in a file, it is asked for, and stays."""
    status = tmp_path / "status"
    if content is not None:
        status.write_text(content)
    monkeypatch.setattr(_files, "Path", lambda *_: status)
    assert _files._umask() == UMASK
    assert _files._umask() == UMASK


@pytest.mark.parametrize("value", [5, None, b"bytes"])
def test_no_paths(value: Any) -> None:
    """What is no path is refused."""
    with pytest.raises(InvalidInput, match="local_filepath"):
        Replacement(value)


def test_a_path_with_a_nul() -> None:
    """A path that no system has is refused as an argument."""
    with pytest.raises(InvalidInput, match="local_filepath"):
        replaced("a\0b")
