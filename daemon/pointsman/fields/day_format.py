"""Days as a format spells them: ``M/D/YYYY``, ``ddd MMM DD YYYY``.

A format is read in two ways. Exactly, the text is the format and nothing else. Loosely, each part
is looked for in what the parts before it left of the text, whatever stands between; parts that are
not found leave a gap. A number tells how badly a text fits, so that formats can compete.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Literal

from pointsman.fields.types import moment

__all__ = ["MONTHS", "DayFormat", "NoDay", "day_of_parts"]

NoDay = Literal["none", "year 0"]
"""Parts are no day, or one of the year 0, which a format counts as one."""

MONTHS = {
    month: place
    for place, month in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_DAYS = {day: place for place, day in enumerate(("mo", "tu", "we", "th", "fr", "sa", "su"))}
_PARTS = re.compile(r"ddd|MMM|MM?|DD?|YYYY|YY|.")
_WORD = r"[0-9]*+['a-zA-Z\u00A0-\u05FF\u0700-\uD7FF\uF900-\uFDCF\uFDF0-\uFF07\uFF10-\uFFEF]+"
"""Digits that lead a word are part of it, so that ``2June`` is none that begins like a month."""

_ONE_OR_TWO = "[0-9]{1,2}"
_LOOSE = {
    "ddd": _WORD,
    "MMM": _WORD,
    **dict.fromkeys(("MM", "M", "DD", "D", "YY"), _ONE_OR_TWO),
    "YYYY": "[0-9]{1,4}",
}
_EXACT = {
    "ddd": "(?i:mon|tue|wed|thu|fri|sat|sun)",
    "MMM": f"(?i:{'|'.join(MONTHS)})",
    **dict.fromkeys(("MM", "DD", "YY"), "[0-9]{2}"),
    **dict.fromkeys(("M", "D"), _ONE_OR_TWO),
    "YYYY": "[0-9]{4}",
}
_GAP = 10
"""What a part that is not found counts, in characters that are left over."""

_PIVOT = 69
_WEEK = 7
_LEAP = 2000


class DayFormat:
    """One format, in the letters that are usual for formats of dates."""

    __slots__ = ("_exact", "_loose")

    def __init__(self, text: str) -> None:
        parts = _PARTS.findall(text)
        self._exact = re.compile("".join(_group(part, _EXACT) for part in parts))
        self._loose = re.compile(
            "".join(f"(?:(?>.*?{_group(part, _LOOSE)}))?+" for part in parts), re.DOTALL
        )

    def exact(self, text: str) -> Mapping[str, str] | None:
        """Return the parts of a text that is nothing but this format."""
        found = self._exact.fullmatch(text)
        return found.groupdict() if found else None

    def loose(self, text: str) -> tuple[int, Mapping[str, str]]:
        """Return how badly a text fits, and the parts that it has of this format."""
        match = self._loose.match(text)
        if match is None:
            raise AssertionError("every part may be left out")
        parts = match.groupdict()
        found = {name: part for name, part in parts.items() if part}
        used = sum(len(part) for part in match.groups("") if part)
        return len(text) - used + _GAP * (len(parts) - len(found)), found


def _group(part: str, forms: Mapping[str, str]) -> str:
    return f"(?P<{part}>{forms[part]})" if part in forms else f"({part})"


def day_of_parts(found: Mapping[str, str], now: datetime | None) -> date | NoDay:
    """Return a day; parts that are not told are today's, but the first below one that is told."""
    year, month, weekday = _year(found), _month(found), _weekday(found)
    told = found.get("DD") or found.get("D")
    if not found or month == 0 or weekday == _WEEK:
        return "none"
    if year is None and month is None and told is None:
        return _of_this_week(weekday or 0, now)
    if month is None:
        month = moment(now).month if year is None else 1
    year, day = moment(now).year if year is None else year, int(told or 1)
    try:
        named = date(year or _LEAP, month, day)
    except ValueError:
        return "none"
    if year == 0:
        return "year 0"
    return named if weekday in {None, named.weekday()} else "none"


def _of_this_week(weekday: int, now: datetime | None) -> date:
    """Return a day of the week that began on the last Sunday."""
    today = moment(now).date()
    sunday = today - timedelta(days=today.isoweekday() % _WEEK)
    return sunday + timedelta(days=(weekday + 1) % _WEEK)


def _month(found: Mapping[str, str]) -> int | None:
    """Return the number of a month; none has 0, which words that name no month get."""
    if word := found.get("MMM"):
        return MONTHS.get(word[:3].lower(), 0)
    number = found.get("MM") or found.get("M")
    return None if number is None else int(number)


def _weekday(found: Mapping[str, str]) -> int | None:
    """Return the number of a day of the week; words that name none get one too many."""
    word = found.get("ddd")
    return None if word is None else _DAYS.get(word[:2].lower(), _WEEK)


def _year(found: Mapping[str, str]) -> int | None:
    """Return a year; of two digits, the one from 1969 to 2068."""
    text = found.get("YYYY") or found.get("YY")
    if text is None:
        return None
    year = int(text)
    short = "YY" in found or len(text) == len(str(_PIVOT))
    return year + (1900 if year >= _PIVOT else 2000) if short else year
