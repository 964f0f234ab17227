"""The plot of docs/benchmarks.md: the fastest row of each client, in some cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks import clients
from benchmarks.cases import BY_NAME
from benchmarks.tables import MEGA, MICRO, digits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matplotlib.axes import Axes

    from benchmarks.results import Line, Results

PANELS: tuple[tuple[str, str, Callable[[Line], float]], ...] = (
    ("get-4k-32", "get of 4 KiB, 32 at a time: thousands a second", lambda line: line.rate / 1e3),
    ("put-4k-32", "put of 4 KiB, 32 at a time: thousands a second", lambda line: line.rate / 1e3),
    ("get-4k-32", "CPU of such a get: µs", lambda line: line.cpu / MICRO),
    ("upload-files", "upload of 4 KiB files: thousands a second", lambda line: line.rate / 1e3),
    ("download-file-1g", "1 GiB into a file: MB/s", lambda line: line.rate / MEGA),
    ("upload-file-1g", "1 GiB from a file: MB/s", lambda line: line.rate / MEGA),
)
OURS, THEIRS = "#c2410c", "#94a3b8"


def write(path: Path, found: Results) -> None:
    """Draw it into a file; the same figures make the same bytes."""
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "s3-bucket", "font.size": 8})
    figure = Figure(figsize=(9, 7.5), layout="constrained")
    for axes, (name, title, value) in zip(figure.subplots(3, 2).flat, PANELS, strict=True):
        _panel(axes, title, {line.row.name: value(line) for line in shown(found.lines(BY_NAME[name]))})
    figure.savefig(path, metadata={"Date": None})


def shown(lines: list[Line]) -> list[Line]:
    """Return the fastest row of us and of each peer."""
    first: dict[str, Line] = {}
    for line in lines:
        client = clients.BY_NAME[line.row.name]
        if client.ours or client.peer:
            first.setdefault(line.row.name, line)
    return list(first.values())


def _panel(axes: Axes, title: str, values: dict[str, float]) -> None:
    axes.set_title(title, loc="left", fontsize=9)
    names = list(values)  # the fastest first, in the panel of CPU too
    colours = [OURS if clients.BY_NAME[name].ours else THEIRS for name in names]
    bars = axes.barh(names, list(values.values()), color=colours)
    axes.bar_label(bars, [digits(value) for value in values.values()], padding=2)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.set_xticks([])
    axes.tick_params(length=0)
