"""``update_field``: set fields of the record."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from pointsman.changing import FieldName, set_fields
from pointsman.plugin import ActionContext, Options, action

__all__ = ["UpdateFieldOptions", "update_field"]


class UpdateFieldOptions(Options):
    """Options of ``update_field``: ``field`` with ``value``, ``fields``, or both."""

    field: FieldName | None = Field(
        default=None, description="Field to set, such as stage or custom_fields.plan."
    )
    value: Any = Field(default=None, description="What to set it to; null empties it.")
    fields: dict[FieldName, Any] = Field(
        default_factory=dict, max_length=100, description="Further fields with their values."
    )

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
    return {"changed": await set_fields(context.record, wanted)}
