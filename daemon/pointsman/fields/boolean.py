"""``boolean``: yes and no in the usual spellings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pointsman.fields.text import as_text
from pointsman.fields.types import Value, field_type

__all__ = ["boolean"]

_SPELLINGS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0"), False),
}


def _read(posted: Any) -> bool | None:
    if isinstance(posted, bool):
        return posted
    if isinstance(posted, int | float):
        return _SPELLINGS.get(as_text(posted))
    if not isinstance(posted, str):
        return None
    return _SPELLINGS.get("".join(c for c in posted.lower() if c.isascii() and c.isalnum()))


@field_type(
    "boolean",
    operators=("truth", "valid", "equal", "list"),
    compares="truth",
    read=_read,
)
def boolean(posted: Any, _now: datetime | None) -> Value:
    """Read true of ``true t yes y 1``, false of ``false f no n 0``, in any case and punctuation.

    Anything else (``on``, ``2``, nothing) is false and not valid.
    """
    read = _read(posted)
    return Value(posted, bool(read), valid=read is not None)
