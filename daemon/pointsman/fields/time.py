"""``time``: moments, as machines and people write them, in UTC unless they name a zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from pointsman.fields.clock import clock_of
from pointsman.fields.distance import shift_in, this
from pointsman.fields.spoken import Found, day_in
from pointsman.fields.text import WHITE, as_text
from pointsman.fields.types import Value, field_type, moment

__all__ = ["time"]

_ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{3})?"
    r"(?:Z|[+-](?:0[0-9]|1[0-3]):[0-9]{2})"
)
"""What machines write, which needs no search."""

_LONGEST = 300
_NOON = timedelta(hours=12)
_NEXT = timedelta(days=1)
"""The midnight at the end of today, which of a day that is named is the one at its beginning."""

_OF_WEEK = re.compile(r"day,? (?:of )?(?:this|next|last|past) week")
_BLANKS = str.maketrans(dict.fromkeys(WHITE, " "))


@field_type(
    "time",
    operators=("equal", "order", "valid", "between", "recent"),
    compares="time",
    attributes={"raw": "string"},
)
def time(posted: Any, now: datetime | None) -> Value:
    """Read ``2026-01-31T09:00:00Z``, ``1/31/2026 9am EST``, ``tomorrow 9am``, ``in 2 hours``.

    Words such as ``tomorrow`` count from now; a date alone is its noon, a time alone is today's.
    Numbers of seconds are not read. The normal form is ISO 8601 with milliseconds.
    """
    raw = as_text(posted)
    if _ISO.fullmatch(raw):
        try:
            return _value(raw, datetime.fromisoformat(raw))
        except (ValueError, OverflowError):
            return Value(raw, raw, valid=False)
    try:
        read = _instant(raw[:_LONGEST].lower().translate(_BLANKS), moment(now))
    except (ValueError, OverflowError):
        read = None
    if read is None:
        return Value(raw, raw, valid=False)
    return _value(raw, read)


def _value(raw: str, read: datetime) -> Value:
    normal = read.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
    return Value(raw, f"{normal}Z", valid=True)


def _instant(text: str, now: datetime) -> datetime | None:
    """Return the moment of a text; raises ``ValueError`` for a day or hour that does not exist."""
    shift = None if _OF_WEEK.search(text) else shift_in(text)
    if shift is not None:
        base = _instant(shift.base, now) if shift.base else None
        return shift.from_(base or now)
    clock, rest = clock_of(text, now)
    found = day_in(rest, now)
    if found is None and (first := this(rest, now)):
        found = Found(first)
    if found is None:
        return None if clock is None else _midnight(now) + clock
    if clock is not None:
        return _midnight(found.moment) + (clock if clock != _NEXT else timedelta())
    return found.moment if found.keeps_time else _midnight(found.moment) + _NOON


def _midnight(day: datetime) -> datetime:
    return day.replace(hour=0, minute=0, second=0, microsecond=0)
