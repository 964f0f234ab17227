"""Files below a directory: nothing leads out of it, and nothing is replaced that has changed."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from s3_bucket._async import _places
from s3_bucket._async._places import Placed, PlacedSource, Root
from s3_bucket._directories._tree import Kind
from s3_bucket._sums import Crc32
from s3_bucket.exceptions import IntegrityError

if TYPE_CHECKING:
    from pathlib import Path


def state(path: Path) -> tuple[int, int]:
    """Return what a plan knows of a file."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def never(_: str) -> bool:
    """Leave nothing out."""
    return False


def test_a_file_that_appears_meanwhile(tmp_path: Path) -> None:
    """What somebody else has written while a download was on its way is not replaced, and nothing is left."""
    placed = Placed(Root(str(tmp_path)), "d/a", None)
    placed.create()
    placed.write(memoryview(b"ours"), 0)
    (tmp_path / "d" / "a").write_bytes(b"theirs")
    with pytest.raises(IntegrityError):
        placed.publish()
    placed.discard()
    placed.discard()
    assert [path.name for path in (tmp_path / "d").iterdir()] == ["a"]
    assert (tmp_path / "d" / "a").read_bytes() == b"theirs"


def test_a_directory_that_is_moved_away(tmp_path: Path) -> None:
    """A directory that is exchanged for a symlink while a download is on its way: the file stays where it was begun."""
    (tmp_path / "outside").mkdir()
    placed = Placed(Root(str(tmp_path / "root")), "d/a", None)
    placed.create()
    (tmp_path / "root" / "d").rename(tmp_path / "moved")
    (tmp_path / "root" / "d").symlink_to(tmp_path / "outside")
    placed.write(memoryview(b"data"), 0)
    placed.publish()
    placed.discard()
    assert list((tmp_path / "outside").iterdir()) == []
    assert (tmp_path / "moved" / "a").read_bytes() == b"data"


def test_a_temporary_file_that_is_gone(tmp_path: Path) -> None:
    """Somebody who cleans up may be faster."""
    placed = Placed(Root(str(tmp_path)), "a", None)
    placed.create()
    for path in tmp_path.iterdir():
        path.unlink()
    placed.discard()
    assert list(tmp_path.iterdir()) == []


def test_two_threads_make_one_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes second uses the directory that the first has made."""
    make = os.mkdir

    def slower(*arguments: Any, **keywords: Any) -> None:
        make(*arguments, **keywords)
        make(*arguments, **keywords)

    monkeypatch.setattr(os, "mkdir", slower)
    Root(str(tmp_path)).make("a/b/")
    assert (tmp_path / "a" / "b").is_dir()


def test_sums(tmp_path: Path) -> None:
    """A file has a sum if it is as long as is said, and can be read."""
    (tmp_path / "a").write_bytes(b"data")
    crc = Crc32()
    crc.update(b"data")
    root = Root(str(tmp_path))
    assert root.sums_to("a", 4, [Crc32()], crc.text())
    assert not root.sums_to("a", 5, [Crc32()], crc.text())
    assert not root.sums_to("a", 4, [Crc32()], "other")
    assert not root.sums_to("missing", 4, [Crc32()], crc.text())
    assert _places.all_sums(root, [("a", 4, [], "x"), ("a", 4, [Crc32()], crc.text())]) == [False, True]


@pytest.mark.parametrize("size", [4, 100_000])
async def test_a_source_that_has_changed(tmp_path: Path, size: int) -> None:
    """A file is read as it was when the plan was made, or not at all, whether it is read with its opening or later."""
    await anyio.Path(tmp_path / "a").write_bytes(bytes(size))
    root, planned = Root(str(tmp_path)), await asyncio.to_thread(state, tmp_path / "a")
    async with PlacedSource(root, "a", planned) as source:
        assert source.size == size
        assert await source.read(size) == bytes(size)
        await source.check()
    with pytest.raises(IntegrityError):
        async with PlacedSource(root, "a", (size, 0)):
            pass
    with pytest.raises(IntegrityError):
        async with PlacedSource(root, "a", None):
            pass


def test_removing(tmp_path: Path) -> None:
    """A file is deleted as it was when the plan was made, or not at all."""
    root = Root(str(tmp_path))
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").symlink_to("a")
    planned = state(tmp_path / "a")
    with pytest.raises(IntegrityError):
        root.remove("b", planned)
    root.remove("a", planned)
    with pytest.raises(IntegrityError):
        root.remove("a", planned)


def test_walk_in_the_order_of_keys(tmp_path: Path) -> None:
    """Entries come in the order of their paths' UTF-8, each directory just before what stands in it."""
    for path in ("a/b/c", "a/b!", "a!", "a0", "\uffee", "\U00010000", "x/y"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    found = [entry.path for entry in Root(str(tmp_path)).walk(lambda directory: directory == "x")]
    assert found == sorted(found, key=str.encode)
    assert found == ["a!", "a/", "a/b!", "a/b/", "a/b/c", "a0", "x/", "\uffee", "\U00010000"]


def test_walk_while_things_go(tmp_path: Path) -> None:
    """A directory that is deleted before it is looked into is empty; a file that is deleted is none."""
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a").touch()
    walk = Root(str(tmp_path)).walk(never)
    assert next(walk).kind is Kind.DIRECTORY
    (tmp_path / "d" / "a").unlink()
    (tmp_path / "d").rmdir()
    assert list(walk) == []
    (tmp_path / "a").touch()
    with os.scandir(tmp_path) as entries:
        entry = next(entries)
    (tmp_path / "a").unlink()
    assert _places._entry("", entry) is None


def test_take_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of which nothing is meant are passed by: an empty one is the end."""
    monkeypatch.setattr(_places, "BATCH", 2)
    for name in "abcdef":
        (tmp_path / name).touch()
    walk = Root(str(tmp_path)).walk(never)
    assert [each.path for each in _places.take(walk, lambda path: path == "e")] == ["e"]
    assert _places.take(walk, lambda path: path == "e") == []


def test_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the file system folds cases is asked of a name that is there, nearest first; where there is none, no."""
    assert not Root("/0").folds_case()
    (tmp_path / "0").mkdir()
    root = Root(str(tmp_path / "0"))
    assert not root.folds_case()
    asked: list[str] = []
    monkeypatch.setattr(_places, "_is_same", lambda one, other: not asked.append(f"{one.name} {other.name}"))
    (tmp_path / "0" / "File").touch()
    assert root.folds_case()
    assert asked == ["File fILE"]


def test_the_same_file(tmp_path: Path) -> None:
    """Two names are the same if they are one file."""
    (tmp_path / "a").touch()
    os.link(tmp_path / "a", tmp_path / "A")
    assert _places._is_same(tmp_path / "a", tmp_path / "A")
    assert not _places._is_same(tmp_path / "a", tmp_path)
