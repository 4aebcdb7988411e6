"""Fields of a record, set to what an action was told or found out: for actions that do so.

A name is that of a field, or ``custom_fields.plan``; values are read as those of a new record are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, StringConstraints

from pointsman.plugin import Record
from pointsman.records import snake

__all__ = ["FieldName", "set_fields"]

_CUSTOM = "custom_fields"
_KEPT = frozenset(
    {"id", "owner", "owner_id", "created_at", "updated_at", "revision", "source", "origin"}
)


def _changeable(name: str) -> str:
    if (root := snake(name.partition(".")[0])) in _KEPT:
        raise ValueError(f"'{root}' is kept by Pointsman and cannot be set")
    if root == _CUSTOM and "." not in name:
        raise ValueError("name the custom field, as in custom_fields.plan")
    return name


FieldName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$"),
    AfterValidator(_changeable),
]
"""The name of a field that an action may set."""


async def set_fields(record: Record, wanted: Mapping[str, Any]) -> list[str]:
    """Set fields in one change, and return the names of those that had another value."""
    typed, after = record.typed(_by_field(wanted)), dict[str, Any]()

    def edit(before: Mapping[str, Any]) -> dict[str, Any]:
        after.update(typed)
        if _CUSTOM in typed:
            after[_CUSTOM] = {**(before.get(_CUSTOM) or {}), **typed[_CUSTOM]}
        return after

    before = await record.change(edit)
    return sorted(name for name in after if before.get(name) != after[name])


def _by_field(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by field, those of ``custom_fields.*`` under that."""
    found: dict[str, Any] = {}
    for name, value in wanted.items():
        root, _, inner = name.partition(".")
        if inner and snake(root) == _CUSTOM:
            found.setdefault(_CUSTOM, {})[inner] = value
        else:
            found[name] = value
    return found
