"""As what an operator sees the two sides of a rule: by its family and the type of the left side.

Texts are compared trimmed, numbers as numbers, ranges by their ends, days and times as moments.
The left side is read for every lead and never fails: what is nothing of the kind is ``MISSING``.
The right side raises ``ValueError`` with what it should be, for whoever wrote the rule.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pointsman.fields.text import as_text
from pointsman.fields.types import FieldType, Value
from pointsman.patterns import Pattern, compile_pattern
from pointsman.rules.moments import (
    bounds_of_moments,
    milliseconds,
    read_moment,
    told_moment,
)
from pointsman.rules.paths import MISSING
from pointsman.rules.sides import (
    blank_side,
    bounds,
    comparable,
    comparable_text,
    ends,
    ends_of,
    numeric,
    read_number,
    text_side,
    truth,
    wanted_text,
)
from pointsman.rules.spans import read_span
from pointsman.rules.values import is_blank, moment, number

__all__ = ["Reading", "reading"]

Actual = Callable[[Any], Any]
Expected = Callable[[Any, datetime], Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """How the sides are read; ``timed`` if the right one may mean another thing later."""

    actual: Actual
    expected: Expected
    timed: bool = False


def reading(family: str, kind: FieldType | None) -> Reading:
    """Return how operators of a family read values of a type; ``None``: any values.

    An operator of no family that is known here, a plugin's, sees what is compared as equal.
    """
    return _FAMILIES.get(family, _equal)(kind)


def _equal(kind: FieldType | None) -> Reading:
    compares = "any" if kind is None else kind.compares
    if compares == "number":
        return Reading(numeric, lambda rhv, _now: _number_or_text(rhv))
    if compares == "range":
        return Reading(ends_of, lambda rhv, _now: ends_of(rhv))
    if compares == "truth":
        return Reading(_told_truth, lambda rhv, _now: wanted_text(rhv))
    if kind is not None and compares in ("day", "time"):
        return Reading(
            lambda lhv: _or_text(told_moment(lhv), lhv),
            lambda rhv, now: _or_text(read_moment(rhv, kind, now), rhv),
            timed=True,
        )
    if kind is not None:
        return Reading(comparable_text, lambda rhv, _now: wanted_text(rhv))
    return Reading(comparable, lambda rhv, _now: wanted_text(rhv))


def _list(kind: FieldType | None) -> Reading:
    one = _equal(kind)

    def expected(rhv: Any, now: datetime) -> list[Any]:
        return [one.expected(item, now) for item in _items(rhv) if not is_blank(item)]

    return Reading(one.actual, expected, one.timed)


def _search(_kind: FieldType | None) -> Reading:
    def actual(lhv: Any) -> Any:
        return [text_side(item) for item in lhv] if isinstance(lhv, list) else text_side(lhv)

    def expected(rhv: Any, _now: datetime) -> str:
        return _text(rhv, "a text to look for")

    return Reading(actual, expected)


def _order(kind: FieldType | None) -> Reading:
    compares = "any" if kind is None else kind.compares
    if compares == "number":
        return Reading(numeric, lambda rhv, _now: read_number(rhv))
    if compares == "range":
        return Reading(lambda lhv: ends(lhv, "avg"), lambda rhv, _now: _average(rhv))
    if kind is not None and compares in ("day", "time"):
        return Reading(
            told_moment,
            lambda rhv, now: _moment(rhv, kind, now),
            timed=True,
        )
    return Reading(comparable, lambda rhv, _now: _number_or_moment(rhv))


def _between(kind: FieldType | None) -> Reading:
    compares = "any" if kind is None else kind.compares
    if compares == "number":
        return Reading(numeric, lambda rhv, _now: bounds(rhv))
    if compares == "range":
        return Reading(lambda lhv: ends(lhv, "avg"), lambda rhv, _now: bounds(rhv))
    if kind is not None and compares in ("day", "time"):
        return Reading(
            lambda lhv: milliseconds(told_moment(lhv)),
            lambda rhv, now: bounds_of_moments(rhv, kind, now),
            timed=True,
        )
    return Reading(_number_or_milliseconds, lambda rhv, _now: bounds(rhv))


def _pattern(_kind: FieldType | None) -> Reading:
    return Reading(text_side, lambda rhv, _now: _compiled(rhv))


def _recent(_kind: FieldType | None) -> Reading:
    def actual(lhv: Any) -> Any:
        return moment(told_moment(lhv)) or MISSING

    def expected(rhv: Any, now: datetime) -> tuple[datetime, datetime]:
        return read_span(rhv).before(now), now

    return Reading(actual, expected, timed=True)


def _valid(kind: FieldType | None) -> Reading:
    def is_valid(lhv: Any) -> bool:
        if isinstance(lhv, list):
            return bool(lhv) and all(is_valid(item) for item in lhv)
        if kind is not None and lhv is not MISSING and not isinstance(lhv, Mapping):
            lhv = kind.value(lhv)
        if not isinstance(lhv, Value):
            return False
        return not is_blank(blank_side(lhv)) if lhv.valid is None else lhv.valid

    return Reading(is_valid, _nothing)


_FAMILIES: Mapping[str, Callable[[FieldType | None], Reading]] = {
    "equal": _equal,
    "list": _list,
    "search": _search,
    "order": _order,
    "between": _between,
    "pattern": _pattern,
    "recent": _recent,
    "valid": _valid,
    "blank": lambda _kind: Reading(blank_side, _nothing),
    "truth": lambda _kind: Reading(truth, _nothing),
    "obscene": lambda _kind: Reading(text_side, _nothing),
}


def _nothing(_rhv: Any, _now: datetime) -> None:
    return None


def _items(rhv: Any) -> list[Any]:
    """Return a list's items; a text is a line of CSV."""
    if not isinstance(rhv, str):
        return list(rhv) if isinstance(rhv, list | tuple) else [rhv]
    try:
        lines = csv.reader(rhv.splitlines(), skipinitialspace=True)
        return [item for line in lines for item in line]
    except csv.Error as error:
        raise ValueError(f"needs a list, or texts with commas between them: {error}") from None


def _text(rhv: Any, what: str) -> str:
    text = text_side(rhv)
    if isinstance(rhv, list | tuple | Mapping) or text is MISSING or not text:
        raise ValueError(f"needs {what}, not {_shown(rhv)}")
    return str(text)


def _compiled(rhv: Any) -> Pattern:
    text = _text(rhv, "a pattern such as '*@example.com' or '/^[a-z]+$/i'")
    try:
        return compile_pattern(text)
    except ValueError as error:
        raise ValueError(f"has a pattern that {error}") from None


def _average(rhv: Any) -> Any:
    average = ends(rhv, "avg")
    if average is MISSING:
        raise ValueError(f"needs a number or a range with two ends, not {_shown(rhv)}")
    return average


def _number_or_text(rhv: Any) -> Any:
    try:
        return read_number(rhv)
    except ValueError:
        return wanted_text(rhv)


def _number_or_moment(rhv: Any) -> Any:
    text = comparable(rhv)
    if number(text) is None and moment(text) is None:
        raise ValueError(f"needs a number, or a day such as 2026-01-31, not {_shown(rhv)}")
    return text


def _number_or_milliseconds(lhv: Any) -> Any:
    found = numeric(lhv)
    return milliseconds(comparable(lhv)) if found is MISSING else found


def _moment(rhv: Any, kind: FieldType, now: datetime) -> Any:
    found = read_moment(rhv, kind, now)
    if found is MISSING:
        raise ValueError(f"needs a day or time such as 2026-01-31, not {_shown(rhv)}")
    return found


def _told_truth(lhv: Any) -> Any:
    found = truth(lhv)
    return MISSING if found is None else as_text(found)


def _or_text(found: Any, side: Any) -> Any:
    return comparable_text(side) if found is MISSING else found


def _shown(rhv: Any) -> str:
    text = as_text(rhv)
    return f"'{text[:100]}'" if text else "nothing"
