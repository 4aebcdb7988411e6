"""Days and distances in words: ``tomorrow``, ``next friday``, ``June 5``, ``in 2 hours``."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import NamedTuple

from pointsman.fields.text import compiled

__all__ = ["Found", "day_in", "shifted"]


class Found(NamedTuple):
    """A day in a text; ``keeps_time`` if it is counted from now, with the time that it is."""

    moment: datetime
    keeps_time: bool = False


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTH = (
    r"(?P<month>january|february|march|april|may|june|july|august|september|october|november"
    r"|december|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec)(?![a-z])\.?"
)
_YEAR = r"(?P<year>[0-9]{4}|[0-9]{2})(?![0-9])"
_SPELLED = (
    (r"(?<![0-9])(?P<year>[0-9]{4})[-/.](?P<month>[0-9]{1,2})[-/.](?P<day>[0-9]{1,2})"),
    (rf"(?<![0-9/.-])(?P<month>[0-9]{{1,2}})[-/.](?P<day>[0-9]{{1,2}})[-/.]{_YEAR}(?![/-])"),
    (rf"(?<![0-9])(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?[ ,-]*(?:of )?{_MONTH}(?:[ ,-]*{_YEAR})?"),
    (
        rf"\b{_MONTH}[ -]*(?P<day>[0-9]{{1,2}})(?![0-9])(?:st|nd|rd|th)?"
        r"(?:[ ,-]+(?P<year>[0-9]{4})(?![0-9]))?"
    ),
    (rf"\b{_MONTH}[ ,-]*(?P<year>[0-9]{{4}})(?![0-9])"),
    (r"(?<![0-9/.-])(?P<month>[0-9]{1,2})/(?P<day>[0-9]{1,2})(?![0-9/.-])"),
)
_MONTH_ALONE = rf"\b(?=[a-z]{{4}}|may){_MONTH}"
_WEEKDAY = (
    r"(?:\b(?P<which>this|next|last) )?\b(?P<day>mon|tue|wed|thu|fri|sat|sun)"
    r"(?:day|s|sday|nesday|r|rs|rsday|urday)?\b"
)
_NEAR = (
    r"\b(?P<after>day after tomorrow)\b|\b(?P<tomorrow>tomorrow|tmrw?)\b"
    r"|\b(?P<before>day before yesterday)\b|\b(?P<yesterday>yesterday)\b|\b(?P<today>today|now)\b"
)
_NEAR_DAYS = {"after": 2, "tomorrow": 1, "today": 0, "yesterday": -1, "before": -2}
_UNITS = {
    "second": timedelta(seconds=1), "sec": timedelta(seconds=1),
    "minute": timedelta(minutes=1), "min": timedelta(minutes=1),
    "hour": timedelta(hours=1), "hr": timedelta(hours=1), "h": timedelta(hours=1),
    "day": timedelta(days=1), "week": timedelta(weeks=1),
}  # fmt: skip
_IN_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_COUNT = r"(?P<count>[0-9]{1,6}(?:\.[0-9]{1,3})?|half an?|an?(?: few| couple(?: of)?)?|the)"
_COUNTS = {"half": 0.5, "few": 3, "couple": 2, "of": 2}
_UNIT = rf"(?P<unit>{'|'.join((*_UNITS, *_IN_MONTHS))})s?\b"
_SHIFTS = (
    (rf"(?:\b(?:in|after) |(?<![0-9a-z])[+]) ?{_COUNT} ?{_UNIT}", 1),
    (rf"(?<![0-9a-z])- ?{_COUNT} ?{_UNIT}", -1),
    (rf"\b{_COUNT} ?{_UNIT} (?:ago|before|earlier)\b", -1),
    (rf"\b{_COUNT} ?{_UNIT} (?:from now|later|after|out)\b", 1),
    (rf"\b(?P<count>next) {_UNIT}", 1),
    (rf"\b(?P<count>last|past|previous) {_UNIT}", -1),
)
_YEAR_MONTHS = 12
_WEEK = 7
_CENTURY_TURNS = 50


def shifted(text: str, now: datetime) -> datetime | None:
    """Return a moment that is told by its distance from now."""
    for form, sign in _SHIFTS:
        if found := re.search(form, text):
            word = found["count"].split()[-1 if "half" not in found["count"] else 0]
            count = _COUNTS.get(word, float(word) if word[0].isdigit() else 1.0)
            return _moved(now, sign * count, found["unit"])
    return None


def _moved(now: datetime, count: float, unit: str) -> datetime:
    if unit in _UNITS:
        return now + count * _UNITS[unit]
    months = now.year * _YEAR_MONTHS + now.month - 1 + round(count * _IN_MONTHS[unit])
    first = now.replace(year=months // _YEAR_MONTHS, month=months % _YEAR_MONTHS + 1, day=1)
    return first + timedelta(days=now.day - 1)


def day_in(text: str, now: datetime) -> Found | None:
    """Return the day that a text names; raises ``ValueError`` for one that does not exist."""
    for form in compiled(_SPELLED):
        if found := form.search(text):
            return Found(_spelled(found.groupdict(), now))
    if near := re.search(_NEAR, text):
        return Found(now + timedelta(days=_NEAR_DAYS[near.lastgroup or ""]), keeps_time=True)
    if day := re.search(_WEEKDAY, text):
        return Found(now + timedelta(days=_until(_DAYS.index(day["day"]), day["which"], now)))
    if month := re.search(_MONTH_ALONE, text):
        return Found(_spelled({"month": month["month"], "day": "1"}, now))
    return None


def _spelled(parts: dict[str, str | None], now: datetime) -> datetime:
    written, day = parts["month"] or "", int(parts.get("day") or 1)
    month = int(written) if written.isdigit() else _MONTHS.index(written[:3]) + 1
    if month > _YEAR_MONTHS and written.isdigit():
        month, day = day, month
    year = parts.get("year")
    if year:
        return now.replace(year=_full(year), month=month, day=day)
    return _nearest(now, month, day)


def _full(year: str) -> int:
    if len(year) == len("2026"):
        return int(year)
    return int(year) + (1900 if int(year) > _CENTURY_TURNS else 2000)


def _nearest(now: datetime, month: int, day: int) -> datetime:
    """Return the day of the year that makes it nearest to now."""
    day_of_now = now.replace(month=month, day=day)
    return min(
        (day_of_now.replace(year=year) for year in (now.year, now.year + 1, now.year - 1)),
        key=lambda choice: abs(choice - now),
    )


def _until(weekday: int, which: str | None, now: datetime) -> int:
    """Return in how many days a day of the week is; ``next`` is in the week from Monday on."""
    ahead = (weekday - now.weekday()) % _WEEK
    if which == "this":
        return ahead
    if which == "last":
        return ahead - _WEEK
    if which == "next":
        return _WEEK - now.weekday() + weekday
    return ahead if ahead <= _WEEK // 2 else ahead - _WEEK
