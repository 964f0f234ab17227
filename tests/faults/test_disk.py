"""Disks that are full, or not what they seem: the old file or the whole new one, and nothing beside it."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import socket
import stat
import subprocess
import tempfile
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest

import s3_bucket as S3
from tests.conformance.faces import FACES
from tests.guards.script import BUCKET, Reply, Request, Script, error, reply, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

MIB = 1024 * 1024
PART = 5 * MIB
SMALL, MEDIUM, LARGE = b"x" * 1_000, os.urandom(3 * MIB), os.urandom(2 * PART + 7)
OLD = b"what was there before"


@asynccontextmanager
async def surroundings(face: str = "async", **settings: Any) -> AsyncIterator[tuple[Script, Any]]:
    """Give a server with three objects, and a bucket there that tries once."""
    async with serving() as script:
        script.objects.update(small=SMALL, medium=MEDIUM, large=LARGE)
        options = {"endpoint_url": script.url, "part_size": PART, "max_attempts": 1, **settings}
        async with FACES[face](BUCKET, **options) as bucket:
            yield script, bucket


def contents(directory: Path) -> dict[str, bytes]:
    """Return what is in a directory, hidden files too."""
    return {each.name: each.read_bytes() for each in directory.iterdir() if each.is_file()}


async def contents_of(directory: Path) -> dict[str, bytes]:
    """Return it without holding up the loop."""
    return await asyncio.to_thread(contents, directory)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Return a file with other permissions than usual, alone in its directory."""
    path = tmp_path / "file"
    path.write_bytes(OLD)
    path.chmod(0o640)
    return path


# Full


@contextmanager
def mounted(*options: str) -> Iterator[Path]:
    """Give a file system of its own, of one MiB."""
    with tempfile.TemporaryDirectory() as directory:
        mount = ["mount", "-t", "tmpfs", "-o", ",".join(["size=1m", *options]), "none", directory]
        if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
            pytest.skip("no file system can be mounted")
        try:
            yield Path(directory)
        finally:
            subprocess.run(["umount", directory], check=True)  # noqa: S607


@contextmanager
def limited() -> Iterator[Path]:
    """Give a directory where no file can be longer than one MiB."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with tempfile.TemporaryDirectory() as directory:
        resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, before[1]))
        try:
            yield Path(directory)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture(params=[mounted, limited], ids=["file system", "limit"])
def full(request: pytest.FixtureRequest) -> Iterator[Path]:
    """Return a directory with an old file, and no room for a MiB more."""
    with request.param() as directory:
        (directory / "old").write_bytes(OLD)
        yield directory


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("key", ["medium", "large"])
async def test_full_disk(face: str, key: str, full: Path) -> None:
    """Where there is no room, the system's own error comes, the old file stays, and the next call works."""
    async with surroundings(face) as (_, bucket):
        for name in ("old", "new"):
            with pytest.raises(OSError, match=r"No space left|File too large"):
                await bucket.download_file(key, full / name)
            assert await contents_of(full) == {"old": OLD}
        await bucket.download_file("small", full / "old")
        assert await contents_of(full) == {"old": SMALL}


async def test_full_disk_of_many(full: Path) -> None:
    """Of many downloads, those for which there is no room fail, and the others are whole."""
    async with surroundings() as (_, bucket):
        files = [(key, full / f"{key} {number}") for number in range(5) for key in ("small", "medium", "large")]
        outcomes = [result async for result in bucket.download_files(files, concurrency=1)]
    assert {result.key for result in outcomes if result.ok} == {"small"}
    assert {type(result.error) for result in outcomes if not result.ok} == {OSError}
    assert await contents_of(full) == {"old": OLD, **{f"small {number}": SMALL for number in range(5)}}


@pytest.fixture
def read_only() -> Iterator[Path]:
    """Return a directory on a file system that can't be written."""
    with mounted("ro") as directory:
        yield directory


async def test_read_only_file_system(read_only: Path) -> None:
    """On a file system that can't be written, nothing is asked for."""
    async with surroundings() as (script, bucket):
        with pytest.raises(OSError, match="Read-only"):
            await bucket.download_file("small", read_only / "file")
        assert script.requests == []


# Failures


def at_the_second(script: Script, fault: Callable[[Script, Request], Reply]) -> Callable[[Request], Reply]:
    """Return what answers the first request as it should be, and those for ranges with a fault."""
    return lambda request: script.good(request) if "range" not in request.headers else fault(script, request)


def good(script: Script, request: Request) -> Reply:
    """Return the right answer."""
    answer = script.good(request)
    assert isinstance(answer, Reply)
    return answer


def cut(script: Script, request: Request) -> Reply:
    """Return half of the right answer."""
    data = good(script, request).data
    return Reply(data[: len(data) // 2], "fin")


def another_version(script: Script, request: Request) -> Reply:
    """Return the right answer, of another version each time."""
    return Reply(good(script, request).data.replace(b"ETag: ", b"ETag: %d" % len(script.requests)))


FAULTS: dict[str, Callable[[Script, Request], Reply]] = {
    "cut": cut,
    "reset": lambda *_: Reply(end="rst"),
    "gone": lambda *_: error(404, "NoSuchKey"),
    "denied": lambda *_: error(403, "AccessDenied"),
    "failed": lambda *_: error(500, "InternalError"),
    "slow down": lambda *_: error(503, "SlowDown"),
    "replaced": lambda *_: error(412, "PreconditionFailed"),
    "unsatisfiable": lambda *_: error(416, "InvalidRange"),
    "moved": lambda *_: reply(307, Location="http://127.0.0.1:1/"),
    "no range": lambda script, _: reply(206, script.objects["large"], ETag='"e"'),
    "another range": lambda *_: reply(206, b"12345", ETag='"e"', Content_Range="bytes 1-5/6"),
    "another version": another_version,
    "empty": lambda *_: reply(200),
    "no HTTP": lambda *_: Reply(b"SSH-2.0-OpenSSH\r\n", "fin"),
}


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("fault", FAULTS)
async def test_the_old_file_stays(face: str, fault: str, old: Path) -> None:
    """Whatever fails, at the first range or later, the old file stays with its permissions, and nothing beside it."""
    async with surroundings(face) as (script, bucket):
        for answer in (lambda request: FAULTS[fault](script, request), at_the_second(script, FAULTS[fault])):
            script.answers["large"] = answer
            with pytest.raises(S3.BucketException):
                await bucket.download_file("large", old)
            assert await contents_of(old.parent) == {"file": OLD}
            assert stat.S_IMODE((await anyio.Path(old).stat()).st_mode) == 0o640


@pytest.mark.parametrize("moment", [0, 1, 2])
async def test_the_old_file_stays_when_cancelled(moment: int, old: Path) -> None:
    """A download that is cancelled while an answer is awaited leaves the old file, and nothing beside it."""
    async with surroundings() as (script, bucket):
        asked, left = asyncio.Event(), [moment]

        async def answer(request: Request) -> Reply:
            if not left[0]:
                asked.set()
                await script.stopping.wait()
            left[0] -= 1
            return good(script, request)

        script.answers["large"] = answer
        task = asyncio.ensure_future(bucket.download_file("large", old))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await contents_of(old.parent) == {"file": OLD}


# Meanwhile


@asynccontextmanager
async def halfway(script: Script, bucket: Any, destination: str | Path) -> AsyncIterator[asyncio.Task[Any]]:
    """Give a download of which the first piece has been written, and let it go on when the block ends."""
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def answer(request: Request) -> Reply:
        if "range" in request.headers:
            asked.set()
            await go_on.wait()
        return good(script, request)

    script.answers["large"] = answer
    task = asyncio.ensure_future(bucket.download_file("large", destination))
    await asked.wait()
    yield task
    go_on.set()
    await asyncio.wait({task})


@pytest.mark.parametrize("mode", [None, 0o640, 0o666, 0o600])
async def test_permissions(mode: int | None, tmp_path: Path) -> None:
    """While it is fetched nobody else can read it, then it has the old file's permissions, or a new file's."""
    path = anyio.Path(tmp_path / "file")
    if mode is not None:
        await path.write_bytes(OLD)
        await path.chmod(mode)
    async with surroundings() as (script, bucket):
        async with halfway(script, bucket, tmp_path / "file") as task:
            modes = {name.startswith("."): each async for name, each in modes_in(tmp_path)}
            assert modes == {True: 0o600} | ({False: mode} if mode is not None else {})
        task.result()
    await anyio.Path(tmp_path / "another").write_bytes(b"")
    modes = {name: each async for name, each in modes_in(tmp_path)}
    assert modes["file"] == (modes["another"] if mode is None else mode)


async def modes_in(directory: Path) -> AsyncIterator[tuple[str, int]]:
    """Give the names in a directory with their permissions."""
    async for each in anyio.Path(directory).iterdir():
        yield each.name, stat.S_IMODE((await each.stat()).st_mode)


async def test_another_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path means what it meant when the call was made."""
    first, second = tmp_path / "first", tmp_path / "second"
    for directory in (first, second):
        await anyio.Path(directory).mkdir()
    await asyncio.to_thread(monkeypatch.chdir, first)
    async with surroundings() as (script, bucket):
        async with halfway(script, bucket, "file") as task:
            await asyncio.to_thread(monkeypatch.chdir, second)
        task.result()
    assert await contents_of(first) == {"file": LARGE}
    assert await contents_of(second) == {}


@pytest.mark.parametrize("change", ["a directory now", "no parent", "another file"])
async def test_changes_meanwhile(change: str, tmp_path: Path) -> None:
    """A destination that changes its kind is the system's own error, and nothing stays; a new file is replaced."""
    parent = anyio.Path(tmp_path / "parent")
    await parent.mkdir()
    async with surroundings() as (script, bucket):
        async with halfway(script, bucket, tmp_path / "parent" / "file") as task:
            if change == "a directory now":
                await (parent / "file").mkdir()
            elif change == "no parent":
                await asyncio.to_thread(shutil.rmtree, parent)
            else:
                await (parent / "file").write_bytes(OLD)
        if change == "another file":
            task.result()
        else:
            assert isinstance(task.exception(), OSError)
    if change != "no parent":
        assert await contents_of(tmp_path / "parent") == ({"file": LARGE} if change == "another file" else {})


@pytest.mark.parametrize("face", FACES)
async def test_many_downloads_to_one_path(face: str, tmp_path: Path) -> None:
    """Of several downloads to one path, each ends well, and whoever looks sees one of the objects, whole."""
    path, seen = anyio.Path(tmp_path / "file"), set()
    async with surroundings(face, max_concurrency=4) as (_, bucket):
        tasks = {asyncio.ensure_future(bucket.download_file(key, path)) for key in ("small", "medium", "large") * 4}
        while left := [task for task in tasks if not task.done()]:
            await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
            seen.add(await path.read_bytes())
        for task in tasks:
            task.result()
    assert seen <= {SMALL, MEDIUM, LARGE}
    assert [*await contents_of(tmp_path)] == ["file"]


# What can't be written


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """Return a directory of things that are no files."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "directory").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
    for name, target in {
        "to a fifo": "fifo",
        "to a directory": "directory",
        "to a device": "/dev/null",
        "to nowhere": "missing/file",
        "loop": "loop",
    }.items():
        (tmp_path / name).symlink_to(target)
    return tmp_path


IMPOSSIBLE: dict[str, type[Exception]] = {
    "/dev/null": S3.InvalidInput,
    "/dev/full": S3.InvalidInput,
    "fifo": S3.InvalidInput,
    "socket": S3.InvalidInput,
    "to a fifo": S3.InvalidInput,
    "to a device": S3.InvalidInput,
    "directory": IsADirectoryError,
    "to a directory": IsADirectoryError,
    "directory/": IsADirectoryError,
    ".": IsADirectoryError,
    "..": IsADirectoryError,
    "/": IsADirectoryError,
    "to nowhere": FileNotFoundError,
    "missing/file": FileNotFoundError,
    "fifo/file": NotADirectoryError,
    "loop": OSError,
    "n" * 256: OSError,
    "ä" * 128: OSError,
    "n/" * 3_000: OSError,
    "a\0b": S3.InvalidInput,
    "": OSError,
}


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("name", IMPOSSIBLE, ids=ascii)
async def test_what_can_not_be_written(face: str, name: str, odd: Path) -> None:
    """What can't become a file is refused before anything is asked for, and stays what it is."""
    before = await asyncio.to_thread(lambda: sorted(odd.iterdir()))
    path = name and os.path.join(odd, name)  # noqa: PTH118  # a Path would lose the slash
    async with surroundings(face) as (script, bucket):
        with pytest.raises(IMPOSSIBLE[name]):
            await bucket.download_file("small", path)
        (result,) = [result async for result in bucket.download_files([("small", path)])]
        assert isinstance(result.error, IMPOSSIBLE[name])
        assert script.requests == []
    assert await asyncio.to_thread(lambda: sorted(odd.iterdir())) == before


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("/dev/zero", S3.InvalidInput),
        ("fifo", S3.InvalidInput),
        ("to a fifo", S3.InvalidInput),
        ("socket", OSError),
        ("directory", IsADirectoryError),
        ("to nowhere", FileNotFoundError),
        ("loop", OSError),
        ("n" * 256, OSError),
    ],
)
@pytest.mark.parametrize("face", FACES)
async def test_what_can_not_be_read(face: str, name: str, kind: type[Exception], odd: Path) -> None:
    """What is no file, or endless, isn't uploaded: nothing is sent, and nobody waits for it."""
    async with surroundings(face) as (script, bucket), asyncio.timeout(20):
        with pytest.raises(kind):
            await bucket.upload_file(odd / name, "key")
        (result,) = [result async for result in bucket.upload_files([(odd / name, "key")])]
        assert isinstance(result.error, kind)
        assert script.requests == []
