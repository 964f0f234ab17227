"""The floors of ARCHITECTURE.md: a file imports from lower floors only, and one room only knows aiobotocore."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

import s3_bucket

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(s3_bucket.__file__).parent

FLOORS = {
    "exceptions": 0,
    "_plan": 0,
    "_vendors": 0,
    "_models": 0,
    "_encryption": 0,
    "_keeping": 0,
    "_presigned": 0,
    "_directories._globs": 0,
    "_sums": 0,
    "_directories._packed": 0,
    "_async._errors": 0,
    "_async._sigv4": 0,
    "_async._batches": 0,
    "_async._json": 0,
    "_async._loops": 0,
    "_async._merge": 0,
    "_config": 1,
    "_report": 1,
    "_directories._contents": 1,
    "_directories._tree": 1,
    "_directories._words": 1,
    "_directories._outcomes": 1,
    "_directories._planner": 2,
    "_checks": 1,
    "_presign": 1,
    "_store": 1,
    "_progress": 1,
    "_unfinished": 1,
    "events": 1,
    "_async._semaphore": 0,
    "_async._shapes": 1,
    "_async._slots": 1,
    "_async._checksums": 1,
    "_async._pace": 1,
    "_async._buffers": 1,
    "_async._botocore.answers": 2,
    "_async._botocore.checksums": 2,
    "_async._botocore.client": 2,
    "_async._botocore.errors": 2,
    "_async._botocore.keeping": 2,
    "_async._botocore.presigning": 2,
    "_async._botocore.operations": 2,
    "_async._botocore.signing": 2,
    "_async._botocore.store": 2,
    "_async._botocore.wiring": 2,
    "_async._wire.http1": 2,
    "_async._wire.documents": 2,
    "_async._wire.pool": 2,
    "_async._wire.requests": 2,
    "_async._wire.store": 2,
    "_async._copies": 2,
    "_async._history": 2,
    "_async._resume": 2,
    "_async._retry": 2,
    "_async._session": 2,
    "_async._shield": 2,
    "_async._files": 3,
    "_async._kept": 3,
    "_async._sources": 3,
    "_async._lost": 3,
    "_async._conditions": 3,
    "_async._upload": 3,
    "_async._upload_resumable": 3,
    "_async._sweep": 3,
    "_async._download": 3,
    "_async._download_resumable": 3,
    "_async._listing": 3,
    "_async._lookup": 3,
    "_async._administration": 3,
    "_async._retention": 3,
    "_async._canary": 3,
    "_async._tags": 3,
    "_async._turns": 3,
    "_async._copy": 3,
    "_async._edit": 3,
    "_async.reader": 4,
    "_async.writer": 4,
    "_async._ahead": 3,
    "_async._shards": 3,
    "_async._bulk": 4,
    "_async._places": 4,
    "_async._dirs": 4,
    "_async.plan": 4,
    "_async.bucket": 4,
    "_sync._portal": 5,
    "_sync._executor": 5,
    "_sync._facade": 5,
    "_sync._generate": 5,
    "_sync.bucket": 5,
    "_sync.plan": 5,
    "_sync.reader": 5,
    "_sync.writer": 5,
    "_adapters": 6,
    "": 6,
    "testing._personality": 7,
    "testing._state": 7,
    "testing._walk": 7,
    "testing._server": 7,
    "testing._conditions": 7,
    "testing._digests": 7,
    "testing._faults": 7,
    "testing._locks": 7,
    "testing._objects": 7,
    "testing._copies": 7,
    "testing._multipart": 7,
    "testing._listings": 7,
    "testing._buckets": 7,
    "testing._presigning": 7,
    "testing._store": 7,
    "testing._fake": 7,
    "testing": 8,
}

# Who may use whom on the same floor; there are no circles in it.
NEIGHBOURS = {
    "_models": {"exceptions"},
    "_encryption": {"exceptions"},
    "_plan": {"exceptions"},
    "_vendors": {"exceptions"},
    "_async._errors": {"exceptions"},
    "_async._batches": {"exceptions"},
    "_async._json": {"exceptions"},
    "_checks": {"_store"},
    "_presign": {"_checks", "_store"},
    "_unfinished": {"_store"},
    "events": {"_store"},
    "": {"_adapters"},
    "_async._botocore.answers": {"_async._botocore.keeping"},
    "_async._botocore.checksums": {"_async._botocore.answers"},
    "_async._botocore.operations": {"_async._botocore.answers", "_async._botocore.checksums"},
    "_async._botocore.store": {
        "_async._botocore.client",
        "_async._botocore.errors",
        "_async._botocore.presigning",
        "_async._botocore.operations",
        "_async._botocore.signing",
        "_async._botocore.wiring",
    },
    "_async._botocore.presigning": {"_async._botocore.answers", "_async._botocore.errors"},
    "_async._botocore.wiring": {
        "_async._botocore.answers",
        "_async._botocore.client",
        "_async._botocore.errors",
        "_async._botocore.signing",
    },
    "_async._wire.documents": {"_async._botocore.answers"},
    "_async._wire.pool": {"_async._wire.http1"},
    "_async._wire.requests": {"_async._botocore.answers"},
    "_async._wire.store": {
        "_async._botocore.answers",
        "_async._botocore.client",
        "_async._botocore.errors",
        "_async._botocore.signing",
        "_async._botocore.wiring",
        "_async._wire.http1",
        "_async._wire.documents",
        "_async._wire.pool",
        "_async._wire.requests",
    },
    "_async._retry": {"_async._resume"},
    "_async._botocore.client": {"_async._botocore.answers", "_async._botocore.signing"},
    "_async._botocore.errors": {"_async._botocore.signing"},
    "_async._session": {"_async._retry", "_async._shield"},
    "_async._upload": {"_async._retention", "_async._conditions", "_async._lost", "_async._sources"},
    "_async._ahead": {"_async._sources"},
    "_async._sweep": {"_async._lost"},
    "_async._canary": {"_async._lost"},
    "_async._download": {"_async._files"},
    "_async._copy": {
        "_async._lookup",
        "_async._lost",
        "_async._retention",
        "_async._tags",
        "_async._upload",
    },
    "_async._edit": {"_async._conditions", "_async._download", "_async._lost", "_async._tags", "_async._turns"},
    "_async._dirs": {"_async._bulk", "_async._places"},
    "_async.plan": {"_async._dirs"},
    "_async.bucket": {"_async._bulk", "_async._dirs", "_async.plan", "_async.reader", "_async.writer"},
    "_async._kept": {"_async._files"},
    "_async._upload_resumable": {
        "_async._conditions",
        "_async._kept",
        "_async._lost",
        "_async._sources",
        "_async._upload",
    },
    "_async._download_resumable": {"_async._download", "_async._kept", "_async._lookup"},
    "_sync._portal": {"_sync._executor"},
    "_sync._facade": {"_sync._portal"},
    "_sync.plan": {"_sync._facade"},
    "_sync.reader": {"_sync._facade"},
    "_sync.writer": {"_sync._facade"},
    "_sync.bucket": {"_sync._facade", "_sync.plan", "_sync.reader", "_sync.writer"},
    "testing._server": {"testing._state"},
    "testing._conditions": {"testing._server", "testing._state"},
    "testing._digests": {"testing._state"},
    "testing._locks": {"testing._server", "testing._state"},
    "testing._objects": {
        "testing._conditions",
        "testing._digests",
        "testing._locks",
        "testing._server",
        "testing._state",
    },
    "testing._copies": {
        "testing._conditions",
        "testing._digests",
        "testing._objects",
        "testing._server",
        "testing._state",
    },
    "testing._multipart": {
        "testing._conditions",
        "testing._copies",
        "testing._digests",
        "testing._objects",
        "testing._server",
        "testing._state",
        "testing._walk",
    },
    "testing._listings": {"testing._server", "testing._state", "testing._walk"},
    "testing._buckets": {"testing._objects", "testing._server", "testing._state"},
    "testing._store": {
        "testing._buckets",
        "testing._copies",
        "testing._digests",
        "testing._faults",
        "testing._listings",
        "testing._locks",
        "testing._multipart",
        "testing._objects",
        "testing._presigning",
        "testing._server",
        "testing._state",
    },
    "testing._fake": {"testing._faults", "testing._personality", "testing._server", "testing._store"},
}

FOREIGN_ROOMS = {
    "aiobotocore": "_async._botocore",
    "botocore": "_async._botocore",
    "aiohttp": "_async._botocore",
    "httptools": "_async._wire",
}


class Import(NamedTuple):
    """One imported name: a module of this package ("_async._retry"), or of somebody else's ("anyio")."""

    module: str
    own: bool
    for_types: bool
    line: int


def modules() -> dict[str, Path]:
    """Return the package's modules, by their name below it."""
    return {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def name_of(path: Path) -> str:
    """Return a module's name below the package; the package's own is ""."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[Import]:
    """Find what a file imports, at its top and inside its functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    only_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        for target in targets(node):
            own = target == "s3_bucket" or target.startswith("s3_bucket.")
            module = module_of(target.removeprefix("s3_bucket").removeprefix(".")) if own else target.split(".")[0]
            yield Import(module, own, id(node) in only_types, getattr(node, "lineno", 0))


def targets(node: ast.AST) -> list[str]:
    """Return the dotted names that an import statement asks for."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute here, so that their floor can be seen"
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def module_of(target: str) -> str:
    """Return the module that a dotted name below the package is or stands in."""
    while target and not is_module(target):
        target = target.rpartition(".")[0]
    return target


def is_module(name: str) -> bool:
    """Whether there is a module or a package of that name below the package."""
    path = PACKAGE.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def is_empty_package(name: str, path: Path) -> bool:
    """Whether it is an __init__ that does nothing, and so stands on no floor."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return bool(name) and path.name == "__init__.py" and all(isinstance(node, ast.Expr) for node in body)


def test_every_module_has_a_floor() -> None:
    """A new file must be given its floor here and in ARCHITECTURE.md, and no floor may be left without a file."""
    found = {name for name, path in modules().items() if not is_empty_package(name, path)}
    known = set(FLOORS)
    assert found - known == set()
    assert known - found == set()


@pytest.mark.parametrize("name", sorted(modules()))
def test_imports_go_down(name: str) -> None:
    """A file imports from lower floors, or from a neighbour it is allowed; for types only, from its own floor too."""
    own_floor = FLOORS.get(name, 0)
    for used in imports(modules()[name]):
        if not used.own or used.module == name or used.module not in FLOORS:
            continue
        floor = FLOORS[used.module]
        allowed = (
            floor < own_floor or used.module in NEIGHBOURS.get(name, ()) or (used.for_types and floor == own_floor)
        )
        assert allowed, f"{name} (floor {own_floor}), line {used.line}: imports {used.module or 's3_bucket'} ({floor})"


@pytest.mark.parametrize("name", sorted(modules()))
def test_foreign_libraries_stay_in_their_room(name: str) -> None:
    """Only _async/_botocore imports aiobotocore, botocore and aiohttp, only _async/_wire httptools, nothing boto3."""
    used = {found.module for found in imports(modules()[name]) if not found.own}
    outside = {library for library, room in FOREIGN_ROOMS.items() if not name.startswith(room)}
    assert used & (outside | {"boto3", "s3transfer"}) == set()


def test_neighbours_form_no_circle() -> None:
    """Among the files of one floor, too, there is an order in which they can be read."""
    remaining = {name: set(used) for name, used in NEIGHBOURS.items()}
    while remaining:
        leaves = {name for name, used in remaining.items() if not used & set(remaining)}
        assert leaves, f"these use each other: {sorted(remaining)}"
        remaining = {name: used for name, used in remaining.items() if name not in leaves}


@pytest.mark.parametrize("name", sorted(name for name in modules() if name.startswith("_sync")))
def test_the_blocking_face_holds_no_s3_logic(name: str) -> None:
    """The blocking face knows the rooms that it fronts, and nothing of how a request is made."""
    secret = {"_plan", "_checks", "_store", "_async._errors", "_async._botocore"}
    assert {used.module for used in imports(modules()[name]) if used.own and not used.for_types} & secret == set()
