"""The matrix itself: it is as large as it says, its oracles find what they are there for, its table is of today."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import s3_bucket as S3
from tests.faults import census, faultlist, operations, report, selection
from tests.faults.cells import Cell, Outcome, Seen, Verdict, judged
from tests.faults.proxy import Step, place
from tests.faults.realm import Stored, Upload, stored
from tests.faults.service import Hosted
from tests.faults.world import TAGS, World

if TYPE_CHECKING:
    from collections.abc import Callable

TABLE = Path(__file__).parents[2] / "docs" / "faults.md"
ADDRESSES = {name: f"http://{name}" for name in ("service", "proxy", "stranger")}


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return what a put works on."""
    return world_of("put", tmp_path)


def world_of(operation: str, directory: Path) -> World:
    """Return what an operation works on, before anything was done."""
    hosted = Hosted("cell", random.Random(0))  # noqa: S311  # repeatable
    made = World(operations.BY_NAME[operation], hosted, directory, random.Random(0), ADDRESSES)  # noqa: S311  # as above
    made.begin()
    return made


def verdict(world: World, fault: str = "none", **seen: Any) -> Verdict:
    """Judge what was seen of a cell."""
    cell = Cell(faultlist.BY_NAME[fault], world.operation, "async", 0)
    before = world.objects()
    usual = Seen(value=operations.DONE, objects=before, before=before, allowed=1.0)
    return judged(cell, world, replace(usual, **seen))


def written(world: World, data: bytes) -> dict[str, Stored]:
    """Return the server's objects with this one written."""
    return {**world.objects(), world.key: stored(data)}


def test_size() -> None:
    """The matrix has at least 60 faults, 15 operations and 2 faces, each under a name of its own."""
    assert len(faultlist.BY_NAME) == len(faultlist.FAULTS) >= 60
    assert len(operations.BY_NAME) == len(operations.OPERATIONS) >= 15
    assert len(selection.FACES) == 2


def test_every_fault_and_operation_is_met() -> None:
    """The selection that is run everywhere has each fault, and meets each operation with twenty faults or more."""
    cells = selection.some(selection.every([0]), 2_000, 0)
    assert {cell.fault.name for cell in cells} == faultlist.BY_NAME.keys()
    for operation in operations.OPERATIONS:
        assert len({cell.fault.name for cell in cells if cell.operation is operation}) >= 20, operation.name


def test_selection_is_repeatable() -> None:
    """The same seed selects the same cells."""
    cells = selection.every([0])
    assert selection.some(cells, 100, 1) == selection.some(cells, 100, 1) != selection.some(cells, 100, 2)


def test_exact(world: World) -> None:
    """What is written and told so is exact."""
    assert verdict(world, objects=written(world, world.content)) == Verdict(Outcome.EXACT)


def test_named_error(world: World) -> None:
    """An error that is promised, with the old object there, is one."""
    denied = S3.BucketAccessDenied("no")
    assert verdict(world, "403 AccessDenied", value=None, error=denied).outcome is Outcome.ERROR


BROKEN: dict[str, tuple[str, Callable[[World], dict[str, Any]]]] = {
    "success that is none": ("wrong", lambda _: {}),
    "half an object": ("wrong", lambda world: {"objects": written(world, world.content[:-1])}),
    "an object touched that is not its own": (
        "wrong",
        lambda world: {"objects": {**written(world, world.content), "control": stored(b"x")}},
    ),
    "wrong value": ("wrong", lambda world: {"value": 5, "objects": written(world, world.content)}),
    "upload left": ("orphan", lambda world: {"objects": written(world, world.content), "uploads": frozenset({"u"})}),
    "file left": ("orphan", lambda world: {"objects": written(world, world.content), "files": {".x.s3part": b""}}),
    "file made": ("wrong", lambda world: {"objects": written(world, world.content), "files": {"x": b""}}),
    "still running": ("hang", lambda _: {"hung": True}),
    "late": ("hang", lambda world: {"objects": written(world, world.content), "seconds": 1.1}),
    "foreign error": ("foreign", lambda _: {"value": None, "error": KeyError("x")}),
    "error instead of the result": ("broken", lambda _: {"value": None, "error": S3.BucketTimeout("x")}),
    "many requests": ("requests", lambda world: {"objects": written(world, world.content), "requests": 100}),
    "secret logged": ("secret", lambda world: {"objects": written(world, world.content), "logged": "the Canary"}),
    "secret raised": ("secret", lambda _: {"value": None, "error": S3.BucketTimeout("the canary")}),
    "strangers": ("secret", lambda world: {"objects": written(world, world.content), "strangers": 1}),
    "sick afterwards": ("broken", lambda world: {"objects": written(world, world.content), "afterwards": "it hangs"}),
}


@pytest.mark.parametrize("what", BROKEN)
def test_oracles(what: str, world: World) -> None:
    """Each oracle finds what it is there for."""
    kind, seen = BROKEN[what]
    found = verdict(world, **seen(world))
    assert found.outcome is Outcome.RED
    assert kind in found.kinds


def test_a_fault_that_does_not_happen(world: World) -> None:
    """A cell whose fault did not happen proves nothing, and is red."""
    denied = {"value": None, "error": S3.BucketAccessDenied("no")}
    assert verdict(world, "403 AccessDenied", provoked=False, **denied).reasons == ("the fault did not happen",)


def test_an_upload_that_is_told(world: World) -> None:
    """An upload that can't be aborted may stay if the error tells its id."""
    error = S3.BucketAccessDenied("no")
    seen = {"value": None, "error": error, "uploads": frozenset({"upload-1"})}
    assert verdict(world, "abort refused, ever", **seen).kinds == ("orphan",)
    error.add_note("upload id: upload-1")
    assert verdict(world, "abort refused, ever", **seen).outcome is Outcome.ERROR


def test_what_was_moved_is_somewhere(tmp_path: Path) -> None:
    """A source that was deleted without having been copied is wrong, whatever the call says; so is its replacement."""
    world = world_of("move", tmp_path)
    copied = {**world.objects(), world.copy_key: stored(world.content)}
    gone = {key: there for key, there in copied.items() if key != world.key}
    value = (world.copy_key, len(world.content), TAGS)
    assert verdict(world, value=value, objects=gone).outcome is Outcome.EXACT
    denied = {"value": None, "error": S3.BucketAccessDenied("no")}
    assert verdict(world, "403 AccessDenied", objects=copied, **denied).outcome is Outcome.ERROR
    lost = {key: there for key, there in world.objects().items() if key != world.key}
    assert verdict(world, "403 AccessDenied", objects=lost, **denied).kinds == ("wrong",)
    world.versions = [b"newer"]
    replaced = "the source replaced while it is copied or moved"
    assert verdict(world, replaced, value=value, objects=gone).kinds == ("wrong",)
    newer = {**copied, world.key: stored(b"newer")}
    assert verdict(world, replaced, objects=newer, **denied).outcome is Outcome.ERROR


def test_an_upload_that_can_be_gone_on_with(tmp_path: Path) -> None:
    """An upload with resume=True may stay if it failed, is noted, and the error tells its id; and only then."""
    world = world_of("upload_file(resume)", tmp_path)
    noted = {tmp_path / "journal": b'{"upload_id": "upload-1"}'}
    left = {"uploads": frozenset({"upload-1"}), "noted": noted}
    error = S3.BucketAccessDenied("no")
    failed = {**left, "value": None, "error": error, "files": world.files(), "files_before": world.files()}
    assert verdict(world, "403 AccessDenied", **failed).kinds == ("orphan",)
    error.add_note("upload id: upload-1")
    assert verdict(world, "403 AccessDenied", **failed).outcome is Outcome.ERROR
    assert verdict(world, "403 AccessDenied", **{**failed, "noted": {}}).kinds == ("orphan",)
    cancelled = {**failed, "error": asyncio.CancelledError()}
    assert verdict(world, "cancelled twice", **cancelled).outcome is Outcome.CANCELLED
    done = {"objects": written(world, world.content), "files": world.files(), "files_before": world.files()}
    assert verdict(world, **done).outcome is Outcome.EXACT
    assert verdict(world, **done, uploads=frozenset({"upload-1"})).kinds == ("orphan",)
    assert verdict(world, **done, noted=noted).kinds == ("orphan",)


def test_a_download_that_can_be_gone_on_with(tmp_path: Path) -> None:
    """A download with resume=True may leave its two files if it failed; neither alone, and none after a success."""
    world = world_of("download_file(resume)", tmp_path)
    before = world.files()
    part, journal = (f".destination.{'0' * 16}.s3part{end}" for end in ("", "-journal"))
    failed = {"value": None, "error": S3.BucketAccessDenied("no"), "files_before": before}
    both = {part: b"x", journal: b"x"}
    assert verdict(world, "403 AccessDenied", **failed, files={**before, **both}).outcome is Outcome.ERROR
    for alone in both:
        assert verdict(world, "403 AccessDenied", **failed, files={**before, alone: b"x"}).outcome is Outcome.RED
    whole = {**before, world.destination.name: world.content}
    assert verdict(world, files=whole, files_before=before).outcome is Outcome.EXACT
    assert verdict(world, files={**whole, **both}, files_before=before).outcome is Outcome.RED


def test_an_upload_of_somebody_else(tmp_path: Path) -> None:
    """Sweeping an upload of somebody else's is wrong."""
    world = world_of("abort_stale_uploads", tmp_path)
    world.hosted.realm.uploads["foreign"] = Upload("else/0", {})
    seen = {"value": ["stale"], "uploads": frozenset({"young"})}
    assert verdict(world, **seen).kinds == ("wrong",)
    assert verdict(world, **{**seen, "uploads": frozenset({"young", "foreign"})}).outcome is Outcome.EXACT


def test_bulk(tmp_path: Path) -> None:
    """Of a bulk call, each item must have its outcome, and the good ones must be exact."""
    world = world_of("get_many", tmp_path)
    good = dict.fromkeys(world.keys, world.content)
    assert verdict(world, value=good).outcome is Outcome.EXACT
    assert verdict(world, value={**good, "many/0": b"x"}).kinds == ("wrong",)
    assert verdict(world, value={"many/0": world.content}).kinds == ("wrong",)
    some = {**good, "many/0": S3.BucketAccessDenied("no")}
    assert verdict(world, "403 AccessDenied", value=some).outcome is Outcome.ERROR


def test_cancelled(world: World) -> None:
    """A cancellation that leaves nothing is clean."""
    error = asyncio.CancelledError()
    assert verdict(world, "cancelled twice", value=None, error=error).outcome is Outcome.CANCELLED


def test_leaks() -> None:
    """What there is more of after the cells than before is told, and nothing else."""
    before = census.Census(descriptors=10, threads=3, tasks=1)
    assert census.told(before, before) == []
    assert census.told(before, census.Census(descriptors=12, threads=2, tasks=1)) == [
        "2 descriptors more than before the cells"
    ]


def test_peers_are_summed_up() -> None:
    """Another client's row says what was good, and counts what was not."""
    record = {"fault": "none", "operation": "get", "face": "boto3", "seed": 0, "outcome": "exact", "kinds": []}
    worse = {**record, "operation": "put", "outcome": "red", "kinds": ["wrong"]}
    text = report.peers([record, worse], "| none | the exact result | ✓ | · |  | e |")
    assert "| none | ✓ e | ✓ **wrong 1** of 2 |" in text
    assert "| boto3 | 2 | 2 | 1 | 0 | 0 | 1 | 0 | 0 | 0 |" in text


def test_places() -> None:
    """The proxy finds the byte that is meant: in the head, in the body, by a share or by a number."""
    assert place(Step("up", 0.5, "flip"), 100, 50) == 125
    assert place(Step("up", 0.999, "flip"), 100, 50) == 149
    assert place(Step("up", 7, "flip"), 100, 50) == 107
    assert place(Step("up", 700, "flip"), 100, 50) == 149
    assert place(Step("up", 0.5, "flip", in_body=False), 100, 50) == 50
    assert place(Step("up", 0.5, "flip"), 100, 0) == 50


def test_table_is_of_today() -> None:
    """docs/faults.md has a row for each fault and a column for each operation, and no red cell."""
    text = TABLE.read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    heads = next(row for row in rows if row.startswith("| fault | what is promised |"))
    assert heads.strip("| ").split(" | ")[2:] == [operation.name for operation in operations.OPERATIONS]
    for fault in faultlist.FAULTS:
        begin = f"| {report.escaped(fault.name)} | {report.escaped(fault.words)} |"
        assert any(row.startswith(begin) for row in rows), fault.name
    for words in report.KINDS.values():
        assert f"| {words} | **0** |" in rows


def test_table_keeps_its_other_section(tmp_path: Path) -> None:
    """Writing one section of the file leaves the other as it is."""
    path = tmp_path / "table.md"
    report.write(path, "ours", "one")
    report.write(path, "peers", "two")
    report.write(path, "ours", "three")
    text = path.read_text(encoding="utf-8")
    assert "one" not in text.split("-->")[1]
    assert text.index("three") < text.index("two")
    assert text.startswith(report.HEAD.strip())
