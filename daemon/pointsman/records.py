"""A record as the world sees it: the API's JSON and its timeline.

Names that Pointsman knows are camelCase in the API and snake_case everywhere else; what stands
under ``custom_fields`` belongs to its sender and is never renamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pointsman.model import Origin
from pointsman.modules import camel
from pointsman.store.record_changes import difference
from pointsman.store.stored import LogEntry, StoredRecord, rfc3339

__all__ = ["camel", "camel_keys", "difference", "record_json", "snake", "timeline"]


def snake(name: str) -> str:
    """Return ``firstName`` as ``first_name``."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def camel_keys(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields with their own names, and no inner ones, in camelCase."""
    return {camel(name): value for name, value in fields.items()}


def record_json(organization_id: str, record: StoredRecord) -> dict[str, Any]:
    """Return the record as the API shows it."""
    told = {
        **camel_keys({"tags": [], "stage": None, "custom_fields": {}, **record.fields()}),
        "organizationId": organization_id,
        "revision": record.revision,
    }
    if record.module == "leads":
        told["origin"] = _origin_json(record.origin)
    return told


def timeline(record: StoredRecord) -> list[dict[str, Any]]:
    """Return what happened to a record, oldest first; it must be read with its log."""
    return list(map(_happened, record.log))


def _origin_json(origin: Origin) -> dict[str, str]:
    return {camel(name): v for name, v in origin._asdict().items() if v is not None}


def _happened(entry: LogEntry) -> dict[str, Any]:
    asked = {"by": entry.by, "note": entry.note, "conflict": entry.conflict}
    return {
        "revision": entry.revision,
        "types": list(entry.types),
        "at": rfc3339(entry.at),
        "origin": entry.origin,
        "depth": entry.depth,
        "previous": None if entry.previous is None else camel_keys(entry.previous),
        **{name: told for name, told in asked.items() if told is not None},
    }
