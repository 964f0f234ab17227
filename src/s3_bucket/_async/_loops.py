"""Which event loop runs where nobody else has chosen one: of the blocking face, and of an executor's workers."""

from __future__ import annotations

import asyncio


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return uvloop's event loop where it is installed, as the extra "fast" has it."""
    try:
        import uvloop  # noqa: PLC0415  # only blocking programs need it, and it need not be there
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
