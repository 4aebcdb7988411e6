from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pointsman.ids import lead_uuid, parse_lead_id
from pointsman.plugin import ActionError
from pointsman.store.redis import RedisStore
from pointsman.testing import KeptRecord, action_context, perform
from pooling import ORGANIZATION
from working import House, engine, make_workflow, organization_with

LEAD = {"id": "0195d0a8-1234-8567-8000-000012345678", "owner_id": "ada"}


async def made(module: str = "leads", **config: Any) -> dict[str, Any]:
    """Return the opportunity that is made."""
    async with action_context(LEAD, module=module) as context:
        output = await perform("create_opportunity", {"name": "Roof", **config}, context)
    assert isinstance(context.record, KeptRecord)
    ((kind, fields),) = context.record.created
    assert (kind, output) == ("opportunities", {"opportunity_id": fields["id"]})
    return dict(fields)


async def test_it_names_its_lead_and_belongs_to_the_owner() -> None:
    fields = await made(amount=1200, stage="New", tags=["roof"], custom_fields={"plan": "gold"})

    assert (fields["lead_id"], fields["owner"]) == (LEAD["id"], "ada")
    assert (fields["amount"], fields["stage"]) == (1200, "New")
    assert (fields["tags"], fields["custom_fields"]) == (["roof"], {"plan": "gold"})


async def test_of_a_contact_or_for_somebody_else() -> None:
    fields = await made("contacts", owner_id="bruno")

    assert (fields["contact_id"], fields["lead_id"]) == (LEAD["id"], None)
    assert fields["owner"] == "bruno"


async def test_of_a_task_none_is_made() -> None:
    with pytest.raises(ActionError, match="not of tasks"):
        await made("tasks")


@pytest.mark.parametrize("config", [{"name": " "}, {"amount": -1}, {"currency": "EURO"}])
async def test_options_that_say_no_opportunity_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        await made(**config)


async def test_the_lead_is_converted_and_both_are_linked_in_one_change(
    store: RedisStore, redis_url: str
) -> None:
    """The event of the conversion begins workflows of its own."""
    make = make_workflow(
        {"action_type": "create_opportunity", "config": {"name": "Roof of {{trigger.first_name}}"}}
    )
    told = make_workflow(
        {"action_type": "add_tag", "config": {"tag": "converted"}},
        file="workflows/told.yaml",
        trigger_type="lead_converted",
    )
    house = House(store, organization_with(make, told))
    async with engine(house, redis_url):
        lead = await house.post(first_name="Grace")
        (run,) = await house.finished(make)
        await house.finished(told)
    identifier = run.steps[0].output["opportunity_id"]

    kept = await house.records.read(ORGANIZATION, "leads", lead)
    assert kept
    assert kept.data["opportunity_ids"] == [identifier]
    assert kept.data["tags"] == ["converted"]
    deal = await house.records.read(
        ORGANIZATION, "opportunities", parse_lead_id(identifier) or "", log=True
    )
    assert deal
    assert (deal.data["name"], deal.data["lead_id"]) == ("Roof of Grace", lead_uuid(lead))
    assert [entry.depth for entry in deal.log] == [1]
