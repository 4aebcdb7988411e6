"""The sides of a rule as days and times, in the texts of ISO 8601 that compare as moments.

A day is its midnight in UTC; a text without a zone is in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pointsman.fields.text import as_text
from pointsman.fields.types import FieldType, Value, field_types
from pointsman.rules.paths import MISSING
from pointsman.rules.sides import single
from pointsman.rules.values import moment

__all__ = ["bounds_of_moments", "clock", "is_moment", "milliseconds", "read_moment", "told_moment"]

_ISO = r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]+Z?)?"
_ISO_PAIR = re.compile(rf"({_ISO})\s*(?:-|to|thru|through)\s*({_ISO})", re.IGNORECASE)
_PAIR = re.compile(r"([^\n]{1,100}?)\s+(?:-|to|thru|through|and)\s+([^\n]{1,100})", re.IGNORECASE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST = 250
_DAY = len("2026-01-31")


def clock(scope: Mapping[str, Any]) -> datetime:
    """Return when the lead was sent, else the time that it is.

    So a lead that is looked at again, hours later, is judged as it was.
    """
    submission = scope.get("submission")
    sent = submission.get("timestamp") if isinstance(submission, Mapping) else None
    found = moment(sent.normal if isinstance(sent, Value) else sent)
    return found or datetime.now(UTC)


def is_moment(value: Any) -> bool:
    """Return whether a value is a day or time as the variables have them."""
    return told_moment(value) is not MISSING


def told_moment(side: Any) -> Any:
    """Return the day or time that a side is."""
    side = single(side)
    if isinstance(side, Value):
        return side.normal if side.valid else MISSING
    text = side.strip() if isinstance(side, str) else side
    return text if moment(text) else MISSING


def read_moment(rhv: Any, kind: FieldType, now: datetime) -> Any:
    """Return the day or time that a rule names, as the left side's type would read it.

    ``today`` or ``18 years ago`` are days too.
    """
    rhv = single(rhv)
    told = told_moment(rhv)
    if told is not MISSING and (kind.compares == "time" or isinstance(rhv, Value)):
        return told
    if not isinstance(rhv, str):
        return MISSING
    told = told_moment(kind.value(rhv, now))
    if told is MISSING and kind.compares == "day" and any(map(str.isalpha, rhv)):
        in_words = told_moment(field_types["time"].value(rhv, now))
        told = MISSING if in_words is MISSING else in_words[:_DAY]
    return told


def bounds_of_moments(rhv: Any, kind: FieldType, now: datetime) -> tuple[float, float]:
    """Return the ends of the span that a rule names, in milliseconds since 1970.

    Raises ``ValueError`` for what is no two days or times.
    """
    first, last = _ends(rhv)
    low = milliseconds(read_moment(first, kind, now))
    high = milliseconds(read_moment(last, kind, now))
    if low is MISSING or high is MISSING:
        raise ValueError(
            f"needs two days such as '2026-01-01 to 2026-01-31', not '{as_text(rhv)[:100]}'"
        )
    return low, high


def milliseconds(told: Any) -> Any:
    """Return a moment's text as milliseconds since 1970."""
    found = moment(told)
    return MISSING if found is None else (found - _EPOCH) // timedelta(milliseconds=1)


def _ends(rhv: Any) -> tuple[Any, Any]:
    if isinstance(rhv, list | tuple) and len(rhv) == 2:  # noqa: PLR2004 - two ends
        return rhv[0], rhv[1]
    text = rhv.strip() if isinstance(rhv, str) else ""
    if len(text) > _LONGEST:
        return MISSING, MISSING
    found = _ISO_PAIR.fullmatch(text) or _PAIR.fullmatch(text)
    return (found[1], found[2]) if found else (rhv, rhv)
