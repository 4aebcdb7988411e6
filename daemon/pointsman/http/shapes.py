"""Building blocks of the API's schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = [
    "COUNT",
    "FLAG",
    "ORDER",
    "TEXT",
    "TIME",
    "UUID",
    "Schema",
    "list_of",
    "object_of",
    "or_null",
]

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
UUID: Schema = {"type": "string", "format": "uuid"}
TIME: Schema = {"type": "string", "format": "date-time"}
COUNT: Schema = {"type": "integer", "minimum": 0}
ORDER: Schema = {"type": "integer", "minimum": 1}


def object_of(properties: Mapping[str, Schema]) -> Schema:
    """Return the schema of an object with exactly these properties."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": dict(properties),
        "required": list(properties),
    }


def list_of(items: Schema) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items}


def or_null(schema: Schema) -> Schema:
    """Return the schema of a value that may be null."""
    return {**schema, "type": [schema["type"], "null"]}
