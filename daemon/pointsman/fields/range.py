"""``range``: two numbers or dates, or one that is open upwards."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import islice
from typing import Any

from pointsman.fields.number import of_text
from pointsman.fields.text import as_text, number_text
from pointsman.fields.types import Value, field_type

__all__ = ["range_"]

_NOISE = re.compile(r"[^0-9.\-+ ]+")
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_SIGNED = rf"((?:^~|-|(?<![0-9])){_NUMBER})"
"""A tilde stands for the last dash: only the others, or one that begins the text, are signs."""

_OPEN = re.compile(rf"{_SIGNED} *~? *\+")
_CLOSED = re.compile(rf"{_SIGNED}(?: *~ *| +)({_NUMBER})")
_DATE = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T([0-9]{2}):([0-9]{2}):([0-9]{2})\.([0-9]{1,3})Z)?"
)
_NO_PARTS = {"min": None, "max": None, "avg": None, "mid": None}
_LONGEST = 300
"""Characters; no number of so many digits is beyond what a float holds."""

_CENT = Decimal("0.01")
_WHOLE = 2.0**52
"""Numbers from here on have no fraction."""

_LAST_DAY = 31
_DAYS_OF_400_YEARS = 146_097
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@field_type(
    "range",
    operators=("equal", "order", "valid", "search", "list", "between"),
    compares="range",
    attributes={
        "raw": "string",
        "mid": "number",
        "max": "number",
        "min": "number",
        "avg": "number",
    },
)
def range_(posted: Any, _now: datetime | None) -> Value:
    """Read ``1-10``, ``1 to 10``, ``1 10``, ``10+`` or one number; money and units are dropped.

    Dates such as ``2026-01-31`` count as milliseconds since 1970. The normal form is
    ``1-10`` or ``10+``; words such as ``under`` mean nothing. Attributes: ``min``, ``max``,
    ``avg`` and ``mid`` (``avg`` without its fraction).
    """
    raw = as_text(posted)
    if len(raw) > _LONGEST:
        return Value(raw, raw, valid=False, attributes=_NO_PARTS)
    text = _of_dates(raw)
    dashed = text if "-" in text else text.replace("to", "-", 1)
    before, _, after = _NOISE.sub("", dashed).rpartition("-")
    cleaned = f"{before}~{after}" if before or raw.startswith("-") else after
    return _open(raw, cleaned) or _closed(raw, cleaned) or _single(raw, text)


def _of_dates(raw: str) -> str:
    """Return the first two dates of a text as milliseconds, or the text if it has none."""
    dates = islice(_DATE.finditer(raw), 2)
    found = [_milliseconds(*date.groups()) for date in dates]
    return "-".join(found) or raw


def _milliseconds(year: str, month: str, day: str, *time: str | None) -> str:
    """Return a date as milliseconds since 1970; the days of February 30 go on into March."""
    hour, minute, second, fraction = (int(part or 0) for part in time)
    fraction = int(f"{time[3] or 0:0<3}")
    leap = int(year) or 400
    try:
        first = datetime(leap, int(month), 1, hour, minute, second, fraction * 1_000, UTC)
    except ValueError:
        return "NaN"
    if not 1 <= int(day) <= _LAST_DAY:
        return "NaN"
    passed = (
        first - _EPOCH + timedelta(days=int(day) - 1 - (0 if int(year) else _DAYS_OF_400_YEARS))
    )
    return str(passed // timedelta(milliseconds=1))


def _open(raw: str, cleaned: str) -> Value | None:
    """Return ``10+``, the first number with a plus sign."""
    if not (found := _OPEN.search(cleaned)):
        return None
    low = _number(found[1])
    parts = {**_NO_PARTS, "min": _short(low)}
    return Value(raw, f"{number_text(low)}+", valid=True, attributes=parts)


def _closed(raw: str, cleaned: str) -> Value | None:
    """Return the first two numbers with a space or the last dash of the text between them."""
    if not (found := _CLOSED.search(cleaned)):
        return None
    low, high = _number(found[1]), _number(found[2])
    average = (low + high) / 2
    parts = {
        "min": _short(low),
        "max": _short(high),
        "avg": _short(_rounded(average)),
        "mid": math.trunc(average),
    }
    return Value(raw, f"{number_text(low)}-{number_text(high)}", valid=True, attributes=parts)


def _single(raw: str, text: str) -> Value:
    number = of_text(text)
    if number is None:
        return Value(raw, text, valid=False, attributes=_NO_PARTS)
    return Value(raw, text, valid=True, attributes=dict.fromkeys(_NO_PARTS, number))


def _rounded(number: float) -> float:
    """Return a number to two decimals; halves go away from zero."""
    if abs(number) >= _WHOLE:
        return number
    return float(Decimal(number).quantize(_CENT, ROUND_HALF_UP))


def _number(text: str) -> float:
    return float(text.replace("~", "-"))


def _short(number: float) -> int | float:
    return int(number) if number.is_integer() else number
