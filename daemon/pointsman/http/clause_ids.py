"""Ids of rule sets, rules, mappings and prices, which the flows API tells and files need not write.

Nothing hangs on them, so they derive from where a clause stands and what it says. One that comes
back as it was told is not written down; one of the caller's own is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pointsman.ids import derived

__all__ = ["OPAQUE", "identified", "unidentified"]

OPAQUE = ("config", "value", "rhv")
"""What is written there means something as it is."""

_LENGTH = 6
_ALONE = "rule_set"
_LISTED = ("rules", "mappings", "prices")

Tell = Callable[[Mapping[str, Any], str], Mapping[str, Any]]


def identified(parent: str, name: str, value: Any) -> Any:
    """Return what a flow says under ``name`` with an id in every clause."""
    return _walked(parent, name, value, _with)


def unidentified(parent: str, name: str, value: Any) -> Any:
    """Return what a body says under ``name`` without the ids that :func:`identified` gives."""
    return _walked(parent, name, value, _without)


def _with(clause: Mapping[str, Any], identifier: str) -> Mapping[str, Any]:
    return {"id": identifier, **clause}


def _without(clause: Mapping[str, Any], identifier: str) -> Mapping[str, Any]:
    own = clause.get("id") != identifier
    return {name: value for name, value in clause.items() if own or name != "id"}


def _walked(parent: str, name: str, value: Any, tell: Tell) -> Any:
    if name in OPAQUE:
        return value
    place = f"{parent}/{name}"
    if isinstance(value, list):
        ids = _ids(parent, name, value) if name in _LISTED else [None] * len(value)
        found = enumerate(zip(value, ids, strict=True))
        return [_clause(place, str(number), one, told, tell) for number, (one, told) in found]
    told = derived(parent, name)[:_LENGTH] if name == _ALONE else None
    return _clause(place, "", value, told, tell)


def _ids(parent: str, name: str, clauses: Sequence[Any]) -> list[str]:
    """Return the ids of a list's clauses; equal ones are told apart by their ordinal."""
    seen: Counter[str] = Counter()
    found: list[str] = []
    for clause in clauses:
        content = json.dumps(_bare(clause), sort_keys=True, default=str)
        told = derived(parent, name, content, str(seen[content] + 1))[:_LENGTH]
        own = isinstance(clause, Mapping) and clause.get("id") not in (None, told)
        seen[content] += not own
        found.append(told)
    return found


def _clause(place: str, number: str, value: Any, told: str | None, tell: Tell) -> Any:
    """Return a mapping with what is inside of it; ``told`` is its id, if it is a clause."""
    if not isinstance(value, Mapping):
        return value
    here = f"{place}/{value.get('id') or told or number}"
    inside = {name: _walked(here, name, one, tell) for name, one in value.items()}
    return inside if told is None else tell(inside, told)


def _bare(value: Any) -> Any:
    """Return what a clause says, whatever ids it has."""
    if isinstance(value, Mapping):
        return {name: _bare(one) for name, one in value.items() if name != "id"}
    return [_bare(one) for one in value] if isinstance(value, list) else value
