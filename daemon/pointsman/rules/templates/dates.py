"""Days and times for people, by patterns such as ``YYYY-MM-DD``, ``dddd``, ``h:mm A [o'clock]``.

A pattern is read once to pieces. What is no token is text, and so is what stands in brackets;
``LT``, ``L``, ``LLL`` and their like are patterns of the locale.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import lru_cache

from pointsman.rules.templates.locales import Locale

__all__ = ["Write", "compile_date_pattern"]

Write = Callable[[datetime, Locale], str]

_TOKEN = re.compile(
    r"\[[^\[]*\]|\\?(?:LTS?|L{1,4}|l{1,4}"
    r"|[Hh]mm(?:ss)?|Mo|M{1,4}|DDDo|D{3,4}|Do|D{1,2}|do|d{1,4}|wo|ww?|Wo|WW?|Qo?"
    r"|Y{6}|Y{5}|YYYY|YY|Y|g{5}|gggg|gg|G{5}|GGGG|GG|[eE]|[aA]|hh?|HH?|kk?|mm?|ss?|S{1,9}|[xX]|zz?|ZZ?|.)",
    re.DOTALL,
)
_PLACES = {"LT": 0, "LTS": 1, "L": 2, "LL": 3, "LLL": 4, "LLLL": 5}
_NOON = 12


@lru_cache(maxsize=256)
def compile_date_pattern(pattern: str) -> Write:
    """Return what writes moments in a pattern; every text is one."""
    pieces = [_piece(token) for token in _TOKEN.findall(pattern)]
    return lambda moment, locale: "".join(piece(moment, locale) for piece in pieces)


def _piece(token: str) -> Write:
    if token in _PIECES:
        return _PIECES[token]
    if token.upper() in _PLACES and token[0] in "Ll":
        return _of_locale(token)
    if token[0] == "S" and set(token) == {"S"}:
        count = len(token)
        return lambda moment, _locale: f"{moment.microsecond // 1000:03}000000"[:count]
    text = token[1:-1] if token.startswith("[") and len(token) > 1 else token.removeprefix("\\")
    return lambda _moment, _locale: text


def _of_locale(token: str) -> Write:
    place = _PLACES[token.upper()]

    def told(moment: datetime, locale: Locale) -> str:
        forms = locale.forms[place] if token[0] == "L" else locale.short[place - 2]
        return compile_date_pattern(forms)(moment, locale)

    return told


def _number(find: Callable[[datetime], int], width: int = 1) -> Write:
    return lambda moment, _locale: f"{find(moment):0{width}}"


def _ordinal(find: Callable[[datetime, Locale], int], *, of_day: bool = False) -> Write:
    def told(moment: datetime, locale: Locale) -> str:
        number = find(moment, locale)
        ending = locale.day_ordinal if of_day else locale.count_ordinal or locale.day_ordinal
        return f"{number}{ending(number)}"

    return told


def _sunday_first(day: date) -> int:
    return day.isoweekday() % 7


def _day_of_year(moment: datetime) -> int:
    return moment.timetuple().tm_yday


def _quarter(moment: datetime) -> int:
    return (moment.month + 2) // 3


def _twelve(moment: datetime) -> int:
    return moment.hour % _NOON or _NOON


def _year(moment: datetime) -> int:
    return moment.year


def _local_week(moment: datetime, locale: Locale) -> tuple[int, int]:
    """Return the year and the number of a week as the locale counts them."""
    day = moment.date()
    for year in (day.year + 1, day.year, day.year - 1):
        try:
            start = _first_week(year, locale)
        except (ValueError, OverflowError):
            continue
        if day >= start:
            return year, (day - start).days // 7 + 1
    return day.year, 1


def _first_week(year: int, locale: Locale) -> date:
    """Return the day on which the first week of a year begins."""
    inside = date(year, 1, locale.first_date)
    return inside - timedelta(days=(_sunday_first(inside) - locale.first_day) % 7)


def _zone(moment: datetime, colon: str) -> str:
    offset = moment.utcoffset() or timedelta()
    minutes = int(offset.total_seconds() / 60)
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02}{colon}{abs(minutes) % 60:02}"


def _half(moment: datetime) -> str:
    return "AM" if moment.hour < _NOON else "PM"


def _abbreviation(moment: datetime, _locale: Locale) -> str:
    """Return the zone's short name; none where no zone was asked for."""
    return (moment.tzname() or "") if hasattr(moment.tzinfo, "key") else ""


def _timestamp(moment: datetime) -> int:
    return int(moment.timestamp() // 1)


_PIECES: dict[str, Write] = {
    "M": _number(lambda m: m.month),
    "MM": _number(lambda m: m.month, 2),
    "Mo": _ordinal(lambda m, _: m.month),
    "MMM": lambda m, locale: locale.months_short[m.month - 1],
    "MMMM": lambda m, locale: locale.months[m.month - 1],
    "Q": _number(_quarter),
    "Qo": _ordinal(lambda m, _: _quarter(m)),
    "D": _number(lambda m: m.day),
    "DD": _number(lambda m: m.day, 2),
    "Do": _ordinal(lambda m, _: m.day, of_day=True),
    "DDD": _number(_day_of_year),
    "DDDD": _number(_day_of_year, 3),
    "DDDo": _ordinal(lambda m, _: _day_of_year(m)),
    "d": _number(_sunday_first),
    "do": _ordinal(lambda m, _: _sunday_first(m)),
    "dd": lambda m, locale: locale.days_least[_sunday_first(m)],
    "ddd": lambda m, locale: locale.days_short[_sunday_first(m)],
    "dddd": lambda m, locale: locale.days[_sunday_first(m)],
    "e": lambda m, locale: str((_sunday_first(m) - locale.first_day) % 7),
    "E": _number(lambda m: m.isoweekday()),
    "w": lambda m, locale: str(_local_week(m, locale)[1]),
    "ww": lambda m, locale: f"{_local_week(m, locale)[1]:02}",
    "wo": _ordinal(lambda m, locale: _local_week(m, locale)[1]),
    "W": _number(lambda m: m.isocalendar().week),
    "WW": _number(lambda m: m.isocalendar().week, 2),
    "Wo": _ordinal(lambda m, _: m.isocalendar().week),
    "YY": _number(lambda m: m.year % 100, 2),
    "YYYY": _number(_year, 4),
    "Y": _number(_year, 4),
    "YYYYY": _number(_year, 5),
    "YYYYYY": lambda m, _locale: f"+{m.year:06}",
    "gg": lambda m, locale: f"{_local_week(m, locale)[0] % 100:02}",
    "gggg": lambda m, locale: f"{_local_week(m, locale)[0]:04}",
    "ggggg": lambda m, locale: f"{_local_week(m, locale)[0]:05}",
    "GG": _number(lambda m: m.isocalendar().year % 100, 2),
    "GGGG": _number(lambda m: m.isocalendar().year, 4),
    "GGGGG": _number(lambda m: m.isocalendar().year, 5),
    "A": lambda m, _locale: _half(m),
    "a": lambda m, _locale: _half(m).lower(),
    "H": _number(lambda m: m.hour),
    "HH": _number(lambda m: m.hour, 2),
    "h": _number(_twelve),
    "hh": _number(_twelve, 2),
    "k": _number(lambda m: m.hour or 24),
    "kk": _number(lambda m: m.hour or 24, 2),
    "Hmm": lambda m, _locale: f"{m.hour}{m.minute:02}",
    "Hmmss": lambda m, _locale: f"{m.hour}{m.minute:02}{m.second:02}",
    "hmm": lambda m, _locale: f"{_twelve(m)}{m.minute:02}",
    "hmmss": lambda m, _locale: f"{_twelve(m)}{m.minute:02}{m.second:02}",
    "m": _number(lambda m: m.minute),
    "mm": _number(lambda m: m.minute, 2),
    "s": _number(lambda m: m.second),
    "ss": _number(lambda m: m.second, 2),
    "z": _abbreviation,
    "zz": _abbreviation,
    "Z": lambda m, _locale: _zone(m, ":"),
    "ZZ": lambda m, _locale: _zone(m, ""),
    "X": _number(_timestamp),
    "x": _number(lambda m: int(m.timestamp() * 1000 // 1)),
}
