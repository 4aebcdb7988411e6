"""What a run is worth: it survives the death of the process that does it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from pointsman import plugin
from pointsman.plugin import ActionContext, Options, action
from pointsman.registry import Registry
from pointsman.store.redis import RedisStore
from pointsman.testing import Received, receiver
from support import wait_until
from working import House, add_tag, engine, make_workflow, organization_with, webhook

SCRIPT = Path(__file__).with_name("daemon_that_dies.py")


class NoOptions(Options):
    """None."""


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dead are given up after a second instead of fifteen, here as in the script."""
    monkeypatch.setattr("pointsman.store.events.LEASE", 1000)
    monkeypatch.setattr("pointsman.store.runs.LEASE", 1000)
    monkeypatch.setattr("pointsman.workflows.docket.REDELIVERY", timedelta(seconds=1))
    monkeypatch.setattr("pointsman.workflows.upkeep.EVERY", 0.2)


@asynccontextmanager
async def process(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the script until the block ends."""
    running = await asyncio.create_subprocess_exec(sys.executable, str(SCRIPT), *arguments)
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()


async def test_a_step_that_a_kill_interrupted_is_done_again_under_the_same_id(
    store: RedisStore, redis_url: str
) -> None:
    """D1, D4: kill -9 while the receiver has the request and has not answered."""
    arrived = asyncio.Event()

    async def hang(_: Received) -> web.StreamResponse:
        arrived.set()
        await asyncio.sleep(60)
        return web.Response()

    async with receiver(hang, 200) as peer:
        workflow = make_workflow(webhook(peer.url, timeout=30), add_tag("done"))
        house = House(store, organization_with(workflow))
        async with process(redis_url, peer.url) as daemon:
            lead = await house.post()
            await asyncio.wait_for(arrived.wait(), 20)
            daemon.kill()
            await daemon.wait()

        async with engine(house, redis_url):
            (run,) = await house.finished(workflow)

    assert run.status == "succeeded"
    assert await house.tags(lead) == ["done"]
    assert [request.headers["webhook-id"] for request in peer.requests] == [f"{run.id}:1"] * 2
    assert peer.requests[0].body == peer.requests[1].body


async def test_a_quick_step_that_killed_its_daemon_is_resumed_by_who_reads_next(
    store: RedisStore, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D4: the event was acknowledged, the run was not done."""
    registry: Registry[plugin.ActionType] = Registry("action")
    for name, found in plugin.actions.items():
        registry.add(name, found)
    for module in ("plugin", "dispatch", "workflows.runs", "workflows.compile"):
        monkeypatch.setattr(f"pointsman.{module}.actions", registry)
    interrupted: list[str] = []

    @action("die", quick=True)
    async def die(options: NoOptions, context: ActionContext) -> None:
        """Do nothing here."""
        interrupted.append(context.delivery_id)

    workflow = make_workflow({"action_type": "die"}, add_tag("done"))
    house = House(store, organization_with(workflow))
    async with process(redis_url, "die") as daemon:
        lead = await house.post()
        assert await asyncio.wait_for(daemon.wait(), 20) == -9
    (begun,) = await house.runs_of(workflow)
    assert begun.status == "running"

    async with engine(house, redis_url):
        (run,) = await house.finished(workflow)

    assert interrupted == [f"{run.id}:1"]
    assert await house.tags(lead) == ["done"]


async def test_a_step_that_kills_every_daemon_is_given_up(
    store: RedisStore, redis_url: str
) -> None:
    """Nothing that a workflow does may keep the daemons from working for ever."""
    workflow = make_workflow(add_tag("a"))
    house = House(store, organization_with(workflow))
    async with engine(house, redis_url):
        await house.post()
        (run,) = await house.finished(workflow)
    key = house.keys.run(run.id)
    changes: dict[Any, Any] = {"status": "running", "ticket": "here", "interrupted": 5}
    await store.redis.hset(key, mapping=changes)
    await store.redis.hdel(key, "finished", "settled")
    await store.redis.zadd(house.keys.running, {f"{run.record_id}/{run.id}": 1})

    async with engine(house, redis_url):
        (run,) = await house.finished(workflow)

    assert run.status == "failed"
    assert run.error
    assert "6 daemons ended while doing this step" in run.error


async def test_many_leads_through_a_kill_have_one_run_each(
    store: RedisStore, redis_url: str
) -> None:
    """D4, D5: every accepted lead has its run, done once, whoever died meanwhile."""
    async with receiver() as peer:
        workflow = make_workflow(webhook(peer.url), add_tag("done"))
        house = House(store, organization_with(workflow))
        async with process(redis_url, peer.url) as daemon:
            leads = await asyncio.gather(*[house.post() for _ in range(60)])
            await wait_until(lambda: peer.requests, "a first delivery", seconds=20)
            daemon.kill()
            await daemon.wait()
        async with engine(house, redis_url):
            runs = await house.finished(workflow, len(leads))

    assert sorted(run.record_id for run in runs) == sorted(leads)
    assert {run.status for run in runs} == {"succeeded"}
    assert {tuple(await house.tags(lead)) for lead in leads} == {("done",)}
    sent = {request.headers["webhook-id"] for request in peer.requests}
    assert sent == {f"{run.id}:1" for run in runs}
