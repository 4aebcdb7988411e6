"""Paths into a record: ``first_name``, ``firstName``, ``custom_fields.budget``, ``tags.0``.

A path reaches items of mappings and lists and nothing else; no attribute of any object is ever
read, so ``trigger.__class__`` is a field that nobody has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, final

__all__ = ["MISSING", "PATH", "Missing", "compile_path", "snake"]

PATH: Final = r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*"
"""What a path looks like, as a regular expression."""

_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")
_BUMP = re.compile(r"(?<=[A-Za-z0-9])_([a-z])")
_BEFORE_DIGIT = re.compile(r"(?<=[A-Za-z])(?=[0-9])")
_DIGIT_BUMP = re.compile(r"(?<=[A-Za-z])_(?=[0-9])")

_INDEX = 9
"""Digits of a list's index that are looked at."""

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


@lru_cache(maxsize=4096)
def compile_path(path: str) -> Reach:
    """Return a function from a record to the value at ``path``, or ``MISSING``.

    Each name is looked up as written, then in its other spellings. A dotted path that leads nowhere
    may be the name of a standard field, such as ``company.phone``.
    """
    parts = path.split(".")
    whole = _reach_field(_spellings(path))
    if len(parts) == 1:
        return whole
    steps = [_spellings(part) for part in parts]
    if len(parts) == 2:  # noqa: PLR2004 - the most frequent depth, such as custom_fields.plan
        return _reach_inside(_reach_field(steps[0]), steps[1], whole)

    def reach(record: Mapping[str, Any]) -> Any:
        value: Any = record
        for names in steps:
            value = _item(value, names)
            if value is MISSING:
                return whole(record)
        return value

    return reach


def _spellings(name: str) -> tuple[str, ...]:
    """Return a name as written and in its other spellings; ``phone1`` is ``phone_1`` too."""
    found = [name, snake(name), _camel(name)]
    found += [_BEFORE_DIGIT.sub("_", one) for one in found]
    found += [_DIGIT_BUMP.sub("", one) for one in found]
    return tuple(dict.fromkeys(found))


def _reach_field(names: tuple[str, ...]) -> Reach:
    if len(names) == 1:
        (name,) = names
        return lambda record: record.get(name, MISSING)
    stored = next((name for name in names if name == name.lower()), names[0])
    others = tuple(name for name in names if name != stored)

    def reach(record: Mapping[str, Any]) -> Any:
        value = record.get(stored, MISSING)
        return _other(record, others) if value is MISSING else value

    return reach


def _reach_inside(outer: Reach, names: tuple[str, ...], whole: Reach) -> Reach:
    name = names[0]

    def reach(record: Mapping[str, Any]) -> Any:
        holder = outer(record)
        value = holder.get(name, MISSING) if type(holder) is dict else MISSING
        if value is MISSING:
            value = _item(holder, names)
        return whole(record) if value is MISSING else value

    return reach


def _other(record: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """Return the value under the first of ``names`` that is there."""
    return next((record[name] for name in names if name in record), MISSING)


def _item(value: Any, names: tuple[str, ...]) -> Any:
    if type(value) is dict or isinstance(value, Mapping):
        found = value.get(names[0], MISSING)
        return _other(value, names) if found is MISSING and len(names) > 1 else found
    name = names[0]
    if isinstance(value, list | tuple) and name.isascii() and name.isdigit():
        index = int(name[:_INDEX])
        return value[index] if index < len(value) else MISSING
    return MISSING
