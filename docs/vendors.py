"""Makes docs/vendors.md out of the table that the code goes by: python -m docs.vendors [--check]."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from s3_bucket._vendors import VENDORS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from s3_bucket._vendors import Claim, Vendor

DOCUMENT = Path(__file__).with_suffix(".md")

ABOUT = """# Vendors

How the S3 of each vendor differs from Amazon's, and what this library does about it. `init(vendor="...")`, or the same
keyword of a bucket, says whose S3 it is; `"auto"` tells it from the endpoint's host name. `await bucket.check()` finds
out what a store really does.

This page is made of the table in `src/s3_bucket/_vendors.py`: `python -m docs.vendors` writes it, and
`python -m nox -s generated` compares. Each claim is a link to its source.
"""
SETTINGS = """
## Settings

What a setting means that was not given, or given as `"auto"`. One that was given explicitly wins.
"""
CONDITIONS = """
## Conditions

What becomes of `if_absent` and `if_match`. Those that a vendor ignores or refuses raise `InvalidInput` before anything
is sent, since nobody must rely on them. Of an unknown vendor nothing is refused: where an upload in parts is completed,
and before a conditional delete, HEAD is asked whether the condition holds now. Who writes at the same time is not seen.
Where your server is better than its vendor's table, `vendor="aws"` sends every condition (and then give
`addressing_style`, `checksums` and `region`, if it needs them).
"""
OTHERS = """
`REGION` is a region's name, and `ALIAS` another name of one. Where the host name tells nothing, `vendor="auto"` changes
nothing. Ceph and MinIO stand under names of their owners' choice, so they must be named; `check()` knows them by their
answers, and says so.
"""

_CHECKSUMS = {"auto": "`auto`", "when_required": "Content-MD5"}
_YES = {True: "yes", False: "no"}


def document() -> str:
    """Return the whole page."""
    settings = {
        "vendor": lambda vendor: f"{vendor.title}, `{vendor.name!r}`".replace("'", '"'),
        "host names end in": hosts,
        "`addressing_style`": lambda vendor: told(vendor.addressing, f"`{vendor.addressing.value}`"),
        "`checksums`": lambda vendor: told(vendor.checksums, _CHECKSUMS[vendor.checksums.value]),
        "`region`": lambda vendor: told(vendor.region, region(vendor)),
        "parts of one size": lambda vendor: told(vendor.equal_parts, _YES[vendor.equal_parts.value]),
        "DeleteObjects wants Content-MD5": lambda vendor: told(vendor.delete_md5, _YES[vendor.delete_md5.value]),
        "GetObject asks for the checksum": lambda vendor: told(vendor.checksum_mode),
    }
    conditions = {
        "vendor": lambda vendor: vendor.title,
        "`put(if_absent=True)`": lambda vendor: told(vendor.put_if_absent),
        "`put(if_match=...)`": lambda vendor: told(vendor.put_if_match),
        "either, of an upload in parts": lambda vendor: told(vendor.complete),
        "`delete(if_match=...)`": lambda vendor: told(vendor.delete_if_match),
    }
    return "\n".join([ABOUT, SETTINGS.lstrip(), table(settings), OTHERS, CONDITIONS.lstrip(), table(conditions), ""])


def table(columns: dict[str, Callable[[Vendor], str]]) -> str:
    """Return a table with a row for each vendor."""
    rows = [list(columns), ["---"] * len(columns)]
    rows += [[cell(vendor) for cell in columns.values()] for vendor in VENDORS.values()]
    return "\n".join(line(row) for row in rows)


def line(cells: Iterable[str]) -> str:
    """Return a row."""
    return f"| {' | '.join(cells)} |"


def told(claim: Claim, value: str | None = None) -> str:
    """Return a claim as a link to its source, and what else there is to say."""
    return f"[{value or claim.value}]({claim.source}){f'; {claim.note}' if claim.note else ''}"


def region(vendor: Vendor) -> str:
    """Return the region in words."""
    return {None: "that of the standard chain", "auto": "`auto`"}.get(vendor.region.value, "that in the host name")


def hosts(vendor: Vendor) -> str:
    """Return the host names as people write them."""
    return ", ".join(f"`{host}`" for host in vendor.hosts) or "no"


def main(arguments: list[str], path: Path = DOCUMENT) -> int:
    """Write the page, or check it; return the exit status."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python -m docs.vendors [--check]\n")
        return 2

    if not arguments:
        path.write_text(document(), encoding="utf-8")
    if path.read_text(encoding="utf-8") == document():
        return 0
    sys.stderr.write(f"{path.name} is not what the table makes: run python -m docs.vendors\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
