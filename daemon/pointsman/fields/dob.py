"""``dob``: a date of birth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from pointsman.fields.date import day_of
from pointsman.fields.text import as_text
from pointsman.fields.types import CLEAR, VALID, Value, field_type, hide, moment

__all__ = ["dob"]

_PARTS = ("age", "year")
_YEAR = 3_652_425
"""Of the calendar, in parts of which a day has ten thousand."""


class _Life(Mapping[str, Any]):
    """What follows from a day of birth at a time; few ask, so it is worked out for who does."""

    __slots__ = ("_age", "_at", "_day")

    def __init__(self, day: str, at: datetime) -> None:
        self._day = day
        self._at = at
        self._age: float | None = None

    def __getitem__(self, name: str) -> Any:
        if name == "age":
            if self._age is None:
                self._age = _age(date.fromisoformat(self._day), self._at.date())
            return self._age
        if name == "year":
            return int(self._day[:4])
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return name in _PARTS

    def __iter__(self) -> Iterator[str]:
        return iter(_PARTS)

    def __len__(self) -> int:
        return len(_PARTS)


def _mask(value: Value) -> Value:
    """Leave the year and what follows from it."""
    if not value.valid:
        return hide(value)
    shown = f"**/**/{value.normal[:4]}"
    return Value(shown, shown, VALID, value.attributes, masked=True)


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
    return Value(posted, day, VALID, _Life(day, moment(now)), CLEAR)


def _age(born: date, today: date) -> float:
    """Return whole years and the tenths since the last birthday."""
    year = today.year
    last = _birthday(born, year)
    if last > today:
        year -= 1
        last = _birthday(born, year)
    days = today.toordinal() - last.toordinal()
    tenths = min((days * 10 + 1) * 10_000 // _YEAR, 9)  # a tenth of today is over
    years = year - born.year
    tenths += 10 * (years if years >= 0 else years + 1)
    return tenths / 10 if tenths % 10 else tenths // 10


def _birthday(born: date, year: int) -> date:
    """Return the birthday of a year; that of February 29 may be the day after the 28th."""
    year = year or date.min.year
    try:
        return date(year, born.month, born.day)
    except ValueError:
        return date(year, 3, 1)
