"""Retries: counted exactly, with the slot given back while they wait."""

# ruff: noqa: ASYNC110  # what is waited for is the state of a private room, which tells nobody

from __future__ import annotations

import asyncio
import errno
from typing import TYPE_CHECKING, Any

import pytest

from s3_bucket._async import _retry
from s3_bucket._store import GetRequest, ListRequest, PutOptions, Upload
from s3_bucket.exceptions import BucketConnectionError, BucketException, NoCredentials, NoSuchKey, Throttled
from tests.unit.memory import BUCKET, MemoryStore, is_idle, retrying

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from s3_bucket._async._retry import RetryingStore

AGAIN = Throttled("slow down", retryable=True)
NEVER = BucketException("no")
UPLOAD = Upload(BUCKET, "key", "id-0")
REQUEST = GetRequest(BUCKET, "key")

OPERATIONS: dict[str, Callable[[RetryingStore], Awaitable[Any]]] = {
    "get": lambda store: store.get(REQUEST, lambda length: memoryview(bytearray(length))),
    "head": lambda store: store.head(REQUEST),
    "put": lambda store: store.put(BUCKET, "key", b"1", PutOptions()),
    "delete": lambda store: store.delete(REQUEST),
    "delete_batch": lambda store: store.delete_batch(BUCKET, ["a"]),
    "list_page": lambda store: store.list_page(ListRequest(BUCKET), None, 5),
    "create_upload": lambda store: store.create_upload(BUCKET, "key", PutOptions()),
    "upload_part": lambda store: store.upload_part(UPLOAD, 1, b"1"),
    "complete_upload": lambda store: store.complete_upload(UPLOAD, [], PutOptions()),
    "abort_upload": lambda store: store.abort_upload(UPLOAD),
    "list_uploads": lambda store: store.list_uploads(BUCKET, "", None),
    "stored": lambda store: store.stored(BUCKET, "key"),
    "head_bucket": lambda store: store.head_bucket(BUCKET),
    "create_bucket": lambda store: store.create_bucket(BUCKET),
    "call": lambda store: store.call(BUCKET, "GetBucketCors", {}),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("attempts", [1, 2, 5])
async def test_attempts(operation: str, attempts: int, memory: MemoryStore) -> None:
    """What may pass is tried max_attempts times, what may not once, and the last error is raised."""
    store = retrying(memory, max_attempts=attempts)
    memory.fail(operation, AGAIN)
    with pytest.raises(Throttled):
        await OPERATIONS[operation](store)
    assert memory.calls == [operation] * attempts
    memory.fail(operation, NEVER)
    with pytest.raises(BucketException) as caught:
        await OPERATIONS[operation](store)
    assert caught.value is NEVER
    assert memory.calls == [operation] * (attempts + 1)
    assert is_idle(store)


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_the_last_attempt_may_succeed(operation: str, memory: MemoryStore) -> None:
    """What succeeds at last has succeeded."""
    memory.objects["key"] = b"1"
    memory.uploads["id-0"] = {}
    memory.fail(operation, AGAIN, 1, 2)
    await OPERATIONS[operation](retrying(memory))
    assert memory.calls == [operation] * 3


async def test_other_errors_pass(memory: MemoryStore, store: RetryingStore) -> None:
    """What is no BucketException is a defect, and not tried again."""
    memory.fail("head", ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        await store.head(REQUEST)
    assert memory.calls == ["head"]
    assert is_idle(store)


async def test_the_slot_is_free_while_a_retry_waits(memory: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one call waits for its retry, another one gets the only slot."""
    waits: list[tuple[float, float]] = []

    def patient(low: float, high: float) -> float:
        waits.append((low, high))
        return 3_600.0

    monkeypatch.setattr(_retry.random, "uniform", patient)
    store = retrying(memory, max_concurrency=1)
    memory.objects["key"] = b"1"
    memory.fail("head", AGAIN, 1)
    waiting = asyncio.ensure_future(store.head(REQUEST))
    while not waits:
        await asyncio.sleep(0)
    assert (await store.head(REQUEST)).size == 1
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert is_idle(store)


async def test_no_more_than_the_slots(memory: MemoryStore, store: RetryingStore) -> None:
    """Of any number of calls, max_concurrency run at a time; cancelled ones that wait take no slot."""
    gates = [memory.hold("head", number) for number in (1, 2, 3)]
    calls = [asyncio.ensure_future(store.head(REQUEST)) for _ in range(20)]
    for gate in gates:
        await gate.reached.wait()
    for call in calls[5:]:
        call.cancel()
    for gate in gates:
        gate.open.set()
    await asyncio.gather(*calls, return_exceptions=True)
    assert (memory.most, memory.count("head")) == (3, 5)
    assert is_idle(store)


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 0.1), (2, 0.2), (5, 1.6), (8, 12.8), (9, 20.0), (2_000, 20.0)])
def test_delays(attempt: int, seconds: float) -> None:
    """The delay doubles, up to a limit."""
    assert _retry.longest_delay(attempt) == pytest.approx(seconds)


CORRECTED = NoCredentials("too skewed", retryable=True)


async def test_corrected(memory: MemoryStore) -> None:
    """A refusal that has taught how to sign is not counted, once; a second one is."""
    store = retrying(memory, max_attempts=1)
    memory.objects["key"] = b"1"
    memory.fail("head", CORRECTED, 1)
    await store.head(REQUEST)
    memory.fail("head", CORRECTED)
    with pytest.raises(NoCredentials) as caught:
        await store.head(REQUEST)
    assert caught.value.attempts == 2
    memory.fail("head", NoCredentials("wrong key"))
    with pytest.raises(NoCredentials) as caught:
        await store.head(REQUEST)
    assert caught.value.attempts == 1


async def test_a_storm(memory: MemoryStore) -> None:
    """Where the server answers others meanwhile, SlowDown is not counted against max_attempts, up to a limit."""
    store = retrying(memory, max_attempts=2)
    memory.objects["key"] = b"1"
    for _ in range(10):
        await store.head(REQUEST)
    memory.fail("head", AGAIN, *range(11, 11 + 7))
    await store.head(REQUEST)
    assert memory.count("head") == 10 + 8
    memory.fail("head", AGAIN)
    with pytest.raises(Throttled) as caught:
        await store.head(REQUEST)
    assert caught.value.attempts == 2 + 10 + 1 - 6  # what the answers have paid for
    assert is_idle(store)


async def test_a_storm_over_one_key(memory: MemoryStore) -> None:
    """A call that is always refused gives up, however much is answered otherwise."""
    store = retrying(memory, max_attempts=2)
    store._credit = _retry.MOST_CREDIT
    memory.fail("head", AGAIN)
    with pytest.raises(Throttled) as caught:
        await store.head(REQUEST)
    assert caught.value.attempts == _retry.PATIENCE * 2


async def test_no_retries_wanted(memory: MemoryStore) -> None:
    """With max_attempts=1 nothing is sent twice."""
    store = retrying(memory, max_attempts=1)
    store._credit = _retry.MOST_CREDIT
    memory.fail("head", AGAIN)
    with pytest.raises(Throttled):
        await store.head(REQUEST)
    assert memory.count("head") == 1


def no_more_files() -> BucketException:
    """Return the error of a connection for which the process had no file descriptor left."""
    error = BucketConnectionError("no connection", retryable=True)
    error.errno = errno.EMFILE
    return error


@pytest.mark.parametrize("error", [AGAIN, no_more_files()])
async def test_too_much(error: BucketException, memory: MemoryStore) -> None:
    """Whoever is asked for too much, the server or this process, is asked for less at a time."""
    store = retrying(memory, max_concurrency=8)
    memory.objects["key"] = b"1"
    memory.fail("head", error, 1)
    await store.head(REQUEST)
    assert store._slots.limit == 4
    assert is_idle(store)


@pytest.mark.parametrize(
    ("asked", "least", "most"), [(None, 0, 0.1), (0.0, 0, 0.1), (-5.0, 0, 0.1), (3.0, 3, 3.1), (9e9, 20, 20.1)]
)
def test_the_server_may_say_when(asked: float | None, least: float, most: float) -> None:
    """Retry-After is obeyed, within a limit, and a random time is added to it."""
    error = Throttled("slow down", retry_after=asked)
    assert all(least <= _retry.delay(1, error) <= most for _ in range(50))


async def test_closing(memory: MemoryStore, store: RetryingStore) -> None:
    """Closing closes the store below."""
    await store.aclose()
    assert memory.calls == ["aclose"]


async def test_closing_waits_for_answers(memory: MemoryStore) -> None:
    """A request on its way gets its answer; one that waits for its turn, or comes later, is told what happened."""
    store = retrying(memory, max_concurrency=1)
    gate = memory.hold("head")
    first = asyncio.ensure_future(store.head(REQUEST))
    await gate.reached.wait()
    second = asyncio.ensure_future(store.head(REQUEST))
    closing = asyncio.ensure_future(store.aclose())
    await asyncio.sleep(0)
    gate.open.set()
    with pytest.raises(NoSuchKey):
        await first
    for late in (second, store.head(REQUEST)):
        with pytest.raises(BucketConnectionError, match="closed while"):
            await late
    await closing
    assert memory.calls == ["head", "aclose"]
