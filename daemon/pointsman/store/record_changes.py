"""What a change of a record means: what follows from it in the record, and which events it is.

Values are compared as JSON has them: true is not 1, and 1 is 1.0. An absent field and one that is
null are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pointsman.modules import CONVERSIONS, Module

__all__ = ["difference", "due_at", "event_types", "is_same", "settle"]

Fields = Mapping[str, Any]

_OPEN = "open"


def is_same(one: Any, other: Any) -> bool:
    """Tell whether two JSON values are the same, with the same types all the way down."""
    if one is other:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(v, other[k]) for k, v in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(is_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def difference(before: Fields, after: Fields) -> dict[str, Any] | None:
    """Return the earlier values of what differs, ``None`` for what was absent; or ``None``."""
    names = [name for name in {**before, **after} if not is_same(before.get(name), after.get(name))]
    return {name: before.get(name) for name in names} or None


def settle(module: Module, before: Fields, after: dict[str, Any], now: str) -> None:
    """Put into ``after`` what Pointsman itself keeps of a record; ``now`` is RFC 3339.

    A stage that is a word for an outcome sets the status too, and leaving it opens the record again
    (unless the same change says what the status is).
    """
    if module.name == "leads":
        _settle_conversion(before, after, now)
    if module.staged:
        _settle_stage(module, before, after)
    for name, value in module.defaults.items():
        after.setdefault(name, value)
    if module.closed:
        _settle_closing(module, before, after, now)
    if module.timer and (module.outcome(after) or _differs("due_date", before, after)):
        after.pop("is_overdue", None)


def event_types(module: Module, before: Fields | None, after: Fields) -> list[str]:
    """Return the events that a change from ``before`` (``None``: the record is new) is."""
    reached = module.outcome(after)
    names = ["created"] if before is None else ["updated"]
    known = before or {}
    if before is not None:
        names += [name for field, name in module.told.items() if _differs(field, known, after)]
    if module.assigned and after.get("owner_id") and _differs("owner_id", known, after):
        names.append("assigned")
    if reached and module.outcome(known) != reached:
        names.append(reached)
    if after.get("converted_at") and not known.get("converted_at") and module.name == "leads":
        names.append("converted")
    return [module.event(name) for name in names]


def due_at(module: Module, data: Fields) -> int | None:
    """Return when a record's time is over, in milliseconds; ``None`` if nobody waits for that."""
    due = data.get("due_date")
    if not module.timer or not isinstance(due, str) or module.outcome(data):
        return None
    try:
        return int(datetime.fromisoformat(due).timestamp() * 1000)
    except ValueError:
        return None


def _differs(name: str, before: Fields, after: Fields) -> bool:
    return not is_same(before.get(name), after.get(name))


def _settle_conversion(before: Fields, after: dict[str, Any], now: str) -> None:
    gained = any(after.get(name) and _differs(name, before, after) for name in CONVERSIONS)
    if gained and not before.get("converted_at"):
        after["converted_at"] = now


def _settle_stage(module: Module, before: Fields, after: dict[str, Any]) -> None:
    if not _differs("stage", before, after) or _differs("status", before, after):
        return
    outcome = module.outcome_of(after.get("stage"))
    if outcome or module.outcome_of(before.get("stage")):
        after["status"] = outcome or _OPEN


def _settle_closing(module: Module, before: Fields, after: dict[str, Any], now: str) -> None:
    outcome = module.outcome(after)
    if outcome is None:
        after.pop(module.closed, None)
    elif module.outcome(before) != outcome:
        after[module.closed] = now
