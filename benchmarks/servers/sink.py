"""An S3 that is faster than any client: nginx, which answers at once and stores nothing (``sink.conf``).

It is Debian's nginx-light, which root installs if it is missing. It ends with its parent, whatever becomes of that.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from benchmarks.cases import LISTED
from tests.certificates import self_signed
from tests.servers.ceph import WITH_PARENT, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

INSTALL = ("apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "nginx-light")
UPDATE = ("apt-get", "update", "--quiet")
SIZES = {"4k": 4 << 10, "64k": 64 << 10, "1m": 1 << 20, "1g": 1 << 30}
PAGE = 1_000
START_TIMEOUT = 20


class NoSinkError(Exception):
    """There is no nginx, and none can be started."""


@dataclass(frozen=True, slots=True)
class Sink:
    """Where it listens, and the certificate that it shows."""

    url: str
    tls_url: str
    ca: str


@contextmanager
def sink() -> Iterator[Sink]:
    """Run it."""
    program = install()
    with tempfile.TemporaryDirectory(prefix="s3-bucket-sink-") as name, ExitStack() as stack:
        directory = Path(name)
        (directory / "tmp").mkdir()
        fill(directory / "files")
        certificate = directory / "certificate.pem"
        self_signed(certificate)
        port, tls_port = free_ports(2)
        configure(directory, port=port, tls_port=tls_port, certificate=certificate)
        _start(stack, program, directory, port)
        ca = directory / "ca.pem"
        # Some clients take no file that has a key in it.
        ca.write_bytes(certificate.read_bytes().partition(b"-----END PRIVATE KEY-----\n")[2])
        yield Sink(f"http://127.0.0.1:{port}", f"https://127.0.0.1:{tls_port}", str(ca))


def install() -> str:
    """Install nginx where it is missing, and return its path."""
    found = _found()
    if found:
        return found
    if os.geteuid() or not shutil.which(INSTALL[0]):
        raise NoSinkError(f"nginx not found; as root of a Debian: {' '.join(INSTALL)}")
    # The service of the package is not wanted: run level 1 has none.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    if subprocess.run(INSTALL, env=environment, stdout=subprocess.DEVNULL, check=False).returncode:
        subprocess.run(UPDATE, env=environment, stdout=subprocess.DEVNULL, check=True)
        subprocess.run(INSTALL, env=environment, stdout=subprocess.DEVNULL, check=True)
    return _found() or "nginx"


def _found() -> str | None:
    # Only root has sbin in its path.
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def version() -> str:
    """Return nginx's name and version."""
    said = subprocess.run([install(), "-v"], stderr=subprocess.PIPE, check=True, text=True).stderr
    return said.rpartition(" ")[2].strip().replace("/", " ")


def configure(directory: Path, *, port: int, tls_port: int, certificate: Path) -> None:
    """Write the configuration."""
    template = Template(Path(__file__).with_name("sink.conf").read_text(encoding="utf-8"))
    text = template.substitute(directory=directory, port=port, tls_port=tls_port, certificate=certificate)
    (directory / "nginx.conf").write_text(text, encoding="utf-8")


def fill(directory: Path) -> None:
    """Make what is fetched: files of zeros, which take no room on the disk, and the pages of the listing."""
    directory.mkdir()
    for name, size in SIZES.items():
        with (directory / name).open("wb") as file:
            file.truncate(size)
    for number in range(LISTED // PAGE):
        (directory / f"list-{number}.xml").write_text(page(number), encoding="utf-8")


def page(number: int) -> str:
    """Return a page of the listing."""
    last = number == LISTED // PAGE - 1
    entries = "".join(
        f"<Contents><Key>4k/{key:06}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
        "<ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>4096</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
        for key in range(number * PAGE, (number + 1) * PAGE)
    )
    token = "" if last else f"<NextContinuationToken>{number + 1}</NextContinuationToken>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>bench</Name><Prefix></Prefix><KeyCount>{PAGE}</KeyCount><MaxKeys>{PAGE}</MaxKeys>"
        f"<IsTruncated>{str(not last).lower()}</IsTruncated>{token}{entries}</ListBucketResult>"
    )


def _start(stack: ExitStack, program: str, directory: Path, port: int) -> None:
    """Start nginx in the foreground, out of reach of the terminal's Ctrl-C, and return when it listens."""
    command = [*WITH_PARENT, program, "-p", str(directory), "-c", str(directory / "nginx.conf")]
    said = directory / "said.log"
    with said.open("wb") as log:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    stack.callback(server.wait)
    stack.callback(server.kill)
    until = time.monotonic() + START_TIMEOUT
    while not _listens(port):
        if server.poll() is not None or time.monotonic() > until:
            raise NoSinkError(f"nginx doesn't start: {said.read_text(errors='replace')}")
        time.sleep(0.01)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
