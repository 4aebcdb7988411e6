"""The variables of flows: ``lead.state``, ``lead.phone_1.area``, ``my_crm.lead.last_name``.

A scope is a mapping of plain data by root: ``lead`` (field id to value, typed ones as
:class:`~pointsman.fields.types.Value`), ``submission``, ``account``, ``flow``, ``source``,
``random``, ``suppressionlist``, a step's key. A path reaches items of mappings and lists and the
named attributes of typed values; no attribute of any other object is ever read, so
``lead.__class__`` is a field that nobody has. Field ids have dots of their own: ``company.name``
is looked for whole before it is looked for in parts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from pointsman.fields.text import as_text
from pointsman.fields.types import Value, field_types
from pointsman.rules.paths import MISSING

__all__ = [
    "VARIABLE",
    "Lookup",
    "Scope",
    "compile_variable",
    "lone_field",
    "plain",
    "text_of",
    "typed_lead",
]

Scope = Mapping[str, Any]
Lookup = Callable[[Scope], Any]

VARIABLE: Final = re.compile(r"[A-Za-z0-9_-]+(?:\.(?:[A-Za-z0-9_-]+|'[0-9]+'))*", re.ASCII)
"""What a variable looks like; keys of nothing but digits may be quoted, as answers write them."""

_FIELD = re.compile(r"\s*(?:\{\{\s*)?lead\.([a-z0-9_.]+)\s*(?:\}\})?\s*")
_ASPECTS = frozenset({"raw", "normal", "valid", "masked"})
_LONGEST_INDEX = 9
_MOST_PARTS = 32


def compile_variable(path: str) -> Lookup:
    """Return a function from a scope to the value at ``path``: plain data, a ``Value``, MISSING.

    Raises ``ValueError`` for a path that is none.
    """
    parts = path.split(".")
    if not VARIABLE.fullmatch(path) or len(parts) > _MOST_PARTS:
        raise ValueError(f"'{path[:200]}' is not a variable; write one such as lead.phone_1.area")
    if len(parts) == 1:
        return lambda scope: scope.get(path, MISSING)
    root, rest = parts[0], parts[1:]
    if len(rest) == 1:
        return _inside(root, rest[0])
    splits = [(".".join(rest[:at]), rest[at:]) for at in range(len(rest), 0, -1)]

    def deep(scope: Scope) -> Any:
        holder = scope.get(root, MISSING)
        if not isinstance(holder, Mapping):
            return _walk(holder, rest)
        for name, below in splits:
            if name in holder and (found := _walk(holder[name], below)) is not MISSING:
                return found
        return _walk(holder, rest)

    return deep


def lone_field(written: str) -> str | None:
    """Return the field of the lead that a variable, or a template of nothing else, names."""
    found = _FIELD.fullmatch(written)
    return found[1] if found else None


def plain(value: Any) -> Any:
    """Return what a value is in JSON: a typed one's normal form, as posted where it is not valid.

    Lists and objects are gone through.
    """
    if isinstance(value, Value):
        return value.raw if value.valid is False and not value.masked else value.normal
    if type(value) is list:
        return [plain(item) for item in value]
    if type(value) is dict:
        return {key: plain(item) for key, item in value.items()}
    return None if value is MISSING else value


def text_of(value: Any) -> str:
    """Return the text of a value; nothing is no text."""
    value = plain(value)
    return value if isinstance(value, str) else as_text(value)


def typed_lead(
    lead: Mapping[str, Any], types: Mapping[str, str], now: datetime | None = None
) -> dict[str, Any]:
    """Return a lead with the fields that ``types`` names typed; others stay as they are.

    Raises ``ValueError`` for a type that does not exist.
    """
    typed = dict(lead)
    for name, kind in types.items():
        if not isinstance(kind, str) or kind not in field_types:
            raise ValueError(f"types.{name}: {field_types.explain_missing(str(kind))}")
        found = compile_variable(f"lead.{name}")({"lead": lead})
        if isinstance(found, list):
            typed[name] = [field_types[kind].value(item, now) for item in found]
        elif found is not MISSING:
            typed[name] = field_types[kind].value(found, now)
    return typed


def _inside(root: str, name: str) -> Lookup:
    def reach(scope: Scope) -> Any:
        holder = scope.get(root, MISSING)
        found = holder.get(name, MISSING) if type(holder) is dict else MISSING
        return _item(holder, name) if found is MISSING else found

    return reach


def _walk(value: Any, parts: list[str]) -> Any:
    for part in parts:
        value = _item(value, part)
        if value is MISSING:
            return MISSING
    return value


def _item(value: Any, part: str) -> Any:
    if isinstance(value, Mapping):
        found = value.get(part, MISSING)
        if found is MISSING and part.isdigit():
            return value.get(f"'{part}'", MISSING)
        return found
    if isinstance(value, Value):
        return _attribute(value, part)
    if isinstance(value, list | tuple) and part.isdigit():
        index = int(part[:_LONGEST_INDEX])
        return value[index] if index < len(value) else MISSING
    return MISSING


def _attribute(value: Value, name: str) -> Any:
    if name in value.attributes:
        return value.attributes[name]
    if name in _ASPECTS:
        return getattr(value, name)
    return _item(value.raw, name) if isinstance(value.raw, list | tuple) else MISSING
