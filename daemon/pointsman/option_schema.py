"""What an action's options look like in a file: a JSON Schema that stands alone.

Everywhere a placeholder such as ``{{trigger.score}}`` is accepted too, because what it stands for
is known only when the action runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

__all__ = ["holds_placeholder", "marked", "opened", "whole_schema"]

Fields = Mapping[str, Any]
Path = tuple[str | int, ...]

_PLACEHOLDER = {"type": "string", "pattern": r"\{\{.*\}\}"}
_NO_DEFAULT = ("default", None)
_MARKS = ("x-credential", "x-actions", "x-member", "x-pool", "x-recipient", "x-pointer")
_TOLD = ("description", "default", "examples", *_MARKS)


@lru_cache(maxsize=256)
def whole_schema(options: type[BaseModel]) -> Fields:
    """Return the schema of options without references and titles."""
    schema = options.model_json_schema()
    whole: dict[str, Any] = _inlined(schema, schema.get("$defs", {}))
    return whole


def _inlined(schema: Any, definitions: Fields) -> Any:
    """Return a schema with every reference replaced by what it names, and without titles."""
    if isinstance(schema, list):
        return [_inlined(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    named = definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else {}
    kept = {key: value for key, value in schema.items() if key not in {"$ref", "$defs"}}
    return {
        key: (
            {name: _inlined(option, definitions) for name, option in value.items()}
            if key == "properties"
            else _inlined(value, definitions)
        )
        for key, value in {**named, **kept}.items()
        if key != "title"
    }


def opened(schema: Fields) -> dict[str, Any]:
    """Return a schema that a placeholder satisfies too, inside lists and objects as well."""
    inner = _without_null(schema)
    if isinstance(inner.get("items"), dict):
        inner["items"] = opened(inner["items"])
    if "properties" in inner:
        inner["properties"] = {name: opened(part) for name, part in inner["properties"].items()}
    if isinstance(inner.get("additionalProperties"), dict):
        inner["additionalProperties"] = opened(inner["additionalProperties"])
    told = {key: inner.pop(key) for key in _TOLD if key in inner}
    if not inner or inner == {"type": "string"}:
        return {**told, **inner}
    return {**told, "if": _PLACEHOLDER, "else": inner}


def _without_null(schema: Fields) -> dict[str, Any]:
    """Return the schema of an option that may be left out as that of its value: told plainly."""
    kinds = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    if len(kinds) != 1:
        return dict(schema)
    told = {name: v for name, v in schema.items() if name != "anyOf" and (name, v) != _NO_DEFAULT}
    return {**kinds[0], **told}


def holds_placeholder(config: Any, path: Path) -> bool:
    """Whether what stands at a path of written options has a placeholder in it."""
    for part in path:
        if isinstance(config, str):
            break
        try:
            config = config[part]
        except (KeyError, IndexError, TypeError):
            return False
    return isinstance(config, str) and "{{" in config


def marked(schema: Fields, mark: str, config: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield the texts of written options that have a mark, as (path, text), placeholders aside.

    A mark such as ``x-credential`` tells what an option names; of a list, each of its texts.
    """
    if schema.get(mark):
        listed = enumerate(config) if isinstance(config, list) else ()
        for inner, text in (((), config), *(((place,), one) for place, one in listed)):
            if isinstance(text, str) and "{{" not in text:
                yield (*path, *inner), text
    for choice in schema.get("anyOf", ()):
        yield from marked(choice, mark, config, path)
    if isinstance(config, Mapping):
        for name, option in schema.get("properties", {}).items():
            if name in config:
                yield from marked(option, mark, config[name], (*path, name))
    if isinstance(config, list) and isinstance(schema.get("items"), Mapping):
        for place, one in enumerate(config):
            yield from marked(schema["items"], mark, one, (*path, place))
