"""What ``import s3_bucket`` offers, under which names, and what it costs."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys

import pytest

import s3_bucket

EXPECTED = {
    "AsyncBucket",
    "AsyncDirPlan",
    "AsyncReader",
    "AsyncWriter",
    "Bucket",
    "DirItem",
    "DirPlan",
    "DirReport",
    "Exceptions",
    "Finding",
    "GetResult",
    "ObjectInfo",
    "ObjectLock",
    "PresignedPost",
    "PresignedURL",
    "Progress",
    "ObjectVersion",
    "Prefix",
    "Reader",
    "Report",
    "RestoreStatus",
    "Result",
    "SSE",
    "StorageClass",
    "Unplanned",
    "UploadInfo",
    "Writer",
    "bucket",
    "events",
    "init",
    "log_events",
    "on_event",
    "progress_bar",
    "raise_failed",
    "trace_events",
    *s3_bucket.Exceptions.__all__,
}


def test_all_holds_what_is_promised() -> None:
    """__all__ is the whole promise: nothing is missing, nothing is there twice."""
    assert set(s3_bucket.__all__) == EXPECTED
    assert len(s3_bucket.__all__) == len(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_public_names_exist(name: str) -> None:
    """Every promised name is there, is documented, and says that it lives where users import it from."""
    value = getattr(s3_bucket, name)
    assert inspect.getdoc(value)
    if not inspect.ismodule(value):
        assert value.__module__ in {"s3_bucket", "s3_bucket.exceptions"}


@pytest.mark.parametrize("name", sorted(s3_bucket.Exceptions.__all__))
def test_exceptions_are_the_same_by_both_ways(name: str) -> None:
    """S3.NoSuchKey and S3.Exceptions.NoSuchKey are one class, and the tree has one root."""
    assert getattr(s3_bucket, name) is getattr(s3_bucket.Exceptions, name)
    assert issubclass(getattr(s3_bucket, name), s3_bucket.BucketException)


def test_nothing_else_is_public() -> None:
    """A name without an underscore is in __all__, or is a submodule that Python itself puts there."""
    names = {name for name in vars(s3_bucket) if name.isidentifier() and not name.startswith("_")}  # pytest adds "@..."
    extra = names - EXPECTED - {"annotations"}
    assert {name for name in extra if not inspect.ismodule(getattr(s3_bucket, name))} == set()
    assert extra <= {"exceptions", "testing"}


def test_dir_shows_what_is_public() -> None:
    """dir(s3_bucket), and with it a shell's completion, holds every promised name."""
    assert set(dir(s3_bucket)) >= EXPECTED


def test_star_import_gives_what_is_public() -> None:
    """``from s3_bucket import *`` gives __all__ and nothing more."""
    namespace: dict[str, object] = {}
    exec("from s3_bucket import *", namespace)  # noqa: S102  # the statement is legal at a module's top level only
    assert set(namespace) - {"__builtins__"} == EXPECTED


def test_both_ways_to_make_a_blocking_bucket_are_one() -> None:
    """S3.bucket('name') is S3.Bucket('name'): the documentation of release 1 writes both."""
    assert isinstance(s3_bucket.bucket("some-name"), s3_bucket.Bucket)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A misspelt name fails as in any module, naming it."""
    with pytest.raises(AttributeError, match="Buckett"):
        getattr(s3_bucket, "Buckett")  # noqa: B009  # a type checker would refuse the attribute


def run(program: str) -> str:
    """Run a program in an interpreter of its own, undisturbed by measuring, and return its output."""
    disturbing = ("COVERAGE_", "PYTHONDEVMODE", "PYTHONWARNINGS", "PYTHONDONTWRITEBYTECODE")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(disturbing)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def test_import_is_quick() -> None:
    """Importing takes at most three times the processor time of importing asyncio, the largest part of it."""
    program = "import time; begin = time.process_time(); import {}; print(time.process_time() - begin)"
    ours, least = (program.format(name) for name in ("s3_bucket", "asyncio"))
    run(ours)  # compiles what the installer has not
    # In turn, and the least of each: whatever else runs on the machine only adds to it.
    times = [(float(run(ours)), float(run(least))) for _ in range(7)]
    assert min(time for time, _ in times) < 3 * min(time for _, time in times)


def test_import_is_light() -> None:
    """Importing loads nothing of aiobotocore, and starts no thread and no event loop."""
    loaded = run(
        "import sys, threading; import s3_bucket;"
        "print([name for name in ('aiobotocore', 'botocore', 'aiohttp', 'boto3') if name in sys.modules]);"
        "print([thread.name for thread in threading.enumerate()])"
    )
    assert loaded.split("\n")[:2] == ["[]", "['MainThread']"]


def test_making_a_bucket_is_light() -> None:
    """A Bucket or AsyncBucket made at import time still loads nothing of aiobotocore and starts no thread."""
    loaded = run(
        "import sys, threading; import s3_bucket as S3; S3.Bucket('my-bucket'); S3.AsyncBucket('my-bucket');"
        "print('aiobotocore' in sys.modules, threading.active_count())"
    )
    assert loaded.split() == ["False", "1"]
