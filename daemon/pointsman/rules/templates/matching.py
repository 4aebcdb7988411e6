"""Regular expressions of helpers: :mod:`pointsman.patterns`, with look-around at the edges.

``(?<=#)`` may begin a pattern if what it looks for has a fixed length, and ``(?=#)`` may end one:
then both are found by a plain pattern around the middle one, still in linear time. Look-around
anywhere else, and the negative kind, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pointsman.patterns import Pattern, compile_regex

__all__ = ["Match", "compile_matcher"]

_BEHIND, _AHEAD = "(?<=", "(?="
_MOST_MATCHES = 10_000
_MOST_READ = 4_000_000
"""Characters that one search after the other may begin to read."""

_CHARACTER = re.compile(r"\\.|\[(?:\\.|[^\]\\])+\]|[^\\\[\](){}*+?|^$]", re.DOTALL)
_FIXED = re.compile(rf"(?:{_CHARACTER.pattern})*+", re.DOTALL)
_GROUP = re.compile(r"(\\.|\[(?:\\.|[^\]\\])*\])|\((?!\?)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Match:
    """What a pattern found, its groups in order."""

    text: str
    groups: tuple[str | None, ...]
    start: int
    end: int


def compile_matcher(body: str) -> Callable[[str], Iterator[Match]]:
    """Return what finds all matches in a text; raise ``ValueError`` for a wrong pattern."""
    before, middle, after = _edges(body)
    if before is None and after is None:
        whole = compile_regex(body)
        return lambda text: _matches(whole, text)
    width = _width(before)
    around = compile_regex(f"{_around(before)}()(?:{middle})(){_around(after)}")
    return lambda text: _matches_inside(around, text, width)


def _matches(pattern: Pattern, text: str) -> Iterator[Match]:
    for count, found in enumerate(pattern.matches(text)):
        if count >= _MOST_MATCHES:
            return
        yield Match(found.group(), found.groups(), found.start(), found.end())


def _matches_inside(pattern: Pattern, text: str, width: int) -> Iterator[Match]:
    """Yield the middle parts; what stands around them may be shared with the neighbours."""
    at = 0
    for _ in range(_MOST_READ // (len(text) + 1)):
        found: Any = pattern.search(text, at) if at <= len(text) else None
        if found is None:
            return
        groups = found.groups()
        start, end = found.start(1), found.end(len(groups))
        yield Match(text[start:end], groups[1:-1], start, end)
        at = max(end - width, found.start() + 1)


def _edges(body: str) -> tuple[str | None, str, str | None]:
    """Return look-behind, middle and look-ahead of a pattern."""
    before = after = None
    if body.startswith(_BEHIND) and (end := _closing(body, 0)):
        before, body = body[len(_BEHIND) : end], body[end + 1 :]
    start = body.rfind(_AHEAD)
    if start >= 0 and not body[:start].endswith("\\") and _closing(body, start) == len(body) - 1:
        after, body = body[start + len(_AHEAD) : -1], body[:start]
    return before, body, after


def _closing(body: str, start: int) -> int:
    """Return where the parenthesis that opens at ``start`` is closed, 0 if it is not."""
    depth, at, in_class = 0, start, False
    while at < len(body):
        sign = body[at]
        if sign == "\\":
            at += 1
        elif in_class:
            in_class = sign != "]"
        elif sign == "[":
            in_class = True
        else:
            depth += {"(": 1, ")": -1}.get(sign, 0)
            if not depth:
                return at
        at += 1
    return 0


def _around(part: str | None) -> str:
    """Return a pattern whose groups are not counted."""
    if not part:
        return ""
    return f"(?:{_GROUP.sub(lambda found: found[1] or '(?:', part)})"


def _width(before: str | None) -> int:
    """Return how many characters a look-behind looks at."""
    if not before:
        return 0
    if not _FIXED.fullmatch(before):
        raise ValueError(f"looks behind for '{before}'; only characters and classes can be there")
    return len(_CHARACTER.findall(before))
