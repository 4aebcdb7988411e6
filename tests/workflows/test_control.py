"""Runs that people cancel, let try again, and do over."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import web

from pointsman.dispatch import Retries
from pointsman.model import Workflow
from pointsman.store.dead_letters import DeadLetter, DeadLetters
from pointsman.store.errands import ErrandStore
from pointsman.store.redis import RedisStore
from pointsman.store.run_control import RunControl
from pointsman.store.run_search import RunSearch
from pointsman.store.run_state import Job, Run
from pointsman.testing import Received, receiver
from pooling import ORGANIZATION
from support import wait_until
from working import House, add_tag, engine, make_workflow, organization_with, webhook

ONCE = Retries(first=timedelta(milliseconds=10), attempts=2)
WAIT = {"action_type": "wait", "config": {"duration": "1h"}}


class Desk:
    """Who looks after the runs of a house."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.control = RunControl(house.store, house.settings)
        errands = ErrandStore(house.store, house.settings)
        self.letters = DeadLetters(house.store, house.runs, errands)
        self.search = RunSearch(house.store, house.runs)

    async def dead(self) -> list[str]:
        """Return the ids of all dead letters."""
        letters, total = await self.letters.list(ORGANIZATION, 100, 0)
        assert total == len(letters)
        return [letter.id for letter in letters]

    async def counts(self) -> dict[str, int]:
        """Return how many runs there are of each status that there is."""
        statuses = ("queued", "running", "waiting", "succeeded", "failed", "cancelled")
        found = {
            one: (await self.search.search(ORGANIZATION, 100, 0, status=one))[1] for one in statuses
        }
        return {status: number for status, number in found.items() if number}

    async def standing(self, workflow: Workflow, status: str) -> Run:
        """Return the only run of a workflow once it has a status."""

        async def found() -> list[Run]:
            return [run for run in await self.house.runs_of(workflow) if run.status == status]

        (run,) = await wait_until(found, f"a run is {status}")
        return run


async def test_a_run_that_waits_is_cancelled_at_once(store: RedisStore, redis_url: str) -> None:
    workflow = make_workflow(WAIT, add_tag("late"))
    house = House(store, organization_with(workflow))
    desk = Desk(house)
    async with engine(house, redis_url):
        lead = await house.post()
        run = await desk.standing(workflow, "waiting")

        assert await desk.control.cancel(run, "cancelled by me") == "cancelled"
        assert await desk.control.cancel(run, "cancelled by you") == "cancelled"

        (over,) = await house.finished(workflow)
    assert (over.status, over.error) == ("cancelled", "cancelled by me")
    ticket = f"{run.step}:{run.attempt}"
    assert await house.runs.claim(Job(ORGANIZATION, lead, run.id, ticket)) is None
    assert await desk.counts() == {"cancelled": 1}
    assert await house.tags(lead) == []


@pytest.mark.parametrize("status", [200, 404])
async def test_a_step_under_way_when_its_run_is_cancelled_is_recorded_and_nothing_goes_on(
    store: RedisStore, redis_url: str, status: int
) -> None:
    """The fencing token is still the step's: what the receiver said is kept, for whoever asks."""
    arrived, answer = asyncio.Event(), asyncio.Event()

    async def held(_: Received) -> web.StreamResponse:
        arrived.set()
        await answer.wait()
        return web.Response(status=status)

    async with receiver(held) as peer:
        workflow = make_workflow(webhook(peer.url, on_error="continue"), add_tag("after"))
        house = House(store, organization_with(workflow))
        desk = Desk(house)
        async with engine(house, redis_url):
            lead = await house.post()
            await asyncio.wait_for(arrived.wait(), 10)
            run = await desk.standing(workflow, "running")
            assert await desk.control.cancel(run, "enough") == "cancelled"
            answer.set()

            async def recorded() -> list[Run]:
                return [each for each in await house.runs_of(workflow) if each.steps]

            (over,) = await wait_until(recorded, "the step is recorded")

    assert (over.status, over.error, len(over.steps)) == ("cancelled", "enough", 1)
    assert over.steps[0].status == ("succeeded" if status == 200 else "failed")
    assert await house.tags(lead) == []
    assert await desk.dead() == []
    assert await desk.counts() == {"cancelled": 1}


async def test_a_run_that_is_over_cannot_be_cancelled(store: RedisStore, redis_url: str) -> None:
    workflow = make_workflow(add_tag("a"))
    house = House(store, organization_with(workflow))
    async with engine(house, redis_url):
        await house.post()
        (run,) = await house.finished(workflow)

    assert await Desk(house).control.cancel(run, "why") == "succeeded"
    assert await Desk(house).control.cancel(replace(run, id="x"), "why") == "unknown"


async def test_a_retry_goes_on_from_the_step_that_failed(store: RedisStore, redis_url: str) -> None:
    """D1: under the same delivery id; what was done before is not done again."""
    async with receiver(200, 503, 503, 200) as peer:
        workflow = make_workflow(
            webhook(peer.url, body="one"), webhook(peer.url, body="two"), add_tag("sent")
        )
        house = House(store, organization_with(workflow))
        desk = Desk(house)
        async with engine(house, redis_url, retries=ONCE):
            lead = await house.post()
            (failed,) = await house.finished(workflow)
            assert (failed.status, await desk.dead()) == ("failed", [f"{failed.id}:2"])

            assert await desk.control.retry(failed) == "queued"
            assert await desk.control.retry(failed) == "open"
            run = await desk.standing(workflow, "succeeded")

    assert [step.attempts for step in run.steps] == [1, 3, 1]
    assert (run.error, await desk.dead(), await house.tags(lead)) == (None, [], ["sent"])
    assert [request.body for request in peer.requests] == [b"one", b"two", b"two", b"two"]
    assert {each.headers["webhook-id"] for each in peer.requests[1:]} == {f"{run.id}:2"}
    assert await desk.control.retry(run) == "whole"
    assert await desk.counts() == {"succeeded": 1}


async def test_a_retry_has_all_its_attempts_and_can_fail_again(
    store: RedisStore, redis_url: str
) -> None:
    async with receiver(503) as peer:
        workflow = make_workflow(webhook(peer.url))
        house = House(store, organization_with(workflow))
        desk = Desk(house)
        async with engine(house, redis_url, retries=ONCE):
            await house.post()
            (failed,) = await house.finished(workflow)
            assert await desk.control.retry(failed) == "queued"
            (again,) = await house.finished(workflow)

    assert (again.status, again.steps[0].attempts, len(peer.requests)) == ("failed", 4, 4)
    assert again.error
    assert "gave up after 2 attempts" in again.error
    assert await desk.dead() == [f"{failed.id}:1"]


async def test_a_step_that_may_fail_is_a_dead_letter_and_is_done_alone(
    store: RedisStore, redis_url: str
) -> None:
    async with receiver(404, 200) as peer:
        workflow = make_workflow(
            webhook(peer.url, on_error="continue"), add_tag("a"), webhook("http://x.invalid/")
        )
        house = House(store, organization_with(workflow))
        desk = Desk(house)
        async with engine(house, redis_url, retries=ONCE):
            lead = await house.post()
            (failed,) = await house.finished(workflow)
            assert await desk.dead() == [f"{failed.id}:3", f"{failed.id}:1"]

            assert await desk.control.retry(failed, 0) == "queued"
            (run,) = await house.finished(workflow)

    assert (run.status, run.error, run.step) == ("failed", failed.error, 2)
    assert [step.status for step in run.steps] == ["succeeded", "succeeded", "failed"]
    assert await desk.dead() == [f"{failed.id}:3"]
    assert await house.tags(lead) == ["a"]
    assert await desk.control.retry(run, 1) == "whole"


async def test_a_dead_letter_holds_ids_only_and_ends_with_its_run(
    store: RedisStore, redis_url: str
) -> None:
    async with receiver(404) as peer:
        workflow = make_workflow(webhook(peer.url, body="{{trigger.email}}"))
        house = House(store, organization_with(workflow))
        desk = Desk(house)
        async with engine(house, redis_url):
            lead = await house.post(email="grace@example.com")
            (run,) = await house.finished(workflow)
    key = house.keys.dead_letters

    assert await store.redis.zrange(key, 0, -1) == [f"{run.id}:1".encode()]
    assert 0 < await store.redis.pttl(key) <= house.settings.event_retention.total_seconds() * 1000
    letter = await desk.letters.read(ORGANIZATION, f"{run.id}:1")
    assert isinstance(letter, DeadLetter)
    assert letter.step.input["body"] == "grace@example.com"
    await house.leads.records.erase(ORGANIZATION, "leads", lead)
    assert await desk.letters.read(ORGANIZATION, f"{run.id}:1") is None
    assert await desk.control.retry(run) == "unknown"


async def test_a_replay_runs_the_newest_version_for_the_record_as_it_was(
    store: RedisStore, redis_url: str
) -> None:
    old, new = make_workflow(add_tag("{{trigger.stage}}")), make_workflow(add_tag("new"))
    house = House(store, organization_with(old))
    desk = Desk(house)
    async with engine(house, redis_url):
        lead = await house.post(stage="first")
        (run,) = await house.finished(old)

        assert (await desk.control.replay(run, new, "again", 0)).status == "begun"
        assert (await desk.control.replay(run, new, "again", 0)).status == "begun"
        newest, first = await house.finished(old, 2)

    assert await house.tags(lead) == ["first", "new"]
    assert (newest.id, newest.replay, newest.event) == ("again", first.id, first.event)
    assert newest.trigger == first.trigger
    assert newest.digest == new.digest
    await store.redis.hset(house.keys.generation, "number", "7")
    assert await desk.control.replay(run, new, "more", 6) == ("stale", 7)
    assert (await desk.control.replay(replace(run, id="x"), new, "more", 7)).status == "unknown"


async def test_runs_are_found_by_status_and_workflow_newest_first(
    store: RedisStore, redis_url: str
) -> None:
    good = make_workflow(add_tag("a"), file="workflows/good.yaml")
    bad = make_workflow(webhook("http://x.invalid/"), file="workflows/bad.yaml")
    asleep = make_workflow(WAIT, file="workflows/asleep.yaml")
    house = House(store, organization_with(good, bad, asleep))
    search = Desk(house).search.search
    async with engine(house, redis_url, retries=ONCE):
        for _ in range(3):
            await house.post()
        await house.finished(good, 3)
        await house.finished(bad, 3)
        await wait_until(lambda: _all_wait(house, asleep), "all wait")

        everything, total = await search(ORGANIZATION, 100, 0)
        pages = [(await search(ORGANIZATION, 2, start))[0] for start in range(0, 9, 2)]
        failed, failures = await search(ORGANIZATION, 2, 0, status="failed")
        both = await search(ORGANIZATION, 100, 0, status="failed", workflow_id=good.id)
        mine, number = await search(ORGANIZATION, 2, 2, status="failed", workflow_id=bad.id)

    assert total == len(everything) == 9
    assert [run.created for run in everything] == sorted(
        (run.created for run in everything), reverse=True
    )
    assert [run.id for page in pages for run in page] == [run.id for run in everything]
    assert (failures, {run.name for run in failed}) == (3, {"bad"})
    assert both == ([], 0)
    assert (len(mine), number) == (1, 3)
    assert await search(ORGANIZATION, 10, 1_000) == ([], 9)


async def _all_wait(house: House, workflow: Workflow) -> bool:
    return [run.status for run in await house.runs_of(workflow)] == ["waiting"] * 3


async def test_lists_forget_runs_that_are_kept_no_longer(store: RedisStore, redis_url: str) -> None:
    workflow = make_workflow(add_tag("a"))
    house = House(store, organization_with(workflow))
    long_ago = house.settings.event_retention.total_seconds() * 2000
    done = house.keys.runs("succeeded")
    await store.redis.zadd(done, {"forgotten": 1, "older": 2})
    async with engine(house, redis_url):
        for number in range(1, 3):
            await house.post()
            await house.finished(workflow, number)

    assert await store.redis.zcard(done) == 2
    assert await store.redis.zcount(done, 0, long_ago) == 0
