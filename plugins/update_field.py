"""``update_field``: set fields of the record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, StringConstraints, field_validator, model_validator

from pointsman.plugin import ActionContext, Options, action
from pointsman.records import snake

__all__ = ["UpdateFieldOptions", "update_field"]

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$")]

_CUSTOM = "custom_fields"
_KEPT = frozenset(
    {"id", "owner", "owner_id", "created_at", "updated_at", "revision", "source", "origin"}
)


class UpdateFieldOptions(Options):
    """Options of ``update_field``: ``field`` with ``value``, ``fields``, or both."""

    field: Name | None = Field(
        default=None, description="Field to set, such as stage or custom_fields.plan."
    )
    value: Any = Field(default=None, description="What to set it to; null empties it.")
    fields: dict[Name, Any] = Field(
        default_factory=dict, max_length=100, description="Further fields with their values."
    )

    @field_validator("field", "fields")
    @classmethod
    def _changeable(cls, named: Any) -> Any:
        for name in [named] if isinstance(named, str) else named or ():
            if (root := snake(name.partition(".")[0])) in _KEPT:
                raise ValueError(f"'{root}' is kept by Pointsman and cannot be set")
            if root == _CUSTOM and "." not in name:
                raise ValueError("name the custom field, as in custom_fields.plan")
        return named

    @model_validator(mode="after")
    def _some(self) -> UpdateFieldOptions:
        if self.field is None and not self.fields:
            raise ValueError("give 'field' and 'value', or 'fields'")
        if (self.field is None) == ("value" in self.model_fields_set):
            raise ValueError("'field' and 'value' go together")
        return self


@action("update_field", quick=True)
async def update_field(options: UpdateFieldOptions, context: ActionContext) -> dict[str, Any]:
    """Set fields of the record that began the run.

    Values are read as those of a new lead are: by the type of their field, and what is no field of
    the organization goes to ``custom_fields``. All are set in one change, which makes one event; if
    every field has its value already, nothing is written and no event is made. The id, the owner
    and the times of a record cannot be set.

    Output: ``changed``, the names of the fields that had another value.
    """
    wanted = dict(options.fields)
    if options.field is not None:
        wanted[options.field] = options.value
    typed, after = context.record.typed(_by_field(wanted)), dict[str, Any]()

    def edit(record: Mapping[str, Any]) -> dict[str, Any]:
        after.update(typed)
        if _CUSTOM in typed:
            after[_CUSTOM] = {**(record.get(_CUSTOM) or {}), **typed[_CUSTOM]}
        return after

    before = await context.record.change(edit)
    return {"changed": sorted(name for name in after if before.get(name) != after[name])}


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
