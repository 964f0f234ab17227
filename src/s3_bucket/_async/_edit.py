"""Changing a JSON object by compare-and-swap: read, change, and write if it is still what was read; else once more.

The bytes go in one PUT, however long: there are servers that overlook conditions where parts are put together.

A write whose answer was lost, and that then finds an object of somebody else's, may have been carried out all the same:
that one may have read it and written on. To do it again would do it twice. So each write leaves, besides the token by
which it is known, those of the writes before it: `_history.py` tells from them what became of ours. Where they don't
say, because somebody has stored another object meanwhile, nothing is guessed: AmbiguousWrite.
"""

from __future__ import annotations

import asyncio
import inspect
import random
import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from s3_bucket._async import _conditions, _copies, _download, _errors, _history, _json, _lost, _merge, _tags, _turns
from s3_bucket._async._errors import Target
from s3_bucket._store import PutOptions
from s3_bucket.exceptions import BucketException, InvalidInput, NoSuchKey, PreconditionFailed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from s3_bucket._async._retry import RetryingStore
    from s3_bucket._models import ObjectInfo
    from s3_bucket._store import GetRequest

FIRST_DELAY = 0.01
"""Seconds that a writer waits at most, who was too late for the first time."""
LONGEST_DELAY = 1.0
"""Seconds that he ever waits at most."""
MOST_REFUSALS = 3
"""So often one and the same object is found to be another than itself, before the server is not believed."""

_JSON = PutOptions({"ContentType": "application/json"})


class _Read(NamedTuple):
    """A document as it was read.

    Attributes:
        text: its JSON; that of the default where there is no object.
        info: the object, None if there is none.
    """

    text: bytes
    info: ObjectInfo | None

    @property
    def etag(self) -> str | None:
        return None if self.info is None else self.info.etag


class Editing:
    """One object that is read, and written under the condition that it is still what was read."""

    def __init__(self, store: RetryingStore, request: GetRequest, default: bytes | None, attempts: int) -> None:
        self._store = store
        self._request = request
        self._default = default
        self._attempts = attempts
        self._tried = 0
        self._refusals = 0
        self._read = _Read(b"", None)

    async def read(self) -> Any:
        """Read the document, for the first time or again; return a value of one's own."""
        self._read = await self._fetch()
        return await self.value()

    async def value(self) -> Any:
        """Return what was read, as a value of one's own."""
        return await _json.loads(self._request.bucket, self._request.key, self._read.text)

    async def _fetch(self) -> _Read:
        try:
            got = await _download.get(self._store, self._request)
        except NoSuchKey:
            if self._default is None:
                raise
            return _Read(self._default, None)
        return _Read(got.data, got.info)

    async def write(self, value: Any) -> bool:
        """Write, unless somebody else has written since; return whether it is done."""
        body = (await _json.dumps(value)).encode()
        before = _history.of(self._read.info)
        token = secrets.token_hex(_history.TOKEN_BYTES)
        options = _history.noted(await self._options(), token, before)
        _conditions.refuse(self._store, "PutObject", self._request.bucket, self._request.key, options)
        self._tried += 1
        try:
            async with self._store.buffers:
                await self._store.put(self._request.bucket, self._request.key, body, options)
        except (PreconditionFailed, NoSuchKey) as error:
            if error.answer_lost and await self._was_written(token, before, error):
                return True
            await self._too_late(error)
            return False
        return True

    async def _options(self) -> PutOptions:
        """Return what goes with the object, which stays as it is, and the condition."""
        info = self._read.info
        if info is None:
            return _JSON._replace(if_absent=True)
        options = _copies.kept(info, PutOptions(if_match=info.etag))
        return _copies.tagged(options, await _tags.get(self._store, self._request)) if info.tag_count else options

    async def _was_written(self, token: str, before: _history.History, error: BucketException) -> bool:
        """Whether a write whose answer was lost was carried out."""
        try:
            stored = await self._store.stored(self._request.bucket, self._request.key)
        except BucketException:
            raise _lost.ambiguous(self._target, error) from error
        was = _history.has(stored, token, before)
        if was is None:
            raise _lost.ambiguous(self._target, error) from error
        return was

    async def _too_late(self, error: BucketException) -> None:
        """Wait for a moment; raise where trying once more can't help."""
        if self._tried >= self._attempts:
            raise self.failed(f"it was changed before each of {self._tried} attempts to write it", error) from error
        await asyncio.sleep(random.uniform(0, min(LONGEST_DELAY, FIRST_DELAY * 2.0**self._tried)))  # noqa: S311
        before = self._read.etag
        self._read = await self._fetch()
        self._refusals = self._refusals + 1 if self._read.etag == before else 0
        if self._refusals >= MOST_REFUSALS:
            why = "it has not changed, but the server refuses the condition; does it know If-Match here?"
            raise self.failed(why, error) from error

    @property
    def _target(self) -> Target:
        return Target("PutObject", self._request.bucket, self._request.key)

    def failed(self, why: str, error: BucketException | None = None) -> BucketException:
        """Return the exception for a document that was not written."""
        msg = f"{_errors.where(self._target)} was not written: {why}"
        code = None if error is None else error.error_code
        failed = _errors.make(PreconditionFailed, self._target, msg, status=412, error_code=code)
        failed.attempts = self._tried
        return failed


async def _editing(store: RetryingStore, request: GetRequest, default: Any, attempts: int) -> Editing:
    text = None if default is None else (await _json.dumps(default, "default")).encode()
    return Editing(store, request, text, attempts)


async def update(
    open_store: Callable[[], Awaitable[RetryingStore]],
    request: GetRequest,
    function: Callable[[Any], Any],
    default: Any,
    attempts: int,
) -> Any:
    """Write what the function makes of the document, as often as it takes; return that."""
    store = await open_store()
    one = await _editing(store, request, default, attempts)
    async with _turns.turn(store, request.bucket, request.key):
        value = await one.read()
        while True:
            changed = await _applied(function, value)
            if await _is_same(changed, await one.value()) or await one.write(changed):
                return changed
            value = await one.value()


async def _applied(function: Callable[[Any], Any], value: Any) -> Any:
    """Return what the function makes of the value: what it returns or, if that is None, the value that it was given."""
    if inspect.iscoroutinefunction(function):
        made = await function(value)
    else:
        made = await asyncio.to_thread(_called, function, value)
        if inspect.isawaitable(made):
            made = await made
    return value if made is None else made


def _called(function: Callable[[Any], Any], value: Any) -> Any:
    try:
        return function(value)
    except StopIteration as error:  # no future can hold one
        msg = "the function raised StopIteration"
        raise RuntimeError(msg) from error


@asynccontextmanager
async def edit(
    open_store: Callable[[], Awaitable[RetryingStore]], request: GetRequest, default: Any, attempts: int
) -> AsyncGenerator[Any]:
    """Give the document; write it when the block ends, with what others have written meanwhile."""
    store = await open_store()
    one = await _editing(store, request, default, attempts)
    async with _turns.turn(store, request.bucket, request.key):
        document = await one.read()
        if not isinstance(document, dict | list):
            kind = type(document).__name__
            msg = f"key: {request.key!r} holds a {kind}, which no block can change: use update_json()"
            raise InvalidInput(msg, argument="key", bucket=request.bucket, key=request.key)
        base = await one.value()
        yield document
        ours = await _json.loads(request.bucket, request.key, (await _json.dumps(document, "key")).encode())
        if not await _is_same(ours, base):
            await _write_merged(one, base, ours)


async def _write_merged(one: Editing, base: Any, ours: Any) -> None:
    wanted = ours
    while not await one.write(wanted):
        try:
            wanted = await asyncio.to_thread(_merge.merged, base, ours, await one.value())
        except _merge.Conflict as conflict:
            where = ".".join(conflict.path) or "its root"
            why = (
                f"what the block has changed at {where}, somebody else has changed, too; a block can't be repeated: run"
                " it once more, or use update_json(), which repeats a function"
            )
            raise one.failed(why) from conflict


async def _is_same(one: Any, other: Any) -> bool:
    return await asyncio.to_thread(_same, one, other)


def _same(one: Any, other: Any) -> bool:
    try:
        return _merge.same(one, other)
    except (TypeError, ValueError, RecursionError):  # no JSON: it is refused when it is written
        return False
