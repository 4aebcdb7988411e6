"""``dob``: a date of birth."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pointsman.fields.date import day_of
from pointsman.fields.text import as_text
from pointsman.fields.types import Value, field_type, hide, moment

__all__ = ["dob"]

_YEAR = 3_652_425
"""Of the calendar, in parts of which a day has ten thousand."""


def _mask(value: Value) -> Value:
    """Leave the year and what follows from it."""
    if not value.valid:
        return hide(value)
    shown = f"**/**/{value.attributes['year']:04}"
    return Value(shown, shown, value.valid, value.attributes, masked=True)


@field_type(
    "dob",
    operators=("equal", "order", "valid", "between", "recent"),
    compares="day",
    attributes={"raw": "string", "age": "number", "year": "number"},
    mask=_mask,
)
def dob(posted: Any, now: datetime | None) -> Value:
    """Read a day as ``date`` does.

    Attributes: ``year`` and ``age``, in years to one decimal, whole on the birthday. Masked, only
    the year is left: ``**/**/1980``.
    """
    raw = as_text(posted)
    day = day_of(raw, now)
    if day is None:
        return Value(posted, raw, valid=False, masked=False)
    parts = {"age": _age(day, moment(now).date()), "year": day.year}
    return Value(posted, day.isoformat(), valid=True, attributes=parts, masked=False)


def _age(born: date, today: date) -> float:
    """Return whole years and the tenths since the last birthday."""
    years = today.year - born.year
    years -= _birthday(born, today.year) > today
    last = _birthday(born, born.year + years)
    tenths = min(((today - last).days * 10 + 1) * 10_000 // _YEAR, 9)  # a tenth of today is over
    whole = years if years >= 0 else years + 1
    age = round(whole + tenths / 10, 1)
    return int(age) if age.is_integer() else age


def _birthday(born: date, year: int) -> date:
    """Return the birthday of a year; that of February 29 may be the day after the 28th."""
    year = min(max(year, date.min.year), date.max.year)
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 3, 1)
