"""Documents in two spellings: snake_case in files, camelCase in the API, by the files' schema.

Only names that the schema has are turned. What lies under a name of the user's choosing (headers,
a JSON body, custom fields) is left as it is, since the schema names nothing there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pointsman.http.names import camel

__all__ = ["api_place", "api_schema", "to_api", "to_file"]

Schema = Mapping[str, Any]

_NAME = re.compile(r"[^.\[\]]+")


def to_api(value: Any, root: Schema) -> Any:
    """Return a document of a file as the API tells it."""
    return _turned(value, root, root, api=True)


def to_file(value: Any, root: Schema) -> Any:
    """Return a document of the API as a file has it."""
    return _turned(value, root, root, api=False)


def api_place(place: str, root: Schema) -> str:
    """Return a place in a file, such as ``actions[0].action_type``, as that in the API's body."""
    known = set(_every_name(root))
    return _NAME.sub(lambda name: camel(name[0]) if name[0] in known else name[0], place)


def api_schema(schema: Any) -> Any:
    """Return a schema of a file as the schema of what the API takes."""
    if isinstance(schema, list):
        return [api_schema(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    turned: dict[str, Any] = {}
    for key, part in schema.items():
        if key == "properties":
            turned[key] = {camel(name): api_schema(each) for name, each in part.items()}
        elif key == "required":
            turned[key] = [camel(name) for name in part]
        else:
            turned[key] = part if key in {"enum", "const", "default"} else api_schema(part)
    return turned


def _every_name(schema: Any) -> Iterator[str]:
    """Yield every name of a key that a schema has."""
    if isinstance(schema, Mapping):
        yield from schema.get("properties", ())
        for part in schema.values():
            yield from _every_name(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _every_name(part)


def _turned(value: Any, schema: Schema, root: Schema, *, api: bool) -> Any:
    parts = list(_parts(value, schema, root))
    if isinstance(value, Mapping):
        known = _properties(parts)
        names = {name if api else camel(name): name for name in known}
        return {
            _told(key, names, api=api): _turned(
                item, known.get(names.get(key, ""), {}), root, api=api
            )
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        items = {"allOf": [part["items"] for part in parts if "items" in part]}
        return [_turned(item, items, root, api=api) for item in value]
    return value


def _properties(parts: Sequence[Schema]) -> Mapping[str, Schema]:
    """Return what several schemas of one object say of its keys, by key."""
    found: dict[str, dict[str, Any]] = {}
    for part in parts:
        for name, about in part.get("properties", {}).items():
            found.setdefault(name, {"allOf": []})["allOf"].append(about)
    return found


def _told(key: str, names: Mapping[str, str], *, api: bool) -> str:
    """Return a key in the other spelling; one that the schema does not name stays."""
    name = names.get(key)
    if name is None:
        return key
    return camel(name) if api else name


def _parts(value: Any, schema: Schema, root: Schema) -> Iterator[Schema]:
    """Yield every schema that says something of a value's keys or items."""
    yield schema
    if "$ref" in schema:
        yield from _parts(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    for part in (*schema.get("allOf", ()), *schema.get("anyOf", ())):
        yield from _parts(value, part, root)
    if "if" in schema:
        chosen = "then" if _applies(schema["if"], value) else "else"
        if isinstance(schema.get(chosen), Mapping):
            yield from _parts(value, schema[chosen], root)


def _applies(condition: Schema, value: Any) -> bool:
    """Tell whether a value is what a choice of the schema is about."""
    if condition.get("type") == "string" or not isinstance(value, Mapping):
        return isinstance(value, str)
    present = all(name in value or camel(name) in value for name in condition.get("required", ()))
    return present and all(
        "const" not in about or value.get(name, value.get(camel(name))) == about["const"]
        for name, about in condition.get("properties", {}).items()
    )
