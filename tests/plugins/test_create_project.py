from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from pointsman.plugin import ActionError
from pointsman.testing import Clock, KeptRecord, action_context, perform

DEAL = {
    "id": "0195d0a8-1234-8567-8000-000012345678",
    "owner_id": "ada",
    "account_id": "0195d0a8-1234-8567-8000-000012345679",
}


async def made(module: str = "opportunities", **config: Any) -> list[tuple[str, Any]]:
    """Return the records that are made."""
    clock = Clock(datetime(2026, 6, 1, 9, tzinfo=UTC))
    async with action_context(DEAL, module=module, clock=clock) as context:
        output = await perform("create_project", {"name": "Install", **config}, context)
    assert isinstance(context.record, KeptRecord)
    ids = [fields["id"] for _, fields in context.record.created]
    assert output == {"project_id": ids[0], "task_ids": ids[1:]}
    return context.record.created


async def test_a_project_is_linked_to_its_opportunity_and_what_that_names() -> None:
    ((module, project),) = await made(due_in="30d", description="All of it")

    assert (module, project["status"], project["owner"]) == ("projects", "planned", "ada")
    assert (project["opportunity_id"], project["account_id"]) == (DEAL["id"], DEAL["account_id"])
    assert project["due_date"] == "2026-07-01T09:00:00+00:00"


async def test_its_tasks_are_made_with_it_and_name_it() -> None:
    tasks = [{"title": "Measure", "due_in": "2d"}, {"title": "Order", "assignee": "bruno"}]
    (_, project), *others = await made(owner_id="chen", tasks=tasks)

    assert [module for module, _ in others] == ["tasks"] * 2
    assert {(one["module"], one["record_id"]) for _, one in others} == {("projects", project["id"])}
    assert [one["owner"] for _, one in others] == ["chen", "bruno"]
    assert [one["due_date"] for _, one in others] == ["2026-06-03T09:00:00+00:00", None]


async def test_of_a_task_none_is_made() -> None:
    with pytest.raises(ActionError, match="not of tasks"):
        await made("tasks")


@pytest.mark.parametrize(
    "config", [{"name": ""}, {"tasks": [{}]}, {"tasks": [{"title": "a", "due": 1}]}]
)
async def test_options_that_say_no_project_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        await made(**config)
