"""upload_file() and download_file(): files as they were, or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest

import s3_bucket as S3
from tests.conformance.conftest import PART

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.asyncio(loop_scope="session")

SIZES = (0, 1, PART, PART + 1, PART * 5 // 2)


@pytest.fixture
def place(tmp_path: Path) -> anyio.Path:
    """Return an empty directory, whose calls don't block the loop."""
    return anyio.Path(tmp_path)


async def names(directory: anyio.Path) -> list[str]:
    """Return what is in a directory."""
    return sorted([path.name async for path in directory.iterdir()])


@pytest.mark.parametrize("size", SIZES)
async def test_there_and_back(bucket: S3.AsyncBucket, size: int, data: bytes, place: anyio.Path) -> None:
    """What is uploaded and downloaded again is the same file, and nothing else is left in the directory."""
    await (place / "a.txt").write_bytes(data[:size])
    up = await bucket.upload_file(str(place / "a.txt"), "key.txt")
    down = await bucket.download_file("key.txt", str(place / "b.txt"))
    assert await (place / "b.txt").read_bytes() == data[:size]
    assert up.size == down.size == size
    assert (up.etag, down.key, down.content_type) == (down.etag, "key.txt", "text/plain")
    assert await names(place) == ["a.txt", "b.txt"]


async def test_paths(bucket: S3.AsyncBucket, place: anyio.Path) -> None:
    """A path may be a str or any os.PathLike."""
    await (place / "a").write_bytes(b"data")
    for path in (str(place / "a"), Path(place / "a"), place / "a"):
        await bucket.upload_file(path, "key")
        await bucket.download_file("key", type(path)(f"{place}/b"))
        assert await (place / "b").read_bytes() == b"data"


async def test_options(bucket: S3.AsyncBucket, place: anyio.Path) -> None:
    """upload_file takes put's keywords."""
    await (place / "a").write_bytes(b"data")
    await bucket.upload_file(place / "a", "key", content_type="text/x-odd", metadata={"a": "b"}, if_absent=True)
    head = await bucket.head("key")
    assert (head.content_type, head.metadata) == ("text/x-odd", {"a": "b"})
    with pytest.raises(S3.KeyAlreadyExists):
        await bucket.upload_file(place / "a", "key", if_absent=True)


async def test_versions(versioned: S3.AsyncBucket, place: anyio.Path) -> None:
    """download_file fetches the version that was asked for."""
    first = await versioned.put("key", "first")
    await versioned.put("key", "second")
    await versioned.download_file("key", place / "a", version_id=first.version_id)
    assert await (place / "a").read_bytes() == b"first"


async def test_missing_source(unreachable: S3.AsyncBucket, place: anyio.Path) -> None:
    """A file that isn't there, or is a directory, is Python's own error, and nothing is sent."""
    with pytest.raises(FileNotFoundError):
        await unreachable.upload_file(place / "missing", "key")
    with pytest.raises(IsADirectoryError):
        await unreachable.upload_file(place, "key")
    with pytest.raises(FileNotFoundError):
        await unreachable.put("key", Path(place / "missing"))


async def test_unreadable_source(unreachable: S3.AsyncBucket, unprivileged: Path) -> None:
    """A file that may not be read is PermissionError."""
    source = anyio.Path(unprivileged / "secret")
    await source.write_bytes(b"data")
    await source.chmod(0)
    with pytest.raises(PermissionError):
        await unreachable.upload_file(source, "key")


async def test_pipes(unreachable: S3.AsyncBucket, tmp_path: Path) -> None:
    """A pipe is refused instead of waited for, on both ways."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(S3.InvalidInput):
        await unreachable.upload_file(tmp_path / "pipe", "key")
    with pytest.raises(S3.InvalidInput):
        await unreachable.download_file("key", tmp_path / "pipe")


@pytest.mark.parametrize("path", [None, 5, b"bytes"])
async def test_refused_paths(unreachable: S3.AsyncBucket, path: Any) -> None:
    """What is no path is refused by name."""
    for call in (unreachable.upload_file(path, "key"), unreachable.download_file("key", path)):
        with pytest.raises(S3.InvalidInput) as raised:
            await call
        assert raised.value.argument == "local_filepath"


async def test_impossible_destinations(unreachable: S3.AsyncBucket, place: anyio.Path) -> None:
    """A destination that can't be is Python's own error, and nothing is fetched."""
    await (place / "file").write_bytes(b"")
    with pytest.raises(FileNotFoundError):
        await unreachable.download_file("key", place / "missing" / "a")
    with pytest.raises(IsADirectoryError):
        await unreachable.download_file("key", place)
    with pytest.raises(NotADirectoryError):
        await unreachable.download_file("key", place / "file" / "a")
    assert await names(place) == ["file"]


async def test_trailing_slash(unreachable: S3.AsyncBucket, place: anyio.Path) -> None:
    """A destination that ends in a slash can only be a directory, there or not."""
    with pytest.raises(OSError, match="directory"):
        await unreachable.download_file("key", f"{place}/new/")
    assert await names(place) == []


async def test_protected_destination(unreachable: S3.AsyncBucket, unprivileged: Path) -> None:
    """A file that may not be written is not replaced, though its directory would allow that."""
    kept = anyio.Path(unprivileged / "kept")
    await kept.write_bytes(b"old")
    await kept.chmod(0o444)
    with pytest.raises(PermissionError):
        await unreachable.download_file("key", kept)
    assert await kept.read_bytes() == b"old"


async def test_protected_directory(unreachable: S3.AsyncBucket, unprivileged: Path) -> None:
    """Where no file can be made, that is said before anything is fetched."""
    await anyio.Path(unprivileged).chmod(0o500)
    with pytest.raises(PermissionError):
        await unreachable.download_file("key", unprivileged / "new")
    await anyio.Path(unprivileged).chmod(0o700)


@pytest.mark.parametrize("before", [["a"], []], ids=["existing", "new"])
async def test_failed_download(bucket: S3.AsyncBucket, place: anyio.Path, before: list[str]) -> None:
    """When a download fails, what was there before stays as it was, and no temporary file is left."""
    for name in before:
        await (place / name).write_bytes(b"old")
        await (place / name).chmod(0o640)
    with pytest.raises(S3.NoSuchKey):
        await bucket.download_file("missing", place / "a")
    assert await names(place) == before
    for name in before:
        assert await (place / name).read_bytes() == b"old"
        assert stat.S_IMODE((await (place / name).stat()).st_mode) == 0o640


async def test_replaced_meanwhile(bucket: S3.AsyncBucket, place: anyio.Path, data: bytes) -> None:
    """A download replaces a file whole: whoever has the old one open reads the old one."""
    await (place / "a").write_bytes(b"old")
    await (place / "a").chmod(0o604)
    await bucket.put("key", data)
    async with await anyio.open_file(place / "a", "rb") as old:
        await bucket.download_file("key", place / "a")
        assert await old.read() == b"old"
    assert await (place / "a").read_bytes() == data
    assert stat.S_IMODE((await (place / "a").stat()).st_mode) == 0o604


async def test_mode_of_a_new_file(bucket: S3.AsyncBucket, place: anyio.Path) -> None:
    """A new file has the mode that open() would give it."""
    await bucket.put("key", "data")
    await bucket.download_file("key", place / "a")
    await (place / "b").write_bytes(b"")
    assert (await (place / "a").stat()).st_mode == (await (place / "b").stat()).st_mode


async def test_links(bucket: S3.AsyncBucket, place: anyio.Path) -> None:
    """A symlink stays one: what it points to is replaced, or made; a link to itself is an error."""
    await bucket.put("key", "new")
    await (place / "target").write_bytes(b"old")
    await (place / "link").symlink_to("target")
    await (place / "dangling").symlink_to("made")
    await (place / "loop").symlink_to("loop")
    await bucket.download_file("key", place / "link")
    await bucket.download_file("key", place / "dangling")
    with pytest.raises(OSError, match="symbolic links"):
        await bucket.download_file("key", place / "loop")
    assert await (place / "target").read_bytes() == b"new"
    assert await (place / "made").read_bytes() == b"new"
    assert await (place / "link").is_symlink()
    assert await names(place) == ["dangling", "link", "loop", "made", "target"]
    await bucket.upload_file(place / "link", "through")
    assert (await bucket.get("through")).data == b"new"


@pytest.mark.parametrize("name", ["n" * 255, "é" * 127, "a\nb", "-rf", ".hidden", "\udcff"])
async def test_odd_names(bucket: S3.AsyncBucket, place: anyio.Path, name: str) -> None:
    """Every name that a file can have will do, up to the longest."""
    await bucket.put("key", "data")
    await bucket.download_file("key", place / name)
    assert await (place / name).read_bytes() == b"data"
    assert (await bucket.upload_file(place / name, "again")).size == 4
    assert await names(place) == [name]


async def test_changed_source(
    bucket: S3.AsyncBucket, place: anyio.Path, data: bytes, monkeypatch: pytest.MonkeyPatch, uploads: Callable[[], Any]
) -> None:
    """A file that changes while it is read is an IntegrityError, and nothing is stored."""
    await (place / "a").write_bytes(data)
    read = os.preadv
    descriptor = os.open(place / "a", os.O_WRONLY)

    def changing(*arguments: Any) -> int:
        os.truncate(descriptor, len(data) - 1)
        return read(*arguments)

    monkeypatch.setattr(os, "preadv", changing)
    with pytest.raises(S3.IntegrityError):
        await bucket.upload_file(place / "a", "key")
    os.close(descriptor)
    assert not await bucket.exists("key")
    assert await uploads() == []
