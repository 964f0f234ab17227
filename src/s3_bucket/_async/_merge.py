"""Two changes of one JSON document, made to one. Pure.

An object's members are merged by name, however deep; everything else (a list, too) is one value. A value that both have
changed is a conflict, also where both have made the same of it: it may be a count, to which each has added one.
"""

from __future__ import annotations

import json
from typing import Any, cast

_ABSENT = object()


class Conflict(Exception):  # noqa: N818  # it is what happens
    """Both have changed the value at this path.

    Attributes:
        path: the members' names, from the document's root.
    """

    def __init__(self, path: tuple[str, ...]) -> None:
        super().__init__(path)
        self.path = path


def merged(base: Any, ours: Any, theirs: Any) -> Any:
    """Return what both have made of `base`; it may share values with them.

    Raises:
        Conflict: both have changed the same value.
    """
    try:
        return _merged(base, ours, theirs, ())
    except RecursionError:
        raise Conflict(()) from None


def _merged(base: Any, ours: Any, theirs: Any, path: tuple[str, ...]) -> Any:
    if same(ours, base):
        return theirs
    if same(theirs, base):
        return ours
    if not all(type(document) is dict for document in (base, ours, theirs)):
        raise Conflict(path)
    before, mine, other = (cast("dict[str, Any]", document) for document in (base, ours, theirs))
    members = {
        name: _merged(before.get(name, _ABSENT), mine.get(name, _ABSENT), other.get(name, _ABSENT), (*path, name))
        for name in dict.fromkeys([*other, *mine])
    }
    return {name: value for name, value in members.items() if value is not _ABSENT}


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON: to Python, 1, 1.0 and true are equal."""
    if one is other or one is _ABSENT or other is _ABSENT:
        return one is other
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
