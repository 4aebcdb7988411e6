"""``credential``: a secret, hidden wherever it is stored."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pointsman.fields.text import as_text
from pointsman.fields.types import Value, field_type, hide

__all__ = ["credential"]


@field_type(
    "credential",
    operators=("equal", "search", "list"),
    plain=True,
    mask=hide,
)
def credential(posted: Any, _now: datetime | None) -> Value:
    """Keep a password, key or token as it was posted; masked, it is stars."""
    text = as_text(posted)
    return Value(None, text, valid=True, masked=False)
