"""Lost answers: what was written by us is a success, what wasn't is the error it was, and nothing is guessed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from s3_bucket._async import _administration, _lost, _sources, _upload
from s3_bucket._encryption import SSE
from s3_bucket._store import WRITE_TOKEN, Part, PutOptions, Stored, Upload, Written
from s3_bucket.exceptions import (
    AmbiguousWrite,
    BucketAccessDenied,
    BucketAlreadyExists,
    BucketConnectionError,
    BucketException,
    BucketTimeout,
    KeyAlreadyExists,
    NoSuchBucket,
    Throttled,
)
from tests.unit.memory import BUCKET, MemoryStore, is_idle, retrying

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from s3_bucket._async._retry import RetryingStore
    from s3_bucket._models import ObjectInfo

LOST = BucketTimeout("no answer", retryable=True)
REFUSED = KeyAlreadyExists("there is one", status=412)
GONE = BucketException("gone", error_code="NoSuchUpload")
SLOW = Throttled("slow down", retryable=True)
DENIED = BucketAccessDenied("no HEAD for you")
ABSENT = PutOptions(if_absent=True, metadata={"owner": "me"})
PLAIN = PutOptions()


async def upload(store: RetryingStore, length: int, options: PutOptions) -> ObjectInfo:
    """Upload so many bytes; more than ten are a multipart upload."""
    return await _upload.upload(store, BUCKET, "key", _sources.source_of(bytes(length)), options)


class Deaf(MemoryStore):
    """A store that does what it is asked, and then the answer is lost; asked again, it says what S3 says."""

    def __init__(self, lost: int = 1, then: BucketException = REFUSED) -> None:
        super().__init__()
        self.left = lost
        self.then = then

    async def _deaf(self, do: Callable[[], Awaitable[Any]]) -> Any:
        if self.left < 0:
            raise self.then
        done = await do()
        self.left -= 1
        if self.left < 0:
            return done
        self.left = -1 if self.left == 0 else self.left
        raise LOST

    async def put(self, *arguments: Any) -> Any:
        """Lose the answer."""
        return await self._deaf(lambda: MemoryStore.put(self, *arguments))

    async def complete_upload(self, *arguments: Any) -> Any:
        """Lose the answer."""
        return await self._deaf(lambda: MemoryStore.complete_upload(self, *arguments))


@pytest.mark.parametrize("options", [ABSENT, PutOptions(if_match="etag")])
@pytest.mark.parametrize("then", [REFUSED, LOST, DENIED])
async def test_our_own_put(options: PutOptions, then: BucketException, memory: MemoryStore) -> None:
    """A conditional put whose answer was lost, and which then fails because of itself, has succeeded."""
    deaf = Deaf(then=then)
    store = retrying(deaf)
    info = await upload(store, 5, options)
    assert (info.etag, info.version_id, info.size) == ("put-etag", "v1", 5)
    assert info.metadata == options.metadata
    assert deaf.written["key"].token
    assert is_idle(store)


@pytest.mark.parametrize(("then", "options"), [(REFUSED, ABSENT), (LOST, ABSENT), (GONE, ABSENT)])
async def test_our_own_upload(then: BucketException, options: PutOptions, memory: MemoryStore) -> None:
    """So has a multipart upload whose last answer was lost."""
    deaf = Deaf(then=then)
    store = retrying(deaf)
    info = await upload(store, 50, options)
    assert (info.etag, info.size) == ("whole-etag", 50)
    assert deaf.uploads == {}
    assert is_idle(store)


@pytest.mark.parametrize("length", [5, 50])
async def test_a_customer_s_key(length: int, memory: MemoryStore) -> None:
    """What was written under a customer's key is looked at with that key: without it, HEAD says nothing."""
    deaf = Deaf(then=GONE)
    customer = SSE.c(bytes(32)).parameters
    await upload(retrying(deaf), length, PutOptions({"ContentType": "a/b", **customer}, if_absent=True))
    assert deaf.customers == [customer]


def unreachable() -> BucketException:
    """Return the error of a request that never left this computer."""
    error = BucketConnectionError("refused", retryable=True)
    error.sent = False
    return error


@pytest.mark.parametrize("first", [REFUSED, SLOW, unreachable()])
async def test_nothing_was_lost(first: BucketException, memory: MemoryStore, store: RetryingStore) -> None:
    """A condition that fails without an answer having been lost is believed, without asking."""
    memory.fail("put", first, 1)
    memory.fail("put", REFUSED, 2)
    with pytest.raises(KeyAlreadyExists):
        await upload(store, 5, ABSENT)
    assert memory.count("stored") == 0


@pytest.mark.parametrize("stored", [None, Stored(Written("e"), 5, None), Stored(Written("put-etag"), 5, "another's")])
async def test_another_s_put(stored: Stored | None, memory: MemoryStore, store: RetryingStore) -> None:
    """What is there without our token is another's, even if it is the same bytes: the condition did not hold."""
    memory.fail("put", LOST, 1)
    memory.fail("put", REFUSED, 2)
    if stored is not None:
        memory.objects["key"] = bytes(5)
        memory.written["key"] = stored
    with pytest.raises(KeyAlreadyExists):
        await upload(store, 5, ABSENT)


@pytest.mark.parametrize("length", [5, 50])
async def test_head_does_not_say(length: int, memory: MemoryStore) -> None:
    """Where HEAD is denied, whether it was written can't be said, and the error says so."""
    deaf = Deaf(then=GONE)
    deaf.fail("stored", DENIED)
    with pytest.raises(AmbiguousWrite, match="can't be said: gone") as caught:
        await upload(retrying(deaf), length, ABSENT)
    assert caught.value.answer_lost
    assert (caught.value.attempts, caught.value.error_code) == (2, "NoSuchUpload")
    assert caught.value.__cause__ is GONE


async def test_a_plain_put_is_not_asked_about(memory: MemoryStore, store: RetryingStore) -> None:
    """A put without a condition may just be repeated: it fails as it failed."""
    memory.fail("put", LOST)
    with pytest.raises(BucketTimeout) as caught:
        await upload(store, 5, PLAIN)
    assert caught.value.answer_lost
    assert memory.count("stored") == 0


PARTS = [Part(1, f'"{"0" * 32}"'), Part(2, f'"{"1" * 32}"')]
ETAG = f"{hashlib.md5(bytes(16) + bytes([0x11] * 16)).hexdigest()}-2"  # noqa: S324  # S3's rule
UPLOAD = Upload(BUCKET, "key", "id-0")


@pytest.mark.parametrize(
    ("stored", "error"),
    [
        (Stored(Written(ETAG), 20, None), None),
        (Stored(Written(ETAG), 21, None), AmbiguousWrite),
        (Stored(Written("f" * 32 + "-2"), 20, None), AmbiguousWrite),
        (Stored(Written("f" * 32 + "-3"), 20, None), AmbiguousWrite),
        (Stored(Written("opaque"), 20, None), AmbiguousWrite),
        (None, AmbiguousWrite),
    ],
)
async def test_an_upload_that_is_gone(
    stored: Stored | None, error: type[Exception] | None, memory: MemoryStore, store: RetryingStore
) -> None:
    """A gone upload was completed if the object has the etag of its parts; otherwise it can't be said."""
    memory.fail("complete_upload", LOST, 1)
    memory.fail("complete_upload", GONE, 2)
    if stored is not None:
        memory.objects["key"] = bytes(20)
        memory.written["key"] = stored
    if error is None:
        written = await _lost.complete(store, UPLOAD, PARTS, 20, PLAIN)
        assert (written.etag, memory.count("abort_upload")) == (ETAG, 0)
    else:
        with pytest.raises(error):
            await _lost.complete(store, UPLOAD, PARTS, 20, PLAIN)


async def test_an_upload_that_nobody_completed(memory: MemoryStore, store: RetryingStore) -> None:
    """An upload that is still there was not completed: it is aborted, and the error is the first one."""
    memory.uploads["id-0"] = {}
    memory.fail("complete_upload", LOST)
    with pytest.raises(BucketTimeout):
        await _lost.complete(store, UPLOAD, PARTS, 20, PLAIN)
    assert memory.uploads == {}


async def test_an_upload_that_is_completed_late(memory: MemoryStore) -> None:
    """An upload that is completed between the question and the abort has succeeded, too."""

    class Late(MemoryStore):
        async def abort_upload(self, upload: Upload) -> None:
            self.objects["key"] = bytes(20)
            self.written["key"] = Stored(Written(ETAG, "v9"), 20, None)
            await super().abort_upload(upload)

    late = Late()
    late.fail("complete_upload", LOST)
    assert (await _lost.complete(retrying(late), UPLOAD, PARTS, 20, PLAIN)).version_id == "v9"


async def test_the_same_bytes_were_there_before(memory: MemoryStore, store: RetryingStore) -> None:
    """Where the object is what was uploaded, but may be an older one, no upload is left behind all the same."""
    memory.objects["key"] = bytes(20)
    memory.written["key"] = Stored(Written(ETAG), 20, None)
    memory.uploads["id-0"] = {}
    memory.fail("complete_upload", LOST)
    assert (await _lost.complete(store, UPLOAD, PARTS, 20, PLAIN)).etag == ETAG
    assert memory.uploads == {}
    assert (await _lost.complete(store, UPLOAD, PARTS, 20, PLAIN)).etag == ETAG  # nor is that an error


async def test_an_abort_that_fails(memory: MemoryStore, store: RetryingStore) -> None:
    """If the abort fails for another reason, that is told."""
    memory.fail("complete_upload", LOST)
    memory.fail("abort_upload", DENIED)
    with pytest.raises(BucketAccessDenied):
        await _lost.complete(store, UPLOAD, PARTS, 20, PLAIN)


def test_opaque_etags() -> None:
    """Of parts whose etags are no MD5s, the whole's is not known, and only then nothing can be said."""
    assert _lost.composite_etag(PARTS) == ETAG
    assert _lost.composite_etag([*PARTS, Part(3, '"opaque"')]) is None
    assert _lost.Evidence(None, None, 20).is_ours(Stored(Written(ETAG), 20, None)) is None
    assert _lost.Evidence("t", None, 20).is_ours(Stored(Written(ETAG), 20, "t")) is True


def test_tokens() -> None:
    """A conditional write has a token of its own, if the metadata leaves room; another one has none."""
    first, second = (_lost.with_token(ABSENT).metadata for _ in range(2))
    assert first.keys() == {"owner", WRITE_TOKEN}
    assert first[WRITE_TOKEN] != second[WRITE_TOKEN]
    full = PutOptions(if_absent=True, metadata={"a": "b" * 2_001})
    assert _lost.with_token(full) is full
    assert _lost.with_token(PLAIN) is PLAIN


async def test_no_room_for_a_token(memory: MemoryStore) -> None:
    """Without a token, a conditional put that may have been ours is neither claimed nor denied."""
    with pytest.raises(AmbiguousWrite):
        await upload(retrying(Deaf()), 5, PutOptions(if_absent=True, metadata={"a": "b" * 2_001}))


OURS = BucketAlreadyExists("ours", error_code="BucketAlreadyOwnedByYou")
THEIRS = BucketAlreadyExists("theirs", error_code="BucketAlreadyExists")


@pytest.mark.parametrize("lost", [True, False])
async def test_our_own_bucket(memory: MemoryStore, store: RetryingStore, *, lost: bool) -> None:
    """A bucket that is ours after an answer was lost was made by this call."""
    memory.fail("create_bucket", LOST if lost else SLOW, 1)
    memory.fail("create_bucket", OURS, 2)
    if lost:
        await _administration.create(store, BUCKET, exist_ok=False)
    else:
        with pytest.raises(BucketAlreadyExists):
            await _administration.create(store, BUCKET, exist_ok=False)
    memory.fail("create_bucket", LOST, 3)
    memory.fail("create_bucket", THEIRS, 4)
    with pytest.raises(BucketAlreadyExists):
        await _administration.create(store, BUCKET, exist_ok=False)


@pytest.mark.parametrize("lost", [True, False])
async def test_our_own_deletion(memory: MemoryStore, store: RetryingStore, *, lost: bool) -> None:
    """A bucket that is gone after an answer was lost was deleted by this call."""
    memory.fail("call", LOST if lost else SLOW, 1)
    memory.fail("call", NoSuchBucket("gone"), 2)
    if lost:
        await _administration.delete(store, BUCKET)
    else:
        with pytest.raises(NoSuchBucket):
            await _administration.delete(store, BUCKET)
