"""Which of two trees' paths is transferred, deleted, skipped or refused. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from s3_bucket import _checks
from s3_bucket._directories import _tree
from s3_bucket._directories._tree import Files, Kind, Spellings
from s3_bucket.exceptions import InvalidInput

if TYPE_CHECKING:
    from s3_bucket._directories._tree import Local, Pair, Plan, Remote


class Planner:
    """Makes a plan of pairs, in the order of their paths.

    Args:
        plan: the plan, which is empty.
        delete: whether what the source doesn't have is deleted at the destination.
        folds_case: whether the local file system takes "a" and "A" for the same.
    """

    def __init__(self, plan: Plan, *, delete: bool, folds_case: bool = False) -> None:
        self.plan = plan
        self._delete = delete
        self._files = Files()
        self._spellings = Spellings() if folds_case else None
        self._sources = 0

    def add(self, pair: Pair[Local], *, is_same: bool = False) -> None:
        """Decide about one path; `is_same` says what reading has told of the content."""
        if pair.local is not None and pair.local.kind is Kind.UNREADABLE:
            self.plan.refused.add(pair.path, pair.local.why)
        elif self.plan.action == "upload":
            self._add_upload(pair, is_same=is_same)
        else:
            self._add_download(pair, is_same=is_same)

    def finish(self) -> Plan:
        """Return the plan when all pairs have been added."""
        if self.plan.deletions and not self._sources:
            what = "local directory" if self.plan.action == "upload" else "prefix"
            msg = (
                f"the {what} is empty, or nothing in it is selected, and delete would delete everything at the"
                " destination; if that is meant, do it by delete_many() or shutil.rmtree()"
            )
            self.plan.refused.add("", msg)
        return self.plan

    # To the bucket

    def _add_upload(self, pair: Pair[Local], *, is_same: bool) -> None:
        path, local, far = pair
        if local is None:
            self._only_there(cast("Remote", far))
        elif local.kind is Kind.FILE:
            self._outgoing(pair, local, is_same=is_same)
        elif local.kind is Kind.NAMELESS:
            self.plan.refused.add(path, local.why)
        elif local.kind is Kind.OTHER:
            self.plan.skipped.add(path, local.why)
            self._files.passed(path, local.why)

    def _outgoing(self, pair: Pair[Local], local: Local, *, is_same: bool) -> None:
        self._sources += 1
        try:
            _checks.key(self.plan.prefix + pair.path)
        except InvalidInput as error:
            self.plan.refused.add(pair.path, error.message)
        else:
            self._plan_transfer(pair, local.size, is_same=is_same)

    def _only_there(self, far: Remote) -> None:
        above = self._files.above(far.path)
        if above is not None:
            self.plan.skipped.add(far.path, f"{above[0]!r} is {above[1]} here, and is not looked into")
        else:
            self._extra(far.path, far.size, None, far.etag)

    # From the bucket

    def _add_download(self, pair: Pair[Local], *, is_same: bool) -> None:
        if pair.remote is None:
            self._only_here(pair)
        else:
            self._incoming(pair, pair.remote, is_same=is_same)
        if not pair.path.endswith("/"):
            is_other = pair.local is not None and pair.local.kind is not Kind.FILE
            self._files.passed(pair.path, pair.local.why if pair.local and is_other else "a file")

    def _incoming(self, pair: Pair[Local], far: Remote, *, is_same: bool) -> None:
        self._sources += 1
        why = _tree.unplaceable(pair.path) or self._occupied(pair, far) or self._clash(pair.path)
        if why is not None:
            self.plan.refused.add(pair.path, why)
        elif not pair.path.endswith("/"):
            self._plan_transfer(pair, far.size, is_same=is_same)
        elif pair.local is None:
            self.plan.directories += 1
            self._plan("make", pair.path, 0, "new", None, far.etag)

    def _occupied(self, pair: Pair[Local], far: Remote) -> str | None:
        above = self._files.above(pair.path)
        if above is not None:
            return f"{above[0]!r} is {above[1]}, and can't be a directory, too"
        if pair.local is not None and pair.local.kind is Kind.OTHER:
            return f"what stands in its place here is {pair.local.why}"
        if pair.path.endswith("/") and far.size:
            return f"a key that ends in '/' stands for a directory, but this one holds {far.size} bytes"
        return None

    def _only_here(self, pair: Pair[Local]) -> None:
        local = pair.local
        above, clash = self._files.above(pair.path), self._clash(pair.path)
        if clash is not None:
            self.plan.refused.add(pair.path, clash)
        elif above is not None:
            if pair.path == above[0] + "/":
                self.plan.refused.add(above[0], "it is a directory here, and can't be a file, too")
        elif local is not None and local.kind is Kind.FILE:
            self._extra(local.path, local.size, (local.size, local.mtime_ns), None)
        elif local is not None and local.kind is not Kind.DIRECTORY:
            self.plan.skipped.add(local.path, local.why)

    def _clash(self, path: str) -> str | None:
        other = self._spellings.other(path) if self._spellings else None
        return None if other is None else f"the file system here takes it and {other!r} for the same"

    # Both ways

    def _plan_transfer(self, pair: Pair[Local], size: int, *, is_same: bool) -> None:
        local, far = pair.local, pair.remote
        if local is not None and far is not None and local.size == far.size and (is_same or not size):
            self.plan.unchanged += 1
            self.plan.unchanged_bytes += size
            return
        destination = far if self.plan.action == "upload" else local
        why = "new" if destination is None else "other content" if destination.size == size else "other size"
        self.plan.transfers += 1
        self.plan.transfer_bytes += size
        state = None if local is None else (local.size, local.mtime_ns)
        self._plan(self.plan.action, pair.path, size, why, state, None if far is None else far.etag)

    def _extra(self, path: str, size: int, local: tuple[int, int] | None, etag: str | None) -> None:
        """Note what stands at the destination only."""
        if self._delete:
            self.plan.deletions += 1
            self.plan.deletion_bytes += size
            self._plan("delete", path, size, "extra", local, etag)
        else:
            self.plan.extra += 1

    def _plan(
        self, action: str, path: str, size: int, why: str, local: tuple[int, int] | None, etag: str | None
    ) -> None:
        self.plan.items.add(action, path, self.plan.prefix + path, size, why, local, etag)
