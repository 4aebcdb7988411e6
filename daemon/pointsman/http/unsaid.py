"""What bodies of flows hold without saying anything, as clients send it: null, empty rule sets.

Null stays where it clears: at the flow itself, and at its parts (a source, a step, a cap), for
whoever knows all of their keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pointsman.http.clause_ids import OPAQUE

__all__ = ["meant"]

_PARTS = ("sources", "steps", "caps", "ping_limits")
_MADE = ("created_at", "updated_at")
_MAY_BE_EMPTY = ("rule_set", "lookback")
_NULLS = ("value", "rhv", "lookback")


def meant(name: str, value: Any) -> Any:
    """Return a value without what says nothing: null, no rules, when a part of it was made."""
    if name in OPAQUE:
        return value
    if isinstance(value, list):
        return [meant(name if name in _PARTS else "", one) for one in value]
    if not isinstance(value, Mapping):
        return value
    found = {key: meant(key, one) for key, one in value.items()}
    dropped = _MADE if name in _PARTS else ()
    kept = {
        key: one
        for key, one in found.items()
        if key not in dropped
        and not (key in _MAY_BE_EMPTY and one == {})
        and (one is not None or name in _PARTS or key in _NULLS)
    }
    return None if name == "acceptance_criteria" and "rule_set" not in kept else kept
