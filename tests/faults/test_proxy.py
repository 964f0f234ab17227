"""The byte-level proxy before a real server: whatever becomes of one message, the call has the exact result."""

from __future__ import annotations

import asyncio
import random
import uuid
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from s3_bucket._async import _retry
from tests.conformance.faces import FACES
from tests.faults import real
from tests.faults.proxy import Proxy, Step

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from tests.faults.realm import Arrived

PART = 5 * 1024 * 1024
OLD = random.Random(1).randbytes(PART * 3 // 2)  # noqa: S311  # no secret, and the same every time
NEW = OLD[::-1]
FAULTS = [
    *(("up", action) for action in ("fin", "rst", "stall", "stop", "delay")),
    *(("down", action) for action in ("fin", "rst", "stall", "drip", "drop", "delay")),
]
BEFORE = {"small": b"old", "large": OLD}


class Passenger:
    """A call whose requests pass: one of them, the chosen one, meets the fault."""

    def __init__(self, step: Step, chosen: int) -> None:
        self.released = asyncio.Event()
        self.met = False
        self._step, self._left = step, chosen

    def plan(self, request: Arrived) -> Step | None:
        """Return the fault for this request, if it is its turn."""
        self._left -= 1
        # An upload that begins without anybody's hearing of it can't be aborted.
        if self._left >= 0 or self.met or request.operation == "CreateMultipartUpload":
            return None
        self.met = True
        return self._step

    def answer_lost(self, request: Arrived) -> None:
        """Note that an answer is lost."""


async def _get(bucket: Any, _: Path) -> None:
    assert (await bucket.get("large")).data == OLD


async def _download(bucket: Any, place: Path) -> None:
    await bucket.download_file("large", place / "file")
    assert await asyncio.to_thread((place / "file").read_bytes) == OLD
    assert await asyncio.to_thread(lambda: len(list(place.iterdir()))) == 1


async def _read(bucket: Any, _: Path) -> None:
    async with bucket.open_reader("large") as reader:
        assert b"".join([chunk async for chunk in reader]) == OLD


async def _list(bucket: Any, _: Path) -> None:
    assert {info.key: info.size async for info in bucket.list()} == {key: len(data) for key, data in BEFORE.items()}


async def _delete_many(bucket: Any, _: Path) -> None:
    assert all([result.ok async for result in bucket.delete_many(list(BEFORE))])


CALLS: dict[str, tuple[int, Callable[[Any, Path], Awaitable[Any]], dict[str, bytes]]] = {
    "get": (2, _get, BEFORE),
    "download_file": (2, _download, BEFORE),
    "open_reader": (3, _read, BEFORE),
    "list": (1, _list, BEFORE),
    "head": (1, lambda bucket, _: bucket.head("small"), BEFORE),
    "put": (1, lambda bucket, _: bucket.put("small", b"new"), {**BEFORE, "small": b"new"}),
    "put once": (1, lambda bucket, _: bucket.put("once", b"new", if_absent=True), {**BEFORE, "once": b"new"}),
    "put in parts": (4, lambda bucket, _: bucket.put("large", NEW), {**BEFORE, "large": NEW}),
    "delete": (1, lambda bucket, _: bucket.delete("small"), {"large": OLD}),
    "delete_many": (1, _delete_many, {}),
}


@asynccontextmanager
async def proxied(url: str) -> AsyncIterator[tuple[dict[str, Passenger], str]]:
    """Run a proxy before the server; give its passengers, by bucket, and its URL."""
    passengers: dict[str, Passenger] = {}
    address = urlsplit(url)
    proxy = Proxy(passengers, address.hostname or "", address.port or 80, closing=True)
    server = await asyncio.start_server(proxy.connected, "127.0.0.1", 0)
    yield passengers, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    for passenger in passengers.values():
        passenger.released.set()
    await proxy.stop()
    await server.wait_closed()
    assert proxy.mistakes == []


@pytest.mark.skipif(not real.ENDPOINT, reason="moto takes half a request for a whole one; this wants a strict server")
@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(("way", "action"), FAULTS)
async def test_one_fault(way: Any, action: Any, face: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One fault in one message of a call costs a retry: the result is exact, and nothing is left behind."""
    monkeypatch.setattr(_retry, "FIRST_DELAY", 0.0)
    where = real.settings()
    dice = random.Random(f"{way} {action} {face}")  # noqa: S311  # the same every time

    async def try_call(name: str, passengers: dict[str, Passenger], url: str) -> None:
        requests, call, after = CALLS[name]
        own = {**where, "part_size": PART, "max_attempts": 4}
        async with FACES["async"](f"proxy-{uuid.uuid4().hex}", **own) as direct:
            await direct.create()
            for key, data in BEFORE.items():
                await direct.put(key, data)
            step = Step(way, dice.choice([0.0, 0.5, 0.9]), action, in_body=dice.random() < 0.5, seconds=0.1)
            passenger = passengers[direct.name] = Passenger(step, dice.randrange(requests))
            place = tmp_path / name
            await asyncio.to_thread(place.mkdir)
            short = {**own, "endpoint_url": url, "connect_timeout": 5.0, "read_timeout": 3.0}
            async with FACES[face](direct.name, **short) as bucket, asyncio.timeout(60):
                await call(bucket, place)
            assert passenger.met, f"{name}: the fault did not happen"
            assert {info.key: (await direct.get(info.key)).data async for info in direct.list()} == after
            assert (await direct.call("ListMultipartUploads")).get("Uploads", []) == []

    async with proxied(where["endpoint_url"]) as (passengers, url):
        await asyncio.gather(*(try_call(name, passengers, url) for name in CALLS))
