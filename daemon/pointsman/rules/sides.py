"""The sides of a rule as texts, numbers and ranges; ``MISSING`` for what is none of these."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from pointsman.fields.text import as_text
from pointsman.fields.types import Value, field_types
from pointsman.rules.paths import MISSING
from pointsman.rules.values import is_blank, is_number, number

__all__ = [
    "blank_side",
    "bounds",
    "comparable",
    "comparable_text",
    "ends",
    "ends_of",
    "numeric",
    "read_number",
    "single",
    "text_side",
    "truth",
    "wanted_text",
]

_TRUTHS = {"true": True, "false": False}
_MONEY = re.compile(r"[$€£,%\s]")


def single(side: Any) -> Any:
    """Return what a side holds: a list of one is that one."""
    return side[0] if isinstance(side, list | tuple) and len(side) == 1 else side


def text_side(side: Any) -> Any:
    """Return a side's text, trimmed; a list's are joined by commas."""
    if isinstance(side, str):
        return side.strip()
    if isinstance(side, Value):
        side = side.normal
        return side.strip() if isinstance(side, str) else as_text(side)
    if isinstance(side, list | tuple):
        texts = (text_side(item) for item in side)
        return ",".join(text for text in texts if text is not MISSING)
    if side is None or side is MISSING or isinstance(side, Mapping):
        return MISSING
    return as_text(side)


def comparable_text(side: Any) -> Any:
    """Return a side's text; those of a list in order, so that its own order means nothing."""
    if type(side) is Value and type(side.normal) is str:  # nearly always
        return side.normal.strip()
    side = single(side)
    if isinstance(side, list | tuple):
        return sorted(str(text_side(item)).casefold() for item in side)
    return text_side(side)


def comparable(side: Any) -> Any:
    """Return the same of a value without a type; a number stays a number."""
    side = single(side)
    inner = side.normal if isinstance(side, Value) else side
    if is_number(inner):
        return MISSING if inner != inner else inner  # noqa: PLR0124 - NaN equals nothing
    return comparable_text(side)


def wanted_text(rhv: Any) -> Any:
    """Return what a text is compared with: a text, or a number if a number is written.

    Raises ``ValueError`` for an object.
    """
    if isinstance(rhv, Mapping):
        raise ValueError("needs a text, a number, true, false or a list of these, not an object")  # noqa: TRY004 - of a file
    found = comparable(rhv)
    return "" if found is MISSING else found


def numeric(side: Any) -> Any:
    """Return the number that a side is or spells; NaN and infinity are none."""
    side = single(side)
    found = number(side.normal if isinstance(side, Value) else side)
    return MISSING if found is None or not _is_finite(found) else found


def read_number(rhv: Any) -> Any:
    """Return the number that a rule names, ``$1,000`` too; raises ``ValueError`` without one."""
    rhv = single(rhv)
    found = numeric(_MONEY.sub("", rhv) if isinstance(rhv, str) else rhv)
    if found is MISSING:
        raise ValueError(f"needs a number, not '{as_text(rhv)[:100]}'")
    return found


def ends(side: Any, name: str) -> Any:
    """Return ``min``, ``max`` or ``avg`` of a range, if it has one."""
    value = _range(side)
    found = None if value is None else value.attributes.get(name)
    return found if is_number(found) else MISSING


def ends_of(side: Any) -> Any:
    """Return both ends as a text that equals that of an equal range; of no range, its text."""
    value = _range(side)
    if value is None or value.valid is not True:
        return comparable_text(side)
    low, high = value.attributes["min"], value.attributes["max"]
    return f"{as_text(low)}~{as_text(high)}"


def bounds(rhv: Any) -> tuple[float, float]:
    """Return the ends of the range that a rule names; it may be open upwards.

    Raises ``ValueError`` for what is no range.
    """
    if isinstance(rhv, list | tuple) and len(rhv) == 2:  # noqa: PLR2004 - two ends
        return read_number(rhv[0]), read_number(rhv[1])
    low, high = ends(rhv, "min"), ends(rhv, "max")
    if low is MISSING:
        raise ValueError(f"needs a range such as 18-65, not '{as_text(rhv)[:100]}'")
    return low, math.inf if high is MISSING else high


def truth(side: Any) -> bool | None:
    """Return whether a side is true or false; ``None`` where it is neither, as when blank."""
    side = single(side)
    if isinstance(side, Value):
        side = None if is_blank(blank_side(side)) else side.normal
    if isinstance(side, str):
        return _TRUTHS.get(side.strip().lower())
    return side if isinstance(side, bool) else None


def blank_side(side: Any) -> Any:
    """Return what tells whether a side is blank: what was sent, not what a type made of it."""
    if isinstance(side, Value):
        return side.normal if side.raw is None else side.raw
    if isinstance(side, list | tuple):
        return [item for item in side if not is_blank(blank_side(item))]
    return side


def _range(side: Any) -> Value | None:
    side = single(side)
    if isinstance(side, Value) and "avg" in side.attributes:
        return side
    if side is MISSING or isinstance(side, Mapping):
        return None
    return field_types["range"].value(side.normal if isinstance(side, Value) else side)


def _is_finite(found: float) -> bool:
    return isinstance(found, int) or math.isfinite(found)
