"""An organization's time, told by several daemons whose clocks differ."""

from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis

from pointsman.ids import milliseconds
from pointsman.model import Pool
from pointsman.settings import Settings
from pointsman.store.keys import Keys
from pointsman.store.leads import LeadStore
from pointsman.store.pools import PoolStore
from pointsman.store.records import Author
from pointsman.store.redis import RedisStore
from pooling import ORGANIZATION, choice, make_organization, make_pool, new_lead, publish

KEYS = Keys(ORGANIZATION)
HOUR = 3_600_000


@pytest.fixture
def leads(store: RedisStore) -> LeadStore:
    return LeadStore(store, Settings())


@pytest.fixture
async def pool(store: RedisStore) -> Pool:
    made = make_pool(["ada", "bob"])
    await publish(store, made)
    return made


async def events(redis: Redis) -> list[int]:
    """Return the times that the event stream tells."""
    entries: Any = await redis.xrange(KEYS.events)
    return [int(fields[b"e"].split()[-1]) for _, fields in entries]


async def clock(redis: Redis) -> int:
    return int(await redis.get(KEYS.clock) or 0)


async def test_time_never_runs_backwards(leads: LeadStore, redis: Redis, pool: Pool) -> None:
    """Two daemons, one of them ten seconds behind: what comes later is never told as earlier."""
    now = milliseconds() - 60_000
    clocks = [now, now - 10_000, now + 5, now - 10_000, now + 6]
    taken = [await leads.take(ORGANIZATION, new_lead(at=at), choice(pool)) for at in clocks]

    kept = [(await leads.read(ORGANIZATION, t.lead_id, log=True))[0] for t in taken]

    times = [now, now, now + 5, now + 5, now + 6]
    assert [lead and (lead.created, lead.updated, lead.log[0].at) for lead in kept] == [
        (at, at, at) for at in times
    ]
    assert await events(redis) == times
    page = await PoolStore(leads.store).assignments(ORGANIZATION, pool.id)
    assert [entry.at for entry in page.assignments] == times[::-1]
    assert await clock(redis) == now + 6


async def test_one_wrong_clock_does_not_take_the_organization_s_time_along(
    leads: LeadStore, redis: Redis, pool: Pool
) -> None:
    """A daemon whose clock is an hour ahead is held to a second; the others' time goes on."""
    before = milliseconds()
    ahead = await leads.take(ORGANIZATION, new_lead(at=before + HOUR), choice(pool))
    right = await leads.take(ORGANIZATION, new_lead(), choice(pool))

    first, second = [(await leads.read(ORGANIZATION, t.lead_id))[0] for t in (ahead, right)]

    after = milliseconds()
    assert first
    assert second
    assert before + 1000 <= first.created <= second.created <= after + 1000
    await redis.set(KEYS.clock, after + HOUR)  # as after a failover to a Redis that is behind
    await leads.take(ORGANIZATION, new_lead(), choice(pool))
    assert await clock(redis) <= milliseconds() + 1000


async def test_changes_and_assignments_keep_to_it_too(
    leads: LeadStore, redis: Redis, pool: Pool
) -> None:
    now = milliseconds() - 60_000
    lead = new_lead(at=now)
    await leads.take(ORGANIZATION, lead)

    await leads.assign(
        ORGANIZATION, lead.id, choice(pool), source="system", operation="a", at=now - HOUR
    )
    stored, _ = await leads.read(ORGANIZATION, lead.id, log=True)

    assert stored
    assert (stored.created, stored.updated) == (now, now)
    await leads.records.change(
        make_organization([]),
        "leads",
        lead.id,
        lambda _: {"first_name": "Dana"},
        Author("b", "workflow:w"),
    )
    times = await events(redis)
    assert times[:2] == [now, now]
    assert now < times[2] <= milliseconds()
