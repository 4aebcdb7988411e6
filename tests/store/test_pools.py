"""What Redis keeps of pools: pointer, counters, history."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from pointsman.model import Pool
from pointsman.settings import Settings
from pointsman.store.keys import Keys
from pointsman.store.leads import Choice, LeadStore
from pointsman.store.pools import PoolStore
from pointsman.store.redis import RedisStore
from pooling import ORGANIZATION, choice, leads_of, make_pool, new_lead, publish

KEYS = Keys(ORGANIZATION)
SEVEN = [f"m{n}" for n in range(7)]


@pytest.fixture
def leads(store: RedisStore) -> LeadStore:
    return LeadStore(store, Settings())


@pytest.fixture
def pools(store: RedisStore) -> PoolStore:
    return PoolStore(store)


@pytest.fixture
async def pool(store: RedisStore) -> Pool:
    pool = make_pool(["ada", "bob", "cy"])
    await publish(store, pool)
    return pool


async def turns(redis: Redis, pool: Pool) -> int:
    return int(await redis.hget(KEYS.pool(pool.id), "turn") or 0) - 1


async def events(redis: Redis) -> list[str]:
    entries: list[Any] = await redis.xrange(KEYS.events) or []
    return [fields[b"e"].decode() for _, fields in entries]


async def test_a_changed_pool_refuses_older_decisions(
    leads: LeadStore, redis: Redis, pool: Pool
) -> None:
    newer = make_pool(["ada", "bob"])
    await publish(leads.store, newer)
    lead = new_lead()

    stale = await leads.take(ORGANIZATION, lead, choice(pool))

    assert (stale.status, stale.generation) == ("stale", 2)
    assert (await leads.read(ORGANIZATION, lead.id))[0] is None
    assert (await turns(redis, pool), await events(redis)) == (0, [])
    assert (await leads.take(ORGANIZATION, lead, choice(newer))).status == "taken"


async def test_a_removed_pool_stops_at_once_and_comes_back_where_it_was(
    leads: LeadStore, redis: Redis, pool: Pool
) -> None:
    await leads_of(leads, pool, 1)

    await publish(leads.store)
    gone = await leads.take(ORGANIZATION, new_lead(), choice(pool))
    kept = await redis.pttl(KEYS.pool(pool.id))
    await publish(leads.store, pool)

    assert gone.status == "gone"
    assert 0 < kept <= 30 * 86_400_000
    assert await redis.pttl(KEYS.pool(pool.id)) == -1
    assert await leads_of(leads, pool, 2) == ["bob", "cy"]


async def test_a_lost_pointer_is_noticed_and_comes_back_from_the_history(
    leads: LeadStore, pools: PoolStore, redis: Redis, pool: Pool
) -> None:
    """R8."""
    await leads_of(leads, pool, 4)
    await redis.delete(KEYS.pool(pool.id))

    lost = await leads.take(ORGANIZATION, new_lead(), choice(pool))
    published = {"id": pool.id, "revision": pool.revision, "on_change": "keep"}
    cycle = [f"{p.order}|1|{p.member.id}|{p.id}" for p in pool.participants]
    done = [await pools.restore(ORGANIZATION, {**published, "cycle": cycle}) for _ in range(2)]

    assert lost.status == "lost"
    assert done == ["restored", "unchanged"]
    assert await leads_of(leads, pool, 2) == ["bob", "cy"]
    assert await turns(redis, pool) == 6


async def test_only_published_pools_are_restored(
    leads: LeadStore, pools: PoolStore, pool: Pool
) -> None:
    spec: dict[str, Any] = {"id": pool.id, "revision": "old", "on_change": "keep", "cycle": []}

    assert await pools.restore(ORGANIZATION, spec) == "stale"
    assert await pools.restore(ORGANIZATION, {**spec, "id": "x"}) == "gone"


async def test_histories_are_bounded_and_count_what_they_hold(
    store: RedisStore, pools: PoolStore, pool: Pool
) -> None:
    leads = LeadStore(store, Settings(history_limit=1000))
    await asyncio.gather(
        *(
            leads.take(ORGANIZATION, new_lead(source=("meta", "webhook")[n % 2]), choice(pool))
            for n in range(1010)
        )
    )

    state = await pools.state(ORGANIZATION, pool)
    webhook = await pools.assignments(ORGANIZATION, pool.id, source="webhook", limit=3, offset=1)
    everything = await pools.assignments(ORGANIZATION, pool.id, limit=2, offset=1)

    assert (state.total, state.history, everything.total) == (1010, 1000, 1000)
    assert webhook.total == 500
    assert [row.turn for row in webhook.assignments] == [1008, 1006, 1004]
    assert [row.turn for row in everything.assignments] == [1009, 1008]
    assert (await pools.assignments(ORGANIZATION, pool.id, offset=1000)).assignments == []


async def test_an_assignment_takes_less_than_200_bytes_of_history(
    leads: LeadStore, redis: Redis, pool: Pool
) -> None:
    long = Choice(pool.id, pool.revision, f'"f":"meta_campaign","c":"{pool.id}"')

    await leads.take(ORGANIZATION, new_lead(), long)

    (row,) = await redis.lrange(KEYS.history(pool.id), 0, -1)
    assert len(row) < 200


async def test_saying_who_is_next(leads: LeadStore, pools: PoolStore, pool: Pool) -> None:
    cy = pool.participants[2]

    assert await pools.point(ORGANIZATION, pool.id, cy.id)
    assert not await pools.point(ORGANIZATION, pool.id, "nobody")

    (state,) = await pools.states(ORGANIZATION, [pool])
    assert state.next == cy
    assert await leads_of(leads, pool, 2) == ["cy", "ada"]


async def test_a_pool_that_was_never_published_shows_its_first(pools: PoolStore) -> None:
    pool = make_pool([{"member": "ada", "is_active": False}, "bob", {"member": "cy", "weight": 2}])
    state = await pools.state(ORGANIZATION, pool)

    assert (state.next, state.passed_over) == (pool.participants[2], [])
    off = make_pool([{"member": "ada", "is_active": False}, {"member": "cy", "weight": 0}, "bob"])
    state = await pools.state(ORGANIZATION, off)
    assert state.next == off.participants[2]
    assert [reason for _, reason in state.passed_over] == ["inactive", "weight_zero"]
