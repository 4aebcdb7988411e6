"""Lengths of time in words, counted back from a moment: ``30 days``, ``18 years``."""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pointsman.fields.text import as_text

__all__ = ["UNITS", "Span", "read_span"]

UNITS = ("second", "minute", "hour", "day", "week", "month", "year")

_WRITTEN = re.compile(rf"([0-9]{{1,6}})\s*({'|'.join(UNITS)})s?", re.ASCII)
_MONTHS = {"month": 1, "year": 12}
_YEAR = 12
_FIRST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """So many units of the calendar."""

    count: int
    unit: str

    def before(self, moment: datetime) -> datetime:
        """Return the moment that long before, in UTC; the last day of a month that is shorter."""
        try:
            moment = moment.astimezone(UTC)
            if self.unit not in _MONTHS:
                return moment - timedelta(**{f"{self.unit}s": self.count})
            months = moment.year * _YEAR + moment.month - 1 - self.count * _MONTHS[self.unit]
            year, month = months // _YEAR, months % _YEAR + 1
            last = calendar.monthrange(year, month)[1]
            return moment.replace(year=year, month=month, day=min(moment.day, last))
        except (OverflowError, ValueError):
            return _FIRST


def read_span(written: Any) -> Span:
    """Return ``30 days``, or ``{value: 30, interval: day}``; raises ``ValueError`` for others."""
    text = written
    if isinstance(written, Mapping) and written.keys() == {"value", "interval"}:
        text = f"{as_text(written['value'])} {as_text(written['interval'])}"
    found = _WRITTEN.fullmatch(text.strip().lower()) if isinstance(text, str) else None
    if found is None:
        units = ", ".join(f"{unit}s" for unit in UNITS)
        raise ValueError(f"needs a number of {units}, such as '30 days', not {written!r}")
    return Span(int(found[1]), found[2])
