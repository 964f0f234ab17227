"""How faults are provoked: each function prepares the world of one cell."""

from __future__ import annotations

import asyncio
import datetime
import os
from dataclasses import replace
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from tests.faults import injections as make
from tests.faults.proxy import Step
from tests.faults.service import Injection
from tests.faults.terms import ALL, GET, PARTS, SENDING, names
from tests.faults.world import OLD

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.fault import Fault
    from tests.faults.operations import Operation
    from tests.faults.proxy import Action
    from tests.faults.realm import Arrived
    from tests.faults.world import World

Provoke: TypeAlias = "Callable[[World, Fault], None]"


# How the faults of the server are provoked


def server(
    how: Any, *, times: int | None = 1, early: bool = False, second: bool = True, continues: bool = True
) -> Callable[[World, Fault], None]:
    """Have the server do it: once, at the first or the second request that it can happen to, or always.

    Of an operation that sends several kinds of requests, it may begin at any of them.
    """

    def provoke(world: World, fault: Fault) -> None:
        where = (fault.at or ALL) & world.operation.s3
        if second and world.operation.steps:
            after = good_before(world, where)
        else:
            late = (
                second and times is not None and repeated(world.operation, where) and world.rng.random() < 0.5
            )  # half of them
            after = int(late)
        world.hosted.injections += (Injection(where, how, times, after, early, continues),)

    return provoke


def good_before(world: World, where: frozenset[str]) -> int:
    """Return a seeded number of requests that go well first, of those that the fault can happen to."""
    count = sum(step in where for step in world.operation.steps)
    return world.rng.randrange(count) if count else 0


def repeated(operation: Operation, where: frozenset[str]) -> bool:
    """Whether the operation sends more than one request that the fault can happen to."""
    if len(operation.s3) == 1:
        return operation.calls > 1
    return len(where) > 1 or bool(PARTS & where)


def of_world(build: Callable[[World], Any], **options: Any) -> Callable[[World, Fault], None]:
    """Have the server do what depends on the cell's world."""
    return lambda world, fault: server(build(world), **options)(world, fault)


def throttled(world: World, fault: Fault) -> None:
    """Ask for patience at 30 % of the requests."""
    how = lambda exchange: make.says(503, "SlowDown")(exchange) if exchange.rng.random() < 0.3 else None
    world.hosted.injections = (Injection(ALL, how, None),)


def skewed(world: World, _: Fault) -> None:
    """Have the server's clock 20 minutes ahead: it refuses what is signed by another."""

    def how(exchange: make.Exchange) -> Any:
        now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=20)
        said = exchange.request.headers.get("x-amz-date", "")
        signed = datetime.datetime.strptime(said, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
        if abs((now - signed).total_seconds()) < 15 * 60:
            return None
        return make.says(403, "RequestTimeTooSkewed", Date=format_datetime(now, usegmt=True))(exchange)

    world.hosted.injections = (Injection(ALL, how, None),)


def closing(world: World, _: Fault) -> None:
    """Close each connection after its answer, without having said so."""
    world.hosted.closes = True


def part_refused(world: World, _: Fault) -> None:
    """Refuse the second part for good."""

    def how(exchange: make.Exchange) -> Any:
        second = exchange.request.query.get("partNumber") == ["2"]
        return make.says(403, "AccessDenied")(exchange) if second else None

    world.hosted.injections += (Injection(SENDING | PARTS, how, None),)


def abort_refused(times: int | None) -> Callable[[World, Fault], None]:
    """Refuse the second part for good, and the abort, too."""

    def provoke(world: World, fault: Fault) -> None:
        part_refused(world, fault)
        abort = Injection(names("AbortMultipartUpload"), make.says(503, "ServiceUnavailable"), times)
        world.hosted.injections += (abort,)

    return provoke


def overwritten(*, honest: bool) -> Callable[[World, Fault], None]:
    """Have the object replaced when its first range has been answered."""

    def provoke(world: World, _: Fault) -> None:
        without_checksums(world)
        world.versions = [world.content[::-1]]
        world.hosted.realm.ignores_if_match = not honest
        world.hosted.injections = (Injection(GET, make.replaced_after(world)),)

    return provoke


def source_overwritten(*, honest: bool) -> Callable[[World, Fault], None]:
    """Have the object replaced that is being copied or moved."""

    def provoke(world: World, fault: Fault) -> None:
        world.versions = [world.content[::-1]]
        world.hosted.realm.ignores_if_match = not honest
        of_world(make.source_replaced_after)(world, fault)

    return provoke


def without_checksums(world: World) -> None:
    """Have a server that keeps no checksums: nothing but the fault's own check can find it."""
    world.keeps_checksums = False
    world.refill()


def cut_without_length(world: World, fault: Fault) -> None:
    """Give half of each body, without its length."""
    without_checksums(world)
    server(make.without_length(0.5), times=None)(world, fault)


def opaque(world: World, _: Fault) -> None:
    """Give objects entity tags that are no checksums of anything."""

    def how(exchange: make.Exchange) -> Any:
        tag = f"opaque/{'~' * exchange.rng.randint(1, 40)}"
        for key, there in list(exchange.cell.realm.objects.items()):
            exchange.cell.realm.objects[key] = replace(there, etag=tag)
        world.hosted.injections = ()

    how(make.Exchange(None, world.hosted, None, world.rng))  # type: ignore[arg-type]  # nothing of it is looked at
    world.hosted.provoked += 1


def vendor_refuses_checksums(world: World, _: Fault) -> None:
    """Be a vendor who knows no checksums in headers."""
    world.settings["connect_timeout"] = 1.5 + world.rng.random() / 10  # a client of its own, which has learnt nothing

    def how(exchange: make.Exchange) -> Any:
        named = [
            name for name in exchange.request.headers if name.startswith(("x-amz-checksum-", "x-amz-sdk-checksum"))
        ]
        return make.says(501, "NotImplemented")(exchange) if set(named) - {"x-amz-checksum-mode"} else None

    world.hosted.injections = (Injection(ALL, how, None),)


# How the faults between client and server are provoked


def wire(way: str, action: Action, *, once: bool = True, in_body: bool | None = True, seconds: float = 0.3) -> Any:
    """Have the proxy do it to an exchange, at a seeded place."""

    def provoke(world: World, fault: Fault) -> None:
        world.settings["endpoint_url"] = world.addresses["proxy"]
        seen = [0]
        where = fault.at & world.operation.s3 if fault.at else world.operation.s3
        after = good_before(world, where)
        share = world.rng.choice([0.0, 0.01, world.rng.random(), 0.999])

        def plan(request: Arrived) -> Step | None:
            if request.operation not in where:
                return None
            seen[0] += 1
            if seen[0] <= after or (once and seen[0] > after + 1):
                return None
            world.hosted.provoked += 1
            body = world.rng.random() < 0.5 if in_body is None else in_body  # half of them
            return Step(way, share, action, body, seconds)  # type: ignore[arg-type]  # one of the two

        world.hosted.plan = plan

    return provoke


def chaos(world: World, _: Fault) -> None:
    """Have the proxy do anything to 30 % of the exchanges, at any place."""
    world.settings["endpoint_url"] = world.addresses["proxy"]
    actions: tuple[Action, ...] = ("fin", "rst", "drop", "delay", "stall")

    def plan(request: Arrived) -> Step | None:
        if world.rng.random() > 0.3:  # 30 %
            return None
        way = world.rng.choice(["up", "down"])
        return Step(way, world.rng.random(), world.rng.choice(actions), world.rng.random() < 0.5)  # type: ignore[arg-type]

    world.hosted.plan = plan


def endpoint(name: str) -> Callable[[World, Fault], None]:
    """Have the bucket at another address."""

    def provoke(world: World, _: Fault) -> None:
        world.settings["endpoint_url"] = world.addresses[name]
        world.hosted.provoked += 1

    return provoke


def setting(**values: Any) -> Callable[[World, Fault], None]:
    """Have the bucket made with other keywords."""

    def provoke(world: World, _: Fault) -> None:
        world.settings |= values
        world.hosted.provoked += 1

    return provoke


# Bad and odd inputs


def key(*choices: str) -> Callable[[World, Fault], None]:
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


def bad_key(*choices: str) -> Callable[[World, Fault], None]:
    """Give keys that can be none."""

    def provoke(world: World, _: Fault) -> None:
        world.key = world.rng.choice(choices)
        world.keys = [world.key] * 3
        world.hosted.provoked += 1

    return provoke


def option(*choices: dict[str, Any]) -> Callable[[World, Fault], None]:
    """Give one of these keywords to put()."""

    def provoke(world: World, _: Fault) -> None:
        world.options |= world.rng.choice(choices)
        world.hosted.provoked += 1

    return provoke


def bucket_name(*choices: str) -> Callable[[World, Fault], None]:
    """Give names that no bucket can have."""

    def provoke(world: World, _: Fault) -> None:
        world.bucket_name = world.rng.choice(choices)
        world.hosted.provoked += 1

    return provoke


def content(change: Callable[[bytes], bytes], **headers: str) -> Callable[[World, Fault], None]:
    """Have other bytes read or written."""

    def provoke(world: World, _: Fault) -> None:
        world.content = change(world.content)
        world.refill(**headers)
        world.hosted.provoked += 1

    return provoke


def producer_fails(world: World, _: Fault) -> None:
    """Have the program raise that makes the bytes."""
    world.fails_after = world.rng.randrange(4)
    world.hosted.provoked += 1


# The local disk


def destination(change: Callable[[World], None]) -> Callable[[World, Fault], None]:
    """Have another thing where the file is to be."""

    def provoke(world: World, _: Fault) -> None:
        world.destination.unlink()
        change(world)
        world.hosted.provoked += 1

    return provoke


def missing_parent(world: World) -> None:
    """Name a file in a directory that is not there."""
    world.destination = world.directory / "missing" / "file"


def linked(world: World) -> None:
    """Have a symbolic link at the destination."""
    target = world.directory / "target"
    target.write_bytes(OLD)
    world.destination.symlink_to(target)
    world.linked = target.name


def long_name(world: World) -> None:
    """Give the file a name of 255 bytes."""
    world.destination = world.directory / ("é" * 127 + "x")


def no_source(change: Callable[[World], None]) -> Callable[[World, Fault], None]:
    """Have no file to be read."""

    def provoke(world: World, _: Fault) -> None:
        world.source.unlink()
        change(world)
        world.hosted.provoked += 1

    return provoke


def source_changes(world: World, _: Fault) -> None:
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

    world.hosted.injections = (Injection(names("CreateMultipartUpload PutObject"), how),)


# The caller


def cancelled_at(how: Callable[[make.Exchange], Any]) -> Callable[[World, Fault], None]:
    """Cancel the call when a request has arrived."""
    return of_world(lambda world: make.cancelling(world, how), second=True)


def cancelled_sometime(most: float) -> Callable[[World, Fault], None]:
    """Cancel the call at a seeded instant."""

    def provoke(world: World, _: Fault) -> None:
        seconds = world.rng.uniform(0, most)

        async def around(do: Callable[[], Any]) -> Any:
            asyncio.get_running_loop().call_later(seconds, world.cancel)
            return await do()

        world.around = around

    return provoke


def cancelled_twice(world: World, fault: Fault) -> None:
    """Cancel when a request has arrived, and again when the cleaning up has."""
    cancelled_at(make.nothing("silent"))(world, fault)
    again = make.cancelling(world, lambda _: None)
    world.hosted.injections += (Injection(names("AbortMultipartUpload"), again),)


def timed_out(world: World, fault: Fault) -> None:
    """Wrap the call in asyncio.timeout()."""
    server(make.nothing("silent"), times=None)(world, fault)

    async def around(do: Callable[[], Any]) -> Any:
        async with asyncio.timeout(0.3):
            return await do()

    world.around = around
