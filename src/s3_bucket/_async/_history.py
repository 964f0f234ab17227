"""What became of a write whose answer was lost, from the tokens that writes leave behind. Pure.

An object that was changed by compare-and-swap carries the tokens of the writes that made it: the last one first, and
then those before it, as far as there is room. A write that is among them was carried out. One that is not was not, if
what it was to replace is among them: for that was then replaced by another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_bucket import _plan
from s3_bucket._store import WRITE_TOKEN

if TYPE_CHECKING:
    from s3_bucket._models import ObjectInfo
    from s3_bucket._store import PutOptions, Stored

History = tuple[str, ...]
"""The writes that made an object, the last one first."""

TOKEN_BYTES = 8
MOST = 32
"""So many writes are remembered: as many as may come between a write and the question what became of it."""
NONE = "none"
"""What stands for there being no object."""


def of(info: ObjectInfo | None) -> History:
    """Return the writes that made an object; one without a token is known by its etag."""
    if info is None:
        return (NONE,)
    return _split(info.token) if info.token else (info.etag,)


def _split(token: str) -> History:
    return tuple(token.split(","))


def noted(options: PutOptions, token: str, before: History) -> PutOptions:
    """Return the options with the token and, as far as there is room, those before it."""
    used = sum(len(name.encode()) + len(value.encode()) for name, value in options.metadata.items()) + len(WRITE_TOKEN)
    history = [token, *before][:MOST]
    while history and used + len(",".join(history)) > _plan.MAX_METADATA_BYTES:
        del history[-1]
    return options._replace(metadata={**options.metadata, WRITE_TOKEN: ",".join(history)}) if history else options


def has(stored: Stored, token: str, before: History) -> bool | None:
    """Return whether the write of that token, which was to replace what is known as `before`, has been carried out.

    None, where it can't be said.
    """
    if stored.token is None:
        return False if stored.written.etag == before[0] else None
    known = _split(stored.token)
    if token in known:
        return True
    return False if before[0] in known else None
