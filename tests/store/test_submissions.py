"""What a lead of a flow writes beside itself: counts of its fields, its events, their index."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from pointsman.model import Pool
from pointsman.settings import Settings
from pointsman.store.keys import Keys
from pointsman.store.leads import LeadStore, NewLead
from pointsman.store.redis import RedisStore
from pooling import ORGANIZATION, choice, make_pool, new_lead, publish

KEYS = Keys(ORGANIZATION)
FLOW = "9e491a5bdddb5f959b5c20e0"
CAP = "78989d21a43157bba7135794"
DAY = 86_400_000


@pytest.fixture
def leads(store: RedisStore) -> LeadStore:
    return LeadStore(store, Settings(event_retention=timedelta(days=2)))


@pytest.fixture
async def pool(store: RedisStore) -> Pool:
    pool = make_pool(["ada", "bob"])
    await publish(store, pool)
    return pool


def submitted(fields: str, *, day: str = "2026-01-01", events: int = 1, **values: Any) -> NewLead:
    """Return a lead of a flow with these fields and so many events after that of its pool."""
    lead = new_lead(told='{"outcome":"success"}', capped="take")._replace(**values)
    told = [f'{{"id":"{lead.id}{n:04x}","type":"step"}}' for n in range(events)]
    step = f'{{"id":"{lead.id}{events:04x}","type":"pool"'
    return lead._replace(story=[f"used {FLOW} {day} {fields}".strip(), step, *told])


async def test_fields_are_counted_by_day(leads: LeadStore, redis: Redis) -> None:
    for fields, day in (("a b", "01"), ("b c", "01"), ("", "01"), ("b", "02")):
        await leads.take(ORGANIZATION, submitted(fields, day=f"2026-01-{day}"))

    first, second = (KEYS.used_fields(FLOW, f"2026-01-{day}") for day in ("01", "02"))
    assert await redis.hgetall(first) == {b"a": b"1", b"b": b"2", b"c": b"1"}
    assert await redis.hgetall(second) == {b"b": b"1"}
    assert 0 < await redis.pttl(first) <= 40 * DAY


async def test_a_story_of_any_length_is_told_whole(
    leads: LeadStore, redis: Redis, pool: Pool
) -> None:
    lead = submitted("a", events=2500)

    taken = await leads.take(ORGANIZATION, lead, choice(pool))

    told: Any = await redis.lrange(KEYS.flow_story(lead.id), 0, -1)
    assert taken.assignment is not None
    assert told[0].decode() == (
        f'{lead.story[1]!s},"pool":"{pool.id}","outcome":"success",'
        f'"member":"{taken.assignment.member_id}"}}'
    )
    assert [text.decode() for text in told[1:]] == lead.story[2:]
    index: Any = await redis.zrange(KEYS.flow_events, 0, -1, withscores=True)
    assert {(one.decode(), int(at)) for one, at in index} == {
        (f"{lead.id}{n:04x}", lead.at) for n in range(2501)
    }


async def test_what_is_over_leaves_the_index_where_a_day_begins(
    leads: LeadStore, redis: Redis
) -> None:
    old = new_lead().at - 3 * DAY
    for day in ("01", "02", "02"):
        await redis.zadd(KEYS.flow_events, {f"{day}-old": old})
        await leads.take(ORGANIZATION, submitted("a", day=f"2026-01-{day}"))

    left = await redis.zrangebyscore(KEYS.flow_events, "-inf", old)
    assert left == [b"02-old"]
    assert 0 < await redis.pttl(KEYS.flow_events) <= 2 * DAY


async def test_a_counter_is_written_whole_only_where_its_window_or_rules_change(
    leads: LeadStore, redis: Redis
) -> None:
    now = new_lead().at
    key = f"{KEYS.prefix}cap:{CAP}"

    async def take(maximum: int, length: int, end: int, capped: str = "take") -> dict[str, int]:
        caps = f"{CAP} {maximum} {now - DAY} {end} {now - DAY} {length} -"
        await leads.take(ORGANIZATION, submitted("a", caps=caps, capped=capped))
        kept: Any = await redis.hgetall(key)
        del kept[b"digest"]
        return {name.decode(): int(value) for name, value in kept.items()}

    whole = {"start": now - DAY, "since": now - DAY, "length": 7, "failed": 0}
    assert await take(9, 7, now + DAY) == {**whole, "end": now + DAY, "used": 1}
    ends = await redis.pexpiretime(key)
    assert abs(ends - (now + 36 * DAY)) < 60_000
    assert await take(9, 7, now + 5 * DAY) == {**whole, "end": now + DAY, "used": 2}
    refused = {**whole, "end": now + DAY, "used": 2, "failed": 1}
    assert await take(9, 7, now + 5 * DAY, "refuse") == refused
    assert await redis.pexpiretime(key) == ends
    longer = {**refused, "length": 8, "end": now + 5 * DAY, "used": 3}
    assert await take(9, 8, now + 5 * DAY) == longer
    assert await redis.pexpiretime(key) - ends == pytest.approx(4 * DAY, abs=60_000)


@pytest.mark.parametrize("capped", ["take", "token 1 2"])
async def test_pools_of_all_kinds_take_a_lead_of_a_flow(
    leads: LeadStore, store: RedisStore, redis: Redis, capped: str
) -> None:
    """A pool with limits needs more of the script than one that has nothing but people."""
    plain, limited = make_pool(["ada"]), make_pool(["bob"], file="pools/b.yaml", when_nobody="park")
    await publish(store, plain, limited)
    assert [choice(pool).text().count("\n") for pool in (plain, limited)] == [0, 2]
    for pool in (plain, limited):
        taken = await leads.take(ORGANIZATION, submitted("a", capped=capped), choice(pool))
        assert taken.assignment is not None
        assert taken.assignment.member_id == pool.participants[0].member.id
