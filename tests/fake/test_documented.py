"""What is documented of the fake runs: its docstrings, and README's tests with pytest's fixtures."""

from __future__ import annotations

import doctest
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from s3_bucket import testing
from tests.test_readme import README

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = [
    found
    for thing in (testing, testing.FakeS3)
    for found in doctest.DocTestFinder().find(thing, globs={})
    if found.examples
]
[TESTS] = [block for block in README.split("```python\n") if "s3_bucket_async, s3_fake" in block]
PYTEST = (sys.executable, "-W", "error", "-m", "pytest", "-p", "s3_bucket_pytest", "-p", "no:cacheprovider", "-q")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_examples(example: doctest.DocTest) -> None:
    """Each example prints what it says."""
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example).failed == 0


def test_all_is_documented() -> None:
    """What is public says what it is, and that it is where users import it from."""
    for name in testing.__all__:
        assert getattr(testing, name).__doc__
        assert getattr(testing, name).__module__ == "s3_bucket.testing"


def run(directory: Path, program: str) -> str:
    """Run the program's tests as a user would, and return what pytest says."""
    (directory / "test_program.py").write_text(program)
    options = ("--rootdir", str(directory), "-c", str(directory / "none.ini"))
    (directory / "none.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    done = subprocess.run(
        [*PYTEST, *options, str(directory)], cwd=directory, capture_output=True, text=True, timeout=100, check=False
    )
    return done.stdout + done.stderr


def test_the_tests_in_readme(tmp_path: Path) -> None:
    """README's tests pass, with the fixtures that they take."""
    assert "8 passed" in run(tmp_path, TESTS.partition("```")[0])


FIXTURES = """
import sys

before = [name for name in sys.modules if name.startswith("s3_bucket.") or name == "s3_bucket"]


def test_loading_the_plugin_imports_nothing():
    assert before == []


def test_one_bucket(s3_bucket, s3_bucket_async, s3_fake):
    assert s3_bucket.name == s3_bucket_async.name == "test-bucket"
    s3_bucket.put("key", "data")
    assert s3_fake.objects("test-bucket") == {"key": b"data"}


def test_it_is_empty_again(s3_bucket):
    assert list(s3_bucket.list()) == []


def test_the_fake_alone(s3_fake):
    assert s3_fake.requests == []
"""


def test_fixtures(tmp_path: Path) -> None:
    """Each test has a fake of its own, and until a test asks for one, nothing of the package is imported."""
    assert "4 passed" in run(tmp_path, FIXTURES)
