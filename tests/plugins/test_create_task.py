from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from pointsman.plugin import ActionError
from pointsman.testing import Clock, KeptRecord, action_context, perform

LEAD = {"id": "0195d0a8-1234-8567-8000-000012345678", "owner_id": "ada"}
NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)


async def made(trigger: dict[str, Any] | None = None, **config: Any) -> dict[str, Any]:
    """Return the task that is made."""
    given = {"title": "Call", **config}
    async with action_context(trigger or LEAD, clock=Clock(NOW), time_zone="Europe/Berlin") as one:
        output = await perform("create_task", given, one)
    assert isinstance(one.record, KeptRecord)
    ((module, fields),) = one.record.created
    assert (module, output) == ("tasks", {"task_id": fields["id"]})
    return dict(fields)


async def test_a_task_is_about_the_record_and_its_owners() -> None:
    task = await made(description="Soon", priority="high")

    assert (task["title"], task["description"], task["priority"]) == ("Call", "Soon", "high")
    assert (task["module"], task["record_id"]) == ("leads", LEAD["id"])
    assert (task["owner"], task["due_date"]) == ("ada", None)


async def test_an_assignee_does_it_instead() -> None:
    assert (await made(assignee="bruno"))["owner"] == "bruno"
    assert (await made({"id": LEAD["id"]}))["owner"] is None


@pytest.mark.parametrize(
    ("config", "due"),
    [
        ({"due_in": "1d 2h"}, "2026-06-02T11:00:00+00:00"),
        ({"due_at": "2026-07-01T09:00:00Z"}, "2026-07-01T09:00:00+00:00"),
        ({"due_at": "2026-07-01"}, "2026-06-30T22:00:00+00:00"),
        ({"due_at": "2026-07-01T09:00:00"}, "2026-07-01T07:00:00+00:00"),
    ],
)
async def test_it_is_due_after_a_time_or_at_one(config: dict[str, Any], due: str) -> None:
    assert (await made(**config))["due_date"] == due


async def test_what_is_no_time_fails_the_step() -> None:
    with pytest.raises(ActionError, match="is no time to be due at"):
        await made(due_at="tomorrow")


@pytest.mark.parametrize(
    "config",
    [
        {"title": " "},
        {"due_in": "1h", "due_at": "2026-07-01"},
        {"due_in": "soon"},
        {"due_in": "900w"},
        {"priority": "highest"},
    ],
)
async def test_options_that_say_no_task_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        await made(**config)
