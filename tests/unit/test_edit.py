"""Compare-and-swap when answers are lost, and when a server can't be believed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from s3_bucket import _vendors
from s3_bucket._async import _edit, _retry
from s3_bucket._async._retry import RetryingStore
from s3_bucket._config import Settings
from s3_bucket._models import ObjectInfo
from s3_bucket._store import WRITE_TOKEN, GetRequest, PutOptions, Stored, Written
from s3_bucket.exceptions import (
    AmbiguousWrite,
    BucketAccessDenied,
    BucketException,
    BucketTimeout,
    InvalidInput,
    PreconditionFailed,
)
from tests.unit.memory import BUCKET, MemoryStore, is_idle, opener, retrying

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from s3_bucket._models import Buffer

LOST = BucketTimeout("no answer", retryable=True)
CONFLICT = PreconditionFailed("two at a time", error_code="ConditionalRequestConflict", retryable=True)
REQUEST = GetRequest(BUCKET, "json")


class Server(MemoryStore):
    """A store with conditions, which loses answers, and in which somebody else writes."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0
        self.tokens: dict[str, str | None] = {}
        self.before: dict[int, Callable[[], None]] = {}
        self.after: dict[int, Callable[[], None]] = {}
        self.refuses = False

    def etag(self) -> str | None:
        """Return the object's etag."""
        return f"etag-{self.writes}" if "json" in self.objects else None

    def _info(self, request: GetRequest) -> ObjectInfo:
        info = super()._info(request._replace(if_match=None))
        return ObjectInfo(info.key, info.size, f"etag-{self.writes}", token=self.tokens.get("json"))

    async def put(self, bucket: str, key: str, body: Buffer, options: PutOptions) -> Written:
        """Write under a condition."""
        async with self._call("put"):
            self.before.pop(self.count("put"), lambda: None)()
            wanted = None if options.if_absent else options.if_match
            if self.etag() != wanted or self.refuses:
                raise PreconditionFailed("not what you said", status=412)
            self.store(json.loads(bytes(body)), options.metadata.get(WRITE_TOKEN))
            self.after.pop(self.count("put"), lambda: None)()
            return Written(f"etag-{self.writes}")

    def store(self, value: Any, token: str | None) -> None:
        """Write, whoever does."""
        self.writes += 1
        self.objects["json"] = json.dumps(value).encode()
        self.tokens["json"] = token

    def theirs(self) -> None:
        """Have somebody else count one more, as this library does."""
        before = self.tokens.get("json") or f"etag-{self.writes}"
        self.store(self.value() + 1, f"theirs-{self.writes},{before}")

    def value(self) -> Any:
        """Return what is stored."""
        return json.loads(self.objects["json"])

    async def stored(self, bucket: str, key: str, customer: Mapping[str, str] | None = None) -> Stored:
        """Look."""
        async with self._call("stored"):
            return Stored(Written(f"etag-{self.writes}"), len(self.objects["json"]), self.tokens["json"])


@pytest.fixture
def server(memory: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Return the server, with a count of 0, which nobody waits for."""
    monkeypatch.setattr(_edit, "FIRST_DELAY", 0.0)
    made = Server()
    made.store(0, None)
    return made


def lose() -> None:
    """Lose an answer."""
    raise LOST


async def count(server: Server, attempts: int = 10, default: Any = None) -> Any:
    """Count one more."""
    store = retrying(server)
    counted = await _edit.update(opener(store), REQUEST, lambda value: value + 1, default, attempts)
    assert is_idle(store)
    return counted


async def test_too_late(server: Server) -> None:
    """Who is too late counts on from what somebody else has written."""
    server.before[1] = server.theirs
    server.before[2] = server.theirs
    assert await count(server) == 3
    assert server.value() == 3


async def test_lost_and_done(server: Server) -> None:
    """A write whose answer was lost, and that was carried out, is not done again."""
    server.after[1] = lose
    assert await count(server) == 1
    assert (server.value(), server.count("put")) == (1, 2)


async def test_lost_and_built_upon(server: Server) -> None:
    """Nor is it, when others have read it and written on."""

    def others() -> None:
        server.theirs()
        server.theirs()
        lose()

    server.after[1] = others
    assert await count(server) == 1
    assert server.value() == 3


@pytest.mark.parametrize("generations", [1, 2, 5])
async def test_lost_and_not_done(server: Server, generations: int) -> None:
    """One that was not carried out, but others' were, is done on top of theirs."""

    def others() -> None:
        for _ in range(generations):
            server.theirs()
        lose()

    server.before[1] = others
    assert await count(server) == generations + 1
    assert server.value() == generations + 1


async def test_lost_for_good(server: Server) -> None:
    """Where somebody has stored another object meanwhile, nothing is guessed."""
    server.before[2] = lambda: server.store(7, None)
    server.after[1] = lose
    with pytest.raises(AmbiguousWrite):
        await count(server)
    assert server.value() == 7
    server.fail("stored", BucketAccessDenied("no HEAD for you"))
    server.after[3] = lose
    with pytest.raises(AmbiguousWrite):
        await count(server)


async def test_created(server: Server) -> None:
    """An object that is created is known again, too, by whoever creates it."""
    del server.objects["json"]
    server.after[1] = lose
    assert await count(server, default=10) == 11

    server.objects.clear()
    server.before[server.count("put") + 1] = lambda: server.store(20, "theirs,none")
    assert await count(server, default=10) == 21


async def test_conflicts_at_the_same_time(server: Server) -> None:
    """A 409 says that nothing was done: it is asked again, and is no lost answer."""

    def conflict() -> None:
        server.store(5, None)
        raise CONFLICT

    server.before[1] = conflict
    assert await count(server) == 6
    assert CONFLICT.answer_lost is False


async def test_attempts(server: Server) -> None:
    """No more attempts are made than are allowed, and the error says how many they were."""
    for number in range(1, 20):
        server.before[number] = server.theirs
    with pytest.raises(PreconditionFailed, match="each of 3 attempts") as raised:
        await count(server, 3)
    assert (raised.value.attempts, server.count("put")) == (3, 3)


async def test_a_server_that_refuses(server: Server) -> None:
    """A server that refuses every condition is not asked for ever."""
    server.refuses = True
    with pytest.raises(PreconditionFailed, match="the server refuses the condition"):
        await count(server, 100)
    assert server.count("put") == _edit.MOST_REFUSALS


async def test_other_errors(server: Server) -> None:
    """What is no condition's failure comes out as it is."""
    server.fail("put", BucketAccessDenied("no"))
    with pytest.raises(BucketAccessDenied):
        await count(server)
    server.fail("get", BucketException("broken"))
    with pytest.raises(BucketException, match="broken"):
        await count(server)


async def test_functions(server: Server) -> None:
    """A function may return something to be awaited; what it raises comes out, a StopIteration in a RuntimeError."""

    async def later(value: Any) -> Any:
        return value + 5

    store = opener(retrying(server))
    assert await _edit.update(store, REQUEST, lambda value: later(value), None, 1) == 5  # noqa: PLW0108  # just that
    with pytest.raises(RuntimeError, match="StopIteration"):
        await _edit.update(store, REQUEST, lambda _: next(iter(())), None, 1)
    with pytest.raises(InvalidInput):
        await _edit.update(store, REQUEST, lambda _: {1: {2, 3}}, None, 1)
    assert server.value() == 5


async def test_blocks(server: Server) -> None:
    """A block's changes are made again on top of each newer document, and a conflict says where."""
    server.store({"a": 1}, None)
    server.before[1] = lambda: server.store({"a": 1, "b": 1}, None)
    server.before[2] = lambda: server.store({"a": 1, "b": 2}, None)
    async with _edit.edit(opener(retrying(server)), REQUEST, None, 5) as document:
        document["c"] = 3
    assert server.value() == {"a": 1, "b": 2, "c": 3}
    server.before[4] = lambda: server.store([], None)
    with pytest.raises(PreconditionFailed, match="its root") as raised:  # the block's end raises
        async with _edit.edit(opener(retrying(server)), REQUEST, None, 5) as document:
            document["c"] = 4
    assert (raised.value.key, raised.value.operation) == ("json", "PutObject")
    assert server.value() == []


async def test_a_conflict_is_an_answer(server: Server) -> None:
    """RetryingStore counts a 409 as an attempt, but not as an answer that was lost."""
    server.fail("put", CONFLICT)
    with pytest.raises(PreconditionFailed) as raised:
        await retrying(server).put(BUCKET, "json", b"1", PutOptions(if_match="e"))
    assert (raised.value.attempts, raised.value.answer_lost) == (3, False)
    assert PreconditionFailed in _retry._NOTHING_DONE


async def test_vendors_without_conditions(server: Server) -> None:
    """Where the vendor is known not to keep conditions, nothing is written: somebody's change would be lost."""
    store = RetryingStore(server, Settings(), _vendors.B2)
    with pytest.raises(InvalidInput, match="Backblaze"):
        await _edit.update(opener(store), REQUEST, lambda value: value + 1, None, 1)
    assert (server.value(), server.count("put")) == (0, 0)
