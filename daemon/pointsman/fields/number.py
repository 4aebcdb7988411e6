"""``number``: amounts as people write them."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Any

from pointsman.fields.types import Value, field_type

__all__ = ["number", "of_text"]

_NOISE = re.compile(r"[^0-9.\-]+")
_WHOLE = re.compile(r"-?[0-9]{1,15}")
_DECIMAL = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")


def of_text(text: str) -> int | float | None:
    """Return the number in ``text`` once all but digits, dot and minus is dropped."""
    text = _NOISE.sub("", text)
    if _WHOLE.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        read = float(text)
        return read if math.isfinite(read) else None
    return None


def _read(posted: Any) -> int | float | None:
    if isinstance(posted, str):
        return of_text(posted)
    if isinstance(posted, bool) or not isinstance(posted, int | float):
        return None
    return posted if isinstance(posted, int) or math.isfinite(posted) else None


@field_type(
    "number",
    operators=("equal", "order", "valid", "search", "list", "between"),
    compares="number",
    read=_read,
)
def number(posted: Any, _now: datetime | None) -> Value:
    """Read a number; text loses all but digits, dot and minus: ``$1,100 a month`` is 1100.

    What then is no number (nothing, ``5-``, ``1.2.3``) is NaN and not valid.
    """
    read = _read(posted)
    return Value(posted, math.nan if read is None else read, valid=read is not None)
