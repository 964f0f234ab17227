"""What one cell of the matrix works on: its bucket's name, its bytes, its files."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.faults.realm import Stored, stored

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.faults.operations import Operation
    from tests.faults.service import Hosted

MIB = 1024 * 1024
PART = 5 * MIB
_NOISE = random.Random(1).randbytes(PART + 70_001)  # noqa: S311  # no secret, and the same every time
SMALL = _NOISE[:3_001]
MEDIUM = _NOISE[: 2 * MIB + 500_001]
LARGE = _NOISE
"""Two parts."""
OLD = b"what was there before" * 50
CONTROL = b"nobody touches this"
CONTROL_KEY = "control"
TAGS = {"project": "a&b", "owner": "me"}
OLD_FILE = b"the old file"


class ProducerError(Exception):
    """What the program that writes an object raises."""


class World:
    """The bytes, names and files of a cell; a fault may change them before the operation begins.

    Attributes:
        hosted: its bucket on the server.
        content: the bytes that are read, or written.
        key, keys: the objects' names.
        state: where the library notes which uploads have begun; all cells of a process share it.
        options: put()'s keywords.
        settings: the bucket's keywords besides those that all cells have.
        keeps_checksums: whether the server keeps a checksum of each object.
        linked: the name of the file to which the destination is a link.
        planted: multipart uploads that were there before.
        versions: other contents that a read may find, whole.
        cancel: cancels the operation.
        around: what the operation is wrapped in.
    """

    def __init__(
        self, operation: Operation, hosted: Hosted, directory: Path, rng: random.Random, addresses: dict[str, str]
    ) -> None:
        self.operation = operation
        self.hosted = hosted
        self.directory = directory
        self.rng = rng
        self.addresses = addresses
        self.bucket_name = hosted.realm.name
        self.content = operation.content
        self.key = "folder/object.bin"
        self.keys = ["many/0", "many/1", "many/2"]
        self.options: dict[str, Any] = {}
        self.settings: dict[str, Any] = {"endpoint_url": addresses["service"]}
        self.versions: list[bytes] = []
        self.keeps_checksums = True
        self.linked: str | None = None
        self.source = directory / "source"
        self.destination = directory / "destination"
        self.state = directory.parent / "state"
        self.fails_after: int | None = None
        self.cancel: Callable[[], None] = lambda: None
        self.around: Callable[[Callable[[], Any]], Any] = lambda do: do()
        self.planted: set[str] = set()

    @property
    def copy_key(self) -> str:
        """Where the object is copied to: as odd a name as its own."""
        return f"copy/{self.key}"

    def tags(self, key: str) -> dict[str, str]:
        """Return the tags that an object has on the server."""
        there = self.hosted.realm.objects.get(key)
        return dict(there.tags) if there else {}

    def noted(self) -> dict[Path, bytes]:
        """Return what the library has noted of this cell's uploads: each has the bucket's name in its id."""
        mine = f'"{self.hosted.realm.name}-upload-'.encode()
        found: dict[Path, bytes] = {}
        for path in self.state.rglob("*.json"):
            with contextlib.suppress(FileNotFoundError):  # another cell's, which has ended
                found[path] = path.read_bytes()
        return {path: text for path, text in found.items() if mine in text}

    async def pieces(self) -> AsyncIterator[bytes]:
        """Give the content as a program does that makes it: in odd pieces, and it may raise."""
        size = max(1, len(self.content) * 2 // 7)
        for number, at in enumerate(range(0, len(self.content), size)):
            if number == self.fails_after:
                msg = "the program itself has failed"
                raise ProducerError(msg)
            await asyncio.sleep(0)
            yield self.content[at : at + size]

    def begin(self) -> None:
        """Have on the server and in the directory what the operation wants there."""
        self.hosted.realm.exists = "CreateBucket" not in self.operation.s3
        self.refill()
        self.operation.prepare(self)
        if "destination" in self.operation.traits:
            self.destination.write_bytes(OLD_FILE)

    def refill(self, **headers: str) -> None:
        """Have the operation's objects there, and one that nobody may touch."""
        self.hosted.realm.objects.clear()
        if "source" in self.operation.traits:
            self.source.write_bytes(self.content)
        if self.hosted.realm.exists:
            self.put(CONTROL_KEY, CONTROL)
            for key, data in self.operation.before(self).items():
                self.put(key, data, **headers)

    def empty(self) -> None:
        """Have none of the operation's objects there."""
        for key in self.operation.before(self):
            self.hosted.realm.objects.pop(key, None)
        self.hosted.provoked += 1

    def put(self, key: str, data: bytes, **headers: str) -> None:
        """Have an object on the server."""
        there = stored(data, **headers)
        if "tags" in self.operation.traits and key != CONTROL_KEY:
            there = replace(there, tags=TAGS)
        self.hosted.realm.objects[key] = there if self.keeps_checksums else replace(there, crc32=None)

    def objects(self) -> dict[str, Stored]:
        """Return what is on the server."""
        return dict(self.hosted.realm.objects)

    def files(self) -> dict[str, bytes]:
        """Return the regular files of the directory."""
        return {
            str(path.relative_to(self.directory)): path.read_bytes()
            for path in sorted(self.directory.rglob("*"))
            if path.is_file() and not path.is_symlink()
        }
