"""What it was measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import clients

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from benchmarks.clients import Client
    from benchmarks.processes import Environment

BESIDE = {
    clients.OURS: ["uvloop", "httptools", "aiobotocore"],
    clients.CRT: ["s3transfer"],
    clients.PEERS: ["aiohttp", "botocore", "urllib3", "uvloop"],
}
"""Distributions that the clients' speed depends on."""


def processor() -> str:
    """Return the name of the CPU."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def memory() -> str:
    """Return how much there is of it."""
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / (1 << 30):.0f} GiB"


def described() -> str:
    """Return a line on the machine."""
    system = f"{platform.system()} {platform.release()}"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{processor()}, {os.cpu_count()} cores, {memory()}, {system}, {python}"


def versions(environments: Mapping[str, Environment], chosen: Iterable[Client]) -> list[str]:
    """Return the names and versions of the clients, and of what some of them stand on."""
    wanted: dict[str, list[str]] = {name: [] for name in environments}
    for client in chosen:
        wanted[client.environment].append(client.distribution)
    for name, distributions in BESIDE.items():
        wanted[name] += distributions if wanted[name] else []
    found = {
        f"{distribution} {version}"
        for name, distributions in wanted.items()
        for distribution, version in environments[name].versions(distributions).items()
    }
    return sorted(found | ({"s3-bucket of a work tree"} if environments[clients.OURS].source else set()))
