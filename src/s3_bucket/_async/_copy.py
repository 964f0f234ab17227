"""Copies within S3: one CopyObject, or a multipart upload whose parts are copied in parallel. No bytes come here.

HEAD says first what the source is; everything after that is pinned to just this version. There are servers that
overlook If-Match of a part's source, so before the parts become an object, HEAD is asked again; and once more what the
copy is.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from s3_bucket import _plan
from s3_bucket._async import _copies, _errors, _lookup, _lost, _retention, _tags
from s3_bucket._async._errors import Target
from s3_bucket._async._upload import ObjectUpload
from s3_bucket._encryption import customer_of
from s3_bucket._progress import Meter
from s3_bucket._store import GetRequest, Written
from s3_bucket.exceptions import BucketException, IntegrityError, NoSuchKey, PreconditionFailed

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from s3_bucket._async._retry import RetryingStore
    from s3_bucket._models import ObjectInfo, ProgressCallback
    from s3_bucket._store import CopyRequest, Part, Upload

_REFUSALS = frozenset({400, 501})
_NO_TAGS = frozenset({"NotImplemented", "MethodNotAllowed"})
"""What a server says that knows no tags."""


async def copy(store: RetryingStore, request: CopyRequest, progress: ProgressCallback | None = None) -> ObjectInfo:
    """Copy; return the copy, which has been compared with the source."""
    return await _copy(store, request, await _look(store, request.source), Meter(progress, request.key))


async def move(store: RetryingStore, request: CopyRequest, progress: ProgressCallback | None = None) -> ObjectInfo:
    """Copy, and delete the source if it still is what was copied."""
    source = await _look(store, request.source)
    moved = await _copy(store, request, source, Meter(progress, request.key))
    await _delete(store, request.source._replace(checksums=False), source)
    return moved


async def _look(store: RetryingStore, request: GetRequest) -> ObjectInfo:
    """Look at an object, and at its checksums where the server doesn't refuse to be asked for them."""
    try:
        return await _lookup.head(store, request)
    except BucketException as error:
        if error.status not in _REFUSALS:
            raise
        return await _lookup.head(store, request._replace(checksums=False))


async def _copy(store: RetryingStore, request: CopyRequest, source: ObjectInfo, meter: Meter) -> ObjectInfo:
    # Conditions are for what completes an upload: of CopyObject, few servers know any, and most overlook them.
    conditional = request.given.if_absent or request.given.if_match is not None
    in_parts = conditional or source.size > _plan.MAX_COPY_SIZE
    tags = await _tags_of(store, request, source, in_parts=in_parts)
    meter.begin(source.size)
    if in_parts:
        written = await _copy_parts(store, request, source, tags or {}, meter)
    else:
        written = await _copy_whole(store, request, source)
        meter.moved(source.size)
    copied = await _verified(store, request, source, written)
    await _settle_tags(store, request, copied, tags)
    return copied


async def _tags_of(
    store: RetryingStore, request: CopyRequest, source: ObjectInfo, *, in_parts: bool
) -> Mapping[str, str] | None:
    """Return the tags that the copy is to have; None where CopyObject keeps them, or there can be none."""
    if request.tags is not None:
        return request.tags
    if not in_parts and not (source.tag_count and _copies.replaces(request)):
        return None
    try:
        return await _tags.get(store, _pin(request.source, source))
    except BucketException as error:
        if error.error_code not in _NO_TAGS:
            raise
        return None


async def _settle_tags(
    store: RetryingStore, request: CopyRequest, copied: ObjectInfo, tags: Mapping[str, str] | None
) -> None:
    """Give the copy its tags, if it has others: there are servers that overlook what is said of them."""
    if tags is None or (request.tags is None and len(tags) == (copied.tag_count or 0)):
        return
    target = _copy_of(request, copied.version_id)
    if await _tags.get(store, target) != tags:
        await _tags.put(store, target, tags)


async def _copy_whole(store: RetryingStore, request: CopyRequest, source: ObjectInfo) -> Written:
    target = Target("CopyObject", request.bucket, request.key)
    with _pinned(request, target):
        answer = await store.call(request.bucket, target.operation, _copies.copy_parameters(request, source))
    written = _copies.copied(target, answer)
    await _retention.settle(store, _copy_of(request, written.version_id), written.etag, request.given)
    return written


def _copy_of(request: CopyRequest, version_id: str | None = None) -> GetRequest:
    """Return what asks for the copy."""
    return GetRequest(request.bucket, request.key, version_id=version_id, customer=customer_of(request.given.headers))


async def _copy_parts(
    store: RetryingStore, request: CopyRequest, source: ObjectInfo, tags: Mapping[str, str], meter: Meter
) -> Written:
    options = _copies.tagged(_copies.kept(source, request.given, keeps_metadata=request.keeps_metadata), tags)
    length = _plan.part_size_for(source.size, max(_plan.COPY_PART_SIZE, store.part_size))
    async with ObjectUpload(store, request.bucket, request.key, options, meter) as sending:
        for start, stop in _plan.ranges(0, source.size, length):
            await sending.make(stop - start, partial(_copy_part, store, request, source, (start, stop)))
        await sending.arrived()
        await _check_source(store, request, source)
        made = await sending.finish()
    return Written(made.etag, made.version_id)


def _pin(request: GetRequest, source: ObjectInfo) -> GetRequest:
    return request._replace(version_id=request.version_id or source.version_id)


async def _copy_part(
    store: RetryingStore, request: CopyRequest, source: ObjectInfo, part: tuple[int, int], upload: Upload, number: int
) -> Part:
    target = Target("UploadPartCopy", request.bucket, request.key)
    start, stop = part
    with _pinned(request, target):
        parameters = _copies.part_parameters(request, source, upload, number, start, stop)
        answer = await store.call(request.bucket, target.operation, parameters)
    return _copies.copied_part(target, upload, number, stop - start, answer)


async def _check_source(store: RetryingStore, request: CopyRequest, source: ObjectInfo) -> None:
    target = Target("HeadObject", request.source.bucket, request.source.key)
    with _pinned(request, target):
        now = await store.head(request.source._replace(if_match=source.etag, checksums=False))
    if (now.etag, now.last_modified) != (source.etag, source.last_modified):
        raise _replaced(request, target)


@contextmanager
def _pinned(request: CopyRequest, target: Target) -> Generator[None]:
    """Say of a request whose one condition is the source's etag that the source was replaced, or deleted."""
    try:
        yield
    except PreconditionFailed as error:
        if error.answer_lost and request.is_onto_itself:  # by this very request, perhaps
            raise _lost.ambiguous(target, error) from error
        raise _replaced(request, target) from error
    except NoSuchKey as error:
        raise _replaced(request, target) from error


def _replaced(request: CopyRequest, target: Target) -> BucketException:
    source = _errors.where(Target("", request.source.bucket, request.source.key))
    msg = f"{source} was replaced or deleted while it was copied; nothing was stored; try again"
    return _errors.make(IntegrityError, target, msg, retryable=True)


async def _verified(store: RetryingStore, request: CopyRequest, source: ObjectInfo, written: Written) -> ObjectInfo:
    look = _copy_of(request)._replace(checksums=True)
    found = await _look(store, look)
    if found.etag != written.etag and written.version_id is not None:  # somebody has written a newer one since
        found = await _look(store, look._replace(version_id=written.version_id))
    wrong = _copies.difference(source, found, written.etag)
    if wrong is not None:
        target = Target("HeadObject", request.bucket, request.key)
        msg = f"the copy {_errors.where(target)} is not what was copied: {wrong}"
        raise _errors.make(IntegrityError, target, msg)
    return found


async def _delete(store: RetryingStore, request: GetRequest, source: ObjectInfo) -> None:
    """Delete what was copied, and nothing that has been written in its place since."""
    try:
        now = await store.head(request)  # for those that overlook If-Match in DELETE; what is left then is a moment
        if (now.etag, now.version_id) == (source.etag, source.version_id):
            # Not by its version: that would bring back the one before it. A delete marker hides all, and loses none.
            is_known = store.vendor.delete_if_match.value in {"kept", "unknown"}
            await store.delete(request._replace(if_match=source.etag if is_known else None, customer=None))
            return
    except NoSuchKey:
        return
    except PreconditionFailed as error:
        if error.answer_lost and await _is_gone(store, request):
            return
        raise _not_deleted(request) from error
    raise _not_deleted(request)


async def _is_gone(store: RetryingStore, request: GetRequest) -> bool:
    try:
        await store.head(request)
    except NoSuchKey:
        return True
    return False


def _not_deleted(request: GetRequest) -> BucketException:
    target = Target("DeleteObject", request.bucket, request.key)
    msg = (
        f"{_errors.where(target)} was replaced after it had been copied: the copy is there, and what has replaced the"
        " source was not deleted; delete the source, or move it again"
    )
    return _errors.make(PreconditionFailed, target, msg, status=412)
