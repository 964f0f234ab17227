"""Every example runs: the Python blocks of README.md, and the examples in the docstrings."""

from __future__ import annotations

import ast
import doctest
import inspect
import io
import re
import traceback
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import s3_bucket as S3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPOSITORY = Path(__file__).resolve().parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    "python3 -m pip install nox && python3 -m nox -s demo",
    "python3 -m pip install nox && python3 -m nox -s tests",
]

# The blocking face's docstrings are the awaited one's, word for word, `await` included.
BLOCKING = {"Bucket", "DirPlan", "Reader", "Writer", "bucket"}
AWAITS = re.compile(r"\b(await|async for|async with)\b")


def blocks(language: str) -> list[str]:
    """Return README's code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def test_readme_begins_with_the_two_commands() -> None:
    """README's first code block holds the two commands that show and test everything, and nothing else."""
    first = re.search(r"^```\w*\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    assert first
    assert first[1].splitlines() == COMMANDS


@pytest.mark.parametrize("program", blocks("python"))
def test_readme_block_runs(
    program: str,
    aws_endpoint: str,
    make_bucket: Callable[[str], str],
    run_strictly: Callable[..., str],
    tmp_path: Path,
) -> None:
    """Each Python block of README.md is a whole program, and leaves no warning behind."""
    make_bucket("my-bucket")
    (tmp_path / "report.csv").write_text("a,b\n1,2\n")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"not really a cat")
    run_strictly("-c", program)


def documented(*, awaited: bool) -> list[Any]:
    """Find the public docstrings that hold examples, either those that await something or the others."""
    found = [("s3_bucket", inspect.getdoc(S3) or "")]
    for name in sorted(set(S3.__all__) - BLOCKING):
        for path, value in [(name, getattr(S3, name)), *members(name)]:
            found.append((path, inspect.getdoc(value) or ""))
    chosen = [(path, text) for path, text in found if ">>>" in text and bool(AWAITS.search(text)) is awaited]
    return [pytest.param(*pair, id=pair[0]) for pair in chosen]


def members(name: str) -> Iterator[tuple[str, Any]]:
    """Return a public class's own public members, with their names."""
    value = getattr(S3, name)
    if inspect.isclass(value):
        for member, found in vars(value).items():
            if not member.startswith("_"):
                yield f"{name}.{member}", getattr(found, "__func__", found)


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work where there is a directory of one photo."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"not really a cat")


@pytest.mark.parametrize(("name", "docstring"), documented(awaited=True))
async def test_docstring_example_runs(
    name: str, docstring: str, endpoint_url: str, bucket_name: str, photos: None
) -> None:
    """Each docstring's example prints what it says; `bucket` is an empty AsyncBucket."""
    async with S3.AsyncBucket(bucket_name, endpoint_url=endpoint_url) as bucket:
        namespace = {"S3": S3, "AsyncBucket": S3.AsyncBucket, "bucket": bucket}
        for example in doctest.DocTestParser().get_examples(docstring):
            code = compile(example.source, f"<{name}>", "single", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            with printing_what_it_says(example):
                result = eval(code, namespace)  # noqa: S307  # the docstrings are ours
                if inspect.iscoroutine(result):
                    await result


@pytest.mark.parametrize(("name", "docstring"), documented(awaited=False))
def test_docstring_example_runs_without_a_loop(
    name: str, docstring: str, aws_endpoint: str, make_bucket: Callable[[str], str]
) -> None:
    """Where a docstring's example awaits nothing, it runs in a plain thread."""
    make_bucket("my-website-data")
    namespace = {"S3": S3, "AsyncBucket": S3.AsyncBucket}
    for example in doctest.DocTestParser().get_examples(docstring):
        with printing_what_it_says(example):
            exec(compile(example.source, f"<{name}>", "single"), namespace)  # noqa: S102  # the docstrings are ours


@contextmanager
def printing_what_it_says(example: doctest.Example) -> Iterator[None]:
    """Compare what the block prints or raises with what the example says."""
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            yield
    except Exception as error:
        if example.exc_msg != "".join(traceback.format_exception_only(error)):
            raise
        return
    same = doctest.OutputChecker().check_output(example.want, printed.getvalue(), doctest.ELLIPSIS)
    assert same, f"{example.source}expected {example.want}got {printed.getvalue()}"
