"""Processes that are killed, stopped, interrupted, forked by the thousand, or short of file descriptors."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

import s3_bucket as S3
from tests import tiny_s3
from tests.lifecycle import conftest
from tests.lifecycle.conftest import QUIET, Child

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

MIB = 1024 * 1024
PART = 5 * MIB
OLD, NEW = b"old", b"n" * PART + b"e" * PART + b"w"
FORKS = int(os.environ.get("S3_TEST_FORKS", "1000"))
FILES = int(os.environ.get("S3_TEST_FILES", "600"))  # three requests each
LEFT_BEHIND = re.compile(r"\.file\.[0-9a-f]{16}\.s3part")


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Child]]:
    """Return what starts a program; its process group is killed in the end."""
    monkeypatch.setattr(conftest, "LIMIT", 40 + (FORKS + FILES) // 20)
    with conftest.starting(tmp_path) as start:
        yield start


@pytest.fixture
def tiny() -> Iterator[str]:
    """Run a tiny S3, whose objects have 1,000 bytes, in a process of its own; return its URL."""
    yield from running(1000)


@pytest.fixture
def vast() -> Iterator[str]:
    """Run another whose objects are so long that nobody reads one ahead to its end."""
    yield from running(64 * MIB)


def running(object_size: int) -> Iterator[str]:
    """Run a tiny S3 in a process of its own; give its URL."""
    command = [sys.executable, tiny_s3.__file__, str(object_size)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.communicate()


def say(child: Child, line: str) -> None:
    """Write a line to a program's standard input."""
    assert child.process.stdin is not None
    child.process.stdin.write(line + "\n")
    child.process.stdin.flush()


PLAIN = """
import os, sys
os.environ["PYTHONDEVMODE"] = ""
os.execv(sys.executable, [sys.executable, "-u", "-W", "error", "-c", {program!r}])
"""


def plain(program: str) -> str:
    """Return a program that goes on without development mode: asyncio's debug mode takes five times as long."""
    return PLAIN.format(program=QUIET + program)


# Killed, or interrupted, at each stage

STAGES = """
import asyncio, sys
import s3_bucket as S3
from s3_bucket._async._retry import RetryingStore

WANTED, COUNT = {wanted!r}, {count}
passed = 0

async def stage(name):
    global passed
    passed += name == WANTED
    if name == WANTED and passed == COUNT:
        print(name, flush=True)
        await asyncio.to_thread(sys.stdin.readline)

def staged(name):
    method = getattr(RetryingStore, name)
    async def wrapped(*arguments):
        await stage("before " + name)
        result = await method(*arguments)
        await stage("after " + name)
        return result
    setattr(RetryingStore, name, wrapped)

for name in ("get", "create_upload", "upload_part", "complete_upload"):
    staged(name)
bucket = S3.Bucket({bucket!r}, part_size={part})
try:
    {call}
except KeyboardInterrupt:
    print("interrupted")
"""
UPLOAD_STAGES = [
    ("before create_upload", 1),
    ("after create_upload", 1),
    ("before upload_part", 3),
    ("after upload_part", 1),
    ("before complete_upload", 1),
    ("after complete_upload", 1),
]


@pytest.fixture
def bucket(aws_endpoint: str, bucket_name: str) -> Iterator[S3.Bucket]:
    """Return a bucket at moto."""
    with S3.Bucket(bucket_name, part_size=PART) as bucket:
        yield bucket


def unfinished(bucket: S3.Bucket) -> list[tuple[str, str]]:
    """Return the keys and ids of the uploads that have begun and not ended."""
    return [(each["Key"], each["UploadId"]) for each in bucket.call("ListMultipartUploads").get("Uploads", [])]


def uploading(start: Callable[..., Child], bucket: S3.Bucket, source: Path, wanted: str, count: int) -> Child:
    """Start an upload in a process of its own, and wait until it has reached the stage."""
    source.write_bytes(NEW)
    bucket.put("key", OLD)
    call = f"bucket.upload_file({str(source)!r}, 'key')"
    child = start(STAGES.format(wanted=wanted, count=count, bucket=bucket.name, part=PART, call=call))
    child.checkpoint(wanted)
    return child


@pytest.mark.parametrize(("wanted", "count"), UPLOAD_STAGES)
def test_upload_killed(wanted: str, count: int, start: Callable[..., Child], bucket: S3.Bucket, tmp_path: Path) -> None:
    """Of an upload that is killed, the object is the old or the new one, and what stays is an unfinished upload."""
    child = uploading(start, bucket, tmp_path / "source", wanted, count)
    child.process.kill()
    child.end(-signal.SIGKILL)
    left = unfinished(bucket)
    done, begun = wanted == "after complete_upload", wanted != "before create_upload"
    assert [key for key, _ in left] == (["key"] if begun and not done else [])
    assert bucket.get("key").data == (NEW if done else OLD)
    for key, upload_id in left:
        bucket.call("AbortMultipartUpload", Key=key, UploadId=upload_id)
    assert [info.key for info in bucket.list()] == ["key"]


@pytest.mark.parametrize(("wanted", "count"), UPLOAD_STAGES[1::2])
def test_upload_interrupted(
    wanted: str, count: int, start: Callable[..., Child], bucket: S3.Bucket, tmp_path: Path
) -> None:
    """Of an upload that is interrupted, nothing stays but the old object, or the new one."""
    child = uploading(start, bucket, tmp_path / "source", wanted, count)
    child.interrupt()
    say(child, "")  # the request that was on its way is answered now
    assert child.end() == (["interrupted"], "")
    assert unfinished(bucket) == []
    assert bucket.get("key").data == (NEW if wanted == "after complete_upload" else OLD)


def downloading(start: Callable[..., Child], bucket: S3.Bucket, directory: Path, wanted: str, count: int) -> Child:
    """Start a download over an old file in a process of its own, and wait until it has reached the stage."""
    directory.mkdir()
    (directory / "file").write_bytes(OLD)
    bucket.put("key", NEW)
    call = f"bucket.download_file('key', {str(directory / 'file')!r})"
    child = start(STAGES.format(wanted=wanted, count=count, bucket=bucket.name, part=PART, call=call))
    child.checkpoint(wanted)
    return child


@pytest.mark.parametrize(("wanted", "count"), [("after get", 1), ("after get", 3)])
def test_download_killed(
    wanted: str, count: int, start: Callable[..., Child], bucket: S3.Bucket, tmp_path: Path
) -> None:
    """Of a download that is killed, the old file stays, and one temporary file that is known by its name."""
    child = downloading(start, bucket, tmp_path / "down", wanted, count)
    child.process.kill()
    child.end(-signal.SIGKILL)
    temporary, name = sorted(each.name for each in (tmp_path / "down").iterdir())
    assert LEFT_BEHIND.fullmatch(temporary)
    assert (tmp_path / "down" / name).read_bytes() == OLD
    bucket.download_file("key", tmp_path / "down" / "file")
    assert (tmp_path / "down" / "file").read_bytes() == NEW


def test_download_interrupted(start: Callable[..., Child], bucket: S3.Bucket, tmp_path: Path) -> None:
    """Of a download that is interrupted, the old file stays, and nothing beside it."""
    child = downloading(start, bucket, tmp_path / "down", "before get", 2)
    child.interrupt()
    say(child, "")  # the request that was on its way is answered now
    assert child.end() == (["interrupted"], "")
    (left,) = (tmp_path / "down").iterdir()
    assert left.read_bytes() == OLD


# Killed, and gone on with


RESUMED_UPLOADS = [
    # Stage, parts that it has sent, requests of the call that goes on.
    ("before create_upload", 1, 0, {"CreateMultipartUpload": 1}),
    ("before upload_part", 1, 0, {"ListParts": 1}),
    ("after upload_part", 1, 1, {"ListParts": 1}),
    ("before upload_part", 3, 2, {"ListParts": 1}),
    ("before complete_upload", 1, 3, {"ListParts": 1}),
]
ONE_BY_ONE = "S3.Bucket({name!r}, part_size={part}, max_concurrency=1).{call}"


def killed(start: Callable[..., Child], bucket: S3.Bucket, wanted: str, count: int, call: str) -> None:
    """Make a call, of one request at a time, in a process of its own, and kill it when it has reached the stage."""
    call = ONE_BY_ONE.format(name=bucket.name, part=PART, call=call)
    child = start(STAGES.format(wanted=wanted, count=count, bucket=bucket.name, part=PART, call=call))
    child.checkpoint(wanted)
    child.process.kill()
    child.end(-signal.SIGKILL)


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Count the requests that are made."""
    found: Counter[str] = Counter()
    with S3.on_event(lambda event: found.update([event.operation])):
        yield found


@pytest.mark.parametrize(("wanted", "count", "stored", "requests"), RESUMED_UPLOADS)
@pytest.mark.parametrize("options", [{}, {"if_absent": True}])
def test_killed_upload_resumed(
    wanted: str,
    count: int,
    stored: int,
    requests: dict[str, int],
    options: dict[str, Any],
    start: Callable[..., Child],
    bucket: S3.Bucket,
    tmp_path: Path,
) -> None:
    """What a killed process has sent isn't sent again, the object is whole, and nothing else is left."""
    source = tmp_path / "source"
    source.write_bytes(NEW)
    killed(start, bucket, wanted, count, f"upload_file({str(source)!r}, 'key', resume=True, **{options})")
    told: list[S3.Progress] = []
    with counted() as made:
        info = bucket.upload_file(source, "key", resume=True, progress=told.append, **options)
    del made["HeadObject"]  # whether a condition holds is looked at where the vendor may overlook it
    assert made == Counter({**requests, "UploadPart": 3 - stored, "CompleteMultipartUpload": 1}) + Counter()
    assert told[0].done == min(stored * PART, len(NEW))
    assert (info.size, bucket.get("key").data) == (len(NEW), NEW)
    assert unfinished(bucket) == []


@pytest.mark.parametrize("options", [{}, {"if_absent": True}])
def test_completed_upload_resumed(
    options: dict[str, Any], start: Callable[..., Child], bucket: S3.Bucket, tmp_path: Path
) -> None:
    """Of an upload that was completed just before its process was killed, nothing is sent, and it has succeeded."""
    source = tmp_path / "source"
    source.write_bytes(NEW)
    call = f"upload_file({str(source)!r}, 'key', resume=True, metadata={{'a': 'b'}}, **{options})"
    killed(start, bucket, "after complete_upload", 1, call)
    told: list[S3.Progress] = []
    with counted() as made:
        info = bucket.upload_file(source, "key", metadata={"a": "b"}, resume=True, progress=told.append, **options)
    assert made == {"ListParts": 1, "HeadObject": 1}
    assert told == [S3.Progress("key", len(NEW), len(NEW))]
    assert (info.etag, info.metadata) == (bucket.head("key").etag, {"a": "b"})
    with counted() as made:
        bucket.upload_file(source, "key", resume=True)
    assert made["UploadPart"] == 3  # nothing is noted of it any more: it is a new one


@pytest.mark.parametrize(
    ("wanted", "count", "there"), [("before get", 1, 0), ("after get", 2, 1), ("before get", 3, 2)]
)
def test_killed_download_resumed(
    wanted: str, count: int, there: int, start: Callable[..., Child], bucket: S3.Bucket, tmp_path: Path
) -> None:
    """What a killed process has fetched isn't fetched again, the file is whole, and nothing else is left."""
    directory = tmp_path / "down"
    directory.mkdir()
    (directory / "file").write_bytes(OLD)
    bucket.put("key", NEW)
    killed(start, bucket, wanted, count, f"download_file('key', {str(directory / 'file')!r}, resume=True)")
    assert (directory / "file").read_bytes() == OLD
    told: list[S3.Progress] = []
    with counted() as made:
        bucket.download_file("key", directory / "file", resume=True, progress=told.append)
    assert made == Counter({"HeadObject": min(there, 1), "GetObject": 3 - there}) + Counter()
    assert (told[0].done, told[-1].done) == (max(1, there) * PART, len(NEW))
    assert [path.read_bytes() for path in directory.iterdir()] == [NEW]


@pytest.mark.parametrize(("wanted", "missing"), [("after upload_part", 1), ("after get", 2)])
def test_resumed_while_another_is_at_it(
    wanted: str, missing: int, start: Callable[..., Child], bucket: S3.Bucket, tmp_path: Path
) -> None:
    """While another process is at it, a call does it alone; when that is killed, what it had done is gone on with."""
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.write_bytes(NEW)
    bucket.put("key", NEW)
    name, path = ("upload_file", source) if "upload" in wanted else ("download_file", copy)
    arguments = (str(path), "key") if path is source else ("key", str(path))
    call = ONE_BY_ONE.format(name=bucket.name, part=PART, call=f"{name}(*{arguments}, resume=True)")
    child = start(STAGES.format(wanted=wanted, count=2, bucket=bucket.name, part=PART, call=call))
    child.checkpoint(wanted)
    for expected in (3, 3, missing):
        if expected == missing:
            child.process.kill()
            child.end(-signal.SIGKILL)
        with counted() as made:
            getattr(bucket, name)(*arguments, resume=True)
        assert made["UploadPart"] + made["GetObject"] == expected
    assert (bucket.get("key").data, path.read_bytes()) == (NEW, NEW)
    assert unfinished(bucket) == []
    assert sorted(each.name for each in tmp_path.iterdir() if each.name.startswith(".")) == []


# A server that is stopped

SERVER = """
import sys
from moto.moto_server.werkzeug_app import MotoRequestHandler
from moto.server import ThreadedMotoServer

class OneServerHeader(MotoRequestHandler):
    def send_response(self, code, message=None):
        self.send_response_only(code, message)

server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
server._server.RequestHandlerClass = OneServerHeader
print("http://{}:{}".format(*server.get_host_and_port()), flush=True)
sys.stdin.read()
"""


class Frozen:
    """A server in a process of its own, that can be stopped for a while."""

    def __init__(self, child: Child) -> None:
        assert child.process.stdout is not None
        self._process = child.process
        self.url = child.process.stdout.readline().strip()

    def stop(self) -> None:
        """Let it do nothing from now on; its connections stand, and new ones too."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it work again."""
        self._process.send_signal(signal.SIGCONT)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Frozen]:
    """Run moto in a process of its own."""
    path = tmp_path_factory.mktemp("server") / "server.py"
    path.write_text("import warnings; warnings.simplefilter('ignore')\n" + SERVER)
    child = Child(path)
    try:
        yield Frozen(child)
    finally:
        child.kill()


@pytest.fixture
async def remote(server: Frozen) -> AsyncIterator[S3.AsyncBucket]:
    """Return a bucket there with three objects, of little patience."""
    async with S3.AsyncBucket(
        f"bucket-{uuid.uuid4().hex}",
        endpoint_url=server.url,
        part_size=PART,
        connect_timeout=1.0,
        read_timeout=1.0,
        max_attempts=2,
    ) as bucket:
        server.go_on()
        await patient(bucket).create()
        for key in ("small", "large", "other"):
            await patient(bucket).put(key, NEW if key == "large" else OLD)
        yield bucket


def patient(bucket: S3.AsyncBucket) -> S3.AsyncBucket:
    """Return the same bucket, for one who has time."""
    return S3.AsyncBucket(bucket.name, **{**bucket._overrides, "read_timeout": 60.0, "max_attempts": 9})


class Retry(logging.Handler):
    """Acts when an attempt has failed and is made again."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__(logging.INFO)
        self._act = act
        self.seen = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Act."""
        self.seen += 1
        self._act()


async def drip(stop: Callable[[], None]) -> AsyncIterator[bytes]:
    """Give three parts, and stop the server after the second."""
    yield NEW[:PART]
    yield NEW[PART : 2 * PART]
    stop()
    yield NEW[2 * PART :]


async def stream(bucket: S3.AsyncBucket, server: Frozen, _: Path) -> None:
    """Upload parts, the server being stopped after some."""
    await bucket.put("streamed", drip(server.stop))


def frozen(call: Callable[[S3.AsyncBucket, Path], Awaitable[Any]]) -> Callable[..., Awaitable[None]]:
    """Return what makes a call of a server that is stopped before."""

    async def run(bucket: S3.AsyncBucket, server: Frozen, place: Path) -> None:
        server.stop()
        await call(bucket, place)

    return run


async def read(bucket: S3.AsyncBucket, _: Path) -> None:
    """Read piece by piece."""
    async with bucket.open_reader("large") as reader:
        assert await reader.read() == NEW


async def list_all(bucket: S3.AsyncBucket, _: Path) -> None:
    """List."""
    assert [info.key async for info in bucket.list("o")] == ["other"]


CALLS: dict[str, Callable[[S3.AsyncBucket, Frozen, Path], Awaitable[None]]] = {
    "put in parts": stream,
    "put": frozen(lambda bucket, _: bucket.put("put", OLD)),
    "get": frozen(lambda bucket, _: bucket.get("large")),
    "read": frozen(read),
    "download_file": frozen(lambda bucket, place: bucket.download_file("large", place / "file")),
    "list": frozen(list_all),
    "head": frozen(lambda bucket, _: bucket.head("small")),
    "delete": frozen(lambda bucket, _: bucket.delete("small")),
}


async def state(bucket: S3.AsyncBucket) -> tuple[dict[str, bytes], list[Any]]:
    """Return the objects and the unfinished uploads."""
    objects = {info.key: (await bucket.get(info.key)).data async for info in bucket.list()}
    return objects, (await bucket.call("ListMultipartUploads")).get("Uploads", [])


BEFORE = {"small": OLD, "large": NEW, "other": OLD}
AFTER = {"put in parts": {**BEFORE, "streamed": NEW}, "put": {**BEFORE, "put": OLD}}
AFTER["delete"] = {key: data for key, data in BEFORE.items() if key != "small"}


@pytest.mark.parametrize("call", CALLS)
async def test_server_stopped_for_a_while(call: str, server: Frozen, remote: S3.AsyncBucket, tmp_path: Path) -> None:
    """A server that stands still for longer than read_timeout costs a retry: no duplicate, no orphan."""
    log, retry = logging.getLogger("s3_bucket"), Retry(server.go_on)
    log.addHandler(retry)
    log.setLevel(logging.INFO)
    try:
        await CALLS[call](remote, server, tmp_path)
    finally:
        server.go_on()
        log.removeHandler(retry)
        log.setLevel(logging.NOTSET)
    assert retry.seen >= 1
    assert await state(patient(remote)) == (AFTER.get(call, BEFORE), [])


@pytest.mark.parametrize("call", ["put in parts", "put", "get", "download_file", "list"])
async def test_server_stopped_for_good(call: str, server: Frozen, remote: S3.AsyncBucket, tmp_path: Path) -> None:
    """If it stands still for ever, the call ends with BucketTimeout, and says what it had to leave."""
    begun = time.monotonic()
    try:
        with pytest.raises(S3.BucketTimeout) as caught:
            await CALLS[call](remote, server, tmp_path)
        took = time.monotonic() - begun
    finally:
        server.go_on()
    most = 3 if call == "put in parts" else 1  # an upload aborts; its parts wait for each other
    assert took < most * 2 * (1.0 + 1.0) + 15
    objects, uploads = await state(patient(remote))
    assert objects in (BEFORE, AFTER.get(call, BEFORE))  # what was asked for may be done when the server wakes up
    notes = "".join(getattr(caught.value, "__notes__", []))
    assert [each["UploadId"] for each in uploads if each["UploadId"] not in notes] == []
    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == []


# Forks

STORM = """
import gc, os, sys, threading, time, warnings
import s3_bucket as S3
warnings.filterwarnings("ignore", ".*fork", DeprecationWarning)  # of processes with threads: just what is tested
bucket = S3.Bucket("bucket", endpoint_url={url!r}, max_concurrency=4)
assert len(bucket.get("first")[0]) == 1000
stop, slowest, calls, ended = threading.Event(), [], [], []

def load():
    worst = 0
    while not stop.is_set():
        begun = time.monotonic()
        assert len(bucket.get("load")[0]) == 1000
        worst = max(worst, time.monotonic() - begun)
        calls.append(1)
    slowest.append(worst)

def child(number):
    try:
        if number % {every} == 0:
            assert len(bucket.get("child")[0]) == 1000
        elif number % {every} == 1:
            gc.collect()
        os._exit(0)
    finally:
        os._exit(1)

def fork(first):
    for number in range(first, {forks}, 8):
        pid = os.fork()
        if pid == 0:
            child(number // 8)
        ended.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

loads = [threading.Thread(target=load) for _ in range(2)]
forks = [threading.Thread(target=fork, args=(first,)) for first in range(8)]
for thread in [*loads, *forks]: thread.start()
for thread in forks: thread.join()
stop.set()
for thread in loads: thread.join()
assert len(bucket.get("last")[0]) == 1000
print(len(ended), set(ended), len(calls) > 2, max(slowest) < 10, flush=True)
"""


def test_a_thousand_forks(start: Callable[..., Child], tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forked a thousand times by eight threads under load, no child hangs, and the parent never stalls."""
    conftest.leave_uncovered(monkeypatch)
    out, err = start(plain(STORM.format(url=tiny, forks=FORKS, every=50))).end()
    assert (out, err) == ([f"{FORKS} {{0}} True True"], "")


PREFORK = """
import os, signal, socket, sys, threading, warnings
import s3_bucket as S3
warnings.filterwarnings("ignore", ".*fork", DeprecationWarning)  # of processes with threads: just what is tested
bucket = S3.Bucket("bucket", endpoint_url={url!r}, max_concurrency=4)
listening = socket.create_server(("127.0.0.1", 0))
assert bucket.exists("warm")  # what a server does before it forks

def serve():
    while True:
        connection, _ = listening.accept()
        with connection:
            data, _ = bucket.get(connection.recv(100).decode())
            connection.sendall(f"{{os.getpid()}} {{len(data)}}".encode())

workers = []
for _ in range(4):
    if (worker := os.fork()) == 0:
        try:
            serve()
        finally:
            os._exit(1)
    workers.append(worker)

answers = []
def ask(number):
    for each in range(10):
        with socket.create_connection(listening.getsockname()) as connection:
            connection.sendall(f"{{number}} {{each}}".encode())
            answers.append(connection.recv(100).decode().split())
        assert len(bucket.get("of the parent")[0]) == 1000

threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
for worker in workers:
    os.kill(worker, signal.SIGTERM)
    os.waitpid(worker, 0)
assert bucket.exists("the end")
print(len(answers), {{size for _, size in answers}}, {{int(pid) for pid, _ in answers}} <= set(workers))
listening.close()
"""


def test_prefork_server(start: Callable[..., Child], tiny: str) -> None:
    """Workers that were forked after the parent's first call serve calls of their own, and the parent goes on."""
    assert start(PREFORK.format(url=tiny)).end() == (["80 {'1000'} True"], "")


# Threads and callbacks

THREADS = """
import threading
import s3_bucket as S3
bucket = S3.Bucket("bucket", endpoint_url={url!r}, max_concurrency=8)
barrier, wrong = threading.Barrier(64), []

def work(number):
    barrier.wait()
    for each in range(5):
        info = bucket.put(f"{{number}}/{{each}}", str(number) * 7)
        if info.key != f"{{number}}/{{each}}" or info.size != 7 * len(str(number)):
            wrong.append(info)
        if len(bucket.get("key")[0]) != 1000 or [r.key for r in bucket.get_many([f"{{number}}"])] != [f"{{number}}"]:
            wrong.append(number)

threads = [threading.Thread(target=work, args=(number,)) for number in range(64)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(wrong, sum(thread.name == "s3-bucket" for thread in threading.enumerate()))
"""


def test_threads(start: Callable[..., Child], tiny: str) -> None:
    """Sixty-four threads that begin at once share one loop thread, and each gets what it asked for."""
    assert start(plain(THREADS.format(url=tiny))).end() == (["[] 1"], "")


LEAVING = """
import asyncio, sys, threading
import s3_bucket as S3

def leaving():
    yield bytes(2 * {part})
    raise {how}

class Leaving:
    def read(self, n):
        raise {how}

async def leaving_softly():
    yield bytes(2 * {part})
    raise {how}

bucket = S3.Bucket({bucket!r}, part_size={part})
other = threading.Thread(target=lambda: [bucket.put(str(number), b"of another thread") for number in range(20)])
other.start()
for data in (leaving(), Leaving(), leaving_softly()):
    try:
        bucket.put("key", data)
    except BaseException as error:
        print(repr(error), flush=True)
other.join()
print(bucket.call("ListMultipartUploads").get("Uploads", []), len(list(bucket.list())), flush=True)
bucket.put("key", leaving())
"""


@pytest.mark.parametrize("how", ["SystemExit(3)", "KeyboardInterrupt()"])
def test_callbacks_that_end_the_program(how: str, start: Callable[..., Child], bucket: S3.Bucket) -> None:
    """A SystemExit out of the data reaches the caller as itself: the upload is aborted, and no other call fails."""
    child = start(LEAVING.format(part=PART, how=how, bucket=bucket.name))
    out, err = child.end(3 if how.startswith("System") else -signal.SIGINT)
    assert out == [how, how, how, "[] 20"]
    assert err.startswith("Traceback" if how.startswith("Key") else "") is True
    assert "never retrieved" not in err
    assert unfinished(bucket) == []


ASYNC_LEAVING = """
import asyncio, sys
import s3_bucket as S3

async def leaving():
    yield bytes(2 * {part})
    sys.exit(3)

async def main():
    async with S3.AsyncBucket({bucket!r}, part_size={part}) as bucket:
        await bucket.put("key", leaving())

asyncio.run(main())
"""


def test_sys_exit_in_the_awaited_face(start: Callable[..., Child], bucket: S3.Bucket) -> None:
    """In a program on asyncio it ends the program with its status, and the upload is aborted first."""
    assert start(ASYNC_LEAVING.format(part=PART, bucket=bucket.name)).end(3) == ([], "")
    assert unfinished(bucket) == []
    assert not bucket.exists("key")


# Few file descriptors

FEW = """
import os, pathlib, resource, sys
import s3_bucket as S3
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
place, count = pathlib.Path({place!r}), {files}
(place / "source").write_bytes(b"1" * 1000)
bucket = S3.Bucket("bucket", endpoint_url={url!r})
keys = [str(number) for number in range(count)]

def failed(results):
    outcomes = list(results)
    assert len(outcomes) == count
    return [repr(result.error) for result in outcomes if not result.ok][:3]

print(failed(bucket.upload_files((place / "source", key) for key in keys)), flush=True)
print(failed(bucket.get_many(keys)), flush=True)
print(failed(bucket.download_files((key, place / f"to {{key}}") for key in keys)), flush=True)
print(sum(each.stat().st_size for each in place.glob("to *")) == 1000 * count, len(os.listdir("/proc/self/fd")) < 60)
"""


def test_few_file_descriptors(start: Callable[..., Child], tiny: str, tmp_path: Path) -> None:
    """With 256 file descriptors, thousands of files go up and come down, and none stays open."""
    (tmp_path / "files").mkdir()
    child = start(plain(FEW.format(url=tiny, files=FILES, place=str(tmp_path / "files"))))
    assert child.end() == (["[]", "[]", "[]", "True True"], "")


NONE_LEFT = """
import contextlib, os, resource
import s3_bucket as S3
bucket = S3.Bucket("bucket", endpoint_url={url!r}, max_attempts=1)
held = contextlib.ExitStack()
# Busy, or all the others would go through this connection, one after another.
held.enter_context(bucket.open_reader("busy")).read(1)
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
taken = []
try:
    while True:
        taken.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
failed = 0
for call in (lambda: list(bucket.get_many(map(str, range(20)))), lambda: bucket.download_file("key", {place!r})):
    try:
        failed += not all(result.ok for result in call())
    except (S3.BucketException, OSError) as error:
        failed += 1
for each in taken:
    os.close(each)
held.close()
print(failed, len(bucket.get("again")[0]), [result.ok for result in bucket.get_many(["1", "2"])])
"""


def test_no_file_descriptor(start: Callable[..., Child], vast: str, tmp_path: Path) -> None:
    """Without any left a call fails with an error that has a name, none hangs, and with some again all is well."""
    child = start(NONE_LEFT.format(url=vast, place=str(tmp_path / "file")))
    assert child.end() == ([f"2 {64 * MIB} [True, True]"], "")
