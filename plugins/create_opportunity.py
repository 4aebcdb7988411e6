"""``create_opportunity``: make an opportunity of the record."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from pointsman.plugin import ActionContext, ActionError, Options, action

__all__ = ["CreateOpportunityOptions", "create_opportunity"]

_LINKS = {"leads": "lead_id", "contacts": "contact_id", "accounts": "account_id"}
"""The field that names the record of a run, by its module."""

_INHERITED = ("lead_id", "contact_id", "account_id")


class CreateOpportunityOptions(Options):
    """Options of ``create_opportunity``; what is left out stays empty."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)] = Field(
        max_length=500, description="What the opportunity is called."
    )
    amount: float | None = Field(default=None, ge=0, description="What it is worth.")
    currency: str | None = Field(
        default=None, min_length=3, max_length=3, description="Currency of the amount: USD."
    )
    stage: str | None = Field(default=None, max_length=200, description="The stage it begins in.")
    probability: float | None = Field(
        default=None, ge=0, le=100, description="How likely it is to be won, in percent."
    )
    close_date: str | None = Field(
        default=None, max_length=100, description="When it shall be closed: 2026-07-01."
    )
    description: str | None = Field(default=None, max_length=10_000, description="More about it.")
    owner_id: str | None = Field(
        default=None,
        max_length=200,
        description="Whose it is, by handle or id; left out, whoever owns the record.",
        json_schema_extra={"x-member": True},
    )
    tags: tuple[str, ...] = Field(default=(), max_length=50, description="Its tags.")
    custom_fields: dict[str, Any] = Field(
        default_factory=dict, max_length=100, description="Fields of your own."
    )


@action("create_opportunity", quick=True)
async def create_opportunity(
    options: CreateOpportunityOptions, context: ActionContext
) -> dict[str, Any]:
    """Make an opportunity of the lead, contact or account that began the run.

    The two are linked to each other in one change. A lead that gets its first one is converted,
    which is an event of its own (``lead_converted``); the opportunity counts for the goals of the
    pool that assigned the lead. It is made once, however often the step is tried.

    Output: ``opportunity_id``.
    """
    link = _LINKS.get(context.module)
    if link is None:
        known = ", ".join(_LINKS)
        raise ActionError(f"an opportunity is made of {known}, not of {context.module}")
    fields = options.model_dump(exclude={"owner_id", "tags"}, exclude_none=True)
    fields |= {name: context.trigger.get(name) for name in _INHERITED}
    fields |= {
        link: context.trigger.get("id"),
        "owner": options.owner_id or context.owner_id(),
        "tags": list(options.tags),
    }
    (made,) = await context.record.create(("opportunities", fields))
    return {"opportunity_id": made}
