"""What a schema refuses, in words: what was found, what was expected, the nearest name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pointsman.config.faults import Path
from pointsman.config.formats import EXPECTED
from pointsman.registry import nearest

__all__ = ["Finding", "told"]

Error = Any
"""An error of ``jsonschema``, whose types allow for attributes that are not set yet."""

_KINDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "nothing",
}
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong in a document; ``key`` is the key at ``path`` to point at, if any."""

    path: Path
    message: str
    key: str | None = None


def told(error: Error) -> Iterator[Finding]:
    """Yield what to tell about one error of ``jsonschema``: one finding, or one a wrong key."""
    path = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        yield from _unknown_keys(error, path)
    else:
        write = _WRITERS.get(str(error.validator))
        yield Finding(path, write(error) if write else error.message)


def _unknown_keys(error: Error, path: Path) -> Iterator[Finding]:
    known = list(error.schema.get("properties", {}))
    listed = ", ".join(known)
    for key in sorted(set(error.instance) - set(known) - _free_keys(error)):
        message = f"unknown key {_shown(key)}{nearest(key, known)} (known: {listed})"
        yield Finding(path, message, key)


def _free_keys(error: Error) -> set[str]:
    patterns = error.schema.get("patternProperties", {})
    prefixes = tuple(pattern.removeprefix("^") for pattern in patterns)
    return {key for key in error.instance if prefixes and key.startswith(prefixes)}


def _type(error: Error) -> str:
    kinds = error.validator_value
    names = [kinds] if isinstance(kinds, str) else kinds
    unquoted = "string" in names and isinstance(error.instance, int | float)
    hint = "; put it in quotes" if unquoted else ""
    return f"expected {' or '.join(_KINDS[n] for n in names)}, found {_found(error)}{hint}"


def _enum(error: Error) -> str:
    known = [str(value) for value in error.validator_value]
    near = nearest(error.instance, known) if isinstance(error.instance, str) else ""
    because = error.schema.get("x-because")
    told = f"{_found(error)} is not known here{near} (known: {', '.join(known)})"
    return f"{told}; {because}" if because else told


def _required(error: Error) -> str:
    missing = next(k for k in error.validator_value if error.message.startswith(repr(k)))
    because = f"; {error.schema['description']}" if _conditional(error) else ""
    return f"the key '{missing}' is missing{because}"


def _conditional(error: Error) -> bool:
    path = list(error.schema_path)
    return len(path) > 1 and path[-2] == "then" and "description" in error.schema


def _format(error: Error) -> str:
    name = str(error.validator_value)
    return f"expected {EXPECTED.get(name, name)}, found {_found(error)}"


def _pattern(error: Error) -> str:
    expected = error.schema.get("x-expected", f"text like {error.validator_value}")
    return f"expected {expected}, found {_found(error)}"


def _size(words: str) -> Callable[[Error], str]:
    def write(error: Error) -> str:
        found = error.instance if isinstance(error.instance, (int, float)) else len(error.instance)
        limit = error.validator_value
        expected = words.format(limit).removesuffix("s" if limit == 1 else "")
        return f"expected {expected}, found {found}"

    return write


def _forms(error: Error) -> str:
    kinds = {
        _KINDS[choice["type"]]
        for choice in error.validator_value
        if isinstance(choice.get("type"), str)
    }
    expected = " or ".join(sorted(kinds)) or "one of its forms"
    return f"expected {expected}, found {_found(error)}"


def _found(error: Error) -> str:
    """Return what was found, unless the schema says that it is not to be read back."""
    return "a secret" if error.schema.get("writeOnly") else _shown(error.instance)


def _shown(value: Any) -> str:
    """Return a value as it may stand in a message: short, never a whole object."""
    if isinstance(value, str):
        return f"'{value}'" if len(value) <= _SHOWN else f"'{value[:_SHOWN]}…'"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return "nothing" if value is None else json.dumps(value)


_WRITERS: Mapping[str, Callable[[Error], str]] = {
    "type": _type,
    "enum": _enum,
    "const": lambda error: f"expected {_shown(error.validator_value)}",
    "required": _required,
    "format": _format,
    "pattern": _pattern,
    "anyOf": _forms,
    "minLength": _size("at least {} characters"),
    "maxLength": _size("at most {} characters"),
    "minItems": _size("at least {} items"),
    "maxItems": _size("at most {} items"),
    "minProperties": _size("at least {} keys"),
    "maxProperties": _size("at most {} keys"),
    "minimum": _size("at least {}"),
    "maximum": _size("at most {}"),
    "exclusiveMinimum": _size("more than {}"),
    "exclusiveMaximum": _size("less than {}"),
    "uniqueItems": lambda error: f"a value is here twice: {_twice(error.instance)}",
}


def _twice(values: list[Any]) -> str:
    return next(_shown(v) for i, v in enumerate(values) if v in values[:i])
