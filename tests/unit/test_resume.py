"""Bodies that break off: taken up where they broke off, in one version, and counted when they bring nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from s3_bucket._async import _resume, _retry
from s3_bucket._store import Arrival, GetRequest
from s3_bucket.exceptions import BucketConnectionError, IntegrityError, NoSuchKey, PreconditionFailed
from tests.unit.memory import BUCKET, MemoryStore, retrying

if TYPE_CHECKING:
    from s3_bucket._async._retry import RetryingStore
    from s3_bucket._models import ByteRange

DATA = bytes(range(100))
REQUEST = GetRequest(BUCKET, "key")
RESET = BucketConnectionError("reset", retryable=True)
FINAL = IntegrityError("never mind", retryable=False)


def whole(length: int) -> memoryview:
    """Return a buffer for all of a body."""
    return memoryview(bytearray(length))


@pytest.fixture(autouse=True)
def one_object(memory: MemoryStore) -> None:
    """Put the object there."""
    memory.objects["key"] = DATA


@pytest.mark.parametrize(
    ("given", "cuts", "asked"),
    [
        (None, [30], [None, (30, 100)]),
        (None, [30, 20], [None, (30, 100), (50, 100)]),
        (None, [0, 20], [None, None, (20, 100)]),
        ((10, 60), [5, 0], [(10, 60), (15, 60), (15, 60)]),
        ((-40, None), [5], [(-40, None), (65, 100)]),
    ],
)
async def test_taken_up(
    given: ByteRange | None,
    cuts: list[int],
    asked: list[ByteRange | None],
    memory: MemoryStore,
    store: RetryingStore,
) -> None:
    """What is missing is asked for, nothing else, and all of it is there in the end."""
    memory.cuts = [(length, RESET) for length in cuts]
    piece = await store.get(REQUEST._replace(range=given), whole)
    assert memory.ranges == asked
    start, stop = given or (0, None)
    assert bytes(piece.data) == DATA[start:stop]
    assert (piece.start, piece.stop) == slice(start, stop).indices(100)[:2]


async def test_a_smaller_buffer(memory: MemoryStore, store: RetryingStore) -> None:
    """No more is fetched than the buffer holds."""
    memory.cuts = [(10, RESET)]
    piece = await store.get(REQUEST, lambda _: memoryview(bytearray(40)))
    assert memory.ranges == [None, (10, 40)]
    assert (bytes(piece.data), piece.stop) == (DATA[:40], 100)


async def test_a_full_buffer_that_is_refused(memory: MemoryStore, store: RetryingStore) -> None:
    """What failed although all of it came is wrong: it is fetched anew, not taken up."""
    memory.cuts = [(100, IntegrityError("checksum", retryable=True))]
    assert bytes((await store.get(REQUEST, whole)).data) == DATA
    assert memory.ranges == [None, None]


async def test_a_full_rest_that_is_refused(memory: MemoryStore, store: RetryingStore) -> None:
    """So is a rest."""
    memory.cuts = [(50, RESET), (100, IntegrityError("checksum", retryable=True))]
    assert bytes((await store.get(REQUEST, whole)).data) == DATA
    assert memory.ranges == [None, (50, 100), None]


async def test_no_use(memory: MemoryStore, store: RetryingStore) -> None:
    """What can't be retried is raised, in the midst of a body, too; what came before is forgotten."""
    for cuts in ([(50, FINAL)], [(50, RESET), (10, FINAL)]):
        memory.cuts = [*cuts]
        with pytest.raises(IntegrityError) as caught:
            await store.get(REQUEST, whole)
        assert caught.value is FINAL


async def test_before_the_head(memory: MemoryStore, store: RetryingStore) -> None:
    """An attempt that fails before its answer begins loses nothing of what came before."""
    memory.cuts = [(50, RESET)]
    memory.fail("get", RESET, 2)
    assert bytes((await store.get(REQUEST, whole)).data) == DATA
    assert memory.ranges == [None, (50, 100), (50, 100)]


async def test_deleted_meanwhile(memory: MemoryStore, store: RetryingStore) -> None:
    """An object that is gone is gone."""
    memory.cuts = [(50, RESET)]
    memory.fail("get", NoSuchKey("gone"), 2)
    with pytest.raises(NoSuchKey):
        await store.get(REQUEST, whole)


async def test_replaced_meanwhile(memory: MemoryStore, store: RetryingStore) -> None:
    """If another version is there now, that one comes, whole, in a buffer of its length."""
    memory.cuts = [(50, RESET)]
    memory.fail("get", PreconditionFailed("another"), 2)
    assert bytes((await store.get(REQUEST, whole)).data) == DATA
    assert memory.ranges == [None, (50, 100), None]


async def test_replaced_though_pinned(memory: MemoryStore, store: RetryingStore) -> None:
    """A caller who named the version is told that it is gone."""
    memory.cuts = [(50, RESET)]
    memory.fail("get", PreconditionFailed("another"), 2)
    with pytest.raises(PreconditionFailed):
        await store.get(REQUEST._replace(if_match=f"etag-{hash(DATA)}"), whole)


@pytest.mark.parametrize("then", [None, (10, RESET)])
async def test_a_server_without_conditions(
    then: tuple[int, BucketConnectionError] | None, memory: MemoryStore, store: RetryingStore
) -> None:
    """A rest that is of another version is never put beside the beginning, also where If-Match is ignored."""
    memory.cuts = [(50, RESET), *([then] if then else [])]

    class Careless(MemoryStore):
        async def get(self, request: GetRequest, arrival: Arrival) -> None:
            memory.objects["key"] = DATA[::-1] if memory.ranges else DATA
            await memory.get(request._replace(if_match=None), arrival)

    store = retrying(Careless())
    assert bytes((await store.get(REQUEST, whole)).data) == DATA[::-1]


async def test_what_brings_something_is_not_counted(
    memory: MemoryStore, store: RetryingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attempts that bring enough don't count against max_attempts; those that bring less do."""
    monkeypatch.setattr(_retry, "ENOUGH", 10)
    memory.cuts = [(10, RESET)] * 9
    assert bytes((await store.get(REQUEST, whole)).data) == DATA
    memory.cuts = [(10, RESET), (9, RESET), (10, RESET), (9, RESET), (9, RESET)]
    with pytest.raises(BucketConnectionError) as caught:
        await store.get(REQUEST, whole)
    assert caught.value.attempts == 5


async def test_what_brings_the_same_again_is_counted(
    memory: MemoryStore, store: RetryingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attempt that begins anew, and comes no farther than those before it, counts."""
    monkeypatch.setattr(_retry, "ENOUGH", 10)
    wrong = IntegrityError("checksum", retryable=True)
    memory.cuts = [(50, RESET), *[(100, wrong), (50, RESET)] * 9]
    with pytest.raises(IntegrityError) as caught:
        await store.get(REQUEST, whole)
    assert caught.value.attempts == 4


async def test_a_store_that_brings_nothing(memory: MemoryStore) -> None:
    """A store that returns without having received is a defect, and looks like one."""
    with pytest.raises(RuntimeError):
        Arrival(whole).whole()
    assert _resume.ENOUGH == 1024 * 1024
