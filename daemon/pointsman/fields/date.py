"""``date``: days, in the spellings of the United States first, then Europe's."""

from __future__ import annotations

import math
from datetime import date, datetime
from functools import cache
from typing import Any

from pointsman.fields.day_format import DayFormat, NoDay, day_of_parts
from pointsman.fields.text import as_text
from pointsman.fields.types import VALID, Value, field_type

__all__ = ["date_", "day_by_format", "day_of"]

_LONGEST = 200
"""Characters that are looked at; a date comes before whatever trails it."""

_USUAL = len("2014-06-02")
_AMERICAN = (
    "ddd MMM DD YYYY",
    "MMM DD YYYY",
    "M/D/YYYY",
    "M/D/YY",
    "YYYY-MM-DD",
    "MM-DD-YYYY",
    "MMDDYYYY",
    "YYYYMMDD",
)
_EUROPEAN = (
    "ddd DD MMM YYYY",
    "DD MMM YYYY",
    "D/M/YYYY",
    "D/M/YY",
    "YYYY-DD-MM",
    "DD-MM-YYYY",
    "DDMMYYYY",
    "YYYY-DD-MM",
    "YYYYDDMM",
)
"""One of them twice, which matters where it fits best and is no day."""


@field_type(
    "date",
    operators=("equal", "order", "valid", "between", "recent"),
    compares="day",
    attributes={"raw": "string"},
)
def date_(posted: Any, now: datetime | None) -> Value:
    """Read ``6/2/2014``, ``2014-06-02``, ``06022014``, ``Jun 2 2014``, ``18/07/2014`` and the like.

    The month comes first where both readings are possible. Years of two digits are 1969 to 2068;
    a time of day and trailing text are dropped. The normal form is ``2014-06-02``.
    """
    raw = as_text(posted)
    day = day_of(raw, now)
    if day is None:
        return Value(posted, raw, valid=False)
    return Value(posted, day, VALID)


def day_of(text: str, now: datetime | None) -> str | None:
    """Return the day that a text names, in its normal form; at ``now`` if the year is left open."""
    if len(text) == _USUAL and (usual := _usual(text)):
        return usual
    day = day_by_format(text[:_LONGEST], now)
    return None if day is None else day.isoformat()


def day_by_format(text: str, now: datetime | None) -> date | None:
    """Return the day of the format that a text has, or else of the one that fits best."""
    for form in _formats():
        if parts := form.exact(text):
            day = day_of_parts(parts, now)
            if isinstance(day, date):
                return day
    return _fitting(text, now)


def _usual(text: str) -> str | None:
    """Return the day of ``06/02/2014`` or ``2014-06-02``, which their formats read the same."""
    try:
        if text[2] == "/":
            month, day, year = text.split("/")
            text = f"{year}-{month}-{day}"
        elif text[7] != "-":  # it may name a week
            return None
        date.fromisoformat(text)
    except ValueError:
        return None
    return text


@cache
def _formats() -> tuple[DayFormat, ...]:
    return tuple(map(DayFormat, (*_AMERICAN, *_EUROPEAN)))


def _fitting(text: str, now: datetime | None) -> date | None:
    """Return the day of the format that fits best.

    The first day beats all before it that is none. From then on the better fit wins, be it a day
    or not, so that ``18/07/2014`` with a blank around it is none: American formats fit as well.
    """
    best: date | NoDay = "none"
    least, found = math.inf, False
    for form in _formats():
        misfit, parts = form.loose(text)
        if found and misfit >= least:
            continue
        day = day_of_parts(parts, now)
        if misfit < least or day != "none":
            best, least = day, misfit
            found |= day != "none"
    return best if isinstance(best, date) else None
