"""What a recipient is given: options by dotted names, as mappings make them.

``json_property.person.name`` and ``{"json_property": {"person": {"name": …}}}`` say the same. Keys
of nothing but digits are places of a list, if all keys beside them are; places that are missing or
empty close up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["Given", "flag", "grouped", "grown", "leaves", "text_of"]

Given = Mapping[str, Any]

DEEPEST = 20
_TRUE = frozenset({"true", "t", "yes", "y", "1", "on"})


def text_of(value: Any) -> str:
    """Return the text of a plain value as it goes over the wire."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, list | tuple):
        return ", ".join(map(text_of, value))
    return str(value) if isinstance(value, int | float) else ""


def flag(given: Given, name: str, *, default: bool = False) -> bool:
    """Return whether an option is set."""
    value = given.get(name)
    if value is None or value == "":
        return default
    return value if isinstance(value, bool) else text_of(value).strip().lower() in _TRUE


def grouped(given: Given, name: str) -> dict[str, Any]:
    """Return what stands below ``name``, by the rest of the names, in the order given."""
    found: dict[str, Any] = {}
    for key, value in given.items():
        if key == name and isinstance(value, Mapping):
            found |= value
        elif key.startswith(f"{name}."):
            found[key[len(name) + 1 :]] = value
    return found


def leaves(given: Given, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield dotted names and values that are no objects; lists stay whole."""
    for key, value in given.items():
        if isinstance(value, Mapping) and depth < DEEPEST:
            yield from leaves(value, f"{prefix}{key}.", depth + 1)
        else:
            yield f"{prefix}{key}", value


def grown(given: Given) -> Any:
    """Return the object or list that dotted names describe."""
    root: dict[str, Any] = {}
    for name, value in leaves(given):
        parts = name.split(".", DEEPEST)
        here = root
        for part in parts[:-1]:
            below = here.get(part)
            if not isinstance(below, dict):
                below = here[part] = {}
            here = below
        here[parts[-1]] = value
    return _closed(root)


def _closed(value: Any) -> Any:
    """Return objects whose keys are all places as lists."""
    if not isinstance(value, dict):
        return value
    if value and all(key.isascii() and key.isdigit() for key in value):
        ordered = sorted(value.items(), key=lambda item: int(item[0][:18]))
        return [_closed(item) for _, item in ordered if item is not None]
    return {key: _closed(item) for key, item in value.items()}
