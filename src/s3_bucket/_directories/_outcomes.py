"""What became of a directory's files: outcomes in little memory, and the report of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from s3_bucket._directories._packed import Packed
from s3_bucket._models import ObjectInfo, Result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from s3_bucket._directories._tree import Unplanned


class Outcomes(Sequence[Result[None]]):
    """The outcomes of very many items: those of failures whole, the others without what takes much memory."""

    def __init__(self) -> None:
        self.failed: list[Result[None]] = []
        self._succeeded = Packed(_succeeded)

    def __repr__(self) -> str:
        return f"<{len(self)} outcomes, {len(self.failed)} of them failures>"

    def add(self, results: Iterable[Result[None]]) -> None:
        """Note more outcomes."""
        for each in results:
            if each.ok:
                self._succeeded.add(each.key, each.index, *((each.info.size, each.info.etag) if each.info else ()))
            else:
                self.failed.append(each)

    def __len__(self) -> int:
        return len(self.failed) + len(self._succeeded)

    def __iter__(self) -> Iterator[Result[None]]:
        yield from self.failed
        yield from self._succeeded

    @overload
    def __getitem__(self, index: int) -> Result[None]: ...
    @overload
    def __getitem__(self, index: slice) -> list[Result[None]]: ...
    def __getitem__(self, index: int | slice) -> Result[None] | list[Result[None]]:
        places = range(len(self))[index]
        if not isinstance(places, int):
            return [self[place] for place in places]
        failures = len(self.failed)
        return self.failed[places] if places < failures else self._succeeded[places - failures]


def _succeeded(key: str, index: int, size: int | None = None, etag: str = "") -> Result[None]:
    return Result(key, index, info=None if size is None else ObjectInfo(key, size, etag))


@dataclass(frozen=True, slots=True)
class DirReport:
    """What upload_dir() or download_dir() has done.

    Attributes:
        plan: the plan, in the words in which it is printed.
        dry_run: whether it was made only, and not carried out.
        transferred: how many files were uploaded or downloaded.
        transferred_bytes: how long they are together.
        deleted: how many objects or files were deleted.
        unchanged: how many files were the same already.
        skipped: what was left out, and why.
        refused: what a dry run has found that would keep the plan from being carried out, and why.
        results: every outcome; in little memory, of any number. Of an object, its info has the size and the etag only.
    """

    plan: str
    dry_run: bool
    transferred: int
    transferred_bytes: int
    deleted: int
    unchanged: int
    skipped: Sequence[Unplanned]
    refused: Sequence[Unplanned]
    results: Sequence[Result[None]]

    def __str__(self) -> str:
        if self.dry_run:
            return f"{self.plan}\n(a dry run: nothing was done)"
        return (
            f"{self.transferred:,} transferred ({self.transferred_bytes:,} bytes), {self.deleted:,} deleted,"
            f" {self.unchanged:,} unchanged, {len(self.skipped):,} skipped"
        )
