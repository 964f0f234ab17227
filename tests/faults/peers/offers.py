"""The peers, by name; each is imported only where it runs."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.peers.peer import Peer

NAMES = {
    "aiobotocore": ("aio", "Aiobotocore"),
    "boto3": ("boto", "Boto3"),
    "s3fs": ("fs", "S3fs"),
    "obstore": ("obs", "Obstore"),
}
USUAL = tuple(name for name in NAMES if name != "s3fs")
"""Those that are run unless one is named: of s3fs, a call that hangs takes others with it, for all share one thread."""
LEFT_OUT = frozenset({"no credentials", "no such host"})
"""Some of them would ask the metadata service, or a name server: nothing here leaves the loopback interface."""

DEADLY = frozenset({"Content-Length of 8 EiB"})
"""What takes the whole process with it, in some of them: each of these cells runs in a process of its own."""


def peer(name: str) -> type[Peer]:
    """Return a peer's class."""
    module, kind = NAMES[name]
    found: type[Peer] = getattr(importlib.import_module(f"tests.faults.peers.{module}"), kind)
    return found
