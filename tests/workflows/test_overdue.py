"""Tasks whose time is over."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pointsman.ids import lead_uuid, milliseconds
from pointsman.store.overdue import Overdue
from pointsman.store.records import Author, NewRecord
from pointsman.store.redis import RedisStore
from pointsman.store.timers import Timer
from pooling import ORGANIZATION
from support import wait_until
from working import House, add_tag, engine, make_workflow, organization_with


def at(milliseconds_since: int) -> str:
    return datetime.fromtimestamp(milliseconds_since / 1000, UTC).isoformat()


async def make(house: House, module: str, /, **fields: Any) -> str:
    organization = house.rules.current.organizations["acme"]
    identifier = house.records.new_id()
    written = await house.records.create(
        organization, [NewRecord(module, fields, identifier)], Author(identifier)
    )
    assert written.status == "done"
    return identifier


async def set_fields(house: House, module: str, identifier: str, /, **fields: Any) -> None:
    organization = house.rules.current.organizations["acme"]
    author = Author(house.records.new_id())
    await house.records.change(organization, module, identifier, lambda _: fields, author)


async def told(house: House, module: str, identifier: str) -> list[str]:
    """Return everything that happened to a record but that it was made or changed."""
    record = await house.records.read(ORGANIZATION, module, identifier, log=True)
    assert record
    types = [kind for entry in record.log for kind in entry.types]
    return [kind for kind in types if not kind.endswith(("_created", "_updated"))]


async def test_a_task_is_told_of_once_when_its_time_is_over_and_so_is_its_project(
    store: RedisStore, redis_url: str
) -> None:
    """L13: the timer outlives the daemon that set it, and both events come once."""
    workflow = make_workflow(
        add_tag("late"),
        trigger_module="tasks",
        trigger_type="task_overdue",
        file="workflows/t.yaml",
    )
    other = make_workflow(
        add_tag("has {{trigger.overdue_task_id}}"),
        trigger_module="projects",
        trigger_type="project_task_overdue",
        file="workflows/p.yaml",
    )
    house = House(store, organization_with(workflow, other))
    timers = {"overdue": Overdue(house.records).ring}
    due = milliseconds() + 1_200
    project = await make(house, "projects", name="P")
    task = await make(
        house, "tasks", title="T", due_date=at(due), module="projects", record_id=lead_uuid(project)
    )
    async with engine(house, redis_url, timers=timers):

        async def posted() -> bool:
            return not await store.redis.xlen(house.keys.outbox)

        await wait_until(posted, "the queue knows of the timer")
    assert milliseconds() < due
    assert await told(house, "tasks", task) == []

    async with engine(house, redis_url, timers=timers):
        await house.finished(workflow)
        await house.finished(other)
        await house.quiet()

    record = await house.records.read(ORGANIZATION, "tasks", task)
    assert record
    assert (record.data["is_overdue"], record.data["tags"]) == (True, ["late"])
    assert await told(house, "tasks", task) == ["task_overdue"]
    assert await told(house, "projects", project) == ["project_task_overdue"]
    kept = await house.records.read(ORGANIZATION, "projects", project)
    assert kept
    assert kept.data["tags"] == [f"has {lead_uuid(task)}"]


async def test_late_doubled_and_obsolete_timers_do_nothing(store: RedisStore) -> None:
    house = House(store, organization_with())
    organization = house.rules.current.organizations["acme"]
    ring = Overdue(house.records).ring
    first, second = milliseconds() - 5_000, milliseconds() - 1_000
    task = await make(house, "tasks", title="T", due_date=at(first))

    async def rings(due: int, identifier: str = task) -> None:
        await ring(organization, Timer(ORGANIZATION, "overdue", identifier, due))

    await set_fields(house, "tasks", task, due_date=at(second))
    await rings(first)
    assert await told(house, "tasks", task) == [], "it is due at another time by now"
    await rings(second)
    await rings(second)
    assert await told(house, "tasks", task) == ["task_overdue"]
    await set_fields(house, "tasks", task, status="Done")
    await rings(second)
    assert await told(house, "tasks", task) == ["task_overdue", "task_completed"]
    await set_fields(house, "tasks", task, status="open", due_date=None)
    await rings(second)
    await rings(second, "0" * 24)
    assert await told(house, "tasks", task) == ["task_overdue", "task_completed"]
    await set_fields(house, "tasks", task, due_date=at(second))
    await rings(second)
    assert (await told(house, "tasks", task))[2:] == ["task_overdue"], "due again, told again"


async def test_only_a_due_time_that_somebody_waits_for_sets_a_timer(store: RedisStore) -> None:
    """A timer costs nothing until it comes, and what is done has none."""
    house = House(store, organization_with())

    task = await make(house, "tasks", title="T", due_date=at(milliseconds() + 10**9))
    await set_fields(house, "tasks", task, title="U")
    await set_fields(house, "tasks", task, status="completed")
    await make(house, "tasks", title="T", due_date=at(1), status="done")
    await make(house, "projects", name="P", due_date=at(1))

    entries: list[Any] = await store.redis.xrange(house.keys.outbox) or []
    assert [fields[b"timer"] for _, fields in entries] == [f"overdue/{task}".encode()]
