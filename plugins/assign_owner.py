"""``assign_owner``: give the record an owner."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from pointsman.plugin import ActionContext, Options, action

__all__ = ["AssignOwnerOptions", "assign_owner"]

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class AssignOwnerOptions(Options):
    """Options of ``assign_owner``: ``user_ids`` or ``pool``; ``fixed`` takes ``user_id``."""

    algorithm: Literal["round_robin", "least_loaded", "fixed"] = Field(
        default="round_robin",
        description="Who gets it: the next in turn, whoever has least, or one person.",
    )
    user_ids: tuple[Name, ...] = Field(
        default=(),
        max_length=1000,
        description="Who can get it, by handle or id, in this order.",
        json_schema_extra={"x-member": True, "x-pointer": True},
    )
    pool: Name | None = Field(
        default=None,
        description="The pool whose people can get it, by its file in pools/ or its id.",
        json_schema_extra={"x-pool": True},
    )
    user_id: Name | None = Field(
        default=None,
        description="Who gets it, by handle or id; for fixed.",
        json_schema_extra={"x-member": True},
    )
    overwrite: bool = Field(
        default=False, description="Whether a record that has an owner gets another one."
    )

    @model_validator(mode="after")
    def _right(self) -> Self:
        if self.algorithm == "fixed":
            if self.user_id is None or self.user_ids or self.pool is not None:
                raise ValueError("'fixed' needs 'user_id', and neither 'user_ids' nor 'pool'")
        elif self.user_id is not None or bool(self.user_ids) == (self.pool is not None):
            raise ValueError(f"'{self.algorithm}' needs 'user_ids' or 'pool', and only one of them")
        return self


@action("assign_owner", quick=True)
async def assign_owner(options: AssignOwnerOptions, context: ActionContext) -> dict[str, Any]:
    """Give the record that began the run an owner.

    ``round_robin`` with a ``pool`` takes a turn in it, as a lead that comes in does: its pointer
    moves on, its caps count, and who is away is stepped over. With ``user_ids`` these people take
    turns with a pointer of their own, which belongs to this action: give the action an ``id`` or a
    ``key``, and the pointer stays where it is whatever else is changed. ``least_loaded`` gives it
    to whoever has the fewest open records of its module (leads that are not converted,
    opportunities that are neither won nor lost, tasks and projects that are not completed), among
    equals to the first; caps are not looked at. ``fixed`` gives it to ``user_id``.

    A record that has an owner is left alone unless ``overwrite`` is true. If nobody may be served,
    it is left as it is, and the run goes on; a ``branch`` can ask for ``steps.1.reason``.

    Output: ``owner_id``, ``before`` and ``reason``, which is ``assigned``, ``already_owned`` or
    ``no_eligible_participant``.
    """
    fixed = (options.user_id,) if options.user_id is not None else ()
    return dict(
        await context.record.assign(
            options.algorithm,
            people=fixed or options.user_ids,
            pool=options.pool,
            overwrite=options.overwrite,
        )
    )
