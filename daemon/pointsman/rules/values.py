"""How the values of a record compare, whoever asks: by type, after normalisation.

``1`` is not ``true``; a number and a numeric text compare as numbers; dates and times compare as
moments, UTC where they name no zone. Two texts are equal if they are the same text, or the same
moment: ``"10"`` and ``"10.0"`` are not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from pointsman.rules.paths import MISSING

__all__ = [
    "Ordered",
    "as_text",
    "is_blank",
    "is_number",
    "is_plain",
    "moment",
    "number",
    "one_of",
    "ordered",
    "same",
    "scalar",
]

Ordered = Callable[[Any], Any]

_NUMBERS = frozenset({int, float})
_ABSENT = (None, MISSING)
_INTEGER = re.compile(r"[+-]?[0-9]{1,400}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)
_DAY_LENGTH = len("2026-01-31")
_LONGEST = 500
"""Characters of a text that is still looked at as a number."""


def is_number(value: Any) -> bool:
    """Return whether a value is a number itself; ``True`` is none."""
    return type(value) in _NUMBERS


def is_blank(value: Any) -> bool:
    """Return whether a value is missing, null, a text of nothing but space, or has no items."""
    if isinstance(value, str):
        return not value or value.isspace()
    return value is None or value is MISSING or (isinstance(value, list | dict) and not value)


def is_plain(text: str) -> bool:
    """Return whether a text can only equal the same text: it is no number and no moment."""
    return number(text) is None and moment(text) is None


def number(value: Any) -> int | float | None:
    """Return a number, or the number that a text stands for; ``True`` is none."""
    if type(value) in _NUMBERS:
        return value  # type: ignore[no-any-return]
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    text = value.strip()
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else None


def moment(value: Any, zone: str = "") -> datetime | None:
    """Return the moment that a text in the form of ISO 8601 stands for: a day, or a time of one.

    One without a zone of its own is in ``zone``, or UTC.
    """
    if not isinstance(value, str) or len(value) < _DAY_LENGTH or not _MOMENT.fullmatch(value):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone) if zone else UTC)


def as_text(value: Any) -> str | None:
    """Return a text, or the digits of a number; anything else is not searched."""
    if isinstance(value, str):
        return value
    return str(value) if is_number(value) else None


def ordered(wanted: Any, ignore_case: bool) -> tuple[Any, Ordered] | None:
    """Return a value as it is ordered, and what makes others of its kind comparable.

    That gives ``None`` for what is of another kind; there are numbers, moments and other texts.
    What has no order (blank text, booleans, lists) gives ``None`` at once.
    """
    if (found := number(wanted)) is not None:
        return found, number
    if (when := moment(wanted)) is not None:
        return when, moment
    if not isinstance(wanted, str) or is_blank(wanted):
        return None

    def text(value: Any) -> str | None:
        if not isinstance(value, str) or is_blank(value) or not is_plain(value):
            return None
        return value.casefold() if ignore_case else value

    return text(wanted), text


def same(value: Any, wanted: Any, ignore_case: bool) -> bool:
    """Return whether two values are equal in type and content, lists and objects item by item."""
    if type(value) is str and type(wanted) is str and not ignore_case:
        return value == wanted or ((when := moment(value)) is not None and when == moment(wanted))
    if wanted in _ABSENT or value in _ABSENT:
        return wanted in _ABSENT and value in _ABSENT
    if isinstance(wanted, bool) or isinstance(value, bool):
        return value is wanted
    if isinstance(wanted, list):
        return (
            isinstance(value, list)
            and len(value) == len(wanted)
            and all(same(a, b, ignore_case) for a, b in zip(value, wanted, strict=True))
        )
    if isinstance(wanted, Mapping):
        return (
            isinstance(value, Mapping)
            and value.keys() == wanted.keys()
            and all(same(value[key], wanted[key], ignore_case) for key in wanted)
        )
    return scalar(wanted, ignore_case)(value)


def scalar(wanted: Any, ignore_case: bool) -> Callable[[Any], bool]:
    """Return the test whether a value equals a number or a text."""
    if is_number(wanted):
        return lambda value: number(value) == wanted
    if ignore_case:
        folded = wanted.casefold()
        plain: Callable[[Any], bool] = lambda value: (  # noqa: E731
            isinstance(value, str) and value.casefold() == folded
        )
    else:
        plain = lambda value: isinstance(value, str) and value == wanted  # noqa: E731
    if (told := number(wanted)) is not None:
        return lambda value: number(value) == told if is_number(value) else plain(value)
    if (when := moment(wanted)) is not None:
        return lambda value: plain(value) or moment(value) == when
    return plain if ignore_case else lambda value: bool(value == wanted)


def one_of(wanted: Sequence[Any], ignore_case: bool) -> Callable[[Any], bool]:
    """Return the test whether a value equals an item of a list, however long that is."""
    texts = [item for item in wanted if isinstance(item, str)]
    known = frozenset(text.casefold() for text in texts) if ignore_case else frozenset(texts)
    numbers = frozenset(item for item in wanted if is_number(item) and not _is_nan(item))
    spelled = numbers.union(found for text in texts if (found := number(text)) is not None)
    moments = frozenset(when for text in texts if (when := moment(text)) is not None)
    others = [item for item in wanted if not isinstance(item, str) and not is_number(item)]

    def test(value: Any) -> bool:
        if isinstance(value, str):
            return (
                (value.casefold() if ignore_case else value) in known
                or bool(numbers and number(value) in numbers)
                or bool(moments and moment(value) in moments)
            )
        if is_number(value):
            return value in spelled
        return any(same(value, item, ignore_case) for item in others)

    return test


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)
