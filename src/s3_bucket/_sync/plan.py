# Generated from s3_bucket/_async/plan.py: change that and run python -m s3_bucket._sync._generate
"""DirPlan: the blocking face of AsyncDirPlan, from s3_bucket._async.plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_bucket._async.plan import AsyncDirPlan
from s3_bucket._sync._facade import Face

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Executor

    from s3_bucket._async._dirs import Job
    from s3_bucket._directories._outcomes import DirReport
    from s3_bucket._directories._tree import DirItem, Unplanned
    from s3_bucket._models import ProgressCallback


class DirPlan(Face):
    """What plan_upload_dir() or plan_download_dir() means to do; print it to read it, run() it to do it.

    A plan takes little memory, whatever the number of files: about 5 MB for each 100,000 that are to be transferred.
    """

    _async: AsyncDirPlan

    def __init__(self, job: Job) -> None:
        self._async = AsyncDirPlan(job)

    def __str__(self) -> str:
        return str(self._async)

    @property
    def transfers(self) -> int:
        """How many files are to be uploaded or downloaded."""
        return self._async.transfers

    @property
    def transfer_bytes(self) -> int:
        """How long they are together."""
        return self._async.transfer_bytes

    @property
    def deletions(self) -> int:
        """How many objects, or files, are to be deleted."""
        return self._async.deletions

    @property
    def unchanged(self) -> int:
        """How many files are the same already."""
        return self._async.unchanged

    @property
    def skipped(self) -> Sequence[Unplanned]:
        """What is left out, and why: symlinks, devices and the like."""
        return self._async.skipped

    @property
    def refused(self) -> Sequence[Unplanned]:
        """What keeps the plan from being carried out, and why."""
        return self._async.refused

    def items(self) -> Iterator[DirItem]:
        """Iterate over all that is to be done, in the order of the paths.

        Example:
            >>> plan = await bucket.plan_download_dir("nothing/there", "here")
            >>> [item.path async for item in plan.items()]
            []
        """
        return self._iterate(self._async.items)

    def run(
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
        return self._call(self._async.run, concurrency=concurrency, progress=progress, executor=executor)
