"""Many objects: bounded in memory and connections, every item's outcome delivered, none raised.

The loops yield lists of outcomes as they come. No task group is held open across a yield: the blocking face iterates
from another thread, and an error would then cancel whatever task happens to hold the group.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterable, Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from s3_bucket import _checks, _plan
from s3_bucket._async import _ahead, _shards, _shield, _sources, _upload
from s3_bucket._async._shards import Task
from s3_bucket._models import Progress, Result
from s3_bucket._progress import Job
from s3_bucket._store import GetRequest
from s3_bucket.exceptions import InvalidInput

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
    from concurrent.futures import Executor
    from os import PathLike

    from s3_bucket._async._retry import RetryingStore
    from s3_bucket._async._shards import Place
    from s3_bucket._async._sources import FileSource
    from s3_bucket._models import Data, GetResult, ObjectInfo, ProgressCallback

    class Download(Protocol):
        """An AsyncBucket's download_file."""

        async def __call__(
            self, key: str, path: str | PathLike[str], /, *, progress: ProgressCallback | None
        ) -> ObjectInfo: ...


A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")

Open: TypeAlias = "Callable[[], Awaitable[RetryingStore]]"
Items: TypeAlias = "Iterable[T] | AsyncIterable[T]"
Outcomes: TypeAlias = "AsyncGenerator[list[Result[T]], None]"

UNREAD = 16
"""Outcomes that are ready and wait to be asked for: the blocking face takes them over in one go."""
_NO_JOB = Job(None)
_END = object()


def put_many(
    open_store: Open, put: Callable[[str, Data], Awaitable[ObjectInfo]], items: Items[Any], at_once: int | None
) -> Outcomes[None]:
    """Store (key, data) pairs."""

    async def do(item: tuple[str, Data]) -> Result[None]:
        key, data = _pair(item)
        return Result(key, 0, info=await put(key, data))

    return _each(open_store, _one_by_one("items", items), at_once, _outcome(do, lambda item: item[0]))


def get_many(
    open_store: Open, get: Callable[[str], Awaitable[GetResult]], keys: Items[Any], at_once: int | None
) -> Outcomes[bytes]:
    """Fetch keys."""

    async def do(key: str) -> Result[bytes]:
        got = await get(key)
        return Result(key, 0, value=got.data, info=got.info)

    return _each(open_store, _one_by_one("keys", keys), at_once, _outcome(do, lambda key: key), unread=1)


def upload_files(
    open_store: Open,
    bucket: str,
    files: Items[Any],
    at_once: int | None,
    progress: ProgressCallback | None = None,
) -> Outcomes[None]:
    """Store (path, key) pairs."""
    job = Job(progress)

    async def do(item: tuple[tuple[str | PathLike[str], str], FileSource | None]) -> Result[None]:
        (path, key), source = _pair(item[0]), item[1]
        options, source = _checks.put_options(key), source or _sources.file_source(path)
        info = await _upload.upload(await open_store(), bucket, key, source, options, job.of(key))
        return Result(key, 0, info=info)

    one_by_one = _one_by_one("files", files)
    with_sources = _ahead.read_ahead(files) if isinstance(files, Collection) else _without_sources(one_by_one)
    return _each(open_store, with_sources, at_once, _outcome(do, lambda item: item[0][1], job))


def sharded(
    executor: Executor,
    place: Place,
    files: Items[Any],
    at_once: int | None,
    callback: ProgressCallback | None,
    *,
    is_upload: bool,
) -> Outcomes[None]:
    """Transfer (path, key) or (key, path) pairs in the executor's workers."""
    count = len(files) if isinstance(files, Collection) else None
    task = Task(place, "upload_files" if is_upload else "download_files", {"concurrency": at_once})
    items = _one_by_one("files", files)
    return in_executor(executor, task, items, count, lambda item: item[1 if is_upload else 0], Job(callback))


def in_executor(
    executor: Executor,
    task: Task,
    items: AsyncGenerator[Any, None],
    count: int | None,
    key_of: Callable[[Any], object],
    progress: Job,
) -> Outcomes[None]:
    """Have the executor's workers do the items, of which there are so many, if that is known."""

    async def do(_: int, shard: list[tuple[int, Any]]) -> list[Result[None]]:
        try:
            done = await _shards.submitted(executor, task, [item for _, item in shard])
        except Exception as error:  # noqa: BLE001  # it is every item's outcome
            return [Result(_key(item, key_of), index, error=error) for index, item in shard]
        for result in done:
            _tell(progress, result)
        return [replace(result, index=shard[result.index][0]) for result in done]

    return _each(_never, _batches(_numbered(items), _shards.size(count)), _shards.AT_ONCE, do)


async def _never() -> RetryingStore:  # pragma: no cover  # how many at a time is given
    raise AssertionError


async def _numbered(items: AsyncGenerator[T, None]) -> AsyncGenerator[tuple[int, T], None]:
    try:
        index = 0
        async for item in items:
            yield index, item
            index += 1
    finally:
        await items.aclose()


def _tell(progress: Job, result: Result[None]) -> None:
    tell, size = progress.of(result.key), 0 if result.info is None else result.info.size
    if tell is not None:
        tell(Progress(result.key, size, size))


async def _without_sources(items: AsyncGenerator[T, None]) -> AsyncGenerator[tuple[T, None], None]:
    """Let each file be read when its turn has come: the next one may not be known yet, or not be there."""
    try:
        async for item in items:
            yield item, None
    finally:
        await items.aclose()


def download_files(
    open_store: Open,
    download: Download,
    files: Items[Any],
    at_once: int | None,
    progress: ProgressCallback | None = None,
) -> Outcomes[None]:
    """Fetch (key, path) pairs."""
    job = Job(progress)

    async def do(item: tuple[str, str | PathLike[str]]) -> Result[None]:
        key, path = _pair(item)
        return Result(key, 0, info=await download(key, path, progress=job.of(key)))

    return _each(open_store, _one_by_one("files", files), at_once, _outcome(do, lambda item: item[0], job))


def each(
    open_store: Open,
    items: AsyncGenerator[T, None],
    at_once: int | None,
    do: Callable[[T], Awaitable[Result[None]]],
    key_of: Callable[[T], str],
    job: Job = _NO_JOB,
) -> Outcomes[None]:
    """Do something with each item, whatever it is."""
    return _each(open_store, items, at_once, _outcome(do, key_of, job))


def delete_many(open_store: Open, bucket: str, keys: Items[Any], at_once: int | None) -> Outcomes[None]:
    """Delete keys, a thousand to a request."""

    async def do(number: int, batch: list[Any]) -> list[Result[None]]:
        refused = [_refused(key) for key in batch]
        asked = [key for key, error in zip(batch, refused, strict=True) if error is None]
        failed = await delete(asked)
        return [
            Result(_shown(key), number * _plan.MAX_PAGE_KEYS + place, error=error or failed.get(key))
            for place, (key, error) in enumerate(zip(batch, refused, strict=True))
        ]

    async def delete(asked: list[str]) -> dict[str, Exception]:
        # One key that XML has no word for would have the whole batch refused.
        batch = [key for key in asked if _checks.fits_xml(key)]
        failed = dict(await delete_batch(batch) if batch else {})
        for key in asked:
            if not _checks.fits_xml(key):
                failed |= await delete_alone(key)
        return failed

    async def delete_batch(batch: list[str]) -> Mapping[str, Exception]:
        try:
            return await (await open_store()).delete_batch(bucket, batch)
        except Exception as error:  # noqa: BLE001  # it is every key's outcome
            return dict.fromkeys(batch, error)

    async def delete_alone(key: str) -> Mapping[str, Exception]:
        try:
            await (await open_store()).delete(GetRequest(bucket, key))
        except Exception as error:  # noqa: BLE001  # it is the key's outcome
            return {key: error}
        return {}

    return _each(open_store, _batches(_one_by_one("keys", keys), _plan.MAX_PAGE_KEYS), at_once, do)


def _refused(key: Any) -> InvalidInput | None:
    try:
        _checks.key(key)
    except InvalidInput as error:
        return error
    return None


def _shown(key: object) -> str:
    return key if isinstance(key, str) else repr(key)


def _outcome(
    do: Callable[[Any], Awaitable[Result[T]]], key_of: Callable[[Any], object], job: Job = _NO_JOB
) -> Callable[[int, Any], Awaitable[list[Result[T]]]]:
    """Return what does one item and has its outcome, whatever it is; what the callback of the job raises is none."""

    async def attempt(index: int, item: Any) -> list[Result[T]]:
        if job.failure is not None:
            raise job.failure
        try:
            done = await do(item)
        except Exception as error:
            if error is job.failure:
                raise
            return [Result(_key(item, key_of), index, error=error)]
        return [Result(done.key, index, done.value, done.info)]

    return attempt


def _key(item: Any, key_of: Callable[[Any], object]) -> str:
    try:
        return _shown(key_of(item))
    except (TypeError, LookupError):
        return ""


def _pair(item: tuple[A, B]) -> tuple[A, B]:
    """Return the item if it is a pair: "ab" would unpack, too, and store an object that nobody meant."""
    if isinstance(item, tuple | list) and len(item) == 2:  # noqa: PLR2004  # a pair
        return item
    msg = f"items: expected pairs, not {type(item).__name__}"
    raise InvalidInput(msg, argument="items")


async def _each(
    open_store: Open,
    items: AsyncGenerator[Any, None],
    at_once: int | None,
    do: Callable[[int, Any], Awaitable[list[Result[T]]]],
    *,
    unread: int = UNREAD,
) -> Outcomes[T]:
    """Do the items, so many at a time; what the iterable of items itself raises comes when all begun ones are done.

    Args:
        open_store: tells how many at a time, where nobody else does.
        items: whatever there is to do.
        at_once: how many at a time.
        do: does one.
        unread: outcomes that may wait until somebody asks for them; an object's bytes take up memory meanwhile.
    """
    outcomes: asyncio.Queue[list[Result[T]] | BaseException | None] = asyncio.Queue()
    room = asyncio.Semaphore(unread)  # for outcomes only: what ends must be able to say so, though nobody listens
    pulling = asyncio.Lock()
    index = itertools.count()

    async def work() -> None:
        while True:
            async with pulling:
                item = await anext(items, _END)
                number = next(index)
            if item is _END:
                return
            outcome = await do(number, item)
            await room.acquire()
            outcomes.put_nowait(outcome)

    async def worker() -> None:
        failure = None
        try:
            await work()
        except BaseException as error:  # noqa: BLE001  # what the items raised: a CancelledError of their own, too
            failure = error
        outcomes.put_nowait(failure)

    limit = at_once or (await open_store()).max_concurrency
    workers = [asyncio.ensure_future(worker()) for _ in range(limit)]
    working, failed = limit, None
    try:
        while working:
            done, ended = await _ready(outcomes, room)
            working -= len(ended)
            failed = failed or next(filter(None, ended), None)
            if done:
                yield done
        if failed is not None:
            raise failed
    finally:
        await _shield.cancel(workers)
        await items.aclose()


async def _ready(
    outcomes: asyncio.Queue[list[Result[T]] | BaseException | None], room: asyncio.Semaphore
) -> tuple[list[Result[T]], list[BaseException | None]]:
    """Return all outcomes that there are, at least one, and how the workers have ended that have."""
    done: list[Result[T]] = []
    ended: list[BaseException | None] = []
    for outcome in [await outcomes.get(), *(outcomes.get_nowait() for _ in range(outcomes.qsize()))]:
        if isinstance(outcome, list):
            room.release()
            done += outcome
        else:
            ended.append(outcome)
    return done, ended


def _one_by_one(argument: str, items: Items[Any]) -> AsyncGenerator[Any, None]:
    """Return the items of any iterable, or raise at once if it is none."""
    if isinstance(items, str | bytes):
        msg = f"{argument}: expected an iterable of items, not one {type(items).__name__}"
        raise InvalidInput(msg, argument=argument)
    if isinstance(items, AsyncIterable):
        return _awaited(items)
    if isinstance(items, Collection):
        return _at_hand(items)
    if isinstance(items, Iterable):
        return _from_thread(items)
    msg = f"{argument}: expected an iterable of items, not {type(items).__name__}"
    raise InvalidInput(msg, argument=argument)


async def _awaited(items: AsyncIterable[T]) -> AsyncGenerator[T, None]:
    iterator = aiter(items)
    try:
        async for item in iterator:
            yield item
    finally:
        close = getattr(iterator, "aclose", None)
        if close is not None:
            await close()


async def _at_hand(items: Collection[T]) -> AsyncGenerator[T, None]:
    for item in items:
        yield item


async def _from_thread(items: Iterable[T]) -> AsyncGenerator[T, None]:
    """Take each item in a worker thread: a generator may read files to make it."""
    iterator = iter(items)
    while (item := await asyncio.to_thread(next, iterator, _END)) is not _END:
        yield item  # type: ignore[misc]  # what isn't the end is an item


async def _batches(items: AsyncGenerator[T, None], size: int) -> AsyncGenerator[list[T], None]:
    batch: list[T] = []
    try:
        async for item in items:
            batch.append(item)
            if len(batch) == size:
                full, batch = batch, []
                yield full
        if batch:
            yield batch
    finally:
        await items.aclose()
