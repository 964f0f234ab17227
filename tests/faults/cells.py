"""One cell of the matrix, and how it is judged. Pure."""

from __future__ import annotations

import enum
import pickle
import re
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.faults.fault import Promise
from tests.faults.operations import DONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.faults.fault import Fault
    from tests.faults.operations import Operation
    from tests.faults.realm import Stored
    from tests.faults.world import World

ATTEMPTS = 3
THROTTLED_ATTEMPTS = 4 * ATTEMPTS
CANARY = "canary"
"""Every secret of every cell has it in it; nothing that is told may."""
LEFT_BEHIND = ".s3part"
_KEPT = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{16}\.s3part(-journal)?")
"""The two files, beside the destination, of a download that can be gone on with."""


class Outcome(enum.Enum):
    """What a cell has come to, from the best to the worst."""

    EXACT = "exact"
    CANCELLED = "cancelled"
    ERROR = "error"
    RED = "red"


@dataclass(frozen=True)
class Cell:
    """One fault, one operation, one face, one seed."""

    fault: Fault
    operation: Operation
    face: str
    seed: int

    @property
    def name(self) -> str:
        """Its name, by which it can be run again."""
        return f"{self.fault.name} / {self.operation.name} / {self.face} / {self.seed}"


@dataclass(frozen=True)
class Seen:
    """What was seen of a cell when it had ended, or had not."""

    value: Any = None
    error: BaseException | None = None
    hung: bool = False
    seconds: float = 0.0
    allowed: float = 0.0
    objects: Mapping[str, Stored] = field(default_factory=dict)
    before: Mapping[str, Stored] = field(default_factory=dict)
    uploads: frozenset[str] = frozenset()
    files: Mapping[str, bytes] = field(default_factory=dict)
    files_before: Mapping[str, bytes] = field(default_factory=dict)
    requests: int = 0
    times: tuple[float, ...] = ()
    provoked: bool = True
    logged: str = ""
    afterwards: str = ""
    strangers: int = 0
    noted: Mapping[Path, bytes] = field(default_factory=dict)
    """What the library has noted of uploads that can be gone on with."""


@dataclass(frozen=True)
class Verdict:
    """How a cell is judged: the outcome, and what is wrong with it."""

    outcome: Outcome
    reasons: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    """Of what kinds the reasons are: "wrong", "orphan", "hang", "foreign", "broken", "requests" or "secret"."""


@dataclass
class _Judge:
    """The oracles; each adds to what is wrong."""

    cell: Cell
    world: World
    seen: Seen
    named: bool
    wrong: list[tuple[str, str]] = field(default_factory=list)

    def complain(self, kind: str, why: str) -> None:
        self.wrong.append((kind, why))


def judged(cell: Cell, world: World, seen: Seen, *, named: bool = True) -> Verdict:
    """Judge a cell; `named` is whether errors must be this library's, and the limits it promises be kept."""
    judge = _Judge(cell, world, seen, named)
    if seen.hung:
        judge.complain("hang", f"still running after {seen.seconds:.1f} s")
        return Verdict(Outcome.RED, *_told(judge))
    outcome = _outcome(judge)
    _check_server(judge, outcome)
    _check_files(judge, outcome)
    _check_uploads(judge, outcome)
    if named:
        _check_promise(judge, outcome)
        _check_limits(judge)
        _check_secrets(judge)
    return Verdict(Outcome.RED if judge.wrong else outcome, *_told(judge))


def _told(judge: _Judge) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(why for _, why in judge.wrong), tuple(dict.fromkeys(kind for kind, _ in judge.wrong))


def _outcome(judge: _Judge) -> Outcome:
    seen, cell = judge.seen, judge.cell
    if seen.error is not None:
        return _raised(judge, seen.error)
    expected = cell.operation.value(judge.world)
    if "bulk" in cell.operation.traits:
        return _bulk(judge, expected)
    if seen.value == expected or seen.value in judge.world.versions:
        return Outcome.EXACT
    judge.complain("wrong", f"wrong result: {_short(seen.value)} instead of {_short(expected)}")
    return Outcome.RED


def _bulk(judge: _Judge, expected: Mapping[str, Any]) -> Outcome:
    got = judge.seen.value
    if set(got) != set(expected):
        judge.complain("wrong", f"outcomes for {_short(sorted(got))} instead of {_short(sorted(expected))}")
        return Outcome.RED
    worst = Outcome.EXACT
    for key, value in got.items():
        if isinstance(value, BaseException):
            worst = _raised(judge, value)
        elif value != expected[key]:
            judge.complain("wrong", f"wrong result for {key!r}: {_short(value)}")
    return worst


def _raised(judge: _Judge, error: BaseException) -> Outcome:
    fault = judge.cell.fault
    if fault.promise is Promise.CLEAN and type(error).__name__ in {"CancelledError", "TimeoutError"}:
        return Outcome.CANCELLED
    kinds = {kind.__name__ for kind in type(error).__mro__}
    allowed = set(fault.errors) if fault.promise in {Promise.ERROR, Promise.EITHER} else {"BucketException"}
    if judge.named and not allowed & kinds:
        judge.complain("foreign", f"{type(error).__name__} instead of {' or '.join(sorted(allowed))}: {error}")
    return Outcome.ERROR


def _check_promise(judge: _Judge, outcome: Outcome) -> None:
    promise = judge.cell.fault.promise
    if not judge.seen.provoked and judge.cell.fault.certain:
        judge.complain("broken", "the fault did not happen")
    if promise is Promise.EXACT and outcome is Outcome.ERROR:
        judge.complain(
            "broken", f"an error, where the exact result is promised: {_short(judge.seen.error or judge.seen.value)}"
        )
    if promise is Promise.ERROR and outcome is Outcome.EXACT:
        judge.complain("wrong", "success, where only an error can be true")
    kinds = {kind.__name__ for kind in type(judge.seen.error).__mro__}
    if promise is Promise.CLEAN and outcome is Outcome.ERROR and not kinds & set(judge.cell.fault.also):
        judge.complain("broken", f"an error, where the caller was cancelled: {_short(judge.seen.error)}")


def _check_server(judge: _Judge, outcome: Outcome) -> None:
    """Objects must be the old ones or the new ones, whole; after a success, the new ones."""
    seen, leaves = judge.seen, judge.cell.operation.leaves(judge.world)
    done = outcome is Outcome.EXACT
    for key in sorted({*seen.objects, *seen.before, *leaves}):
        now, before = _data(seen.objects, key), _data(seen.before, key)
        certain = done or (isinstance(seen.value, dict) and seen.value.get(key) == DONE)
        allowed = [leaves[key]] if key in leaves and certain else [before, leaves.get(key, before)]
        if now not in [*allowed, *judge.world.versions] and not _deleted_by_rig(judge, key):
            judge.complain("wrong", f"on the server, {key!r} is {_short(now)} instead of {_short(allowed[-1])}")
    if "moves" in judge.cell.operation.traits:
        _check_moved(judge)


def _check_moved(judge: _Judge) -> None:
    """What is moved must be somewhere, always."""
    copied = _data(judge.seen.objects, judge.world.copy_key) == judge.world.content
    if judge.world.key in judge.seen.before and judge.world.key not in judge.seen.objects and not copied:
        judge.complain("wrong", "the source was deleted, and there is no copy")
    if judge.world.versions and judge.world.key not in judge.seen.objects:
        judge.complain("wrong", "what has replaced the source was deleted")


def _deleted_by_rig(judge: _Judge, key: str) -> bool:
    return "deleted" in judge.cell.fault.name and key not in judge.seen.objects


def _data(objects: Mapping[str, Stored], key: str) -> bytes | None:
    return objects[key].data if key in objects else None


def _check_files(judge: _Judge, outcome: Outcome) -> None:
    """Files must be the old ones or the new ones, whole, and none beside them."""
    seen, made = judge.seen, dict(judge.cell.operation.files(judge.world))
    if judge.world.linked and judge.world.destination.name in made:
        made[judge.world.linked] = made.pop(judge.world.destination.name)
    kept = _kept_files(judge) if outcome is not Outcome.EXACT else set()
    for name in sorted({*seen.files, *seen.files_before, *made} - kept):
        now, before = seen.files.get(name), seen.files_before.get(name)
        allowed = [made[name]] if name in made and outcome is Outcome.EXACT else [before, made.get(name, before)]
        if name.endswith(LEFT_BEHIND):
            judge.complain("orphan", f"a temporary file is left: {name}")
        elif now not in [*allowed, *judge.world.versions] and name != judge.world.source.name:
            judge.complain("wrong", f"the file {name!r} holds {_short(now)} instead of {_short(allowed[-1])}")


def _kept_files(judge: _Judge) -> set[str]:
    """Return the names of the two files that an unfinished download may leave; one without the other is too much."""
    if "keeps" not in judge.cell.operation.traits:
        return set()
    found = [match for name in judge.seen.files if (match := _KEPT.fullmatch(name))]
    is_one = {match["name"] for match in found} == {judge.world.destination.name} and len(found) == 2
    return {match.string for match in found} if is_one else set()


def _check_kept(judge: _Judge, left: frozenset[str], outcome: Outcome) -> None:
    """An upload that was not finished may stay, if the next call will know of it; one that was must leave nothing."""
    noted = b"".join(judge.seen.noted.values())
    if outcome is Outcome.EXACT and judge.seen.noted:
        judge.complain("orphan", "it is still noted that the upload has begun")
    if len(judge.seen.noted) > 1 or not all(f'"{upload}"'.encode() in noted for upload in left):
        judge.complain("orphan", f"uploads are left that no later call goes on with: {', '.join(sorted(left))}")
    notes = " ".join(getattr(judge.seen.error, "__notes__", ()))
    if outcome is Outcome.ERROR and not all(upload in notes for upload in left):
        judge.complain("orphan", "an upload is left, and no note tells its id")


def _check_uploads(judge: _Judge, outcome: Outcome) -> None:
    left = judge.seen.uploads - judge.world.planted - judge.world.hosted.realm.unheard
    if "keeps" in judge.cell.operation.traits:
        _check_kept(judge, left, outcome)
        left = left if outcome is Outcome.EXACT else frozenset()
    if not judge.cell.fault.leaves_upload:
        if left:
            judge.complain("orphan", f"multipart uploads are left: {', '.join(sorted(left))}")
    elif judge.named:
        notes = " ".join(getattr(judge.seen.error, "__notes__", ()))
        if not all(upload in notes for upload in left):
            judge.complain("orphan", "an upload is left, and no note tells its id")
    if not {"foreign", "young"} & judge.world.planted <= judge.seen.uploads:
        judge.complain("wrong", "an upload of somebody else's was aborted")


def _check_limits(judge: _Judge) -> None:
    seen, fault, calls = judge.seen, judge.cell.fault, judge.cell.operation.calls
    attempts = THROTTLED_ATTEMPTS if fault.throttles else ATTEMPTS
    most = fault.most if fault.most is not None else calls * attempts * (2 if fault.asks_head else 1) + 6
    if seen.requests > most:
        judge.complain("requests", f"{seen.requests} requests, where {most} are enough")
    if seen.seconds > seen.allowed:
        judge.complain("hang", f"{seen.seconds:.1f} s, where {seen.allowed:.1f} are promised")
    if seen.strangers:
        judge.complain("secret", f"{seen.strangers} requests to another host")
    if fault.pause and len(seen.times) > 1 and seen.times[1] - seen.times[0] < fault.pause and calls == 1:
        judge.complain("broken", f"tried again after {seen.times[1] - seen.times[0]:.2f} s, not {fault.pause} s")
    if seen.afterwards:
        judge.complain("broken", f"afterwards: {seen.afterwards}")


def _check_secrets(judge: _Judge) -> None:
    told = "\n".join([judge.seen.logged, *(told_by(error) for error in _errors(judge.seen))])
    if CANARY in told.lower():
        place = told.lower().index(CANARY)
        judge.complain("secret", f"a secret is told: ...{told[max(0, place - 60) : place + 20]!r}...")
    forged = [error for error in _errors(judge.seen) if "\n" in str(error) and hasattr(error, "error_code")]
    if forged or any(line.startswith("INFO forged") for line in judge.seen.logged.splitlines()):
        judge.complain("secret", "a line break of the key is told as it is")


def _errors(seen: Seen) -> Iterator[BaseException]:
    if seen.error is not None:
        yield seen.error
    if isinstance(seen.value, dict):
        yield from (value for value in seen.value.values() if isinstance(value, BaseException))


def told_by(error: BaseException) -> str:
    """Return all that an exception tells of itself."""
    try:
        pickled = repr(pickle.dumps(error))
    except (TypeError, AttributeError, pickle.PicklingError):
        pickled = ""
    return f"{error!s} {error!r} {error.__dict__!r} {pickled}" + "".join(traceback.format_exception(error))


def _short(value: object) -> str:
    if isinstance(value, bytes):
        return f"{len(value)} bytes {value[:20]!r}"
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:300]}..."  # enough to see what it is
