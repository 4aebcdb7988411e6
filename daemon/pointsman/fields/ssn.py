"""``ssn``: a social security number of the United States."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from pointsman.fields.text import as_text
from pointsman.fields.types import Value, field_type, hide

__all__ = ["ssn"]

_NO_DIGIT = re.compile(r"[^0-9]+")
_DIGITS = 9


@field_type(
    "ssn",
    operators=("equal", "valid", "search", "list"),
    attributes={
        "raw": "string",
        "first_three": "string",
        "middle_two": "string",
        "last_four": "number",
    },
    mask=hide,
)
def ssn(posted: Any, _now: datetime | None) -> Value:
    """Read nine digits; everything else in the text is dropped.

    Whether such a number can have been issued is not judged. Attributes: ``first_three``,
    ``middle_two`` and ``last_four`` digits. Masked, all of it is stars.
    """
    raw = as_text(posted)
    digits = _NO_DIGIT.sub("", raw)
    if len(digits) != _DIGITS:
        return Value(raw, raw, valid=False, masked=False)
    parts = {"first_three": digits[:3], "middle_two": digits[3:5], "last_four": digits[5:]}
    return Value(raw, digits, valid=True, attributes=parts, masked=False)
