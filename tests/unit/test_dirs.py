"""How plans of directories are made and carried out, over a store in memory."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest

import s3_bucket as S3
from s3_bucket._async import _dirs
from s3_bucket._async._dirs import Job
from s3_bucket._async._shards import Place
from s3_bucket._directories._tree import Plan
from s3_bucket._models import ObjectInfo
from s3_bucket._store import Page
from s3_bucket.exceptions import BucketAccessDenied, BucketTimeout, BulkError, IntegrityError, InvalidInput, NoSuchKey
from tests.unit.memory import BUCKET, MemoryStore, is_idle, opener, retrying

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_bucket._store import GetRequest, ListRequest


class Opaque(MemoryStore):
    """A store whose etags say nothing of the content, and whose HEAD may."""

    def __init__(self) -> None:
        super().__init__()
        self.heads: dict[str, Any] = {}
        self.overlooks_if_match = False

    async def list_page(self, request: ListRequest, token: str | None, max_keys: int) -> Page:
        """List with the etags that a get gives."""
        page = await super().list_page(request, token, max_keys)
        return Page([ObjectInfo(each.key, each.size, self.etag(each.key)) for each in page.objects], page.token)

    def etag(self, key: str) -> str:
        """Return an object's etag."""
        return f"etag-{hash(self.objects[key])}"

    async def call(self, bucket: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Answer HeadObject as was told."""
        await super().call(bucket, operation, parameters)
        head = self.heads[parameters["Key"]]
        if isinstance(head, Exception):
            raise head
        return dict(head)

    def _info(self, request: GetRequest) -> ObjectInfo:
        return super()._info(request._replace(if_match=None) if self.overlooks_if_match else request)


@pytest.fixture
def memory() -> Opaque:
    """Return an empty store."""
    return Opaque()


def job(memory: MemoryStore, action: str, directory: Path, prefix: str = "", **settings: int) -> Job:
    """Return a job whose plan is empty."""
    place = Place(S3.AsyncBucket, BUCKET, {}, has_keys=False)
    return Job(opener(retrying(memory, **settings)), lambda: place, Plan(action, str(directory), BUCKET, prefix), {})


async def planned(memory: MemoryStore, action: str, directory: Path, *, delete: bool = False, **settings: int) -> Job:
    """Return a job with its plan."""
    return await _dirs.planned(job(memory, action, directory, **settings), None, None, delete=delete)


async def write(directory: Path, **files: bytes) -> None:
    """Make files."""
    for name, data in files.items():
        await anyio.Path(directory / name).write_bytes(data)


def sha256(data: bytes) -> str:
    """Return a checksum as S3 writes it."""
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


@pytest.mark.parametrize("action", ["upload", "download"])
async def test_checksums_decide(memory: Opaque, tmp_path: Path, action: str) -> None:
    """Where the etag says nothing, HEAD's checksum does; where that can't be had, the file is transferred."""
    contents = dict.fromkeys(("same", "other", "none", "gone", "denied", "foreign"), b"data")
    memory.objects.update(contents)
    memory.heads = {
        "same": {"ChecksumSHA256": sha256(b"data")},
        "other": {"ChecksumSHA256": sha256(b"dat2")},
        "none": {},
        "gone": NoSuchKey("gone"),
        "denied": BucketAccessDenied("denied"),
        "foreign": InvalidInput("another's key"),
    }
    await write(tmp_path, **contents)
    plan = (await planned(memory, action, tmp_path)).plan
    assert sorted((item.path, item.why) for item in plan.items) == [
        (name, "other content") for name in sorted(contents) if name != "same"
    ]
    assert plan.unchanged == 1
    memory.heads["gone"] = BucketTimeout("no answer")
    with pytest.raises(BucketTimeout):
        await planned(memory, action, tmp_path)


async def test_no_head_where_the_etag_decides(memory: Opaque, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An etag that is the content's MD5, sizes that differ, and empty files cost no request."""
    monkeypatch.setattr(Opaque, "etag", lambda self, key: hashlib.md5(self.objects[key]).hexdigest())  # noqa: S324
    memory.objects.update({"same": b"data", "longer": b"data", "empty": b""})
    await write(tmp_path, same=b"data", longer=b"data2", empty=b"", new=b"data")
    plan = (await planned(memory, "upload", tmp_path)).plan
    assert [(item.path, item.why) for item in plan.items] == [("longer", "other size"), ("new", "new")]
    assert memory.count("call") == 0


@pytest.mark.parametrize("small", [0, 1_000])
async def test_there_and_back(memory: Opaque, tmp_path: Path, small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small files, which are read and written at once, and others are transferred alike."""
    monkeypatch.setattr(_dirs, "SMALL", small)
    here = anyio.Path(tmp_path / "here")
    await here.mkdir()
    await write(Path(here), a=b"1", b=bytes(35))
    report = await _dirs.run(await planned(memory, "upload", Path(here)), None)
    assert (report.transferred, report.transferred_bytes) == (2, 36)
    assert memory.objects == {"a": b"1", "b": bytes(35)}
    report = await _dirs.run(await planned(memory, "download", tmp_path / "there"), None)
    assert (report.transferred, report.transferred_bytes) == (2, 36)
    assert await anyio.Path(tmp_path / "there" / "b").read_bytes() == bytes(35)


@pytest.mark.parametrize("small", [0, 1_000])
async def test_a_server_that_overlooks_conditions(
    memory: Opaque, tmp_path: Path, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An object that was replaced since the plan was made is not taken, though the server overlooks If-Match."""
    monkeypatch.setattr(_dirs, "SMALL", small)
    memory.objects["a"] = b"old"
    made = await planned(memory, "download", tmp_path)
    memory.objects["a"] = b"new"
    memory.overlooks_if_match = True
    with pytest.raises(BulkError) as raised:
        await _dirs.run(made, 1)
    assert [type(error) for error in raised.value.exceptions] == [IntegrityError]
    assert [path async for path in anyio.Path(tmp_path).iterdir()] == []


async def test_failed_deletions(memory: Opaque, tmp_path: Path) -> None:
    """An object that the server doesn't delete is that object's failure."""
    memory.objects.update({"odd": b"1", "even": b"1", "a": b""})
    await write(tmp_path, a=b"")
    with pytest.raises(BulkError, match=r"every outcome$") as raised:
        await _dirs.run(await planned(memory, "upload", tmp_path, delete=True), None)
    assert {result.key: result.ok for result in raised.value.results} == {"odd": False, "even": True}


async def test_a_listing_that_fails(memory: Opaque, tmp_path: Path) -> None:
    """No plan is made of half a listing."""
    memory.objects.update({f"{number:04}": b"" for number in range(1_500)})
    memory.fail("list_page", IntegrityError("broken off"), 2)
    await write(tmp_path, a=b"1")
    for action in ("upload", "download"):
        with pytest.raises(IntegrityError):
            await planned(memory, action, tmp_path, delete=True)
        memory.calls.clear()


@pytest.mark.parametrize("small", [0, 1_000])
@pytest.mark.parametrize("action", ["upload", "download"])
async def test_cancellation(
    memory: Opaque, tmp_path: Path, small: int, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is cancelled leaves no temporary file, no task and no slot taken."""
    monkeypatch.setattr(_dirs, "SMALL", small)
    if action == "upload":
        await write(tmp_path, a=b"1", b=b"2", c=b"3")
    else:
        memory.objects.update({"a": b"1", "b": b"2", "c": b"3"})
    made = await planned(memory, action, tmp_path)
    gate = memory.hold("put" if action == "upload" else "get", 2)
    running = asyncio.ensure_future(_dirs.run(made, 3))
    await gate.reached.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert [path.name async for path in anyio.Path(tmp_path).iterdir() if path.name.endswith(".s3part")] == []
    assert is_idle(await made.open_store())


async def test_blocking_face(memory: Opaque, tmp_path: Path) -> None:
    """The blocking plan says what the async one says."""
    made = await planned(memory, "download", tmp_path)
    assert str(S3.DirPlan(made)) == str(S3.AsyncDirPlan(made))
    assert repr(S3.DirPlan(made)) == repr(S3.AsyncDirPlan(made)).removeprefix("Async")
