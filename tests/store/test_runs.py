from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from pointsman.model import Change
from pointsman.settings import Settings
from pointsman.store import runs as module
from pointsman.store.events import GROUP, EventStore
from pointsman.store.keys import Keys
from pointsman.store.leads import LeadStore
from pointsman.store.legs import Leg
from pointsman.store.records import RecordStore
from pointsman.store.redis import RedisStore
from pointsman.store.run_state import HERE, Job, NewRun, Next, Run, StepRecord
from pointsman.store.runs import RunStore
from pooling import new_lead
from working import tagged_leg

ORGANIZATION = "o"
RECORD = "5f" * 12
KEYS = Keys(ORGANIZATION)
NEW = NewRun("r1", "w", "Greet", "lead_created", b'{"v":1}', "d1", "here", "running")
STEP = StepRecord("s", "add_tag", "succeeded", 1, 1, 2, output={"added": ["a"]})


@pytest.fixture(name="runs")
def run_store(store: RedisStore) -> RunStore:
    return RunStore(store, Settings())


@pytest.fixture(name="lease")
async def right_to_read(store: RedisStore) -> str:
    lease = await EventStore(store).hold(ORGANIZATION, "me")
    assert lease
    return lease


@pytest.fixture(name="change")
async def read_change(store: RedisStore, lease: str) -> Change:
    """An event that was read and not acknowledged."""
    await EventStore(store).adopt(ORGANIZATION, "me", lease)
    entry: Any = await store.redis.xadd(
        KEYS.events, {"e": f"lead_created leads {RECORD} 1 intake 0 1"}
    )
    await store.redis.xreadgroup(GROUP, "me", {KEYS.events: ">"})
    return Change(entry.decode(), ("lead_created",), "leads", RECORD, 1, "intake", 0, 1)


async def begin(
    runs: RunStore, change: Change, lease: str, *new: NewRun, generation: int = 0
) -> tuple[str, list[Run]]:
    begun = await runs.create(
        ORGANIZATION, change, {"first_name": "Ada"}, new, lease=lease, generation=generation
    )
    return begun.verdict.status, list(begun.here)


async def settle(runs: RunStore, run: Run, record: StepRecord, following: Next) -> str:
    """Store one step."""
    leg = Leg(run, RecordStore(runs.store, Settings()))
    leg.add(record, following)
    return await runs.settle(leg)


async def posted(redis: Redis) -> Any:
    return await redis.xrange(KEYS.outbox)


async def pending(redis: Redis) -> int:
    told = await redis.xpending(KEYS.events, GROUP)
    return int(told["pending"])


async def test_a_run_is_begun_and_its_event_acknowledged_in_one(
    runs: RunStore, change: Change, lease: str, redis: Redis
) -> None:
    assert await pending(redis) == 1

    status, (run,) = await begin(runs, change, lease, NEW)

    assert status == "done"
    assert await pending(redis) == 0
    assert await runs.read(ORGANIZATION, "r1") == run
    assert (run.trigger, run.ticket, run.token) == ({"first_name": "Ada"}, HERE, 1)
    assert await runs.definition(run) == b'{"v":1}'


async def test_beginning_sent_twice_begins_once_and_answers_the_same(
    runs: RunStore, change: Change, lease: str
) -> None:
    """A lost reply: the command is sent again and gets its first answer."""
    first = await begin(runs, change, lease, NEW)

    again = await begin(runs, change, lease, NEW)

    assert [run.id for run in again[1]] == [run.id for run in first[1]] == ["r1"]
    assert (await runs.runs(ORGANIZATION, "w", 10, 0))[1] == 1


async def test_a_run_that_another_reader_began_is_left_to_it(
    runs: RunStore, store: RedisStore, change: Change, lease: str
) -> None:
    await begin(runs, change, lease, NEW)
    await EventStore(store).release(ORGANIZATION, lease)
    other = await EventStore(store).hold(ORGANIZATION, "other")
    assert other

    assert await begin(runs, change, other, NEW) == ("done", [])


async def test_a_run_that_went_on_is_not_begun_again(
    runs: RunStore, change: Change, lease: str
) -> None:
    _, (run,) = await begin(runs, change, lease, NEW)
    await settle(runs, run, STEP, Next("step", "running"))

    assert await begin(runs, change, lease, NEW) == ("done", [])


async def test_a_definition_that_is_gone_is_sent_again(
    runs: RunStore, change: Change, lease: str, redis: Redis
) -> None:
    await begin(runs, change, lease, NEW)
    await redis.delete(KEYS.definition("d1"))

    _, (run,) = await begin(runs, change, lease, replace(NEW, id="r2"))

    assert await runs.definition(run) == b'{"v":1}'
    assert await runs.exists(run.job)


async def test_nothing_is_begun_without_the_right_or_by_old_rules(
    runs: RunStore, change: Change, lease: str, redis: Redis
) -> None:
    assert (await begin(runs, change, "0 old", NEW))[0] == "lost"
    await redis.hset(KEYS.generation, "number", "2")
    assert (await begin(runs, change, lease, NEW, generation=1))[0] == "stale"

    assert await runs.read(ORGANIZATION, "r1") is None
    assert await pending(redis) == 1


async def test_a_job_is_posted_with_the_run_that_waits_for_it(
    runs: RunStore, change: Change, lease: str, redis: Redis
) -> None:
    status, here = await begin(runs, change, lease, replace(NEW, begins="job", status="queued"))

    assert (status, here) == ("done", [])
    ((_, fields),) = await posted(redis)
    assert Job.parse(fields[b"job"].decode()) == Job(ORGANIZATION, RECORD, "r1", "0:1")


async def test_only_the_ticket_at_hand_claims_a_run(
    runs: RunStore, change: Change, lease: str
) -> None:
    await begin(runs, change, lease, replace(NEW, begins="job", status="queued"))
    job = Job(ORGANIZATION, RECORD, "r1", "0:1")

    assert await runs.claim(job._replace(ticket="0:2")) is None
    assert await runs.claim(job._replace(ticket=HERE)) is None
    assert await runs.claim(job._replace(run_id="r9")) is None
    run = await runs.claim(job)

    assert run
    assert (run.status, run.token, run.step, run.attempt) == ("running", 1, 0, 1)


async def test_the_result_of_an_older_claim_is_refused(
    runs: RunStore, change: Change, lease: str
) -> None:
    await begin(runs, change, lease, replace(NEW, begins="job", status="queued"))
    job = Job(ORGANIZATION, RECORD, "r1", "0:1")
    older, newer = await runs.claim(job), await runs.claim(job)
    assert older
    assert newer
    assert newer.interrupted == 1

    assert await settle(runs, older, STEP, Next("end", "failed", error="late")) == "lost"
    assert await settle(runs, newer, STEP, Next("end", "succeeded")) == "stored"

    run = await runs.read(ORGANIZATION, "r1")
    assert run
    assert (run.status, run.error) == ("succeeded", None)
    assert await runs.claim(job) is None


async def test_what_an_older_claim_did_to_records_is_refused_with_its_result(
    runs: RunStore, change: Change, lease: str, store: RedisStore
) -> None:
    """D4: two daemons that believe to have a run: only one of them is seen."""
    records = RecordStore(store, Settings())
    await LeadStore(store, Settings()).take(ORGANIZATION, new_lead()._replace(id=RECORD))
    await begin(runs, change, lease, replace(NEW, begins="job", status="queued"))
    job = Job(ORGANIZATION, RECORD, "r1", "0:1")
    older, newer = await runs.claim(job), await runs.claim(job)
    assert older
    assert newer
    end = Next("end", "succeeded")
    late = await tagged_leg(older, records, "late", STEP, end)
    leg = await tagged_leg(newer, records, "new", STEP, end)

    assert await runs.settle(leg) == "stored"
    assert await runs.settle(late) == "lost"
    assert await runs.settle(leg) == "stored"

    record = await records.read(ORGANIZATION, "leads", RECORD)
    assert record
    assert (record.data["tags"], record.revision) == (["new"], 2)


async def test_a_result_sent_twice_is_stored_once(
    runs: RunStore, change: Change, lease: str, redis: Redis
) -> None:
    """A lost reply: the second time gets the first answer, and posts no second job."""
    _, (run,) = await begin(runs, change, lease, NEW)
    again = replace(run, steps=[])

    assert await settle(runs, run, STEP, Next("job", "queued")) == "stored"
    assert await settle(runs, again, STEP, Next("job", "queued")) == "stored"

    assert await redis.xlen(KEYS.outbox) == 1


async def test_what_follows_is_stored_with_the_result(
    runs: RunStore, change: Change, lease: str, redis: Redis
) -> None:
    _, (run,) = await begin(runs, change, lease, NEW)

    await settle(runs, run, STEP, Next("step", "running"))
    assert (run.step, run.attempt) == (1, 1)
    await settle(runs, run, replace(STEP, id="t", status="waiting"), Next("retry", "waiting", 77))
    assert (run.step, run.attempt) == (1, 2)

    ((_, fields),) = await posted(redis)
    assert fields == {b"job": f"{ORGANIZATION}/{RECORD}/r1/1:2".encode(), b"due": b"77"}
    stored = await runs.read(ORGANIZATION, "r1")
    assert stored
    assert (stored.status, stored.step, stored.attempt, stored.due) == ("waiting", 1, 2, 77)
    assert [record.id for record in stored.steps] == ["s", "t"]
    assert stored.steps[0] == STEP
    assert await runs.abandoned(ORGANIZATION) == []


async def test_a_run_that_goes_on_here_is_resumed_once_its_lease_is_over(
    runs: RunStore, change: Change, lease: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await begin(runs, change, lease, NEW)
    job = Job(ORGANIZATION, RECORD, "r1", HERE)
    assert await runs.abandoned(ORGANIZATION) == []
    assert await runs.claim(job) is None
    await begin(runs, change, lease, replace(NEW, id="r2"))

    monkeypatch.setattr(module, "LEASE", -1)
    await begin(runs, change, lease, replace(NEW, id="r3"))

    (abandoned,) = await runs.abandoned(ORGANIZATION)
    assert abandoned.run_id == "r3"
    run = await runs.claim(abandoned)
    assert run
    assert (run.token, run.interrupted) == (2, 1)


async def test_a_finished_run_leaves_the_list_of_those_that_go_on(
    runs: RunStore, change: Change, lease: str, redis: Redis
) -> None:
    _, (run,) = await begin(runs, change, lease, NEW)
    assert await redis.zcard(KEYS.running) == 1

    await settle(runs, run, STEP, Next("end", "succeeded"))

    assert await redis.exists(KEYS.running) == 0


async def test_runs_are_listed_newest_first_by_pages(
    runs: RunStore, change: Change, lease: str
) -> None:
    for number in range(5):
        await begin(runs, change, lease, replace(NEW, id=f"r{number}"))

    newest, total = await runs.runs(ORGANIZATION, "w", 2, 0)
    oldest, _ = await runs.runs(ORGANIZATION, "w", 2, 4)

    assert total == 5
    assert len(newest) == 2
    assert len(oldest) == 1
    assert await runs.runs(ORGANIZATION, "nothing", 10, 0) == ([], 0)


async def test_a_listing_is_bounded(
    runs: RunStore, change: Change, lease: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LISTED", 3)

    for number in range(5):
        await begin(runs, change, lease, replace(NEW, id=f"r{number}"))

    assert (await runs.runs(ORGANIZATION, "w", 10, 0))[1] == 3
    assert await runs.read(ORGANIZATION, "r0")
