"""The servers of a run, each started when the first case needs it, and the files that clients send."""

from __future__ import annotations

import os
import subprocess
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self

from benchmarks.cases import FILES, MIB, SMALL, Server, Verb
from benchmarks.peers.peer import Setup
from benchmarks.processes import ROOT, FailedError
from benchmarks.servers.sink import Sink, sink
from tests.servers import ceph

if TYPE_CHECKING:
    from benchmarks.cases import Case
    from benchmarks.orders import Order
    from benchmarks.processes import Environment

BUCKET = "bench"
REGION = "us-east-1"


class Rig(ExitStack):
    """A directory and the servers, which end with this."""

    def __init__(self, ours: Environment) -> None:
        super().__init__()
        self._ours = ours
        self._sink: Sink | None = None
        self._ceph: str | None = None

    def __enter__(self) -> Self:
        super().__enter__()
        self.directory = Path(self.enter_context(TemporaryDirectory(prefix="s3-bucket-bench-")))
        return self

    def setup(self, case: Case) -> Setup:
        """Return where a case's server is, starting it if it is the first to ask."""
        if case.server is Server.CEPH:
            key_id, secret = next(iter(ceph.KEYS.items()))
            return Setup(self._gateway(), BUCKET, key_id, secret, REGION, case.concurrency)
        self._sink = self._sink or self.enter_context(sink())
        tls = case.server is Server.SINK_TLS
        url, ca = (self._sink.tls_url, self._sink.ca) if tls else (self._sink.url, None)
        return Setup(url, BUCKET, "key-id", "secret", REGION, case.concurrency, ca)

    def _gateway(self) -> str:
        self._ceph = self._ceph or self.enter_context(ceph.gateway())
        return self._ceph

    def prepare(self, case: Case, order: Order) -> None:
        """Make what an order needs: a file of that size, many of them, or objects to be deleted."""
        file = self.directory / str(order.size)
        match case.verb:
            case Verb.UPLOAD_FILE if not file.exists():
                write(file, order.size)
            case Verb.UPLOAD_FILES if not file.exists():
                file.mkdir()
                for number in range(FILES):
                    write(file / str(number), SMALL)
            case Verb.DELETE_MANY:
                self._store(order)

    def _store(self, order: Order) -> None:
        """Store the objects, with this package."""
        command = [self._ours.python, "-m", "benchmarks.servers.store", order.text()]
        variables = self._ours.variables()
        ended = subprocess.run(command, cwd=ROOT, env=variables, stderr=subprocess.PIPE, check=False, text=True)
        if ended.returncode:
            raise FailedError(f"the objects can't be stored: {ended.stderr.splitlines()[-1]}")

    def clean(self) -> None:
        """Remove what was downloaded, before the system writes it to the disk in the midst of the next case."""
        for path in self.directory.glob("*.downloaded"):
            path.unlink()


def write(path: Path, size: int) -> None:
    """Write a file of bytes that nobody can compress; the same again and again, if they are many."""
    block = os.urandom(min(size, MIB))
    with path.open("wb") as file:
        for _ in range(max(1, size // MIB)):
            file.write(block)
