"""What a client's process is told, and what it says: lines of JSON. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from benchmarks.peers.peer import Setup


@dataclass(frozen=True, slots=True)
class Order:
    """What to do, with whom, against which server."""

    module: str
    kind: str
    loop: str
    verb: str
    size: int
    concurrency: int
    count: int
    seconds: float
    key: str
    """How the keys begin."""
    warm: str
    """An object to begin with, before anything is measured."""
    directory: str
    """Files: one of the name of its size, or a directory of many of that size."""
    setup: Setup

    def text(self) -> str:
        """Return it as a line."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, text: str) -> Order:
        """Return what a line says."""
        found: dict[str, Any] = json.loads(text)
        return cls(**(found | {"setup": Setup(**found["setup"])}))


@dataclass(frozen=True, slots=True)
class Figures:
    """What one process has measured: CPU seconds of the client's process alone, the memory at its highest."""

    operations: int
    size: int
    seconds: float
    cpu: float
    peak: float
    """MiB."""

    def text(self) -> str:
        """Return it as a line."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, text: str) -> Figures:
        """Return what a line says."""
        found = json.loads(text)
        return cls(**{field.name: found[field.name] for field in fields(cls)})
