"""Forked and spawned processes, threads, and other people's event loops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lifecycle.conftest import leave_uncovered

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Run

# A server on the loopback interface that echoes lines, and a coroutine that asks it over a connection which is kept:
# what a pool of connections is to a fork.
ECHO = """
import asyncio, os, signal, socket, socketserver, sys, threading, time, warnings
from s3_bucket._sync._portal import loop_thread
warnings.filterwarnings("ignore", ".*fork", DeprecationWarning)  # of processes with threads: just what is tested

class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line)

class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

connections = {}

async def ask(address, text):
    loop = asyncio.get_running_loop()
    if loop not in connections:
        connections[loop] = await asyncio.open_connection(*address), asyncio.Lock()
    (reader, writer), lock = connections[loop]
    async with lock:
        writer.write(text.encode() + b"\\n")
        return (await reader.readline()).decode().strip()

async def hang_up():
    (_, writer), _ = connections.pop(asyncio.get_running_loop())
    writer.close()
    await writer.wait_closed()

def leave(status=0):
    sys.stdout.flush()
    os._exit(status)
"""


def test_fork(run: Run) -> None:
    """A child of a process with a live loop thread makes calls of its own, and the parent's go on."""
    assert run(
        ECHO
        + """
with Server(("127.0.0.1", 0), Echo) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(loop_thread.call(ask, server.server_address, "before"), flush=True)
    if (child := os.fork()) == 0:
        print(loop_thread.call(ask, server.server_address, "child"))
        loop_thread.call(hang_up)
        leave()
    assert os.waitpid(child, 0)[1] == 0
    print(loop_thread.call(ask, server.server_address, "parent"))
    loop_thread.call(hang_up)
    server.shutdown()
"""
    ) == ["before", "child", "parent"]


def test_forked_child_that_ends_as_programs_do(run: Run) -> None:
    """A child's ordinary end collects what it inherited; the parent's connection survives, and nothing is printed."""
    assert (
        run(
            ECHO
            + """
import gc
with Server(("127.0.0.1", 0), Echo) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    loop_thread.call(ask, server.server_address, "before")
    for _ in range(3):
        if (child := os.fork()) == 0:
            warnings.simplefilter("ignore")  # that nobody has closed the parent's connection
            connections.clear()
            gc.collect()
            sys.exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        print(loop_thread.call(ask, server.server_address, "parent"))
    loop_thread.call(hang_up)
    server.shutdown()
"""
        )
        == ["parent"] * 3
    )


def test_fork_storm(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty forks from several threads under load: every child can call, and the parent never stalls."""
    leave_uncovered(monkeypatch)
    assert run(
        ECHO
        + """
with Server(("127.0.0.1", 0), Echo) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stop, slowest, calls = threading.Event(), [], []

    def load():
        worst = 0
        while not stop.is_set():
            begun = time.monotonic()
            loop_thread.call(ask, server.server_address, "load")
            worst = max(worst, time.monotonic() - begun)
            calls.append(1)
        slowest.append(worst)

    async def answer(): return 42

    def fork():
        for _ in range(10):
            if (child := os.fork()) == 0:
                os._exit(0 if loop_thread.call(answer) == 42 else 1)
            assert os.waitpid(child, 0)[1] == 0
            ended.append(child)

    ended = []
    loop_thread.call(ask, server.server_address, "first")
    loads = [threading.Thread(target=load) for _ in range(3)]
    forks = [threading.Thread(target=fork) for _ in range(5)]
    for thread in [*loads, *forks]: thread.start()
    for thread in forks: thread.join()
    stop.set()
    for thread in loads: thread.join()
    print(len(ended), len(calls) > len(loads), max(slowest) < 5)
    loop_thread.call(hang_up)
    server.shutdown()
"""
    ) == ["50 True True"]


def test_what_was_open_before_a_fork(run: Run) -> None:
    """A block, a reader or an iterator from before the fork is refused in the child, and the parent's isn't touched."""
    assert run(
        ECHO
        + """
from contextlib import asynccontextmanager
from s3_bucket._sync._facade import BlockingIterator, FileReader, Opened
from s3_bucket._async._batches import BatchIterator

class Source:
    async def read(self, n): return b"x" * 10

@asynccontextmanager
async def opened():
    yield Source()
    print("left by", "parent" if os.getpid() == parent else "child", flush=True)

async def batches():
    yield [1]
    yield [2]

parent = os.getpid()
items = BlockingIterator(BatchIterator(batches()))
next(items)
try:
    with Opened(FileReader, opened()) as reader:
        if (child := os.fork()) == 0:
            for attempt in (lambda: reader.read(10), lambda: next(items)):
                try:
                    attempt()
                except RuntimeError as error:
                    print("before a fork" in str(error), flush=True)
            del items
            sys.exit(3)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
finally:
    pass
print(next(items))
"""
    ) == ["True", "True", "left by parent", "2"]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(run: Run, method: str) -> None:
    """Worker processes of each kind make blocking calls, while their parent has made some too."""
    assert run(
        ECHO
        + f"""
import multiprocessing

async def double(n): return 2 * n
def work(n): return loop_thread.call(double, n)

if __name__ == "__main__":
    print(work(1))
    with multiprocessing.get_context("{method}").Pool(2) as pool:
        print(pool.map(work, [2, 3]))
        pool.close()
        pool.join()
    print(work(4))
"""
    ) == ["2", "[4, 6]", "8"]


def test_many_threads(run: Run) -> None:
    """Sixteen threads of two hundred calls share one loop thread, and each gets its own answers."""
    assert run(
        ECHO
        + """
from concurrent.futures import ThreadPoolExecutor
async def double(n):
    await asyncio.sleep(0)
    return 2 * n
with ThreadPoolExecutor(16) as pool:
    answers = list(pool.map(lambda thread: [loop_thread.call(double, n) for n in range(200)], range(16)))
print(answers == [[2 * n for n in range(200)]] * 16)
print(sum(thread.name == "s3-bucket" for thread in threading.enumerate()))
"""
    ) == ["True", "1"]


def test_inside_a_running_loop(run: Run) -> None:
    """Inside somebody else's running loop, as in Jupyter, a call works, and leaves that loop as it was."""
    assert run(
        ECHO
        + """
async def double(n):
    assert asyncio.get_running_loop() is not theirs
    return 2 * n

async def cell():
    global theirs
    theirs = asyncio.get_running_loop()
    print(loop_thread.call(double, 21))
    assert asyncio.get_running_loop() is theirs

asyncio.run(cell())
"""
    ) == ["42"]


def test_system_exit_in_a_coroutine(run: Run) -> None:
    """sys.exit() in a coroutine ends the program of the caller, not the loop."""
    assert run(
        ECHO
        + """
async def leave_program(): sys.exit(3)
async def answer(): return "still works"
try:
    loop_thread.call(leave_program)
except SystemExit:
    print(loop_thread.call(answer))
    raise
""",
        status=3,
    ) == ["still works"]
