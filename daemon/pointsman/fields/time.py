"""``time``: moments, as machines and people write them, in UTC unless they name a zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pointsman.fields.clock import clock_of
from pointsman.fields.spoken import day_in, shifted
from pointsman.fields.text import as_text
from pointsman.fields.types import Value, field_type, moment

__all__ = ["time"]

_LONGEST = 300
_NOON = timedelta(hours=12)


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
    try:
        read = _instant(raw[:_LONGEST].lower(), moment(now))
    except (ValueError, OverflowError):
        read = None
    if read is None:
        return Value(raw, raw, valid=False)
    normal = read.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
    return Value(raw, f"{normal}Z", valid=True)


def _instant(text: str, now: datetime) -> datetime | None:
    """Return the moment of a text; raises ``ValueError`` for a day or hour that does not exist."""
    moved = shifted(text, now)
    if moved is not None:
        return moved
    clock, rest = clock_of(text, now)
    found = day_in(rest, now)
    if found is None:
        return None if clock is None else _midnight(now) + clock
    if clock is not None:
        return _midnight(found.moment) + clock
    return found.moment if found.keeps_time else _midnight(found.moment) + _NOON


def _midnight(day: datetime) -> datetime:
    return day.replace(hour=0, minute=0, second=0, microsecond=0)
