"""``last_name``: a family name, as it was posted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pointsman.fields.string import words
from pointsman.fields.types import Value, field_type

__all__ = ["last_name"]


@field_type(
    "last_name",
    operators=("equal", "obscene", "valid", "pattern"),
    attributes={"raw": "string"},
    plain=True,
)
def last_name(posted: Any, _now: datetime | None) -> Value:
    """Keep a family name as it was posted.

    What is no text is not valid, but has its text.
    """
    return words(posted)
