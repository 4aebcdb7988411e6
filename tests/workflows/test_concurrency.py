"""Two runs of one workflow for one record: side by side, one after the other, or only one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from aiohttp import web

from pointsman import observe
from pointsman.model import Workflow
from pointsman.store.redis import RedisStore
from pointsman.store.run_control import RunControl
from pointsman.store.run_state import Run
from pointsman.testing import Received, receiver
from support import wait_until
from working import House, add_tag, engine, make_workflow, organization_with, webhook


def on_score(url: str, concurrency: str) -> Workflow:
    """Return a workflow that posts every score of a lead."""
    return make_workflow(
        webhook(url, body="{{trigger.score}}", timeout=30),
        trigger_type="lead_score_changed",
        concurrency=concurrency,
    )


class Gate:
    """A receiver's answer that waits; ``scores`` are what arrived."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.scores: list[str] = []
        self.inside = self.most = 0

    async def __call__(self, got: Received) -> web.StreamResponse:
        self.scores.append(got.body.decode())
        self.inside += 1
        self.most = max(self.most, self.inside)
        await self.open.wait()
        self.inside -= 1
        return web.Response()


async def score(house: House, lead: str, value: int) -> None:
    await house.change(lead, score=value)


async def began(house: House, workflow: Workflow, number: int) -> Sequence[Run]:
    async def there() -> Sequence[Run]:
        runs = await house.runs_of(workflow)
        return runs if len(runs) == number else ()

    return await wait_until(there, f"{number} runs are there")


async def test_runs_of_a_record_queue_in_the_order_of_its_events(
    store: RedisStore, redis_url: str
) -> None:
    gate = Gate()
    async with receiver(gate) as peer:
        workflow = on_score(peer.url, "queue")
        house = House(store, organization_with(workflow))
        async with engine(house, redis_url):
            lead, other = await house.post(), await house.post()
            for value in range(8):
                await score(house, lead, value)
            await score(house, other, 99)
            runs = await began(house, workflow, 9)
            await wait_until(lambda: len(gate.scores) == 2, "one run of each lead has begun")
            statuses = sorted(run.status for run in await house.runs_of(workflow))
            gate.open.set()
            runs = await house.finished(workflow, 9)

    assert statuses == ["queued"] * 7 + ["running"] * 2
    assert {run.status for run in runs} == {"succeeded"}
    assert [each for each in gate.scores if each != "99"] == [str(value) for value in range(8)]
    assert await store.redis.keys("*:line:*") == []


async def test_a_queue_survives_the_engine_that_began_it(store: RedisStore, redis_url: str) -> None:
    """D4: the next of the line begins in the script that ends the one before it."""
    gate = Gate()
    async with receiver(gate) as peer:
        workflow = on_score(peer.url, "queue")
        house = House(store, organization_with(workflow))
        async with engine(house, redis_url):
            lead = await house.post()
            for value in range(3):
                await score(house, lead, value)
            await began(house, workflow, 3)
            await wait_until(lambda: gate.scores, "the first has begun")
            gate.open.set()
        async with engine(house, redis_url), engine(house, redis_url):
            runs = await house.finished(workflow, 3)

    assert {run.status for run in runs} == {"succeeded"}
    assert list(dict.fromkeys(gate.scores)) == ["0", "1", "2"]
    assert gate.most == 1


@pytest.mark.parametrize("first", ["cancelled", "failed"])
async def test_whoever_ends_lets_the_next_one_begin(
    store: RedisStore, redis_url: str, first: str
) -> None:
    gate = Gate()

    async def refuse(_: Received) -> web.StreamResponse:
        await gate.open.wait()
        return web.Response(status=404)

    async with receiver(gate if first == "cancelled" else refuse, 200) as peer:
        workflow = on_score(peer.url, "queue")
        house = House(store, organization_with(workflow))
        control = RunControl(store, house.settings)
        async with engine(house, redis_url):
            lead = await house.post()
            for value in range(3):
                await score(house, lead, value)
            runs = await began(house, workflow, 3)
            head = next(run for run in runs if run.trigger["score"] == 0)
            middle = next(run for run in runs if run.trigger["score"] == 1)
            assert await control.cancel(middle, "not this one") == "cancelled"
            if first == "cancelled":
                await wait_until(lambda: gate.scores, "the first has begun")
                assert await control.cancel(head, "nor this one") == "cancelled"
            gate.open.set()
            runs = await house.finished(workflow, 3)

    statuses = {run.trigger["score"]: run.status for run in runs}
    assert statuses == {0: first, 1: "cancelled", 2: "succeeded"}


async def test_a_run_that_is_skipped_leaves_a_record_that_says_so(
    store: RedisStore, redis_url: str
) -> None:
    gate = Gate()
    skipped = observe.child(observe.RUNS, "acme", "skipped")
    before = skipped._value.get()
    async with receiver(gate) as peer:
        workflow = on_score(peer.url, "skip")
        house = House(store, organization_with(workflow))
        async with engine(house, redis_url):
            lead = await house.post()
            for value in range(3):
                await score(house, lead, value)
            runs = await began(house, workflow, 3)
            gate.open.set()
            runs = await house.finished(workflow, 3)
            await score(house, lead, 3)
            last, *_ = await house.finished(workflow, 4)

    assert gate.scores == ["0", "3"]
    one = next(run for run in runs if run.trigger["score"] == 0)
    assert [run.error for run in runs if run.status == "cancelled"] == [
        f"not begun: run {one.id} of the same record was open (concurrency: skip)"
    ] * 2
    assert last.status == "succeeded"
    assert skipped._value.get() - before == 2
    assert await store.redis.keys("*:line:*") == []


async def test_a_line_goes_on_past_a_run_that_is_gone(store: RedisStore, redis_url: str) -> None:
    """Whatever took a run away, those behind it do not wait for ever."""
    workflow = on_score("http://x.invalid/", "queue")
    house = House(store, organization_with(workflow))
    lead = await house.post()
    line = f"{house.keys.lead(lead)}:line:{workflow.id}"
    await store.redis.rpush(line, "gone", "gone too")
    async with engine(house, redis_url):
        await score(house, lead, 1)
        (run,) = await house.finished(workflow)

    assert run.status == "failed"
    assert await store.redis.exists(line) == 0


async def test_whoever_waits_in_line_is_kept_as_long_as_those_before_may_take(
    store: RedisStore, redis_url: str
) -> None:
    """L14: a run that is behind one that waits for a year is there when its turn comes."""
    workflow = make_workflow(
        {"action_type": "wait", "config": {"duration": "360d"}},
        add_tag("a"),
        trigger_type="lead_score_changed",
        concurrency="queue",
    )
    house = House(store, organization_with(workflow))
    async with engine(house, redis_url):
        lead = await house.post()
        for value in range(3):
            await score(house, lead, value)
        runs = await began(house, workflow, 3)
        await wait_until(lambda: _waits(house, workflow), "the first waits")
        await score(house, lead, 3)
        runs = await began(house, workflow, 4)
        behind = [run for run in runs if run.status == "queued"]

    year = 360 * 86_400_000
    needed = [house.keys.definition(workflow.digest), f"{house.keys.lead(lead)}:line:{workflow.id}"]
    needed += [house.keys.run(run.id) for run in behind]
    assert len(behind) == 3
    for key in needed:
        assert await store.redis.pttl(key) > year


async def _waits(house: House, workflow: Workflow) -> bool:
    return any(run.status == "waiting" for run in await house.runs_of(workflow))


async def test_quick_runs_of_a_record_queue_too(store: RedisStore, redis_url: str) -> None:
    workflow = make_workflow(
        add_tag("s{{trigger.score}}"), trigger_type="lead_score_changed", concurrency="queue"
    )
    house = House(store, organization_with(workflow))
    lead = await house.post()
    for value in range(20):
        await score(house, lead, value)
    async with engine(house, redis_url):
        await house.finished(workflow, 20)

    assert await house.tags(lead) == [f"s{value}" for value in range(20)]
