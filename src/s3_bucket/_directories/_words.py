"""A plan in words: as it is printed, and why it is refused. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_bucket.exceptions import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from s3_bucket._directories._tree import Plan, Unplanned

SHOWN = 10
"""So many items of a kind are named."""
_KIB = 1024
_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")


def refusal(plan: Plan) -> InvalidInput | None:
    """Return why a plan is not carried out; None if it is."""
    if not plan.refused:
        return None
    return InvalidInput(
        f"nothing was transferred, because the plan refuses {_counted(len(plan.refused), 'item')}: "
        + "; ".join(f"{each.path!r}: {each.why}" for each in plan.refused[:SHOWN])
        + ("" if len(plan.refused) <= SHOWN else "; ...")
        + ". Rename them, or leave them out by exclude",
        bucket=plan.bucket,
    )


def words(plan: Plan) -> str:
    """Return the plan as it is printed."""
    there = f"s3://{plan.bucket}/{plan.prefix}"
    way = (plan.local_dir, there) if plan.action == "upload" else (there, plan.local_dir)
    doomed = "object" if plan.action == "upload" else "file"
    kept = [plan.extra] if plan.extra else []
    return "\n".join(
        [
            f"{plan.action} from {way[0]} to {way[1]}",
            f"  {plan.action} {_counted(plan.transfers, 'file')}, {_bytes(plan.transfer_bytes)}",
            *_first(plan, plan.action, plan.transfers),
            *([f"  make {_counted(plan.directories, 'directory')}"] if plan.directories else []),
            *_first(plan, "make", plan.directories),
            *(
                [f"  delete {_counted(plan.deletions, doomed)}, {_bytes(plan.deletion_bytes)}"]
                if plan.deletions
                else []
            ),
            *_first(plan, "delete", plan.deletions),
            f"  unchanged: {_counted(plan.unchanged, 'file')}, {_bytes(plan.unchanged_bytes)}",
            *(f"  only at the destination, and kept: {_counted(each, doomed)}" for each in kept),
            *_unplanned("skipped", plan.skipped),
            *_unplanned("REFUSED, so nothing will be transferred", plan.refused),
        ]
    )


def _first(plan: Plan, action: str, count: int) -> Iterator[str]:
    found = (item for item in plan.items if item.action == action)
    for _ in range(min(count, SHOWN)):
        item = next(found)
        yield f"    {item.path!r} ({item.why}, {_bytes(item.size)})"
    if count > SHOWN:
        yield f"    and {count - SHOWN} more"


def _unplanned(what: str, unplanned: Sequence[Unplanned]) -> Iterator[str]:
    if unplanned:
        yield f"  {what}: {len(unplanned)}"
    for each in unplanned[:SHOWN]:
        yield f"    {each.path!r}: {each.why}"
    if len(unplanned) > SHOWN:
        yield f"    and {len(unplanned) - SHOWN} more"


def _counted(number: int, what: str) -> str:
    plural = what[:-1] + "ies" if what.endswith("y") else what + "s"
    return f"{number:,} {what if number == 1 else plural}"


def _bytes(number: int) -> str:
    """Return a number of bytes for human eyes."""
    power = max(0, number.bit_length() - 1) // 10
    if not power:
        return f"{number} B"
    power = min(power, len(_UNITS))
    return f"{number / _KIB**power:.1f} {_UNITS[power - 1]}"
