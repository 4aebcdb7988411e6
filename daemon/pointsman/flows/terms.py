"""What a choice tells of pools whose leads may wait in line, or go to whom they went before.

Personal values leave this module as keyed hashes only. A pool that has neither gets no terms, and
its leads cost nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pointsman.fields.types import field_types
from pointsman.ids import keyed
from pointsman.model import Organization, Pool

__all__ = ["NO_MARKS", "marks_of", "terms"]

NO_MARKS = "-"

_FIELDS: Mapping[str, Sequence[str]] = {
    "email": ("email",),
    "phone": ("phone_1", "phone_2", "phone_3"),
}


def marks_of(organization: Organization, pools: Sequence[Pool], data: Mapping[str, Any]) -> str:
    """Return what a lead can be known again by in any of ``pools`` (sticky.lua reads it)."""
    kinds = dict.fromkeys(kind for pool in pools if pool.sticky for kind in pool.sticky.by)
    marks = (
        f"{kind}={keyed(organization.secret, kind, value)}"
        for kind in kinds
        for value in dict.fromkeys(_values(kind, data))
    )
    return ",".join(marks) or NO_MARKS


def terms(pool: Pool, line: Pool | None, till: int, marks: str) -> str:
    """Return the terms of ``pool`` for a lead with ``marks`` that may wait in the line of ``line``.

    ``till`` is when anybody may be back who is away now.
    """
    sticky = pool.sticky
    if line is None and sticky is None and marks == NO_MARKS:
        return ""
    told = (line.id, till) if line else ("-", 0)
    if sticky is None:
        return f"{told[0]} {told[1]} - 0 0 {marks}"
    by, charge = ",".join(sticky.by), int(sticky.takes_turn)
    return f"{told[0]} {told[1]} {by} {sticky.within} {charge} {marks}"


def _values(kind: str, data: Mapping[str, Any]) -> Iterator[str]:
    """Yield the valid values of a kind in their normal form; hidden digits are nobody's."""
    for name in _FIELDS[kind]:
        posted = data.get(name)
        value = field_types[kind].read(posted) if isinstance(posted, str) else None
        if value and "*" not in value:
            yield value
