"""Changing JSON objects by compare-and-swap: nobody's change is lost, however many write at a time."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

import s3_bucket as S3
from tests.conformance.conftest import PART

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conformance.conftest import OpenBucket

pytestmark = pytest.mark.asyncio(loop_scope="session")

WRITERS = 50


@pytest_asyncio.fixture(loop_scope="session")
async def threads() -> AsyncIterator[None]:
    """Give each writer of the blocking face a thread of its own."""
    loop = asyncio.get_running_loop()
    many = ThreadPoolExecutor(WRITERS)
    loop.set_default_executor(many)
    yield
    loop.set_default_executor(ThreadPoolExecutor())
    await asyncio.to_thread(many.shutdown)


@pytest.fixture
def strangers(bucket: S3.AsyncBucket, open_bucket: OpenBucket) -> list[S3.AsyncBucket]:
    """Return the same bucket several times, with other settings: they share nothing, as in other processes."""
    return [open_bucket(bucket.name, max_concurrency=10 + number) for number in range(1, 6)]


async def increment(bucket: S3.AsyncBucket) -> None:
    """Count one more, in a block."""
    async with bucket.edit_json("json") as document:
        document["count"] += 1


async def test_editing(bucket: S3.AsyncBucket) -> None:
    """What the block changes is stored; what it doesn't is not written again."""
    await bucket.put_json("json", {"a": {"b": 1}, "c": [1]})
    async with bucket.edit_json("json") as document:
        document["a"]["b"] = "ü"
        document["c"].append({"d": None})
        del document
    stored = await bucket.head("json")
    assert await bucket.get_json("json") == {"a": {"b": "ü"}, "c": [1, {"d": None}]}
    async with bucket.edit_json("json") as document:
        assert document["a"] == {"b": "ü"}
        document["c"] = list(document["c"])
    assert (await bucket.head("json")).last_modified == stored.last_modified


async def test_a_list(bucket: S3.AsyncBucket) -> None:
    """The document may be a list, and a new one."""
    async with bucket.edit_json("json", default=[]) as document:
        document.append(1)
    async with bucket.edit_json("json", default=[]) as document:
        document.append(2)
    assert await bucket.get_json("json") == [1, 2]


async def test_what_stays(bucket: S3.AsyncBucket) -> None:
    """Metadata, content headers and tags of the object are kept; a new one is application/json."""
    kept: dict[str, Any] = {"content_type": "text/x-json", "cache_control": "no-store", "storage_class": "STANDARD_IA"}
    await bucket.put_json("json", {"a": 1}, metadata={"owner": "me"}, tags={"a b": "c"}, **kept)
    async with bucket.edit_json("json") as document:
        document["a"] = 2
    info = await bucket.head("json")
    assert {name: getattr(info, name) for name in kept} == kept
    assert (info.metadata, await bucket.tags("json")) == ({"owner": "me"}, {"a b": "c"})
    assert await bucket.update_json("new", lambda value: value, default=1) == 1
    assert not await bucket.exists("new")
    assert await bucket.update_json("new", lambda value: value + 1, default=1) == 2
    assert (await bucket.head("new")).content_type == "application/json"


async def test_a_block_that_fails(bucket: S3.AsyncBucket) -> None:
    """What the block raises comes out, and nothing is written."""
    await bucket.put_json("json", {"a": 1})
    with pytest.raises(LookupError, match="its own"):  # noqa: PT012  # the block's end raises
        async with bucket.edit_json("json") as document:
            document["a"] = 2
            raise LookupError("its own")
    with pytest.raises(S3.InvalidInput):
        async with bucket.edit_json("json") as document:
            document["a"] = {1, 2}
    assert await bucket.get_json("json") == {"a": 1}


async def test_what_no_block_can_change(bucket: S3.AsyncBucket, unreachable: S3.AsyncBucket) -> None:
    """A missing object, a number, what is no JSON, and arguments that can't be right are told apart."""
    with pytest.raises(S3.NoSuchKey):
        async with bucket.edit_json("missing"):
            pytest.fail("there is nothing to edit")
    await bucket.put_json("number", 5)
    with pytest.raises(S3.InvalidInput, match="update_json"):
        async with bucket.edit_json("number"):
            pytest.fail("there is nothing to change in place")
    await bucket.put("text", "text")
    with pytest.raises(S3.IntegrityError):
        await bucket.update_json("text", lambda value: value)
    for options, argument in (
        ({"default": 5}, "default"),
        ({"attempts": 0}, "attempts"),
        ({"attempts": True}, "attempts"),
    ):
        with pytest.raises(S3.InvalidInput) as raised:
            unreachable.edit_json("json", **options)  # type: ignore[arg-type]
        assert raised.value.argument == argument
    for function, default, argument in ((None, 1, "function"), (str, {1}, "default")):
        with pytest.raises(S3.InvalidInput) as raised:
            await unreachable.update_json("json", function, default=default)  # type: ignore[arg-type]
        assert raised.value.argument == argument


async def test_updating(bucket: S3.AsyncBucket) -> None:
    """A function returns the new value, or changes what it was given; it may be a coroutine function."""

    async def awaited(value: Any) -> Any:
        await asyncio.sleep(0)
        return [*value, 3]

    assert await bucket.update_json("json", lambda value: value.append(1), default=[]) == [1]
    assert await bucket.update_json("json", lambda value: [*value, 2]) == [1, 2]
    assert await bucket.update_json("json", awaited) == [1, 2, 3]
    assert await bucket.get_json("json") == [1, 2, 3]
    with pytest.raises(ZeroDivisionError):
        await bucket.update_json("json", lambda _: 1 // 0)
    with pytest.raises(S3.NoSuchKey):
        await bucket.update_json("missing", lambda value: value)


async def test_a_long_document(bucket: S3.AsyncBucket, strangers: list[S3.AsyncBucket]) -> None:
    """The condition holds for a document that is longer than a part, too."""
    await bucket.put_json("json", {"long": "x" * (PART + 1)})
    with pytest.raises(S3.PreconditionFailed):  # noqa: PT012  # the block's end raises
        async with bucket.edit_json("json") as document:
            document["long"] += "ours"
            await strangers[0].update_json("json", lambda value: {"long": value["long"] + "theirs"})
    assert (await bucket.get_json("json"))["long"].endswith("xtheirs")


async def test_changes_of_others(bucket: S3.AsyncBucket, strangers: list[S3.AsyncBucket]) -> None:
    """What somebody else has changed meanwhile stays, beside what the block has changed, at any depth."""
    await bucket.put_json("json", {"a": {"x": 1, "y": 1}, "gone": 1, "b": 1})
    async with bucket.edit_json("json") as document:
        document["a"]["x"] = 2
        del document["gone"]
        async with strangers[0].edit_json("json") as theirs:
            theirs["a"]["y"] = 3
            theirs["new"] = 4
    assert await bucket.get_json("json") == {"a": {"x": 2, "y": 3}, "b": 1, "new": 4}


async def test_the_same_change(bucket: S3.AsyncBucket, strangers: list[S3.AsyncBucket]) -> None:
    """What both have changed is a conflict, though both have made the same of it: the later one is told where."""
    await bucket.put_json("json", {"a": {"count": 1}})
    with pytest.raises(S3.PreconditionFailed, match=r"at a\.count.*update_json"):  # noqa: PT012  # the block's end raises
        async with bucket.edit_json("json") as document:
            document["a"]["count"] += 1
            async with strangers[0].edit_json("json") as theirs:
                theirs["a"]["count"] += 1
    assert await bucket.get_json("json") == {"a": {"count": 2}}


async def test_made_meanwhile(bucket: S3.AsyncBucket, strangers: list[S3.AsyncBucket]) -> None:
    """Two who both find no object, and begin with the default, both have their change in it."""
    async with bucket.edit_json("json", default={}) as document:
        document["ours"] = 1
        async with strangers[0].edit_json("json", default={}) as theirs:
            theirs["theirs"] = 2
    assert await bucket.get_json("json") == {"ours": 1, "theirs": 2}


async def test_deleted_meanwhile(bucket: S3.AsyncBucket) -> None:
    """An object that was deleted meanwhile is missing, or the default again."""
    await bucket.put_json("json", {"a": 1})
    with pytest.raises(S3.NoSuchKey):  # noqa: PT012  # the block's end raises
        async with bucket.edit_json("json") as document:
            document["b"] = 2
            await bucket.delete("json")
    await bucket.put_json("json", {"a": 1})
    async with bucket.edit_json("json", default={}) as document:
        document["b"] = 2
        await bucket.delete("json")
    assert await bucket.get_json("json") == {"b": 2}


async def test_too_few_attempts(bucket: S3.AsyncBucket, strangers: list[S3.AsyncBucket]) -> None:
    """When the attempts are used up, the error says so, and nothing is written."""
    await bucket.put_json("json", {})
    with pytest.raises(S3.PreconditionFailed, match="1 attempt"):  # noqa: PT012  # the block's end raises
        async with bucket.edit_json("json", attempts=1) as document:
            document["ours"] = 1
            await strangers[0].put_json("json", {"theirs": 1})
    assert await bucket.get_json("json") == {"theirs": 1}


async def test_a_race_of_functions(bucket: S3.AsyncBucket, strangers: list[S3.AsyncBucket], threads: None) -> None:
    """Fifty writers count and append at a time, over clients that know nothing of each other: nothing is lost."""

    def count(value: Any, number: int) -> None:
        value["count"] += 1
        value["writers"].append(number)

    await asyncio.gather(
        *(
            strangers[number % len(strangers)].update_json(
                "json", lambda value, number=number: count(value, number), default={"count": 0, "writers": []}
            )
            for number in range(WRITERS)
        )
    )
    document = await bucket.get_json("json")
    assert document["count"] == WRITERS
    assert sorted(document["writers"]) == list(range(WRITERS))


async def test_a_race_of_blocks(bucket: S3.AsyncBucket, strangers: list[S3.AsyncBucket], threads: None) -> None:
    """Fifty blocks add a member each, over clients that know nothing of each other: nothing is lost."""

    async def write(number: int) -> None:
        async with strangers[number % len(strangers)].edit_json("json", default={}) as document:
            document[str(number)] = number

    await asyncio.gather(*map(write, range(WRITERS)))
    assert await bucket.get_json("json") == {str(number): number for number in range(WRITERS)}


async def test_a_race_of_turns(bucket: S3.AsyncBucket, threads: None) -> None:
    """Fifty blocks over one client, each counting, take turns: none conflicts, and nothing is lost."""
    await bucket.put_json("json", {"count": 0})
    await asyncio.gather(*(increment(bucket) for _ in range(WRITERS)))
    assert await bucket.get_json("json") == {"count": WRITERS}


async def test_nested(bucket: S3.AsyncBucket) -> None:
    """A block in a block for the same object waits for its turn a moment, not for ever."""
    await bucket.put_json("json", {"a": 1})
    async with asyncio.timeout(30), bucket.edit_json("json") as outer:
        outer["outer"] = 1
        async with bucket.edit_json("json") as inner:
            inner["inner"] = 1
    assert await bucket.get_json("json") == {"a": 1, "outer": 1, "inner": 1}
