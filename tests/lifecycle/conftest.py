"""Child processes with a hard time limit: what hangs is killed with all that it started, and says where it hung."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import pytest

from tests import engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LIMIT = 40

# Development mode complains of whatever keeps the loop for 0.1 s, and on a busy machine anything may.
QUIET = 'import logging; logging.getLogger("asyncio").setLevel(logging.ERROR)\n' + engine.prelude()


class Child:
    """A program that runs in development mode, with warnings as errors."""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-X", "dev", "-W", "error", str(path)],  # -u: a fork copies what is not written yet
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def checkpoint(self, line: str) -> None:
        """Wait until the program has printed this line."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == line + "\n"

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def end(self, status: int = 0) -> tuple[list[str], str]:
        """Wait for the end; return the lines of stdout and the text of stderr."""
        try:
            out, err = self.process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)  # development mode answers with the stacks of all threads
            out, err = self.process.communicate(timeout=LIMIT)
        finally:
            self.kill()
        assert self.process.returncode == status, err
        return out.splitlines(), err

    def kill(self) -> None:
        """End it and everything that it started."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        finally:
            self.process.communicate()


class Run(Protocol):
    """Runs a program, which must complain of nothing, and returns the lines that it prints."""

    def __call__(self, program: str, status: int = 0) -> list[str]:
        """Run it; the status is the one that it must end with."""
        ...


def leave_uncovered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Don't measure a program that forks from many threads: its children would write, behind locks they inherited."""
    for name in [name for name in os.environ if name.startswith("COVERAGE")]:
        monkeypatch.delenv(name)


@contextmanager
def starting(directory: Path) -> Iterator[Callable[..., Child]]:
    """Give what starts a program, given as one text or more; all are killed in the end."""
    children: list[Child] = []

    def start(*texts: str) -> Child:
        path = directory / f"program-{len(children)}.py"
        path.write_text(QUIET + "".join(map(textwrap.dedent, texts)))
        children.append(Child(path))
        return children[-1]

    try:
        yield start
    finally:
        for child in children:
            child.kill()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Child]]:
    """Return what starts a program given as text."""
    with starting(tmp_path) as start:
        yield start


@pytest.fixture
def run(start: Callable[..., Child]) -> Run:
    """Return what runs a program to its end."""

    def run(program: str, status: int = 0) -> list[str]:
        out, err = start(program).end(status)
        assert err == ""
        return out

    return run
