"""A lead as the world sees it: the API's JSON, its timeline, and what a change changed.

Names that Pointsman knows are camelCase in the API and snake_case everywhere else; what stands
under ``custom_fields`` belongs to its sender and is never renamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pointsman.ids import lead_uuid
from pointsman.model import Origin
from pointsman.store.leads import LogEntry, StoredLead
from pointsman.store.stored import rfc3339

__all__ = ["camel", "difference", "lead_json", "snake", "timeline"]


def camel(name: str) -> str:
    """Return ``first_name`` as ``firstName``."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def snake(name: str) -> str:
    """Return ``firstName`` as ``first_name``."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def lead_json(lead: StoredLead) -> dict[str, Any]:
    """Return the lead as the API shows it."""
    return {
        "id": lead_uuid(lead.id),
        **{camel(name): value for name, value in lead.data.items()},
        "customFields": lead.data.get("custom_fields", {}),
        "ownerId": lead.owner,
        "source": lead.source,
        "origin": _origin_json(lead.origin),
        "revision": lead.revision,
        "createdAt": rfc3339(lead.created),
        "updatedAt": rfc3339(lead.updated),
    }


def timeline(lead: StoredLead) -> list[dict[str, Any]]:
    """Return what happened to the lead, oldest first; the lead must be read with its log."""
    return [_event_json(entry) for entry in lead.log]


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the earlier values of what differs, ``None`` for what was absent; or ``None``."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {name: before.get(name) for name in names} or None


def _origin_json(origin: Origin) -> dict[str, str]:
    given = ((name, getattr(origin, name)) for name in Origin.__slots__)
    return {camel(name): value for name, value in given if value is not None}


def _event_json(entry: LogEntry) -> dict[str, Any]:
    return {
        "revision": entry.revision,
        "types": list(entry.types),
        "at": rfc3339(entry.at),
        "origin": entry.origin,
        "depth": entry.depth,
        "changed": sorted(camel(name) for name in entry.previous or {}),
    }
