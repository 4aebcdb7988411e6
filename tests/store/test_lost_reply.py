"""What happens when the server has done it and the answer never arrives."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from pointsman.model import Change
from pointsman.settings import Settings
from pointsman.store.events import EventStore
from pointsman.store.keys import Keys
from pointsman.store.leads import Idempotency, LeadStore
from pointsman.store.records import Author, RecordStore
from pointsman.store.redis import RedisStore
from pointsman.store.run_state import NewRun, Next, Run, StepRecord
from pointsman.store.runs import RunStore
from pointsman.store.scripts import script
from pooling import ORGANIZATION, choice, leads_of, make_organization, make_pool, new_lead, publish
from working import tagged_leg

KEYS = Keys(ORGANIZATION)


class Cutter:
    """A way to the server that drops the connection instead of handing on some replies."""

    def __init__(self, server: str) -> None:
        self._server = server
        self.cuts = 0
        self.executed = 0

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[str]:
        with tempfile.TemporaryDirectory(prefix="pm", dir="/tmp") as folder:
            path = Path(folder) / "c.sock"
            server = await asyncio.start_unix_server(self._pass_on, path)
            async with server:
                yield f"unix://{path}"
                server.close()

    async def _pass_on(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        replies, server = await asyncio.open_unix_connection(self._server)
        while asked := await client.read(1 << 20):
            server.write(asked)
            reply = await replies.read(1 << 20)
            if b"EVALSHA" in asked:
                self.executed += 1
                if self.cuts:
                    self.cuts -= 1
                    break
            answer.write(reply)
        server.close()
        answer.close()


@pytest.mark.parametrize("cuts", [1, 3])
async def test_a_lead_whose_answer_was_lost_exists_once_and_took_one_turn(
    redis_url: str, store: RedisStore, redis: Redis, cuts: int
) -> None:
    """Doing a thing once: the connection is cut between execution and reply."""
    pool = make_pool(["ada", "bob", "cy"])
    await publish(store, pool)
    await leads_of(LeadStore(store, Settings()), pool, 1)
    cutter = Cutter(redis_url.removeprefix("unix://"))
    lead, key = new_lead(), Idempotency.of("intake", "k", b"{}")

    async with cutter.listen() as url, RedisStore.open(url) as behind:
        cutter.cuts = cuts
        taken = await LeadStore(behind, Settings()).take(
            ORGANIZATION, lead, choice(pool), idempotency=key
        )

    assert cutter.executed == cuts + 1
    assert (taken.status, taken.lead_id) == ("taken", lead.id)
    assert taken.assignment is not None
    assert taken.assignment.turn == 2
    assert await redis.hget(KEYS.pool(pool.id), "turn") == b"3"
    assert await redis.llen(KEYS.history(pool.id)) == 2
    assert await redis.xlen(KEYS.events) == 2
    assert await redis.llen(KEYS.log(lead.id)) == 1


async def test_a_run_that_ended_and_steps_whose_answers_were_lost_are_stored_once(
    redis_url: str, store: RedisStore, redis: Redis
) -> None:
    """D4: the connection is cut after the script stored a run with its end, then a leg of one."""
    settings, lead, cutter = Settings(), new_lead(), Cutter(redis_url.removeprefix("unix://"))
    records = RecordStore(store, settings)
    await LeadStore(store, settings).take(ORGANIZATION, lead)
    lease = await EventStore(store).hold(ORGANIZATION, "me")
    assert lease
    await EventStore(store).adopt(ORGANIZATION, "me", lease)
    for name in ("create_runs", "settle_steps"):
        await redis.script_load(script(name).source)
    change = Change("1-1", ("lead_created",), "leads", lead.id, 1, "intake", 0, 1)
    step = StepRecord("s", "add_tag", "succeeded", 1, 1, 2)
    new = NewRun("r1", "w", "Greet", "lead_created", b"{}", "d1", "done", "succeeded")

    begun = Run.begun(ORGANIZATION, change, new, generation=0, now=1)
    async with cutter.listen() as url, RedisStore.open(url) as behind:
        runs = RunStore(behind, settings)
        over = [await tagged_leg(begun, records, "a", step, Next("end", "succeeded"))]
        cutter.cuts = 1
        first = await runs.create(
            ORGANIZATION, change, {}, [new], lease=lease, generation=0, over=over, now=1
        )
        here = replace(new, id="r2", begins="here", status="running")
        (run,) = (
            await runs.create(ORGANIZATION, change, {}, [here], lease=lease, generation=0)
        ).here
        leg = await tagged_leg(run, records, "b", step, Next("step", "running"))
        cutter.cuts = 1
        stored = await runs.settle(leg)

    assert (first.verdict.status, set(first.over), stored) == ("done", {"r1"}, "stored")
    record = await records.read(ORGANIZATION, "leads", lead.id, log=True)
    assert record
    assert (record.data["tags"], len(record.log)) == (["a", "b"], 3)
    assert await redis.xlen(KEYS.events) == 3


async def test_an_assignment_and_a_change_whose_answers_were_lost_happen_once(
    redis_url: str, store: RedisStore, redis: Redis
) -> None:
    """Doing a thing once: the operation's first answer is given again."""
    pool = make_pool(["ada", "bob", "cy"])
    await publish(store, pool)
    leads, lead = LeadStore(store, Settings()), new_lead()
    await leads.take(ORGANIZATION, lead)
    for name in ("assign", "write_records"):
        await redis.script_load(script(name).source)
    cutter = Cutter(redis_url.removeprefix("unix://"))

    async with cutter.listen() as url, RedisStore.open(url) as behind:
        cut = LeadStore(behind, Settings())
        cutter.cuts = 1
        taken = await cut.assign(
            ORGANIZATION, lead.id, choice(pool), source="system", operation="1"
        )
        await cut.read(ORGANIZATION, lead.id)

        def edit(_: dict[str, Any]) -> dict[str, Any]:
            cutter.cuts = 1
            return {"tags": ["a"]}

        changed = await cut.records.change(
            make_organization([]), "leads", lead.id, edit, Author("2")
        )

    assert taken.assignment is not None
    assert taken.assignment.turn == 1
    assert (changed.status, changed.records[0].revision, cutter.cuts) == ("done", 3, 0)
    assert await redis.hget(KEYS.pool(pool.id), "turn") == b"2"
    assert await redis.xlen(KEYS.events) == 3
