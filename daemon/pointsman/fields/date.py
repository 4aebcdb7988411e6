"""``date``: days, in the spellings of the United States first, then Europe's, then ISO 8601."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from pointsman.fields.text import as_text, compiled
from pointsman.fields.types import Value, field_type, moment

__all__ = ["date_", "day_of"]

_LONGEST = 200
"""Characters that are looked at; a date comes before whatever trails it."""

_PIVOT = 69
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})[a-z]*"
_ORDINAL = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?:[^0-9]*(?P<year>[0-9]{1,4}))?"


def _written(*forms: str) -> tuple[str, ...]:
    """Return patterns in which ``M``, ``D`` and ``Y`` are numbers of so many digits.

    A number takes all the digits that it may have, so a pattern is tried in one way only.
    """
    parts = {"M": "month", "D": "day", "Y": "year"}
    return tuple(
        re.sub(
            r"([MDY])([0-9,]+)",
            lambda part: rf"(?P<{parts[part[1]]}>[0-9]{{{part[2]}}}+)",
            form,
        )
        for form in forms
    )


_NAMED = (
    rf"(?<![0-9]){_ORDINAL}(?:[^0-9a-z]|of)*(?<![a-z]){_MONTH}{_YEAR}",
    rf"(?<![0-9]){_ORDINAL}{_MONTH}{_YEAR}",
    rf"(?P<year>[0-9]{{4}})[^0-9a-z]*{_MONTH}[^0-9]*(?P<day>[0-9]{{1,2}})",
    rf"(?<![a-z]){_MONTH}[^0-9]*(?P<day>[0-9]{{1,2}}){_YEAR}",
    rf"(?<![a-z]){_MONTH}",
)
_DIGITS = (*_written("M2D2Y4", "Y4M2D2", "D2M2Y4", "Y4D2M2"), *_written("M1,2D1,2Y1,4"))
_FEW_DIGITS = _written("D2Y1,2", "Y2", "D1")
_FEW = 4
_SLASHED = _written(
    r"M1,2[^0-9]*D1,2[^0-9]*Y1,4",
    r"D1,2[^0-9]*M1,2[^0-9]*Y1,4",
    r"^[^0-9]*M1,2/D1,2[^0-9]*$",
)
_DASH = r"[ \t]*-[ \t]*"
_DASHED = tuple(
    form.replace("~", _DASH)
    for form in _written("M1,2~D1,2~Y3,4", "D2~M2~Y4", "Y1,4~M1,2~D1,2(?![0-9])", "Y4~D2~M2")
)
_LOOSE = _written(
    r"M1,2[^0-9]*D1,2[^0-9]*Y1,4",
    r"Y4[^0-9]*M1,2[^0-9]*D1,2",
    r"^[^0-9a-z]*D1,2[^0-9a-z]+Y1,4[^0-9a-z]*$",
)


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
    return Value(posted, day.isoformat(), valid=True)


def day_of(text: str, now: datetime | None) -> date | None:
    """Return the day that a text names, at ``now`` if it leaves the year open."""
    text = text[:_LONGEST].lower()
    named = next((form for form in compiled(_NAMED) if form.search(text)), None)
    if named is not None:
        return _first((named,), text, now)
    digits = text.strip()
    if digits.isascii() and digits.isdigit():
        return _of_digits(digits, now)
    if "/" in text:
        return _first(compiled(_SLASHED), text, now)
    dashed = re.search(rf"[0-9]{_DASH}[0-9]", text)
    return _first(compiled(_DASHED if dashed else _LOOSE), text, now)


def _of_digits(digits: str, now: datetime | None) -> date | None:
    forms = _FEW_DIGITS if len(digits) <= _FEW else _DIGITS
    return _first(compiled(forms), digits, now, find=re.Pattern.fullmatch)


Find = Callable[[re.Pattern[str], str], "re.Match[str] | None"]


def _first(
    forms: tuple[re.Pattern[str], ...],
    text: str,
    now: datetime | None,
    *,
    find: Find = re.Pattern.search,
) -> date | None:
    """Return the first day that exists among those a text spells in one of the forms."""
    for form in forms:
        if (found := find(form, text)) and (day := _day(found.groupdict(), now)):
            return day
    return None


def _day(parts: dict[str, str | None], now: datetime | None) -> date | None:
    today = moment(now)
    year, month, day = parts.get("year"), parts.get("month"), parts.get("day")
    if month is None:
        number = 1 if year else today.month
    else:
        number = _MONTHS.index(month) + 1 if month in _MONTHS else int(month)
    try:
        return date(_year(year) if year else today.year, number, int(day or 1))
    except ValueError:
        return None


def _year(text: str) -> int:
    """Return a year; of two digits, the one from 1969 to 2068."""
    year = int(text)
    short = len(text) == len(str(_PIVOT))
    return year + (1900 if year >= _PIVOT else 2000) if short else year
