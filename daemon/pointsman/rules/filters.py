"""The filters of placeholders, by name: ``{{trigger.first_name | default: "there" | upper}}``.

A filter is a function from its arguments, which are literals, to what it makes of a value, made
once a load. A value that a filter cannot read passes through as it is; what is missing stays
missing for all but ``default``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pointsman.registry import Registry
from pointsman.rules.values import as_text, is_blank, moment
from pointsman.rules.values import number as as_number

__all__ = ["Apply", "Filter", "filters", "placeholder_filter"]

Apply = Callable[[Any, Mapping[str, Any]], Any]
Build = Callable[..., Apply]

_FORMAT_LIMIT = 100
_MOST_DECIMALS = 10
_PHONE_LIMIT = 250

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]{1,2}(?![^\W\d_]))?")
_DIRECTIVE = re.compile(r"%(-?)(.?)", re.DOTALL)
_DIRECTIVES = frozenset("aAbBdHIjmMpSyYzZ%")
_FORMS = {"e164": 0, "international": 1, "national": 2}


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter; ``build`` gets what stands after the colon and raises ``ValueError`` at nonsense.

    What it returns gets a value and the scope. ``example`` is how it is written.
    """

    name: str
    build: Build
    example: str
    manual: str


filters: Registry[Filter] = Registry("filter")


def placeholder_filter(name: str, example: str) -> Callable[[Build], Build]:
    """Add the decorated function to the registry; its docstring is its manual."""

    def register(build: Build) -> Build:
        manual = " ".join((build.__doc__ or "").split())
        filters.add(name, Filter(name, build, example, manual))
        return build

    return register


@placeholder_filter("default", 'default: "there"')
def default(other: Any) -> Apply:
    """Another value where there is none: missing, null, blank text, an empty list."""
    return lambda value, _scope: other if is_blank(value) else value


@placeholder_filter("upper", "upper")
def upper() -> Apply:
    """Text in capitals."""
    return lambda value, _scope: value.upper() if isinstance(value, str) else value


@placeholder_filter("lower", "lower")
def lower() -> Apply:
    """Text in small letters."""
    return lambda value, _scope: value.lower() if isinstance(value, str) else value


@placeholder_filter("title", "title")
def title() -> Apply:
    """Text with a capital at the beginning of every word."""

    def capitalize(value: Any, _scope: Mapping[str, Any]) -> Any:
        if not isinstance(value, str):
            return value
        return _WORD.sub(lambda word: word[0][0].upper() + word[0][1:].lower(), value)

    return capitalize


@placeholder_filter("date", 'date: "%-d %B %Y, %H:%M"')
def date(form: Any = "%Y-%m-%d", zone: Any = None) -> Apply:
    """A day or time in the given form, `%Y-%m-%d` if none is; times in the organization's time
    zone, or in a second argument such as `"Europe/Berlin"`. Directives are
    `%a %A %b %B %d %H %I %j %m %M %p %S %y %Y %z %Z %%`; `%-d` leaves zeros away.
    """  # noqa: D205 - one sentence
    _check_form(form)
    if zone is not None:
        _zone(zone)

    def told(value: Any, scope: Mapping[str, Any]) -> Any:
        found = moment(value)
        if found is None:
            return value
        if len(value) > len("2026-01-31"):
            place = zone or (scope.get("organization") or {}).get("time_zone") or "UTC"
            found = _there(found, place)
        return _DIRECTIVE.sub(lambda part: _part(found, part), form)

    return told


@placeholder_filter("number", "number: 2")
def number(decimals: Any = None) -> Apply:
    """A number for people to read, `1,234.5`; with so many decimals if a number follows."""
    if decimals is not None and not (
        isinstance(decimals, int)
        and not isinstance(decimals, bool)
        and 0 <= decimals <= _MOST_DECIMALS
    ):
        raise ValueError(f"takes a number of decimals from 0 to {_MOST_DECIMALS}")

    def told(value: Any, _scope: Mapping[str, Any]) -> Any:
        found = as_number(value)
        if found is None or (isinstance(found, float) and not math.isfinite(found)):
            return value
        if decimals is not None:
            return f"{Decimal(str(found)):,.{decimals}f}"
        whole = int(found)
        return f"{whole:,}" if whole == found else f"{Decimal(str(found)):,f}"

    return told


@placeholder_filter("phone", 'phone: "national"')
def phone(form: Any = "e164") -> Apply:
    """A phone number as `"e164"` (+13125550101, if nothing else is said), `"international"` or
    `"national"`; one without a country is read as one of the United States.
    """  # noqa: D205 - one sentence
    if not isinstance(form, str) or form not in _FORMS:
        raise ValueError(f"takes one of {', '.join(_FORMS)}")

    def told(value: Any, _scope: Mapping[str, Any]) -> Any:
        return _phone(as_text(value) or "", _FORMS[form]) or value

    return told


def _check_form(form: Any) -> None:
    if not isinstance(form, str) or len(form) > _FORMAT_LIMIT:
        raise ValueError(f"takes a form such as '%d.%m.%Y', of at most {_FORMAT_LIMIT} characters")
    for part in _DIRECTIVE.finditer(form):
        if part[2] not in _DIRECTIVES or not part[2]:
            raise ValueError(f"does not know '{part[0]}'; write %% for a percent sign")


@lru_cache(maxsize=64)
def _zone(name: Any) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise ValueError(
            f"does not know the time zone '{name}'; write one as in Europe/Berlin"
        ) from None


def _there(found: datetime, zone: str) -> datetime:
    try:
        return found.astimezone(_zone(zone))
    except OverflowError:
        return found


def _part(found: datetime, part: re.Match[str]) -> str:
    if part[2] == "Y":
        return str(found.year)
    told = found.strftime(f"%{part[2]}")
    return (told.lstrip("0") or "0") if part[1] else told


def _phone(text: str, form: int) -> str | None:
    import phonenumbers  # noqa: PLC0415 - loads a library of 6 MB

    if not text or len(text) > _PHONE_LIMIT:
        return None
    try:
        read = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(read):
        return None
    return str(phonenumbers.format_number(read, form))
