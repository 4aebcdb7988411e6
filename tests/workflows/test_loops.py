"""Workflows that answer their own and each other's changes: they end, and it shows."""

from __future__ import annotations

from typing import Any

import pytest

from pointsman import observe
from pointsman.model import WORKFLOW_DEPTH, Workflow
from pointsman.records import timeline
from pointsman.store.redis import RedisStore
from pooling import ORGANIZATION, member
from support import wait_until
from working import House, add_tag, engine, make_workflow, organization_with

REFUSED = f"not begun: {WORKFLOW_DEPTH + 1} runs in a row caused each other, {WORKFLOW_DEPTH} may"


MAKE_TASK = {"action_type": "create_task", "config": {"title": "More"}}


def field(name: str, value: Any) -> dict[str, Any]:
    return {"action_type": "update_field", "config": {"field": name, "value": value}}


def given(handle: str) -> dict[str, Any]:
    config = {"algorithm": "fixed", "user_id": handle, "overwrite": True}
    return {"action_type": "assign_owner", "config": config}


def only(name: str, operator: str, value: Any) -> dict[str, Any]:
    return {"conditions": [{"field": name, "operator": operator, "value": value}]}


def refused() -> float:
    return (
        observe.REGISTRY.get_sample_value(
            "pointsman_workflow_runs_total", {"organization": "acme", "outcome": "refused"}
        )
        or 0
    )


@pytest.mark.parametrize("depth", [WORKFLOW_DEPTH, 2])
async def test_a_workflow_that_reenters_its_own_change_comes_to_an_end(
    store: RedisStore, redis_url: str, depth: int
) -> None:
    """D7: an update trigger with an update action that never settles."""
    start = make_workflow(add_tag("start"), file="workflows/start.yaml")
    echo = make_workflow(
        field("score", "{{trigger.score}}1"),
        file="workflows/echo.yaml",
        trigger_type="lead_updated",
        reenter=True,
    )
    house = House(store, organization_with(start, echo, workflow_depth=depth))
    before = refused()

    async with engine(house, redis_url):
        await house.post(score=1)
        runs = await house.finished(echo, depth + 1)
        await house.quiet()

    assert [run.depth for run in reversed(runs)] == list(range(1, depth + 2))
    assert [run.status for run in reversed(runs)] == ["succeeded"] * depth + ["cancelled"]
    told = f"not begun: {depth + 1} runs in a row caused each other, {depth} may"
    assert (runs[0].error, runs[0].steps) == (told, [])
    assert refused() - before == 1


async def test_a_workflow_that_reenters_may_settle_by_itself(
    store: RedisStore, redis_url: str
) -> None:
    """D7: a change that changes nothing is no event, so what has settled is quiet."""
    start = make_workflow(add_tag("start"), file="workflows/start.yaml")
    echo = make_workflow(
        add_tag("seen"), file="workflows/echo.yaml", trigger_type="lead_updated", reenter=True
    )
    house = House(store, organization_with(start, echo))

    async with engine(house, redis_url):
        await house.post()
        runs = await house.finished(echo, 2)
        await house.quiet()

    assert [run.status for run in runs] == ["succeeded"] * 2
    assert len(await house.runs_of(echo)) == 2


async def test_two_workflows_that_undo_each_other_come_to_an_end_and_the_conflict_is_recorded(
    store: RedisStore, redis_url: str
) -> None:
    """D7, R21: each change says whose it is, and one that takes back another's names it."""
    one = make_workflow(
        field("stage", "open"),
        file="workflows/one.yaml",
        trigger_type="lead_stage_changed",
        trigger_filters=only("stage", "not_equals", "open"),
    )
    other = make_workflow(
        field("stage", "closed"),
        file="workflows/other.yaml",
        trigger_type="lead_stage_changed",
        trigger_filters=only("stage", "equals", "open"),
    )
    start = make_workflow(field("stage", "closed"), file="workflows/start.yaml")
    house = House(store, organization_with(start, one, other))

    async with engine(house, redis_url):
        lead = await house.post(stage="new")
        await house.finished(one, WORKFLOW_DEPTH // 2 + 1)
        await house.quiet()
    runs = [*await house.runs_of(one), *await house.runs_of(other)]
    record = await house.records.read(ORGANIZATION, "leads", lead, log=True)

    assert len(runs) == WORKFLOW_DEPTH + 1
    assert [run.error for run in runs if run.status == "cancelled"] == [REFUSED]
    assert record
    told = timeline(record)
    assert [entry["origin"] for entry in told[1:4]] == [
        f"workflow:{each.id}" for each in (start, one, other)
    ]
    assert [entry.get("conflict") for entry in told[:4]] == [
        None,
        None,
        None,
        f"workflow:{one.id}",
    ]
    assert all(entry["conflict"] for entry in told[4:])


async def test_an_assignment_that_another_workflow_reverts_at_once_is_recorded(
    store: RedisStore, redis_url: str
) -> None:
    """R21: whose each change of the owner was, and that one took the other's back."""
    people = {member(handle).id: member(handle) for handle in ("ada", "bob")}
    first = make_workflow(given("ada"), given("bob"), file="workflows/first.yaml")
    back = make_workflow(
        given("ada"),
        file="workflows/back.yaml",
        trigger_type="lead_assigned",
        trigger_filters=only("owner_id", "equals", member("bob").id),
    )
    handles = {person.handle: person.id for person in people.values()}
    organization = organization_with(first, back, members=people, handles=handles)
    house = House(store, organization)

    async with engine(house, redis_url):
        lead = await house.post()
        await house.finished(back)
        await house.quiet()
    record = await house.records.read(ORGANIZATION, "leads", lead, log=True)

    assert record
    assert record.owner == member("ada").id
    told = [(entry.origin, entry.conflict) for entry in record.log]
    assert told == [
        ("intake", None),
        (f"workflow:{first.id}", None),
        (f"workflow:{first.id}", None),
        (f"workflow:{back.id}", f"workflow:{first.id}"),
    ]


async def test_a_workflow_that_goes_on_from_another_one_is_no_conflict(
    store: RedisStore, redis_url: str
) -> None:
    """R21: only what takes a change back is one."""
    first = make_workflow(field("stage", "asked"), file="workflows/first.yaml")
    then = make_workflow(
        field("stage", "answered"),
        file="workflows/then.yaml",
        trigger_type="lead_stage_changed",
    )
    house = House(store, organization_with(first, then))

    async with engine(house, redis_url):
        lead = await house.post(stage="new")
        await house.finished(then)
        await house.quiet()
    record = await house.records.read(ORGANIZATION, "leads", lead, log=True)

    assert record
    assert record.data["stage"] == "answered"
    assert [entry.conflict for entry in record.log] == [None] * 3


async def test_making_a_record_for_every_record_made_comes_to_an_end(
    store: RedisStore, redis_url: str
) -> None:
    """D7: create in create: each task is another record, so only the depth ends it."""
    start = make_workflow(MAKE_TASK, file="workflows/start.yaml")
    more = make_workflow(
        MAKE_TASK,
        file="workflows/more.yaml",
        trigger_module="tasks",
        trigger_type="task_created",
    )
    house = House(store, organization_with(start, more))

    async with engine(house, redis_url):
        await house.post()
        runs = await house.finished(more, WORKFLOW_DEPTH + 1)
        await house.quiet()

    assert len({run.record_id for run in runs}) == len(runs) == WORKFLOW_DEPTH + 1
    assert [run.error for run in runs if run.status == "cancelled"] == [REFUSED]


async def test_records_of_two_modules_that_make_each_other_come_to_an_end(
    store: RedisStore, redis_url: str
) -> None:
    """D7: depth goes along into what a run makes, whatever it is."""
    deal = {"action_type": "create_opportunity", "config": {"name": "Deal"}}
    project = {"action_type": "create_project", "config": {"name": "P", "tasks": [{"title": "T"}]}}
    triggers = (
        (deal, "leads", "lead_created"),
        (project, "opportunities", "opportunity_created"),
        (MAKE_TASK, "projects", "project_created"),
        (MAKE_TASK, "tasks", "task_created"),
    )
    made = [
        make_workflow(
            step, file=f"workflows/{module}.yaml", trigger_module=module, trigger_type=trigger
        )
        for step, module, trigger in triggers
    ]
    house = House(store, organization_with(*made))

    async with engine(house, redis_url):
        await house.post()
        runs = await house.finished(made[-1], 2)
        await wait_until(lambda: refusals(house, made[-1]), "both chains of tasks end", seconds=20)
        await house.quiet()
        runs = await house.runs_of(made[-1])

    # One chain of tasks begins with the project's own task, one with the task that its event makes.
    depths = sorted(run.depth for run in runs)
    assert depths == [2, *(n for n in range(3, WORKFLOW_DEPTH + 2) for _ in range(2))]
    assert [run.error for run in runs if run.status == "cancelled"] == [REFUSED] * 2


async def refusals(house: House, workflow: Workflow) -> bool:
    """Tell whether two runs were refused."""
    return sum(run.status == "cancelled" for run in await house.runs_of(workflow)) == 2


async def test_owners_that_are_passed_round_for_ever_come_to_an_end(
    store: RedisStore, redis_url: str
) -> None:
    """D7: an assignment that begins the next one."""
    people = [member("ada"), member("bruno")]
    config = {"user_ids": ["ada", "bruno"], "overwrite": True}
    assign = {"action_type": "assign_owner", "key": "round", "config": config}
    fixed = {"algorithm": "fixed", "user_id": "bruno"}
    start = make_workflow(
        {"action_type": "assign_owner", "config": fixed}, file="workflows/start.yaml"
    )
    again = make_workflow(
        assign, file="workflows/again.yaml", trigger_type="lead_assigned", reenter=True
    )
    house = House(
        store,
        organization_with(
            start,
            again,
            members={one.id: one for one in people},
            handles={one.handle: one.id for one in people},
        ),
    )
    async with engine(house, redis_url):
        await house.post()
        runs = await house.finished(again, WORKFLOW_DEPTH + 1)
        await house.quiet()

    assert [run.depth for run in reversed(runs)] == list(range(1, WORKFLOW_DEPTH + 2))
    assert [run.error for run in runs if run.status == "cancelled"] == [REFUSED]
