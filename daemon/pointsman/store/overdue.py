"""Tasks whose time is over: told of once for each due time, by a timer.

A timer only says when to look. The task may be done, gone, or due at another time by then; whether
it is still the one that the timer was set for is read here and checked again by the script that
writes it, so late, doubled and obsolete timers do nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from pointsman.ids import lead_uuid, parse_lead_id
from pointsman.model import Organization
from pointsman.modules import MODULES
from pointsman.store.drafts import Draft
from pointsman.store.record_changes import due_at
from pointsman.store.records import Author, RecordStore
from pointsman.store.stored import StoredRecord
from pointsman.store.timers import Timer

__all__ = ["Overdue"]

_TASKS = MODULES["tasks"]
_PROJECTS = MODULES["projects"]


class Overdue:
    """Rings the timers of tasks."""

    def __init__(self, records: RecordStore) -> None:
        self._records = records

    async def ring(self, organization: Organization, timer: Timer) -> None:
        """Tell that a task, and the project it belongs to has one, is overdue, if it is."""

        async def drafts() -> Sequence[Draft] | None:
            task = await self._records.read(organization.id, "tasks", timer.id)
            if (
                task is None
                or task.data.get("is_overdue")
                or due_at(_TASKS, task.data) != timer.due
            ):
                return None
            project = await self._project(organization, task)
            return [_overdue(task), *([_has_overdue(project, task)] if project else ())]

        await self._records.amend(organization, drafts, Author(uuid4().hex, "timer"))

    async def _project(self, organization: Organization, task: StoredRecord) -> StoredRecord | None:
        """Return the project that a task is about, if it is about one that is not completed."""
        identifier = parse_lead_id(task.data.get("record_id") or "")
        if identifier is None or task.data.get("module") != "projects":
            return None
        project = await self._records.read(organization.id, "projects", identifier)
        return project if project and not _PROJECTS.outcome(project.data) else None


def _overdue(task: StoredRecord) -> Draft:
    draft = Draft.of(task)
    draft.fields["is_overdue"] = True
    draft.types = (_TASKS.event("overdue"),)
    return draft


def _has_overdue(project: StoredRecord, task: StoredRecord) -> Draft:
    draft = Draft.of(project)
    draft.fields["overdue_task_id"] = lead_uuid(task.id)
    draft.types = (_PROJECTS.event("task_overdue"),)
    return draft
