"""Both faces are the same: names, parameters, defaults, annotations and docstrings."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

import s3_bucket
from s3_bucket._sync import _generate

PAIRS = [
    (s3_bucket.AsyncBucket, s3_bucket.Bucket),
    (s3_bucket.AsyncDirPlan, s3_bucket.DirPlan),
    (s3_bucket.AsyncReader, s3_bucket.Reader),
    (s3_bucket.AsyncWriter, s3_bucket.Writer),
]
OF_FACE = {*_generate.IN_FACE, "__init__"}


def public(owner: type) -> dict[str, Any]:
    """Return a class's own public members, and those dunder methods that have a counterpart."""
    return {
        name: member
        for name, member in vars(owner).items()
        if not name.startswith("_") or name in {*_generate.RENAMED, *_generate.RENAMED.values()}
    }


MEMBERS = [(owner, face, name) for owner, face in PAIRS for name in public(owner)]


def function(member: Any) -> Any:
    """Return the plain function of a property or a classmethod."""
    return getattr(member, "fget", None) or inspect.unwrap(getattr(member, "__func__", member))


def blocking(annotation: str) -> str:
    """Translate a return annotation as the table says."""
    opened = re.fullmatch(r"AbstractAsyncContextManager\[Async(\w+)\]", annotation)
    if opened:
        return f"AbstractContextManager[{opened[1]}]"
    return re.sub(r"^(Abstract)?Async(?=Iterator\[|ContextManager\[|\w+$)", r"\1", annotation)


@pytest.mark.parametrize(("owner", "face"), PAIRS)
def test_names(owner: type, face: type) -> None:
    """The faces have the same public names, but for those that the protocols give other ones."""
    assert [_generate.RENAMED.get(name, name) for name in public(owner)] == list(public(face))


@pytest.mark.parametrize(("owner", "face"), PAIRS)
def test_class_docstrings(owner: type, face: type) -> None:
    """The classes are documented in the same words."""
    assert owner.__doc__
    assert face.__doc__ == owner.__doc__


@pytest.mark.parametrize(("owner", "face", "name"), MEMBERS)
def test_member(owner: type, face: type, name: str) -> None:
    """Each member is of the same kind, with the same parameters, defaults, annotations and docstring."""
    theirs, ours = vars(owner)[name], vars(face)[_generate.RENAMED.get(name, name)]
    assert type(ours) is type(theirs)
    assert ours.__doc__ == theirs.__doc__
    expected, found = inspect.signature(function(theirs)), inspect.signature(function(ours))
    assert list(found.parameters.values()) == list(expected.parameters.values())
    assert found.return_annotation == blocking(expected.return_annotation)


def test_construction() -> None:
    """A bucket of either face is made of the same arguments."""
    assert inspect.signature(s3_bucket.Bucket) == inspect.signature(s3_bucket.AsyncBucket)


def test_nothing_awaits() -> None:
    """No method of the blocking face is a coroutine function or returns one."""
    members = [member for _, face in PAIRS for member in public(face).values()]
    assert not [member for member in members if inspect.iscoroutinefunction(function(member))]
