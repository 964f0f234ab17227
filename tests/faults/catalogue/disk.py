"""Faults of the local disk."""

from __future__ import annotations

import os

from tests.faults import provoke
from tests.faults.fault import Fault
from tests.faults.terms import ERROR, EXACT, REFUSED, names

FAULTS: tuple[Fault, ...] = (
    Fault(
        "the destination is a directory",
        ERROR,
        "IsADirectoryError, before anything is sent",
        provoke.destination(lambda world: world.destination.mkdir()),
        traits=names("destination"),
        errors=("IsADirectoryError",),
        most=0,
    ),
    Fault(
        "the destination is a FIFO",
        ERROR,
        REFUSED,
        provoke.destination(lambda world: os.mkfifo(world.destination)),
        traits=names("destination"),
        errors=("InvalidInput",),
        most=0,
    ),
    Fault(
        "the destination is a symbolic link",
        EXACT,
        "the link stays; what it points to is replaced",
        provoke.destination(provoke.linked),
        traits=names("destination"),
    ),
    Fault(
        "the destination's directory is missing",
        ERROR,
        "FileNotFoundError, before anything is sent",
        provoke.destination(provoke.missing_parent),
        traits=names("destination"),
        errors=("FileNotFoundError",),
        most=0,
    ),
    Fault(
        "a file name of 255 bytes",
        EXACT,
        "the exact result",
        provoke.destination(provoke.long_name),
        traits=names("destination"),
    ),
    Fault(
        "the source is missing, or a directory",
        ERROR,
        "FileNotFoundError or IsADirectoryError",
        provoke.no_source(lambda world: world.source.mkdir() if world.rng.random() < 0.5 else None),
        traits=names("source"),
        errors=("FileNotFoundError", "IsADirectoryError"),
        most=0,
    ),  # half of them
)
