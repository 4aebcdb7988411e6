"""``create_task``: make a task about the record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from pointsman.plugin import ActionContext, ActionError, Options, action
from pointsman.rules.durations import Duration, length
from pointsman.rules.values import moment

__all__ = ["CreateTaskOptions", "create_task"]


class CreateTaskOptions(Options):
    """Options of ``create_task``."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)] = Field(
        max_length=500, description="What is to be done."
    )
    description: str | None = Field(
        default=None, max_length=10_000, description="More about what is to be done."
    )
    due_in: Duration | None = Field(
        default=None, description="When it is due, from when the run came to this step: 2h, 1d 12h."
    )
    due_at: Annotated[str, StringConstraints(max_length=100)] | None = Field(
        default=None, description="When it is due: a day or time such as 2026-07-01T09:00:00Z."
    )
    assignee: str | None = Field(
        default=None,
        max_length=200,
        description="Who is to do it, by handle or id; left out, whoever owns the record.",
        json_schema_extra={"x-member": True},
    )
    priority: Literal["low", "normal", "high", "urgent"] = Field(
        default="normal", description="How urgent it is."
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.due_in is not None and self.due_at is not None:
            raise ValueError("give 'due_in' or 'due_at', and only one of them")
        return self


@action("create_task", quick=True)
async def create_task(options: CreateTaskOptions, context: ActionContext) -> dict[str, Any]:
    """Make a task about the record that began the run.

    It belongs to ``assignee``; left out, to whoever owned the record when the run began, and to
    nobody if nobody did. A day alone is due at midnight in the organization's time zone, and so is
    a time without a zone. When its time passes and it is not completed, ``task_overdue`` is told.

    Output: ``task_id``.
    """
    due = _due(options, context)
    (task,) = await context.record.create(
        (
            "tasks",
            {
                "title": options.title,
                "description": options.description,
                "priority": options.priority,
                "due_date": due and due.astimezone(UTC).isoformat(timespec="seconds"),
                "owner": options.assignee or context.owner_id(),
                "module": context.module,
                "record_id": context.trigger.get("id"),
            },
        )
    )
    return {"task_id": task}


def _due(options: CreateTaskOptions, context: ActionContext) -> datetime | None:
    if options.due_in is not None:
        return context.now + length(options.due_in)
    if options.due_at is None:
        return None
    found = moment(options.due_at, context.time_zone)
    if found is None:
        raise ActionError(
            f"'{options.due_at}' is no time to be due at; expected one such as 2026-07-01T09:00:00Z"
        )
    return found
