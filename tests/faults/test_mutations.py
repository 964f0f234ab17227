"""A matrix that can't turn red proves nothing: three broken libraries must turn it so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from s3_bucket import _plan
from s3_bucket._async._botocore import answers
from s3_bucket._async._botocore.store import BotocoreStore
from s3_bucket._async._wire import requests
from tests.conformance.faces import FACES
from tests.faults import selection
from tests.faults.cells import Outcome
from tests.faults.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.runner import Report

FAULTS = {
    "replaced between two ranges": "get, in ranges",
    "replaced between two ranges; If-Match ignored": "get, in ranges",
    "a part refused for good": "put, in parts",
    "cancelled while the answer is awaited": "put, in parts",
    "no Content-Length, and cut short": "get",
}


def run() -> Report:
    """Run a small part of the matrix."""
    cells = [cell for cell in selection.every([0, 1]) if FAULTS.get(cell.fault.name) == cell.operation.name]
    return Runner(FACES, lanes=4).run(cells)


def without_if_match(patch: pytest.MonkeyPatch) -> None:
    """Neither send If-Match nor compare entity tags."""
    real: Callable[..., dict[str, Any]] = answers.get_parameters
    headers_of: Callable[..., dict[str, str]] = requests.get_headers
    info: Callable[..., Any] = answers.info

    def parameters(request: Any) -> dict[str, Any]:
        return {name: value for name, value in real(request).items() if name != "IfMatch"}

    def headers(request: Any) -> dict[str, str]:
        return {name: value for name, value in headers_of(request).items() if name != "if-match"}

    patch.setattr(answers, "get_parameters", parameters)
    patch.setattr(requests, "get_headers", headers)
    patch.setattr(answers, "info", lambda key, answer, size: info(key, {**answer, "ETag": '"same"'}, size))


def without_abort(patch: pytest.MonkeyPatch) -> None:
    """Leave every upload that has failed as it is."""

    async def nothing(*_: Any) -> None:
        return None

    patch.setattr(BotocoreStore, "abort_upload", nothing)


def without_length(patch: pytest.MonkeyPatch) -> None:
    """Take for the whole body whatever came, where no header says how long it is."""
    patch.setattr(_plan, "range_length", lambda _: len(BODY_CUT_SHORT))


BODY_CUT_SHORT = bytes(3_001 // 2)
"""As many bytes as the fault lets through."""
MUTATIONS = {"If-Match": without_if_match, "abort": without_abort, "length": without_length}
CAUGHT_AS = {"If-Match": "wrong", "abort": "orphan", "length": "wrong"}


def red(report: Report) -> set[str]:
    """Return the kinds of what is wrong."""
    return {kind for ran in report.ran if ran.verdict.outcome is Outcome.RED for kind in ran.verdict.kinds}


def test_green() -> None:
    """The library as it is turns no cell of the selection red."""
    report = run()
    assert [(ran.cell.name, ran.verdict.reasons) for ran in report.ran if ran.verdict.outcome is Outcome.RED] == []
    assert report.complaints == []
    assert {ran.cell.face for ran in report.ran} == set(FACES)


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_red(mutation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library without this check turns cells red, and for the right reason."""
    MUTATIONS[mutation](monkeypatch)
    assert CAUGHT_AS[mutation] in red(run())
