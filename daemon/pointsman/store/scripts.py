"""The Lua scripts of the store, read from the package.

A line ``-- @include NAME`` is replaced by ``lib/NAME.lua`` where it comes first; that may include
others. Redis has no imports, and the rotation must be the same text in every script that takes a
turn. A line that is indented stands in a block: what it includes costs nothing where that is not
come to, and is known there only, so what others need too is to be included before.

What a script never comes to of all that is left out: Redis makes all functions of a text anew at
each call. A definition (``local function NAME``, ``local CONSTANT =``) begins a line and is left
out whole if nothing names it that stays; a name in a text or behind other words counts as well, one
in a comment of its own line does not.
"""

from __future__ import annotations

import re
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import NamedTuple

__all__ = ["Script", "script"]

_INCLUDE = re.compile(r"^ *-- @include (\w+)$", re.MULTILINE)
_DEFINITION = re.compile(
    r"^local function (\w+)\(.*\n(?:(?: .*)?\n)*end\n|^local ([A-Z_]+) = .*\n(?: .*\n)*",
    re.MULTILINE,
)
_COMMENT = re.compile(r"^ *--.*$", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z_]\w*")
_FOLDER = files("pointsman.store") / "scripts"


class Script(NamedTuple):
    """A script's text and its SHA-1, by which Redis knows it."""

    name: str
    source: str
    sha: str


@cache
def script(name: str) -> Script:
    """Return ``scripts/<name>.lua`` with what it needs of its includes."""
    source = _pruned(_text(f"{name}.lua"))
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


def _pruned(text: str) -> str:
    """Return a script without the definitions that it never comes to."""
    defined: dict[str, set[str]] = {}
    for definition in _DEFINITION.finditer(text):
        defined.setdefault(_defines(definition), set()).update(_names(definition[0]))
    reached, waiting = set[str](), _names(_DEFINITION.sub("", text))
    while waiting:
        reached |= waiting
        waiting = set[str]().union(*(defined.get(name, ()) for name in waiting)) - reached
    return _DEFINITION.sub(lambda one: one[0] if _defines(one) in reached else "", text)


def _defines(definition: re.Match[str]) -> str:
    return definition[1] or definition[2]


def _names(text: str) -> set[str]:
    return set(_NAME.findall(_COMMENT.sub("", text)))
