"""All faults of the matrix."""

from __future__ import annotations

from tests.faults.catalogue import cancellation, connection, disk, hostile, listing, names, reading, throttling, writing

FAULTS = (
    *reading.FAULTS,
    *writing.FAULTS,
    *connection.FAULTS,
    *throttling.FAULTS,
    *disk.FAULTS,
    *names.FAULTS,
    *hostile.FAULTS,
    *cancellation.FAULTS,
    *listing.FAULTS,
)
BY_NAME = {fault.name: fault for fault in FAULTS}
