"""Stores the objects that an order wants to delete: ``python -m benchmarks.servers.store ORDER``."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from typing import TYPE_CHECKING

import s3_bucket as S3
from benchmarks.orders import Order
from benchmarks.peers.ours import Awaited

if TYPE_CHECKING:
    from collections.abc import Iterator

CONCURRENCY = 16


async def main(order: Order) -> None:
    """Make the bucket, if there is none, and the objects."""
    peer = Awaited(dataclasses.replace(order.setup, concurrency=CONCURRENCY))
    await peer.open()
    await peer.bucket.create(exist_ok=True)
    S3.raise_failed([result async for result in peer.bucket.put_many(_items(order))])
    await peer.close()


def _items(order: Order) -> Iterator[tuple[str, bytes]]:
    yield order.warm, bytes(order.size)
    for number in range(order.count):
        yield f"{order.key}/{number}", b"deleted soon"


if __name__ == "__main__":
    asyncio.run(main(Order.of(sys.argv[1])))
