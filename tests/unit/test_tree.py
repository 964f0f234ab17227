"""Plans of directories: carried out, they make both trees the same, and nothing else happens."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from s3_bucket._directories import _planner, _tree, _words
from s3_bucket._directories._tree import Files, Kind, Local, Pair, Plan, Remote, Spellings
from s3_bucket._models import ObjectInfo
from s3_bucket._plan import MIB
from s3_bucket.exceptions import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Mapping

Tree = dict[str, bytes]

NAMES = st.sampled_from(["a", "b", "a-", "a.", "a0", "A", "é", "\uffee", "\U00010000"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
TREES = st.dictionaries(PATHS, st.sampled_from([b"", b"1", b"2", b"22"]), max_size=8)
ODD = st.sampled_from(["..", ".", "", "x\0", "a/..", "C:\\x", "n" * 256, "a\\..\\b", "\udcff"])
ODD_TREES = st.dictionaries(st.lists(NAMES | ODD, min_size=1, max_size=3).map("/".join), st.just(b"1"), max_size=6)


def is_possible(tree: Tree) -> bool:
    """Whether a directory can hold these files: none is a directory, too."""
    return not any(f"{one}/" == other[: len(one) + 1] for one in tree for other in tree)


def entries(tree: Tree, extra: tuple[Local, ...] = ()) -> list[Local]:
    """Return a directory's entries, sorted as they are walked through."""
    directories = {path[: at + 1] for path in tree for at, letter in enumerate(path) if letter == "/"}
    files = [Local(path, Kind.FILE, len(data), hash(data)) for path, data in tree.items()]
    return sorted([*files, *(Local(path, Kind.DIRECTORY) for path in directories), *extra], key=lambda each: each.path)


def listing(tree: Tree) -> list[Remote]:
    """Return the objects, sorted as S3 lists them."""
    keys = sorted(tree, key=lambda key: key.encode(errors="surrogatepass"))
    return [Remote(key, len(tree[key]), f"etag {tree[key]!r}") for key in keys]


def pairs(here: list[Local], there: list[Remote], at_once: int) -> list[Pair[Local]]:
    """Join both, as they come piece by piece."""
    left, right = deque(here), deque(there)
    near: deque[Local] = deque()
    far: deque[Remote] = deque()
    joined: list[Pair[Local]] = []
    while left or right or near or far:
        if not near:
            near.extend(left.popleft() for _ in range(min(at_once, len(left))))
        if not far:
            far.extend(right.popleft() for _ in range(min(at_once, len(right))))
        joined += _tree.join(near, far, here_ended=not left and not near, there_ended=not right and not far)
    return joined


def planned(
    action: str,
    local: Tree,
    remote: Tree,
    *,
    delete: bool = False,
    folds_case: bool = False,
    extra: tuple[Local, ...] = (),
) -> Plan:
    """Return the plan for two trees."""
    planner = _planner.Planner(Plan(action, "/here", "bucket", "p/"), delete=delete, folds_case=folds_case)
    for pair in pairs(entries(local, extra), listing(remote), 3):
        planner.add(pair, is_same=local.get(pair.path) == remote.get(pair.path) and _tree.needs_reading(pair))
    return planner.finish()


def applied(plan: Plan, source: Tree, destination: Tree) -> Tree:
    """Return the destination as it is when the plan has been carried out."""
    after = dict(destination)
    for item in plan.items:
        assert item.key == "p/" + item.path
        if item.action == "delete":
            del after[item.path]
        elif item.action != "make":
            after[item.path] = source[item.path]
    return after


@given(one=TREES, other=TREES, delete=st.booleans(), action=st.sampled_from(["upload", "download"]))
@example(one={"a": b"1"}, other={}, delete=True, action="download")
def test_carried_out_both_trees_are_the_same(one: Tree, other: Tree, *, delete: bool, action: str) -> None:
    """A plan that refuses nothing makes the destination what the source is; a second one has nothing to do."""
    assume(is_possible(one) and (action == "download" or is_possible(other)))
    local, remote = (one, other) if action == "upload" else (other, one)
    assume(is_possible(local))
    plan = planned(action, local, remote, delete=delete)
    if plan.refused:
        assert delete or action == "download"
        return
    after = applied(plan, one, other)
    assert after == (one if delete else other | one)
    assert plan.transfers + plan.unchanged == len(one)
    assert plan.deletions + plan.extra == len(other.keys() - one.keys())
    again = planned(action, *((one, after) if action == "upload" else (after, one)), delete=delete)
    assert len(again.items) == 0
    assert again.unchanged == len(one)


@given(remote=TREES | ODD_TREES, local=TREES, delete=st.booleans(), folds_case=st.booleans())
def test_nothing_outside(remote: Tree, local: Tree, *, delete: bool, folds_case: bool) -> None:
    """Whatever keys there are: a plan that refuses nothing writes into the directory only, and no file twice."""
    assume(is_possible(local))
    plan = planned("download", local, remote, delete=delete, folds_case=folds_case)
    written = [item.path for item in plan.items if item.action == "download"]
    for path in written:
        assert not {"", ".", ".."} & set(path.split("/"))
    if not plan.refused:
        kept = {*written, *(local.keys() - {item.path for item in plan.items})}
        assert is_possible(dict.fromkeys(kept, b""))
        if folds_case:
            assert len({path.casefold() for path in kept}) == len(kept)


@given(TREES, TREES, st.integers(1, 4))
def test_join(local: Tree, remote: Tree, at_once: int) -> None:
    """However the two come, each path comes once, in order, with what is under it here and there."""
    here = [each for each in entries(local) if each.kind is Kind.FILE]
    joined = pairs(here, listing(remote), at_once)
    assert [pair.path for pair in joined] == sorted({*local, *remote})
    assert {pair.path for pair in joined if pair.local} == set(local)
    assert {pair.path for pair in joined if pair.remote} == set(remote)


@given(st.lists(PATHS, unique=True))
def test_files_above(paths: list[str]) -> None:
    """Of all files that were passed, the one is found that a path lies below."""
    files = Files()
    passed: list[str] = []
    for path in sorted(paths):
        expected = [each for each in passed if path.startswith(each + "/")]
        assert files.above(path) == ((expected[0], "a file") if expected else None)
        files.passed(path, "a file")
        passed.append(path)
        assert len(files._passed) <= len(path)


def test_spellings() -> None:
    """Where the file system doesn't tell upper from lower case, no two names may meet, in any spelling of é."""
    refused = {
        each.path: each.why
        for each in planned(
            "download",
            {"b/c": b"1"},
            {"A": b"", "B/c": b"", "a": b"", "d/É": b"", "d/é": b"", "e/x": b""},
            folds_case=True,
        ).refused
    }
    assert set(refused) == {"a", "b/", "b/c", "d/é"}
    assert refused["a"] == "the file system here takes it and 'A' for the same"
    assert refused["d/é"] == "the file system here takes it and 'd/É' for the same"
    assert Spellings().other("a/b/") is None


def test_skipped_and_refused_entries() -> None:
    """Symlinks are passed by, and their keys left alone; unreadable directories and odd names are refused."""
    link, pipe = Local("a", Kind.OTHER, why="a symlink"), Local("p", Kind.OTHER, why="no regular file")
    plan = planned("upload", {"b": b"1"}, {"a": b"1", "a/b": b"1"}, delete=True, extra=(link, pipe))
    assert [each.path for each in plan.skipped] == ["a", "a/b", "p"]
    assert [item.path for item in plan.items] == ["b"]
    down = planned("download", {}, {"a/b": b"1"}, extra=(link, pipe))
    assert [each.path for each in down.refused] == ["a/b"]
    assert [each.path for each in down.skipped] == ["a", "p"]
    unreadable = Local("u/", Kind.UNREADABLE, why="the directory can't be read")
    nameless = Local("n\udcff", Kind.NAMELESS, why="its name is not UTF-8")
    up = planned("upload", {}, {}, extra=(unreadable, nameless))
    assert [each.path for each in up.refused] == ["n\udcff", "u/"]
    assert [each.path for each in planned("download", {}, {}, extra=(unreadable, nameless)).refused] == ["u/"]


def test_words_of_a_long_plan() -> None:
    """Ten of each kind are named, the rest is counted; units are those that a reader can grasp."""
    plan = planned("download", {}, {f"d{number:02}/": b"" for number in range(12)} | {"x": b"1"})
    for number in range(12):
        plan.refused.add(f"bad{number}", "why")
    plan.transfer_bytes = 3 * 1024**6
    text = _words.words(plan).splitlines()
    assert text[:2] == ["download from s3://bucket/p/ to /here", "  download 1 file, 3072.0 PiB"]
    assert "  make 12 directories" in text
    assert text[-1] == "    and 2 more"
    refusal = _words.refusal(plan)
    assert refusal is not None
    assert str(refusal).startswith("nothing was transferred, because the plan refuses 12 items: 'bad0': why; ")
    assert str(refusal).endswith("'bad9': why; .... Rename them, or leave them out by exclude")


LISTINGS: Mapping[str, list[str]] = {
    "not sorted": ["p/b", "p/a"],
    "twice": ["p/a", "p/a"],
    "another prefix": ["q/a"],
    "sorted as UTF-16": ["p/\U00010000", "p/\uffee"],
}


@pytest.mark.parametrize("kind", LISTINGS)
def test_listings_out_of_order(kind: str) -> None:
    """Of a listing that is not in order, or not what was asked for, no plan is made: it would delete what is there."""
    infos = [ObjectInfo(key, 1, "etag") for key in LISTINGS[kind]]
    with pytest.raises(IntegrityError, match="no plan can be made"):
        _tree.listed(infos, "bucket", "p/", "")
    with pytest.raises(IntegrityError):
        _tree.listed(infos[-1:], "bucket", "p/", "\U0010ffff")


def test_chunks() -> None:
    """What one visit of a thread reads is bounded in number and in bytes, and nothing is left out."""
    sizes = [1] * 130 + [5 * MIB] * 3
    made = [Pair(str(size), None, Remote(str(size), size, "")) for size in sizes]
    chunks = list(_tree.chunks(made))
    assert [len(chunk) for chunk in chunks] == [64, 64, 4, 1]
    assert [pair for chunk in chunks for pair in chunk] == made
