"""``string``: text as it was posted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pointsman.fields.text import as_text
from pointsman.fields.types import Value, field_type

__all__ = ["string", "words"]


@field_type(
    "string",
    operators=("equal", "obscene", "search", "list", "pattern", "order", "between", "truth"),
    plain=True,
)
def string(posted: Any, _now: datetime | None) -> Value:
    """Keep text as it is: neither trimmed nor changed in case.

    Every value is fine; it has no attributes. Rules take it for what it looks like: ``0845`` is
    between 830 and 1645, ``true`` is true.
    """
    return Value(None, as_text(posted))


def words(posted: Any) -> Value:
    """Return text as it is; what is no text, as an unreadable value."""
    if isinstance(posted, str):
        return Value(None, posted)
    return Value(posted, as_text(posted), valid=False)
