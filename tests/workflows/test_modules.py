"""Workflows on records of every module, narrowed by what changed and by who made the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from pointsman.model import Workflow
from pointsman.plugin import ActionContext, ActionError, Options, TransientError, actions
from pointsman.store.records import Author, NewRecord
from pointsman.store.redis import RedisStore
from pooling import ORGANIZATION
from working import House, add_tag, engine, make_workflow, organization_with


def on(module: str, trigger: str, tag: str, *conditions: Mapping[str, Any]) -> Workflow:
    """Return a workflow that tags the records of an event."""
    return make_workflow(
        add_tag(tag),
        file=f"workflows/{tag}.yaml",
        trigger_module=module,
        trigger_type=trigger,
        trigger_filters={"conditions": list(conditions)},
    )


def condition(field: str, operator: str, value: Any = None) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


class Desk:
    """Makes and changes deals as different people do."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.organization = house.rules.current.organizations["acme"]

    def author(self, origin: str) -> Author:
        return Author(self.house.records.new_id(), origin)

    async def make(self, module: str, origin: str = "api", /, **fields: Any) -> str:
        identifier = self.house.records.new_id()
        new = [NewRecord(module, fields, identifier)]
        await self.house.records.create(self.organization, new, self.author(origin))
        return identifier

    async def set(self, module: str, identifier: str, /, **fields: Any) -> None:
        await self.house.records.change(
            self.organization, module, identifier, lambda _: fields, self.author("api")
        )

    async def tags(self, module: str, identifier: str) -> list[str]:
        record = await self.house.records.read(ORGANIZATION, module, identifier)
        assert record
        return sorted(record.data.get("tags", ()))


async def test_a_trigger_is_narrowed_by_stage_field_and_maker(
    store: RedisStore, redis_url: str
) -> None:
    """Every workflow that matches runs, once per event; a field that was not touched is none."""
    module, updated = "opportunities", "opportunity_updated"
    house = House(
        store,
        organization_with(
            on(module, updated, "offer", condition("stage", "changed_to", "Offer")),
            on(module, updated, "left", condition("stage", "changed_from", "New")),
            on(module, updated, "amount", condition("amount", "any_change")),
            on(module, updated, "mine", condition("created_by", "equals", "api")),
            on(module, updated, "theirs", condition("createdBy", "starts_with", "workflow:")),
            on(module, "opportunity_won", "won"),
            on("tasks", "task_created", "never"),
        ),
    )
    desk = Desk(house)
    one = await desk.make(module, name="A", stage="New", amount=1)
    two = await desk.make(module, "workflow:w", name="B", stage="Offer")
    async with engine(house, redis_url):
        await desk.set(module, one, stage="Offer")
        await desk.set(module, two, amount=1)
        await desk.set(module, two, amount=True, stage="won")
        await house.quiet()

    assert await desk.tags(module, one) == ["left", "mine", "offer"]
    assert await desk.tags(module, two) == ["amount", "theirs", "won"]


class PlanOptions(Options):
    """Options of ``plan``."""


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the action ``plan`` made, attempt by attempt; the first one fails."""
    made: list[Any] = []

    async def plan(_: PlanOptions, context: ActionContext) -> None:
        project = context.record.fresh_id()
        about = {"title": "Begin", "module": "projects", "recordId": project}
        made.append(
            await context.record.create(
                ("projects", {"id": project, "name": "Plan"}), ("tasks", about)
            )
        )
        if len(made) == 1:
            raise TransientError("not yet")
        with pytest.raises(ActionError, match="task: title: is required"):
            await context.record.create(("tasks", {}))
        await context.record.change(lambda _: {"title": "planned", "owner_id": None})

    found = replace(actions["add_tag"], name="plan", run=plan, options=PlanOptions)
    monkeypatch.setitem(actions._things, "plan", found)
    return made


async def test_a_step_makes_the_same_records_at_every_attempt(
    store: RedisStore, redis_url: str, redis: Redis, attempts: list[Any]
) -> None:
    """D1: a step that is tried again makes nothing twice."""
    workflow = make_workflow(
        {"action_type": "plan", "config": {}},
        trigger_module="contacts",
        trigger_type="contact_created",
    )
    house = House(store, organization_with(workflow))
    desk = Desk(house)
    contact = await desk.make("contacts", name="Ada")

    async with engine(house, redis_url):
        (run,) = await house.finished(workflow)

    assert (run.status, run.subject, run.trigger["name"]) == ("succeeded", contact, "Ada")
    assert len(attempts) == 2
    assert attempts[0] == attempts[1]
    assert [await redis.zcard(house.keys.index(one)) for one in ("projects", "tasks")] == [1, 1]
    read = await house.records.read(ORGANIZATION, "contacts", contact)
    assert read
    assert read.data["title"] == "planned"


async def test_a_workflow_sees_what_a_deleted_record_was(store: RedisStore, redis_url: str) -> None:
    workflow = on("contacts", "contact_deleted", "gone", condition("title", "equals", "boss"))
    house = House(store, organization_with(workflow))
    desk = Desk(house)
    contact = await desk.make("contacts", name="Ada", title="boss")
    await house.records.delete(desk.organization, "contacts", contact, desk.author("api"))

    async with engine(house, redis_url):
        (run,) = await house.finished(workflow)

    assert run.trigger["title"] == "boss"
    assert (run.status, run.error) == ("failed", f"step 1: contact {contact} is no longer there")
