"""Paths into a record: ``first_name``, ``firstName``, ``custom_fields.budget``, ``tags.0``.

A path reaches items of mappings and lists and nothing else; no attribute of any object is ever
read, so ``trigger.__class__`` is a field that nobody has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, final

__all__ = ["MISSING", "PATH", "Missing", "compile_path", "snake"]

PATH: Final = r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*"
"""What a path looks like, as a regular expression."""

_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")
_BUMP = re.compile(r"(?<=[A-Za-z0-9])_([a-z])")

Reach = Callable[[Mapping[str, Any]], Any]


@final
class Missing:
    """The value of a path that leads nowhere; there is one, :data:`MISSING`."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "missing"


MISSING: Final = Missing()


def snake(name: str) -> str:
    """Return ``firstName`` as ``first_name``; a name in snake case stays as it is."""
    return _HUMP.sub(lambda hump: f"_{hump[1].lower()}", name)


def _camel(name: str) -> str:
    return _BUMP.sub(lambda bump: bump[1].upper(), name)


def compile_path(path: str) -> Reach:
    """Return a function from a record to the value at ``path``, or ``MISSING``.

    Each name is looked up as written, then in the other spelling.
    """
    steps = [(part, _other(part)) for part in path.split(".")]
    if len(steps) == 1:
        return _reach_field(*steps[0])

    def reach(value: Any) -> Any:
        for name, other in steps:
            value = _item(value, name, other)
            if value is MISSING:
                break
        return value

    return reach


def _other(name: str) -> str:
    spelled = snake(name)
    return spelled if spelled != name else _camel(name)


def _reach_field(name: str, other: str) -> Reach:
    if name == other:
        return lambda record: record.get(name, MISSING)
    stored, rare = (other, name) if name != name.lower() else (name, other)

    def reach(record: Mapping[str, Any]) -> Any:
        value = record.get(stored, MISSING)
        return record.get(rare, MISSING) if value is MISSING else value

    return reach


def _item(value: Any, name: str, other: str) -> Any:
    if isinstance(value, Mapping):
        found = value.get(name, MISSING)
        return value.get(other, MISSING) if found is MISSING else found
    if isinstance(value, list | tuple) and name.isascii() and name.isdigit():
        index = int(name)
        return value[index] if index < len(value) else MISSING
    return MISSING
