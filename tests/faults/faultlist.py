"""The faults of the matrix: what is promised of each, to which operations it can happen, and how it is provoked."""

from __future__ import annotations

import asyncio
import enum
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.faults import injections as make
from tests.faults.operations import DONE, Operation
from tests.faults.proxy import Step
from tests.faults.realm import stored
from tests.faults.service import Injection
from tests.faults.world import OLD

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.proxy import Action
    from tests.faults.realm import Arrived
    from tests.faults.world import World


class Promise(enum.Enum):
    """What may come out."""

    EXACT = "the exact result"
    ERROR = "a named error"
    EITHER = "the exact result or a named error"
    CLEAN = "cancelled and clean, or the exact result"


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        numbers: its numbers in the catalogue.
        name: its row in the table.
        promise: what may come out.
        words: the promise, in words.
        provoke: prepares the cell's world.
        at: the operations of S3 that it can happen to; empty for any.
        traits: an operation must have one of them.
        without: an operation must have none of them.
        errors: what may be raised.
        most: requests that may be sent at most; None where attempts say it.
        blocking: whether it can be provoked in the blocking face, too.
        certain: whether it happens for sure, so that a cell in which it doesn't proves nothing.
        asks_head: whether a HEAD follows each answer, for its length.
        also: errors that may come before the cancellation does.
        throttles: whether the server asks for patience, for which there are more attempts.
        leaves_upload: whether an upload stays on the server, whose id the error must tell.
    """

    numbers: tuple[int, ...]
    name: str
    promise: Promise
    words: str
    provoke: Callable[[World, Fault], None] = field(repr=False)
    at: frozenset[str] = frozenset()
    traits: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    errors: tuple[str, ...] = ("BucketException",)
    most: int | None = None
    blocking: bool = True
    certain: bool = True
    throttles: bool = False
    asks_head: bool = False
    also: tuple[str, ...] = ()
    leaves_upload: bool = False

    def applies(self, operation: Operation) -> bool:
        """Whether it can happen to the operation."""
        reached = not self.at or bool(self.at & operation.s3)
        return (
            reached
            and (not self.traits or bool(self.traits & operation.traits))
            and not self.without & operation.traits
        )


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


GET = _names("GetObject")
XML = _names(
    "ListObjectsV2 DeleteObjects CreateMultipartUpload CompleteMultipartUpload GetBucketLocation ListMultipartUploads"
)
SENDING = _names("PutObject UploadPart")
WRITES = SENDING | _names("CreateMultipartUpload CompleteMultipartUpload")
COMPLETE = _names("CompleteMultipartUpload")
ALL = GET | XML | WRITES | _names("HeadObject DeleteObject CreateBucket HeadBucket AbortMultipartUpload")
BODIES = GET | XML
BUT_ABORT = ALL - _names("AbortMultipartUpload")
EXACT, ERROR, EITHER, CLEAN = Promise.EXACT, Promise.ERROR, Promise.EITHER, Promise.CLEAN

Provoke = "Callable[[World, Fault], None]"


# How the faults of the server are provoked


def _server(
    how: Any, *, times: int | None = 1, early: bool = False, second: bool = True, at: frozenset[str] | None = None
) -> Callable[[World, Fault], None]:
    """Have the server do it: once, at the first or the second request that it can happen to, or always."""

    def provoke(world: World, fault: Fault) -> None:
        where = (at or fault.at or ALL) & world.operation.s3
        late = second and times is not None and _repeated(world.operation, where) and world.rng.random() < 0.5  # noqa: PLR2004  # half of them
        world.hosted.injections += (Injection(where, how, times, int(late), early),)

    return provoke


def _repeated(operation: Operation, where: frozenset[str]) -> bool:
    """Whether the operation sends more than one request that the fault can happen to."""
    if len(operation.s3) == 1:
        return operation.calls > 1
    return len(where) > 1 or "UploadPart" in where


def _of_world(build: Callable[[World], Any], **options: Any) -> Callable[[World, Fault], None]:
    return lambda world, fault: _server(build(world), **options)(world, fault)


def _throttled(world: World, fault: Fault) -> None:
    """Ask for patience at 30 % of the requests."""
    how = lambda exchange: make.says(503, "SlowDown")(exchange) if exchange.rng.random() < 0.3 else None  # noqa: E731, PLR2004
    world.hosted.injections = (Injection(ALL, how, None),)


def _skewed(world: World, _: Fault) -> None:
    """Have the server's clock 20 minutes ahead: it refuses what is signed by another."""
    import datetime  # noqa: PLC0415  # one use
    from email.utils import format_datetime  # noqa: PLC0415  # as above

    def how(exchange: make.Exchange) -> Any:
        now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=20)
        said = exchange.request.headers.get("x-amz-date", "")
        signed = datetime.datetime.strptime(said, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
        if abs((now - signed).total_seconds()) < 15 * 60:
            return None
        return make.says(403, "RequestTimeTooSkewed", Date=format_datetime(now, usegmt=True))(exchange)

    world.hosted.injections = (Injection(ALL, how, None),)


def _closing(world: World, _: Fault) -> None:
    """Close each connection after its answer, without having said so."""
    world.hosted.closes = True


def _part_refused(world: World, _: Fault) -> None:
    """Refuse the second part for good."""

    def how(exchange: make.Exchange) -> Any:
        second = exchange.request.query.get("partNumber") == ["2"]
        return make.says(403, "AccessDenied")(exchange) if second else None

    world.hosted.injections += (Injection(SENDING, how, None),)


def _abort_refused(times: int | None) -> Callable[[World, Fault], None]:
    def provoke(world: World, fault: Fault) -> None:
        _part_refused(world, fault)
        abort = Injection(_names("AbortMultipartUpload"), make.says(503, "ServiceUnavailable"), times)
        world.hosted.injections += (abort,)

    return provoke


def _overwritten(*, honest: bool) -> Callable[[World, Fault], None]:
    def provoke(world: World, _: Fault) -> None:
        world.versions = [world.content[::-1]]
        world.hosted.realm.ignores_if_match = not honest
        world.hosted.injections = (Injection(GET, make.replaced_after(world)),)

    return provoke


def _opaque(world: World, _: Fault) -> None:
    """Give objects entity tags that are no checksums of anything."""

    def how(exchange: make.Exchange) -> Any:
        tag = f"opaque/{'~' * exchange.rng.randint(1, 40)}"
        for key, there in list(exchange.cell.realm.objects.items()):
            exchange.cell.realm.objects[key] = stored(there.data)
            object.__setattr__(exchange.cell.realm.objects[key], "etag", tag)
        world.hosted.injections = ()

    how(make.Exchange(None, world.hosted, None, world.rng))  # type: ignore[arg-type]  # nothing of it is looked at
    world.hosted.provoked += 1


def _vendor_refuses_checksums(world: World, _: Fault) -> None:
    """Be a vendor who knows no checksums in headers."""

    def how(exchange: make.Exchange) -> Any:
        named = [
            name for name in exchange.request.headers if name.startswith(("x-amz-checksum-", "x-amz-sdk-checksum"))
        ]
        return make.says(501, "NotImplemented")(exchange) if set(named) - {"x-amz-checksum-mode"} else None

    world.hosted.injections = (Injection(ALL, how, None),)


# How the faults between client and server are provoked


def _wire(way: str, action: Action, *, once: bool = True, in_body: bool | None = True, seconds: float = 0.3) -> Any:
    """Have the proxy do it to an exchange, at a seeded place."""

    def provoke(world: World, fault: Fault) -> None:
        world.settings["endpoint_url"] = world.addresses["proxy"]
        hits = [0]
        where = fault.at & world.operation.s3 if fault.at else world.operation.s3
        share = world.rng.choice([0.0, 0.01, world.rng.random(), 0.999])

        def plan(request: Arrived) -> Step | None:
            if request.operation not in where or (once and hits[0]):
                return None
            hits[0] += 1
            world.hosted.provoked += 1
            body = world.rng.random() < 0.5 if in_body is None else in_body  # noqa: PLR2004  # half of them
            return Step(way, share, action, body, seconds)  # type: ignore[arg-type]  # one of the two

        world.hosted.plan = plan

    return provoke


def _chaos(world: World, _: Fault) -> None:
    """Have the proxy do anything to 30 % of the exchanges, at any place."""
    world.settings["endpoint_url"] = world.addresses["proxy"]
    actions: tuple[Action, ...] = ("fin", "rst", "drop", "delay", "stall")

    def plan(request: Arrived) -> Step | None:
        if world.rng.random() > 0.3:  # noqa: PLR2004  # 30 %
            return None
        way = world.rng.choice(["up", "down"])
        return Step(way, world.rng.random(), world.rng.choice(actions), world.rng.random() < 0.5)  # type: ignore[arg-type]  # noqa: PLR2004

    world.hosted.plan = plan


def _endpoint(name: str) -> Callable[[World, Fault], None]:
    """Have the bucket at another address."""

    def provoke(world: World, _: Fault) -> None:
        world.settings["endpoint_url"] = world.addresses[name]
        world.hosted.provoked += 1

    return provoke


def _setting(**values: Any) -> Callable[[World, Fault], None]:
    def provoke(world: World, _: Fault) -> None:
        world.settings |= values
        world.hosted.provoked += 1

    return provoke


# Bad and odd inputs


def _key(*choices: str) -> Callable[[World, Fault], None]:
    """Have the objects named so."""

    def provoke(world: World, _: Fault) -> None:
        odd = world.rng.choice(choices)
        for old in (world.key, *world.keys):
            there = world.hosted.realm.objects.pop(old, None)
            new = odd if old == world.key else f"{odd}{old[-1]}"
            if there is not None and (old == world.key) == (world.key in world.operation.before(world)):
                world.hosted.realm.objects[new] = there
        world.key = odd
        world.keys = [f"{odd}{number}" for number in range(3)]
        world.hosted.provoked += 1

    return provoke


def _bad_key(*choices: str) -> Callable[[World, Fault], None]:
    def provoke(world: World, _: Fault) -> None:
        world.key = world.rng.choice(choices)
        world.keys = [world.key] * 3
        world.hosted.provoked += 1

    return provoke


def _option(*choices: dict[str, Any]) -> Callable[[World, Fault], None]:
    def provoke(world: World, _: Fault) -> None:
        world.options |= world.rng.choice(choices)
        world.hosted.provoked += 1

    return provoke


def _bucket_name(*choices: str) -> Callable[[World, Fault], None]:
    def provoke(world: World, _: Fault) -> None:
        world.bucket_name = world.rng.choice(choices)
        world.hosted.provoked += 1

    return provoke


def _content(change: Callable[[bytes], bytes], **headers: str) -> Callable[[World, Fault], None]:
    def provoke(world: World, _: Fault) -> None:
        world.content = change(world.content)
        world.refill(**headers)
        world.hosted.provoked += 1

    return provoke


def _producer_fails(world: World, _: Fault) -> None:
    world.fails_after = world.rng.randrange(4)
    world.hosted.provoked += 1


# The local disk


def _destination(change: Callable[[World], None]) -> Callable[[World, Fault], None]:
    def provoke(world: World, _: Fault) -> None:
        world.destination.unlink()
        change(world)
        world.hosted.provoked += 1

    return provoke


def _missing_parent(world: World) -> None:
    world.destination = world.directory / "missing" / "file"


def _linked(world: World) -> None:
    target = world.directory / "target"
    target.write_bytes(OLD)
    world.destination.symlink_to(target)
    world.linked = target.name


def _long_name(world: World) -> None:
    world.destination = world.directory / ("é" * 127 + "x")


def _no_source(change: Callable[[World], None]) -> Callable[[World, Fault], None]:
    def provoke(world: World, _: Fault) -> None:
        world.source.unlink()
        change(world)
        world.hosted.provoked += 1

    return provoke


def _source_changes(world: World, _: Fault) -> None:
    """Have the source file changed while the upload is on its way."""
    change: Callable[[], object] = world.rng.choice(
        [
            lambda: os.truncate(world.source, len(world.content) // 2),
            lambda: world.source.open("ab").write(b"more"),
            lambda: world.source.write_bytes(world.content[::-1]),
        ]
    )

    def how(_: make.Exchange) -> None:
        change()

    world.hosted.injections = (Injection(_names("CreateMultipartUpload PutObject"), how),)


# The caller


def _cancelled_at(how: Callable[[make.Exchange], Any]) -> Callable[[World, Fault], None]:
    return _of_world(lambda world: make.cancelling(world, how), second=True)


def _cancelled_sometime(most: float) -> Callable[[World, Fault], None]:
    def provoke(world: World, _: Fault) -> None:
        seconds = world.rng.uniform(0, most)

        async def around(do: Callable[[], Any]) -> Any:
            asyncio.get_running_loop().call_later(seconds, world.cancel)
            return await do()

        world.around = around

    return provoke


def _cancelled_twice(world: World, fault: Fault) -> None:
    """Cancel when a request has arrived, and again when the cleaning up has."""
    _cancelled_at(make.nothing("silent"))(world, fault)
    again = make.cancelling(world, lambda _: None)
    world.hosted.injections += (Injection(_names("AbortMultipartUpload"), again),)


def _timed_out(world: World, fault: Fault) -> None:
    """Wrap the call in asyncio.timeout()."""
    _server(make.nothing("silent"), times=None)(world, fault)

    async def around(do: Callable[[], Any]) -> Any:
        async with asyncio.timeout(0.3):
            return await do()

    world.around = around


def _bad(word: str, *choices: dict[str, Any]) -> dict[str, Any]:
    return {
        "provoke": _option(*choices),
        "promise": ERROR,
        "words": word,
        "traits": _names("options"),
        "errors": ("InvalidInput",),
        "most": 0,
    }


REFUSED = "refused by name, before anything is sent"
WHOLE = "the exact bytes, or an error: never part of them"
TRIED_AGAIN = "tried again: the exact result"
STALLS = "an error within max_attempts x (connect_timeout + read_timeout)"
RETRYABLE = ((429, "TooManyRequests"), (408, "RequestTimeout"), (500, "InternalError"), (502, "BadGateway"))
RETRYABLE += ((503, "ServiceUnavailable"), (504, "GatewayTimeout"), (400, "RequestTimeout"))
INVALID = {"promise": ERROR, "words": REFUSED, "errors": ("InvalidInput",), "most": 0}
IN = _names("in")
KEYS = _names("key keys")

FAULTS: tuple[Fault, ...] = (
    Fault((), "none", EXACT, "the exact result", lambda world, _: None, certain=False),
    # Reading
    Fault((1,), "body cut by FIN, once", EXACT, "resumed: the exact bytes", _server(make.cut("fin")), BODIES),
    Fault((1,), "every body cut by FIN", EITHER, WHOLE, _server(make.cut("fin"), times=None), BODIES),
    Fault((2,), "body cut by RST, once", EXACT, "resumed: the exact bytes", _server(make.cut("rst")), BODIES),
    Fault((2,), "every body cut by RST", EITHER, WHOLE, _server(make.cut("rst"), times=None), BODIES),
    Fault((3,), "silent mid-body, once", EXACT, TRIED_AGAIN, _server(make.cut("silent")), BODIES),
    Fault((3, 63), "silent in every body", EITHER, STALLS, _server(make.cut("silent"), times=None), BODIES),
    Fault((4,), "every answer drips, 4 bytes a second", EITHER, STALLS, _server(make.dripping, times=None), BODIES),
    Fault(
        (5,),
        "no Content-Length, and cut short",
        EITHER,
        WHOLE,
        _server(make.without_length(0.5), times=None),
        GET,
        asks_head=True,
    ),
    Fault(
        (5,),
        "no Content-Length, but whole",
        EXACT,
        "the exact bytes",
        _server(make.without_length(1.0), times=None),
        GET,
        asks_head=True,
    ),
    Fault(
        (6,),
        "chunked, without the final chunk",
        EITHER,
        WHOLE,
        _server(make.without_last_chunk, times=None),
        BODIES,
        asks_head=True,
    ),
    Fault(
        (7,),
        "more bytes than Content-Length",
        EXACT,
        "the exact bytes; the next answer is not poisoned",
        _server(make.with_more, times=None),
        GET,
    ),
    Fault(
        (8,),
        "Range ignored: 200 and the whole object",
        EITHER,
        "never the wrong bytes in the right place",
        _server(make.range_ignored, times=None),
        GET,
        _names("ranges range"),
    ),
    Fault(
        (9,),
        "wrong Content-Range",
        EITHER,
        "never the wrong bytes in the right place",
        _server(make.wrong_range, times=None),
        GET,
        _names("ranges range"),
    ),
    Fault(
        (9,),
        "another range than was asked for",
        ERROR,
        "never the wrong bytes in the right place",
        _server(make.shifted, times=None),
        GET,
        _names("range"),
    ),
    Fault(
        (10,),
        "replaced between two ranges",
        EITHER,
        "one version, whole, or an error: never a mixture",
        _overwritten(honest=True),
        GET,
        _names("ranges"),
    ),
    Fault(
        (10,),
        "replaced between two ranges; If-Match ignored",
        EITHER,
        "one version, whole, or an error: never a mixture",
        _overwritten(honest=False),
        GET,
        _names("ranges"),
    ),
    Fault(
        (12,),
        "deleted between two ranges",
        ERROR,
        "NoSuchKey; the old file stays",
        _server(make.deleted_after, second=False),
        GET,
        _names("ranges"),
        errors=("NoSuchKey", "IntegrityError"),
    ),
    Fault(
        (13, 14),
        "one bit of a body flipped, once",
        EITHER,
        "tried again, or IntegrityError",
        _server(make.bit_flipped),
        GET,
        _names("data"),
        _names("range"),
    ),
    Fault(
        (13, 14),
        "one bit of every body flipped",
        ERROR,
        "IntegrityError where the server keeps a checksum of the whole",
        _server(make.bit_flipped, times=None),
        GET,
        _names("data"),
        _names("range"),
        errors=("IntegrityError",),
    ),
    Fault((15,), "checksum of parts only", EXACT, "no false alarm", _server(make.composite_checksum, times=None), GET),
    Fault(
        (16,),
        "stored with Content-Encoding: gzip",
        EXACT,
        "the bytes as they are stored",
        _content(make.gzipped, **{"content-encoding": "gzip"}),
        GET,
        without=_names("json range"),
    ),
    Fault(
        (17, 43),
        "an empty object",
        EXACT,
        "the exact result",
        _content(lambda _: b""),
        GET | WRITES,
        without=_names("json range"),
    ),
    Fault(
        (17,),
        "an empty object, read piece by piece",
        EXACT,
        "the exact result",
        _content(lambda _: b""),
        traits=_names("destination ranges"),
    ),
    Fault(
        (19,),
        "Content-Length of 8 EiB",
        ERROR,
        "an error at once",
        _server(make.huge_length, times=None),
        GET,
        errors=("BucketException", "MemoryError"),
    ),
    Fault((21,), "no HTTP, once", EXACT, TRIED_AGAIN, _server(make.garbage), BUT_ABORT),
    Fault((21,), "no HTTP, ever", ERROR, "a named error", _server(make.garbage, times=None), BUT_ABORT),
    # Writing
    Fault(
        (22,),
        "connection ends while a body is sent, once",
        EXACT,
        TRIED_AGAIN,
        _server(make.ends_reading("fin"), early=True),
        SENDING,
    ),
    Fault(
        (22,),
        "RST while a body is sent, once",
        EXACT,
        TRIED_AGAIN,
        _server(make.ends_reading("rst"), early=True),
        SENDING,
    ),
    Fault(
        (22,),
        "RST while any body is sent",
        ERROR,
        "a named error; no orphan",
        _server(make.ends_reading("rst"), times=None, early=True),
        SENDING,
    ),
    Fault(
        (23,), "server stops reading a body, once", EXACT, TRIED_AGAIN, _server(make.stops_reading, early=True), SENDING
    ),
    Fault(
        (23,),
        "server stops reading every body",
        ERROR,
        STALLS,
        _server(make.stops_reading, times=None, early=True),
        SENDING,
    ),
    Fault(
        (23,),
        "server reads 10 bytes a second",
        ERROR,
        STALLS,
        _server(make.reads_slowly, times=None, early=True),
        SENDING,
    ),
    Fault(
        (24,),
        "no answer to Expect: 100-continue",
        EXACT,
        "the exact result",
        _server(make.no_continue, times=None, early=True),
        SENDING,
    ),
    Fault(
        (25,),
        "refused before the body was sent",
        ERROR,
        "the server's own error, at once",
        _server(make.refuses_early, times=None, early=True),
        SENDING,
        errors=("BucketAccessDenied",),
    ),
    Fault((26,), "answer to a part lost", EXACT, TRIED_AGAIN, _server(make.lost("fin")), _names("UploadPart")),
    Fault(
        (27, 37),
        "answer to CompleteMultipartUpload lost (FIN)",
        EXACT,
        "success: the object is there",
        _server(make.lost("fin")),
        COMPLETE,
    ),
    Fault(
        (27, 37),
        "answer to CompleteMultipartUpload lost (RST)",
        EXACT,
        "success: the object is there",
        _server(make.lost("rst")),
        COMPLETE,
    ),
    Fault(
        (27, 37),
        "answer to CompleteMultipartUpload never comes",
        EXACT,
        "success: the object is there",
        _server(make.lost("silent")),
        COMPLETE,
    ),
    Fault(
        (26, 35),
        "answer to CreateMultipartUpload lost",
        EXACT,
        "tried again; the upload that nobody knows of is swept by abort_stale_uploads()",
        _server(make.lost("fin")),
        _names("CreateMultipartUpload"),
    ),
    Fault((26,), "answer lost, once", EXACT, TRIED_AGAIN, _server(make.lost("fin")), BUT_ABORT - COMPLETE),
    Fault((26,), "no answer, once", EXACT, TRIED_AGAIN, _server(make.nothing("silent")), BUT_ABORT),
    Fault((3, 61), "no answer, ever", ERROR, STALLS, _server(make.nothing("silent"), times=None), BUT_ABORT),
    Fault(
        (45,),
        "answer to a conditional write lost",
        EXACT,
        "success: its own write is no conflict",
        _server(make.lost("fin")),
        _names("PutObject CompleteMultipartUpload"),
        _names("conditional"),
    ),
    Fault(
        (28,),
        "200 with an <Error>: InternalError, once",
        EXACT,
        TRIED_AGAIN,
        _server(make.error_in_200("InternalError")),
        XML,
    ),
    Fault(
        (28,),
        "200 with an <Error>: AccessDenied",
        ERROR,
        "BucketAccessDenied; not tried again",
        _server(make.error_in_200("AccessDenied"), times=None),
        XML,
        errors=("BucketAccessDenied",),
    ),
    Fault((29, 154), "200 without a word, once", EXACT, TRIED_AGAIN, _server(make.empty_200), BUT_ABORT - GET),
    Fault(
        (29, 154), "200 without a word, ever", ERROR, "never success", _server(make.empty_200, times=None), BUT_ABORT
    ),
    Fault((29, 154), "a login page, once", EXACT, TRIED_AGAIN, _server(make.login_page), BUT_ABORT),
    Fault((29, 154), "a login page, ever", ERROR, "never success", _server(make.login_page, times=None), BUT_ABORT),
    Fault((30,), "white space before the XML", EXACT, "the exact result", _server(make.white_space, times=None), XML),
    Fault((31,), "half of the XML, once", EXACT, TRIED_AGAIN, _server(make.half_xml), XML),
    Fault((31,), "half of the XML, ever", ERROR, "never success", _server(make.half_xml, times=None), XML),
    Fault(
        (32,),
        "a part refused for good",
        ERROR,
        "no orphan: the upload is aborted",
        _part_refused,
        _names("UploadPart"),
        errors=("BucketAccessDenied",),
    ),
    Fault(
        (36,),
        "abort refused, once",
        ERROR,
        "no orphan: the abort is tried again",
        _abort_refused(1),
        _names("UploadPart"),
        errors=("BucketAccessDenied",),
    ),
    Fault(
        (36,),
        "abort refused, ever",
        ERROR,
        "the first error, with a note that tells the upload's id",
        _abort_refused(None),
        _names("UploadPart"),
        errors=("BucketAccessDenied",),
        leaves_upload=True,
    ),
    Fault(
        (38,),
        "source file changes during the upload",
        EITHER,
        "what was there at first, or IntegrityError and nothing",
        _source_changes,
        traits=_names("source"),
        errors=("IntegrityError",),
    ),
    Fault(
        (40,),
        "the producer of the bytes raises",
        ERROR,
        "its own exception; nothing is stored",
        _producer_fails,
        traits=_names("stream"),
        errors=("ProducerError",),
    ),
    Fault(
        (46,),
        "409 ConditionalRequestConflict or OperationAborted, once",
        EXACT,
        TRIED_AGAIN,
        _server(make.says_one_of((409, "ConditionalRequestConflict"), (409, "OperationAborted"))),
        WRITES | _names("DeleteObject CreateBucket"),
    ),
    Fault((47,), "the server says BadDigest, once", EXACT, TRIED_AGAIN, _server(make.says(400, "BadDigest")), SENDING),
    Fault(
        (47,),
        "the server says BadDigest, ever",
        ERROR,
        "IntegrityError; no orphan",
        _server(make.says(400, "BadDigest"), times=None),
        SENDING,
        errors=("IntegrityError",),
    ),
    Fault(
        (48,),
        "the vendor refuses checksum headers",
        EXACT,
        "learnt: sent without",
        _vendor_refuses_checksums,
        WRITES,
        certain=False,
    ),
    Fault((51,), "entity tags that are no MD5", EXACT, "compared only", _opaque, GET),
    Fault(
        (52,),
        "entity tags without quotes",
        EXACT,
        "the exact result",
        _server(make.unquoted_etag, times=None),
        GET | SENDING | _names("HeadObject"),
    ),
    # Connection
    Fault(
        (53,),
        "no such host",
        ERROR,
        "BucketConnectionError",
        _endpoint("nowhere"),
        errors=("BucketConnectionError",),
        most=0,
    ),
    Fault((55,), "IPv6 literal", EXACT, "the exact result", _endpoint("ipv6")),
    Fault(
        (56,),
        "connection refused",
        ERROR,
        "BucketConnectionError",
        _endpoint("refused"),
        errors=("BucketConnectionError",),
        most=0,
    ),
    Fault((56,), "connection never accepted", ERROR, STALLS, _endpoint("full"), most=0),
    Fault((57,), "connection closed after each answer", EXACT, "the exact result", _closing, certain=False),
    Fault(
        (58,),
        "a certificate that nobody trusts",
        ERROR,
        "BucketConnectionError, after one attempt",
        _endpoint("tls"),
        errors=("BucketConnectionError",),
        most=0,
    ),
    Fault((60,), "answers 0.3 s late", EXACT, "the exact result", _wire("down", "delay", once=False), ALL),
    Fault(
        (1, 60), "proxy: FIN in an answer", EXACT, TRIED_AGAIN, _wire("down", "fin", in_body=None), BUT_ABORT - COMPLETE
    ),
    Fault(
        (2,), "proxy: RST in an answer", EXACT, TRIED_AGAIN, _wire("down", "rst", in_body=None), BUT_ABORT - COMPLETE
    ),
    Fault((22,), "proxy: FIN in a request", EXACT, TRIED_AGAIN, _wire("up", "fin", in_body=None), BUT_ABORT),
    Fault((22,), "proxy: RST in a request", EXACT, TRIED_AGAIN, _wire("up", "rst", in_body=None), BUT_ABORT),
    Fault(
        (3, 63),
        "proxy: an answer stalls, once",
        EXACT,
        TRIED_AGAIN,
        _wire("down", "stall", in_body=None),
        BUT_ABORT - COMPLETE,
    ),
    Fault(
        (23, 63),
        "proxy: requests stall, ever",
        ERROR,
        STALLS,
        _wire("up", "stall", once=False, in_body=None),
        BUT_ABORT,
    ),
    Fault((47,), "proxy: one bit of a sent body flipped, once", EXACT, TRIED_AGAIN, _wire("up", "flip"), SENDING),
    Fault(
        (47, 50),
        "proxy: one bit of every sent body flipped",
        ERROR,
        "IntegrityError; nothing is stored",
        _wire("up", "flip", once=False),
        SENDING,
        errors=("IntegrityError",),
    ),
    Fault(
        (27, 45),
        "proxy: the answer to a write dropped",
        EXACT,
        "success: the object is there",
        _wire("down", "drop"),
        _names("PutObject CompleteMultipartUpload"),
    ),
    Fault(
        (7,),
        "proxy: bytes repeated at the end of an answer",
        EITHER,
        WHOLE,
        _wire("down", "duplicate"),
        GET,
        certain=False,
    ),
    Fault((1, 2, 3, 22, 60), "proxy: anything, to 30 % of the exchanges", EITHER, WHOLE, _chaos, ALL, certain=False),
    # Throttling, credentials, time
    Fault((65,), "503 SlowDown at 30 % of the requests", EXACT, TRIED_AGAIN, _throttled, certain=False, throttles=True),
    Fault(
        (65,),
        "503 SlowDown, twice",
        EXACT,
        TRIED_AGAIN,
        _server(make.says(503, "SlowDown"), times=2, second=False),
        BUT_ABORT,
        throttles=True,
    ),
    Fault(
        (65,),
        "503 SlowDown, ever",
        ERROR,
        "Throttled, after a bounded number of requests",
        _server(make.says(503, "SlowDown"), times=None),
        BUT_ABORT,
        errors=("Throttled",),
        throttles=True,
    ),
    Fault(
        (66,),
        "429, 408, 500, 502, 503 or 504, once",
        EXACT,
        TRIED_AGAIN,
        _server(make.says_one_of(*RETRYABLE)),
        BUT_ABORT,
        throttles=True,
    ),
    Fault(
        (66,),
        "500 InternalError, ever",
        ERROR,
        "a named error",
        _server(make.says(500, "InternalError"), times=None),
        BUT_ABORT,
    ),
    Fault(
        (67,),
        "503 with Retry-After: 1, once",
        EXACT,
        "tried again, not before",
        _server(make.says(503, "SlowDown", Retry_After="1"), second=False),
        BUT_ABORT,
        throttles=True,
    ),
    Fault(
        (69,),
        "the server's clock is 20 minutes ahead",
        EXACT,
        "learnt from its answer, and signed anew",
        _skewed,
        BUT_ABORT,
        certain=False,
    ),
    Fault(
        (71,),
        "the token has expired",
        ERROR,
        "NoCredentials",
        _server(make.says(400, "ExpiredToken"), times=None),
        BUT_ABORT,
        errors=("NoCredentials", "UnknownBucketException"),
    ),
    Fault(
        (74,),
        "no credentials",
        ERROR,
        "NoCredentials, before anything is sent",
        _setting(aws_access_key_id=None, aws_secret_access_key=None, aws_session_token=None),
        errors=("NoCredentials",),
        most=0,
    ),
    Fault(
        (75,),
        "403 AccessDenied",
        ERROR,
        "BucketAccessDenied: never 'it is not there'",
        _server(make.says(403, "AccessDenied"), times=None),
        BUT_ABORT,
        errors=("BucketAccessDenied",),
    ),
    # The local disk
    Fault(
        (80,),
        "the destination is a directory",
        ERROR,
        "IsADirectoryError, before anything is sent",
        _destination(lambda world: world.destination.mkdir()),
        traits=_names("destination"),
        errors=("IsADirectoryError",),
        most=0,
    ),
    Fault(
        (80,),
        "the destination is a FIFO",
        ERROR,
        REFUSED,
        _destination(lambda world: os.mkfifo(world.destination)),
        traits=_names("destination"),
        errors=("InvalidInput",),
        most=0,
    ),
    Fault(
        (80,),
        "the destination is a symbolic link",
        EXACT,
        "the link stays; what it points to is replaced",
        _destination(_linked),
        traits=_names("destination"),
    ),
    Fault(
        (81,),
        "the destination's directory is missing",
        ERROR,
        "FileNotFoundError, before anything is sent",
        _destination(_missing_parent),
        traits=_names("destination"),
        errors=("FileNotFoundError",),
        most=0,
    ),
    Fault(
        (82,),
        "a file name of 255 bytes",
        EXACT,
        "the exact result",
        _destination(_long_name),
        traits=_names("destination"),
    ),
    Fault(
        (81,),
        "the source is missing, or a directory",
        ERROR,
        "FileNotFoundError or IsADirectoryError",
        _no_source(lambda world: world.source.mkdir() if world.rng.random() < 0.5 else None),
        traits=_names("source"),
        errors=("FileNotFoundError", "IsADirectoryError"),
        most=0,
    ),  # noqa: PLR2004  # half of them
    # Keys, names, metadata
    Fault((89,), "'.' and '..' in keys", provoke=_bad_key(".", "..", "a/../b", "./a", "a/.."), traits=KEYS, **INVALID),
    Fault((93,), "half a surrogate pair in a key", provoke=_bad_key("a\ud800b", "\udfff"), traits=KEYS, **INVALID),
    Fault((94,), "an empty key", provoke=_bad_key(""), traits=KEYS, **INVALID),
    Fault((95,), "a key of more than 1,024 bytes", provoke=_bad_key("é" * 513, "x" * 1_025), traits=KEYS, **INVALID),
    Fault(
        (90,),
        "slashes at odd places in keys",
        EXACT,
        "round trip, as they are",
        _key("/a", "a//b", "a/", "//", "a///b/c"),
        traits=KEYS,
        without=_names("xml"),
    ),
    Fault(
        (91,),
        "+ % ? # & = ; ' \" < > in keys",
        EXACT,
        "round trip, as they are",
        _key("a+b c", "%41%2F", "a?b#c", "a&b=c;d", "<a>\"'*~\\", "☃/😀"),
        traits=KEYS,
    ),
    Fault(
        (92, 104),
        "control characters in keys",
        EITHER,
        "round trip, or refused",
        _key("a\nb", "a\rb", "tab\t", "\x01", "a\x7fb"),
        traits=KEYS,
    ),
    Fault(
        (96,),
        "decomposed letters in keys",
        EXACT,
        "never normalised",
        _key("e\u0301", "\u1e9b\u0323", "\u212b"),
        traits=KEYS,
    ),
    Fault(
        (104,),
        "a line break in a key that is refused",
        ERROR,
        "told as an escape: nothing forges a line in a log",
        lambda world, fault: (
            _key("a\nINFO forged")(world, fault),
            _server(make.says(403, "AccessDenied"), times=None)(world, fault),
        )[0],
        BUT_ABORT,
        KEYS,
        errors=("BucketAccessDenied",),
    ),
    Fault(
        (97,), "a bucket name that can't be", provoke=_bucket_name("a/b", "b?x", "../x", "a b", "", "a..b"), **INVALID
    ),
    Fault(
        (98,),
        "line breaks in metadata or headers",
        **_bad(
            REFUSED,
            {"metadata": {"a": "b\r\nX-Evil: 1"}},
            {"cache_control": "x\ny"},
            {"content_type": "a/b\r\nX-Evil: 1"},
            {"metadata": {"a\nb": "c"}},
        ),
    ),
    Fault(
        (99,),
        "other than ASCII in metadata or headers",
        **_bad(REFUSED, {"metadata": {"a": "é"}}, {"content_disposition": "attachment; filename=é"}),
    ),
    Fault(
        (100,),
        "colons and spaces in names of metadata",
        **_bad(REFUSED, {"metadata": {"a:b": "c"}}, {"metadata": {"a b": "c"}}, {"metadata": {"": "c"}}),
    ),
    Fault((101,), "names of metadata that differ in case", **_bad(REFUSED, {"metadata": {"A": "1", "a": "2"}})),
    Fault(
        (102,), "spaces at the ends of metadata", **_bad(REFUSED, {"metadata": {"a": " b"}}, {"metadata": {"a": "b\t"}})
    ),
    Fault((103,), "more than 2 KiB of metadata", **_bad(REFUSED, {"metadata": {"a": "b" * 2_048}})),
    # Hostile endpoints, secrets
    Fault(
        (106,),
        "redirected to another host",
        ERROR,
        "not a byte goes there",
        _of_world(make.redirected, times=None),
        BUT_ABORT,
    ),
    Fault(
        (107,),
        "sent from region to region",
        ERROR,
        "an error after few requests",
        _server(make.elsewhere, times=None),
        BUT_ABORT - _names("HeadBucket"),
    ),
    Fault((109,), "XML bomb", ERROR, "an error; bounded time and memory", _server(make.xml_bomb, times=None), XML),
    Fault(
        (111,),
        "XML of 5,000 levels",
        ERROR,
        "an error; bounded time and memory",
        _server(make.deep_xml, times=None),
        XML,
    ),
    Fault(
        (112,),
        "sizes that are none in a listing",
        ERROR,
        "an error",
        _server(make.odd_entries, times=None),
        _names("ListObjectsV2"),
    ),
    Fault(
        (115, 116),
        "the server repeats secrets in its error",
        ERROR,
        "they are not repeated",
        _of_world(make.echo, times=None),
        BUT_ABORT,
    ),
    Fault((119,), "an endpoint that is none", provoke=_setting(endpoint_url="ftp://127.0.0.1"), **INVALID),
    Fault(
        (119,),
        "an endpoint with a password in it",
        provoke=_setting(endpoint_url="http://canary-user:canary-password@127.0.0.1"),
        **INVALID,
    ),
    # Cancellation
    Fault(
        (124,),
        "cancelled while the answer is awaited",
        CLEAN,
        "no orphan, no file, no connection stays",
        _cancelled_at(make.nothing("silent")),
        BUT_ABORT,
        blocking=False,
    ),
    Fault(
        (124,),
        "cancelled in the middle of a body",
        CLEAN,
        "no orphan, no file, no connection stays",
        _cancelled_at(make.cut("silent")),
        BODIES,
        blocking=False,
    ),
    Fault(
        (33, 124),
        "cancelled when all has been done",
        CLEAN,
        "no orphan, no file, no connection stays",
        _cancelled_at(make.lost("silent")),
        BUT_ABORT,
        blocking=False,
    ),
    Fault(
        (125,),
        "cancelled while a retry waits",
        CLEAN,
        "no orphan, no file, no connection stays",
        _cancelled_at(make.says(503, "SlowDown")),
        BUT_ABORT,
        blocking=False,
        throttles=True,
    ),
    Fault(
        (33, 124),
        "cancelled at a random instant",
        CLEAN,
        "no orphan, no file, no connection stays",
        _cancelled_sometime(0.15),
        blocking=False,
        certain=False,
    ),
    Fault(
        (33,),
        "cancelled twice",
        CLEAN,
        "no orphan, no file, no connection stays",
        _cancelled_twice,
        BUT_ABORT,
        blocking=False,
    ),
    Fault(
        (126,),
        "asyncio.timeout() around the call",
        CLEAN,
        "TimeoutError, and no orphan",
        _timed_out,
        BUT_ABORT,
        blocking=False,
        certain=False,
        also=("BucketTimeout",),
    ),
    # Listing and deleting
    Fault(
        (153,),
        "more is said to follow, but not where",
        ERROR,
        "an error: never an end that is none",
        _server(make.truncated_without_token, times=None),
        _names("ListObjectsV2"),
    ),
    Fault(
        (153,),
        "the listing goes in a circle",
        ERROR,
        "an error",
        _server(make.same_token, times=None),
        _names("ListObjectsV2"),
    ),
    Fault(
        (156,),
        "DeleteObjects refuses one key",
        ERROR,
        "that key's outcome",
        _server(make.one_key_refused("AccessDenied"), times=None),
        _names("DeleteObjects"),
        errors=("BucketAccessDenied",),
    ),
    Fault(
        (156,),
        "DeleteObjects fails for one key, once",
        EITHER,
        "that key's outcome",
        _server(make.one_key_refused("InternalError")),
        _names("DeleteObjects"),
    ),
    Fault(
        (156,),
        "DeleteObjects says nothing of one key",
        ERROR,
        "that key's outcome",
        _server(make.one_key_unnamed, times=None),
        _names("DeleteObjects"),
    ),
    Fault(
        (157,),
        "DeleteObjects is not implemented",
        EITHER,
        "deleted, or a named error",
        _server(make.says(501, "NotImplemented"), times=None),
        _names("DeleteObjects"),
    ),
    Fault(
        (158,),
        "what is deleted is not there",
        EXACT,
        "success",
        lambda world, _: world.empty(),
        _names("DeleteObject DeleteObjects"),
    ),
    Fault(
        (162,),
        "a vendor's own elements and times in a listing",
        EXACT,
        "the exact result",
        _server(make.odd_but_right, times=None),
        _names("ListObjectsV2"),
    ),
)

BY_NAME = {fault.name: fault for fault in FAULTS}
__all__ = ["BY_NAME", "DONE", "FAULTS", "Fault", "Promise"]
