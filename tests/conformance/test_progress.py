"""progress= and on_event(): what is told of a transfer is what happened, and nothing is told twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

import s3_bucket as S3
from tests.conformance.conftest import PART

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="session")

SIZES = (0, 1, PART, PART * 5 // 2)


@pytest.fixture
def place(tmp_path: Path) -> anyio.Path:
    """Return an empty directory, whose calls don't block the loop."""
    return anyio.Path(tmp_path)


class TooMuch(Exception):  # noqa: N818  # it is the user's
    """What a user's callback raises to stop."""


def stopping(progress: S3.Progress) -> None:
    """Stop as soon as something has moved."""
    if progress.done:
        raise TooMuch(progress.done)


def check(told: list[S3.Progress], size: int) -> None:
    """Raise unless what was told rises without a repetition, and ends with all."""
    done = [progress.done for progress in told]
    assert done == sorted(done)
    assert told[-1] == S3.Progress("key", size, size)
    assert len(set(told)) == len(told)


@pytest.mark.parametrize("size", SIZES)
async def test_files(bucket: S3.AsyncBucket, size: int, data: bytes, place: anyio.Path) -> None:
    """Of a file, the total is known from the beginning, either way."""
    await (place / "a").write_bytes(data[:size])
    up: list[S3.Progress] = []
    down: list[S3.Progress] = []
    await bucket.upload_file(place / "a", "key", progress=up.append)
    await bucket.download_file("key", place / "b", progress=down.append)
    for told in (up, down):
        check(told, size)
        assert {progress.total for progress in told} == {size}
        assert told[0].done == 0


@pytest.mark.parametrize("size", SIZES)
async def test_streams(bucket: S3.AsyncBucket, size: int, data: bytes) -> None:
    """Of what comes piece by piece, the total is told in the end."""
    pieces = [data[at : min(at + PART, size)] for at in range(0, size, PART)]
    told: list[S3.Progress] = []
    await bucket.put("key", iter(pieces), progress=told.append)
    check(told, size)


async def test_json(bucket: S3.AsyncBucket) -> None:
    """put_json tells, too."""
    told: list[S3.Progress] = []
    await bucket.put_json("key", [1], progress=told.append)
    check(told, 3)


@pytest.mark.parametrize("if_absent", [False, True], ids=["whole", "in parts"])
async def test_copies(bucket: S3.AsyncBucket, *, if_absent: bool) -> None:
    """Copies and moves tell, though no bytes come here."""
    await bucket.put("key", b"data")
    for key, copy in (("copy", bucket.copy), ("moved", bucket.move)):
        told: list[S3.Progress] = []
        await copy("key", key, if_absent=if_absent, progress=told.append)
        assert told == [S3.Progress(key, 0, 4), S3.Progress(key, 4, 4)]


async def test_stopped_uploads(bucket: S3.AsyncBucket, data: bytes) -> None:
    """What the callback of a multipart upload raises reaches the caller as it is; nothing is stored, nothing left."""
    with pytest.raises(TooMuch):
        await bucket.put("key", data[: PART * 2], progress=stopping)
    assert not await bucket.exists("key")
    assert (await bucket.call("ListMultipartUploads")).get("Uploads", []) == []


async def test_stopped_downloads(bucket: S3.AsyncBucket, data: bytes, place: anyio.Path) -> None:
    """What the callback of a download raises reaches the caller; the file stays as it was."""
    await bucket.put("key", data[: PART * 2])
    await (place / "a").write_bytes(b"before")
    with pytest.raises(TooMuch):
        await bucket.download_file("key", place / "a", progress=stopping)
    assert await (place / "a").read_bytes() == b"before"
    assert [path.name async for path in place.iterdir()] == ["a"]


async def test_many_files(bucket: S3.AsyncBucket, data: bytes, place: anyio.Path) -> None:
    """Of many files, the bytes of all are told together, either way."""
    for name, size in (("a", 10), ("b", PART + 5), ("c", 0)):
        await (place / name).write_bytes(data[:size])
    up: list[S3.Progress] = []
    down: list[S3.Progress] = []
    results = [r async for r in bucket.upload_files([(place / name, name) for name in "abc"], progress=up.append)]
    results += [r async for r in bucket.download_files([(n, place / f"{n}2") for n in "abc"], progress=down.append)]
    assert all(result.ok for result in results)
    for told in (up, down):
        done = [progress.done for progress in told]
        assert done == sorted(set(done))
        assert (done[-1], {progress.key for progress in told}) == (PART + 15, {"a", "b"})


async def test_many_files_that_are_stopped(bucket: S3.AsyncBucket, place: anyio.Path) -> None:
    """What the callback of many raises ends the iteration, and is no file's outcome."""
    await (place / "a").write_bytes(b"data")
    for number in range(50):
        await bucket.put(str(number), b"data")
    outcomes: list[S3.Result[None]] = []

    async def drain(results: AsyncIterator[S3.Result[None]]) -> None:
        async for result in results:
            outcomes.append(result)  # noqa: PERF401  # what comes before the end is looked at

    with pytest.raises(TooMuch):
        await drain(bucket.upload_files([(place / "a", f"up{number}") for number in range(50)], progress=stopping))
    with pytest.raises(TooMuch):
        await drain(bucket.download_files([(str(n), place / str(n)) for n in range(50)], progress=stopping))
    assert [result for result in outcomes if not result.ok] == []


async def test_no_callback(unreachable: S3.AsyncBucket) -> None:
    """What can't be called is refused before anything is sent."""
    with pytest.raises(S3.InvalidInput, match=r"^progress: "):
        await unreachable.put("key", b"", progress=5)  # type: ignore[arg-type]
    for copy in (unreachable.copy, unreachable.move):
        with pytest.raises(S3.InvalidInput, match=r"^progress: "):
            await copy("a", "b", progress=5)  # type: ignore[arg-type]


@pytest.fixture
def seen() -> Iterator[list[S3.events.Event]]:
    """Return the events that come."""
    found: list[S3.events.Event] = []
    with S3.on_event(found.append):
        yield found


async def test_events(bucket: S3.AsyncBucket, data: bytes, seen: list[S3.events.Event]) -> None:
    """Every request of a call is told of, with the status that came and the bytes that moved."""
    await bucket.put("key", data[: PART + 5])
    await bucket.get("key", range=(5, 9))
    with pytest.raises(S3.NoSuchKey):
        await bucket.get("missing")
    await bucket.delete("key")
    finished = [event for event in seen if isinstance(event, S3.events.RequestFinished)]
    assert all(event.attempts >= 1 for event in finished)  # Ceph's first answer to a completion may lack the etag
    told = [(event.operation, event.bucket, event.key, event.status, event.bytes) for event in finished]
    name = bucket.name
    assert [each for each in told if each[0] != "UploadPart"] == [
        ("CreateMultipartUpload", name, "key", 200, 0),
        ("CompleteMultipartUpload", name, "key", 200, 0),
        ("GetObject", name, "key", 206, 4),
        ("GetObject", name, "missing", 404, 0),
        ("DeleteObject", name, "key", 204, 0),
    ]
    parts = {("UploadPart", name, "key", 200, size) for size in (PART, 5)}
    assert {each for each in told if each[0] == "UploadPart"} == parts
