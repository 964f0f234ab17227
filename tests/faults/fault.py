"""What a fault of the matrix is, and what may be promised of one."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.operations import Operation
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
        name: its row in the table.
        promise: what may come out.
        words: the promise, in words.
        provoke: prepares the cell's world.
        at: the operations of S3 that it can happen to; empty for any.
        traits: an operation must have one of them.
        without: an operation must have none of them.
        errors: what may be raised.
        most: requests that may be sent at most; None where attempts say it.
        pause: seconds that must pass before it is tried again.
        blocking: whether it can be provoked in the blocking face, too.
        certain: whether it happens for sure, so that a cell in which it doesn't proves nothing.
        asks_head: whether a HEAD follows each answer, for its length.
        also: errors that may come before the cancellation does.
        throttles: whether the server asks for patience, for which there are more attempts.
        leaves_upload: whether an upload stays on the server, whose id the error must tell.
    """

    name: str
    promise: Promise
    words: str
    provoke: Callable[[World, Fault], None] = field(repr=False)
    at: frozenset[str] = frozenset()
    traits: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    errors: tuple[str, ...] = ("BucketException",)
    most: int | None = None
    pause: float = 0.0
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
