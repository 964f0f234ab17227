"""Reading ahead: short files are in memory when their turn comes, in their order, and at most two groups of them."""

from __future__ import annotations

import asyncio
import math
import threading
from typing import TYPE_CHECKING, Any

import pytest

from s3_bucket._async import _ahead, _sources

if TYPE_CHECKING:
    from pathlib import Path


SLOW, QUICK = -math.inf, math.inf


@pytest.fixture(params=[QUICK, SLOW], ids=["quick", "slow"])
def pace(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> float:
    """Have all files be quick, or all slow."""
    monkeypatch.setattr(_ahead, "QUICK", request.param)
    return request.param


@pytest.fixture
def files(tmp_path: Path) -> list[Any]:
    """Make more files than two groups have, with what can't be read among them."""
    made: list[Any] = []
    for number in range(4 * _ahead.GROUP):
        (tmp_path / str(number)).write_bytes(b"%d" % number)
        made.append((tmp_path / str(number), f"key {number}"))
    made[5] = (tmp_path / "missing", "key")
    made[6] = (tmp_path, "a directory")
    made[7] = "no pair"
    (tmp_path / "long").write_bytes(bytes(_sources.SHORT_FILE + 1))
    made[8] = (tmp_path / "long", "key")
    return made


@pytest.mark.usefixtures("pace")
async def test_in_their_order(files: list[Any]) -> None:
    """Every item comes, in its order; a short file with its content, anything else as it was given."""
    came = [each async for each in _ahead.read_ahead(files)]
    assert [item for item, _ in came] == files
    read = [None if source is None or source.whole is None else bytes(source.whole) for _, source in came]
    assert read == [None if number in {5, 6, 7, 8} else b"%d" % number for number in range(len(files))]


@pytest.mark.usefixtures("pace")
@pytest.mark.parametrize("count", [0, 1, _ahead.GROUP, _ahead.GROUP + 1, 3 * _ahead.GROUP])
async def test_any_number(count: int, files: list[Any]) -> None:
    """However many there are, all come."""
    assert [item async for item, _ in _ahead.read_ahead(files[:count])] == files[:count]


async def test_quick_files(files: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Quick files are read when they are needed, a group by one thread, and none while another group is taken."""
    monkeypatch.setattr(_ahead, "QUICK", QUICK)
    coming = _ahead.read_ahead(files)
    try:
        await anext(coming)
        for path, _ in files[_ahead.GROUP :]:
            await asyncio.to_thread(path.unlink)
        came = [source async for _, source in coming]
    finally:
        await coming.aclose()
    assert all(came[8 : _ahead.GROUP - 1])
    assert not any(came[_ahead.GROUP - 1 :])


async def test_slow_files(files: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """While a group of slow files is taken, the next one is read, and no other."""
    monkeypatch.setattr(_ahead, "QUICK", SLOW)
    begun, short = threading.Event(), _ahead._short
    of_the_next, of_another = (files[group * _ahead.GROUP][1] for group in (2, 3))
    read: list[Any] = []

    def watched(item: Any) -> Any:
        read.append(item[1])
        if item[1] == of_the_next:
            begun.set()
        return short(item)

    monkeypatch.setattr(_ahead, "_short", watched)
    coming = _ahead.read_ahead(files)
    try:
        for _ in range(_ahead.GROUP + 1):
            await anext(coming)
        assert await asyncio.to_thread(begun.wait, 30)
        assert of_another not in read
    finally:
        await coming.aclose()


@pytest.mark.parametrize(("later", "waited"), [(SLOW, [*range(1, 16), *range(17, 20)]), (QUICK, [*range(1, 16)])])
async def test_tried_again(later: float, waited: list[int], files: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of slow groups each sixteenth is read as if it were quick; if it is, those that follow are taken to be, too."""
    monkeypatch.setattr(_ahead, "GROUP", 4)
    monkeypatch.setattr(_ahead, "QUICK", SLOW)
    wait_for, groups = _ahead._wait_for, [files[at : at + 4] for at in range(0, 80, 4)]
    numbers: list[int] = []

    async def watched(group: Any) -> Any:
        numbers.append(groups.index(group))
        return await wait_for(group)

    monkeypatch.setattr(_ahead, "_wait_for", watched)
    coming = _ahead.read_ahead(files[:80])
    items: list[Any] = []
    async for item, _ in coming:  # the first group is slow whatever follows
        items.append(item)
        monkeypatch.setattr(_ahead, "QUICK", later)
    assert items == files[:80]
    assert numbers == waited


@pytest.mark.usefixtures("pace")
async def test_stopped(files: list[Any]) -> None:
    """Stopped in the middle, nothing reads on."""
    before = asyncio.all_tasks()
    coming = _ahead.read_ahead(files)
    for _ in range(_ahead.GROUP + 1):
        await anext(coming)
    await coming.aclose()
    assert asyncio.all_tasks() == before
