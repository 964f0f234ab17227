"""JSON in a worker thread: a large value would hold up the event loop."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from s3_bucket.exceptions import IntegrityError, InvalidInput


async def dumps(value: Any, argument: str = "value") -> str:
    """Return the value as JSON text; one that has none is refused under the argument's name."""
    try:
        return await asyncio.to_thread(json.dumps, value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        msg = f"{argument}: not JSON: {error}"
        raise InvalidInput(msg, argument=argument) from error


async def loads(bucket: str, key: str, data: bytes) -> Any:
    """Return the value that the object's bytes stand for."""
    try:
        return await asyncio.to_thread(json.loads, data)
    except (ValueError, RecursionError) as error:
        msg = f"the object {key!r} in {bucket!r} is not JSON: {error}"
        raise IntegrityError(msg, bucket=bucket, key=key) from error
