"""What all tests share: an S3 on the loopback interface, a clean environment, and a watch on blocking calls."""

from __future__ import annotations

import inspect
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from blockbuster import blockbuster_ctx
from moto.moto_server.werkzeug_app import MotoRequestHandler
from moto.s3.responses import S3Response
from moto.server import ThreadedMotoServer

import s3_bucket
from tests import engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

engine.choose()

STRICT = (sys.executable, "-X", "dev", "-W", "error")

# On a busy machine, asyncio's debug mode finds any step slow.
SLOW_STEP = re.compile(r"^Executing <.*> took [0-9.]+ seconds\n", re.MULTILINE)

# Where aiobotocore, or Python itself, reads files on the loop's thread and this library can't help it.
MAY_BLOCK = (
    # It runs in a worker thread, on a loop that nobody else has.
    ("s3_bucket/_async/_botocore/client.py", {"_opened"}),
    # Importing: aiobotocore loads its modules when they are first needed.
    ("<frozen importlib._bootstrap>", {"_find_and_load", "_call_with_frames_removed"}),
    ("importlib/metadata/__init__.py", {"version", "distribution"}),
    # Measuring and reporting.
    ("coverage/control.py", {"_should_trace", "_check_include_omit_etc"}),
    ("coverage/collector.py", {"lock_data", "unlock_data"}),
    ("linecache.py", {"checkcache", "updatecache", "getlines"}),
    ("logging/__init__.py", {"emit", "findCaller"}),
    # hypothesis keeps its examples on disk.
    ("hypothesis/database.py", {"save", "fetch", "delete", "move"}),
)


@pytest.fixture(scope="session", autouse=True)
def interrupts() -> None:
    """Let Ctrl-C reach the child processes: in the background of a script it is ignored, and that is inherited."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Leave nothing of the machine's own AWS configuration and state, and keep every test off the metadata service.

    For the whole session: fixtures that live longer than one test must find it so too.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in aws_environment(tmp_path_factory.getbasetemp() / "no-such-directory").items():
            patch.setenv(name, value)
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))  # where it is noted what has begun
        yield


def aws_environment(nowhere: Path) -> dict[str, str]:
    """Return the AWS variables under which the tests run."""
    return {
        "AWS_ACCESS_KEY_ID": "test-key-id",
        "AWS_SECRET_ACCESS_KEY": "test-secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(nowhere / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(nowhere / "credentials"),
    }


@pytest.fixture(autouse=True)
def clean_settings() -> Iterator[None]:
    """Leave nothing of what a test has told init()."""
    yield
    s3_bucket.init()


@pytest.fixture(autouse=True)
def no_blocking_calls(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail an async test whose event loop is blocked by a read, a write, a lock or a sleep."""
    blocking = "blocking" in request.node.name  # the watch is over the whole process, and that face blocks threads
    if blocking or not inspect.iscoroutinefunction(getattr(request.node, "obj", None)):
        yield
        return
    with blockbuster_ctx() as watch:
        for function in watch.functions.values():
            for filename, names in MAY_BLOCK:
                function.can_block_in(filename, names)
        yield


class OneServerHeader(MotoRequestHandler):
    """Answers with moto's Server and Date headers, but not Werkzeug's besides: aiohttp's strict mode refuses both."""

    def send_response(self, code: int, message: str | None = None) -> None:
        """Begin an answer."""
        self.send_response_only(code, message)


def make_atomic() -> None:
    """Have moto look at a condition and write in one step, as S3 does: its threads could both find that it holds."""
    lock, put_object = threading.Lock(), S3Response.put_object

    def locked(self: S3Response) -> Any:
        with lock:
            return put_object(self)

    S3Response.put_object = locked


@pytest.fixture(scope="session")
def endpoint_url() -> Iterator[str]:
    """Start moto's S3 and return its URL. It closes each connection after one answer, as Werkzeug does."""
    make_atomic()
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    assert server._server
    server._server.RequestHandlerClass = OneServerHeader
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws_endpoint(endpoint_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Point the standard AWS chain, and with it every child process, at moto."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint_url)
    return endpoint_url


@pytest.fixture(scope="session")
def make_bucket(endpoint_url: str) -> Callable[[str], str]:
    """Return what makes a bucket of the given name, if it is not there: a plain HTTP request, not the code tested."""

    def make(name: str) -> str:
        request = urllib.request.Request(f"{endpoint_url}/{name}", method="PUT", data=b"")
        with urllib.request.urlopen(request, timeout=60):
            return name

    return make


@pytest.fixture
def bucket_name(make_bucket: Callable[[str], str]) -> str:
    """Make an empty bucket and return its name."""
    return make_bucket(f"bucket-{uuid.uuid4().hex}")


@pytest.fixture(scope="session")
def complaints() -> Callable[[str], str]:
    """Return what finds a program's complaints in its error output, which must be none."""
    return lambda stderr: SLOW_STEP.sub("", stderr)


@pytest.fixture
def run_strictly(tmp_path: Path, complaints: Callable[[str], str]) -> Callable[..., str]:
    """Return what runs a program, in development mode and with warnings as errors; it must complain of nothing."""

    def run(*arguments: str | Path, program: str | None = None) -> str:
        done = subprocess.run(
            [*STRICT, *arguments], input=program, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False
        )
        assert done.returncode == 0, done.stderr
        assert complaints(done.stderr) == ""
        return done.stdout

    return run
