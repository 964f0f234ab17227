"""Patterns of paths, as include= and exclude= take them. Pure.

A pattern is compared with the whole relative path, whose separator is "/" everywhere. Upper and lower case differ.

============  ===========================================================================
``*``         any number of characters, but no "/"
``?``         one character, but no "/"
``[abc]``     one of these characters; ``[a-z]``: a range; ``[!abc]``: any other, but no "/"
``**``        between slashes: any number of directories, none included; at the end: all below
``dir/``      the same as ``dir/**``
============  ===========================================================================

So ``*.jpg`` are those at the top, ``**/*.jpg`` all. ``[*]`` is a star itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SET = re.compile(r"\[(!?)(\]?[^\]]*)\]")
_EVERYTHING_BELOW = "/**"


class Selection:
    """Which paths are meant: those that an include pattern matches, or all, but none that an exclude one matches."""

    def __init__(self, include: Iterable[str] | None = None, exclude: Iterable[str] = ()) -> None:
        self._include = None if include is None else _any_of(include)
        excluded = [_spelled_out(pattern) for pattern in exclude]
        self._exclude = _any_of(excluded)
        whole = (each.removesuffix(_EVERYTHING_BELOW) for each in excluded if each.endswith(_EVERYTHING_BELOW))
        self._exclude_whole = _any_of([*whole, *(each for each in excluded if each == "**")])

    def has(self, path: str) -> bool:
        """Whether this path is meant."""
        if self._include is not None and not self._include.fullmatch(path):
            return False
        return not self._exclude.fullmatch(path)

    def leaves_out(self, directory: str) -> bool:
        """Whether everything below a directory is excluded: then it need not be looked into."""
        return self._exclude_whole.fullmatch(directory) is not None


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    """Return what matches any of the patterns; of none, nothing."""
    return re.compile("|".join(f"(?:{expression(pattern)})" for pattern in patterns) or r"(?!)", re.DOTALL)


def expression(pattern: str) -> str:
    """Return the regular expression for a pattern.

    Raises:
        ValueError: it has a "[" whose "]" is missing, or a range that goes backwards.
    """
    parts = _spelled_out(pattern).split("/")
    text = ""
    for number, part in enumerate(parts):
        is_last = number == len(parts) - 1
        if part == "**":
            text += r".*" if is_last else r"(?:[^/]+/)*"
        else:
            text += _name(part) + ("" if is_last else "/")
    re.compile(text)
    return text


def _spelled_out(pattern: str) -> str:
    return pattern + "**" if pattern.endswith("/") else pattern


def _name(part: str) -> str:
    text, at = "", 0
    while at < len(part):
        if part[at] == "[":
            found = _SET.match(part, at)
            if found is None:
                msg = f"the '[' at character {at + 1} of {part!r} has no ']'; a '[' itself is written '[[]'"
                raise ValueError(msg)
            text += _set(bool(found[1]), found[2])
            at = found.end()
        else:
            text += {"*": "[^/]*", "?": "[^/]"}.get(part[at]) or re.escape(part[at])
            at += 1
    return re.sub(r"(?:\[\^/\]\*)+", "[^/]*", text)  # "**" inside a name means no more than "*"


def _set(is_negated: bool, characters: str) -> str:  # noqa: FBT001  # what the "!" says
    safe = re.sub(r"([\\\[\]^&~|])", r"\\\1", characters)
    return f"(?!/)[{'^' * is_negated}{safe}]"
