"""Sources: whatever put() takes gives its bytes, once, in pieces of the length that was asked for."""

from __future__ import annotations

import asyncio
import io
import os
import socket
from typing import TYPE_CHECKING, Any

import pytest

from s3_bucket._async import _sources
from s3_bucket.exceptions import IntegrityError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

DATA = bytes(range(100))


class AsyncFile:
    """A file whose read is awaited."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    async def read(self, n: int) -> bytes:
        """Read."""
        await asyncio.sleep(0)
        return self._file.read(n)


class Awaited(AsyncFile):
    """A file whose read only returns something to be awaited."""

    def read(self, n: int) -> Any:
        """Read."""
        return super().read(n)


async def agen() -> AsyncIterator[bytes]:
    """Give the data, with empty pieces between."""
    for at in range(0, 100, 9):
        yield DATA[at : at + 9]
        yield b""


KINDS: dict[str, Any] = {
    "str": lambda _: DATA.decode("ascii"),
    "bytes": lambda _: DATA,
    "bytearray": lambda _: bytearray(DATA),
    "memoryview": lambda _: memoryview(DATA),
    "memoryview of numbers": lambda _: memoryview(DATA).cast("I"),
    "memoryview with steps": lambda _: memoryview(bytes(b for byte in DATA for b in (byte, 0)))[::2],
    "path": lambda path: path,
    "file": lambda _: io.BytesIO(DATA),
    "async file": lambda _: AsyncFile(DATA),
    "awaited file": lambda _: Awaited(DATA),
    "list": lambda _: [DATA[:40], b"", bytearray(DATA[40:])],
    "generator": lambda _: (DATA[at : at + 1] for at in range(100)),
    "memoryviews": lambda _: [memoryview(DATA).cast("I")],
    "async generator": lambda _: agen(),
    "BytesIO as iterable": lambda _: iter(io.BytesIO(DATA)),
}
KNOWN = ("str", "bytes", "bytearray", "memoryview", "memoryview of numbers", "memoryview with steps", "path")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a file with the data."""
    path = tmp_path / "file"
    path.write_bytes(DATA)
    return path


@pytest.mark.parametrize("n", [1, 33, 50, 100, 101])
@pytest.mark.parametrize("kind", KINDS)
async def test_read(kind: str, n: int, path: Path) -> None:
    """Every piece but the last has the length that was asked for, and together they are the data."""
    async with _sources.source_of(KINDS[kind](path)) as source:
        assert (source.size == 100) == (kind in KNOWN)
        pieces = [bytes(await source.read(n)) for _ in range(100 // n + 2)]
        await source.check()
    assert b"".join(pieces) == DATA
    assert {len(piece) for piece in pieces[: 100 // n]} <= {n}


@pytest.mark.parametrize("data", [None, 5, 1.5, {"a": 1}, object()])
def test_no_data(data: Any) -> None:
    """What has no bytes is refused by its type."""
    with pytest.raises(InvalidInput, match=f"data: .* {type(data).__name__}"):
        _sources.source_of(data)


@pytest.mark.parametrize("data", [["text"], [5], io.StringIO("text"), [b"a", None]])
async def test_no_bytes(data: Any) -> None:
    """Texts and numbers in an iterable or a file are refused: their encoding isn't known."""
    async with _sources.source_of(data) as source:
        with pytest.raises(InvalidInput, match="data: "):
            await source.read(10)


def test_no_text() -> None:
    """A text that UTF-8 can't hold is refused."""
    with pytest.raises(InvalidInput, match="data: "):
        _sources.source_of("\ud800")


async def test_an_open_file_stays_open() -> None:
    """A file is read from where it stands, and not closed."""
    file = io.BytesIO(DATA)
    file.seek(90)
    async with _sources.source_of(file) as source:
        assert await source.read(50) == DATA[90:]
    assert not file.closed


async def test_an_async_generator_is_closed() -> None:
    """An async generator's finally blocks run when the source is left."""
    closed = []

    async def generator() -> AsyncIterator[bytes]:
        try:
            yield DATA
            yield DATA
        finally:
            closed.append(True)

    async with _sources.source_of(generator()) as source:
        await source.read(10)
    assert closed


async def test_a_buffer_that_is_used_again() -> None:
    """A generator may use its buffer again, and change its length, after each yield."""

    def generator() -> Iterator[bytearray]:
        buffer = bytearray()
        for at in range(0, 100, 30):
            buffer += DATA[at : at + 30]
            yield buffer
            buffer.clear()

    async with _sources.source_of(generator()) as source:
        assert b"".join([bytes(await source.read(17)) for _ in range(6)]) == DATA


async def open_files() -> int:
    """Return how many files this process has open."""
    return len(await asyncio.to_thread(os.listdir, "/dev/fd"))


@pytest.fixture
def no_file_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every file read piece by piece."""
    monkeypatch.setattr(_sources, "SHORT_FILE", 0)


@pytest.mark.usefixtures("no_file_is_short")
@pytest.mark.parametrize("length", [1, 33, 50, 100, 101])
async def test_a_long_file(length: int, path: Path) -> None:
    """A file that is not read at once gives its bytes in pieces."""
    async with _sources.file_source(path) as source:
        pieces = [await source.read(length) for _ in range(-(-100 // length) + 1)]
        await source.check()
    assert b"".join(pieces) == DATA


async def test_a_short_file_is_closed(path: Path) -> None:
    """A short file is read with its opening: what happens to it then is not seen, and it is not held open."""
    async with _sources.file_source(path) as source:
        before = await open_files()
        await asyncio.to_thread(path.write_bytes, b"another")
        assert (source.size, await source.read(200), await source.read(1)) == (100, DATA, b"")
        await source.check()
    assert await open_files() == before


@pytest.mark.parametrize("change", ["grow", "shrink"])
async def test_a_short_file_that_changes(change: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short file that changes while it is read is an error, and nothing stays open."""
    read = os.preadv

    def changing(fd: int, buffers: Any, offset: int) -> int:
        os.truncate(path, 50 if change == "shrink" else 150)
        return read(fd, buffers, offset)

    monkeypatch.setattr(os, "preadv", changing)
    before = await open_files()
    with pytest.raises(IntegrityError, match="changed"):
        async with _sources.file_source(path):
            pass
    assert await open_files() == before


async def test_read_ahead(path: Path) -> None:
    """A short file that was read before it was asked for is not read again."""
    source = _sources.file_source(path)
    assert await asyncio.to_thread(source.read_ahead)
    await asyncio.to_thread(path.unlink)
    async with source:
        assert await source.read(200) == DATA


@pytest.mark.usefixtures("no_file_is_short")
async def test_a_long_file_is_not_read_ahead(path: Path) -> None:
    """A long file is left for when its turn comes, and not held open until then."""
    source = _sources.file_source(path)
    before = await open_files()
    assert not await asyncio.to_thread(source.read_ahead)
    assert await open_files() == before
    async with source:
        assert await source.read(200) == DATA


@pytest.mark.usefixtures("no_file_is_short")
async def test_a_file_that_shrinks(path: Path) -> None:
    """A file that is shorter than it was is an error, when it is read."""
    async with _sources.file_source(path) as source:
        assert await source.read(40) == DATA[:40]
        os.truncate(path, 50)
        with pytest.raises(IntegrityError, match="changed"):
            await source.read(60)


@pytest.mark.usefixtures("no_file_is_short")
@pytest.mark.parametrize("change", ["grow", "touch"])
async def test_a_file_that_changes(change: str, path: Path) -> None:
    """A file that is longer, or newer, than it was is an error in the end; its old length is read."""

    def touch() -> None:
        with path.open("ab") as file:
            file.write(b"more" if change == "grow" else b"")
        os.utime(path, ns=(1, 1))

    async with _sources.file_source(str(path)) as source:
        await asyncio.to_thread(touch)
        assert await source.read(200) == DATA
        with pytest.raises(IntegrityError, match="changed"):
            await source.check()


async def test_what_is_no_file(tmp_path: Path) -> None:
    """Directories, sockets, FIFOs and what is not there are errors before anything is read, and leave nothing open."""
    await asyncio.to_thread(os.mkfifo, tmp_path / "fifo")
    (bound := socket.socket(socket.AF_UNIX)).bind(str(tmp_path / "socket"))
    for name, kind in (
        ("", IsADirectoryError),
        ("fifo", InvalidInput),
        ("socket", (OSError, InvalidInput)),
        ("no", FileNotFoundError),
    ):
        with pytest.raises(kind):
            async with _sources.file_source(tmp_path / name):
                pass
    bound.close()


@pytest.mark.parametrize("value", [5, None, b"bytes"])
def test_no_paths(value: Any) -> None:
    """What is no path is refused."""
    with pytest.raises(InvalidInput, match="local_filepath"):
        _sources.file_source(value)


async def test_a_path_with_a_nul() -> None:
    """A path that no system has is refused as an argument."""
    with pytest.raises(InvalidInput, match="local_filepath"):
        async with _sources.file_source("a\0b"):
            pass
