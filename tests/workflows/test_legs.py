"""Quick steps in a row: done one after the other, seen by others all at once, and done once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from pointsman.model import Workflow
from pointsman.plugin import ActionContext, ActionError, Options, actions
from pointsman.store.dead_letters import DeadLetters
from pointsman.store.errands import ErrandStore
from pointsman.store.records import Author
from pointsman.store.redis import RedisStore
from pointsman.store.run_control import RunControl
from pointsman.store.stored import StoredRecord
from pooling import ORGANIZATION, member
from support import wait_until
from working import House, add_tag, engine, make_workflow, organization_with

Meddle = Callable[[], Awaitable[Any]]


class Calls:
    """Counts calls of scripts; does something of others right before the first of one of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: Counter[str] = Counter()
        self._before: dict[str, Meddle] = {}
        call = RedisStore.call

        async def counted(store: RedisStore, name: str, *given: Any) -> Any:
            if meddle := self._before.pop(name, None):
                await meddle()
            self.made[name] += 1
            return await call(store, name, *given)

        monkeypatch.setattr(RedisStore, "call", counted)

    def before(self, script: str, meddle: Meddle) -> None:
        self._before[script] = meddle

    def of_runs(self) -> dict[str, int]:
        named = ("create_runs", "settle_steps", "write_records", "read_records", "own_turn")
        return {name: self.made[name] for name in named if self.made[name]}


@pytest.fixture(name="calls")
def counted_calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    return Calls(monkeypatch)


def set_field(name: str, value: Any, **more: Any) -> dict[str, Any]:
    config = {"field": name, "value": value}
    return {"action_type": "update_field", "config": config, **more}


def task(title: str) -> dict[str, Any]:
    return {"action_type": "create_task", "config": {"title": title}}


def all_quick(**document: Any) -> Workflow:
    return make_workflow(
        add_tag("a"),
        set_field("stage", "open"),
        task("Call {{trigger.first_name}}"),
        add_tag("a", "b"),
        set_field("custom_fields.seen", "{{steps.4.added}}"),
        **document,
    )


async def record_of(house: House, lead: str) -> StoredRecord:
    record = await house.records.read(ORGANIZATION, "leads", lead, log=True)
    assert record
    return record


async def test_a_run_of_quick_steps_is_stored_by_one_script(
    store: RedisStore, redis_url: str, calls: Calls
) -> None:
    """Every step's change is an event of its own; steps see what those before them did."""
    workflow = all_quick()
    house = House(store, organization_with(workflow))
    lead = await house.post(first_name="Ada")
    calls.made.clear()

    async with engine(house, redis_url):
        (run,) = await house.finished(workflow)
        await house.quiet()

    assert calls.of_runs() == {"create_runs": 1, "read_records": 1}
    assert [step.output for step in run.steps] == [
        {"added": ["a"]},
        {"changed": ["stage"]},
        {"task_id": run.steps[2].output["task_id"]},
        {"added": ["b"]},
        {"changed": ["custom_fields"]},
    ]
    assert (run.status, run.error, run.step) == ("succeeded", None, 4)
    assert {step.attempts for step in run.steps} == {1}
    assert all(run.created <= step.started <= step.finished for step in run.steps)
    record = await record_of(house, lead)
    assert record.data["tags"] == ["a", "b"]
    assert record.data["custom_fields"] == {"seen": ["b"]}
    assert ([entry.revision for entry in record.log], record.revision) == ([1, 2, 3, 4, 5], 5)
    assert [entry.types for entry in record.log[1:]] == [
        ("lead_updated",),
        ("lead_updated", "lead_stage_changed"),
        ("lead_updated",),
        ("lead_updated",),
    ]
    assert {(one.origin, one.depth) for one in record.log[1:]} == {(f"workflow:{workflow.id}", 1)}
    assert record.log[3].previous == {"tags": ["a"]}
    assert await house.store.redis.zcard(house.keys.index("tasks")) == 1
    assert await house.store.redis.zcard(house.keys.running) == 0


@pytest.mark.parametrize(
    ("script", "concurrency"), [("create_runs", "allow"), ("settle_steps", "queue")]
)
async def test_steps_whose_record_somebody_else_changed_are_done_again(
    store: RedisStore, redis_url: str, calls: Calls, script: str, concurrency: str
) -> None:
    """R19: nothing of what was done before the change is stored, everything after it once."""
    workflow = all_quick(concurrency=concurrency)
    house = House(store, organization_with(workflow))
    lead = await house.post(first_name="Ada")
    calls.before(script, lambda: house.change(lead, tags=["theirs"], stage="open"))

    async with engine(house, redis_url):
        (run,) = await house.finished(workflow)

    record = await record_of(house, lead)
    assert record.data["tags"] == ["theirs", "a", "b"]
    assert [one.origin[:8] for one in record.log] == ["intake", "api", *["workflow"] * 3]
    assert [step.output for step in run.steps][:2] == [{"added": ["a"]}, {"changed": []}]
    assert {step.attempts for step in run.steps} == {1}
    assert await house.store.redis.zcard(house.keys.index("tasks")) == 1


async def test_a_step_that_found_nothing_to_do_is_done_again_if_there_is_by_now(
    store: RedisStore, redis_url: str, calls: Calls
) -> None:
    """What a step only looked at must still be so when its result is stored."""
    workflow = make_workflow(add_tag("a"))
    house = House(store, organization_with(workflow))
    lead = await house.post(tags=["a"])
    calls.before("create_runs", lambda: house.change(lead, tags=None))

    async with engine(house, redis_url):
        (run,) = await house.finished(workflow)

    assert (await house.tags(lead), run.steps[0].output) == (["a"], {"added": ["a"]})


async def test_a_record_that_was_deleted_meanwhile_fails_the_step(
    store: RedisStore, redis_url: str, calls: Calls
) -> None:
    workflow = all_quick()
    organization = organization_with(workflow)
    house = House(store, organization)
    lead = await house.post()

    async def delete() -> None:
        await house.records.delete(organization, "leads", lead, Author("d"))

    calls.before("create_runs", delete)
    async with engine(house, redis_url):
        (run,) = await house.finished(workflow)

    assert (run.status, run.error) == ("failed", f"step 1: lead {lead} is no longer there")
    assert await house.store.redis.zcard(house.keys.index("tasks")) == 0


async def test_a_cancelled_run_keeps_its_first_step_and_does_no_other(
    store: RedisStore, redis_url: str, calls: Calls
) -> None:
    """A step under way may end: what it did is there, and it is on record."""
    workflow = all_quick(concurrency="queue")
    house = House(store, organization_with(workflow))
    lead = await house.post()

    async def cancel() -> None:
        (run,) = await house.runs_of(workflow)
        assert await RunControl(store, house.settings).cancel(run, "enough") == "cancelled"

    calls.before("settle_steps", cancel)
    async with engine(house, redis_url):
        await house.quiet()
        (run,) = await house.finished(workflow)

    assert (run.status, run.error) == ("cancelled", "enough")
    assert [step.status for step in run.steps] == ["succeeded"]
    record = await record_of(house, lead)
    assert (record.data["tags"], record.revision) == (["a"], 2)
    assert await house.store.redis.zcard(house.keys.index("tasks")) == 0


class NoOptions(Options):
    """None."""


def stranger(monkeypatch: pytest.MonkeyPatch, run: Any) -> dict[str, Any]:
    """Return an action that a plugin of somebody else does, quickly."""
    found = replace(actions["add_tag"], name="odd", run=run, options=NoOptions, origin="acme")
    monkeypatch.setitem(actions._things, "odd", found)
    return {"action_type": "odd"}


async def test_a_step_that_failed_leaves_nothing_behind_and_the_run_goes_on(
    store: RedisStore, redis_url: str, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its dead letter is stored with the steps around it."""

    async def odd(_: NoOptions, context: ActionContext) -> None:
        await context.record.change(lambda _: {"stage": "half done"})
        raise ActionError("no more")

    failing = {**stranger(monkeypatch, odd), "on_error": "continue"}
    workflow = make_workflow(add_tag("a"), failing, add_tag("b"))
    house = House(store, organization_with(workflow))
    letters = DeadLetters(store, house.runs, ErrandStore(store, house.settings))

    async with engine(house, redis_url):
        lead = await house.post()
        (run,) = await house.finished(workflow)

    assert [step.status for step in run.steps] == ["succeeded", "failed", "succeeded"]
    dead, _ = await letters.list(ORGANIZATION, 9, 0)
    assert [letter.id for letter in dead] == [f"{run.id}:2"]
    record = await record_of(house, lead)
    assert (record.data["tags"], "stage" in record.data) == (["a", "b"], False)


async def test_what_cannot_wait_is_done_after_all_that_came_before_is_stored(
    store: RedisStore, redis_url: str, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the step had begun to change the record: it is done once, from its start."""
    begun: list[str] = []

    async def odd(_: NoOptions, context: ActionContext) -> Any:
        begun.append(context.delivery_id)
        await context.record.change(lambda record: {"score": record.get("score", 0) + 1})
        return await context.record.assign("round_robin", people=["ada"])

    ada = member("ada")
    workflow = make_workflow(add_tag("a"), stranger(monkeypatch, odd), task("Call"), add_tag("b"))
    house = House(
        store, organization_with(workflow, members={ada.id: ada}, handles={"ada": ada.id})
    )
    async with engine(house, redis_url):
        lead = await house.post()
        (run,) = await house.finished(workflow)

    assert [step.status for step in run.steps] == ["succeeded"] * 4
    assert len(set(begun)) == 1
    record = await record_of(house, lead)
    assert (record.owner, record.data["score"], record.data["tags"]) == (ada.id, 1, ["a", "b"])
    types = [name for entry in record.log for name in entry.types]
    assert types.count("lead_assigned") == 1
    assert await house.store.redis.zcard(house.keys.index("tasks")) == 1


async def test_a_long_run_is_stored_in_parts(
    store: RedisStore, redis_url: str, calls: Calls
) -> None:
    workflow = make_workflow(*[add_tag(f"t{number}") for number in range(70)])
    house = House(store, organization_with(workflow))
    async with engine(house, redis_url):
        lead = await house.post()
        (run,) = await house.finished(workflow)

    assert await house.tags(lead) == [f"t{number}" for number in range(70)]
    assert [step.status for step in run.steps] == ["succeeded"] * 70
    assert calls.made["create_runs"] == 1
    assert 3 <= calls.made["settle_steps"] < 30


async def test_runs_of_one_event_follow_each_other(
    store: RedisStore, redis_url: str, calls: Calls
) -> None:
    """D5: the second workflow finds what the first one left; one script stores both."""
    one = make_workflow(add_tag("one"), add_tag("two"), file="workflows/one.yaml")
    two = make_workflow(add_tag("two", "three"), file="workflows/two.yaml")
    house = House(store, organization_with(one, two))
    async with engine(house, redis_url), engine(house, redis_url):
        leads = [await house.post() for _ in range(20)]
        await house.finished(one, 20)
        runs = await house.finished(two, 20)

    assert {frozenset(await house.tags(lead)) for lead in leads} == {
        frozenset({"one", "two", "three"})
    }
    assert {run.status for run in runs} == {"succeeded"}
    assert calls.made["create_runs"] == 20


async def test_a_run_that_is_stored_with_its_failure_can_be_retried(
    store: RedisStore, redis_url: str, calls: Calls
) -> None:
    """What came before the step that failed is not done again."""
    late = {"action_type": "create_task", "config": {"title": "x", "due_at": "no day"}}
    workflow = make_workflow(add_tag("a"), late, add_tag("b"))
    house = House(store, organization_with(workflow))
    letters = DeadLetters(store, house.runs, ErrandStore(store, house.settings))

    async with engine(house, redis_url):
        lead = await house.post(notes="x" * 100)
        (failed,) = await house.finished(workflow)
        assert calls.made["settle_steps"] == 0
        assert (failed.status, failed.step, failed.trigger["notes"]) == ("failed", 1, "x" * 100)
        control = RunControl(store, house.settings)
        assert await control.retry(failed) == "queued"

        async def again() -> bool:
            (run,) = await house.runs_of(workflow)
            return run.status == "failed" and run.steps[1].attempts > 1

        await wait_until(again, "the step has failed once more")

    (run,) = await house.runs_of(workflow)
    assert [step.attempts for step in run.steps] == [1, 2]
    assert (await letters.list(ORGANIZATION, 9, 0))[1] == 1
    assert await house.tags(lead) == ["a"]
