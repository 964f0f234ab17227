"""Who is measured: the clients, and what each can do. Pure: no client is imported here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchmarks.cases import ASYNCIO, THREADS, UVLOOP, Verb

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from benchmarks.cases import Case

OURS, PEERS, CRT, OLD = "ours", "peers", "crt", "old"
AWAITED = (ASYNCIO, UVLOOP)

OBJECTS = frozenset({Verb.GET, Verb.PUT, Verb.START})
MEMORY = frozenset({Verb.DOWNLOAD, Verb.UPLOAD})
TRANSFERS = frozenset({Verb.DOWNLOAD_FILE, Verb.UPLOAD_FILE})
BULK = frozenset({Verb.UPLOAD_FILES})
KEYS = frozenset({Verb.LIST, Verb.DELETE_MANY})
ALL = OBJECTS | MEMORY | TRANSFERS | BULK | KEYS


@dataclass(frozen=True, slots=True)
class Client:
    """A client: where it is installed, which class of ``benchmarks.peers`` drives it, and what that can do.

    ``slow`` ones get a tenth of the files and half of the rounds, of what is done once and would take them minutes.
    """

    name: str
    module: str
    kind: str
    distribution: str
    verbs: frozenset[Verb]
    environment: str = PEERS
    loops: tuple[str, ...] = AWAITED
    slow: bool = False
    cases: frozenset[str] | None = None
    """The only cases, if not all of the verbs'."""
    condition: str = ""
    """A line of Python that must work in the environment, where the distribution's presence doesn't tell."""

    @property
    def ours(self) -> bool:
        """Whether this is the package as it is by default."""
        return self.environment == OURS and self.kind in {"Awaited", "Blocking"}

    @property
    def peer(self) -> bool:
        """Whether this is a client to be compared with: somebody else's."""
        return self.environment not in {OURS, OLD}


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """A client on one loop, or in threads."""

    name: str
    loop: str

    def __str__(self) -> str:
        return f"{self.name}, {self.loop}"


LASTING = frozenset({Verb.GET, Verb.PUT, Verb.START})
"""What takes everybody the same time, or almost none."""
IMPORTED = "import s3_bucket"
SINGLE = frozenset({"get-4k-1", "put-4k-1", "blocking-get", "start"})

CLIENTS = (
    Client("s3-bucket", "ours", "Awaited", "s3-bucket", ALL, OURS, condition=IMPORTED),
    Client(
        "s3-bucket, blocking",
        "ours",
        "Blocking",
        "s3-bucket",
        OBJECTS,
        OURS,
        (THREADS,),
        cases=SINGLE,
        condition=IMPORTED,
    ),
    Client(
        "s3-bucket, engine botocore",
        "ours",
        "Botocore",
        "s3-bucket",
        OBJECTS | TRANSFERS | BULK,
        OURS,
        slow=True,
        condition=f"{IMPORTED}; s3_bucket.AsyncBucket('bench', engine='botocore')",
    ),
    Client("the floor", "floor", "Floor", "httptools", frozenset({Verb.GET, Verb.PUT, Verb.DOWNLOAD}), OURS),
    Client("obstore", "obs", "Obstore", "obstore", ALL),
    Client("obstore, blocking", "obs", "Blocking", "obstore", OBJECTS, loops=(THREADS,), cases=SINGLE),
    Client("fast-s3", "fast", "FastS3", "fast-s3", OBJECTS | BULK),
    Client(
        "aiohttp-s3-client",
        "aiohttp_s3",
        "AiohttpS3",
        "aiohttp-s3-client",
        OBJECTS | MEMORY | TRANSFERS | BULK | {Verb.LIST},
    ),
    Client("miniopy-async", "miniopy", "Miniopy", "miniopy-async", ALL, slow=True),
    Client("minio", "mini", "Minio", "minio", ALL, loops=(THREADS,), slow=True),
    Client("capo-s3", "capo", "Capo", "capo-s3", ALL, slow=True),
    Client("aiobotocore", "aio", "Aiobotocore", "aiobotocore", OBJECTS | MEMORY | BULK | KEYS, slow=True),
    Client("boto3", "boto", "Boto3", "boto3", ALL, loops=(THREADS,), slow=True),
    Client("s3transfer with awscrt", "crt", "Crt", "awscrt", TRANSFERS, CRT, (THREADS,)),
    Client("s3fs", "fs", "S3fs", "s3fs", ALL, slow=True),
    Client("s3fs, blocking", "fs", "Blocking", "s3fs", OBJECTS, loops=(THREADS,), cases=SINGLE, slow=True),
    Client("s3-bucket 1.4.0", "old", "Old", "s3-bucket", OBJECTS, OLD, (THREADS,), slow=True, cases=SINGLE),
)
BY_NAME = {client.name: client for client in CLIENTS}


def can(client: Client, case: Case) -> bool:
    """Whether a client takes part in a case."""
    return case.verb in client.verbs and (client.cases is None or case.name in client.cases)


def rows(case: Case, clients: Iterable[Client]) -> Iterator[Row]:
    """Yield who takes part in a case, on which loop."""
    for client in clients:
        if can(client, case):
            yield from (Row(client.name, loop) for loop in client.loops if loop in case.loops)


def given(client: Client, case: Case) -> Case:
    """Return the case as this client gets it: less of it, if it would take minutes."""
    if not client.slow or case.verb in LASTING:
        return case
    count = case.count // 10 if case.verb is Verb.UPLOAD_FILES else case.count
    return replace(case, count=count, rounds=(case.rounds + 1) // 2)
