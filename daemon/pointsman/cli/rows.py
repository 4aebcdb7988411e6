"""A JSON Schema as rows for people: each key's path, type, what it is when left out, and meaning.

``[]`` stands for each item of a list, ``*`` for any key; what contains itself is told once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

__all__ = ["Row", "rows"]

Schema = Mapping[str, Any]
Seen = tuple[str, ...]


class Row(NamedTuple):
    """One key that a file or an action may have."""

    path: str
    kind: str
    left_out: str
    about: str


def rows(schema: Schema) -> Iterator[Row]:
    """Yield a row for every key under ``schema``, depth first."""
    return _rows(schema, schema, "", ())


def _rows(schema: Schema, root: Schema, prefix: str, seen: Seen) -> Iterator[Row]:
    required = schema.get("required", ())
    for name, below in schema.get("properties", {}).items():
        option, refs = _resolved(below, root, seen)
        path = f"{prefix}{name}"
        about = str(below.get("description", option.get("description", "")))
        yield Row(path, _kind(option, root), _left_out(option, needed=name in required), about)
        yield from _rows(option, root, f"{path}.", refs)
        if "items" in option:
            yield from _items(option["items"], root, f"{path}[].", refs)
        if isinstance(option.get("additionalProperties"), Mapping):
            yield from _rows(option["additionalProperties"], root, f"{path}.*.", refs)


def _items(items: Schema, root: Schema, prefix: str, seen: Seen) -> Iterator[Row]:
    """Yield the rows of a list's items, of both forms where they have two."""
    item, refs = _resolved(items, root, seen)
    yield from _rows(item, root, prefix, refs)
    for form in ("then", "else"):
        inner, inner_refs = _resolved(item.get(form, {}), root, refs)
        yield from _rows(inner, root, prefix, inner_refs)


def _resolved(schema: Schema, root: Schema, seen: Seen) -> tuple[Schema, Seen]:
    """Return a schema as one object: without placeholder, null or reference."""
    if "else" in schema and "type" not in schema:
        schema = {**schema, **schema["else"]}
    choices = [choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]
    if len(choices) == 1:
        schema = {**choices[0], **schema}
    ref = schema.get("$ref")
    if ref is None:
        return schema, seen
    if ref in seen:
        return {"type": "object"}, seen
    return {**root["$defs"][ref.rpartition("/")[2]], **schema}, (*seen, ref)


def _kind(schema: Schema, root: Schema) -> str:
    """Return a type in words."""
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    kind = schema.get("type")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array" and "items" in schema:
        return f"list of {_kind(_resolved(schema['items'], root, ())[0], root)}"
    if kind == "string":
        return str(schema.get("format", kind))
    if kind is None and "anyOf" in schema:
        kinds = (_kind(_resolved(choice, root, ())[0], root) for choice in schema["anyOf"])
        return " or ".join(dict.fromkeys(kinds))
    return "any value" if kind is None else str(kind)


def _left_out(schema: Schema, *, needed: bool) -> str:
    if needed:
        return "required"
    default = schema.get("default")
    return "optional" if default is None else f"default {json.dumps(default)}"
