"""upload_dir() and download_dir(): a plan first, then what it says, and no more."""

from __future__ import annotations

import asyncio
import os
import shutil
from typing import TYPE_CHECKING, Any

import anyio
import pytest

import s3_bucket as S3
from tests.conformance.conftest import collected

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="session")

TREE = {
    "a": b"1",
    "a-b/c": b"22",
    "a.txt": b"",
    "b/a/é \U0001f600": b"4444",
    "b/a!": b"55555",
    "b/a0": b"666666",
    "z\uffee": b"7",
    "z\U00010000": b"8",
}
"""Names whose order is another one in UTF-16, and files beside directories of almost the same name."""


def write(root: Path, tree: Mapping[str, bytes]) -> None:
    """Make files."""
    for path, data in tree.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)


def read(root: Path) -> dict[str, bytes]:
    """Return all files."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


async def make(root: Path, tree: Mapping[str, bytes] = TREE) -> Path:
    """Make files, and return where."""
    await asyncio.to_thread(write, root, tree)
    return root


async def files(root: Path) -> dict[str, bytes]:
    """Return all files."""
    return await asyncio.to_thread(read, root)


async def store(bucket: S3.AsyncBucket, tree: Mapping[str, bytes], prefix: str = "") -> None:
    """Make objects."""
    S3.raise_failed(await collected(bucket.put_many([(prefix + path, data) for path, data in tree.items()])))


async def objects(bucket: S3.AsyncBucket, prefix: str = "") -> dict[str, bytes]:
    """Return all objects."""
    return {info.key: (await bucket.get(info.key)).data async for info in bucket.list(prefix)}


async def actions(plan: S3.AsyncDirPlan) -> list[tuple[str, str, str]]:
    """Return what a plan is to do, and why."""
    return [(item.action, item.path, item.why) async for item in plan.items()]


@pytest.mark.parametrize("prefix", ["", "deep/down", "deep/down/"])
async def test_there_and_back(bucket: S3.AsyncBucket, tmp_path: Path, prefix: str) -> None:
    """What is uploaded and downloaded again is the same tree; doing it again transfers nothing."""
    here = await make(tmp_path / "here")
    up = await bucket.upload_dir(here, prefix)
    assert (up.transferred, up.transferred_bytes, up.deleted, up.unchanged) == (8, sum(map(len, TREE.values())), 0, 0)
    beginning = "deep/down/" if prefix else ""
    assert await objects(bucket) == {beginning + path: data for path, data in TREE.items()}
    down = await bucket.download_dir(prefix, str(tmp_path / "not" / "there"))
    assert (down.transferred, down.transferred_bytes, down.deleted, down.unchanged) == (8, up.transferred_bytes, 0, 0)
    assert await files(tmp_path / "not" / "there") == TREE
    assert sorted(result.key for result in down.results) == sorted(beginning + path for path in TREE)
    assert all(result.ok and result.info and result.info.etag for result in down.results)
    again = (await bucket.upload_dir(here, prefix), await bucket.download_dir(prefix, here))
    assert [(report.transferred, report.unchanged, len(report.results)) for report in again] == [(0, 8, 0)] * 2


async def test_only_what_differs(bucket: S3.AsyncBucket, tmp_path: Path) -> None:
    """Files of other content are transferred, also of the same size; a newer time alone is no reason."""
    here = await make(tmp_path / "here", {"same": b"data", "content": b"dat1", "size": b"data", "new": b"data"})
    await store(bucket, {"same": b"data", "content": b"dat2", "size": b"dat", "extra": b"data"})
    await asyncio.to_thread(os.utime, here / "same", (0, 0))
    up = await bucket.plan_upload_dir(here)
    assert await actions(up) == [
        ("upload", "content", "other content"),
        ("upload", "new", "new"),
        ("upload", "size", "other size"),
    ]
    down = await bucket.plan_download_dir("", here)
    assert await actions(down) == [
        ("download", "content", "other content"),
        ("download", "extra", "new"),
        ("download", "size", "other size"),
    ]
    assert (down.transfers, down.transfer_bytes, down.unchanged, down.deletions) == (3, 11, 1, 0)
    assert (await down.run()).transferred == 3
    assert await files(here) == {"same": b"data", "content": b"dat2", "size": b"dat", "new": b"data", "extra": b"data"}


async def test_large_files(bucket: S3.AsyncBucket, tmp_path: Path, data: bytes) -> None:
    """Objects of several parts are compared, too, whatever the parts' length was, and not transferred again."""
    here = await make(tmp_path / "here", {"large": data, "larger": data + data})
    await bucket.upload_dir(here)
    assert (await bucket.plan_upload_dir(here)).transfers == 0
    await anyio.Path(here / "large").write_bytes(data[:-1] + b"!")
    plan = await bucket.plan_upload_dir(here)
    assert await actions(plan) == [("upload", "large", "other content")]
    assert (await plan.run()).transferred_bytes == len(data)
    assert (await bucket.download_dir("", tmp_path / "there")).transferred == 2
    assert await files(tmp_path / "there") == await files(here)


async def test_delete(bucket: S3.AsyncBucket, tmp_path: Path) -> None:
    """Only delete=True deletes what the source doesn't have, on either side, and nothing beside the prefix."""
    here = await make(tmp_path / "here", {"a": b"1"})
    await store(bucket, {"p/a": b"1", "p/b": b"2", "p/c/d": b"3", "pp": b"4", "p-": b"5"})
    assert (await bucket.upload_dir(here, "p")).deleted == 0
    plan = await bucket.plan_upload_dir(here, "p", delete=True)
    assert await actions(plan) == [("delete", "b", "extra"), ("delete", "c/d", "extra")]
    assert (await plan.run()).deleted == 2
    assert await objects(bucket) == {"p/a": b"1", "pp": b"4", "p-": b"5"}
    await make(here, {"b": b"2", "c/d": b"3"})
    assert (await bucket.download_dir("p", here)).deleted == 0
    report = await bucket.download_dir("p", here, delete=True)
    assert (report.deleted, report.transferred) == (2, 0)
    assert await files(here) == {"a": b"1"}


async def test_an_empty_source_deletes_nothing(bucket: S3.AsyncBucket, tmp_path: Path) -> None:
    """With nothing to transfer, delete=True would delete all: refused, on either side."""
    await store(bucket, {"a": b"1"})
    await anyio.Path(tmp_path / "empty" / "directory").mkdir(parents=True)
    here = await make(tmp_path / "here")
    with pytest.raises(S3.InvalidInput, match="delete everything"):
        await bucket.upload_dir(tmp_path / "empty", delete=True)
    with pytest.raises(S3.InvalidInput, match="delete everything"):
        await bucket.upload_dir(tmp_path, include=["a", "empty/"], delete=True)
    with pytest.raises(S3.InvalidInput, match="delete everything"):
        await bucket.download_dir("no/such", here, delete=True)
    assert await objects(bucket) == {"a": b"1"}
    assert await files(here) == TREE
    assert (await bucket.upload_dir(tmp_path / "empty", "nothing/here", delete=True)).deleted == 0


async def test_dry_run(bucket: S3.AsyncBucket, tmp_path: Path) -> None:
    """A dry run says what would be done, and does nothing."""
    here = await make(tmp_path / "here")
    await store(bucket, {"extra": b"1"})
    up = await bucket.upload_dir(here, dry_run=True, delete=True)
    down = await bucket.download_dir("", here, dry_run=True)
    assert (up.dry_run, up.transferred, down.transferred, len(up.results)) == (True, 0, 0, 0)
    assert "upload 8 files, 20 B" in str(up)
    assert "delete 1 object, 1 B\n    'extra' (extra, 1 B)" in str(up)
    assert "only at the destination, and kept: 8 files" in str(down)
    assert await objects(bucket) == {"extra": b"1"}
    assert await files(here) == TREE


async def test_plan_in_words(bucket: S3.AsyncBucket, tmp_path: Path) -> None:
    """A plan is printed in words: counts, sizes, the first items, and what is left out and why."""
    here = await make(tmp_path / "here", {f"new/{number:02}": b"x" * 1024 for number in range(12)} | {"old": b"1"})
    await anyio.Path(here / "link").symlink_to("old")
    await store(bucket, {"old": b"1"}, "p/")
    plan = await bucket.plan_upload_dir(here, "p")
    assert str(plan).splitlines() == [
        f"upload from {here} to s3://{bucket.name}/p/",
        "  upload 12 files, 12.0 KiB",
        *(f"    'new/{number:02}' (new, 1.0 KiB)" for number in range(10)),
        "    and 2 more",
        "  unchanged: 1 file, 1 B",
        "  skipped: 1",
        "    'link': a symlink",
    ]
    assert "DirPlan(" in repr(plan)
    assert plan.skipped[:] == [S3.Unplanned("link", "a symlink")]


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        ("*.txt", None, ["a.txt"]),
        (None, "b/", ["a", "a-b/c", "a.txt", "z\uffee", "z\U00010000"]),
        (["**/a*"], ("**/*.txt",), ["a", "b/a!", "b/a0"]),
        ([], None, []),
    ],
)
async def test_patterns(
    bucket: S3.AsyncBucket, tmp_path: Path, include: Any, exclude: Any, expected: list[str]
) -> None:
    """What is not selected is neither transferred nor deleted, on either side."""
    here = await make(tmp_path / "here")
    await bucket.upload_dir(here, include=include, exclude=exclude)
    assert sorted(await objects(bucket)) == expected
    await store(bucket, TREE)
    await bucket.download_dir("", tmp_path / "there", include=include, exclude=exclude)
    assert sorted(await files(tmp_path / "there")) == expected
    await make(tmp_path / "small", {"a": b"1", "b/a!": b"55555", "a.txt": b""})
    await bucket.upload_dir(tmp_path / "small", include=include, exclude=exclude, delete=bool(expected))
    left = set(TREE) - (set(expected) - {"a", "b/a!", "a.txt"})
    assert set(await objects(bucket)) == left


async def test_options(bucket: S3.AsyncBucket, tmp_path: Path) -> None:
    """Every object gets put()'s keywords, and the media type of its own name."""
    here = await make(tmp_path / "here", {"a.txt": b"1", "b.json": b"{}"})
    await bucket.upload_dir(here, metadata={"owner": "me"}, cache_control="no-cache", concurrency=1)
    heads = [await bucket.head(key) for key in ("a.txt", "b.json")]
    assert [(head.content_type, head.metadata, head.cache_control) for head in heads] == [
        ("text/plain", {"owner": "me"}, "no-cache"),
        ("application/json", {"owner": "me"}, "no-cache"),
    ]


async def test_progress(bucket: S3.AsyncBucket, tmp_path: Path, data: bytes) -> None:
    """It counts all files together up to what the plan says, and what it raises ends the work."""
    here = await make(tmp_path / "here", {**TREE, "large": data})
    told: list[S3.Progress] = []
    await bucket.upload_dir(here, progress=told.append)
    length = sum(map(len, TREE.values())) + len(data)
    assert (told[-1].done, {each.total for each in told}) == (length, {length})
    told.clear()
    await (await bucket.plan_download_dir("", tmp_path / "there")).run(progress=told.append)
    assert (told[-1].done, {each.total for each in told}) == (length, {length})
    assert [each.done for each in told] == sorted(each.done for each in told)

    def stop(_: S3.Progress) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        await bucket.download_dir("", tmp_path / "elsewhere", progress=stop)
    left = await files(tmp_path / "elsewhere")
    assert left.items() <= {**TREE, "large": data}.items()


REFUSED: dict[str, dict[str, Any]] = {
    "prefix": {"prefix": "a/../b"},
    "local_dir": {"local_dir": 5},
    "include": {"include": "["},
    "exclude": {"exclude": ["ok", "[!]"]},
    "concurrency": {"concurrency": 0},
    "progress": {"progress": 5},
}


@pytest.mark.parametrize("argument", REFUSED)
async def test_refused_arguments(unreachable: S3.AsyncBucket, tmp_path: Path, argument: str) -> None:
    """What can't be right is refused by name, before anything is sent."""
    arguments: dict[str, Any] = {"local_dir": tmp_path, "prefix": "p", **REFUSED[argument]}
    for call in (unreachable.upload_dir(**arguments), unreachable.download_dir(**arguments)):
        with pytest.raises(S3.InvalidInput) as raised:
            await call
        assert raised.value.argument == argument


@pytest.mark.parametrize("value", [5, b"*", [5], [""], "[b-a]"], ids=repr)
async def test_refused_patterns(unreachable: S3.AsyncBucket, tmp_path: Path, value: Any) -> None:
    """What is no pattern is refused by name."""
    for argument in ("include", "exclude"):
        with pytest.raises(S3.InvalidInput) as raised:
            await unreachable.plan_upload_dir(tmp_path, **{argument: value})
        assert raised.value.argument == argument


async def test_refused_options(unreachable: S3.AsyncBucket, tmp_path: Path) -> None:
    """One etag can't be that of all objects; what put() refuses is refused."""
    for argument, value in (("if_match", "etag"), ("metadata", {"a": "\n"})):
        with pytest.raises(S3.InvalidInput) as raised:
            await unreachable.upload_dir(tmp_path, **{argument: value})
        assert raised.value.argument == argument


async def test_missing_places(bucket: S3.AsyncBucket, absent: S3.AsyncBucket, tmp_path: Path) -> None:
    """A source that is not there, or is a file, is an error; so is a bucket that is not there."""
    with pytest.raises(FileNotFoundError):
        await bucket.upload_dir(tmp_path / "missing")
    await make(tmp_path, {"file": b""})
    with pytest.raises(NotADirectoryError):
        await bucket.upload_dir(tmp_path / "file")
    for call in (absent.upload_dir(tmp_path), absent.download_dir("", tmp_path)):
        with pytest.raises(S3.NoSuchBucket):
            await call


async def test_links_and_devices(bucket: S3.AsyncBucket, tmp_path: Path) -> None:
    """Symlinks are not followed, pipes not waited for, downloads on their way not taken for files; the plan says so."""
    here = await make(tmp_path / "here", {"a": b"1", "d/.b.0123456789abcdef.s3part": b"half"})
    await make(tmp_path / "outside", {"secret": b"x"})
    await anyio.Path(here / "file").symlink_to(tmp_path / "outside" / "secret")
    await anyio.Path(here / "dir").symlink_to(tmp_path / "outside")
    await anyio.Path(here / "dangling").symlink_to("nothing")
    await asyncio.to_thread(os.mkfifo, here / "pipe")
    await store(bucket, {"dir/old": b"1", "x.s3part": b"2"})
    plan = await bucket.plan_upload_dir(here, delete=True)
    assert {each.path: each.why for each in plan.skipped} == {
        "dangling": "a symlink",
        "dir": "a symlink",
        "dir/old": "'dir' is a symlink here, and is not looked into",
        "file": "a symlink",
        "pipe": "no regular file",
    }
    await plan.run()
    assert sorted(await objects(bucket)) == ["a", "dir/old", "x.s3part"]


async def test_a_symlink_is_in_the_way(bucket: S3.AsyncBucket, tmp_path: Path) -> None:
    """An object is neither written through a symlink nor in its place."""
    here = await make(tmp_path / "here", {"x": b"1"})
    outside = await make(tmp_path / "outside", {"old": b"old"})
    await anyio.Path(here / "dir").symlink_to(outside)
    await anyio.Path(here / "file").symlink_to(outside / "old")
    await store(bucket, {"dir/new": b"2", "file": b"3"})
    plan = await bucket.plan_download_dir("", here)
    assert plan.refused[:] == [
        S3.Unplanned("dir/new", "'dir' is a symlink, and can't be a directory, too"),
        S3.Unplanned("file", "what stands in its place here is a symlink"),
    ]
    with pytest.raises(S3.InvalidInput, match="'dir/new'"):
        await plan.run()
    assert await files(outside) == {"old": b"old"}


async def test_the_directory_itself_may_be_a_symlink(bucket: S3.AsyncBucket, tmp_path: Path) -> None:
    """Whoever names a symlink means what it points to."""
    await make(tmp_path / "here", {"a": b"1"})
    await anyio.Path(tmp_path / "link").symlink_to("here")
    assert (await bucket.upload_dir(tmp_path / "link")).transferred == 1
    await bucket.put("b", b"2")
    assert (await bucket.download_dir("", tmp_path / "link")).transferred == 1
    assert await files(tmp_path / "here") == {"a": b"1", "b": b"2"}


@pytest.mark.parametrize(
    "key", ["p//etc/passwd", "p/a//b", "p/C:\\x", "p/C:/x", "p/a\\..\\..\\b", "p/" + "n" * 256, "p/d/"], ids=repr
)
async def test_keys_that_are_no_files(bucket: S3.AsyncBucket, tmp_path: Path, key: str) -> None:
    """Keys that would lead out of the directory, or can't be files, are refused before anything is transferred."""
    await store(bucket, {"p/good": b"1", key: b"2"})
    plan = await bucket.plan_download_dir("p", tmp_path / "here")
    assert [each.path for each in plan.refused] == [key.removeprefix("p/")]
    with pytest.raises(S3.InvalidInput, match="refuses 1 item"):
        await plan.run()
    assert not await anyio.Path(tmp_path / "here").exists()
    rest = await bucket.download_dir("p", tmp_path / "here", exclude=[key.removeprefix("p/").replace("\\", "?")])
    assert rest.transferred == 1


async def test_file_and_directory(bucket: S3.AsyncBucket, tmp_path: Path) -> None:
    """What is both a file and a directory, there or here, is refused."""
    await store(bucket, {"a": b"1", "a-b": b"2", "a/b": b"3", "f/x": b"4", "g": b"5"})
    here = await make(tmp_path / "here", {"f": b"6", "g/h/i": b"7"})
    plan = await bucket.plan_download_dir("", here, delete=True)
    assert plan.refused[:] == [
        S3.Unplanned("a/b", "'a' is a file, and can't be a directory, too"),
        S3.Unplanned("f/x", "'f' is a file, and can't be a directory, too"),
        S3.Unplanned("g", "it is a directory here, and can't be a file, too"),
    ]
    with pytest.raises(S3.InvalidInput):
        await plan.run()
    assert await files(here) == {"f": b"6", "g/h/i": b"7"}


async def test_directory_markers(bucket: S3.AsyncBucket, tmp_path: Path) -> None:
    """Keys that end in a slash become directories; on the way back they stay where there is such a directory."""
    await store(bucket, {"p/": b"", "p/d/": b"", "p/e/": b"", "p/e/f": b"1"})
    report = await bucket.download_dir("p", tmp_path / "here")
    assert (report.transferred, len(report.results)) == (1, 3)
    assert sorted([path.name async for path in anyio.Path(tmp_path / "here").iterdir()]) == ["d", "e"]
    assert (await bucket.download_dir("p", tmp_path / "here")).results[:] == []
    assert (await bucket.upload_dir(tmp_path / "here", "p", delete=True)).deleted == 0
    await anyio.Path(tmp_path / "here" / "d").rmdir()
    assert (await bucket.upload_dir(tmp_path / "here", "p", delete=True)).deleted == 1
    assert sorted(await objects(bucket)) == ["p/", "p/e/", "p/e/f"]


async def test_names_that_are_no_keys(bucket: S3.AsyncBucket, tmp_path: Path) -> None:
    """Files whose names can't be keys are refused before anything is transferred; excluded, they do no harm."""
    here = await make(tmp_path / "here", {"good": b"1", "bad\udcff": b"2", f"{'n' * 200}/{'n' * 200}": b"3"})
    plan = await bucket.plan_upload_dir(here, "p" * 700)
    assert [(each.path[:5], "UTF-8" in each.why) for each in plan.refused] == [("bad\udcff", True), ("nnnnn", True)]
    assert "'bad\\udcff': its name is not UTF-8" in str(plan)
    with pytest.raises(S3.InvalidInput):
        await plan.run()
    assert await objects(bucket) == {}
    await bucket.upload_dir(here, exclude="bad*")
    report = await bucket.download_dir("", here, delete=True)
    assert [each.path for each in report.skipped] == ["bad\udcff"]


async def test_unreadable_directory(bucket: S3.AsyncBucket, unprivileged: Path) -> None:
    """A directory that can't be read might hold anything: nothing is transferred or deleted, unless it is excluded."""
    await make(unprivileged, {"a": b"1", "secret/b": b"2"})
    await anyio.Path(unprivileged / "secret").chmod(0)
    await store(bucket, {"secret/b": b"2", "c": b"3"})
    plan = await bucket.plan_upload_dir(unprivileged, delete=True)
    assert [each.path for each in plan.refused] == ["secret/"]
    with pytest.raises(S3.InvalidInput, match="can't be read"):
        await plan.run()
    await bucket.upload_dir(unprivileged, delete=True, exclude="secret/")
    assert sorted(await objects(bucket)) == ["a", "secret/b"]
    await anyio.Path(unprivileged / "secret").chmod(0o700)


async def test_failed_files(bucket: S3.AsyncBucket, unprivileged: Path) -> None:
    """One file that can't be read doesn't keep the others out; all outcomes are told, and nothing is deleted."""
    await make(unprivileged, {"a": b"1", "b": b"2", "c": b"3"})
    await anyio.Path(unprivileged / "b").chmod(0)
    await store(bucket, {"extra": b""})
    with pytest.raises(S3.BulkError, match="nothing was deleted") as raised:
        await bucket.upload_dir(unprivileged, delete=True)
    assert {result.key: result.ok for result in raised.value.results} == {"a": True, "b": False, "c": True}
    assert isinstance(raised.value.exceptions[0], PermissionError)
    assert sorted(await objects(bucket)) == ["a", "c", "extra"]


async def test_the_source_changes_after_the_plan(bucket: S3.AsyncBucket, tmp_path: Path) -> None:
    """A file that has changed, has gone or has become a symlink since the plan was made is that file's failure."""
    here = await make(tmp_path / "here", {"changed": b"1", "gone": b"2", "link": b"3", "same": b"4", "d/link": b"5"})
    await make(tmp_path / "outside", {"link": b"secret"})
    plan = await bucket.plan_upload_dir(here)
    await make(here, {"changed": b"11"})
    await anyio.Path(here / "gone").unlink()
    await anyio.Path(here / "link").unlink()
    await anyio.Path(here / "link").symlink_to(tmp_path / "outside" / "link")
    await anyio.Path(here / "d" / "link").unlink()
    await anyio.Path(here / "d").rmdir()
    await anyio.Path(here / "d").symlink_to(tmp_path / "outside")
    with pytest.raises(S3.BulkError) as raised:
        await plan.run()
    failures = {result.key: type(result.error) for result in raised.value.results if result.error}
    assert set(failures) == {"changed", "gone", "link", "d/link"}
    assert (failures["changed"], failures["gone"]) == (S3.IntegrityError, FileNotFoundError)
    assert await objects(bucket) == {"same": b"4"}


async def test_objects_change_before_an_upload(bucket: S3.AsyncBucket, tmp_path: Path) -> None:
    """An object that was made, replaced or deleted since the plan was made is left as it is: that file's failure."""
    here = await make(tmp_path / "here", {"made": b"1", "replaced": b"2", "deleted": b"3", "same": b"4"})
    await store(bucket, {"replaced": b"old", "deleted": b"old"})
    plan = await bucket.plan_upload_dir(here)
    await store(bucket, {"made": b"theirs", "replaced": b"theirs"})
    await bucket.delete("deleted")
    with pytest.raises(S3.BulkError) as raised:
        await plan.run()
    failures = {result.key: str(result.error) for result in raised.value.results if result.error}
    assert {key: f"was {key} after" in text for key, text in failures.items()} == dict.fromkeys(
        ("made", "replaced", "deleted"), True
    )
    assert all(isinstance(error, S3.PreconditionFailed) for error in raised.value.exceptions)
    assert await objects(bucket) == {"made": b"theirs", "replaced": b"theirs", "same": b"4"}


async def test_objects_change_before_they_are_deleted(bucket: S3.AsyncBucket, tmp_path: Path) -> None:
    """An object that was replaced since the plan was made is not deleted."""
    here = await make(tmp_path / "here", {"a": b"1"})
    await store(bucket, {"a": b"1", "old": b"1", "replaced": b"1"})
    plan = await bucket.plan_upload_dir(here, delete=True)
    await bucket.put("replaced", b"2")
    with pytest.raises(S3.BulkError) as raised:
        await plan.run()
    assert {result.key: result.ok for result in raised.value.results} == {"old": True, "replaced": False}
    assert await objects(bucket) == {"a": b"1", "replaced": b"2"}


async def test_objects_change_before_a_download(bucket: S3.AsyncBucket, tmp_path: Path) -> None:
    """An object that was replaced or deleted since the plan was made is that file's failure, and nothing is left."""
    await store(bucket, {"deleted": b"1", "replaced": b"2", "same": b"3"})
    plan = await bucket.plan_download_dir("", tmp_path / "here")
    await bucket.delete("deleted")
    await bucket.put("replaced", b"4")
    with pytest.raises(S3.BulkError) as raised:
        await plan.run()
    failures = {result.key: type(result.error) for result in raised.value.results if result.error}
    assert failures == {"deleted": S3.NoSuchKey, "replaced": S3.PreconditionFailed}
    assert await files(tmp_path / "here") == {"same": b"3"}


async def test_files_change_before_a_download(bucket: S3.AsyncBucket, tmp_path: Path) -> None:
    """A local file that was made or changed since the plan was made is neither replaced nor deleted."""
    here = await make(tmp_path / "here", {"changed": b"1", "extra": b"1"})
    await store(bucket, {"changed": b"22", "made": b"22", "same": b"22"})
    plan = await bucket.plan_download_dir("", here, delete=True)
    await make(here, {"made": b"mine", "changed": b"mine"})
    with pytest.raises(S3.BulkError):
        await plan.run()
    assert await files(here) == {"changed": b"mine", "extra": b"1", "made": b"mine", "same": b"22"}
    plan = await bucket.plan_download_dir("", here, delete=True)
    await make(here, {"extra": b"mine"})
    with pytest.raises(S3.BulkError) as raised:
        await plan.run()
    assert [(result.key, type(result.error)) for result in raised.value.results if result.error] == [
        ("extra", S3.IntegrityError)
    ]
    assert await files(here) == {"changed": b"22", "extra": b"mine", "made": b"22", "same": b"22"}


async def test_a_symlink_is_put_in_the_way(bucket: S3.AsyncBucket, tmp_path: Path) -> None:
    """A symlink that is put in the way after the plan was made leads nothing out of the directory."""
    outside = await make(tmp_path / "outside", {"old": b"old"})
    await store(bucket, {"dir/new": b"2", "file": b"3", "deep/er/x": b"4"})
    here = await make(tmp_path / "here", {"file": b"1", "deep/er/y": b"5"})
    plan = await bucket.plan_download_dir("", here)
    await anyio.Path(here / "dir").symlink_to(outside)
    await anyio.Path(here / "file").unlink()
    await anyio.Path(here / "file").symlink_to(outside / "old")
    await asyncio.to_thread(shutil.move, here / "deep" / "er", tmp_path / "moved")
    await anyio.Path(here / "deep" / "er").symlink_to(tmp_path / "moved")
    with pytest.raises(S3.BulkError) as raised:
        await plan.run()
    assert len(raised.value.exceptions) == 3
    assert await files(outside) == {"old": b"old"}
    assert await files(tmp_path / "moved") == {"y": b"5"}


async def test_modes(bucket: S3.AsyncBucket, tmp_path: Path) -> None:
    """A file that is replaced keeps its mode; a new one has that which open() would give it."""
    here = await make(tmp_path / "here", {"a": b"1", "c": b"3"})
    await anyio.Path(here / "a").chmod(0o604)
    await store(bucket, {"a": b"2", "b": b"2"})
    await bucket.download_dir("", here)
    modes = {name: (await anyio.Path(here / name).stat()).st_mode & 0o777 for name in "abc"}
    assert modes == {"a": 0o604, "b": modes["c"], "c": modes["c"]}


async def test_protected_file(bucket: S3.AsyncBucket, unprivileged: Path) -> None:
    """A file that may not be written is not replaced, though its directory would allow that."""
    await make(unprivileged, {"a": b"1"})
    await anyio.Path(unprivileged / "a").chmod(0o444)
    await store(bucket, {"a": b"22", "b": b"22"})
    with pytest.raises(S3.BulkError) as raised:
        await bucket.download_dir("", unprivileged)
    assert isinstance(raised.value.exceptions[0], PermissionError)
    assert await files(unprivileged) == {"a": b"1", "b": b"22"}


async def test_a_plan_may_be_run_again(bucket: S3.AsyncBucket, tmp_path: Path) -> None:
    """Run a second time, an upload fails, file by file, for the objects are there now."""
    here = await make(tmp_path / "here", {"a": b"1"})
    plan = await bucket.plan_upload_dir(here)
    assert (await plan.run(concurrency=2)).transferred == 1
    with pytest.raises(S3.BulkError):
        await plan.run()
    with pytest.raises(S3.InvalidInput):
        await plan.run(concurrency=-1)


async def test_changed_working_directory(
    bucket: S3.AsyncBucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path is that of when the plan was made."""
    await make(tmp_path / "here", {"a": b"1"})
    await asyncio.to_thread(monkeypatch.chdir, tmp_path)
    plan = await bucket.plan_upload_dir("here")
    await asyncio.to_thread(monkeypatch.chdir, "/")
    assert (await plan.run()).transferred == 1


async def test_many(bucket: S3.AsyncBucket, tmp_path: Path) -> None:
    """More objects than a page of a listing holds, and more than a request deletes, go the same way."""
    tree = {f"{number % 7}/{number}": b"%d" % number for number in range(1_100)}
    here = await make(tmp_path / "here", tree)
    assert (await bucket.upload_dir(here, "p")).transferred == 1_100
    assert (await bucket.download_dir("p", tmp_path / "there")).transferred == 1_100
    assert await files(tmp_path / "there") == tree
    await asyncio.to_thread(shutil.rmtree, here)
    await make(here, {"0/0": b"0"})
    assert (await bucket.upload_dir(here, "p", delete=True)).deleted == 1_099
    assert await objects(bucket) == {"p/0/0": b"0"}
