"""What is measured. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
SMALL = 4 * KIB
FILES = 10_000
LISTED = 100_000
DELETED = 10_000

ASYNCIO, UVLOOP, THREADS = "asyncio", "uvloop", "threads"
BOTH = (ASYNCIO, UVLOOP, THREADS)
FAST = (UVLOOP, THREADS)


class Server(Enum):
    """What answers."""

    SINK = "nginx, HTTP"
    SINK_TLS = "nginx, HTTPS"
    CEPH = "Ceph"


class Verb(Enum):
    """What a client does; the method of ``peers.peer.Peer`` that does it has the same name."""

    GET = "get"
    PUT = "put"
    DOWNLOAD = "download"
    UPLOAD = "upload"
    DOWNLOAD_FILE = "download_file"
    UPLOAD_FILE = "upload_file"
    UPLOAD_FILES = "upload_files"
    LIST = "list"
    DELETE_MANY = "delete_many"
    START = "start"


WHOLE = frozenset({Verb.DOWNLOAD, Verb.UPLOAD, Verb.DOWNLOAD_FILE, Verb.UPLOAD_FILE})
"""What is compared by bytes, the others by operations."""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to measure.

    ``rounds`` is how many of the run's rounds it takes part in, for a case whose figures nobody waits for.
    """

    name: str
    title: str
    verb: Verb
    size: int = SMALL
    concurrency: int = 1
    count: int = 1
    seconds: float = 0.7
    server: Server = Server.SINK
    loops: tuple[str, ...] = FAST
    rounds: int = 3

    @property
    def by_bytes(self) -> bool:
        """Whether bytes count, and not operations."""
        return self.verb in WHOLE


def _small(verb: Verb, concurrency: int, seconds: float, rounds: int, server: Server = Server.SINK) -> Case:
    tls = server is Server.SINK_TLS
    name = f"{verb.value}-4k-{concurrency}{'-https' if tls else ''}"
    title = f"{verb.value} of 4 KiB, {concurrency} at a time{', HTTPS' if tls else ''}"
    loops = FAST if tls else BOTH
    return Case(name, title, verb, concurrency=concurrency, seconds=seconds, rounds=rounds, loops=loops, server=server)


def _medium(verb: Verb, size: int, label: str) -> Case:
    name = f"{verb.value}-{label.replace(' ', '')[:-2].lower()}-32"
    title = f"{verb.value} of {label}, 32 at a time"
    return Case(name, title, verb, size, concurrency=32, seconds=0.5, rounds=2)


def _gibibyte(verb: Verb, title: str, server: Server = Server.SINK) -> Case:
    tls = server is Server.SINK_TLS
    name = verb.value.replace("_", "-")
    name = f"{name if 'file' in name else f'{name}-memory'}-1g{'-https' if tls else ''}"
    rounds = 3 if "file" in name and not tls else 2
    suffix = ", HTTPS" if tls else ""
    return Case(name, f"{title}{suffix}", verb, GIB, concurrency=10, rounds=rounds, server=server)


CASES = (
    _small(Verb.GET, 32, 1.0, 3),
    _small(Verb.PUT, 32, 1.0, 3),
    _small(Verb.GET, 1, 0.5, 2),
    _small(Verb.PUT, 1, 0.5, 2),
    _small(Verb.GET, 256, 0.5, 2),
    _small(Verb.PUT, 256, 0.5, 2),
    _small(Verb.GET, 32, 0.7, 2, Server.SINK_TLS),
    _small(Verb.PUT, 32, 0.7, 2, Server.SINK_TLS),
    _medium(Verb.GET, 64 * KIB, "64 KiB"),
    _medium(Verb.PUT, 64 * KIB, "64 KiB"),
    _medium(Verb.GET, MIB, "1 MiB"),
    _medium(Verb.PUT, MIB, "1 MiB"),
    _gibibyte(Verb.DOWNLOAD_FILE, "1 GiB into a file"),
    _gibibyte(Verb.UPLOAD_FILE, "1 GiB from a file"),
    _gibibyte(Verb.DOWNLOAD, "1 GiB into memory"),
    _gibibyte(Verb.UPLOAD, "1 GiB from memory"),
    _gibibyte(Verb.DOWNLOAD_FILE, "1 GiB into a file", Server.SINK_TLS),
    _gibibyte(Verb.UPLOAD_FILE, "1 GiB from a file", Server.SINK_TLS),
    Case("upload-files", "upload of 10,000 files of 4 KiB", Verb.UPLOAD_FILES, concurrency=32, count=FILES),
    Case("list", "list of 100,000 keys", Verb.LIST, concurrency=10, count=LISTED, rounds=2),
    Case(
        "delete-many",
        "delete of 10,000 keys, Ceph",
        Verb.DELETE_MANY,
        concurrency=10,
        count=DELETED,
        # Storing them takes Ceph some ten seconds for each client.
        rounds=1,
        server=Server.CEPH,
    ),
    Case("blocking-get", "blocking get of 4 KiB, one after another", Verb.GET, loops=(THREADS,)),
    Case("start", "from the start of the process to the first object", Verb.START, loops=(ASYNCIO, THREADS), rounds=5),
)
BY_NAME = {case.name: case for case in CASES}


def quick(case: Case) -> Case:
    """Return less of a case: enough to see an order of magnitude."""
    return replace(case, rounds=1, seconds=case.seconds / 2)


def limited(case: Case, rounds: int) -> Case:
    """Return the case with at most so many rounds."""
    return replace(case, rounds=min(case.rounds, rounds))
