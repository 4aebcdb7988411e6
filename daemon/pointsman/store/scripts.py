"""The Lua scripts of the store, read from the package.

A line ``-- @include NAME`` is replaced by ``lib/NAME.lua`` where it comes first; that may include
others. Redis has no imports, and the rotation must be the same text in every script that takes a
turn.
"""

from __future__ import annotations

import re
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import NamedTuple

__all__ = ["Script", "script"]

_INCLUDE = re.compile(r"^-- @include (\w+)$", re.MULTILINE)
_FOLDER = files("pointsman.store") / "scripts"


class Script(NamedTuple):
    """A script's text and its SHA-1, by which Redis knows it."""

    name: str
    source: str
    sha: str


@cache
def script(name: str) -> Script:
    """Return ``scripts/<name>.lua`` with its includes."""
    source = _text(f"{name}.lua")
    return Script(name, source, sha1(source.encode(), usedforsecurity=False).hexdigest())


def _text(path: str, seen: set[str] | None = None) -> str:
    """Return the script at ``path`` of the folder with its includes, each once."""
    there = set[str]() if seen is None else seen

    def included(line: re.Match[str]) -> str:
        if line[1] in there:
            return ""
        there.add(line[1])
        return _text(f"lib/{line[1]}.lua", there)

    return _INCLUDE.sub(included, (_FOLDER / path).read_text(encoding="utf-8"))
