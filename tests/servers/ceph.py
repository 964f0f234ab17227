"""A Ceph RADOS Gateway for as long as a command runs: ``python -m tests.servers.ceph pytest tests/conformance``.

The command finds it by the standard AWS variables, and the conformance suite by S3_VENDOR and CEPH_URL. It is Debian's
Ceph, which root installs if it is missing. Whatever becomes of the command and of this program, nothing keeps running:
the kernel kills the daemons with their parent.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS = ("ceph", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin")
UPDATE = ("apt-get", "update", "--quiet")
INSTALL = ("apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "ceph-mon", "ceph-osd", "radosgw")

# Those that the tests use.
KEYS = {"test-key-id": "test-secret", "CANARYKEYID": "canary-secret"}
STORAGE_CLASS = "STANDARD_IA"
KMS_KEY = "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012"

# `ceph` is a program of the system's own Python, which settings of ours would break.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "CEPH", "COVERAGE"))}
WITH_PARENT = ("setpriv", "--pdeathsig", "KILL")
START_TIMEOUT = 120
OSD = "00000000-0000-4000-8000-000000000001"


class NoCephError(Exception):
    """There is no Ceph, and none can be started."""


def install() -> None:
    """Install Ceph where it is missing."""
    missing = [program for program in PROGRAMS if not shutil.which(program)]
    if not missing:
        return
    if os.geteuid() or not shutil.which(INSTALL[0]):
        raise NoCephError(f"{', '.join(missing)} not found; as root of a Debian: {' '.join(INSTALL)}")
    environment = {**ENVIRONMENT, "DEBIAN_FRONTEND": "noninteractive"}
    if subprocess.run(INSTALL, env=environment, check=False).returncode:
        subprocess.run(UPDATE, env=environment, check=True)
        subprocess.run(INSTALL, env=environment, check=True)


@contextmanager
def gateway() -> Iterator[str]:
    """Run a gateway over an empty store, and give its URL."""
    install()
    with tempfile.TemporaryDirectory(prefix="s3-bucket-ceph-") as directory, Cluster(Path(directory)) as cluster:
        cluster.start()
        yield cluster.url


class Cluster(ExitStack):
    """A monitor, an OSD and a gateway, in a directory, as child processes that end with this."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        mon_port, s3_port = free_ports(2)
        self.url = f"http://127.0.0.1:{s3_port}"
        self._monitor = f"[v2:127.0.0.1:{mon_port}]"
        self._directory = directory
        template = Template(Path(__file__).with_suffix(".conf").read_text(encoding="utf-8"))
        text = template.substitute(directory=directory, mon_port=mon_port, s3_port=s3_port, kms_key=KMS_KEY)
        (directory / "ceph.conf").write_text(text, encoding="utf-8")

    def start(self) -> None:
        """Start all of it, and return when it answers."""
        for name in ("mon", "osd", "rgw"):
            (self._directory / name).mkdir()
        (self._directory / "keyring").touch()
        monmap = str(self._directory / "monmap")
        self._run("monmaptool", "--create", "--addv", "a", self._monitor, monmap)
        self._run("ceph-mon", "--id", "a", "--mkfs", "--monmap", monmap)
        self._daemon("ceph-mon", "--id", "a")
        self._run("ceph", "osd", "new", OSD, "0")
        self._run("ceph-osd", "--id", "0", "--mkfs", "--osd-uuid", OSD)
        self._daemon("ceph-osd", "--id", "0")
        self._administrate()
        self._wait(self._daemon("radosgw", "--name", "client.rgw"))

    def _administrate(self) -> None:
        """Make what the tests name: a user with keys, and a second storage class."""
        [(first, its_secret), *others] = KEYS.items()
        user = ("--uid", "test", "--access-key")
        make = ("user", "create", "--display-name", "test", "--max-buckets", "0")  # as many as there are tests
        self._run("radosgw-admin", *make, *user, first, "--secret-key", its_secret)
        for key, secret in others:
            self._run("radosgw-admin", "key", "create", *user, key, "--secret-key", secret)
        for area in ("zonegroup", "zone"):
            placement = ("placement", "add", "--placement-id", "default-placement", "--storage-class", STORAGE_CLASS)
            pool = ("--data-pool", "default.rgw.buckets.data") if area == "zone" else ()
            self._run("radosgw-admin", area, *placement, *pool)

    def _run(self, program: str, *arguments: str) -> None:
        try:
            subprocess.run(
                self._command(program, *arguments),
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=START_TIMEOUT,
                check=True,
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            said = (error.output or b"").decode(errors="replace")
            raise NoCephError(f"{error}\n{said}\n{self._logs()}") from error

    def _daemon(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a daemon in the foreground, out of reach of the terminal's Ctrl-C."""
        command = self._command(program, "--foreground", *arguments)
        with (self._directory / f"{program}.out.log").open("wb") as log:
            daemon = subprocess.Popen(
                command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self.callback(daemon.wait)
        # There is nothing to be saved.
        self.callback(daemon.kill)
        return daemon

    def _command(self, program: str, *arguments: str) -> list[str]:
        return [*WITH_PARENT, program, "--conf", str(self._directory / "ceph.conf"), *arguments]

    def _wait(self, radosgw: subprocess.Popen[bytes]) -> None:
        """Wait until an anonymous listing of buckets is answered."""
        until = time.monotonic() + START_TIMEOUT
        while True:
            try:
                urllib.request.urlopen(self.url, timeout=START_TIMEOUT).close()
            except OSError as error:
                if radosgw.poll() is not None or time.monotonic() > until:
                    raise NoCephError(f"radosgw doesn't answer: {error}\n{self._logs()}") from error
                time.sleep(0.05)
            else:
                return

    def _logs(self) -> str:
        """Return what the daemons have logged."""
        return "\n".join(log.read_text(errors="replace") for log in self._directory.glob("*.log"))


def free_ports(number: int) -> list[int]:
    """Return ports that nobody listens on now."""
    with ExitStack() as sockets:
        taken = [sockets.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(number)]
        return [listener.getsockname()[1] for listener in taken]


def main(*command: str) -> int:
    """Run a command over a gateway and return its exit status."""
    # So that SIGTERM unwinds the with blocks, too.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    [(key, secret), *_] = KEYS.items()
    with gateway() as url:
        own = {"S3_VENDOR": "ceph", "CEPH_URL": url}
        chain = {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}
        # Ctrl-C reaches the command, too, which ends in its own way.
        signal.signal(signal.SIGINT, lambda *_: None)
        return subprocess.run([*WITH_PARENT, *command], env={**os.environ, **chain, **own}, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except (NoCephError, subprocess.CalledProcessError) as error:
        sys.exit(str(error))
