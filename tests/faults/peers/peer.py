"""What the other clients have in common: they are called as buckets of this library are."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

PART = 5 * 1024 * 1024


@dataclass(frozen=True)
class Got:
    """What a get brings."""

    data: bytes


@dataclass(frozen=True)
class Info:
    """What is known of an object."""

    key: str
    size: int


@dataclass(frozen=True)
class Outcome:
    """One item of a bulk call."""

    key: str
    error: Exception | None = None


class Peer:
    """A bucket of another client; clients are shared by all buckets of the same settings.

    Attributes:
        offers: the operations of the matrix that it has.
        cancels: whether its calls are coroutines, which can be cancelled.
    """

    offers: ClassVar[tuple[str, ...]] = ()
    cancels: ClassVar[bool] = False
    _clients: ClassVar[dict[str, Any]] = {}

    def __init__(self, name: str, **settings: Any) -> None:
        self.name = name
        self.settings = settings

    @property
    def client(self) -> Any:
        """The shared client."""
        return self._clients[self._which()]

    def _which(self) -> str:
        return f"{type(self).__name__} {sorted(self.settings.items(), key=str)!r}"

    async def __aenter__(self) -> Self:
        if self._which() not in self._clients:
            self._clients[self._which()] = await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        client = self._clients.pop(self._which(), None)
        if client is not None:
            await self.close(client)

    async def open(self) -> Any:
        """Make a client."""
        raise NotImplementedError

    async def close(self, client: Any) -> None:
        """Close a client."""


def botocore_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of what is made on botocore: as many attempts, the same timeouts."""
    return {
        "connect_timeout": settings["connect_timeout"],
        "read_timeout": settings["read_timeout"],
        "retries": {"mode": "standard", "total_max_attempts": settings["max_attempts"]},
        "s3": {"addressing_style": "path"},
    }


def client_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a client that is made on botocore."""
    names = ("endpoint_url", "aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    return {"region_name": settings["region"], **{name: settings[name] for name in names}}


def headers(options: dict[str, Any]) -> dict[str, Any]:
    """Return put()'s keywords by S3's names."""
    names = {
        "metadata": "Metadata",
        "content_type": "ContentType",
        "cache_control": "CacheControl",
        "content_disposition": "ContentDisposition",
    }
    conditions = {"IfNoneMatch": "*"} if options.get("if_absent") else {}
    if options.get("if_match"):
        conditions["IfMatch"] = f'"{options["if_match"]}"'
    return {names[name]: value for name, value in options.items() if name in names} | conditions


async def each(keys: list[str], do: Callable[[str], Any]) -> AsyncIterator[Outcome]:
    """Do it to each key, all at a time."""
    done = await asyncio.gather(*(do(key) for key in keys), return_exceptions=True)
    for key, result in zip(keys, done, strict=True):
        if isinstance(result, asyncio.CancelledError):
            raise result
        yield Outcome(key, result if isinstance(result, Exception) else None)


@asynccontextmanager
async def in_thread(manager: Any) -> AsyncIterator[Any]:
    """Use a blocking context manager."""
    given = await asyncio.to_thread(manager.__enter__)
    try:
        yield given
    except BaseException as error:
        if not await asyncio.to_thread(manager.__exit__, type(error), error, error.__traceback__):
            raise
    else:
        await asyncio.to_thread(manager.__exit__, None, None, None)
