"""s3fs, blocking, in threads: as pandas, dask and their like use it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from aiobotocore.session import get_session
from s3fs import S3FileSystem

from tests.faults.peers.peer import PART, Got, Info, Outcome, Peer, botocore_settings, each, headers, in_thread

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator


SESSION = get_session()
"""One for all: it reads the service's model, which takes a second."""


class S3fs(Peer):
    """s3fs's file system, without its cache of listings."""

    offers: ClassVar[tuple[str, ...]] = (
        "get",
        "get, in ranges",
        "get(range=)",
        "get_many",
        "open_reader",
        "download_file",
        "download_files",
        "head",
        "exists",
        "list",
        "put",
        "put, in parts",
        "put(if_absent)",
        "put_many",
        "open_writer",
        "upload_file",
        "upload_files",
        "delete",
        "delete_many",
        "create",
        "bucket_exists",
    )

    async def open(self) -> Any:
        """Make a file system."""
        settings = self.settings
        return await asyncio.to_thread(
            lambda: S3FileSystem(
                session=SESSION,
                key=settings["aws_access_key_id"],
                secret=settings["aws_secret_access_key"],
                token=settings["aws_session_token"],
                endpoint_url=settings["endpoint_url"],
                client_kwargs={"region_name": settings["region"]},
                config_kwargs=botocore_settings(settings),
                default_block_size=PART,
                use_listings_cache=False,
                skip_instance_cache=True,
            )
        )

    def _path(self, key: str) -> str:
        return f"{self.name}/{key}"

    async def get(self, key: str, *, range: tuple[int, int] | None = None) -> Got:
        """Use cat_file."""
        start, end = range or (None, None)
        return Got(await asyncio.to_thread(self.client.cat_file, self._path(key), start=start, end=end))

    async def get_many(self, keys: list[str]) -> AsyncIterator[Any]:
        """cat() of many."""
        paths = {self._path(key): key for key in keys}
        found = await asyncio.to_thread(self.client.cat, list(paths), on_error="return")
        for path, value in found.items():
            failed = isinstance(value, Exception)
            yield _Item(paths[path], value if failed else None, None if failed else value)

    @asynccontextmanager
    async def open_reader(self, key: str) -> AsyncIterator[Any]:
        """open() for reading."""
        async with in_thread(await asyncio.to_thread(self.client.open, self._path(key), "rb")) as file:

            async def chunks() -> AsyncIterator[bytes]:
                while chunk := await asyncio.to_thread(file.read, 1024 * 1024):
                    yield chunk

            yield chunks()

    @asynccontextmanager
    async def open_writer(self, key: str, **options: Any) -> AsyncIterator[Any]:
        """open() for writing."""
        opened = await asyncio.to_thread(lambda: self.client.open(self._path(key), "wb", **headers(options)))
        async with in_thread(opened) as file:
            yield _Writer(file)

    async def head(self, key: str) -> Info:
        """Use info."""
        return Info(key, (await asyncio.to_thread(self.client.info, self._path(key)))["size"])

    async def exists(self, key: str) -> Any:
        """Use exists."""
        return await asyncio.to_thread(self.client.exists, self._path(key))

    async def list(self, prefix: str) -> AsyncIterator[Info]:
        """Use find."""
        found = await asyncio.to_thread(lambda: self.client.find(self._path(prefix), detail=True))
        for path, about in sorted(found.items()):
            yield Info(path.removeprefix(f"{self.name}/"), about["size"])

    async def put(self, key: str, data: bytes, **options: Any) -> None:
        """Use pipe_file."""
        mode = "create" if options.pop("if_absent", False) else "overwrite"
        put = self.client.pipe_file
        await asyncio.to_thread(lambda: put(self._path(key), data, chunksize=PART, mode=mode, **headers(options)))

    async def put_many(self, items: list[tuple[str, bytes]]) -> AsyncIterator[Outcome]:
        """pipe_file(), for each."""
        data = dict(items)
        async for outcome in each(list(data), lambda key: self.put(key, data[key])):
            yield outcome

    async def upload_file(self, path: str | os.PathLike[str], key: str, **options: Any) -> None:
        """Use put_file."""
        put = self.client.put_file
        await asyncio.to_thread(lambda: put(str(path), self._path(key), chunksize=PART, **headers(options)))

    async def upload_files(self, files: list[tuple[Any, str]]) -> AsyncIterator[Outcome]:
        """put_file(), for each."""
        paths = {key: path for path, key in files}
        async for outcome in each(list(paths), lambda key: self.upload_file(paths[key], key)):
            yield outcome

    async def download_file(self, key: str, path: str | os.PathLike[str]) -> None:
        """Use get_file."""
        await asyncio.to_thread(self.client.get_file, self._path(key), str(path))

    async def download_files(self, files: list[tuple[str, Any]]) -> AsyncIterator[Outcome]:
        """get_file(), for each."""
        paths = dict(files)
        async for outcome in each(list(paths), lambda key: self.download_file(key, paths[key])):
            yield outcome

    async def delete(self, key: str) -> None:
        """Use rm_file."""
        await asyncio.to_thread(self.client.rm_file, self._path(key))

    async def delete_many(self, keys: list[str]) -> AsyncIterator[Outcome]:
        """rm() of many."""
        await asyncio.to_thread(self.client.rm, [self._path(key) for key in keys])
        for key in keys:
            yield Outcome(key)

    async def create(self) -> None:
        """Use mkdir."""
        await asyncio.to_thread(self.client.mkdir, self.name)

    async def bucket_exists(self) -> Any:
        """Use exists."""
        return await asyncio.to_thread(self.client.exists, self.name)


class _Item(Outcome):
    def __init__(self, key: str, error: Exception | None, value: bytes | None) -> None:
        super().__init__(key, error)
        object.__setattr__(self, "value", value)


class _Writer:
    def __init__(self, file: Any) -> None:
        self._file = file

    async def write(self, data: bytes) -> None:
        """Write."""
        await asyncio.to_thread(self._file.write, data)
