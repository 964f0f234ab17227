"""The rounds: each case with each client in turn, the order moving on by one, so that nobody is always the first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks import clients, tables
from benchmarks.cases import Server
from benchmarks.orders import Order
from benchmarks.processes import FailedError, measured
from benchmarks.results import Results

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.cases import Case
    from benchmarks.clients import Client, Row
    from benchmarks.processes import Environment
    from benchmarks.servers.rig import Rig

KEYS = {4 << 10: "4k", 64 << 10: "64k", 1 << 20: "1m", 1 << 30: "1g"}
WARM = "4k/warm"


@dataclass(slots=True)
class Run:
    """What runs, where; and what has come out so far."""

    rig: Rig
    environments: Mapping[str, Environment]
    clients: Sequence[Client]
    say: Callable[[str], None]
    loops: Sequence[str]
    results: Results = field(default_factory=Results)

    def case(self, case: Case) -> None:
        """Measure a case with everybody, round by round."""
        rows = [row for row in clients.rows(case, self.clients) if row.loop in self.loops]
        for turn in range(case.rounds):
            for row in turned(rows, turn):
                client = clients.BY_NAME[row.name]
                given = clients.given(client, case)
                if turn < given.rounds and not self.results.failed(case, row):
                    self._once(given, client, row, turn)
        self.say(tables.text(case, self.results))

    def _once(self, case: Case, client: Client, row: Row, turn: int) -> None:
        order = self._order(case, client, row.loop, turn)
        environment = self.environments[client.environment]
        try:
            self.rig.prepare(case, order)
            self.results.add(case, row, measured(environment, order))
        except FailedError as error:
            self.results.fail(case, row, str(error))
            self.say(f"{case.name}: {row}: {error}")
        finally:
            self.rig.clean()

    def _order(self, case: Case, client: Client, loop: str, turn: int) -> Order:
        """Return what the client's process is told."""
        return Order(
            module=client.module,
            kind=client.kind,
            loop=loop,
            verb=case.verb.value,
            size=case.size,
            concurrency=case.concurrency,
            count=case.count,
            seconds=case.seconds,
            key=KEYS[case.size] if case.server is not Server.CEPH else f"{client.name}/{loop}/{turn}",
            warm=WARM,
            directory=str(self.rig.directory),
            setup=self.rig.setup(case),
        )


def turned(rows: Sequence[Row], turn: int) -> list[Row]:
    """Return the order of a round."""
    start = turn % len(rows) if rows else 0
    return [*rows[start:], *rows[:start]]
