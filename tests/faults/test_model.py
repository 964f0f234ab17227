"""Any sequence of operations, with faults in between, against a dict: what the store holds is never in doubt.

After each step the server has done all that it was asked for. Where an outcome is ambiguous by nature (a put of which
every answer was lost), the model holds both states, until a look decides.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import tempfile
import uuid
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

import s3_bucket as S3
from s3_bucket._async import _retry
from tests.conformance.faces import FACES
from tests.faults import real
from tests.faults.relay import Fault, Relay, relaying

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

EXAMPLES = int(os.environ.get("S3_TEST_EXAMPLES", "8"))
STEPS = int(os.environ.get("S3_TEST_STEPS", "15"))
PART = 5 * 1024 * 1024
ATTEMPTS = 3
ALWAYS = 1_000

KEYS = st.sampled_from(["a", "a/b", "a//b", "ä+b %?#", "b", "c" * 900])
SMALL = st.binary(max_size=40)
SIZES = st.sampled_from([PART, PART + 1, 2 * PART + 7])
NO_FAULT = st.none()
KINDS = st.sampled_from(["lost", "cut", "refused", "busy"])
PASSING = st.builds(Fault, KINDS, first=st.integers(0, 4), count=st.integers(1, ATTEMPTS - 1))
LASTING = st.builds(Fault, KINDS, first=st.integers(0, 4), count=st.just(ALWAYS))
CANCELLED = st.builds(Fault, st.just("told"), first=st.integers(0, 5))
FAULTS = NO_FAULT | NO_FAULT | PASSING | LASTING | CANCELLED

State = bytes | None
GONE: frozenset[State] = frozenset([None])

# The server has looked at the request, and refused it: nothing was done.
CLEAR = (S3.InvalidInput, S3.PreconditionFailed, S3.NoSuchKey, S3.NoSuchBucket, S3.BucketAccessDenied, S3.NoCredentials)


def large(size: int, seed: int) -> bytes:
    """Return bytes of which no two parts, and no two seeds, are equal."""
    return random.Random(seed).randbytes(size)  # noqa: S311  # no secret, and the same every time


def is_blurred(outcome: Any) -> bool:
    """Whether what was asked for may have been done or not."""
    return isinstance(outcome, BaseException) and not isinstance(outcome, CLEAR)


class Model(RuleBasedStateMachine):
    """The machine; `upstream` and `face` are set by the tests."""

    upstream: ClassVar[dict[str, Any]] = {}
    face: ClassVar[str] = "async"

    def __init__(self) -> None:
        super().__init__()
        self.may_be: dict[str, frozenset[State]] = {}
        self.noted = ""
        self.place = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner()
        self.runner.run(self._open())

    async def _open(self) -> None:
        self.stack = AsyncExitStack()
        self.relay: Relay = await self.stack.enter_async_context(relaying(self.upstream["endpoint_url"]))
        options = {**self.upstream, "part_size": PART, "max_attempts": ATTEMPTS, "max_concurrency": 3}
        name = f"model-{uuid.uuid4().hex}"
        self.bucket: Any = FACES[self.face](name, **{**options, "endpoint_url": self.relay.url})
        await self.stack.enter_async_context(self.bucket)
        await self.bucket.create()

    def teardown(self) -> None:
        """Compare everything, and close."""
        try:
            self.runner.run(self._compare())
        finally:
            self.runner.run(self.stack.aclose())
            self.runner.close()
            shutil.rmtree(self.place)

    async def _compare(self) -> None:
        self.relay.arm(None)
        listed = {info.key: info.size async for info in self.bucket.list()}
        for key in {*listed, *self.may_be}:
            assert await self._look(key) in self.states(key)
        assert listed == {key: len(data) for key, state in self.may_be.items() for data in state if data is not None}
        for upload in (await self.bucket.call("ListMultipartUploads")).get("Uploads", []):
            # Nobody can abort an upload whose id was lost on its way; where aborting failed, the error says so.
            assert upload["UploadId"] in {*self.relay.lost_uploads} or upload["UploadId"] in self.noted
        assert [each for each in self.place.iterdir() if each.name.endswith(".s3part")] == []

    async def _look(self, key: str) -> State:
        """Return what is there, and remember it: what was ambiguous isn't any more."""
        try:
            found = (await self.bucket.get(key)).data
        except S3.NoSuchKey:
            found = None
        assert found in self.states(key), key
        self.may_be[key] = frozenset([found])
        return found

    def states(self, key: str) -> frozenset[State]:
        """Return what may be there."""
        return self.may_be.get(key, GONE)

    # Steps

    def step(self, call: Callable[[], Awaitable[Any]], fault: Fault | None) -> Any:
        """Make a call under a fault; return what it returned or raised, when the server is quiet again."""
        return self.runner.run(self._step(call, fault))

    async def _step(self, call: Callable[[], Awaitable[Any]], fault: Fault | None) -> Any:
        task = asyncio.ensure_future(self._outcome(call))
        cancelling = fault is not None and fault.kind == "told" and self.face == "async"
        self.relay.arm(fault, task.cancel if cancelling else lambda: None)
        try:
            outcome = await task
        except asyncio.CancelledError as error:
            assert cancelling  # nobody else's
            outcome = error
        self.relay.arm(None)
        await self.relay.quiet()
        self.noted += "".join(getattr(outcome, "__notes__", []))
        self._check(outcome, fault)
        return outcome

    async def _outcome(self, call: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await call()
        except S3.BucketException as error:
            return error

    def _check(self, outcome: Any, fault: Fault | None) -> None:
        """Check that a fault that passes has not shown."""
        if is_blurred(outcome) and not isinstance(outcome, asyncio.CancelledError):
            assert fault is not None, outcome
            assert fault.count >= ATTEMPTS, (outcome, fault)

    def wrote(self, key: str, outcome: Any, new: State) -> None:
        """Take down what a write has come to."""
        if not isinstance(outcome, BaseException):
            self.may_be[key] = frozenset([new])
        else:
            assert is_blurred(outcome), outcome
            self.may_be[key] = self.states(key) | {new}

    def read(self, key: str, outcome: Any, found: Callable[[], State]) -> None:
        """Take down what a read has shown."""
        if isinstance(outcome, S3.NoSuchKey):
            assert None in self.states(key)
            self.may_be[key] = GONE
        elif not isinstance(outcome, BaseException):
            data = found()
            assert data in self.states(key)
            assert data is not None
            self.may_be[key] = frozenset([data])
        else:
            assert is_blurred(outcome), outcome

    # Rules

    @rule(key=KEYS, data=SMALL, fault=FAULTS)
    def put(self, key: str, data: bytes, fault: Fault | None) -> None:
        """Store a small object."""
        self.wrote(key, self.step(lambda: self.bucket.put(key, data), fault), data)

    @rule(key=KEYS, size=SIZES, seed=st.integers(0, 9), fault=NO_FAULT | LASTING | CANCELLED)
    def put_parts(self, key: str, size: int, seed: int, fault: Fault | None) -> None:
        """Store a large object."""
        data = large(size, seed)
        self.wrote(key, self.step(lambda: self.bucket.put(key, data), fault), data)

    @rule(key=KEYS, data=SMALL, fault=NO_FAULT)
    def put_if_absent(self, key: str, data: bytes, fault: Fault | None) -> None:
        """Create an object."""
        outcome = self.step(lambda: self.bucket.put(key, data, if_absent=True), fault)
        if isinstance(outcome, S3.KeyAlreadyExists):
            assert self.states(key) != GONE
            self.may_be[key] = self.states(key) - {None}
        else:
            assert is_blurred(outcome) or None in self.states(key)
            self.wrote(key, outcome, data)

    @rule(key=KEYS, data=SMALL, fault=NO_FAULT, stale=st.booleans())
    def put_if_match(self, key: str, data: bytes, fault: Fault | None, *, stale: bool) -> None:
        """Replace an object of which the etag is known, or is known no more."""
        if self.runner.run(self._look(key)) is None:
            return
        etag = "0" * 32 if stale else self.runner.run(self.bucket.head(key)).etag
        outcome = self.step(lambda: self.bucket.put(key, data, if_match=etag), fault)
        assert isinstance(outcome, S3.PreconditionFailed) or not stale
        if not isinstance(outcome, S3.PreconditionFailed):
            self.wrote(key, outcome, data)
        else:
            assert stale

    @rule(key=KEYS, size=st.sampled_from([0, 1, 700, PART + 3]), fault=NO_FAULT | LASTING | CANCELLED)
    def upload_file(self, key: str, size: int, fault: Fault | None) -> None:
        """Store a file."""
        (self.place / "up").write_bytes(data := large(size, 77))
        self.wrote(key, self.step(lambda: self.bucket.upload_file(self.place / "up", key), fault), data)

    @rule(key=KEYS, fault=FAULTS)
    def delete(self, key: str, fault: Fault | None) -> None:
        """Delete an object, which may be there."""
        self.wrote(key, self.step(lambda: self.bucket.delete(key), fault), None)

    @rule(keys=st.sets(KEYS), fault=FAULTS)
    def delete_many(self, keys: set[str], fault: Fault | None) -> None:
        """Delete some together."""

        async def call() -> list[Any]:
            return [result async for result in self.bucket.delete_many(sorted(keys))]

        outcome = self.step(call, fault)
        errors = {result.key: result.error for result in outcome} if isinstance(outcome, list) else {}
        for key in keys:
            self.wrote(key, errors.get(key) or (outcome if isinstance(outcome, BaseException) else None), None)

    @rule(key=KEYS, fault=FAULTS)
    def get(self, key: str, fault: Fault | None) -> None:
        """Fetch an object."""
        outcome = self.step(lambda: self.bucket.get(key), fault)
        self.read(key, outcome, lambda: outcome.data)

    @rule(key=KEYS, fault=FAULTS)
    def read_pieces(self, key: str, fault: Fault | None) -> None:
        """Read an object piece by piece."""

        async def call() -> bytes:
            async with self.bucket.open_reader(key) as reader:
                return b"".join([await reader.read(1_000_000), await reader.read()])

        outcome = self.step(call, fault)
        self.read(key, outcome, lambda: outcome)

    @rule(key=KEYS, fault=FAULTS)
    def download_file(self, key: str, fault: Fault | None) -> None:
        """Fetch an object over an old file, which stays if that fails."""
        (self.place / "down").write_bytes(b"what was there before")
        outcome = self.step(lambda: self.bucket.download_file(key, self.place / "down"), fault)
        found = (self.place / "down").read_bytes()
        assert found == b"what was there before" or not isinstance(outcome, BaseException)
        self.read(key, outcome, lambda: found)

    @rule(prefix=st.sampled_from(["", "a", "a/", "a//", "ä+", "zz"]), fault=FAULTS)
    def list(self, prefix: str, fault: Fault | None) -> None:
        """List."""

        async def call() -> dict[str, int]:
            return {info.key: info.size async for info in self.bucket.list(prefix)}

        outcome = self.step(call, fault)
        if isinstance(outcome, BaseException):
            assert is_blurred(outcome), outcome
            return
        for key in {*outcome, *(key for key in self.may_be if key.startswith(prefix))}:
            size = outcome.get(key)
            fitting = {state for state in self.states(key) if (None if state is None else len(state)) == size}
            assert fitting, key
            self.may_be[key] = frozenset(fitting)


LOST_ONCE = st.just(Fault("lost"))
LOST_LATER = st.builds(Fault, st.sampled_from(["lost", "cut"]), first=st.integers(1, 4))


class LostAnswers(Model):
    """The same, where answers are lost to what can't just be sent again, too: conditional puts, the end of parts."""

    @rule(key=KEYS, data=SMALL, fault=LOST_ONCE | FAULTS)
    def put_if_absent_lost(self, key: str, data: bytes, fault: Fault | None) -> None:
        """Create an object, in more than one attempt."""
        self.put_if_absent(key, data, fault)

    @rule(key=KEYS, data=SMALL, fault=LOST_ONCE | PASSING, stale=st.booleans())
    def put_if_match_lost(self, key: str, data: bytes, fault: Fault | None, *, stale: bool) -> None:
        """Replace an object, in more than one attempt."""
        self.put_if_match(key, data, fault, stale=stale)

    @rule(key=KEYS, size=SIZES, seed=st.integers(10, 19), fault=LOST_LATER | PASSING)
    def put_parts_lost(self, key: str, size: int, seed: int, fault: Fault | None) -> None:
        """Store a large object, in more than one attempt."""
        self.put_parts(key, size, seed, fault)


def run(machine: type[Model], face: str, upstream: dict[str, Any]) -> None:
    """Run a machine over a server, by one face."""
    made = type(f"{machine.__name__}Over{face.title()}", (machine,), {"face": face, "upstream": upstream})
    seeds = {"derandomize": True, "database": None} if "S3_TEST_EXAMPLES" not in os.environ else {}
    run_state_machine_as_test(
        made,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            # To shrink takes many times as long as to find, and the steps of a failure are printed anyway.
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            **seeds,
        ),
    )


SERVERS = ["moto", *(["real"] if real.ENDPOINT else [])]


@pytest.fixture(params=SERVERS)
def upstream(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the settings for each server in turn; retries wait for nothing."""
    monkeypatch.setattr(_retry, "FIRST_DELAY", 0.0)
    if request.param == "real":
        return real.settings()
    return {"endpoint_url": request.getfixturevalue("endpoint_url")}


@pytest.mark.parametrize("face", FACES)
@pytest.mark.timeout(60 + 12 * EXAMPLES)
def test_model(face: str, upstream: dict[str, Any]) -> None:
    """Whatever is done in whatever order, with whatever faults: what is there is what the model says, and no more."""
    run(Model, face, upstream)


@pytest.mark.parametrize("face", FACES)
@pytest.mark.timeout(60 + 12 * EXAMPLES)
def test_model_of_lost_answers(face: str, upstream: dict[str, Any]) -> None:
    """A passing fault never shows, neither as a failure of what was done nor as an object that was in its own way."""
    run(LostAnswers, face, upstream)
