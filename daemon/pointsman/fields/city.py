"""``city``: its name, as it was posted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pointsman.fields.string import words
from pointsman.fields.types import Value, field_type

__all__ = ["city"]


@field_type(
    "city",
    operators=("equal", "obscene", "valid", "search", "list", "pattern"),
    attributes={"raw": "string"},
    plain=True,
)
def city(posted: Any, _now: datetime | None) -> Value:
    """Keep a city's name as it was posted.

    What is no text is not valid, but has its text.
    """
    return words(posted)
