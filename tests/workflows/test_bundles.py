"""What is due together is one job of the queue, and each run in it is still its own."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from pointsman.ids import derived
from pointsman.store.batches import Batch
from pointsman.store.outbox import Outbox, Posted
from pointsman.store.redis import RedisStore
from pointsman.store.run_state import Job
from pointsman.testing import Received, receiver
from pointsman.workflows.bundles import bundled
from pooling import ORGANIZATION
from support import wait_until
from working import House, add_tag, engine, make_workflow, organization_with, webhook

NOW = 1_800_000_000_000
IDS = st.uuids().map(str) | st.text("abcdef0123456789-", min_size=1, max_size=40)
JOBS = st.lists(
    st.tuples(IDS, st.integers(0, 99), st.integers(1, 99)).map(
        lambda one: ("lead", one[0], f"{one[1]}:{one[2]}")
    ),
    min_size=1,
    max_size=5,
)


def posted(number: int, due: int) -> Posted:
    job = Job(ORGANIZATION, "lead", derived("run", str(number)), "0:1")
    return Posted(f"{number}-0", Batch([job]), due, str(job))


def wait_until_then(due: datetime, *more: dict[str, Any]) -> Any:
    return make_workflow({"action_type": "wait", "config": {"until": due.isoformat()}}, *more)


@given(IDS, JOBS)
def test_the_text_of_jobs_says_what_they_are(
    organization_id: str, told: list[tuple[str, str, str]]
) -> None:
    jobs = [Job(organization_id, *one) for one in told]

    read = Batch.parse(str(Batch(jobs)))

    assert [(one.organization_id, one.run_id, one.ticket) for one in read.jobs] == [
        (one.organization_id, one.run_id, one.ticket) for one in jobs
    ]


def test_a_job_that_an_earlier_version_queued_is_read() -> None:
    job = Job(ORGANIZATION, "task:5f", "cd6b2ab3-981", "3:12")

    assert Batch.parse(f"{ORGANIZATION}/task:5f/cd6b2ab3-981/3:12").jobs == [job]


@given(st.lists(st.integers(-300, 3000), max_size=150))
def test_bundles_have_every_job_once_and_none_waits_long_for_another(dues: list[int]) -> None:
    told = [posted(n, NOW + due if due > 0 else max(0, due)) for n, due in enumerate(dues)]

    bundles = bundled(told, NOW)

    again = [one for bundle in bundles for one in bundle]
    assert sorted(one.id for one in again) == sorted(one.id for one in told)
    for bundle in bundles:
        due = [max(one.due, NOW) for one in bundle]
        assert 1 <= len(bundle) <= 32
        assert max(due) - min(due) <= (100 if min(due) > NOW else 0)


async def test_a_job_is_in_one_bundle_whoever_makes_it_and_however_often(
    store: RedisStore, redis: Redis, redis_url: str
) -> None:
    """D5: a relay that died, or that does not know yet that another took over, does no harm."""
    house = House(store, organization_with())
    jobs = [Job(ORGANIZATION, "lead", derived("run", str(n)), "0:1") for n in range(3)]
    for job in jobs:
        await redis.xadd(house.keys.outbox, {"job": str(job), "due": 7})
    async with Outbox.open(store, redis_url) as outbox:
        ((_, (one, two, three)),) = await outbox.read({ORGANIZATION: "0-0"}, 1000)
        made = await outbox.bundle(ORGANIZATION, [[one], [two]])
        again = await outbox.bundle(ORGANIZATION, [[one], [two]])
        others = await outbox.bundle(ORGANIZATION, [[one, two, three]])
        ((_, left),) = await outbox.read({ORGANIZATION: "0-0"}, 1000)

    assert (again, others) == ([], [])
    assert left[:2] == made
    assert [str(entry.job) for entry in left] == [str(Batch([job])) for job in jobs]
    assert [(entry.due, entry.text) for entry in left] == [(7, "")] * 3


async def test_runs_that_wait_for_the_same_time_are_one_job(
    store: RedisStore, redis: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pointsman.workflows.bundles.GATHERED", 1.0)
    workflow = wait_until_then(datetime.now(UTC) + timedelta(hours=1), add_tag("after"))
    house = House(store, organization_with(workflow))
    for _ in range(5):
        await house.post()

    async with engine(house, redis_url):
        await wait_until(lambda: _all_wait(house, 5), "all wait", seconds=20)
        jobs = await redis.zcard("pm:docket:queue")

    assert jobs == 1


async def test_each_run_of_a_bundle_goes_on_for_itself(store: RedisStore, redis_url: str) -> None:
    """One that hangs or fails holds up none of those that the queue was told of with it."""
    released = asyncio.Event()

    async def answer(got: Received) -> web.StreamResponse:
        if got.json()["email"] == "slow@example.com":
            await released.wait()
        return web.Response(status=400 if got.json()["email"] == "bad@example.com" else 200)

    async with receiver(answer) as peer:
        workflow = make_workflow(webhook(peer.url, body={"email": "{{trigger.email}}"}))
        house = House(store, organization_with(workflow))
        for name in ("slow", "bad", "good", "better"):
            await house.post(email=f"{name}@example.com")
        async with engine(house, redis_url):
            first = await house.finished(workflow, 3)
            released.set()
            runs = await house.finished(workflow, 4)

    assert sorted(run.status for run in first) == ["failed", "succeeded", "succeeded"]
    assert sorted(run.status for run in runs) == ["failed", *["succeeded"] * 3]
    assert len(peer.requests) == 4


async def _all_wait(house: House, number: int) -> bool:
    """Return whether so many runs wait, and the queue knows."""
    waiting = await house.store.redis.zcard(house.keys.runs("waiting"))
    return waiting == number and not await house.store.redis.xlen(house.keys.outbox)


async def test_a_run_that_waits_is_small_in_any_redis(
    store: RedisStore, redis: Redis, redis_url: str
) -> None:
    """At most 2 KB a run that waits: only hashes that Redis keeps compact with its defaults."""
    workflow = wait_until_then(datetime.now(UTC) + timedelta(days=7), add_tag("after"))
    house = House(store, organization_with(workflow))

    async with engine(house, redis_url):
        await house.post(notes="x" * 450)
        await wait_until(lambda: _all_wait(house, 1), "the run waits", seconds=20)
        (run,) = await house.runs_of(workflow)
        job = Batch([Job(ORGANIZATION, "", run.id, "0:2")]).key
        keys = [house.keys.run(run.id), f"pm:docket:{job}", f"pm:docket:runs:{job}"]
        encodings = [await redis.object("ENCODING", key) for key in keys]
        sizes = [await redis.memory_usage(key) for key in keys]

    assert encodings == [b"listpack"] * 3
    assert sum(filter(None, sizes)) < 1_700
    assert not await redis.exists(house.keys.lead_runs(run.record_id))
