"""Days in words and figures: ``tomorrow``, ``next friday``, ``June 5``, ``6/5/2026``."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import NamedTuple

from pointsman.fields.day_format import MONTHS
from pointsman.fields.text import compiled

__all__ = ["Found", "day_in"]


class Found(NamedTuple):
    """A day in a text; ``keeps_time`` if it is counted from now, with the time that it is."""

    moment: datetime
    keeps_time: bool = False


_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTH = (
    r"(?P<month>january|february|march|april|may|june|july|august|september|october|november"
    r"|december|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec)(?![a-z])\.?"
)
_YEAR = r"(?P<year>[0-9]{4}|[0-9]{2})(?![0-9])"
_DAY = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
_FULL_YEAR = r"(?P<year>[0-9]{4})(?![0-9])"
_TO = r"(?: ?(?:-|\u2013|to|until|through|till) ?(?:[0-9]{1,2}(?![0-9])(?:st|nd|rd|th)?))?"
_SPELLED = (
    r"(?<![0-9])(?P<year>[0-9]{4})[-/.](?P<month>[0-9]{1,2})[-/.](?P<day>[0-9]{1,2})",
    rf"(?<![0-9/.-])(?P<month>[0-9]{{1,2}})[-/.](?P<day>[0-9]{{1,2}})[-/.]{_YEAR}(?!/)",
    rf"(?<![0-9]){_DAY}{_TO}(?:[-/]| ?(?:of )?,?){_MONTH}(?:(?:[-/]|,? ){_YEAR})?",
    rf"\b{_MONTH}(?:[-/]| ?,? ?){_DAY}(?![0-9:]| ?[ap]m){_TO}(?:(?:[-/]|,? ){_FULL_YEAR})?",
    rf"\b{_MONTH}(?:[-/]|,? ){_FULL_YEAR}",
    r"(?<![0-9/.-])(?P<month>[0-9]{1,2})/(?P<day>[0-9]{1,2})(?![0-9/.-])",
    r"(?<![0-9/.-])(?P<month>0?[1-9]|1[0-2])/(?P<year>[0-9]{4})(?![0-9/.-])",
)
_MONTH_ALONE = rf"\b(?=[a-z]{{4}}|may){_MONTH}"
_WEEKDAY = (
    r"\b(?P<day>mon(?:day)?|tue(?:sday)?|wed(?:nesday)?|thu(?:rsday|rs|r)?|fri(?:day)?"
    r"|sat(?:urday)?|sun(?:day)?)\b"
)
_NAMED_DAYS = (
    rf"{_WEEKDAY},? (?:of )?(?P<which>this|next|last|past) week\b",
    rf"(?:\b(?P<which>this|next|last|past) )?{_WEEKDAY}",
)
_WEEKEND = r"(?:\b(?P<which>this|next|last|past) )?\bweekend\b"
_NEAR = (
    r"\b(?P<after>day after tomorrow)\b|\b(?P<tomorrow>tomorrow|tmrw?)\b"
    r"|\b(?P<before>day before yesterday)\b|\b(?P<yesterday>yesterday)\b|\b(?P<today>today|now)\b"
)
_NEAR_DAYS = {"after": 2, "tomorrow": 1, "today": 0, "yesterday": -1, "before": -2}
_YEAR_MONTHS = 12
_WEEK = 7
_SATURDAY, _SUNDAY = 5, 6
_CENTURY_TURNS = 50


def day_in(text: str, now: datetime) -> Found | None:
    """Return the day that a text names; raises ``ValueError`` for one that does not exist.

    Of several days it is the one that begins first.
    """
    spelled = [found for form in compiled(_SPELLED) if (found := form.search(text))]
    if spelled:
        return Found(_spelled(min(spelled, key=re.Match.start).groupdict(), now))
    if near := re.search(_NEAR, text):
        return Found(now + timedelta(days=_NEAR_DAYS[near.lastgroup or ""]), keeps_time=True)
    days = _of_week(text, now)
    if days is not None:
        return Found(now + timedelta(days=days))
    if month := re.search(_MONTH_ALONE, text):
        return Found(_spelled({"month": month["month"], "day": "1"}, now))
    return None


def _spelled(parts: dict[str, str | None], now: datetime) -> datetime:
    written, day = parts["month"] or "", int(parts.get("day") or 1)
    month = int(written) if written.isdigit() else MONTHS[written[:3]]
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


def _of_week(text: str, now: datetime) -> int | None:
    """Return in how many days a day of the week or a weekend is."""
    for form in compiled(_NAMED_DAYS):
        if day := form.search(text):
            return _until(_DAYS.index(day["day"][:3]), day["which"], now)
    if weekend := re.search(_WEEKEND, text):
        return _until_weekend(weekend["which"], now)
    return None


def _until(weekday: int, which: str | None, now: datetime) -> int:
    """Return in how many days a day of the week is; ``next`` is in the week from Monday on."""
    ahead = (weekday - now.weekday()) % _WEEK
    if which == "this":
        return ahead
    if which in {"last", "past"}:
        return ahead - _WEEK
    if which == "next":
        return _WEEK - now.weekday() + weekday
    return ahead if ahead <= _WEEK // 2 else ahead - _WEEK


def _until_weekend(which: str | None, now: datetime) -> int:
    """Return in how many days it is Saturday; the last weekend is told by its Sunday."""
    if which in {"last", "past"}:
        return -(now.isoweekday() % _WEEK or _WEEK)
    if which == "next" and now.weekday() != _SUNDAY:
        return (_SATURDAY - now.weekday()) % _WEEK + _WEEK
    return _until(_SATURDAY, "this" if which == "next" else which, now)
