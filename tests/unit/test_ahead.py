"""Reading ahead: short files are in memory when their turn comes, in their order, and at most two groups of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from s3_bucket._async import _ahead, _sources

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def files(tmp_path: Path) -> list[Any]:
    """Make more files than two groups have, with what can't be read among them."""
    made: list[Any] = []
    for number in range(3 * _ahead.GROUP):
        (tmp_path / str(number)).write_bytes(b"%d" % number)
        made.append((tmp_path / str(number), f"key {number}"))
    made[5] = (tmp_path / "missing", "key")
    made[6] = (tmp_path, "a directory")
    made[7] = "no pair"
    (tmp_path / "long").write_bytes(bytes(_sources.SHORT_FILE + 1))
    made[8] = (tmp_path / "long", "key")
    return made


async def test_in_their_order(files: list[Any]) -> None:
    """Every item comes, in its order; a short file with its content, anything else as it was given."""
    came = [each async for each in _ahead.read_ahead(files)]
    assert [item for item, _ in came] == files
    read = [None if source is None or source.whole is None else bytes(source.whole) for _, source in came]
    assert read == [None if number in {5, 6, 7, 8} else b"%d" % number for number in range(len(files))]


@pytest.mark.parametrize("count", [0, 1, _ahead.GROUP, _ahead.GROUP + 1])
async def test_any_number(count: int, files: list[Any]) -> None:
    """However many there are, all come."""
    assert [item async for item, _ in _ahead.read_ahead(files[:count])] == files[:count]


async def test_no_more_than_two_groups(files: list[Any]) -> None:
    """While the first group is taken, the next one is read, and no other."""
    coming = _ahead.read_ahead(files)
    try:
        await anext(coming)
        for path, _ in files[2 * _ahead.GROUP :]:
            await asyncio.to_thread(path.unlink)
        came = [source async for _, source in coming]
    finally:
        await coming.aclose()
    assert not any(came[2 * _ahead.GROUP - 1 :])
    assert all(came[_ahead.GROUP : 2 * _ahead.GROUP - 1])


async def test_stopped(files: list[Any]) -> None:
    """Stopped in the middle, nothing reads on."""
    before = asyncio.all_tasks()
    coming = _ahead.read_ahead(files)
    await anext(coming)
    await coming.aclose()
    assert asyncio.all_tasks() == before
