"""``create_project``: make a project, with its tasks, of an opportunity."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from pointsman.plugin import ActionContext, ActionError, Options, action
from pointsman.rules.durations import Duration, length

__all__ = ["CreateProjectOptions", "ProjectTask", "create_project"]

_LINKS = {
    "opportunities": "opportunity_id",
    "accounts": "account_id",
    "contacts": "contact_id",
    "leads": "lead_id",
}
_INHERITED = ("account_id", "contact_id", "lead_id")
_MOST = 100

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class ProjectTask(Options):
    """A task of the new project."""

    title: Title = Field(description="What is to be done.")
    description: str | None = Field(
        default=None, max_length=10_000, description="More about what is to be done."
    )
    due_in: Duration | None = Field(
        default=None, description="When it is due, from when the project is made: 3d."
    )
    assignee: str | None = Field(
        default=None,
        max_length=200,
        description="Who is to do it, by handle or id; left out, the project's owner.",
        json_schema_extra={"x-member": True},
    )
    priority: Literal["low", "normal", "high", "urgent"] = Field(
        default="normal", description="How urgent it is."
    )


class CreateProjectOptions(Options):
    """Options of ``create_project``."""

    name: Title = Field(description="What the project is called.")
    description: str | None = Field(default=None, max_length=10_000, description="More about it.")
    status: str = Field(default="planned", max_length=200, description="The status it begins in.")
    due_in: Duration | None = Field(
        default=None, description="When it is due, from when it is made: 30d."
    )
    owner_id: str | None = Field(
        default=None,
        max_length=200,
        description="Whose it is, by handle or id; left out, whoever owns the record.",
        json_schema_extra={"x-member": True},
    )
    tasks: tuple[ProjectTask, ...] = Field(
        default=(), max_length=_MOST, description="Tasks that it begins with."
    )


@action("create_project", quick=True)
async def create_project(options: CreateProjectOptions, context: ActionContext) -> dict[str, Any]:
    """Make a project of the opportunity (or account, contact or lead) that began the run.

    It is linked to that record, and to the account, contact and lead of an opportunity. Project and
    tasks are made in one change, all or none, and once, however often the step is tried.

    Output: ``project_id``, and ``task_ids`` in the order of ``tasks``.
    """
    link = _LINKS.get(context.module)
    if link is None:
        known = ", ".join(_LINKS)
        raise ActionError(f"a project is made of {known}, not of {context.module}")
    project = context.record.fresh_id()
    owner = options.owner_id or context.owner_id()
    fields = {
        **{name: context.trigger.get(name) for name in _INHERITED},
        "id": project,
        "name": options.name,
        "description": options.description,
        "status": options.status,
        "due_date": _due(options.due_in, context.now),
        "owner": owner,
        link: context.trigger.get("id"),
    }
    tasks = (("tasks", _task(task, project, owner, context)) for task in options.tasks)
    made = await context.record.create(("projects", fields), *tasks)
    return {"project_id": made[0], "task_ids": list(made[1:])}


def _task(
    task: ProjectTask, project: str, owner: str | None, context: ActionContext
) -> dict[str, Any]:
    return {
        "title": task.title,
        "description": task.description,
        "priority": task.priority,
        "due_date": _due(task.due_in, context.now),
        "owner": task.assignee or owner,
        "module": "projects",
        "record_id": project,
    }


def _due(due_in: str | None, now: datetime) -> str | None:
    if due_in is None:
        return None
    return (now + length(due_in)).astimezone(UTC).isoformat(timespec="seconds")
