"""The documented Bucket in programs of its own, over an S3 on the loopback interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lifecycle.conftest import Child, Run

BEGIN = """
import os, signal, sys, threading, warnings
import s3_bucket as S3
warnings.filterwarnings("ignore", ".*fork", DeprecationWarning)  # of processes with threads: just what is tested
bucket = S3.Bucket({!r})
"""


def test_documented_program(run: Run, aws_endpoint: str, bucket_name: str) -> None:
    """A program that closes nothing ends without a complaint, also with an iteration left behind."""
    program = """
bucket.put("key", "value", metadata={"owner": "me"})
print(bucket.get("key"))
for info in bucket.list():
    break
"""
    assert run(BEGIN.format(bucket_name) + program) == ["(b'value', {'owner': 'me'})"]


def test_exit_without_catching(start: Callable[[str], Child], aws_endpoint: str, bucket_name: str) -> None:
    """An exception of the library ends the program, which complains of nothing else."""
    _, err = start(BEGIN.format(bucket_name) + 'bucket.get("no such key")').end(1)
    assert "NoSuchKey" in err
    assert "Unclosed" not in err


def test_fork(run: Run, aws_endpoint: str, bucket_name: str) -> None:
    """Children that end in each way make calls of their own, and the parent's connections survive them."""
    program = """
bucket.put("key", "value")
for leave in (sys.exit, os._exit):
    if (child := os.fork()) == 0:
        assert bucket.get("key")[0] == b"value"
        leave(0)
    assert os.waitpid(child, 0)[1] == 0
    print(bucket.get("key")[0])
"""
    assert run(BEGIN.format(bucket_name) + program) == ["b'value'"] * 2


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(run: Run, aws_endpoint: str, bucket_name: str, method: str) -> None:
    """Worker processes of each kind use a bucket that came to them by pickle or by inheritance."""
    program = f"""
import multiprocessing

def work(n):
    bucket.put(str(n), str(n))
    return int(bucket.get(str(n))[0])

if __name__ == "__main__":
    print(work(1))
    with multiprocessing.get_context("{method}").Pool(2) as pool:
        print(pool.map(work, [2, 3]))
        pool.close()
        pool.join()
    print(work(4))
"""
    assert run(BEGIN.format(bucket_name) + program) == ["1", "[2, 3]", "4"]


UPLOAD = """
def endless():
    for _ in range(3):
        yield bytes(8 * 1024 * 1024)
    print("uploading", flush=True)
    while True:
        threading.Event().wait(0.05)
        yield b"x"

def uploads():
    return bucket.call("ListMultipartUploads").get("Uploads", [])
"""


def test_interrupted_upload(start: Callable[[str], Child], aws_endpoint: str, bucket_name: str) -> None:
    """Ctrl-C in an upload aborts it before KeyboardInterrupt propagates: S3 keeps no parts, and there is no object."""
    program = """
try:
    bucket.put("large", endless())
except KeyboardInterrupt:
    print(uploads(), bucket.exists("large"))
"""
    child = start(BEGIN.format(bucket_name) + UPLOAD + program)
    child.checkpoint("uploading")
    child.interrupt()
    assert child.end() == (["[] False"], "")


def test_busy_exit(start: Callable[[str], Child], run: Run, aws_endpoint: str, bucket_name: str) -> None:
    """An upload that a daemon thread has running at the exit is aborted."""
    program = """
def work():
    try:
        bucket.put("large", endless())
    except RuntimeError:
        pass
threading.Thread(target=work, daemon=True).start()
sys.stdin.readline()
"""
    child = start(BEGIN.format(bucket_name) + UPLOAD + program)
    child.checkpoint("uploading")
    assert child.process.stdin is not None
    child.process.stdin.write("\n")
    child.process.stdin.flush()
    assert child.end() == ([], "")
    assert run(BEGIN.format(bucket_name) + UPLOAD + "print(uploads())") == ["[]"]


def test_thread_that_outlives_the_main_thread(run: Run, aws_endpoint: str, bucket_name: str) -> None:
    """A thread that goes on after the main thread's end uploads as before."""
    program = """
def work():
    threading.main_thread().join()
    with open(sys.argv[0], "rb") as file:
        print(bucket.put("key", file).size == os.path.getsize(sys.argv[0]))
bucket.exists("key")  # Python 3.12.0 to 3.12.2 start no thread once the main thread has ended
threading.Thread(target=work).start()
"""
    assert run(BEGIN.format(bucket_name) + program) == ["True"]


def test_upload_in_atexit(run: Run, aws_endpoint: str, bucket_name: str) -> None:
    """An atexit callback uploads a file, if the bucket has been used before."""
    program = """
import atexit
atexit.register(lambda: print(bucket.upload_file(sys.argv[0], "program").size == os.path.getsize(sys.argv[0])))
bucket.exists("key")
"""
    assert run(BEGIN.format(bucket_name) + program) == ["True"]
