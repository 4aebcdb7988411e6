"""Distances in time: ``in 2 hours and 30 minutes``, ``two days ago``, ``the last 3 weeks``.

Every pattern is bounded, and none can be matched in many ways, so that the time a text takes is in
proportion to its length.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from pointsman.fields.text import compiled

__all__ = ["Shift", "shift_in", "this"]

_SIMPLE = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}
_UNITS = {
    "s": "second", "sec": "second", "m": "minute", "min": "minute", "mins": "minute",
    "h": "hour", "hr": "hour", "hrs": "hour", "d": "day", "w": "week", "mo": "month",
    "mos": "month", "qtr": "quarter", "y": "year", "yr": "year",
    **{
        f"{unit}{plural}": unit
        for unit in ("second", "minute", "hour", "day", "week", "month", "quarter", "year")
        for plural in ("", "s")
    },
}  # fmt: skip
_NUMBERS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve",
)  # fmt: skip
_COUNTS = {
    **{word: float(number) for number, word in enumerate(_NUMBERS, 1)},
    "half": 0.5,
    "few": 3.0,
    "couple": 2.0,
    "several": 7.0,
}
_WORDS = rf"{'|'.join(_NUMBERS)}|(?:an? )?(?:few|half(?: an?)?|couple(?: of)?)|several|an?|the"
_COUNT = rf"(?:[0-9]{{1,6}}(?:\.[0-9]{{1,3}})?|(?:{_WORDS})\b)"
_UNIT = rf"(?:{'|'.join(sorted(_UNITS, key=len, reverse=True))})(?![a-z])"
_ONE = rf"{_COUNT} ?{_UNIT}"
_SPAN = rf"(?P<span>{_ONE}(?:,? ?(?:and )?{_ONE})*(?![0-9]))"
_PART = rf"({_COUNT}) ?({_UNIT})"

_FORWARD, _BACK = "forward", "back"
_SHIFTS = (
    rf"(?P<{_FORWARD}>(?:\b(?:in|after|within|for|next) |(?<![0-9a-z])[+]) ?){_SPAN}",
    rf"(?P<{_BACK}>(?<![0-9a-z])- ?|\b(?:last|past) ){_SPAN}",
    rf"\b{_SPAN} (?P<{_BACK}>ago|earlier)\b",
    rf"\b{_SPAN} (?P<{_FORWARD}>from now|later|out)\b",
    rf"\b{_SPAN} (?:(?P<{_FORWARD}>after|from)|(?P<{_BACK}>before))\b(?P<base>.*)",
    rf"\b(?:(?P<{_FORWARD}>next)|(?P<{_BACK}>last|past)) (?P<span>{_UNIT})",
)
_HINT = r"[+-]|\b(?:in|after|within|for|next|last|past|ago|earlier|from|later|out|before)\b"
"""What a distance has somewhere."""

_THIS = rf"\bthis ({_UNIT})"
_PARTS = {"week": ("day", 7), "month": ("week", 4), "year": ("month", 12), "quarter": ("month", 3)}
"""Of what, and how many of it, the fraction of a unit is made, to the nearest whole one."""

_YEAR_MONTHS = 12
_MONTHS = {"month": 1, "quarter": 3, "year": _YEAR_MONTHS}
_WEEK = 7


class Shift(NamedTuple):
    """A distance, forward or back, from what the text says behind it; from now if nothing."""

    sign: int
    span: str
    base: str

    def from_(self, moment: datetime) -> datetime:
        """Return the moment at this distance."""
        parts = re.findall(_PART, self.span) or [("", self.span)]
        for count, unit in parts:
            moment = _moved(moment, self.sign * _number(count), _UNITS[unit])
        return moment


def shift_in(text: str) -> Shift | None:
    """Return the distance that a text tells."""
    if not re.search(_HINT, text):
        return None
    for form in compiled(_SHIFTS):
        if found := form.search(text):
            parts: Mapping[str, str | None] = found.groupdict()
            sign = 1 if parts.get(_FORWARD) else -1
            return Shift(sign, parts["span"] or "", (parts.get("base") or "").strip())
    return None


def this(text: str, now: datetime) -> datetime | None:
    """Return the first day of ``this week``, ``this month`` or ``this year``; others are today."""
    found = re.search(_THIS, text)
    if found is None:
        return None
    match _UNITS[found[1]]:
        case "week":
            return now - timedelta(days=now.isoweekday() % _WEEK)
        case "month":
            return now.replace(day=1)
        case "year":
            return now.replace(month=1, day=1)
        case _:
            return now


def _number(count: str) -> float:
    if count[:1].isdigit():
        return float(count)
    return next((_COUNTS[word] for word in count.split() if word in _COUNTS), 1.0)


def _moved(moment: datetime, count: float, unit: str) -> datetime:
    if unit in _SIMPLE:
        return moment + count * _SIMPLE[unit]
    whole = int(count)
    if unit == "week":
        moment += timedelta(weeks=whole)
    else:
        moment = _months_on(moment, whole * _MONTHS[unit])
    part, many = _PARTS[unit]
    rest = round(abs(count - whole) * many) * (1 if count > 0 else -1)
    return _moved(moment, rest, part) if rest else moment


def _months_on(moment: datetime, count: int) -> datetime:
    """Return the same day of a later month; one that it has not goes on into the next."""
    months = moment.year * _YEAR_MONTHS + moment.month - 1 + count
    first = moment.replace(year=months // _YEAR_MONTHS, month=months % _YEAR_MONTHS + 1, day=1)
    return first + timedelta(days=moment.day - 1)
