"""Copies and moves when things go wrong: nothing is left behind, and no source is deleted too early."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from s3_bucket import _checks, _plan, _vendors
from s3_bucket._async import _copies, _copy
from s3_bucket._async._errors import Target
from s3_bucket._async._retry import RetryingStore
from s3_bucket._config import Settings
from s3_bucket._encryption import SSE
from s3_bucket._models import ObjectInfo, Progress
from s3_bucket._store import Part, PutOptions, Upload, Written
from s3_bucket.exceptions import (
    AmbiguousWrite,
    BucketAccessDenied,
    BucketException,
    BucketTimeout,
    IntegrityError,
    InvalidInput,
    NoSuchKey,
    PreconditionFailed,
)
from tests.unit.memory import BUCKET, MemoryStore, is_idle, retrying

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from s3_bucket._store import CopyRequest, GetRequest

LOST = BucketTimeout("no answer", retryable=True)
REPLACED = PreconditionFailed("another etag", status=412)
GONE = NoSuchKey("gone")
DENIED = BucketAccessDenied("no tags for you")
NO_TAGS = BucketException("what are tags?", error_code="NotImplemented")


class Server(MemoryStore):
    """A store that copies, and keeps tags."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: dict[str, dict[str, str]] = {}
        self.tells_no_tags = False
        self.etags: dict[str, str] = {}
        self.asked: list[dict[str, Any]] = []
        self.changes: dict[str, Callable[[], None]] = {}
        self.more: dict[str, Any] = {}
        self.looked: list[GetRequest] = []
        self.deleted: list[GetRequest] = []
        self.objects["source"] = bytes(25)

    async def call(self, bucket: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Do it."""
        if operation == "ListParts":
            return await super().call(bucket, operation, parameters)
        async with self._call(operation):
            self.changed(operation)
            self.asked.append({"operation": operation, **parameters})
            return getattr(self, f"_{operation}")(**parameters)  # type: ignore[no-any-return]

    def changed(self, operation: str) -> None:
        """Do what is to be done when this is asked for the next time."""
        self.changes.pop(operation, lambda: None)()

    def _CopyObject(self, Key: str, CopySource: Any, **_: Any) -> dict[str, Any]:  # noqa: N802, N803  # S3's names
        self.objects[Key] = self.objects[CopySource["Key"]]
        return {"CopyObjectResult": {"ETag": f'"{self.etag(Key)}"'}}

    def _UploadPartCopy(self, UploadId: str, PartNumber: int, **_: Any) -> dict[str, Any]:  # noqa: N802, N803
        self.uploads[UploadId][PartNumber] = self.objects["source"]
        return {"CopyPartResult": {"ETag": "e", "ChecksumCRC32": "AAAA"}}

    def _GetObjectTagging(self, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N802, N803
        if self.tells_no_tags:
            return {}
        return {"TagSet": [{"Key": name, "Value": value} for name, value in self.tags.get(Key, {}).items()]}

    def _PutObjectTagging(self, Key: str, Tagging: Any, **_: Any) -> dict[str, Any]:  # noqa: N802, N803
        self.tags[Key] = {tag["Key"]: tag["Value"] for tag in Tagging["TagSet"]}
        return {}

    def etag(self, key: str) -> str:
        """Return the object's etag."""
        return self.etags.get(key, f"etag of {key}")

    async def head(self, request: GetRequest) -> ObjectInfo:
        """Look."""
        self.looked.append(request)
        async with self._call("head"):
            self.changed(f"head {self.count('head')}")
            if request.key not in self.objects:
                raise NoSuchKey("no key")
            if request.if_match not in {None, self.etag(request.key)}:
                raise PreconditionFailed("another etag")
            count = len(self.tags[request.key]) if request.key in self.tags else None
            size = len(self.objects[request.key])
            return ObjectInfo(request.key, size, self.etag(request.key), tag_count=count, **self.more)

    async def delete(self, request: GetRequest) -> None:
        """Delete."""
        self.deleted.append(request)
        await super().delete(request)

    async def complete_upload(self, upload: Upload, parts: Sequence[Part], options: PutOptions) -> Written:
        """Copy what was to be copied."""
        async with self._call("complete_upload"):
            del self.uploads[upload.upload_id]
            self.objects[upload.key] = self.objects["source"]
            return Written(self.etag(upload.key), self.more.get("version_id"))


@pytest.fixture
def server(memory: MemoryStore) -> Server:
    """Return the server, with an object of 25 bytes."""
    return Server()


@pytest.fixture
def store(server: Server) -> RetryingStore:
    """Return the store as copies see it."""
    return retrying(server)


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have objects copied in parts of ten bytes."""
    monkeypatch.setattr(_plan, "MAX_COPY_SIZE", 20)
    monkeypatch.setattr(_plan, "COPY_PART_SIZE", 10)


def request(key: str = "copy", **given: Any) -> CopyRequest:
    """Return what to copy."""
    return _checks.copy_request(BUCKET, "source", key, **given)


async def test_progress(server: Server, store: RetryingStore, in_parts: None) -> None:
    """Each part is told of as it is copied; what the callback raises ends the copy, and leaves nothing."""
    told: list[Progress] = []
    await _copy.copy(store, request(), told.append)
    assert told[0] == Progress("copy", 0, 25)
    assert [each.done for each in told] == sorted(each.done for each in told)
    assert (len(told), told[-1]) == (4, Progress("copy", 25, 25))

    def stop(progress: Progress) -> None:
        if progress.done:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        await _copy.move(store, request("another"), stop)
    assert "another" not in server.objects
    assert server.uploads == {}
    assert server.deleted == []


async def test_ranges(server: Server, store: RetryingStore, in_parts: None) -> None:
    """The parts are the whole source, each byte once, all of one etag, several at a time and within the budget."""
    await _copy.copy(store, request())
    parts = sorted((each["PartNumber"], each["CopySourceRange"]) for each in server.asked if "PartNumber" in each)
    assert parts == [(1, "bytes=0-9"), (2, "bytes=10-19"), (3, "bytes=20-24")]
    assert {each["CopySourceIfMatch"] for each in server.asked if "PartNumber" in each} == {'"etag of source"'}
    assert server.most == 3
    assert is_idle(store)


async def test_limit(server: Server, store: RetryingStore, in_parts: None) -> None:
    """What is not longer than CopyObject takes is copied by it."""
    server.objects["source"] = bytes(20)
    await _copy.copy(store, request())
    assert (server.count("CopyObject"), server.count("UploadPartCopy")) == (1, 0)


@pytest.mark.parametrize("operation", ["UploadPartCopy", "complete_upload", "create_upload"])
async def test_failing_in_parts(server: Server, store: RetryingStore, in_parts: None, operation: str) -> None:
    """A copy that fails leaves no upload, no copy and no task."""
    server.fail(operation, DENIED)
    with pytest.raises(BucketAccessDenied):
        await _copy.copy(store, request())
    assert (server.uploads, server.objects.keys()) == ({}, {"source"})
    assert is_idle(store)


@pytest.mark.parametrize("operation", ["UploadPartCopy", "complete_upload", "create_upload"])
async def test_cancelled_in_parts(server: Server, store: RetryingStore, in_parts: None, operation: str) -> None:
    """A copy that is cancelled is aborted before the cancellation comes out."""
    gate = server.hold(operation)
    task = asyncio.ensure_future(_copy.copy(store, request()))
    await gate.reached.wait()
    task.cancel()
    if operation == "create_upload":
        gate.open.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (server.uploads, server.objects.keys()) == ({}, {"source"})
    assert is_idle(store)


@pytest.mark.parametrize("error", [REPLACED, GONE])
@pytest.mark.parametrize("operation", ["UploadPartCopy", "CopyObject"])
async def test_replaced_meanwhile(
    server: Server, store: RetryingStore, operation: str, error: BucketException, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source that is replaced or deleted while it is copied fails the copy, and says so."""
    monkeypatch.setattr(_plan, "MAX_COPY_SIZE", 0 if operation == "UploadPartCopy" else 100)
    server.fail(operation, error)
    with pytest.raises(IntegrityError, match=r"'source' .* was replaced or deleted while it was copied") as raised:
        await _copy.copy(store, request())
    assert (raised.value.operation, raised.value.retryable) == (operation, True)
    assert (server.uploads, server.objects.keys()) == ({}, {"source"})


@pytest.mark.parametrize("change", ["etag", "time", "gone"])
async def test_overlooked_conditions(server: Server, store: RetryingStore, in_parts: None, change: str) -> None:
    """Where the server overlooks the parts' condition, a source that was replaced is found out before the end."""

    def replace() -> None:
        if change == "etag":
            server.etags["source"] = "another"
        elif change == "time":
            server.more = {"last_modified": "later"}
        else:
            del server.objects["source"]

    server.changes["head 2"] = replace
    with pytest.raises(IntegrityError, match="replaced or deleted"):
        await _copy.copy(store, request())
    assert (server.uploads, server.count("complete_upload")) == ({}, 0)


async def test_lost_onto_itself(server: Server, store: RetryingStore) -> None:
    """A copy onto itself may have replaced its source by itself, if its answer was lost: nobody can say."""
    server.fail("CopyObject", LOST, 1)
    server.fail("CopyObject", REPLACED, 2)
    with pytest.raises(AmbiguousWrite):
        await _copy.copy(store, request("source", content_type="x/y"))
    server.fail("CopyObject", REPLACED, 3)
    with pytest.raises(IntegrityError):
        await _copy.copy(store, request("source", content_type="x/y"))


async def test_not_the_same(server: Server, store: RetryingStore) -> None:
    """A copy that is not what was copied fails the call, and a move keeps its source."""
    server.changes["head 2"] = lambda: server.objects.update(copy=b"short")
    with pytest.raises(IntegrityError, match="5 bytes, and the source has 25"):
        await _copy.move(store, request())
    assert server.objects["source"] == bytes(25)
    assert server.count("delete") == 0


async def test_replaced_copy(server: Server, store: RetryingStore) -> None:
    """A copy that somebody has replaced since is looked for by its version; where it has none, it can't be compared."""
    server.changes["head 2"] = lambda: server.etags.update(copy="another")
    with pytest.raises(IntegrityError, match="replaced it since"):
        await _copy.move(store, request())
    server.more = {"version_id": "v"}
    versions: list[str | None] = []
    look = server.head

    async def head(request: GetRequest) -> ObjectInfo:
        versions.append(request.version_id)
        if request.key == "new" and "new" in server.objects:
            server.etags["new"] = "etag of new" if request.version_id else "another"
        return await look(request)

    server.head = head  # type: ignore[method-assign]
    await _copy.copy(store, request("new", if_absent=True))
    assert versions == [None, None, None, None, "v"]


@pytest.mark.parametrize("answer", [{}, {"CopyObjectResult": {}}, {"CopyObjectResult": {"ETag": ""}}])
async def test_foreign_answers(server: Server, store: RetryingStore, answer: dict[str, Any]) -> None:
    """A success that says nothing of a copy is none, and a move keeps its source."""
    server._CopyObject = lambda **_: answer  # type: ignore[method-assign]
    with pytest.raises(BucketException, match="not S3's"):
        await _copy.move(store, request())
    assert server.count("delete") == 0


async def test_foreign_parts(server: Server, store: RetryingStore, in_parts: None) -> None:
    """A success that says nothing of a part is none."""
    server._UploadPartCopy = lambda **_: {}  # type: ignore[method-assign]
    with pytest.raises(BucketException, match="not S3's"):
        await _copy.copy(store, request())
    assert server.uploads == {}


@pytest.mark.parametrize("at", [3, 4])
async def test_moving_what_is_replaced(server: Server, store: RetryingStore, at: int) -> None:
    """What was written in the source's place after it had been copied stays, and the error says that both are there."""
    if at == 3:
        server.changes["head 3"] = lambda: server.etags.update(source="another")
    else:
        server.fail("delete", REPLACED)
    with pytest.raises(PreconditionFailed, match="the copy is there"):
        await _copy.move(store, request())
    assert server.objects.keys() == {"source", "copy"}


async def test_moving_what_is_gone(server: Server, store: RetryingStore) -> None:
    """A source that is gone when it is to be deleted is moved."""
    server.changes["head 3"] = lambda: server.objects.pop("source") and None
    await _copy.move(store, request())
    assert server.objects.keys() == {"copy"}


@pytest.mark.parametrize("is_gone", [True, False])
async def test_lost_deletion(server: Server, store: RetryingStore, *, is_gone: bool) -> None:
    """A deletion whose answer was lost has succeeded if the source is gone."""
    server.fail("delete", LOST, 1)
    server.fail("delete", REPLACED, 2)
    if is_gone:
        server.changes["head 4"] = lambda: server.objects.pop("source") and None
        await _copy.move(store, request())
    else:
        with pytest.raises(PreconditionFailed):
            await _copy.move(store, request())


async def test_servers_without_tags(server: Server, store: RetryingStore, in_parts: None) -> None:
    """Where the server knows no tags, a copy in parts has none; where it doesn't tell them, the copy fails."""
    server.fail("GetObjectTagging", NO_TAGS, 1)
    await _copy.copy(store, request())
    server.fail("GetObjectTagging", DENIED, 2)
    with pytest.raises(BucketAccessDenied):
        await _copy.copy(store, request())


async def test_no_answer_about_tags(server: Server, store: RetryingStore, in_parts: None) -> None:
    """An answer without a word of tags means that there are none, but only where HEAD counts none, either."""
    server.tells_no_tags = True
    await _copy.copy(store, request())
    server.tags["source"] = {"a": "b"}
    with pytest.raises(BucketException, match="no TagSet"):
        await _copy.copy(store, request())


async def test_overlooked_tags(server: Server, store: RetryingStore, in_parts: None) -> None:
    """Tags that the server has overlooked are set afterwards; those that are right aren't set again."""
    server.tags["source"] = {"a": "b"}
    await _copy.copy(store, request())
    assert server.tags["copy"] == {"a": "b"}
    await _copy.copy(store, request(tags={"c": "d"}))
    assert server.tags["copy"] == {"c": "d"}
    await _copy.copy(store, request(tags={"c": "d"}))
    assert server.count("PutObjectTagging") == 2


INFO = ObjectInfo("source", 5, "0" * 32)


@pytest.mark.parametrize(
    ("source", "copy", "expected"),
    [
        ({}, {}, None),
        ({}, {"etag": "1" * 32}, "the source's is"),
        ({"etag": "1" * 32 + "-2"}, {}, None),
        ({"encryption": "aws:kms"}, {"etag": "1" * 32}, None),
        ({}, {"etag": "1" * 32, "encryption": "aws:kms"}, None),
        ({"encryption": "AES256"}, {"etag": "1" * 32}, "the source's is"),
        ({}, {"size": 4}, "4 bytes"),
        ({"checksums": {"CRC32": "a"}}, {"checksums": {"CRC32": "b"}}, "CRC32"),
        ({"checksums": {"CRC32": "a"}}, {"checksums": {"CRC32": "a"}}, None),
        ({"checksums": {"CRC32": "a-2"}}, {"checksums": {"CRC32": "b"}}, None),
        ({"checksums": {"CRC32": "a"}}, {"checksums": {"SHA1": "b"}}, None),
    ],
)
def test_differences(source: dict[str, Any], copy: dict[str, Any], expected: str | None) -> None:
    """A copy of another length or checksum is none; an etag tells only where it is an MD5 of the bytes."""
    one, other = (ObjectInfo(**(vars(INFO) | given)) for given in (source, copy))
    found = _copies.difference(one, other, other.etag)
    assert found is None if expected is None else expected in str(found)
    assert "replaced" in str(_copies.difference(one, other, "yet another"))


def test_storage_classes() -> None:
    """The source's storage class is kept, unless it is one that can't be asked for."""
    for name, expected in (("STANDARD_IA", {"StorageClass": "STANDARD_IA"}), ("EXPRESS_ONEZONE", {})):
        source = ObjectInfo("source", 5, "e", storage_class=name)
        assert _copies.kept(source, PutOptions()).headers == expected
        assert _copies.kept(source, PutOptions({"StorageClass": "X"})).headers == {"StorageClass": "X"}


def test_parameters() -> None:
    """A version is named besides the etag; what is kept by itself is not sent."""
    source = ObjectInfo("source", 5, "e", content_type="x/y", metadata={"a": "b"}, version_id="v")
    pinned = {"CopySource": {"Bucket": BUCKET, "Key": "source", "VersionId": "v"}, "CopySourceIfMatch": '"e"'}
    assert _copies.copy_parameters(request(), source) == {"Key": "copy", **pinned}
    assert _copies.copy_parameters(request(tags={}), source)["TaggingDirective"] == "REPLACE"
    changed = _copies.copy_parameters(request(cache_control="no-store"), source)
    assert changed["MetadataDirective"] == "REPLACE"
    assert (changed["Metadata"], changed["ContentType"], changed["CacheControl"]) == ({"a": "b"}, "x/y", "no-store")
    part = _copies.part_parameters(request(source_version_id="w"), source, Upload(BUCKET, "copy", "id"), 1, 0, 5)
    assert (part["CopySource"]["VersionId"], part["CopySourceRange"]) == ("w", "bytes=0-4")
    assert "ChecksumAlgorithm" not in changed
    assert _copies.copy_parameters(request(checksum="SHA256"), source)["ChecksumAlgorithm"] == "SHA256"


@pytest.mark.parametrize(
    ("algorithm", "told", "expected"),
    [
        (None, {}, Part(1, "e", 5)),
        (None, {"ChecksumCRC32": "c", "ChecksumSHA1": "s"}, Part(1, "e", 5, "c")),
        ("SHA1", {"ChecksumSHA1": "s"}, Part(1, "e", 5, None, "s")),
        ("SHA1", {}, Part(1, "e", 5)),
    ],
)
def test_copied_part(algorithm: str | None, told: dict[str, str], expected: Part) -> None:
    """A copied part has the checksums that the server tells of it."""
    upload = Upload(BUCKET, "copy", "id", algorithm=algorithm)
    answer = {"CopyPartResult": {"ETag": "e", **told}}
    assert _copies.copied_part(Target("UploadPartCopy"), upload, 1, 5, answer) == expected


def test_parameters_with_keys() -> None:
    """The source's key is named as the source's, the copy's as its own, in each part; a bucket key is a bool."""
    mine, ours = SSE.c(bytes(32)), SSE.c(bytes(range(32)))
    of_source = {f"CopySource{name}": value for name, value in mine.parameters.items()}
    source = ObjectInfo("source", 5, "e")
    keyed = request(source_encryption=mine, encryption=ours)
    assert _copies.copy_parameters(keyed, source).items() >= {**of_source, **ours.parameters}.items()
    upload = Upload(BUCKET, "copy", "id", customer=ours.parameters)
    parameters = _copies.part_parameters(keyed, source, upload, 1, 0, 5)
    assert parameters.items() >= {**of_source, **ours.parameters}.items()
    for bucket_key in (True, False):
        for more in ({}, {"cache_control": "no-store"}):
            parameters = _copies.copy_parameters(request(encryption=SSE.kms(bucket_key=bucket_key), **more), source)
            assert parameters["BucketKeyEnabled"] is bucket_key


def test_onto_itself_with_a_key() -> None:
    """To take the customer's key from an object is a change of it."""
    assert _checks.copy_request(BUCKET, "key", "key", source_encryption=SSE.c(bytes(32))).is_onto_itself
    with pytest.raises(InvalidInput, match=r"^source_encryption: "):
        _checks.copy_request(BUCKET, "a", "b", source_encryption=SSE.s3())


async def test_a_copy_under_a_key_is_looked_at_with_it(server: Server, store: RetryingStore) -> None:
    """HEAD of the source brings its key, HEAD of the copy the copy's, and a deletion none."""
    mine, ours = SSE.c(bytes(32)), SSE.c(bytes(range(32)))
    await _copy.move(store, _checks.move_request(BUCKET, "source", "copy", None, mine, encryption=ours))
    looked = [(each.key, each.customer) for each in server.looked]
    assert looked == [("source", mine.parameters), ("copy", ours.parameters), ("source", mine.parameters)]
    assert [each.customer for each in server.deleted] == [None]


async def test_refused_checksums(server: Server, store: RetryingStore) -> None:
    """Where the server refuses to be asked for checksums, it isn't asked for them; other refusals come out."""
    server.fail("head", BucketException("what?", status=400), 1, 3)
    await _copy.copy(store, request())
    assert server.count("head") == 4
    server.fail("head", BucketAccessDenied("no", status=403))
    with pytest.raises(BucketAccessDenied):
        await _copy.copy(store, request())


@pytest.mark.parametrize(
    ("vendor", "expected"),
    [(_vendors.AWS, "etag of source"), (_vendors.CEPH, None), (_vendors.UNKNOWN, "etag of source")],
)
async def test_vendors(server: Server, vendor: _vendors.Vendor, expected: str | None) -> None:
    """A move deletes under a condition, unless the vendor is known not to keep it."""
    deleted: list[str | None] = []

    async def delete(request: GetRequest) -> None:
        deleted.append(request.if_match)

    server.delete = delete  # type: ignore[method-assign]
    await _copy.move(RetryingStore(server, Settings(), vendor), request())
    assert deleted == [expected]
