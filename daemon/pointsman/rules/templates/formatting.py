"""``{{format submission.timestamp format="dddd" timezone="America/Chicago"}}``: dates and numbers.

A number, or text that is one, is written by a pattern of numbers; a day or time by one of dates.
Any other text stays as it is. A day has no time, so no time zone moves it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pointsman.rules.paths import MISSING
from pointsman.rules.templates.helpers import Argument, Render, Usage, template_helper
from pointsman.rules.templates.locales import ENGLISH, Locale, locales
from pointsman.rules.values import moment
from pointsman.rules.values import number as as_number
from pointsman.rules.variables import Scope, plain, text_of

__all__ = ["format_helper", "number_writer"]

_LONGEST = 200
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:,[0-9]{3})*)?(?:\.[0-9]+)?", re.ASCII)
_DAY = len("2026-01-31")
_UNITS = ("years", "months", "weeks", "days", "hours", "minutes", "seconds")
_OPTIONS = ("format", "timezone", "locale", "dataType", "operator", *_UNITS)
_SECONDS = {"weeks": 604_800, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
_MONTHS = {"years": 12, "months": 1}


@template_helper(
    "format", '{{format submission.timestamp format="dddd" timezone="America/Chicago"}}'
)
def format_helper(usage: Usage) -> Render:
    """A day or time by a pattern such as `YYYY-MM-DD`, `dddd`, `h:mm A`, `[literal]`, `LLL`, in a
    `timezone` (UTC if none is); a number by one such as `0,0.00`, `$0,0`, `0.0a`, `0%`. `locale`
    is one of de, en, en-gb, es, fr, it, nl, pt, pt-br. `dataType="Number"` makes the result a
    number where it is one, `"String"` text. `operator="add"` or `"subtract"` with `days` (`years`,
    `months`, `weeks`, `hours`, `minutes`, `seconds`) reckons with a date first.
    """  # noqa: D205 - one sentence
    given = usage.only(*_OPTIONS)
    write_date, write_number = _date_writer(usage), number_writer(usage)
    as_typed = _data_type(usage)

    def formatted(scope: Scope) -> Any:
        found = given.reach(scope)
        if found is MISSING and given.name == "now":
            found = _now(scope)
        value = plain(found)
        when = moment(value) if isinstance(value, str) else None
        if when is not None:
            return as_typed(write_date(value, when, scope))
        number = _number(value)
        if number is None or write_number is None:
            return as_typed(text_of(value))
        return as_typed(write_number(number, scope))

    return formatted


def number_writer(usage: Usage) -> Callable[[float, Scope], str] | None:
    """Return what writes a number as the options say, ``None`` where they do not."""
    locale = _locale(usage)
    pattern = usage.options.get("format")
    if pattern is None:
        is_text = _data_type_name(usage) == "string"
        return (lambda number, _scope: text_of(number)) if is_text else None
    if pattern.constant:
        write = _number_pattern(_pattern(pattern))
        return lambda number, scope: write(number, locale(scope))
    return lambda number, scope: _number_pattern(pattern.text(scope)[:_LONGEST])(
        number, locale(scope)
    )


@lru_cache(maxsize=256)
def _number_pattern(pattern: str) -> Callable[[float, Locale], str]:
    from pointsman.rules.templates.numbers import (  # noqa: PLC0415 - only where one is written
        compile_number_pattern,
    )

    return compile_number_pattern(pattern)


def _date_writer(usage: Usage) -> Callable[[str, datetime, Scope], str]:
    """Return what writes a moment, and gets it also as it was written."""
    from pointsman.rules.templates.dates import compile_date_pattern  # noqa: PLC0415 - as above

    locale, zone, moved = _locale(usage), _zone(usage), _reckoning(usage)
    pattern = usage.options.get("format")
    constant = compile_date_pattern(_pattern(pattern)) if pattern and pattern.constant else None

    def write(text: str, when: datetime, scope: Scope) -> str:
        is_day = len(text) <= _DAY
        when = moved(when if is_day else _there(when, zone(scope)), scope)
        if pattern is None:
            return (
                text if not usage.options.keys() & {"operator", "timezone"} else _iso(when, is_day)
            )
        told = constant or compile_date_pattern(pattern.text(scope)[:_LONGEST])
        return told(when, locale(scope))

    return write


def _iso(when: datetime, is_day: bool) -> str:
    return when.date().isoformat() if is_day else when.isoformat(timespec="milliseconds")


def _pattern(option: Argument) -> str:
    text = text_of(option.value())
    if len(text) > _LONGEST:
        raise ValueError(f"takes a format of at most {_LONGEST} characters")
    return text


def _locale(usage: Usage) -> Callable[[Scope], Locale]:
    option = usage.options.get("locale")
    if option is None:
        return lambda _scope: ENGLISH
    if option.constant:
        name = text_of(option.value()).lower().replace("_", "-")
        if name not in locales:
            known = ", ".join(locales)
            raise ValueError(f"does not know the locale '{name}' (known: {known})")
        return lambda _scope: locales[name]
    return lambda scope: locales.get(option.text(scope).lower(), ENGLISH)


def _zone(usage: Usage) -> Callable[[Scope], ZoneInfo | None]:
    option = usage.options.get("timezone")
    if option is None:
        return lambda _scope: None
    if option.constant:
        name = text_of(option.value())
        zone = _zone_of(name)
        if zone is None:
            raise ValueError(
                f"does not know the time zone '{name}'; write one as in America/Chicago"
            )
        return lambda _scope: zone
    return lambda scope: _zone_of(option.text(scope))


@lru_cache(maxsize=64)
def _zone_of(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        return None


def _there(when: datetime, zone: ZoneInfo | None) -> datetime:
    try:
        return when.astimezone(zone or UTC)
    except (OverflowError, ValueError):
        return when


def _reckoning(usage: Usage) -> Callable[[datetime, Scope], datetime]:
    """Return what adds to a moment or subtracts from it."""
    operator = usage.constant("operator")
    counts = {unit: usage.number(unit) for unit in _UNITS if unit in usage.options}
    if operator is None:
        if counts:
            raise ValueError('needs operator="add" or operator="subtract" to reckon with a date')
        return lambda when, _scope: when
    if operator not in ("add", "subtract") or not counts:
        raise ValueError('reckons with operator="add" or "subtract", and days="…" or another unit')
    sign = 1 if operator == "add" else -1

    def moved(when: datetime, scope: Scope) -> datetime:
        for unit, count in counts.items():
            when = _moved(when, unit, sign * (count(scope) or 0))
        return when

    return moved


def _moved(when: datetime, unit: str, count: int) -> datetime:
    """Return a moment that many units later; days and more keep the time of day."""
    try:
        if unit in _MONTHS:
            return _months_later(when, count * _MONTHS[unit])
        later = timedelta(seconds=count * _SECONDS[unit])
        if unit in ("weeks", "days"):
            return when + later
        return (when.astimezone(UTC) + later).astimezone(when.tzinfo)
    except (OverflowError, ValueError):
        return when


def _months_later(when: datetime, count: int) -> datetime:
    """Return the same day of another month, or its last one."""
    months = when.year * 12 + when.month - 1 + count
    for day in range(when.day, when.day - 4, -1):
        try:
            return when.replace(year=months // 12, month=months % 12 + 1, day=day)
        except ValueError:
            continue
    return when


def _data_type_name(usage: Usage) -> str | None:
    name = usage.constant("dataType")
    if name is not None and name.lower() not in ("string", "number"):
        raise ValueError(f'takes dataType="String" or dataType="Number", not "{name}"')
    return None if name is None else name.lower()


def _data_type(usage: Usage) -> Callable[[str], Any]:
    if _data_type_name(usage) != "number":
        return lambda text: text

    def number(text: str) -> Any:
        found = as_number(text)
        if isinstance(found, float) and found.is_integer():
            return int(found)
        return text if found is None else found

    return number


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    text = value.strip()
    return as_number(text.replace(",", "")) if text and _NUMBER.fullmatch(text) else None


def _now(scope: Scope) -> str:
    submission = scope.get("submission")
    told = submission.get("timestamp") if isinstance(submission, dict) else None
    found = plain(told)
    return found if isinstance(found, str) else datetime.now(UTC).isoformat(timespec="milliseconds")
