"""How long everything lives: buckets that are bound to nothing, stores that end with their loop, programs that end."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

import s3_bucket as S3
from tests.tiny_s3 import TinyS3, tiny_s3

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

MADE_AT_IMPORT = S3.AsyncBucket("bucket")


@asynccontextmanager
async def server(object_size: int = 0) -> AsyncIterator[TinyS3]:
    """Run a server, and have all buckets use it that aren't told otherwise."""
    async with tiny_s3(object_size) as (tiny, url):
        S3.init("key-id", "secret", endpoint_url=url, max_concurrency=10)
        yield tiny


async def test_made_at_import() -> None:
    """A bucket that was made when no loop ran, before init(), works, and uses what init() said since."""
    async with server() as tiny:
        await MADE_AT_IMPORT.put("key", b"data")
        assert tiny.requests[-1].startswith("PUT /bucket/key")
        await MADE_AT_IMPORT.aclose()


async def test_block() -> None:
    """Leaving the block closes all connections, also when it is left by an exception."""
    async with server() as tiny:
        async with S3.AsyncBucket("bucket") as bucket:
            await bucket.put("key", b"data")
            assert tiny.connections == 1
        await tiny.at_most(0)
        with pytest.raises(LookupError):  # noqa: PT012  # the whole block is what must fail
            async with bucket:
                await bucket.put("key", b"data")
                raise LookupError
        await tiny.at_most(0)


async def test_aclose() -> None:
    """Closing closes all connections; closing again is nothing; a call after it opens new ones."""
    async with server() as tiny:
        bucket = S3.AsyncBucket("bucket")
        await bucket.aclose()
        for _ in range(2):
            await bucket.put("key", b"data")
            await bucket.aclose()
            await bucket.aclose()
            await tiny.at_most(0)
        assert tiny.accepted == 2


async def test_one_pool() -> None:
    """A hundred buckets of equal settings share one pool, however many calls there are at once."""
    async with server() as tiny:
        buckets = [S3.AsyncBucket(f"bucket-{number}") for number in range(100)]
        await asyncio.gather(*(bucket.put("key", b"data") for bucket in buckets for _ in range(3)))
        assert tiny.accepted <= 10
        for bucket in buckets[1:]:
            await bucket.aclose()
        await buckets[0].put("key", b"data")
        assert tiny.accepted <= 10
        await buckets[0].aclose()
        await tiny.at_most(0)


async def test_settings_of_their_own() -> None:
    """Buckets of other settings have a pool of their own, and closing one doesn't touch the other's."""
    async with server() as tiny:
        async with S3.AsyncBucket("bucket", max_concurrency=1) as narrow, S3.AsyncBucket("bucket") as wide:
            await asyncio.gather(*(narrow.put("key", b"data") for _ in range(5)))
            assert tiny.most_connections == 1
            await wide.put("key", b"data")
            assert tiny.connections == 2
            await wide.aclose()
            await narrow.put("key", b"data")
            assert tiny.accepted == 2
        await tiny.at_most(0)


async def test_a_bucket_that_is_dropped_counts_no_more() -> None:
    """A bucket that was used and forgotten keeps nobody from closing the pool."""
    async with server() as tiny:
        await S3.AsyncBucket("bucket").put("key", b"data")
        gc.collect()
        async with S3.AsyncBucket("bucket") as bucket:
            await bucket.put("key", b"data")
        await tiny.at_most(0)


async def test_the_same_bucket_in_many_blocks() -> None:
    """A bucket that many tasks enter at once is closed by the last of them, under nobody's feet."""
    async with server() as tiny:
        bucket = S3.AsyncBucket("bucket")

        async def request(number: int) -> None:
            async with bucket:
                for _ in range(number):
                    await bucket.put("key", b"data")

        await asyncio.gather(*(request(number) for number in range(20)))
        await bucket.aclose()
        await tiny.at_most(0)


class CountingOpen:
    """Counts how many stores are opened, and may hold them up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from s3_bucket._async._botocore import store  # noqa: PLC0415  # importing it early would not be lazy

        self.count = 0
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self._open = store.BotocoreStore.open
        monkeypatch.setattr(store.BotocoreStore, "open", self)

    async def __call__(self, settings: Any) -> Any:  # noqa: D102  # it is what its class says
        self.count += 1
        self.begun.set()
        await self.go.wait()
        return await self._open(settings)


@pytest.fixture
async def opening(monkeypatch: pytest.MonkeyPatch) -> CountingOpen:
    """Return what watches the opening of stores."""
    return await asyncio.to_thread(CountingOpen, monkeypatch)


async def test_a_hundred_first_calls(opening: CountingOpen) -> None:
    """A hundred tasks that are the first at once open one store."""
    opening.go.set()
    async with server():
        bucket = S3.AsyncBucket("bucket")
        await asyncio.gather(*(bucket.put("key", b"data") for _ in range(100)))
        assert opening.count == 1
        await bucket.aclose()


async def test_the_first_is_cancelled(opening: CountingOpen) -> None:
    """When the task that was the first is cancelled, those that wait with it get their store."""
    async with server():
        bucket = S3.AsyncBucket("bucket")
        first = asyncio.ensure_future(bucket.put("first", b""))
        await opening.begun.wait()
        others = [asyncio.ensure_future(bucket.put("other", b"")) for _ in range(5)]
        first.cancel()
        await asyncio.wait({first})
        assert first.cancelled()
        opening.go.set()
        await asyncio.gather(*others)
        assert opening.count == 1
        await bucket.aclose()


async def test_all_are_cancelled(opening: CountingOpen) -> None:
    """When everybody who waited for the store is cancelled, a later call has it all the same."""
    async with server():
        bucket = S3.AsyncBucket("bucket")
        first = asyncio.ensure_future(bucket.put("first", b""))
        await opening.begun.wait()
        first.cancel()
        await asyncio.wait({first})
        opening.go.set()
        await bucket.put("later", b"")
        await bucket.aclose()


async def test_closed_while_it_opens(opening: CountingOpen) -> None:
    """Closing a bucket whose first call is waiting never cancels the caller's task."""
    async with server():
        bucket = S3.AsyncBucket("bucket")
        first = asyncio.ensure_future(bucket.put("first", b""))
        await opening.begun.wait()
        opening.go.set()
        await bucket.aclose()
        await asyncio.wait({first})
        assert not first.cancelled()
        await bucket.aclose()


async def test_open_fails(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a store can't be opened every waiting call says why, and the next one tries anew."""
    async with server():
        config = tmp_path / "config"
        monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
        S3.init(profile="late", endpoint_url="http://127.0.0.1:1", max_attempts=1)
        bucket = S3.AsyncBucket("bucket")
        outcomes = await asyncio.gather(*(bucket.put("key", b"") for _ in range(3)), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [S3.NoCredentials] * 3
        await asyncio.to_thread(
            config.write_text, "[profile late]\naws_access_key_id=a\naws_secret_access_key=b\nregion=us-east-1\n"
        )
        with pytest.raises(S3.BucketConnectionError):
            await bucket.put("key", b"")
        await bucket.aclose()


async def put_one(url: str) -> None:
    """Make one call and close nothing."""
    await S3.AsyncBucket("bucket", endpoint_url=url).put("key", b"data")


def test_one_loop_after_another(endpoint_url: str, bucket_name: str) -> None:
    """The same bucket works in one loop after another, and no loop is kept alive by it."""
    bucket = S3.AsyncBucket(bucket_name, endpoint_url=endpoint_url)
    loops: list[weakref.ref[asyncio.AbstractEventLoop]] = []

    async def use() -> None:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        await bucket.put("key", b"data")

    for _ in range(3):
        asyncio.run(use())
    gc.collect()
    assert [loop() for loop in loops] == [None] * 3


def test_two_loops_at_once(endpoint_url: str, bucket_name: str) -> None:
    """The same bucket works in the loops of two threads at the same time."""
    bucket = S3.AsyncBucket(bucket_name, endpoint_url=endpoint_url)
    meeting = threading.Barrier(2, timeout=60)
    failures: list[BaseException] = []

    async def use(name: str) -> None:
        await bucket.put(name, b"before")
        await asyncio.to_thread(meeting.wait)
        await asyncio.gather(*(bucket.put(f"{name}{number}", b"data") for number in range(20)))
        await asyncio.to_thread(meeting.wait)
        await bucket.aclose()

    def run(name: str) -> None:
        try:
            asyncio.run(use(name))
        except BaseException as error:  # noqa: BLE001  # it must reach the test
            failures.append(error)

    threads = [threading.Thread(target=run, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []


BEGIN = """
import asyncio, gc, os, sys
from s3_bucket import AsyncBucket
bucket = AsyncBucket("{bucket}", part_size=5 * 1024 ** 2)
"""

# Programs that close nothing.
CARELESS = {
    "just used": """
async def main():
    await bucket.put("key", b"data")
asyncio.run(main())
""",
    "exception": """
async def main():
    await bucket.put("key", b"data")
    raise LookupError
try:
    asyncio.run(main())
except LookupError:
    pass
""",
    "sys.exit": """
async def main():
    await bucket.put("key", b"data")
    sys.exit(0)
asyncio.run(main())
""",
    "entered, never left": """
async def main():
    await bucket.__aenter__()
    await bucket.put("key", b"data")
asyncio.run(main())
""",
    "calls on their way": """
async def main():
    await bucket.put("key", b"data")
    global tasks
    tasks = [asyncio.ensure_future(bucket.get("key")) for _ in range(20)]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
asyncio.run(main())
""",
    "upload on its way": """
async def drip():
    for _ in range(100):
        yield bytes(1024 ** 2)
        arrived.set()
async def main():
    global task, arrived
    arrived = asyncio.Event()
    task = asyncio.ensure_future(bucket.put("large", drip()))
    await arrived.wait()
asyncio.run(main())
async def left():
    assert not (await bucket.call("ListMultipartUploads")).get("Uploads")
asyncio.run(left())
""",
    "first call on its way": """
async def main():
    global task
    task = asyncio.ensure_future(bucket.get("key"))
    await asyncio.sleep(0)
asyncio.run(main())
""",
    "iterations half way": """
async def main():
    global kept
    await bucket.put("key", b"data")
    keys = ["key"] * 1000
    kept = [bucket.get_many(keys), bucket.list(), bucket.put_many((str(n), b"") for n in range(1000))]
    for results in kept:
        await anext(results)
asyncio.run(main())
""",
    "iterations dropped": """
async def main():
    await bucket.put("key", b"data")
    for results in (bucket.get_many(["key"] * 1000), bucket.list(), bucket.delete_many(str(n) for n in range(5000))):
        async for result in results:
            break
    del results
    gc.collect()
    await bucket.exists("key")
asyncio.run(main())
""",
    "iterations never begun": """
async def main():
    kept = [bucket.get_many(["key"]), bucket.list(), bucket.put_many([])]
    await bucket.put("key", b"data")
asyncio.run(main())
""",
    "readers left open": """
async def main():
    global kept
    await bucket.put("key", bytes(12 * 1024 ** 2))
    kept = [bucket.open_reader("key") for _ in range(20)]
    for manager in kept:
        reader = await manager.__aenter__()
        await reader.read(2 * 1024 ** 2)
    chunks = aiter(reader)
    await anext(chunks)
asyncio.run(main())
""",
    "readers dropped": """
async def main():
    await bucket.put("key", bytes(12 * 1024 ** 2))
    for _ in range(20):
        manager = bucket.open_reader("key")
        reader = await manager.__aenter__()
        await reader.read(2 * 1024 ** 2)
        del manager, reader
        gc.collect()
    await bucket.exists("key")
asyncio.run(main())
""",
    "writers dropped": """
async def main():
    for number in range(3):
        manager = bucket.open_writer(str(number))
        writer = await manager.__aenter__()
        await writer.write(bytes(11 * 1024 ** 2))
        del manager, writer
        gc.collect()
    while (await bucket.call("ListMultipartUploads")).get("Uploads"):
        pass
    assert [info.key async for info in bucket.list()] == []
asyncio.run(main())
""",
    "a loop by hand": """
loop = asyncio.new_event_loop()
loop.run_until_complete(bucket.put("key", b"data"))
loop.run_until_complete(loop.shutdown_asyncgens())
loop.run_until_complete(loop.shutdown_default_executor())
loop.close()
""",
    "many loops": """
for _ in range(5):
    asyncio.run(bucket.put("key", b"data"))
""",
}


@pytest.mark.parametrize("name", CARELESS)
def test_careless_programs(name: str, run_strictly: Callable[..., str], aws_endpoint: str, bucket_name: str) -> None:
    """A program that closes nothing ends with status 0, and nothing in its error output."""
    assert run_strictly("-c", BEGIN.replace("{bucket}", bucket_name) + CARELESS[name]) == ""


FORKING = """
import warnings
warnings.filterwarnings("ignore", ".*fork", DeprecationWarning)  # of processes with threads: just what is tested

async def child():
    await bucket.put("child", b"data")
    assert (await bucket.get("parent")).data == bytes(4)

async def main():
    await bucket.put("parent", b"data")
    for _ in range(3):
        if (pid := os.fork()) == 0:
            try:
                asyncio.run(child())
                gc.collect()
            except BaseException as error:
                print("child:", repr(error), flush=True)
                os._exit(1)
            os._exit(0)
        async with asyncio.timeout(10):  # below read_timeout, for which a connection that was lost would wait
            await asyncio.gather(*(bucket.get("parent") for _ in range(20)))
        _, status = await asyncio.to_thread(os.waitpid, pid, 0)
        print("child ended:", status, flush=True)
        async with asyncio.timeout(10):
            await bucket.get("child")

asyncio.run(main())
"""


def test_fork(run_strictly: Callable[..., str], tiny: str) -> None:
    """A child of a process with an open store opens its own, and the parent's next request isn't held up by that."""
    program = BEGIN.replace("{bucket}", "bucket") + FORKING
    assert run_strictly("-c", program.replace("part_size=", f"endpoint_url={tiny!r}, part_size=")) == (
        "child ended: 0\n" * 3
    )


@pytest.fixture
def tiny() -> Any:
    """Run a server whose connections live on, in a thread; its objects are four bytes long."""
    ready: Any = threading.Event()
    found: dict[str, Any] = {}

    async def serve() -> None:
        async with tiny_s3(4) as (_, url):
            found.update(url=url, loop=asyncio.get_running_loop(), end=asyncio.Event())
            ready.set()
            await found["end"].wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    ready.wait()
    yield found["url"]
    found["loop"].call_soon_threadsafe(found["end"].set)
    thread.join()
