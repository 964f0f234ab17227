"""executor=: files that other processes transfer, and what becomes of them when a worker dies or somebody stops it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Run

BEGIN = """
import asyncio, multiprocessing, os, pathlib, signal, sys, tempfile, warnings
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
import s3_bucket as S3
warnings.filterwarnings("ignore", ".*fork", DeprecationWarning)  # of processes with threads: just what is tested
BUCKET = {!r}

def numbered(place, count):
    pairs = []
    for number in range(count):
        path = pathlib.Path(place, str(number))
        path.write_bytes(b"content %d" % number)
        pairs.append((path, "key %d" % number))
    return pairs

def pool(method="spawn", **options):
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method), **options)

def main():
    with tempfile.TemporaryDirectory() as place:
        transfer(place)
"""
END = """
if __name__ == "__main__":
    main()
"""

THERE_AND_BACK = """
def there_and_back(bucket, executor, place, count):
    told = []
    pairs = numbered(place, count)
    pairs.insert(3, (pathlib.Path(place, "missing"), "missing"))
    up = list(bucket.upload_files(pairs, executor=executor, progress=told.append))
    assert sorted(result.index for result in up) == list(range(count + 1))
    assert all(result.key == pairs[result.index][1] for result in up)
    (failed,) = [result for result in up if not result.ok]
    assert (failed.index, type(failed.error)) == (3, FileNotFoundError), failed
    assert all(result.info.size for result in up if result.ok)
    assert told[-1].done == sum(len("content %d" % number) for number in range(count))
    down = list(bucket.download_files(((key, str(path) + ".back") for path, key in pairs), executor=executor))
    assert {result.index for result in down if not result.ok} == {3}
    for path, key in pairs:
        if key != "missing":
            assert pathlib.Path(str(path) + ".back").read_bytes() == path.read_bytes()
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.usefixtures("aws_endpoint")
def test_process_pools(run: Run, bucket_name: str, method: str) -> None:
    """Worker processes of each kind transfer files both ways, and every file has its outcome, in its place."""
    program = f"""
def transfer(place):
    with pool({method!r}) as executor:
        there_and_back(S3.Bucket(BUCKET), executor, place, 300)
        print("done")
"""
    assert run(BEGIN.format(bucket_name) + THERE_AND_BACK + program + END) == ["done"]


@pytest.mark.usefixtures("aws_endpoint")
def test_dask(run: Run, bucket_name: str) -> None:
    """The workers of a Dask cluster transfer files both ways, as those of a process pool do."""
    program = """
import logging
warnings.simplefilter("ignore")  # Dask's own

def transfer(place):
    from distributed import Client, LocalCluster
    options = {"host": "127.0.0.1", "dashboard_address": None, "worker_dashboard_address": None}
    with LocalCluster(n_workers=2, threads_per_worker=2, processes=True, silence_logs=logging.CRITICAL, **options) as c:
        with Client(c) as client:
            there_and_back(S3.Bucket(BUCKET), client.get_executor(), place, 300)
            print("done")
"""
    assert run(BEGIN.format(bucket_name) + THERE_AND_BACK + program + END) == ["done"]


@pytest.mark.usefixtures("aws_endpoint")
def test_threads(run: Run, bucket_name: str) -> None:
    """Threads do, too: any executor."""
    program = """
def transfer(place):
    with ThreadPoolExecutor(3) as executor:
        there_and_back(S3.Bucket(BUCKET), executor, place, 30)
        print("done")
"""
    assert run(BEGIN.format(bucket_name) + THERE_AND_BACK + program + END) == ["done"]


@pytest.mark.usefixtures("aws_endpoint")
def test_directories(run: Run, bucket_name: str) -> None:
    """A plan's files are transferred by the workers, both ways; what has changed since is that file's failure."""
    program = """
def transfer(place):
    source, target = pathlib.Path(place, "source"), pathlib.Path(place, "target")
    for name in ("", "a", "a/b"):
        (source / name).mkdir()
        numbered(source / name, 50)
    bucket = S3.Bucket(BUCKET)
    told = []
    with pool() as executor:
        report = bucket.upload_dir(source, "up", content_type="text/x-odd", executor=executor, progress=told.append)
        assert (report.transferred, told[-1].done, told[-1].total) == (150, *[report.transferred_bytes] * 2), report
        assert bucket.head("up/a/b/7").content_type == "text/x-odd"
        assert bucket.download_dir("up", target, executor=executor).transferred == 150
        assert all((target / path.relative_to(source)).read_bytes() == path.read_bytes()
                   for path in source.rglob("*") if path.is_file())
        plan = bucket.plan_upload_dir(source, "again")
        (source / "a" / "5").write_bytes(b"changed")
        try:
            plan.run(executor=executor)
        except S3.BulkError as error:
            print([(result.key, type(result.error).__name__) for result in error.results if not result.ok])
"""
    assert run(BEGIN.format(bucket_name) + program + END) == ["[('again/a/5', 'IntegrityError')]"]


@pytest.mark.usefixtures("aws_endpoint")
def test_a_worker_that_dies(run: Run, bucket_name: str) -> None:
    """When a worker is killed, every file still has an outcome; those that nobody knows of say that it can be done."""
    program = """
class Deadly(type(pathlib.Path())):
    def __fspath__(self):
        os.kill(os.getpid(), signal.SIGKILL)

def transfer(place):
    pairs = numbered(place, 200)
    pairs[150] = (Deadly(place, "150"), "key 150")
    with pool() as executor:
        results = list(S3.Bucket(BUCKET).upload_files(pairs, executor=executor))
    assert sorted(result.index for result in results) == list(range(200))
    lost = [result for result in results if not result.ok]
    assert 150 in [result.index for result in lost]
    assert all(type(result.error) is S3.BucketException and result.error.retryable for result in lost), lost[0]
    print(lost[0].error)
"""
    (said,) = run(BEGIN.format(bucket_name) + program + END)
    assert said.startswith("the executor has not done it, or can't say (BrokenProcessPool: ")


@pytest.mark.usefixtures("aws_endpoint")
def test_workers_without_keys(run: Run, bucket_name: str) -> None:
    """Keys are not sent to the workers; without any of their own they refuse, and don't become somebody else."""
    program = """
def transfer(place):
    S3.init("key", "secret")
    pairs = numbered(place, 2)
    with pool() as executor:
        results = list(S3.Bucket(BUCKET).upload_files(pairs, executor=executor))
        print({type(result.error).__name__ for result in results}, results[0].error)
    with pool(initializer=S3.init, initargs=("key", "secret")) as executor:
        print([result.ok for result in S3.Bucket(BUCKET).upload_files(pairs, executor=executor)])
    try:
        S3.Bucket(BUCKET, aws_access_key_id="a", aws_secret_access_key="b").upload_files(pairs, executor=executor)
    except S3.InvalidInput as error:
        print(error)
"""
    refused, done, own = run(BEGIN.format(bucket_name) + program + END)
    assert refused.startswith("{'InvalidInput'} executor: its workers have no access keys")
    assert done == "[True, True]"
    assert own.startswith("what holds access keys can't be pickled")


@pytest.mark.usefixtures("aws_endpoint")
def test_stopped(run: Run, bucket_name: str) -> None:
    """Whoever stops listening waits for what has begun; nothing else is begun, and the pool still works."""
    program = """
def transfer(place):
    pairs = numbered(place, 1_000)
    bucket = S3.Bucket(BUCKET)
    with ThreadPoolExecutor(1) as executor:
        results = bucket.upload_files(iter(pairs), executor=executor)
        next(results)
        results.close()
        stored = sum(1 for _ in bucket.list())
        assert executor.submit(lambda: 5).result() == 5
        assert sum(1 for _ in bucket.list()) == stored
        print(stored < 500)
"""
    assert run(BEGIN.format(bucket_name) + program + END) == ["True"]


@pytest.mark.usefixtures("aws_endpoint")
def test_stopped_by_the_progress(run: Run, bucket_name: str) -> None:
    """What the progress callback raises ends the iteration, with an executor, too."""
    program = """
def stop(progress):
    raise KeyError(progress.key)

def transfer(place):
    with ThreadPoolExecutor(2) as executor:
        try:
            list(S3.Bucket(BUCKET).upload_files(numbered(place, 200), executor=executor, progress=stop))
        except KeyError as error:
            print("stopped")
"""
    assert run(BEGIN.format(bucket_name) + program + END) == ["stopped"]


@pytest.mark.usefixtures("aws_endpoint")
def test_an_executor_that_cancels(run: Run, bucket_name: str) -> None:
    """A shard that the executor itself has cancelled is no cancellation of the caller."""
    program = """
class Cancels(Executor):
    def submit(self, *_):
        future = Future()
        future.cancel()
        future.set_running_or_notify_cancel()
        return future

def transfer(place):
    results = list(S3.Bucket(BUCKET).upload_files(numbered(place, 2), executor=Cancels()))
    print({str(result.error) for result in results})
    try:
        S3.Bucket(BUCKET).upload_files([], executor="a pool")
    except S3.InvalidInput as error:
        print(error)
"""
    cancelled, refused = run(BEGIN.format(bucket_name) + program + END)
    assert "the executor has not done it, or can't say (it was cancelled there)" in cancelled
    assert refused == "executor: expected a concurrent.futures.Executor, not 'a pool'"
