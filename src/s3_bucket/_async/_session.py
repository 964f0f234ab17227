"""Opens a store for each pair of event loop and settings, shares it, and closes it.

A bucket is bound to nothing: each call asks here for the store of the loop that it runs in. A hundred buckets of equal
settings get the same one.

Who closes it? The last bucket that is closed, if all that used it are. Where some are just used and dropped, the end of
the loop does: asyncio.run() and its likes call loop.shutdown_asyncgens(), which closes every suspended async generator,
and one of ours is suspended in every loop that has a store, for just this.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet, ref

from s3_bucket import _config
from s3_bucket._async import _shield
from s3_bucket._async._retry import RetryingStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from s3_bucket._config import Settings


class _Shared:
    """One store, being opened or open, and the buckets that use it."""

    def __init__(self, settings: Settings) -> None:
        self.users: WeakSet[Any] = WeakSet()
        self.blocks: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
        self.opening = asyncio.ensure_future(_open(settings))
        # If everybody who waits is cancelled, nobody else looks at a failure.
        self.opening.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def opened(self) -> bool:
        """Wait until it is open, or failed to open; return False if it was closed instead."""
        if not self.opening.done():
            await asyncio.wait({self.opening})  # unlike a bare await, this doesn't pass on a cancellation

        return not self.opening.cancelled()

    async def aclose(self) -> None:
        self.opening.cancel()
        await asyncio.wait({self.opening})
        if not self.opening.cancelled() and self.opening.exception() is None:
            await self.opening.result().aclose()


class _Stores(dict["Settings", _Shared]):
    """The stores of one event loop."""

    keeper: AsyncGenerator[None, None] | None = None

    async def keep_to_loop(self) -> None:
        """Tie their end to the loop's."""
        if self.keeper is None:
            self.keeper = self._kept()
            await anext(self.keeper)

    def forget_fakes(self) -> None:
        """Drop what stood in for S3 and does so no more: a loop may live through many tests, each with its objects."""
        for settings in [settings for settings in self if not _config.is_standing(settings)]:
            del self[settings]

    async def _kept(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self.keeper = None  # it refers to the loop, which nothing here may keep alive
            while self:
                _, shared = self.popitem()
                await shared.aclose()


_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _Stores] = WeakKeyDictionary()
_inherited: list[object] = []


class Recent:
    """The store that a bucket used last: of a bucket's next call, this is nearly always the one.

    It is known by weak references only: a bucket may outlive its loops.
    """

    def __init__(self) -> None:
        self._store: Callable[[], RetryingStore | None] = _nothing
        self._loop: Callable[[], asyncio.AbstractEventLoop | None] = _nothing
        self._settings: Settings | None = None

    def store(self, settings: Settings) -> RetryingStore | None:
        """Return it, if it is the running loop's for these settings, and still open."""
        store = self._store()
        known = store is not None and self._settings is settings and self._loop() is asyncio.get_running_loop()
        return None if store is None or not known or store.is_closing else store

    def remember(self, store: RetryingStore, settings: Settings) -> RetryingStore:
        """Note it."""
        self._store, self._loop, self._settings = ref(store), ref(asyncio.get_running_loop()), settings
        return store

    def forget(self) -> None:
        """The bucket has given it back."""
        self._store, self._loop, self._settings = _nothing, _nothing, None


def _nothing() -> None:
    """Stand in the place of a weak reference."""


async def store_for(user: object, settings: Settings) -> RetryingStore:
    """Return the running loop's store of these settings, for `user` to use until it is released."""
    return (await _shared(user, settings)).opening.result()


async def enter(user: object, settings: Settings) -> None:
    """Note that `user` has entered a block: several may be open at once, and the last one that ends closes."""
    shared = await _shared(user, settings)
    shared.opening.result()  # raises, where it could not be opened
    shared.blocks[user] = shared.blocks.get(user, 0) + 1


async def leave(user: object) -> None:
    """Note that `user` has left a block; release it with the last one."""
    entered = [shared for shared in _stores().values() if user in shared.blocks]
    for shared in entered:
        shared.blocks[user] -= 1
        if not shared.blocks[user]:
            del shared.blocks[user]
    if not any(user in shared.blocks for shared in entered):
        await release(user)


async def _shared(user: object, settings: Settings) -> _Shared:
    stores = _stores()
    while True:
        shared = stores.get(settings)
        if shared is None:
            stores.forget_fakes()
            shared = stores[settings] = _Shared(settings)
            await stores.keep_to_loop()

        shared.users.add(user)
        opened = await shared.opened()
        current = stores.get(settings) is shared
        if opened and shared.opening.exception() is not None:
            if current:  # the next call tries again
                del stores[settings]
            return shared
        if opened and current:  # nobody has closed it since
            return shared
        if current:  # its opening was cancelled by somebody else, who cancelled all tasks
            del stores[settings]


async def release(user: object) -> None:
    """Close the running loop's stores that nobody but `user` uses."""
    stores = _stores()
    for settings, shared in list(stores.items()):
        if user in shared.users:
            shared.users.discard(user)
            if not shared.users and stores.get(settings) is shared:
                del stores[settings]
                # Nobody else knows of it any more: it must be closed now, though the caller be cancelled meanwhile.
                await _shield.to_the_end(shared.aclose())


def _stores() -> _Stores:
    loop = asyncio.get_running_loop()
    stores = _loops.get(loop)
    if stores is None:
        stores = _loops[loop] = _Stores()
    return stores


async def _open(settings: Settings) -> RetryingStore:
    if settings.stand_in is not None:
        standing: RetryingStore = await settings.stand_in.open(settings)
        return standing
    # Importing aiobotocore takes half a second: not when this package is imported, and not on the event loop.
    botocore = await _imported("s3_bucket._async._botocore.store")
    store = await botocore.BotocoreStore.open(settings)
    vendor = store.vendor
    if settings.is_wire:
        wire = await _imported("s3_bucket._async._wire.store")
        store = await wire.WireStore.open(store, settings)
    return RetryingStore(store, settings, vendor)


async def _imported(module: str) -> Any:
    return await asyncio.to_thread(importlib.import_module, module)


def _forget_in_child() -> None:
    """After a fork the parent's stores are none of the child's, and must not be collected in it either.

    Closing an inherited connection would take the parent's socket out of the epoll set that both share, and the
    parent's next request would wait for its timeout.
    """
    global _loops  # noqa: PLW0603  # the child begins with none
    _inherited.append(_loops)
    _loops = WeakKeyDictionary()


if hasattr(os, "register_at_fork"):  # pragma: no branch  # Windows has no fork
    os.register_at_fork(after_in_child=_forget_in_child)
