"""``gender``: male, female or other."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pointsman.fields.text import as_text, trim
from pointsman.fields.types import Value, field_type

__all__ = ["gender"]

_SPELLINGS = {
    spelling: word for word in ("male", "female", "other") for spelling in (word, word[0])
}


@field_type(
    "gender",
    operators=("equal", "valid"),
    attributes={"raw": "string", "abbr": "string"},
)
def gender(posted: Any, _now: datetime | None) -> Value:
    """Read ``male``, ``female`` or ``other``, or their first letters, in any case.

    Attribute: ``abbr`` is ``M``, ``F`` or ``O``.
    """
    read = _SPELLINGS.get(trim(as_text(posted)).lower())
    if read is None:
        return Value(posted, as_text(posted), valid=False, attributes={"abbr": None})
    return Value(posted, read, valid=True, attributes={"abbr": read[0].upper()})
