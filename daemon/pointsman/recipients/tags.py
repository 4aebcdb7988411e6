"""XML elements as data: attributes and children by name, repeated children as a list.

Text beside attributes or children is ``_``; an element with neither is its text.
"""

from __future__ import annotations

from typing import Any

__all__ = ["as_data"]

_DEEPEST = 20
_MOST_CHILDREN = 1_000


def as_data(element: Any, depth: int = 0) -> Any:
    """Return what an element holds; below the deepest level nothing is looked at."""
    named: dict[str, Any] = {_name(key): value for key, value in element.attrib.items()}
    children = [child for child in element[:_MOST_CHILDREN] if isinstance(child.tag, str)]
    if not named and not children:
        return element.text or ""
    for child in children if depth < _DEEPEST else ():
        _add(named, _name(child.tag), as_data(child, depth + 1))
    text = (element.text or "").strip()
    if text:
        named["_"] = text
    return named


def _add(named: dict[str, Any], name: str, value: Any) -> None:
    if name not in named:
        named[name] = value
    elif isinstance(named[name], list):
        named[name].append(value)
    else:
        named[name] = [named[name], value]


def _name(tag: str) -> str:
    local = tag.rpartition("}")[2]
    return f"'{local}'" if local.isdigit() else local
