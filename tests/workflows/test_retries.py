"""Deliveries that fail together: when they come back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pointsman.dispatch import Retries
from pointsman.plugin import ActionContext, Options, Sleep, TransientError, actions
from pointsman.store.redis import RedisStore
from pointsman.store.run_state import Run
from pointsman.testing import receiver
from support import THOROUGH, wait_until
from working import House, engine, make_workflow, organization_with, webhook

NUMBER = 1000 if THOROUGH else 200
WINDOW = 800.0
PARTS = 5
SECOND = 2


async def test_deliveries_that_fail_together_come_back_apart(
    store: RedisStore, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D6: a receiver that recovers is met by a trickle.

    The circuit breaker, which would keep most of them from it, is left out of this; that attempts
    come to an end is told in ``test_dispatch``.
    """
    monkeypatch.setattr("pointsman.breaker.FAILURES", 10 * NUMBER)
    retries = Retries(first=timedelta(seconds=WINDOW))
    async with receiver(503) as peer:
        workflow = make_workflow(webhook(peer.url))
        house = House(store, organization_with(workflow))
        async with engine(house, redis_url, retries=retries):
            await asyncio.gather(*(house.post() for _ in range(NUMBER)))
            await wait_until(lambda: all_wait(house), "all have failed once", seconds=60)
            runs = await house.runs_of(workflow)

    waits = [(run.due - failed(run)) / 1000 for run in runs if run.due and run.attempt == SECOND]
    parts = [int(wait / WINDOW * PARTS) for wait in waits]
    assert len(waits) > NUMBER * 0.95, "few come back that soon"
    assert max(waits) <= WINDOW + 1
    assert all(NUMBER * 0.1 < parts.count(part) < NUMBER * 0.35 for part in range(PARTS))
    assert max(map(waits.count, waits)) < NUMBER / 20


def failed(run: Run) -> int:
    """Return when the first attempt failed."""
    return run.steps[0].finished


async def all_wait(house: House) -> bool:
    return await house.store.redis.zcard(house.keys.runs("waiting")) == NUMBER


class AskOptions(Options):
    """Options of an action that asks until there is an answer."""


async def test_an_action_that_asked_to_be_called_again_has_all_its_attempts_left(
    store: RedisStore, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking again is no failure, however often; failures count from the last such answer on."""
    calls: list[int] = []

    async def ask(_: AskOptions, context: ActionContext) -> Sleep:
        calls.append(context.attempt)
        if len(calls) in {3, 5, 6}:
            raise TransientError("no answer")
        return Sleep(datetime.now(UTC) + timedelta(milliseconds=5))

    found = replace(actions["add_tag"], name="ask", run=ask, options=AskOptions)
    monkeypatch.setitem(actions._things, "ask", found)
    workflow = make_workflow({"action_type": "ask", "config": {}})
    house = House(store, organization_with(workflow))
    retries = Retries(first=timedelta(milliseconds=5), attempts=2)
    async with engine(house, redis_url, retries=retries):
        await house.post()
        (run,) = await house.finished(workflow)

    assert calls == [1, 2, 3, 4, 5, 6]
    assert run.error == "step 1: no answer (gave up after 2 attempts)"
    assert run.steps[0].attempts == 6
