"""What the benchmarks decide: who runs what, in which order, and what the figures are said to mean."""

from __future__ import annotations

import os
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import cases, clients, document, goals, results, rounds, tables
from benchmarks.child import Task
from benchmarks.clients import BY_NAME, Row
from benchmarks.orders import Figures, Order
from benchmarks.peers.peer import Setup
from benchmarks.processes import Environment, FailedError, measured
from benchmarks.results import Results
from benchmarks.servers import sink

HERE = Environment(sys.executable, os.environ.get("PYTHONPATH"))
GET = cases.BY_NAME["get-4k-32"]
DOWNLOAD = cases.BY_NAME["download-file-1g"]
OURS = Row("s3-bucket", "uvloop")
OBSTORE = Row("obstore", "uvloop")


def figures(rate: float, cpu: float = 1e-4, peak: float = 30.0) -> Figures:
    """Return what a process says that has done so many operations of 4 KiB in a second."""
    return Figures(int(rate), int(rate) * 4096, 1.0, cpu * rate, peak)


def found(rates: dict[Row, list[float]]) -> Results:
    """Return the results of a get, from the rates of the rounds."""
    collected = Results()
    for row, rounds_ in rates.items():
        for rate in rounds_:
            collected.add(GET, row, figures(rate))
    return collected


def order(verb: str, **more: object) -> Order:
    """Return an order for a verb."""
    setup = Setup("http://127.0.0.1:1", "bench", "key-id", "secret", "us-east-1", 2)
    values = {"size": 4096, "concurrency": 2, "count": 3, "seconds": 0.1, "key": "4k", "warm": "4k/warm"}
    named = {"module": "ours", "kind": "Awaited", "loop": "asyncio", "verb": verb, "directory": "/files"}
    return Order(**(named | values | more), setup=setup)  # type: ignore[arg-type]


@pytest.fixture
def rig(endpoint_url: str, bucket_name: str, tmp_path: Path) -> Order:
    """Return an order for a bucket of two objects."""
    for key in ("4k/warm", "4k/0"):
        url, headers = f"{endpoint_url}/{bucket_name}/{key}", {"Content-Type": "binary/octet-stream"}
        request = urllib.request.Request(url, method="PUT", data=bytes(4096), headers=headers)
        urllib.request.urlopen(request, timeout=60).close()
    setup = Setup(endpoint_url, bucket_name, "key-id", "secret", "us-east-1", 2)
    return replace(order("start"), setup=setup, directory=str(tmp_path), count=1)


class Peer:
    """A client with every method."""

    def __getattr__(self, name: str) -> object:
        return name


def test_an_order_survives_the_command_line() -> None:
    """An order that went through its line of text must be the same order."""
    assert Order.of(order("get").text()) == order("get")


def test_figures_survive_the_pipe() -> None:
    """Figures that went through their line of text must be the same figures."""
    assert Figures.of(figures(3).text()) == figures(3)


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("get", ("4k/0",)),
        ("start", ("4k/0",)),
        ("put", ("4k/0", b"s3" * 2048)),
        ("list", ()),
        ("download_file", ("4k/0", "/files/4096.downloaded")),
        ("upload_file", ("/files/4096", "4k/0")),
        ("delete_many", (["4k/0", "4k/1", "4k/2"],)),
        ("upload_files", ([("/files/4096/0", "4k/0"), ("/files/4096/1", "4k/1"), ("/files/4096/2", "4k/2")],)),
    ],
)
def test_each_verb_has_its_arguments(verb: str, arguments: tuple[object, ...]) -> None:
    """A call must get the keys, the data and the paths that its verb takes."""
    assert Task(order(verb), Peer()).arguments() == arguments


def test_no_key_is_used_twice() -> None:
    """Calls must ask for one key after another."""
    task = Task(order("get"), Peer())
    assert [task.arguments() for _ in range(3)] == [("4k/0",), ("4k/1",), ("4k/2",)]


@pytest.mark.parametrize(("verb", "got"), [("get", 4095), ("download", 0), ("list", 2), ("start", None)])
def test_half_of_it_is_a_failure(verb: str, got: object) -> None:
    """A client that gets another number of bytes or keys than there are must fail."""
    with pytest.raises(RuntimeError, match="instead of"):
        Task(order(verb), Peer()).check(got)


def test_all_of_it_is_none() -> None:
    """A client that gets as many bytes as there are must not fail."""
    Task(order("get"), Peer()).check(4096)


def test_every_client_can_do_its_cases() -> None:
    """Every case must have at least one row of ours, and every client a case."""
    rows = {case.name: list(clients.rows(case, clients.CLIENTS)) for case in cases.CASES}
    assert all(any(BY_NAME[row.name].ours for row in of_case) for of_case in rows.values())
    assert {row.name for of_case in rows.values() for row in of_case} == set(BY_NAME)


def test_every_goal_has_a_case_where_both_take_part() -> None:
    """What must be reached must be measured, of us and of the one that it names."""
    for goal in goals.GOALS:
        names = {row.name for row in clients.rows(cases.BY_NAME[goal.case], clients.CLIENTS)}
        assert goal.other in names or goal.other in {goals.BEST, goals.BEST_ON_ASYNCIO}


def test_slow_clients_get_less() -> None:
    """Files and rounds must be fewer for who is slow, and only of what is done once."""
    files = cases.BY_NAME["upload-files"]
    slow = clients.given(BY_NAME["boto3"], files)
    assert (slow.count, slow.rounds) == (1_000, 2)
    assert clients.given(BY_NAME["boto3"], DOWNLOAD).rounds == 2
    assert clients.given(BY_NAME["obstore"], files).count == 10_000
    assert clients.given(BY_NAME["boto3"], GET) == GET


def test_nobody_is_always_the_first() -> None:
    """Each round must begin with another client, and have all of them."""
    rows = [Row(name, "asyncio") for name in "abc"]
    turns = [[row.name for row in rounds.turned(rows, turn)] for turn in range(4)]
    assert turns == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"]]


def test_nobody_at_all_is_no_error() -> None:
    """A case without clients must have empty rounds."""
    assert rounds.turned([], 1) == []


def test_medians_are_of_rounds() -> None:
    """One bad round must not change a client's figure, but show as its spread."""
    [line] = found({OBSTORE: [100, 101, 10]}).lines(GET)
    assert (line.rate, line.spread) == (100, pytest.approx(0.91))
    assert line.cpu == pytest.approx(1e-4)


def test_bytes_count_for_large_objects() -> None:
    """A case of 1 GiB must be compared by bytes a second and CPU a GiB."""
    line = results.line(DOWNLOAD, OBSTORE, [Figures(1, 1 << 30, 2.0, 0.5, 70.0)])
    assert (line.rate, line.cpu, line.peak) == ((1 << 30) / 2, 0.5, 70.0)


def test_who_failed_is_not_in_the_table() -> None:
    """A client that failed in one round must have no figure in that case, but its reason."""
    collected = found({OBSTORE: [100]})
    collected.fail(GET, OBSTORE, "broken")
    assert collected.lines(GET) == []
    assert list(collected.reasons(GET)) == [(OBSTORE, "broken")]


def test_the_best_peer_is_somebody_else() -> None:
    """Neither we, nor the floor, nor our old release may be the peer that we are compared with."""
    rates = {OURS: [900], Row("the floor", "uvloop"): [1000], Row("s3-bucket 1.4.0", "threads"): [800]}
    lines = found({**rates, OBSTORE: [300], Row("boto3", "threads"): [20]}).lines(GET)
    best, ours = results.best_peer(lines), results.ours(lines)
    assert (best and best.row, ours and ours.row) == (OBSTORE, OURS)


def test_a_goal_is_reached_or_not() -> None:
    """A goal must be reached from its ratio on, and unknown where a figure is missing."""
    goal = goals.Goal("get-4k-32", 3, loop="uvloop")
    for ours, reached in ((300, True), (299, False)):
        assert goals.outcome(goal, found({OURS: [ours], OBSTORE: [100]}).lines(GET)).reached is reached
    assert goals.outcome(goal, found({OURS: [300]}).lines(GET)).reached is None


def test_less_is_better_of_cpu_and_memory() -> None:
    """CPU must be at most its part of the other's, memory at most its MiB, whatever the other takes."""
    collected = Results()
    collected.add(GET, OURS, figures(100, cpu=1e-5, peak=150))
    collected.add(GET, OBSTORE, figures(100, cpu=4e-5, peak=20))
    lines = collected.lines(GET)
    assert goals.outcome(goals.Goal("get-4k-32", 1 / 3, goals.Measure.CPU), lines).reached
    assert not goals.outcome(goals.Goal("get-4k-32", 0.2, goals.Measure.CPU), lines).reached
    assert goals.outcome(goals.Goal("get-4k-32", 160, goals.Measure.PEAK), lines).reached
    assert not goals.outcome(goals.Goal("get-4k-32", 140, goals.Measure.PEAK), lines).reached


def test_tables_are_aligned() -> None:
    """A table must be Markdown with numbers to the right, and lines of one length."""
    table = tables.table(("client", "n"), [("a", "1,000"), ("longer", "2")])
    assert table.splitlines() == [
        "| client |     n |",
        "| ------ | ----: |",
        "| a      | 1,000 |",
        "| longer |     2 |",
    ]


def test_the_document_says_where_others_are_better() -> None:
    """A peer that is faster, or takes less CPU, must be named with both figures; one that is slower must not."""
    lost = document.lost([GET], found({OURS: [100], OBSTORE: [300], Row("boto3", "threads"): [20]}))
    assert "speed | 100/s | 300/s | obstore, uvloop" in lost
    assert "boto3" not in lost
    assert document.lost([GET], found({OURS: [300], OBSTORE: [100]})) == "Nowhere, in these cases."


def test_a_quick_run_is_marked_as_one() -> None:
    """Figures of a quick run must not look like those of a whole one."""
    collected = found({OURS: [100], OBSTORE: [300]})
    texts = [
        document.document([GET], collected, machine="m", versions=["v 1"], plot="p.svg", quick=quick)
        for quick in (True, False)
    ]
    assert ["A quick run" in text for text in texts] == [True, False]


def test_the_listing_ends() -> None:
    """Each page but the last must name the next, and all of them together hold every key once."""
    pages = [sink.page(number) for number in range(cases.LISTED // sink.PAGE)]
    assert [f"<NextContinuationToken>{number + 1}<" in page for number, page in enumerate(pages)] == [True] * 99 + [
        False
    ]
    assert sum(page.count("<Key>") for page in pages) == cases.LISTED


@pytest.mark.parametrize("kind", ["Awaited", "Blocking"])
@pytest.mark.parametrize("verb", ["put", "start"])
def test_both_faces_run_in_a_process_of_their_own(rig: Order, kind: str, verb: str) -> None:
    """A client's process must do what it is told with the package that is installed, and say figures of it."""
    said = measured(HERE, replace(rig, kind=kind, verb=verb, seconds=0.02))
    assert said.operations >= 1
    assert said.size == said.operations * 4096
    assert min(said.seconds, said.cpu, said.peak) > 0


@pytest.mark.parametrize(
    ("verb", "count"),
    [("list", 2), ("download_file", 1), ("upload_file", 1), ("upload_files", 3), ("delete_many", 2)],
)
def test_what_is_done_once_runs_too(rig: Order, verb: str, count: int) -> None:
    """Each of the package's other verbs must run as it is ordered."""
    files = Path(rig.directory, "4096")
    if verb == "upload_files":
        files.mkdir()
        for number in range(count):
            (files / str(number)).write_bytes(bytes(4096))
    else:
        files.write_bytes(bytes(4096))
    assert measured(HERE, replace(rig, verb=verb, count=count)).operations == count


def test_a_process_that_fails_says_why(rig: Order) -> None:
    """A client that fails must be told by its exception, and bring no figures."""
    with pytest.raises(FailedError, match="NoSuchKey"):
        measured(HERE, replace(rig, verb="start", key="never stored"))


def test_who_is_not_installed_is_not_there() -> None:
    """A client whose distribution is missing, or its interpreter, must be left out."""
    assert not HERE.has(replace(BY_NAME["obstore"], distribution="no-such-distribution"))
    assert not Environment("/no/such/python").has(BY_NAME["obstore"])
    assert HERE.has(BY_NAME["s3-bucket"])
