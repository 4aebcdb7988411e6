"""Leads in one real Redis: everything is one step, once."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from pointsman.model import Pool
from pointsman.settings import Settings
from pointsman.store.keys import Keys
from pointsman.store.leads import Choice, Idempotency, LeadStore, NewLead, Taken
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


def handle(pool: Pool, taken: Taken) -> str | None:
    handles = {person.member.id: person.member.handle for person in pool.participants}
    return taken.assignment and handles[taken.assignment.member_id]


async def test_a_lead_is_stored_assigned_and_told_of_in_one_step(
    leads: LeadStore, pools: PoolStore, redis: Redis, pool: Pool
) -> None:
    lead = new_lead({"email": "x@example.com", "custom_fields": {"a B": [1, None]}})

    taken = await leads.take(ORGANIZATION, lead, choice(pool))

    ada = pool.participants[0]
    assert taken.assignment is not None
    assert taken.assignment._asdict() == {
        "pool_id": pool.id,
        "participant_id": ada.id,
        "member_id": ada.member.id,
        "order": 1,
        "turn": 1,
    }
    stored, generation = await leads.read(ORGANIZATION, lead.id, log=True)
    assert stored is not None
    assert generation == taken.generation == 1
    assert (stored.owner, stored.data, stored.origin) == (ada.member.id, lead.data, lead.origin)
    assert [(e.revision, e.types, e.previous) for e in stored.log] == [
        (1, ("lead_created", "lead_assigned"), None)
    ]
    assert await events(redis) == [
        f"lead_created,lead_assigned leads {lead.id} 1 intake 0 {lead.at}"
    ]
    (row,) = (await pools.assignments(ORGANIZATION, pool.id)).assignments
    assert (row.lead_id, row.member_id, row.order, row.source) == (
        lead.id,
        ada.member.id,
        1,
        "webhook",
    )
    assert row.metadata == '{"match":{"fallbackType":"webhook","connectionId":"0"}}'


async def test_a_lead_costs_one_round_trip_and_one_command(
    leads: LeadStore, redis: Redis, pool: Pool
) -> None:
    await leads_of(leads, pool, 1)
    before = leads.store.round_trips
    calls = (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"]

    await leads.take(ORGANIZATION, new_lead(), choice(pool), idempotency=Idempotency("k", "b"))

    assert leads.store.round_trips == before + 1
    assert (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"] == calls + 1


async def test_a_lead_without_a_pool_is_stored_with_the_reason(
    leads: LeadStore, redis: Redis
) -> None:
    lead = new_lead()

    taken = await leads.take(ORGANIZATION, lead, reason="no_matching_pool")
    unasked = await leads.take(ORGANIZATION, new_lead())

    assert (taken.assignment, taken.reason) == (None, "no_matching_pool")
    assert (unasked.assignment, unasked.reason) == (None, None)
    assert (await events(redis))[0] == f"lead_created leads {lead.id} 1 intake 0 {lead.at}"


async def test_many_daemons_share_one_pointer(redis_url: str, store: RedisStore) -> None:
    """R1: 500 leads at once over four connections; counts differ by one, no turn twice."""
    pool = make_pool(SEVEN)
    await publish(store, pool)
    async with AsyncExitStack() as stack:
        daemons = [
            LeadStore(await stack.enter_async_context(RedisStore.open(redis_url)), Settings())
            for _ in range(4)
        ]

        taken = await asyncio.gather(
            *(daemons[n % 4].take(ORGANIZATION, new_lead(), choice(pool)) for n in range(500))
        )

    served = {t.assignment.turn: t.assignment.order for t in taken if t.assignment}
    assert served == {turn: (turn - 1) % 7 + 1 for turn in range(1, 501)}


async def test_a_cap_is_exact_however_many_come_at_once(
    redis_url: str, store: RedisStore, pools: PoolStore
) -> None:
    """C1: a hundred at once over two daemons against a cap of ten give exactly ten."""
    at = 1_772_000_000_000
    pool = make_pool([{"member": "ada", "caps": [{"limit": 10, "per": "day"}]}])
    await publish(store, pool)
    async with RedisStore.open(redis_url) as other:
        daemons = [LeadStore(store, Settings()), LeadStore(other, Settings())]
        twice = [new_lead(at=at) for _ in range(50)]

        taken = await asyncio.gather(
            *(
                daemon.take(ORGANIZATION, lead, choice(pool, at))
                for lead in twice
                for daemon in daemons
            ),
            *(
                daemons[n % 2].take(ORGANIZATION, new_lead(at=at), choice(pool, at))
                for n in range(50)
            ),
        )

    reasons = {t.lead_id: t.reason for t in taken}
    assert Counter(reasons.values()) == {None: 10, "no_eligible_participant": 90}
    state = await pools.state(ORGANIZATION, pool, at)
    assert (state.next, state.total, state.turn) == (None, 10, 11)
    assert [reason for _, reason in state.passed_over] == ["at_cap"]


async def test_assigning_later_keeps_the_same_caps(store: RedisStore, redis: Redis) -> None:
    leads = LeadStore(store, Settings())
    pool = make_pool([{"member": "ada", "caps": [{"limit": 1, "per": "month"}]}, "bob"])
    await publish(store, pool)
    at = 1_772_000_000_000
    lead = new_lead(at=at)
    assert handle(pool, await leads.take(ORGANIZATION, lead, choice(pool, at))) == "ada"
    for stored in (new_lead(), new_lead()):
        await leads.take(ORGANIZATION, stored)
        taken = await leads.assign(
            ORGANIZATION, stored.id, choice(pool, at), source="system", operation=stored.id, at=at
        )
        assert handle(pool, taken) == "bob"
    assert await redis.hvals(KEYS.caps(pool.id)) == [b"1769904000000 1"]


@pytest.mark.parametrize("steps", range(8))
async def test_a_request_cut_off_anywhere_leaves_a_whole_lead_or_none(
    leads: LeadStore, redis: Redis, pool: Pool, steps: int
) -> None:
    """R2: there is nothing between picking a person and committing the turn."""
    lead = new_lead()

    async with asyncio.TaskGroup() as group:
        cut = group.create_task(leads.take(ORGANIZATION, lead, choice(pool)))
        for _ in range(steps):
            await asyncio.sleep(0)
        cut.cancel()
    other = await leads.take(ORGANIZATION, new_lead(), choice(pool))

    async with redis.pipeline(transaction=True) as one_moment:
        one_moment.exists(KEYS.lead(lead.id), KEYS.log(lead.id))
        one_moment.hget(KEYS.pool(pool.id), "turn")
        one_moment.llen(KEYS.history(pool.id))
        one_moment.xlen(KEYS.events)
        there, turn, history, told = await one_moment.execute()
    assert other.assignment is not None
    assert there in {0, 2}
    assert int(turn) - 1 == history == told == (2 if there else 1)


async def test_leads_that_come_at_once_rotate(leads: LeadStore, pool: Pool) -> None:
    """R3: fifty in one loop tick, in the order in which they came."""
    taken = await asyncio.gather(
        *(leads.take(ORGANIZATION, new_lead(), choice(pool)) for _ in range(50))
    )

    assert [t.assignment and t.assignment.order for t in taken] == [n % 3 + 1 for n in range(50)]


async def test_a_restart_forgets_no_turn(redis_url: str, store: RedisStore, pool: Pool) -> None:
    """R4: the next daemon does not begin with the person who was last."""
    served = []
    for _ in range(4):
        async with RedisStore.open(redis_url) as fresh:
            served += await leads_of(LeadStore(fresh, Settings()), pool, 1)

    assert served == ["ada", "bob", "cy", "ada"]


async def test_a_lead_that_two_rules_see_takes_one_turn(
    leads: LeadStore, redis: Redis, pool: Pool
) -> None:
    """R5."""
    other = make_pool(["dee"], file="pools/other.yaml")
    await publish(leads.store, pool, other)
    lead = new_lead()
    await leads.take(ORGANIZATION, lead, choice(pool))

    again = [
        await leads.assign(
            ORGANIZATION, lead.id, choice(rule), source="system", operation=f"rule-{n}"
        )
        for n, rule in enumerate((pool, other))
    ]

    assert {t.reason for t in again} == {"already_assigned"}
    assert (await turns(redis, pool), await turns(redis, other)) == (1, 0)


async def test_rules_that_share_a_pool_share_its_pointer(leads: LeadStore, pool: Pool) -> None:
    """R6, R7: however a lead found the pool, nobody is starved."""
    rules = [Choice(pool.id, pool.revision, f'"f":"webhook_key","c":"{n}"') for n in range(2)]

    taken = [await leads.take(ORGANIZATION, new_lead(), rules[n % 2]) for n in range(12)]

    assert Counter(handle(pool, t) for t in taken) == {"ada": 4, "bob": 4, "cy": 4}


async def test_an_idempotency_key_gives_the_first_answer_again(
    leads: LeadStore, redis: Redis, pool: Pool
) -> None:
    key = Idempotency.of("intake", "order-1", b'{"a":1}')
    first = await leads.take(ORGANIZATION, new_lead(), choice(pool), idempotency=key)

    again = await leads.take(ORGANIZATION, new_lead(), choice(pool), idempotency=key)

    assert (first.replayed, again.replayed) == (False, True)
    assert again[2:] == first[2:]
    assert await turns(redis, pool) == 1
    assert 0 < await redis.ttl(KEYS.idempotency(key.key)) <= 86_400


async def test_an_idempotency_key_with_another_body_is_a_conflict(
    leads: LeadStore, redis: Redis, pool: Pool
) -> None:
    key = Idempotency.of("intake", "order-1", b"{}")
    other = Idempotency.of("intake", "order-1", b"[]")
    elsewhere = Idempotency.of("another", "order-1", b"[]")
    await leads.take(ORGANIZATION, new_lead(), choice(pool), idempotency=key)

    conflict = await leads.take(ORGANIZATION, new_lead(), choice(pool), idempotency=other)
    fine = await leads.take(ORGANIZATION, new_lead(), choice(pool), idempotency=elsewhere)

    assert (conflict.status, fine.status) == ("conflict", "taken")
    assert await turns(redis, pool) == 2


async def test_copies_with_one_key_at_the_same_moment_are_one_lead(
    leads: LeadStore, redis: Redis, pool: Pool
) -> None:
    """D1: whoever comes second gets the answer of the first."""
    key = Idempotency.of("intake", "order-1", b"{}")

    taken = await asyncio.gather(
        *(leads.take(ORGANIZATION, new_lead(), choice(pool), idempotency=key) for _ in range(20))
    )

    assert len({t.lead_id for t in taken}) == 1
    assert Counter(t.status for t in taken) == {"taken": 1, "replayed": 19}
    assert await turns(redis, pool) == 1


async def test_a_stored_lead_is_assigned_once_per_operation(
    leads: LeadStore, redis: Redis, pool: Pool
) -> None:
    lead = new_lead()
    await leads.take(ORGANIZATION, lead, reason="no_matching_pool")

    answers = [
        await leads.assign(ORGANIZATION, lead.id, choice(pool), source="system", operation="o")
        for _ in range(2)
    ]

    assert answers[0] == answers[1]
    assert handle(pool, answers[0]) == "ada"
    assert await turns(redis, pool) == 1
    stored, _ = await leads.read(ORGANIZATION, lead.id, log=True)
    assert stored is not None
    assert stored.revision == 2
    assert (stored.log[1].types, stored.log[1].previous) == (("lead_assigned",), {"owner_id": None})
    assert (await events(redis))[1].startswith(f"lead_assigned leads {lead.id} 2 api 0 ")


async def test_assigning_an_unknown_lead_or_by_an_old_pool_writes_nothing(
    leads: LeadStore, redis: Redis, pool: Pool
) -> None:
    lead = new_lead()
    await leads.take(ORGANIZATION, lead)
    old = Choice(pool.id, "old", '"f":"webhook"')

    async def assign(lead_id: str, chosen: Choice) -> str:
        answer = await leads.assign(ORGANIZATION, lead_id, chosen, source="system", operation="o")
        return answer.status

    assert await assign("0" * 24, choice(pool)) == "unknown"
    assert await assign(lead.id, old) == "stale"
    assert await assign(lead.id, choice(pool)) == "taken"
    assert await turns(redis, pool) == 1


async def test_no_lead_is_kept_longer_than_set(store: RedisStore, redis: Redis, pool: Pool) -> None:
    leads = LeadStore(
        store, Settings(lead_retention=timedelta(days=10), event_retention=timedelta(days=2))
    )
    lead: NewLead = new_lead()

    await leads.take(ORGANIZATION, lead, choice(pool))

    assert 9 * 86_400 < await redis.ttl(KEYS.lead(lead.id)) <= 10 * 86_400
    assert 86_400 < await redis.ttl(KEYS.log(lead.id)) <= 2 * 86_400


class LongWay:
    """A store that takes leads of plain pools as if their pools had more to them."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store

    async def call(self, name: str, keys: list[str], args: list[Any]) -> Any:
        return await self._store.call({"take_plain": "take_lead"}.get(name, name), keys, args)


async def told_of_plain_pools(store: RedisStore, taker: Any) -> list[Any]:
    """Return what leads get, one twice, and what is left of it in Redis."""
    leads = LeadStore(taker, Settings())
    pool = make_pool(["ada", {"member": "bob", "weight": 2}, "cy"])
    nobody = make_pool([{"member": "ada", "is_active": False}], file="pools/nobody.yaml")
    await publish(store, pool, nobody)
    choices = [*[choice(pool)] * 7, choice(nobody), None, choice(pool)._replace(revision="old")]
    told: list[Any] = []
    for n, chosen in enumerate(choices):
        key = Idempotency.of("intake", f"k{n // 3}", b"%d" % (n // 5)) if n % 3 else None
        lead = new_lead({"n": n})._replace(id=f"{n:024x}", at=1_000 + n)
        told += [await leads.take(ORGANIZATION, lead, chosen, idempotency=key) for _ in range(2)]
    for n in range(len(choices)):
        told += await store.call(
            "read_records", [KEYS.generation, KEYS.lead(f"{n:024x}"), "-"], [9]
        )
    for of in (pool, nobody):
        told.append(await store.redis.hgetall(KEYS.pool(of.id)))
        told.append(await store.redis.hgetall(KEYS.stats(of.id)))
        told.append(await store.redis.lrange(KEYS.history(of.id), 0, -1))
    return told


async def test_the_short_script_for_plain_pools_does_what_the_long_one_does(
    store: RedisStore, redis: Redis
) -> None:
    short = await told_of_plain_pools(store, store)
    await redis.flushdb()

    long = await told_of_plain_pools(store, LongWay(store))

    assert short == long
    assert {one.status for one in short if isinstance(one, Taken)} >= {
        "taken",
        "replayed",
        "conflict",
        "stale",
    }
