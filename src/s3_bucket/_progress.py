"""Who is told how far a transfer has come: one caller at a time, for all of it happens on one event loop. Pure."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from s3_bucket._models import Progress
from s3_bucket.exceptions import InvalidInput

if TYPE_CHECKING:
    from s3_bucket._models import ProgressCallback


class Meter:
    """Counts the bytes of one object. What the callback raises ends the transfer."""

    def __init__(self, callback: ProgressCallback | None, key: str) -> None:
        self._callback = callback
        self._key = key
        self._done = 0
        self._total: int | None = None
        self._told: tuple[int, int | None] | None = None

    def begin(self, total: int | None, done: int = 0) -> None:
        """Note how many bytes it will be in all, if that is known, and how many are where they belong already."""
        self._total = total
        self._done = done
        self._tell()

    def moved(self, count: int) -> None:
        """Note that so many more bytes are where they belong."""
        self._done += count
        self._tell()

    def end(self) -> None:
        """Note that it was all."""
        self._total = self._done
        self._tell()

    def _tell(self) -> None:
        now = self._done, self._total
        if self._callback is not None and now != self._told:
            self._told = now
            self._callback(Progress(self._key, *now))


class Job:
    """Counts the bytes of many objects together.

    Attributes:
        failure: what the callback has raised: it ends them all.
    """

    def __init__(self, callback: ProgressCallback | None, total: int | None = None) -> None:
        self.failure: BaseException | None = None
        self._callback = callback
        self._done = 0
        self._total = total

    def of(self, key: str) -> ProgressCallback | None:
        """Return the callback for one of the objects; None, if nobody wants to know."""
        callback = self._callback
        if callback is None:
            return None
        before = 0

        def tell(progress: Progress) -> None:
            nonlocal before
            if progress.done != before:
                self._done += progress.done - before
                before = progress.done
                self._tell(callback, key)

        return tell

    def _tell(self, callback: ProgressCallback, key: str) -> None:
        if self.failure is not None:  # of another object: it isn't called any more
            raise self.failure
        try:
            callback(Progress(key, self._done, self._total))
        except BaseException as error:
            self.failure = error
            raise


def checked(callback: ProgressCallback | None) -> ProgressCallback | None:
    """Return what is to be called, or raise InvalidInput if it can't be, or would have to be awaited."""
    if callback is None or (callable(callback) and not inspect.iscoroutinefunction(callback)):
        return callback
    msg = f"progress: expected a function that is called with a Progress and not awaited, not {callback!r}"
    raise InvalidInput(msg, argument="progress")
