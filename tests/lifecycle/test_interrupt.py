"""Ctrl-C in a blocking call: the coroutine has cleaned up before anybody sees the KeyboardInterrupt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lifecycle.conftest import Child

BEGIN = """
import asyncio, contextlib, sys, threading, time
from s3_bucket._sync._portal import Parked, loop_thread

def say(*words):
    print(*words, flush=True)
"""


def test_cleanup_comes_first(start: Callable[[str], Child]) -> None:
    """The coroutine is cancelled and has cleaned up, over awaits, when KeyboardInterrupt propagates."""
    child = start(
        BEGIN
        + """
async def upload():
    say("running")
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        await asyncio.to_thread(lambda: None)
        say("cleaned up")

try:
    loop_thread.call(upload)
except KeyboardInterrupt:
    say("interrupted")
async def answer(): return "still works"
say(loop_thread.call(answer))
"""
    )
    child.checkpoint("running")
    child.interrupt()
    out, err = child.end()
    assert out == ["cleaned up", "interrupted", "still works"]
    assert err == ""


def test_second_interrupt_breaks_the_wait(start: Callable[[str], Child]) -> None:
    """A second Ctrl-C doesn't wait for a cleanup that takes too long."""
    child = start(
        BEGIN
        + """
patience = threading.Event()
async def upload():
    say("running")
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        say("cleaning up")
        await asyncio.to_thread(patience.wait)

try:
    loop_thread.call(upload)
except KeyboardInterrupt:
    say("interrupted")
    patience.set()
"""
    )
    child.checkpoint("running")
    child.interrupt()
    child.checkpoint("cleaning up")
    child.interrupt()
    out, err = child.end()
    assert out == ["interrupted"]
    assert err == ""


def test_failed_cleanup_is_seen(start: Callable[[str], Child]) -> None:
    """What the cleanup raises is the interrupt's cause: its note may hold what was left behind."""
    child = start(
        BEGIN
        + """
async def upload():
    say("running")
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        raise OSError("not aborted")

try:
    loop_thread.call(upload)
except KeyboardInterrupt as interrupt:
    say(repr(interrupt.__cause__))
"""
    )
    child.checkpoint("running")
    child.interrupt()
    assert child.end() == (["OSError('not aborted')"], "")


def test_interrupt_inside_a_block(start: Callable[[str], Child]) -> None:
    """In a block's own code, Ctrl-C leaves the block as any exception does."""
    child = start(
        BEGIN
        + """
from s3_bucket._sync._facade import Opened

@contextlib.asynccontextmanager
async def opened():
    try:
        yield "value"
    except BaseException as error:
        say(type(error).__name__)
        raise

class File:
    def __init__(self, running, value): pass
    def finish(self): say("published")
    def discard(self): say("discarded")

try:
    with Opened(File, opened()):
        say("inside")
        threading.Event().wait()
except KeyboardInterrupt:
    say("interrupted")
"""
    )
    child.checkpoint("inside")
    child.interrupt()
    assert child.end() == (["discarded", "KeyboardInterrupt", "interrupted"], "")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_interrupts_at_any_instant(start: Callable[[str], Child], seed: int) -> None:
    """Whenever Ctrl-C comes, no coroutine is left running, and the loop goes on serving."""
    child = start(
        BEGIN
        + f"""
import _thread, random
random.seed({seed})
running = 0
async def work():
    global running
    running += 1
    try:
        await asyncio.sleep(0.0005)
    finally:
        running -= 1

async def answer(): return "still works"
hits = 0
for _ in range(150):
    timer = threading.Timer(random.random() / 500, _thread.interrupt_main)
    try:
        timer.start()
        for _ in range(10_000):
            loop_thread.call(work)
    except KeyboardInterrupt:
        hits += 1
    timer.join()
    assert running == 0, running
say(hits, loop_thread.call(answer))
"""
    )
    assert child.end() == (["150 still works"], "")
