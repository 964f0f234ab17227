"""Runs one client's process, and asks environments what they hold."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from benchmarks.orders import Figures

if TYPE_CHECKING:
    from benchmarks.clients import Client
    from benchmarks.orders import Order

ROOT = Path(__file__).parent.parent
LIMIT = 150.0
"""Seconds after which a client's process is killed."""

EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Failure)\b")
"""How the last line of a traceback begins."""

_VERSIONS = """
import importlib.metadata, json, sys
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
"""


class FailedError(Exception):
    """A client's process has brought no figures."""


@dataclass(frozen=True, slots=True)
class Environment:
    """An interpreter, and what it finds besides its own packages."""

    python: str
    source: str | None = None

    def variables(self) -> dict[str, str]:
        """Return the environment variables of its processes: nothing of this one's own settings."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
        kept |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull}
        kept |= {"AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        return kept | ({"PYTHONPATH": self.source} if self.source else {})

    def versions(self, distributions: list[str]) -> dict[str, str]:
        """Return the versions of those distributions that it has."""
        command = [self.python, "-c", _VERSIONS, *distributions]
        with suppress(OSError, subprocess.CalledProcessError):
            said = subprocess.run(command, env=self.variables(), stdout=subprocess.PIPE, check=True).stdout
            return dict(json.loads(said))
        return {}

    def has(self, client: Client) -> bool:
        """Whether a client is there."""
        if client.condition:
            return self.works(client.condition)
        return bool(self.versions([client.distribution]))

    def works(self, code: str) -> bool:
        """Whether a line of Python ends without an exception."""
        command = [self.python, "-c", code]
        with suppress(OSError):
            ended = subprocess.run(command, env=self.variables(), stderr=subprocess.DEVNULL, check=False)
            return ended.returncode == 0
        return False


def measured(environment: Environment, order: Order) -> Figures:
    """Run a client's process and return what it has measured."""
    chain = {"AWS_ENDPOINT_URL": order.setup.endpoint, "AWS_DEFAULT_REGION": order.setup.region}
    if order.setup.ca:
        chain |= {"AWS_CA_BUNDLE": order.setup.ca, "SSL_CERT_FILE": order.setup.ca}
    command = [environment.python, "-m", "benchmarks.child", order.text()]
    begun = time.perf_counter()
    line, errors = _first_line(command, environment.variables() | chain)
    seconds = time.perf_counter() - begun
    if not line.endswith("}\n"):
        raise FailedError(_reason(errors, seconds))
    figures = Figures.of(line)
    # Of the start, the parent sees more than the child.
    return replace(figures, seconds=seconds) if order.verb == "start" else figures


def _first_line(command: list[str], variables: dict[str, str]) -> tuple[str, str]:
    """Return the first line that a process says, and then its errors; what it still does is of no interest."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
        alarm = threading.Timer(LIMIT, _end, (process,))
        alarm.start()
        try:
            line = cast("IO[bytes]", process.stdout).readline()
        finally:
            alarm.cancel()
            _end(process)
            process.communicate()
        errors.seek(0)
        return line.decode(), errors.read().decode(errors="replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _reason(errors: str, seconds: float) -> str:
    """Return the last line of the last traceback, or else the last line."""
    lines = [line for line in errors.splitlines() if line.strip()]
    if seconds > LIMIT:
        return f"not done after {LIMIT:.0f} s"
    named = [line for line in lines if EXCEPTION.match(line)]
    return [*lines[-1:], *named[-1:]][-1][:200] if lines else "ended without a word"
