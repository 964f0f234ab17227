"""AsyncDirPlan: what is to be done with a directory, to be looked at before it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_bucket import _checks, _progress
from s3_bucket._async import _dirs
from s3_bucket._async._batches import BatchIterator
from s3_bucket._directories import _words
from s3_bucket._directories._packed import BLOCK

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence
    from concurrent.futures import Executor

    from s3_bucket._async._dirs import Job
    from s3_bucket._directories._outcomes import DirReport
    from s3_bucket._directories._tree import DirItem, Unplanned
    from s3_bucket._models import ProgressCallback


class AsyncDirPlan:
    """What plan_upload_dir() or plan_download_dir() means to do; print it to read it, run() it to do it.

    A plan takes little memory, whatever the number of files: about 5 MB for each 100,000 that are to be transferred.
    """

    def __init__(self, job: Job) -> None:
        self._job = job

    def __repr__(self) -> str:
        plan = self._job.plan
        counts = f"{plan.transfers} to {plan.action}, {plan.deletions} to delete, {len(plan.refused)} refused"
        return f"{type(self).__name__}({plan.bucket!r}, {plan.local_dir!r}, {plan.prefix!r}: {counts})"

    def __str__(self) -> str:
        return _words.words(self._job.plan)

    @property
    def transfers(self) -> int:
        """How many files are to be uploaded or downloaded."""
        return self._job.plan.transfers

    @property
    def transfer_bytes(self) -> int:
        """How long they are together."""
        return self._job.plan.transfer_bytes

    @property
    def deletions(self) -> int:
        """How many objects, or files, are to be deleted."""
        return self._job.plan.deletions

    @property
    def unchanged(self) -> int:
        """How many files are the same already."""
        return self._job.plan.unchanged

    @property
    def skipped(self) -> Sequence[Unplanned]:
        """What is left out, and why: symlinks, devices and the like."""
        return self._job.plan.skipped

    @property
    def refused(self) -> Sequence[Unplanned]:
        """What keeps the plan from being carried out, and why."""
        return self._job.plan.refused

    def items(self) -> AsyncIterator[DirItem]:
        """Iterate over all that is to be done, in the order of the paths.

        Example:
            >>> plan = await bucket.plan_download_dir("nothing/there", "here")
            >>> [item.path async for item in plan.items()]
            []
        """
        return BatchIterator(self._batches())

    async def run(
        self,
        *,
        concurrency: int | None = None,
        progress: ProgressCallback | None = None,
        executor: Executor | None = None,
    ) -> DirReport:
        """Do it: transfer first and then, if nothing has failed, delete.

        What has changed here or there since the plan was made is left as it is, and is a failure of that file. A plan
        may be run again.

        Args:
            concurrency: how many files at a time; max_concurrency when not given.
            progress: as in put(); done and total are of all files together, key is that which has just moved.
            executor: as in upload_files(): its workers transfer the files, and must see the directory under the same
                path. What is to be deleted is deleted from here.

        Returns:
            What was done.

        Raises:
            InvalidInput: the plan refuses something; nothing was done.
            BulkError: some files failed; its results hold every outcome.
        """
        told, workers = _progress.checked(progress), _checks.executor(executor)
        return await _dirs.run(self._job, _checks.concurrency(concurrency), told, workers)

    async def _batches(self) -> AsyncGenerator[list[DirItem], None]:
        items = self._job.plan.items
        for start in range(0, len(items), BLOCK):
            yield items[start : start + BLOCK]
