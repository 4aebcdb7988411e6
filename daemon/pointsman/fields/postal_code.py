"""``postal_code``: codes of the United States, Canada and the United Kingdom."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from pointsman.fields.text import WHITE, as_text, trim
from pointsman.fields.types import VALID, Value, field_type

__all__ = ["postal_code"]

_GAP = f"[{WHITE}]*"
_UNITED_STATES = re.compile(rf"(?:([0-9]{{5}}){_GAP}-?{_GAP}([0-9]{{4}})?)?")
_CANADA = re.compile(rf"([A-Z][0-9][A-Z]){_GAP}([0-9][A-Z][0-9])")
_UNITED_KINGDOM = re.compile(
    rf"([A-Z]{{1,2}}[0-9](?:[0-9]?[A-Z]?|[0-9]{{2}})){_GAP}([0-9][A-Z]{{2}})"
)
_ZIP = 5
_LONGEST = 64


@field_type(
    "postal_code",
    operators=("equal", "valid", "search", "list", "pattern"),
    attributes={
        "raw": "string",
        "country_code": "string",
        "zip": "string",
        "four": "string",
        "fsa": "string",
        "ldu": "string",
        "outcode": "string",
        "incode": "string",
        "code": "string",
        "district": "string",
    },
)
def postal_code(posted: Any, _now: datetime | None) -> Value:
    """Read ``78704``, ``78704-1234``, ``Q2E 4U7`` or ``SW1A 1AA``, in any case and spacing.

    Attributes: ``country_code`` and ``code``; for ``US`` ``zip`` and ``four``; for ``CA``
    ``fsa``, ``ldu`` and ``district``; for ``GB`` ``outcode`` and ``incode``. A blank code is
    a valid one of the United States.
    """
    raw = as_text(posted)
    if len(raw) == _ZIP and raw.isascii() and raw.isdecimal():  # nearly every one
        usual = {"country_code": "US", "code": raw, "zip": raw, "four": None}
        return Value(raw, raw, VALID, usual)
    code = trim(raw).upper()
    if len(code) > _LONGEST:
        return Value(raw, raw, valid=False)
    read = _united_states(code) or _canada(code) or _united_kingdom(code)
    if read is None:
        return Value(raw, raw, valid=False)
    normal, country, parts = read
    named = {"country_code": country, "code": code or None, **parts}
    return Value(raw, normal, VALID, named)


Read = tuple[str, str, dict[str, str | None]]


def _united_states(code: str) -> Read | None:
    if not (found := _UNITED_STATES.fullmatch(code)):
        return None
    normal = "-".join(part for part in found.groups() if part)
    return normal, "US", {"zip": found[1], "four": found[2]}


def _canada(code: str) -> Read | None:
    if not (found := _CANADA.fullmatch(code)):
        return None
    parts = {"fsa": found[1], "district": code[0], "ldu": found[2]}
    return f"{found[1]} {found[2]}", "CA", parts


def _united_kingdom(code: str) -> Read | None:
    if not (found := _UNITED_KINGDOM.fullmatch(code)):
        return None
    return f"{found[1]} {found[2]}", "GB", {"outcode": found[1], "incode": found[2]}
