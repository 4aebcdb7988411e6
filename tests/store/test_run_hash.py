"""How runs lie in Redis: whole whatever their values are, found by an erasure, and of old too."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orjson import dumps
from redis.asyncio import Redis

from pointsman.model import Change
from pointsman.settings import Settings
from pointsman.store.events import GROUP, EventStore
from pointsman.store.keys import Keys
from pointsman.store.leads import LeadStore
from pointsman.store.outcomes import OutcomeStore
from pointsman.store.redis import RedisStore
from pointsman.store.run_control import RunControl
from pointsman.store.run_state import Job, NewRun, Run
from pointsman.store.runs import RunStore
from pointsman.store.snapshots import pack, unpack
from pooling import new_lead

ORGANIZATION = "o"
KEYS = Keys(ORGANIZATION)
TEXTS = st.text(max_size=12)
VALUES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS | st.lists(TEXTS)


def new(run_id: str, **more: Any) -> NewRun:
    told: dict[str, Any] = {"begins": "job", "status": "queued", **more}
    return NewRun(run_id, "w", "Greet a  new lead", "lead_created", b'{"v":1}', "d1", **told)


@pytest.fixture(name="runs")
def run_store(store: RedisStore) -> RunStore:
    return RunStore(store, Settings())


@pytest.fixture(name="lead")
async def stored_lead(store: RedisStore) -> str:
    lead = new_lead({"email": "ada@example.com"})
    await LeadStore(store, Settings()).take(ORGANIZATION, lead, reason="no_matching_pool")
    return lead.id


@pytest.fixture(name="change")
async def read_change(store: RedisStore, lead: str) -> Change:
    """An event that was read and not acknowledged."""
    lease = await EventStore(store).hold(ORGANIZATION, "me")
    assert lease
    await EventStore(store).adopt(ORGANIZATION, "me", lease)
    entry: Any = await store.redis.xadd(
        KEYS.events, {"e": f"lead_created leads {lead} 1 intake 0 1"}
    )
    await store.redis.xreadgroup(GROUP, "me", {KEYS.events: ">"})
    return Change(entry.decode(), ("lead_created",), "leads", lead, 1, "intake", 0, 1)


async def begin(runs: RunStore, change: Change, trigger: dict[str, Any], *begun: NewRun) -> None:
    lease = await EventStore(runs.store).hold(ORGANIZATION, "me")
    assert lease
    done = await runs.create(ORGANIZATION, change, trigger, begun, lease=lease, generation=0)
    assert done.verdict.status == "done"


async def as_before(redis: Redis, lead: str, run_id: str, **more: str) -> None:
    """Put a run where an earlier version would have it, as that spelled it."""
    fields: dict[Any, Any] = {
        "v": 1,
        "event": "1-1",
        "module": "leads",
        "record": lead,
        "revision": 1,
        "depth": 0,
        "trigger": dumps({"first_name": "Ada"}),
        "digest": "d" * 64,
        "workflow": "w",
        "version": 3,
        "name": "Greet",
        "type": "lead_created",
        "status": "waiting",
        "generation": 2,
        "reader": "1 me",
        "ticket": "0:2",
        "token": 1,
        "step": 0,
        "attempt": 2,
        "created": 5,
        "updated": 6,
        "began": 5,
        "due": 9,
        "step:0": dumps(
            {"id": "s", "type": "wait", "status": "waiting", "attempts": 1}
            | {"started": 5, "finished": 6, "input": {"duration": "7d"}, "output": None}
            | {"error": None, "missing": []}
        ),
        **more,
    }
    await redis.hset(f"{KEYS.lead(lead)}:run:{run_id}", mapping=fields)
    await redis.pexpire(f"{KEYS.lead(lead)}:run:{run_id}", 60_000)
    await redis.set(KEYS.run(run_id), lead, px=60_000)
    await redis.sadd(KEYS.lead_runs(lead), run_id)
    await redis.pexpire(KEYS.lead_runs(lead), 60_000)
    await redis.zadd(KEYS.runs("waiting"), {run_id: 5})
    await redis.pexpire(KEYS.runs("waiting"), 60_000)


@given(st.dictionaries(TEXTS, VALUES))
def test_a_packed_snapshot_is_what_it_was(snapshot: dict[str, Any]) -> None:
    assert unpack(pack(snapshot)) == snapshot
    assert unpack(dumps(snapshot)) == snapshot


@pytest.mark.parametrize("size", [0, *range(60, 69), 127, 128, 129, 1023, 1024, 1025, 5000])
async def test_values_of_any_length_are_read_as_they_were_written(
    runs: RunStore, change: Change, redis: Redis, size: int
) -> None:
    fields: list[str] = []
    script = """-- @include wide
    local fields = {}
    wide_add(fields, 'step:0', ARGV[1]); wide_add(fields, 'step:0', ARGV[2])
    redis.call('HSET', KEYS[1], unpack(fields))
    return wide_get(KEYS[1], 'step:0')"""
    library = (await _library("wide")).join(script.split("-- @include wide"))
    await begin(runs, change, {"n": 1}, new("r1"))
    step = (
        b'{"id":"s","type":"t","status":"failed","attempts":1,"started":1,"finished":2,"output":"'
    )
    told = step + b"x" * size + b'"}'
    longer = step + b"y" * 1100 + b'"}'

    for value in (told, longer, told):
        assert await redis.eval(library, 1, KEYS.run("r1"), b"z" * 900, value) == value
        run = await runs.read(ORGANIZATION, "r1")
        assert run
        fields.append(run.steps[0].output)

    assert fields == ["x" * size, "y" * 1100, "x" * size]


async def _library(name: str) -> str:
    folder = files("pointsman.store") / "scripts" / "lib"
    return (folder / f"{name}.lua").read_text(encoding="utf-8")


async def test_what_a_run_is_is_kept_with_it(runs: RunStore, change: Change, redis: Redis) -> None:
    trigger = {"first_name": "Ada", "notes": "é" * 900, "tags": []}
    await begin(runs, change, trigger, new("r1"))

    run = await runs.read(ORGANIZATION, "r1")

    assert run
    assert run.trigger == trigger
    assert (run.name, run.type, run.module) == ("Greet a  new lead", "lead_created", "leads")
    assert (run.event, run.revision, run.depth, run.replay) == (change.id, 1, 0, None)
    assert await redis.object("ENCODING", KEYS.run("r1")) == b"listpack"


async def test_an_erasure_finds_every_run_of_a_record(
    runs: RunStore, change: Change, redis: Redis, store: RedisStore, lead: str
) -> None:
    """The record itself names a few, a set the rest, and one that is forgotten makes room."""
    names = [f"019a0b3c-4d5e-8f60-8000-0000000000{number:02}" for number in range(12)]
    await begin(runs, change, {"n": 1}, *map(new, names))
    spilled = await redis.smembers(KEYS.lead_runs(lead))
    assert 0 < len(spilled) < 6
    await redis.delete(KEYS.run(names[0]))
    await begin(runs, change, {"n": 1}, new("later"))
    assert await redis.smembers(KEYS.lead_runs(lead)) == spilled

    assert await LeadStore(store, Settings()).records.erase(ORGANIZATION, "leads", lead)

    assert [key async for key in redis.scan_iter("pm:*:run:*")] == []
    assert not await redis.exists(KEYS.lead_runs(lead))


async def test_a_run_of_an_earlier_version_is_read_where_it_lies(
    runs: RunStore, redis: Redis, lead: str, store: RedisStore
) -> None:
    await as_before(redis, lead, "old", status="failed", error="why", finished="7")

    (run,) = await runs.several(ORGANIZATION, ["old", "never"])

    assert (run.id, run.name, run.version, run.generation) == ("old", "Greet", 3, 2)
    assert (run.trigger, run.record_id, run.error) == ({"first_name": "Ada"}, lead, "why")
    assert run.steps[0].input == {"duration": "7d"}
    ended = Change("2-1", ("run_failed",), "runs", lead, 1, "workflow:w/old", 0, 7)
    (told,) = await OutcomeStore(store).read(ORGANIZATION, [ended])
    assert told
    assert told["reason"] == "why"


async def test_a_run_of_an_earlier_version_goes_on(runs: RunStore, redis: Redis, lead: str) -> None:
    """Whoever claims it moves it to where runs are now, with all that is known of it."""
    await as_before(redis, lead, "old")

    run = await runs.claim(Job(ORGANIZATION, "", "old", "0:2"))

    assert run
    assert (run.status, run.token, run.subject) == ("running", 2, lead)
    assert await runs.read(ORGANIZATION, "old") == run
    assert not await redis.exists(f"{KEYS.lead(lead)}:run:old")
    assert await redis.pttl(KEYS.run("old")) > 0


async def test_a_run_of_an_earlier_version_can_be_cancelled_and_is_erased(
    runs: RunStore, redis: Redis, lead: str, store: RedisStore
) -> None:
    await as_before(redis, lead, "old")
    await as_before(redis, lead, "older")
    run = await runs.read(ORGANIZATION, "old")
    assert run

    assert await RunControl(store, Settings()).cancel(run, "enough") == "cancelled"
    assert await runs.claim(Job(ORGANIZATION, "", "old", "0:2")) is None
    assert await LeadStore(store, Settings()).records.erase(ORGANIZATION, "leads", lead)

    assert await runs.several(ORGANIZATION, ["old", "older"]) == []
    assert [key async for key in redis.scan_iter("*:lead:*:run:*")] == []


async def test_a_line_that_began_in_an_earlier_version_goes_on(
    runs: RunStore, redis: Redis, lead: str, store: RedisStore, change: Change
) -> None:
    """A run that waits behind one that an earlier version began gets its turn."""
    await as_before(redis, lead, "old", line="queue")
    await as_before(redis, lead, "next", line="queue", status="queued", ticket="")
    line = f"{KEYS.lead(lead)}:line:w"
    await redis.rpush(line, "old", "next")
    await redis.pexpire(line, 60_000)
    await begin(runs, change, {"n": 1}, new("newest", concurrency="queue"))
    assert await redis.lrange(line, 0, -1) == [b"old", b"next", b"newest"]
    first = await runs.read(ORGANIZATION, "old")
    assert first

    await RunControl(store, Settings()).cancel(first, "enough")

    follower: Run | None = await runs.read(ORGANIZATION, "next")
    assert follower
    assert (follower.ticket, await redis.lrange(line, 0, -1)) == ("0:2", [b"next", b"newest"])
    assert await redis.xlen(KEYS.outbox) == 1
