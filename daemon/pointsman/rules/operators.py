"""The operators of conditions, by name.

An operator is a function from what the condition says to a test of a field's value, made once a
load. Values compare by type: ``1`` is not ``true``; a number and a numeric string compare as
numbers; two strings compare as strings, or as instants if both are times with a zone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pointsman.registry import Registry
from pointsman.rules.paths import MISSING

__all__ = ["Operator", "Test", "operator", "operators"]

Test = Callable[[Any], bool]
Build = Callable[[Any, bool], Test]
Takes = Literal["value", "list", "nothing"]

_INTEGER = re.compile(r"[+-]?[0-9]{1,400}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*(?:Z|[+-]\d{2}:?\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator; ``takes`` says what its ``value`` must be, ``manual`` documents it."""

    name: str
    build: Build
    takes: Takes
    manual: str


operators: Registry[Operator] = Registry("operator")


def operator(name: str, *, takes: Takes = "value") -> Callable[[Build], Build]:
    """Add the decorated function to the registry; it gets (value, ignore_case)."""

    def register(build: Build) -> Build:
        operators.add(name, Operator(name, build, takes, (build.__doc__ or "").strip()))
        return build

    return register


@operator("equals")
def equals(wanted: Any, ignore_case: bool) -> Test:
    """Whether the field is the value; a missing field equals ``null`` only."""
    if isinstance(wanted, str):
        return _equals_text(wanted, ignore_case)
    if _is_number(wanted):
        return lambda value: _number(value) == wanted
    return lambda value: _same(value, wanted, ignore_case)


@operator("in", takes="list")
def is_in(wanted: Any, ignore_case: bool) -> Test:
    """Whether the field equals one item of the list."""
    if not ignore_case and all(isinstance(item, str) and _is_plain(item) for item in wanted):
        texts = frozenset(wanted)
        return lambda value: isinstance(value, str) and value in texts
    tests = [equals(item, ignore_case) for item in wanted]
    return lambda value: any(test(value) for test in tests)


@operator("is_empty", takes="nothing")
def is_empty(_wanted: Any, _ignore_case: bool) -> Test:
    """Whether the field is missing, null, a text of nothing but space, or an empty list."""

    def test(value: Any) -> bool:
        if isinstance(value, str):
            return not value or value.isspace()
        return value is None or value is MISSING or (isinstance(value, list | dict) and not value)

    return test


def _equals_text(wanted: str, ignore_case: bool) -> Test:
    if ignore_case:
        folded = wanted.casefold()
        plain: Test = lambda value: isinstance(value, str) and value.casefold() == folded  # noqa: E731
    else:
        plain = wanted.__eq__
    if (number := _number(wanted)) is not None:
        return lambda value: _number(value) == number if _is_number(value) else plain(value) is True
    if (instant := _instant(wanted)) is not None:
        return lambda value: plain(value) is True or _instant(value) == instant
    return plain if ignore_case else lambda value: value == wanted


def _same(value: Any, wanted: Any, ignore_case: bool) -> bool:
    """Return whether two values are equal in type and content, lists and objects item by item."""
    if wanted is None or value is None or value is MISSING:
        return wanted is None and (value is None or value is MISSING)
    if isinstance(wanted, bool) or isinstance(value, bool):
        return value is wanted
    if isinstance(wanted, list):
        return (
            isinstance(value, list)
            and len(value) == len(wanted)
            and all(_same(a, b, ignore_case) for a, b in zip(value, wanted, strict=True))
        )
    if isinstance(wanted, Mapping):
        return (
            isinstance(value, Mapping)
            and value.keys() == wanted.keys()
            and all(_same(value[key], wanted[key], ignore_case) for key in wanted)
        )
    return equals(wanted, ignore_case)(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_plain(text: str) -> bool:
    """Return whether a text can only equal the same text: it is no number and no time."""
    return _number(text) is None and _instant(text) is None


def _number(value: Any) -> int | float | None:
    """Return a number, or the number that a text stands for; ``True`` is none."""
    if isinstance(value, str):
        text = value.strip()
        if _INTEGER.fullmatch(text):
            return int(text)
        return float(text) if _NUMBER.fullmatch(text) else None
    return value if _is_number(value) else None


def _instant(value: Any) -> datetime | None:
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None
