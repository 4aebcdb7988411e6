from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pointsman.store.redis import RedisStore
from pointsman.testing import KeptRecord, action_context, perform
from pooling import ORGANIZATION
from working import House, engine, make_workflow, organization_with


async def updated(record: dict[str, Any], **config: Any) -> tuple[KeptRecord, Any]:
    async with action_context(record) as context:
        output = await perform("update_field", config, context)
    kept = context.record
    assert isinstance(kept, KeptRecord)
    return kept, output


async def test_a_field_is_set() -> None:
    record, output = await updated({"stage": "new"}, field="stage", value="won")

    assert record.fields == {"stage": "won"}
    assert output == {"changed": ["stage"]}


async def test_several_fields_are_set_in_one_change() -> None:
    fields = {"firstName": "Ada", "score": "7.5", "tags": ["a", "a"]}

    record, output = await updated({}, field="stage", value="won", fields=fields)

    assert record.fields == {"stage": "won", "first_name": "Ada", "score": 7.5, "tags": ["a"]}
    assert record.changes == 1
    assert output == {"changed": ["first_name", "score", "stage", "tags"]}


async def test_custom_fields_are_set_beside_those_that_are_there() -> None:
    record, _ = await updated(
        {"custom_fields": {"a": 1, "b": 2}},
        fields={"custom_fields.a": 3, "customFields.theirKey": 4, "nobodys": 5},
    )

    assert record.fields == {"custom_fields": {"a": 3, "b": 2, "theirKey": 4, "nobodys": 5}}


async def test_values_are_read_by_the_type_of_their_field() -> None:
    record, _ = await updated({}, field="dob", value="6/2/1980")

    assert record.fields == {"dob": "1980-06-02"}


async def test_a_value_that_is_there_already_is_no_change() -> None:
    """D7: a change that changes nothing makes no event."""
    before = {"stage": "won", "dob": "1980-06-02", "custom_fields": {"a": 1}}
    fields = {"dob": "6/2/1980", "custom_fields.a": 1}

    record, output = await updated(before, field="stage", value="won", fields=fields)

    assert record.changes == 0
    assert output == {"changed": []}


@pytest.mark.parametrize("field", ["stage", "score", "first_name", "tags"])
async def test_null_empties_a_field(field: str) -> None:
    record, _ = await updated({field: "x"}, field=field, value=None)

    assert record.fields == {field: None}


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"field": "stage"},
        {"value": "won"},
        {"field": "a b", "value": 1},
        {"field": "{{trigger.x}}", "value": 1},
        {"fields": {"": 1}},
        {"field": "custom_fields", "value": {}},
        *({"field": name, "value": "x"} for name in ("id", "owner_id", "ownerId", "createdAt")),
        *({"fields": {name: "x"}} for name in ("updated_at", "revision", "source", "origin.x")),
    ],
)
async def test_what_cannot_be_set_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        await updated({}, **config)


async def test_an_update_is_one_event_that_other_workflows_see(
    store: RedisStore, redis_url: str
) -> None:
    """D7: setting what is set already starts nothing."""
    win = {"action_type": "update_field", "config": {"fields": {"stage": "won", "dob": "6/2/80"}}}
    won = {"conditions": [{"field": "stage", "operator": "changed_to", "value": "won"}]}
    first = make_workflow(win, file="workflows/first.yaml")
    again = make_workflow(
        win, file="workflows/again.yaml", trigger_type="lead_stage_changed", trigger_filters=won
    )
    house = House(store, organization_with(first, again))

    async with engine(house, redis_url):
        lead = await house.post()
        await house.finished(first)
        (run,) = await house.finished(again)
        await house.quiet()

    stored, _ = await house.leads.read(ORGANIZATION, lead, log=True)
    assert stored
    assert (stored.data["stage"], stored.data["dob"]) == ("won", "1980-06-02")
    assert [entry.types for entry in stored.log][1:] == [("lead_updated", "lead_stage_changed")]
    assert run.steps[0].output == {"changed": []}
