"""Why a rule does not hold, in words: one wording for every operator, in one table.

A reason says what the rule says, never what the lead holds: reasons go to senders and become
dimensions of reports, where nobody's data belongs. A template stands in it as it is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pointsman.fields.text import as_text

__all__ = ["WORDINGS", "any_of", "reason"]

WORDINGS: Final[Mapping[str, str]] = {
    "is equal to": "must be equal to",
    "is not equal to": "must not be equal to",
    "is less than": "must be less than",
    "is less than or equal to": "must be less than or equal to",
    "is greater than": "must be greater than",
    "is greater than or equal to": "must be greater than or equal to",
    "is between": "must be between",
    "is not between": "must not be between",
    "is included in": "must be included in",
    "is not included in": "must not be included in",
    "includes": "must include",
    "does not include": "must not include",
    "matches pattern": "must match pattern",
    "does not match pattern": "must not match pattern",
    "is blank": "must be blank",
    "is not blank": "must not be blank",
    "is true": "must be true",
    "is not true": "must not be true",
    "is false": "must be false",
    "is not false": "must not be false",
    "format is valid": "format must be valid",
    "format is invalid": "format must be invalid",
    "is obscene": "must be obscene",
    "is not obscene": "must not be obscene",
    "is within the last": "must be within the last",
    "is not within the last": "must not be within the last",
}
"""What stands between the two sides of a rule that does not hold, by operator."""

_LONGEST = 200
_MOST = 10


def reason(lhv: str, op: str, rhv: Any) -> str:
    """Return why a rule does not hold: ``lead.state must be equal to TX``."""
    told = f"{_short(lhv)} {WORDINGS.get(op, f'must pass: {op}')}"
    return told if rhv is None else f"{told} {_short(_told(rhv))}".rstrip()


def any_of(reasons: Iterable[str]) -> str:
    """Return the reasons of alternatives that all do not hold, as one."""
    different = list(dict.fromkeys(reasons))
    told = " or ".join(different[:_MOST])
    left = len(different) - _MOST
    return f"{told} or {left} more" if left > 0 else told


def _told(rhv: Any) -> str:
    if not isinstance(rhv, list | tuple):
        return as_text(rhv)
    told = ", ".join(as_text(item) for item in rhv[:_MOST])
    left = len(rhv) - _MOST
    return f"{told} and {left} more" if left > 0 else told


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
