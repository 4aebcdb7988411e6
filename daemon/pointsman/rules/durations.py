"""How long something takes, as people write it in options of actions: 2h, 1d 12h, 90s."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

__all__ = ["LONGEST", "Duration", "length"]

LONGEST = timedelta(days=366)
"""What no duration may exceed."""

_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)\s*([smhdw])")
_DURATION = re.compile(rf"\s*(?:{_PART.pattern}\s*)+", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def length(text: str) -> timedelta:
    """Return how long a text says; raises ``ValueError`` for one that says nothing, or too long."""
    if not _DURATION.fullmatch(text):
        raise ValueError("expected a duration such as 2h, 1d 12h or 90s")
    parts = {_UNITS[unit]: 0.0 for unit in _UNITS}
    for number, unit in _PART.findall(text):
        parts[_UNITS[unit]] += float(number)
    found = timedelta(**parts) if max(parts.values()) < LONGEST.total_seconds() else None
    if found is None or found > LONGEST:
        raise ValueError(f"at most {LONGEST.days} days")
    return found


def _readable(text: str) -> str:
    length(text)
    return text


Duration = Annotated[str, StringConstraints(max_length=100), AfterValidator(_readable)]
"""An option that is a duration."""
