"""``add_tag``: put tags on the record."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints, model_validator

from pointsman.plugin import ActionContext, Options, action

__all__ = ["AddTagOptions", "add_tag"]

Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class AddTagOptions(Options):
    """Options of ``add_tag``: ``tag``, ``tags``, or both."""

    tag: Tag | None = Field(default=None, description="One tag to add.")
    tags: tuple[Tag, ...] = Field(default=(), max_length=50, description="Tags to add.")

    @model_validator(mode="after")
    def _some(self) -> AddTagOptions:
        if self.tag is None and not self.tags:
            raise ValueError("give 'tag' or 'tags'")
        return self


@action("add_tag", quick=True)
async def add_tag(options: AddTagOptions, context: ActionContext) -> dict[str, Any]:
    """Add tags to the record that began the run.

    Tags are a set: one that the record has already is not added again, and if it has all of them,
    nothing is written and no event is made. New tags go to the end, in the order given.

    Output: ``added``, the tags that the record did not have.
    """
    wanted = tuple(dict.fromkeys([*([options.tag] if options.tag else []), *options.tags]))

    def edit(record: Any) -> dict[str, Any]:
        tags = list(record.get("tags") or ())
        return {"tags": [*tags, *(tag for tag in wanted if tag not in tags)]}

    before = await context.record.change(edit)
    return {"added": [tag for tag in wanted if tag not in (before.get("tags") or ())]}
