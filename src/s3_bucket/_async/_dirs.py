"""Directories: what _tree plans is looked up here, and carried out."""

from __future__ import annotations

from collections import deque
from contextlib import aclosing
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from s3_bucket import _checks, _progress
from s3_bucket._async import _bulk, _download, _listing, _places, _shield, _upload
from s3_bucket._async._files import SUFFIX
from s3_bucket._async._places import BATCH, Placed, PlacedSource, Root
from s3_bucket._async._shards import Task
from s3_bucket._directories import _contents, _tree, _words
from s3_bucket._directories._outcomes import DirReport, Outcomes
from s3_bucket._directories._planner import Planner
from s3_bucket._directories._tree import Plan
from s3_bucket._models import Result
from s3_bucket._plan import MIB
from s3_bucket._progress import Meter
from s3_bucket._store import GetRequest, ListRequest
from s3_bucket.exceptions import BucketAccessDenied, BulkError, InvalidInput, NoSuchKey

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
    from concurrent.futures import Executor
    from os import PathLike

    from s3_bucket._async._shards import Place
    from s3_bucket._directories._tree import DirItem, Local, Pair, Remote
    from s3_bucket._models import ProgressCallback, PutKeywords

L = TypeVar("L", bound=_tree.HasPath)

SMALL = MIB
"""Bytes of an object that is fetched into memory, and written in one visit of a worker thread."""
LEFTOVERS = f"**/*{SUFFIX}"
"""Downloads on their way, or broken off: they are no files of the user's, neither here nor there."""
NOT_COMPARABLE = (NoSuchKey, BucketAccessDenied, InvalidInput)
"""HEAD's refusals that say no more than that nothing can be compared: it is gone, or its key isn't ours (SSE-C)."""


@dataclass(frozen=True)
class Job:
    """A plan, and what it takes to carry it out."""

    open_store: _bulk.Open
    place: Callable[[], Place]
    plan: Plan
    options: PutKeywords

    @cached_property
    def root(self) -> Root:
        """The local directory."""
        return Root(self.plan.local_dir)


def upload_job(
    open_store: _bulk.Open,
    place: Callable[[], Place],
    bucket: str,
    local_dir: str | PathLike[str],
    prefix: str,
    options: PutKeywords,
) -> Job:
    """Return the job of an upload, whose plan is empty."""
    if options.get("if_match") is not None:
        msg = "if_match: one etag can't be that of every object"
        raise InvalidInput(msg, argument="if_match")
    _checks.nothing_expected(_checks.put_options("key", **options), "one value can't be that of every file")
    plan = Plan("upload", _checks.local_dir(local_dir), bucket, _checks.directory_prefix(prefix))
    return Job(open_store, place, plan, options)


def download_job(
    open_store: _bulk.Open, place: Callable[[], Place], bucket: str, prefix: str, local_dir: str | PathLike[str]
) -> Job:
    """Return the job of a download, whose plan is empty."""
    plan = Plan("download", _checks.local_dir(local_dir), bucket, _checks.directory_prefix(prefix))
    return Job(open_store, place, plan, {})


# Planning


async def planned(
    job: Job, include: str | Iterable[str] | None, exclude: str | Iterable[str] | None, *, delete: bool
) -> Job:
    """Fill the job's plan, and return the job."""
    selection = _checks.selection(include, exclude, LEFTOVERS)
    plan = job.plan
    plan.local_dir = await _shield.in_thread(_places.absolute, plan.local_dir)
    root, is_upload = job.root, plan.action == "upload"
    if is_upload:
        await _shield.in_thread(root.require)
    folds_case = not is_upload and await _shield.in_thread(root.folds_case)
    planner = Planner(plan, delete=delete, folds_case=folds_case)
    entries = root.walk(selection.leaves_out)

    async def here() -> list[Local]:
        return await _shield.in_thread(_places.take, entries, selection.has)

    async with aclosing(_listed(job, selection.has)) as there, aclosing(_joined(here, there)) as joined:
        async for pairs in joined:
            same = await _same(job, [pair for pair in pairs if _tree.needs_reading(pair)])
            for pair in pairs:
                planner.add(pair, is_same=pair.path in same)
    planner.finish()
    return job


async def _listed(job: Job, chosen: Callable[[str], bool]) -> AsyncGenerator[list[Remote], None]:
    """Yield the objects below the prefix that take part."""
    plan, after = job.plan, ""
    async with aclosing(_listing.pages(job.open_store, ListRequest(plan.bucket, plan.prefix))) as pages:
        async for page in pages:
            found = _tree.listed(page, plan.bucket, plan.prefix, after)
            after = found[-1].path
            if taken := [each for each in found if each.path and chosen(each.path)]:
                yield taken


async def _joined(
    here: Callable[[], Awaitable[list[L]]], there: AsyncGenerator[list[Remote], None]
) -> AsyncGenerator[list[Pair[L]], None]:
    """Yield what stands under each path here and there, as it comes."""
    near: deque[L] = deque()
    far: deque[Remote] = deque()
    near_ended = far_ended = False
    while near or far or not (near_ended and far_ended):
        if not near and not near_ended:
            near.extend(await here())
            near_ended = not near
        if not far and not far_ended:
            more = await anext(there, None)  # CPython 3.11 takes a default of () apart
            far.extend(more or ())
            far_ended = not far
        yield list(_tree.join(near, far, here_ended=near_ended, there_ended=far_ended))


async def _same(job: Job, pairs: list[Pair[Local]]) -> set[str]:
    """Return the paths of those whose content is the same here and there."""
    same: set[str] = set()
    store = await job.open_store()

    async def compare(chunk: list[Pair[Local]]) -> None:
        wanted = [
            (far.path, far.size, _contents.etags(far.etag, far.size, store.part_size), far.etag)
            for far in (pair.remote for pair in chunk)
            if far is not None
        ]
        told = await _shield.in_thread(_places.all_sums, job.root, wanted)
        for (path, size, _, _), is_same in zip(wanted, told, strict=True):
            if is_same or await _has_same_checksum(job, path, size):
                same.add(path)

    await _shield.in_parallel(_tree.chunks(pairs), min(store.max_concurrency, len(pairs)), compare)
    return same


async def _has_same_checksum(job: Job, path: str, size: int) -> bool:
    """Whether a checksum that the server keeps says that a file and an object are the same."""
    parameters = {"Key": job.plan.prefix + path, "ChecksumMode": "ENABLED"}
    try:
        answer = await (await job.open_store()).call(job.plan.bucket, "HeadObject", parameters)
    except NOT_COMPARABLE:
        return False
    kept = _contents.checksum(answer)
    return kept is not None and await _shield.in_thread(job.root.sums_to, path, size, [kept[0]], kept[1])


# Carrying out


async def run(
    job: Job, at_once: int | None, progress: ProgressCallback | None = None, executor: Executor | None = None
) -> DirReport:
    """Carry the plan out; delete only if nothing has failed before."""
    refused = _words.refusal(job.plan)
    if refused is not None:
        raise refused
    outcomes = Outcomes()
    transferred = transferred_bytes = 0
    async with aclosing(_transfers(job, at_once, progress, executor)) as batches:
        async for results in batches:
            outcomes.add(results)
            transferred += sum(result.info is not None for result in results)
            transferred_bytes += sum(result.info.size for result in results if result.info is not None)
    before = len(outcomes)
    if not outcomes.failed:
        async with aclosing(_deletions(job, at_once)) as batches:
            async for results in batches:
                outcomes.add(results)
    if outcomes.failed:
        raise BulkError("some files failed; .results has every outcome" + _undeleted(job, before, outcomes), outcomes)
    return _report(job, outcomes, transferred, transferred_bytes, len(outcomes) - before, dry_run=False)


async def carried_out(
    job: Job, at_once: int | None, progress: ProgressCallback | None, executor: Executor | None, *, dry_run: bool
) -> DirReport:
    """Carry the plan out, or only say what it is."""
    return _report(job, Outcomes(), dry_run=True) if dry_run else await run(job, at_once, progress, executor)


def _report(
    job: Job, outcomes: Outcomes, transferred: int = 0, transferred_bytes: int = 0, deleted: int = 0, *, dry_run: bool
) -> DirReport:
    plan = job.plan
    return DirReport(
        plan=_words.words(plan),
        dry_run=dry_run,
        transferred=transferred,
        transferred_bytes=transferred_bytes,
        deleted=deleted,
        unchanged=plan.unchanged,
        skipped=plan.skipped,
        refused=plan.refused,
        results=outcomes,
    )


def _undeleted(job: Job, before: int, outcomes: Outcomes) -> str:
    return ", and so nothing was deleted" if job.plan.deletions and len(outcomes) == before else ""


def _transfers(
    job: Job, at_once: int | None, progress: ProgressCallback | None, executor: Executor | None
) -> _bulk.Outcomes[None]:
    """Transfer what the plan says, with the outcomes as they come."""
    plan = job.plan
    whole = _progress.Job(progress, plan.transfer_bytes)
    is_upload = plan.action == "upload"
    items = _looked_up(job, "upload", plan.transfers) if is_upload else _items(job, "make", "download")
    if executor is None:
        return _bulk.each(job.open_store, items, at_once, _transfer_of(job, whole), _key, whole)
    what = {"action": plan.action, "local_dir": plan.local_dir, "prefix": plan.prefix, "options": job.options}
    task = Task(job.place(), "_carry_out", {**what, "concurrency": at_once})
    return _bulk.in_executor(executor, task, items, plan.transfers, _key, whole)


def part_of(
    open_store: _bulk.Open,
    place: Callable[[], Place],
    bucket: str,
    items: Sequence[LookedUp],
    *,
    action: str,
    local_dir: str,
    prefix: str,
    options: PutKeywords,
    concurrency: int | None,
) -> _bulk.Outcomes[None]:
    """Transfer a part of what a plan says, which somebody else has made."""
    job = Job(open_store, place, Plan(action, local_dir, bucket, prefix), options)

    async def one_by_one() -> AsyncGenerator[LookedUp, None]:
        for item in items:
            yield item

    return _bulk.each(open_store, one_by_one(), concurrency, _transfer_of(job, _progress.Job(None)), _key)


def _transfer_of(job: Job, whole: _progress.Job) -> Callable[[LookedUp], Awaitable[Result[None]]]:
    return _upload_of(job, whole) if job.plan.action == "upload" else _download_of(job, whole)


def _deletions(job: Job, at_once: int | None) -> _bulk.Outcomes[None]:
    """Delete what the plan says, with the outcomes as they come."""
    if job.plan.action == "upload":
        return _deleted_there(job, at_once)

    async def remove(looked_up: LookedUp) -> Result[None]:
        item, _ = looked_up
        await _shield.in_thread(job.root.remove, item.path, item.local)
        return Result(item.key, 0)

    return _bulk.each(job.open_store, _items(job, "delete"), at_once, remove, _key)


LookedUp = tuple["DirItem", Exception | None]
"""An item, and why it can't be done any more, if it can't."""


def _key(looked_up: LookedUp) -> str:
    return looked_up[0].key


async def _items(job: Job, *actions: str) -> AsyncGenerator[LookedUp, None]:
    for item in job.plan.items:
        if item.action in actions:
            yield item, None


async def _looked_up(job: Job, action: str, count: int) -> AsyncGenerator[LookedUp, None]:
    """Yield items of objects, each with the failure if its object has changed since the plan was made.

    The listing is asked once more, as the work goes on: one request for a thousand objects, which every vendor answers.
    (Conditions on the writes would cost nothing, but there are vendors that refuse them, or overlook them.)
    """
    items = (item for item in job.plan.items if item.action == action)

    async def here() -> list[DirItem]:
        return list(islice(items, BATCH))

    async with aclosing(_listed(job, lambda _: True)) as there, aclosing(_joined(here, there)) as joined:
        while count:  # and not to the end of the listing
            for pair in await anext(joined):
                if pair.local is not None:
                    count -= 1
                    yield pair.local, _tree.changed(pair.local, job.plan.bucket, pair.remote)


def _upload_of(job: Job, whole: _progress.Job) -> Callable[[LookedUp], Awaitable[Result[None]]]:
    async def do(looked_up: LookedUp) -> Result[None]:
        item, failure = looked_up
        if failure is not None:
            raise failure
        options = _checks.put_options(item.key, **job.options)
        source = PlacedSource(job.root, item.path, item.local)
        told = whole.of(item.key)
        info = await _upload.upload(await job.open_store(), job.plan.bucket, item.key, source, options, told)
        return Result(item.key, 0, info=info)

    return do


def _download_of(job: Job, whole: _progress.Job) -> Callable[[LookedUp], Awaitable[Result[None]]]:
    async def do(looked_up: LookedUp) -> Result[None]:
        item, _ = looked_up
        if item.action == "make":
            await _shield.in_thread(job.root.make, item.path)
            return Result(item.key, 0)
        request = GetRequest(job.plan.bucket, item.key, if_match=item.etag)
        file = Placed(job.root, item.path, item.local)
        told = whole.of(item.key)
        if item.size > SMALL:
            return Result(item.key, 0, info=await _download.into_file(job.open_store, request, file, told))
        got = await _download.get(await job.open_store(), request)
        _download.check_match(request, got.info)
        await _shield.in_thread(file.put, got.data)
        Meter(told, item.key).moved(len(got.data))
        return Result(item.key, 0, info=got.info)

    return do


async def _deleted_there(job: Job, at_once: int | None) -> _bulk.Outcomes[None]:
    changed: list[Result[None]] = []

    async def keys() -> AsyncGenerator[str, None]:
        async with aclosing(_looked_up(job, "delete", job.plan.deletions)) as items:
            async for item, failure in items:
                if failure is None:
                    yield item.key
                else:
                    changed.append(Result(item.key, len(changed), error=failure))

    async with aclosing(_bulk.delete_many(job.open_store, job.plan.bucket, keys(), at_once)) as batches:
        async for batch in batches:
            yield batch
    yield changed
