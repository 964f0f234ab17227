"""put_many() and its sisters: every item's outcome, whatever becomes of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

import s3_bucket as S3
from tests.conformance.conftest import PART, collected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="session")

NAMES = [f"k/{number}" for number in range(12)]


async def drip(items: Iterable[Any]) -> AsyncIterator[Any]:
    """Give the items asynchronously."""
    for item in items:
        yield item


def generated(items: Iterable[Any]) -> Iterator[Any]:
    """Give the items from a generator."""
    yield from items


SHAPES: dict[str, Callable[[list[Any]], Any]] = {
    "list": list,
    "tuple": tuple,
    "generator": generated,
    "async-generator": drip,
    "iterator": iter,
}


def by_index(results: list[S3.Result[Any]]) -> list[S3.Result[Any]]:
    """Return the results in the order of what was given."""
    return sorted(results, key=lambda result: result.index)


async def stored(bucket: S3.AsyncBucket) -> dict[str, bytes]:
    """Return all objects."""
    return {info.key: (await bucket.get(info.key)).data async for info in bucket.list()}


@pytest.mark.parametrize("shape", SHAPES)
async def test_there_and_back(bucket: S3.AsyncBucket, shape: str, tmp_path: Path) -> None:
    """Items of any iterable are stored and fetched and deleted, each with its outcome."""
    give = SHAPES[shape]
    put = by_index(await collected(bucket.put_many(give([(name, name.encode()) for name in NAMES]))))
    assert [(result.key, result.index, result.ok, result.value) for result in put] == [
        (name, index, True, None) for index, name in enumerate(NAMES)
    ]
    assert all(result.info and result.info.size == len(result.key) for result in put)
    got = by_index(await collected(bucket.get_many(give(NAMES))))
    assert [result.value for result in got] == [name.encode() for name in NAMES]
    assert all(result.info and result.info.key == result.key for result in got)
    down = await collected(bucket.download_files(give([(n, tmp_path / n.replace("/", "-")) for n in NAMES])))
    assert all(result.ok and result.info for result in down)
    up = await collected(bucket.upload_files(give([(tmp_path / n.replace("/", "-"), "up" + n) for n in NAMES])))
    assert sorted(result.key for result in up) == sorted("up" + name for name in NAMES)
    both = [*NAMES, *(f"up{name}" for name in NAMES)]
    assert await stored(bucket) == {name: name.removeprefix("up").encode() for name in both}
    gone = by_index(await collected(bucket.delete_many(give([*NAMES, "never stored"]))))
    assert [(result.key, result.ok) for result in gone] == [(name, True) for name in [*NAMES, "never stored"]]
    assert await stored(bucket) == {f"up{name}": name.encode() for name in NAMES}


@pytest.mark.parametrize("shape", SHAPES)
async def test_nothing(bucket: S3.AsyncBucket, shape: str) -> None:
    """No items, no outcomes."""
    calls = (bucket.put_many, bucket.get_many, bucket.delete_many, bucket.upload_files, bucket.download_files)
    for call in calls:
        assert await collected(call(SHAPES[shape]([]))) == []


@pytest.mark.parametrize("concurrency", [1, 2, 50])
async def test_concurrency(bucket: S3.AsyncBucket, concurrency: int) -> None:
    """However many go at a time, all come."""
    results = await collected(bucket.put_many(((name, b"") for name in NAMES), concurrency=concurrency))
    assert sorted(result.index for result in results) == list(range(len(NAMES)))
    assert len(await collected(bucket.get_many(NAMES, concurrency=concurrency))) == len(NAMES)
    assert all(result.ok for result in await collected(bucket.delete_many(NAMES, concurrency=concurrency)))


@pytest.mark.parametrize("concurrency", [0, -1, 1.5, "1", True])
async def test_refused_concurrency(unreachable: S3.AsyncBucket, concurrency: Any) -> None:
    """A number of tasks that can't be is refused by name."""
    calls: tuple[Any, ...] = (
        unreachable.put_many,
        unreachable.get_many,
        unreachable.delete_many,
        unreachable.upload_files,
        unreachable.download_files,
    )
    for call in calls:
        with pytest.raises(S3.InvalidInput) as raised:
            await collected(call([], concurrency=concurrency))
        assert raised.value.argument == "concurrency"


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("put_many", "items"),
        ("get_many", "keys"),
        ("delete_many", "keys"),
        ("upload_files", "files"),
        ("download_files", "files"),
    ],
)
@pytest.mark.parametrize("items", ["key", b"key", None, 5], ids=repr)
async def test_refused_iterables(unreachable: S3.AsyncBucket, name: str, argument: str, items: Any) -> None:
    """One key is not an iterable of keys: it is refused, not taken apart."""
    with pytest.raises(S3.InvalidInput) as raised:
        await collected(getattr(unreachable, name)(items))
    assert raised.value.argument == argument


async def test_failures(bucket: S3.AsyncBucket, tmp_path: Path) -> None:
    """One item's failure is its outcome, and the others are done."""
    await anyio.Path(tmp_path / "file").write_bytes(b"data")
    await bucket.put("good", "data")
    put = by_index(await collected(bucket.put_many([("a", b"1"), ("", b"2"), ("c", 3), ("d", b"4")])))  # type: ignore[list-item]
    assert [type(result.error) for result in put] == [type(None), S3.InvalidInput, S3.InvalidInput, type(None)]
    got = by_index(await collected(bucket.get_many(["good", "missing", "good"])))
    assert [type(result.error) for result in got] == [type(None), S3.NoSuchKey, type(None)]
    assert [result.value for result in got] == [b"data", None, b"data"]
    up = by_index(await collected(bucket.upload_files([(tmp_path / "file", "up"), (tmp_path / "missing", "x")])))
    assert [type(result.error) for result in up] == [type(None), FileNotFoundError]
    down = by_index(
        await collected(
            bucket.download_files([("missing", tmp_path / "a"), ("good", tmp_path / "b"), ("good", tmp_path)])
        )
    )
    assert [type(result.error) for result in down] == [S3.NoSuchKey, type(None), IsADirectoryError]
    with pytest.raises(S3.BulkError) as raised:
        S3.raise_failed(down)
    assert list(raised.value.results) == down


async def test_no_such_bucket(absent: S3.AsyncBucket) -> None:
    """Where the bucket is missing, that is every item's outcome."""
    for results in (
        await collected(absent.put_many([("a", b""), ("b", b"")])),
        await collected(absent.get_many(["a", "b"])),
        await collected(absent.delete_many(["a", "b"])),
    ):
        assert sorted(result.key for result in results) == ["a", "b"]
        assert all(isinstance(result.error, S3.NoSuchBucket) for result in results)


MALFORMED: list[Any] = [("only-key",), ("a", b"b", "c"), None, 5, "ab", b"ab", (), {"a": 1, "b": 2}, (None, b"data")]


@pytest.mark.parametrize("name", ["put_many", "upload_files", "download_files"])
async def test_malformed_items(bucket: S3.AsyncBucket, name: str) -> None:
    """What is no pair is refused as that item's outcome, and none of it is stored; two letters are no pair."""
    results = by_index(await collected(getattr(bucket, name)(MALFORMED)))
    assert [result.index for result in results] == list(range(len(MALFORMED)))
    assert [type(result.error) for result in results] == [S3.InvalidInput] * len(MALFORMED)
    assert await stored(bucket) == {}


@pytest.mark.parametrize("name", ["get_many", "delete_many"])
async def test_malformed_keys(bucket: S3.AsyncBucket, name: str) -> None:
    """What is no key is refused as that item's outcome."""
    keys: list[Any] = ["", None, 5, b"bytes", ["a"], "k" * 1_025, ".."]
    results = by_index(await collected(getattr(bucket, name)(keys)))
    assert [type(result.error) for result in results] == [S3.InvalidInput] * len(keys)


async def test_errors_of_the_data(bucket: S3.AsyncBucket) -> None:
    """What an item's own data raises is that item's outcome, as it was raised."""

    async def failing(error: Exception) -> AsyncIterator[bytes]:
        yield b"one"
        raise error

    errors = [ValueError("mine"), TypeError("mine"), LookupError("mine"), OSError("mine")]
    results = by_index(
        await collected(bucket.put_many([(str(place), failing(error)) for place, error in enumerate(errors)]))
    )
    assert [result.error for result in results] == errors


@pytest.mark.parametrize("shape", ["generator", "async-generator"])
@pytest.mark.parametrize("error", [LookupError("mine"), ValueError("mine"), OSError("mine")], ids=repr)
async def test_an_iterable_that_raises(bucket: S3.AsyncBucket, shape: str, error: Exception) -> None:
    """What the iterable of items raises comes out of the iteration, after the outcomes of what had begun."""

    def failing() -> Iterator[tuple[str, bytes]]:
        for name in NAMES:
            yield name, b"data"
        raise error

    async def failing_later() -> AsyncIterator[tuple[str, bytes]]:
        for item in failing():
            yield item

    results = []
    with pytest.raises(type(error)) as raised:  # noqa: PT012  # the whole block is what must fail
        async for result in bucket.put_many({"generator": failing, "async-generator": failing_later}[shape]()):
            results.append(result)  # noqa: PERF401  # those before the error count
    assert raised.value is error
    assert sorted(result.index for result in results) == list(range(len(NAMES)))


async def test_deleting_more_than_a_batch(bucket: S3.AsyncBucket) -> None:
    """More keys than fit into a request are deleted, refused ones among them, each with its outcome."""
    await bucket.put("0", b"")
    await bucket.put("2400", b"")
    keys: list[Any] = [str(number) for number in range(2_401)]
    keys[1_500] = ""
    keys[7] = None
    results = by_index(await collected(bucket.delete_many(keys)))
    assert [result.index for result in results] == list(range(2_401))
    assert [result.index for result in results if not result.ok] == [7, 1_500]
    assert await stored(bucket) == {}


async def test_deleting_twice(bucket: S3.AsyncBucket) -> None:
    """A key that is given twice has two outcomes."""
    await bucket.put("a", b"")
    results = await collected(bucket.delete_many(["a", "a", "b", "a"]))
    assert sorted((result.index, result.key, result.ok) for result in results) == [
        (0, "a", True), (1, "a", True), (2, "b", True), (3, "a", True),
    ]  # fmt: skip


async def test_large_items(bucket: S3.AsyncBucket, data: bytes, tmp_path: Path) -> None:
    """Items may be large: their parts share one budget."""
    items = [(str(number), data[number:]) for number in range(4)]
    S3.raise_failed(await collected(bucket.put_many(items)))
    got = await collected(bucket.get_many(["0", "3"]))
    assert {result.key: result.value for result in got} == {"0": data, "3": data[3:]}
    S3.raise_failed(await collected(bucket.download_files([("1", tmp_path / "1"), ("2", tmp_path / "2")])))
    assert await anyio.Path(tmp_path / "1").read_bytes() == data[1:]
    assert await anyio.Path(tmp_path / "2").read_bytes() == data[2:]


@pytest.mark.parametrize("shape", SHAPES)
async def test_breaking_off(bucket: S3.AsyncBucket, shape: str, uploads: Callable[[], Any], data: bytes) -> None:
    """An iteration that is closed half way has stopped when close returns, and leaves nothing begun."""
    items = [(name, data[: PART + 1]) for name in NAMES]
    results = bucket.put_many(SHAPES[shape](items))
    first = await anext(results)
    await results.aclose()  # type: ignore[attr-defined]  # a BatchIterator has it
    assert first.ok
    assert await uploads() == []
    count = len(await stored(bucket))
    assert 1 <= count < len(NAMES)
    with pytest.raises(StopAsyncIteration):
        await anext(results)


async def test_an_iterable_is_not_read_ahead(bucket: S3.AsyncBucket) -> None:
    """Items are taken as there is room for them, not all at once."""
    taken = []

    def items() -> Iterator[tuple[str, bytes]]:
        for number in range(10_000):
            taken.append(number)
            yield str(number), b""

    results = bucket.put_many(items(), concurrency=4)
    for _ in range(10):
        await anext(results)
    await results.aclose()  # type: ignore[attr-defined]  # a BatchIterator has it
    assert len(taken) < 200  # some dozens of outcomes may wait until somebody asks for them
