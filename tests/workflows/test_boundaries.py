"""kill -9 between any two steps: nothing is lost, and nothing that was stored is done again."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from boundaries import QUICK, STEP, deployed, workflow
from pointsman.ids import derived, lead_uuid
from pointsman.store.keys import Keys
from pointsman.store.notifications import NotificationStore
from pointsman.store.redis import RedisStore
from pointsman.testing import Receiver, receiver
from pooling import ORGANIZATION
from support import THOROUGH, wait_until
from working import House, engine

SCRIPT = Path(__file__).with_name("daemon_at_boundaries.py")

WAY = (
    "create_runs 1",  # the event is acknowledged with it
    "own_turn 1",
    "settle_steps 1",
    "settle_steps 2",  # two changes of the lead and a task; from here on it is a job
    "bundle_jobs 1",
    "outbox 1",
    "claim_run 1",
    "settle_steps 3",  # the request is out before it
    "settle_steps 4",  # another task
    "notify 1",
    "settle_steps 5",  # the end
)
"""Every call that the way of a run hangs on, in their order."""

EVERY = [f"{call} {when}" for call in WAY for when in ("before", "after")]
PLACES = EVERY if THOROUGH else [*EVERY[::2], EVERY[-1]]
"""After a call is before the next one, but for what is done in between."""

SENT_TWICE = {"settle_steps 3 before"}
"""Where the request is out and its result is not stored: it is sent again, under the same id."""


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dead are given up after a second instead of fifteen, here as in the script."""
    monkeypatch.setattr("pointsman.store.events.LEASE", 1000)
    monkeypatch.setattr("pointsman.store.runs.LEASE", 1000)
    monkeypatch.setattr("pointsman.workflows.docket.REDELIVERY", timedelta(seconds=1))
    monkeypatch.setattr("pointsman.workflows.upkeep.EVERY", 0.2)


class Graveyard:
    """Starts processes that kill themselves, and knows which have."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.ended: dict[str, str] = {}

    def bury(self, url: str, place: str) -> None:
        """Start a process that dies at a place."""
        assert self._process.stdin
        self._process.stdin.write(f"{url} {place}\n".encode())

    async def listen(self) -> None:
        """Hear of the ends."""
        assert self._process.stdout
        async for line in self._process.stdout:
            url, status = line.decode().split()[-2:]
            self.ended[url] = status


@asynccontextmanager
async def graveyard(target: str) -> AsyncIterator[Graveyard]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(SCRIPT),
        target,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    yard = Graveyard(process)
    listening = asyncio.create_task(yard.listen())
    try:
        yield yard
    finally:
        process.kill()
        await process.wait()
        await listening


async def survived(yard: Graveyard, peer: Receiver, url: str, place: str) -> None:
    """Let a daemon die at a place and another one go on; check what became of the lead."""
    async with RedisStore.open(url) as store:
        await store.redis.flushdb()
        house = House(store, deployed(peer.url))
        lead = await house.post()
        yard.bury(url, place)
        await wait_until(lambda: url in yard.ended, f"it dies {place}", seconds=30)
        assert yard.ended.pop(url) == "-9", place
        async with engine(house, url):
            (run,) = await house.finished(workflow(peer.url))
            await house.quiet()
        assert (run.status, [one.status for one in run.steps]) == ("succeeded", ["succeeded"] * 7)
        await check_effects(house, peer, lead, run.id, place)


async def check_effects(house: House, peer: Receiver, lead: str, run: str, place: str) -> None:
    record = await house.records.read(ORGANIZATION, "leads", lead, log=True)
    assert record
    assert record.owner
    types = [name for entry in record.log for name in entry.types]
    assert types.count("lead_assigned") == 1, place
    keys, redis = Keys(ORGANIZATION), house.store.redis
    assert await redis.llen(keys.history(derived(STEP, "rotation"))) == 1, place
    assert [entry.revision for entry in record.log] == [1, 2, 3, 4], place
    assert (record.data["tags"], record.data["stage"]) == (["new"], "open"), place
    assert await redis.zcard(keys.index("tasks")) == 2, place
    inbox = NotificationStore(house.store, house.settings)
    notes, _ = await inbox.inbox(ORGANIZATION, record.owner, unread=True, limit=9, offset=0)
    assert [note.says["title"] for note in notes] == ["Yours"], place
    sent = [one for one in peer.requests if lead_uuid(lead).encode() in one.body]
    assert {one.headers["webhook-id"] for one in sent} == {f"{run}:5"}, place
    assert len(sent) == (2 if place in SENT_TWICE else 1), place
    assert len({one.body for one in sent}) == 1


@pytest.mark.parametrize("place", ["create_runs 1 before", "create_runs 1 after"])
async def test_quick_steps_survive_a_kill_where_they_are_stored(redis_url: str, place: str) -> None:
    """D4: done or not done, all of them; the daemon after it starts no second run."""
    async with graveyard(QUICK) as yard, RedisStore.open(redis_url) as store:
        house = House(store, deployed(QUICK))
        lead = await house.post()
        yard.bury(redis_url, place)
        await wait_until(lambda: redis_url in yard.ended, f"it dies {place}", seconds=30)
        before = [run.status for run in await house.runs_of(workflow(QUICK))]
        assert before == ([] if place.endswith("before") else ["succeeded"])
        async with engine(house, redis_url):
            (run,) = await house.finished(workflow(QUICK))
            await house.quiet()
        record = await house.records.read(ORGANIZATION, "leads", lead, log=True)
        tasks = await store.redis.zcard(house.keys.index("tasks"))

    assert [step.status for step in run.steps] == ["succeeded"] * 3
    assert record
    assert (record.data["tags"], record.data["stage"], tasks) == (["new"], "open", 1)
    assert [entry.revision for entry in record.log] == [1, 2, 3]


@pytest.mark.timeout(120)
async def test_a_run_survives_a_kill_at_every_boundary(redis_url: str) -> None:
    """D1, D4: each effect at least once, once where its result was stored; one delivery id."""
    databases: asyncio.Queue[int] = asyncio.Queue()
    for number in range(1, 11):
        databases.put_nowait(number)

    async def one(yard: Graveyard, peer: Receiver, place: str) -> None:
        number = await databases.get()
        await survived(yard, peer, f"{redis_url}?db={number}", place)
        databases.put_nowait(number)

    async with receiver() as peer, graveyard(peer.url) as yard, asyncio.TaskGroup() as tasks:
        for place in PLACES:
            tasks.create_task(one(yard, peer, place))
