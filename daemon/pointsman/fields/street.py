"""``street``: a house number and a street."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from pointsman.fields.text import WHITE, as_text, trim
from pointsman.fields.types import Value, field_type

__all__ = ["street"]

_WORD = re.compile(f"[^{WHITE}]+")
_NEW_LINE = re.compile("[\n\r\u2028\u2029]")


@field_type(
    "street",
    operators=("equal", "obscene", "valid", "search", "list", "pattern"),
    attributes={"raw": "string", "number": "string", "name": "string"},
)
def street(posted: Any, _now: datetime | None) -> Value:
    """Read one line of two words or more, trimmed.

    Attributes: ``number`` is the first word, whatever it is, and ``name`` the rest.
    """
    raw = as_text(posted)
    text = trim(raw)
    first = _WORD.match(text)
    name = text[first.end() :].lstrip(WHITE) if first else ""
    if first is None or not name or _NEW_LINE.search(name):
        return Value(raw, raw, valid=False)
    return Value(raw, text, valid=True, attributes={"number": first[0], "name": name})
