"""resume=True: what an earlier call has sent or fetched isn't sent or fetched again, if it is what it should be."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest
import pytest_asyncio

import s3_bucket as S3
from tests.conformance.conftest import PART

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conformance.conftest import OpenBucket

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Killed(Exception):  # noqa: N818  # it is no error
    """What ends a call in the middle."""


def killing(done: int) -> Callable[[S3.Progress], None]:
    """Return what ends a call when so many bytes have moved."""

    def tell(progress: S3.Progress) -> None:
        if progress.done >= done:
            raise Killed

    return tell


@pytest.fixture(autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have it noted in an empty directory what has begun."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


@pytest.fixture
def place(tmp_path: Path) -> anyio.Path:
    """Return an empty directory, whose calls don't block the loop."""
    return anyio.Path(tmp_path)


@pytest_asyncio.fixture(loop_scope="session")
async def slow(bucket: S3.AsyncBucket, open_bucket: OpenBucket) -> S3.AsyncBucket:
    """Return the bucket with one request at a time, so that nothing else is on its way when a call ends."""
    return open_bucket(bucket.name, max_concurrency=1)


@pytest_asyncio.fixture(loop_scope="session")
async def source(place: anyio.Path, data: bytes) -> anyio.Path:
    """Return a file of three parts."""
    path = place / "source"
    await path.write_bytes(data)
    return path


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Count the requests that succeed."""
    found: Counter[str] = Counter()

    def count(event: S3.events.Event) -> None:
        if isinstance(event, S3.events.RequestFinished) and event.error is None:
            found[event.operation] += 1

    with S3.on_event(count):
        yield found


async def names(directory: anyio.Path) -> list[str]:
    """Return what is in a directory."""
    return sorted([path.name async for path in directory.iterdir()])


async def noted() -> list[str]:
    """Return the names of the files in which it is noted what has begun."""
    directory = anyio.Path(os.environ["XDG_STATE_HOME"]) / "s3-bucket" / "uploads"
    return await names(directory) if await directory.exists() else []


async def begin_upload(slow: S3.AsyncBucket, source: anyio.Path, done: int = PART, **options: Any) -> None:
    """Upload, until so many bytes have arrived."""
    with pytest.raises(Killed):
        await slow.upload_file(source, "key", resume=True, progress=killing(done), **options)


@pytest.mark.parametrize("done", [PART, 2 * PART, PART * 5 // 2])
async def test_upload(
    slow: S3.AsyncBucket, source: anyio.Path, data: bytes, done: int, uploads: Callable[[], Any]
) -> None:
    """An upload goes on with the parts that are missing, and leaves nothing."""
    await begin_upload(slow, source, done, metadata={"a": "b"})
    assert len(await uploads()) == 1
    assert not await slow.exists("key")
    told: list[S3.Progress] = []
    with counted() as requests:
        info = await slow.upload_file(source, "key", resume=True, progress=told.append, metadata={"a": "b"})
    sent = -(-(len(data) - done) // PART)
    assert requests == Counter({"ListParts": 1, "UploadPart": sent, "CompleteMultipartUpload": 1}) + Counter()
    assert (told[0].done, told[-1].done, {each.total for each in told}) == (done, len(data), {len(data)})
    got = await slow.get("key")
    assert got.data == data
    assert (info.size, info.etag, info.metadata, got.metadata) == (len(data), got.info.etag, {"a": "b"}, {"a": "b"})
    assert (await uploads(), await noted()) == ([], [])


@pytest.mark.parametrize("size", [0, 1, PART, PART + 1])
async def test_nothing_to_resume(
    bucket: S3.AsyncBucket, place: anyio.Path, data: bytes, size: int, uploads: Callable[[], Any]
) -> None:
    """What never was interrupted is stored and fetched as ever, and leaves nothing."""
    await (place / "a").write_bytes(data[:size])
    told: list[S3.Progress] = []
    up = await bucket.upload_file(place / "a", "key", resume=True, progress=told.append)
    down = await bucket.download_file("key", place / "b", resume=True)
    assert (up.size, up.etag) == (down.size, down.etag) == (size, up.etag)
    assert (told[0].done, told[-1]) == (0, S3.Progress("key", size, size))
    assert await (place / "b").read_bytes() == data[:size]
    assert await names(place) == ["a", "b"]
    assert (await uploads(), await noted()) == ([], [])


@pytest.mark.parametrize("change", ["content", "length", "to a short one", "options", "part_size"])
async def test_another_upload(
    slow: S3.AsyncBucket,
    open_bucket: OpenBucket,
    source: anyio.Path,
    data: bytes,
    change: str,
    uploads: Callable[[], Any],
) -> None:
    """Where the file, the options or part_size have changed, an upload begins anew, and what had begun is aborted."""
    await begin_upload(slow, source)
    wanted = {"content": data[::-1], "length": data[:-1], "to a short one": b"short"}.get(change, data)
    if wanted is not data:
        await source.write_bytes(wanted)
        await asyncio.to_thread(os.utime, source, ns=(0, 1))  # a clock may be too coarse to show it
    options = {"content_type": "text/x-other"} if change == "options" else {}
    other = open_bucket(slow.name, part_size=PART + 1) if change == "part_size" else slow
    with counted() as requests:
        await other.upload_file(source, "key", resume=True, **options)
    assert requests["AbortMultipartUpload"] == 1
    assert requests["ListParts"] == 0
    got = await slow.get("key")
    assert got.data == wanted
    assert got.info.content_type == options.get("content_type", got.info.content_type)
    assert (await uploads(), await noted()) == ([], [])


async def test_under_a_customer_key(
    secure: S3.AsyncBucket,
    open_bucket: OpenBucket,
    secure_place: dict[str, Any],
    source: anyio.Path,
    data: bytes,
    uploads: Callable[[], Any],
) -> None:
    """What is under a customer's key goes on with that key, and the key is noted nowhere."""
    slow, mine = open_bucket(secure.name, max_concurrency=1, **secure_place), S3.SSE.c(b"0123456789abcdef" * 2)
    await begin_upload(slow, source, encryption=mine)
    [journal] = await noted()
    kept = await (anyio.Path(os.environ["XDG_STATE_HOME"]) / "s3-bucket" / "uploads" / journal).read_bytes()
    assert b"MDEyMzQ1Njc4" not in kept
    with counted() as requests:
        info = await slow.upload_file(source, "key", resume=True, encryption=mine)
    assert (requests["ListParts"], requests["CreateMultipartUpload"]) == (1, 0)
    assert info.encryption == "SSE-C"
    assert (await slow.get("key", encryption=mine)).data == data
    with pytest.raises(Killed):
        await slow.download_file("key", source.parent / "file", resume=True, encryption=mine, progress=killing(PART))
    with counted() as requests:
        await slow.download_file("key", source.parent / "file", resume=True, encryption=mine)
    assert requests["GetObject"] == 2
    assert await (source.parent / "file").read_bytes() == data
    assert (await names(source.parent), await noted()) == (["file", "source"], [])


async def test_another_customer_key(
    secure: S3.AsyncBucket,
    open_bucket: OpenBucket,
    secure_place: dict[str, Any],
    source: anyio.Path,
    data: bytes,
) -> None:
    """Under another key, an upload begins anew."""
    slow = open_bucket(secure.name, max_concurrency=1, **secure_place)
    await begin_upload(slow, source, encryption=S3.SSE.c(b"0123456789abcdef" * 2))
    another = S3.SSE.c(b"0123456789ABCDEF" * 2)
    with counted() as requests:
        await slow.upload_file(source, "key", resume=True, encryption=another)
    assert (requests["AbortMultipartUpload"], requests["CreateMultipartUpload"]) == (1, 1)
    assert (await slow.get("key", encryption=another)).data == data


async def test_chosen_checksum(slow: S3.AsyncBucket, source: anyio.Path, data: bytes) -> None:
    """An upload goes on with the checksums of its parts that it had chosen; with others, it begins anew."""
    await begin_upload(slow, source, checksum="SHA256")
    with counted() as requests:
        info = await slow.upload_file(source, "key", resume=True, checksum="SHA256")
    assert (requests["ListParts"], requests["UploadPart"]) == (1, 2)
    assert (await slow.get("key")).data == data
    if info.checksums:  # where the server keeps any
        assert info.checksums == (await slow.put("another", data, checksum="SHA256")).checksums
    await begin_upload(slow, source, checksum="SHA256")
    with counted() as requests:
        await slow.upload_file(source, "key", resume=True, checksum="SHA1")
    assert requests["AbortMultipartUpload"] == 1


async def test_locked_upload(locking: S3.AsyncBucket, open_bucket: OpenBucket, source: anyio.Path) -> None:
    """An object whose upload went on is locked, as it was to be."""
    slow = open_bucket(locking.name, max_concurrency=1)
    await begin_upload(slow, source, legal_hold=True)
    await slow.upload_file(source, "key", resume=True, legal_hold=True)
    assert (await slow.head("key")).legal_hold
    await slow.set_legal_hold("key", legal_hold=False)


async def test_upload_that_is_gone(
    slow: S3.AsyncBucket, source: anyio.Path, data: bytes, uploads: Callable[[], Any]
) -> None:
    """An upload that somebody has aborted meanwhile begins anew."""
    await begin_upload(slow, source)
    [upload] = await uploads()
    await slow.call("AbortMultipartUpload", Key="key", UploadId=upload["UploadId"])
    with counted() as requests:
        await slow.upload_file(source, "key", resume=True)
    assert requests["UploadPart"] == 3
    assert (await slow.get("key")).data == data
    assert (await uploads(), await noted()) == ([], [])


async def test_parts_of_others(
    slow: S3.AsyncBucket, source: anyio.Path, data: bytes, uploads: Callable[[], Any]
) -> None:
    """A part that holds something else, or is of another length, is sent again."""
    await begin_upload(slow, source, 2 * PART)
    [upload] = await uploads()
    for number, body in ((1, data[1 : PART + 1]), (2, data[:PART] + b"1")):
        await slow.call("UploadPart", Key="key", UploadId=upload["UploadId"], PartNumber=number, Body=body)
    with counted() as requests:
        await slow.upload_file(source, "key", resume=True)
    assert requests["UploadPart"] == 3
    assert (await slow.get("key")).data == data


async def test_uploads_of_others(slow: S3.AsyncBucket, source: anyio.Path, uploads: Callable[[], Any]) -> None:
    """Another program's upload of the same key, and our own without resume=True, stay as they are."""
    other = (await slow.call("CreateMultipartUpload", Key="key"))["UploadId"]
    await begin_upload(slow, source)
    await slow.upload_file(source, "key", resume=True)
    assert [each["UploadId"] for each in await uploads()] == [other]


async def test_uploads_at_the_same_time(
    slow: S3.AsyncBucket, source: anyio.Path, data: bytes, uploads: Callable[[], Any]
) -> None:
    """Of several calls at a time, one goes on, and the others do not disturb it."""
    await begin_upload(slow, source)
    infos = await asyncio.gather(*(slow.upload_file(source, "key", resume=True) for _ in range(3)))
    assert {info.size for info in infos} == {len(data)}
    assert (await slow.get("key")).data == data
    assert (await uploads(), await noted()) == ([], [])


async def test_resumed_create_only(slow: S3.AsyncBucket, source: anyio.Path, uploads: Callable[[], Any]) -> None:
    """Where there is an object already that must not be replaced, nothing is kept of its replacement."""
    await begin_upload(slow, source, if_absent=True)
    await slow.put("key", b"first")
    with pytest.raises(S3.KeyAlreadyExists):
        await slow.upload_file(source, "key", resume=True, if_absent=True)
    assert (await slow.get("key")).data == b"first"
    assert (await uploads(), await noted()) == ([], [])


async def test_failure_of_an_upload(slow: S3.AsyncBucket, source: anyio.Path, uploads: Callable[[], Any]) -> None:
    """What ends an upload says how it goes on."""
    with pytest.raises(Killed) as raised:
        await slow.upload_file(source, "key", resume=True, progress=killing(PART))
    [upload] = await uploads()
    assert [upload["UploadId"] in note for note in raised.value.__notes__] == [True]


# Downloads


async def begin_download(slow: S3.AsyncBucket, place: anyio.Path, data: bytes, done: int = PART) -> list[anyio.Path]:
    """Store an object, and download it over an old file until so many bytes have arrived; return what is kept."""
    await slow.put("key", data)
    await (place / "file").write_bytes(b"old")
    with pytest.raises(Killed):
        await slow.download_file("key", place / "file", resume=True, progress=killing(done))
    assert await (place / "file").read_bytes() == b"old"
    return sorted([path async for path in place.iterdir() if path.name.startswith(".file.")])


@pytest.mark.parametrize("done", [PART, 2 * PART, PART * 5 // 2])
async def test_download(slow: S3.AsyncBucket, place: anyio.Path, data: bytes, done: int) -> None:
    """A download goes on with the ranges that are missing, and leaves nothing but the file."""
    await begin_download(slow, place, data, done)
    told: list[S3.Progress] = []
    with counted() as requests:
        info = await slow.download_file("key", place / "file", resume=True, progress=told.append)
    fetched = -(-(len(data) - done) // PART)
    assert (requests["HeadObject"], requests["GetObject"], requests.total()) == (1, fetched, 1 + fetched)
    assert (told[0].done, told[-1].done, {each.total for each in told}) == (done, len(data), {len(data)})
    assert await (place / "file").read_bytes() == data
    assert await names(place) == ["file"]
    whole = (await slow.get("key")).info
    assert (info.size, info.etag, info.checksums) == (len(data), whole.etag, whole.checksums)


async def test_other_part_size(slow: S3.AsyncBucket, open_bucket: OpenBucket, place: anyio.Path, data: bytes) -> None:
    """What has arrived in ranges of one length is gone on with in ranges of another one."""
    await begin_download(slow, place, data)
    with counted() as requests:
        await open_bucket(slow.name, part_size=2 * PART).download_file("key", place / "file", resume=True)
    assert requests["GetObject"] == 1
    assert await (place / "file").read_bytes() == data


@pytest.mark.parametrize("change", [b"", b"short", None])
async def test_changed_object(slow: S3.AsyncBucket, place: anyio.Path, data: bytes, change: bytes | None) -> None:
    """Of an object that has changed meanwhile, nothing old is used."""
    await begin_download(slow, place, data, 2 * PART)
    new = data[::-1] if change is None else change
    await slow.put("key", new)
    await slow.download_file("key", place / "file", resume=True)
    assert await (place / "file").read_bytes() == new
    assert await names(place) == ["file"]


async def test_another_object(slow: S3.AsyncBucket, place: anyio.Path, data: bytes) -> None:
    """Of another object that is fetched into the same file, nothing of the first one is used."""
    await begin_download(slow, place, data)
    await slow.put("other", data[::-1])
    await slow.download_file("other", place / "file", resume=True)
    assert await (place / "file").read_bytes() == data[::-1]


async def test_object_that_is_gone(slow: S3.AsyncBucket, place: anyio.Path, data: bytes) -> None:
    """Of an object that isn't there any more, nothing is kept; nor of one that never was."""
    await begin_download(slow, place, data)
    await slow.delete("key")
    for key in ("key", "never"):
        with pytest.raises(S3.NoSuchKey):
            await slow.download_file(key, place / "file", resume=True)
        assert await names(place) == ["file"]
    assert await (place / "file").read_bytes() == b"old"


async def test_corrupt_part(slow: S3.AsyncBucket, place: anyio.Path, data: bytes) -> None:
    """A range whose bytes are not what had arrived is fetched again, and no other."""
    part, _ = await begin_download(slow, place, data, 2 * PART)
    damaged = bytearray(await part.read_bytes())
    damaged[5] ^= 1
    await part.write_bytes(damaged)
    with counted() as requests:
        await slow.download_file("key", place / "file", resume=True)
    assert requests["GetObject"] == 2
    assert await (place / "file").read_bytes() == data


@pytest.mark.parametrize("crash", ["part is gone", "journal is gone", "part is cut", "journal is cut", "zeros"])
async def test_after_a_crash(slow: S3.AsyncBucket, place: anyio.Path, data: bytes, crash: str) -> None:
    """Whatever a crash of the machine has left, the file is right in the end, and nothing is left beside it."""
    part, journal = await begin_download(slow, place, data, 2 * PART)
    damaged = part if crash.startswith("part") else journal
    content = await damaged.read_bytes()
    if crash.endswith("gone"):
        await damaged.unlink()
    else:
        await damaged.write_bytes(bytes(len(content)) if crash == "zeros" else content[:-3])
    await slow.download_file("key", place / "file", resume=True)
    assert await (place / "file").read_bytes() == data
    assert await names(place) == ["file"]


async def test_downloads_at_the_same_time(slow: S3.AsyncBucket, place: anyio.Path, data: bytes) -> None:
    """Of several calls at a time, one goes on, and the others do not disturb it."""
    await begin_download(slow, place, data)
    await asyncio.gather(*(slow.download_file("key", place / "file", resume=True) for _ in range(3)))
    assert await (place / "file").read_bytes() == data
    assert await names(place) == ["file"]


async def test_version(versioned: S3.AsyncBucket, open_bucket: OpenBucket, place: anyio.Path, data: bytes) -> None:
    """What has arrived of one version is gone on with for this version, and for no other."""
    slow = open_bucket(versioned.name, max_concurrency=1)
    for content in (data, data[::-1]):
        await slow.put("key", content)
        version = (await slow.head("key")).version_id
        for asked in (None, version):
            with pytest.raises(Killed):
                await slow.download_file("key", place / "a", resume=True, progress=killing(PART))
            await slow.download_file("key", place / "a", version_id=asked, resume=True)
            assert await (place / "a").read_bytes() == content


async def test_failure_of_a_download(slow: S3.AsyncBucket, place: anyio.Path, data: bytes) -> None:
    """What ends a download says how it goes on."""
    await slow.put("key", data)
    with pytest.raises(Killed) as raised:
        await slow.download_file("key", place / "a", resume=True, progress=killing(2 * PART))
    assert ["resume=True" in note for note in raised.value.__notes__] == [True]


async def test_impossible_destination(unreachable: S3.AsyncBucket, place: anyio.Path) -> None:
    """A destination that can't be is Python's own error, and nothing is fetched or made."""
    with pytest.raises(FileNotFoundError):
        await unreachable.download_file("key", place / "missing" / "a", resume=True)
    with pytest.raises(IsADirectoryError):
        await unreachable.download_file("key", place, resume=True)
    with pytest.raises(S3.BucketConnectionError):
        await unreachable.download_file("key", place / "a", resume=True)
    assert await names(place) == []
