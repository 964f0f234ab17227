"""Both faces as one: AsyncBucket itself, and Bucket behind an adapter that makes each of its calls awaitable."""

from __future__ import annotations

import asyncio
import inspect
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import s3_bucket as S3

if TYPE_CHECKING:
    from collections.abc import Callable

_END = object()
_BLOCKING_NAMES = {"aclose": "close", "__aiter__": "__iter__"}
_SISTERS = {"AsyncReader": S3.AsyncReader, "AsyncWriter": S3.AsyncWriter, "AsyncDirPlan": S3.AsyncDirPlan}


class Awaitable:
    """A blocking object as its async sister, by whose signatures it goes; each call is made in a worker thread."""

    def __init__(self, blocking: Any, sister: type) -> None:
        self._blocking = blocking
        self._sister = sister

    def __repr__(self) -> str:
        return repr(self._blocking)

    def __str__(self) -> str:
        return str(self._blocking)

    def __reduce__(self) -> tuple[Any, ...]:
        return self._blocking.__reduce__()  # type: ignore[no-any-return]  # a reduction

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._blocking, _BLOCKING_NAMES.get(name, name))
        return _awaitable(value, getattr(self._sister, name)) if callable(value) else value

    def __aiter__(self) -> AwaitableIterator:
        return AwaitableIterator(iter(self._blocking))

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._blocking.__enter__)
        return self

    async def __aexit__(self, *raised: object) -> None:
        await asyncio.to_thread(self._blocking.__exit__, *raised)


class AwaitableIterator:
    """A blocking iterator as an async one."""

    def __init__(self, iterator: Any) -> None:
        self._iterator = iterator

    def __aiter__(self) -> AwaitableIterator:
        return self

    async def __anext__(self) -> Any:
        item = await asyncio.to_thread(next, self._iterator, _END)
        if item is _END:
            raise StopAsyncIteration
        return item

    async def aclose(self) -> None:
        """Stop."""
        await asyncio.to_thread(self._iterator.close)


class AwaitableManager:
    """A blocking context manager as an async one; what it gives becomes awaitable, too, if it has a sister."""

    def __init__(self, manager: Any, sister: type | None) -> None:
        self._manager = manager
        self._sister = sister

    async def __aenter__(self) -> Any:
        given = await asyncio.to_thread(self._manager.__enter__)
        return given if self._sister is None else Awaitable(given, self._sister)

    async def __aexit__(self, *raised: object) -> bool | None:
        return await asyncio.to_thread(self._manager.__exit__, *raised)


def _awaitable(blocking: Callable[..., Any], sister: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method with the calling convention of its sister."""
    returned = str(inspect.signature(sister).return_annotation)
    if inspect.iscoroutinefunction(sister):
        called = partial(asyncio.to_thread, blocking)
        return partial(_given, called, _SISTERS[returned]) if returned in _SISTERS else called

    if returned.startswith("AsyncIterator["):
        return lambda *args, **kwargs: AwaitableIterator(blocking(*args, **kwargs))
    if returned.startswith("AbstractAsyncContextManager["):
        given = _SISTERS.get(returned.partition("[")[2].rstrip("]"))
        return lambda *args, **kwargs: AwaitableManager(blocking(*args, **kwargs), given)
    return blocking


async def _given(called: Callable[..., Any], sister: type, *args: Any, **kwargs: Any) -> Awaitable:
    return Awaitable(await called(*args, **kwargs), sister)


def blocking_bucket(name: str, **overrides: Any) -> Awaitable:
    """Return a Bucket that is used as an AsyncBucket."""
    return Awaitable(S3.Bucket(name, **overrides), S3.AsyncBucket)


FACES: dict[str, Callable[..., Any]] = {"async": S3.AsyncBucket, "blocking": blocking_bucket}
