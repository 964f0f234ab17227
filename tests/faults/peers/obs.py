"""obstore."""

from __future__ import annotations

import datetime
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import obstore
from obstore.store import S3Store

from tests.faults.peers.peer import PART, Got, Info, Outcome, Peer, each

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator

_NAMES = {
    "content_type": "Content-Type",
    "cache_control": "Cache-Control",
    "content_disposition": "Content-Disposition",
}


class Obstore(Peer):
    """obstore's coroutines."""

    offers: ClassVar[tuple[str, ...]] = (
        "get",
        "get, in ranges",
        "get(range=)",
        "open_reader",
        "head",
        "list",
        "put",
        "put, in parts",
        "put(stream)",
        "put(if_absent)",
        "put(if_match)",
        "put_many",
        "open_writer",
        "upload_file",
        "upload_files",
        "delete",
        "delete_many",
    )
    cancels = True

    async def open(self) -> Any:
        """Nothing is shared: a store is of one bucket."""
        return True

    @property
    def store(self) -> Any:
        """A store of this bucket."""
        settings = self.settings
        seconds = datetime.timedelta(seconds=1)
        return S3Store(
            self.name,
            endpoint=settings["endpoint_url"],
            region=settings["region"],
            access_key_id=settings["aws_access_key_id"],
            secret_access_key=settings["aws_secret_access_key"],
            session_token=settings["aws_session_token"],
            virtual_hosted_style_request=False,
            metadata_endpoint="http://127.0.0.1:1",
            client_options={
                "allow_http": True,
                "connect_timeout": settings["connect_timeout"] * seconds,
                "read_timeout": settings["read_timeout"] * seconds,
            },
            retry_config={
                "max_retries": settings["max_attempts"] - 1,
                "retry_timeout": 180 * seconds,
                "backoff": {"init_backoff": 0.05 * seconds, "max_backoff": 0.4 * seconds, "base": 2},
            },
        )

    async def get(self, key: str, *, range: tuple[int, int] | None = None) -> Got:
        """Use get, or get_range."""
        if range:
            return Got(bytes(await obstore.get_range_async(self.store, key, start=range[0], end=range[1])))
        return Got(bytes(await (await obstore.get_async(self.store, key)).bytes_async()))

    @asynccontextmanager
    async def open_reader(self, key: str) -> AsyncIterator[Any]:
        """get(), in pieces."""
        got = await obstore.get_async(self.store, key)

        async def chunks() -> AsyncIterator[bytes]:
            async for chunk in got.stream(min_chunk_size=1024 * 1024):
                yield bytes(chunk)

        yield chunks()

    @asynccontextmanager
    async def open_writer(self, key: str, **options: Any) -> AsyncIterator[Any]:
        """Use open_writer."""
        attributes = _attributes(options)
        async with obstore.open_writer_async(self.store, key, attributes=attributes, buffer_size=PART) as writer:
            yield writer

    async def head(self, key: str) -> Info:
        """Use head."""
        return Info(key, (await obstore.head_async(self.store, key))["size"])

    async def list(self, prefix: str) -> AsyncIterator[Info]:
        """Use list."""
        async for chunk in obstore.list(self.store, prefix):
            for entry in chunk:
                yield Info(entry["path"], entry["size"])

    async def put(self, key: str, data: Any, **options: Any) -> None:
        """Use put."""
        mode: Any = "create" if options.get("if_absent") else None
        if options.get("if_match"):
            mode = {"e_tag": f'"{options["if_match"]}"'}
        attributes = _attributes(options)
        await obstore.put_async(self.store, key, data, attributes=attributes, mode=mode, chunk_size=PART)

    async def put_many(self, items: list[tuple[str, bytes]]) -> AsyncIterator[Outcome]:
        """put(), for each."""
        data = dict(items)
        async for outcome in each(list(data), lambda key: self.put(key, data[key])):
            yield outcome

    async def upload_file(self, path: str | os.PathLike[str], key: str, **options: Any) -> None:
        """put() of a path."""
        await self.put(key, Path(path), **options)

    async def upload_files(self, files: list[tuple[Any, str]]) -> AsyncIterator[Outcome]:
        """put() of a path, for each."""
        paths = {key: path for path, key in files}
        async for outcome in each(list(paths), lambda key: self.upload_file(paths[key], key)):
            yield outcome

    async def delete(self, key: str) -> None:
        """Use delete."""
        await obstore.delete_async(self.store, key)

    async def delete_many(self, keys: list[str]) -> AsyncIterator[Outcome]:
        """delete() of many."""
        await obstore.delete_async(self.store, keys)
        for key in keys:
            yield Outcome(key)


def _attributes(options: dict[str, Any]) -> Any:
    named = {_NAMES[name]: value for name, value in options.items() if name in _NAMES}
    return (named | dict(options.get("metadata", {}))) or None
