"""Object bodies that break off are taken up again where they broke off, in the same version of the object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_bucket import _plan
from s3_bucket._async import _checksums
from s3_bucket._store import Arrival
from s3_bucket.exceptions import BucketException, PreconditionFailed

if TYPE_CHECKING:
    from s3_bucket._store import Allocate, GetRequest, ObjectStore, Piece

ENOUGH = _plan.MIB
"""Bytes that make an attempt worth it: it broke off, but it isn't one of those that bring nothing."""


class Resumable:
    """A GetObject, as often as it takes."""

    def __init__(self, store: ObjectStore, request: GetRequest, allocate: Allocate) -> None:
        self._store = store
        self._request = request
        self._allocate = allocate
        self._piece: Piece | None = None
        self._filled = 0
        self._farthest = 0
        self.gained = 0
        """Bytes that the last attempt has come farther than any before it."""

    async def attempt(self) -> Piece:
        """Ask for what is missing; return all of it, or raise and know how far it came."""
        self.gained = 0
        if self._piece is not None:
            return await self._go_on(self._piece)
        arrival = Arrival(self._allocate)
        try:
            await self._store.get(self._request, arrival)
        except BucketException as error:
            self._keep(arrival, error)
            raise
        return arrival.whole()

    def _keep(self, arrival: Arrival, error: BucketException) -> None:
        piece = arrival.piece
        # A full buffer that is refused nevertheless holds something wrong: a checksum has failed.
        if error.retryable and piece is not None and 0 < arrival.filled < len(piece.data):
            self._piece = piece
            self._come_to(arrival.filled)

    def _come_to(self, filled: int) -> None:
        self._filled = filled
        self.gained = max(0, filled - self._farthest)
        self._farthest += self.gained

    async def _go_on(self, piece: Piece) -> Piece:
        rest = piece.data[self._filled :]
        at = piece.start + self._filled
        arrival = Arrival(lambda _: rest)
        try:
            await self._store.get(self._request.pinned(piece.info, (at, at + len(rest))), arrival)
        except PreconditionFailed:
            if self._request.if_match is not None:
                raise
            return await self._begin_again()
        except BucketException as error:
            self._advance(arrival, piece, error)
            raise
        if arrival.whole().info.etag != piece.info.etag:  # there are servers that ignore If-Match
            return await self._begin_again()
        await _checksums.check_piece(self._request, piece)
        return piece

    def _advance(self, arrival: Arrival, piece: Piece, error: BucketException) -> None:
        came = arrival.piece
        if came is None:
            return
        if came.info.etag != piece.info.etag or arrival.filled == len(came.data) or not error.retryable:
            self._piece = None  # from the start, at the next attempt
            return
        self._come_to(self._filled + arrival.filled)

    async def _begin_again(self) -> Piece:
        """Fetch the version that has replaced the one of which a part had come."""
        self._piece = None
        return await self.attempt()
