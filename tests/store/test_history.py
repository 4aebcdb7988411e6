"""A long history: any page of it at once, each row of it small."""

from __future__ import annotations

import time

import pytest
from redis import Redis

from pointsman.model import Pool
from pointsman.settings import Settings
from pointsman.store.keys import Keys
from pointsman.store.leads import LeadStore
from pointsman.store.pools import PoolStore
from pointsman.store.redis import RedisStore
from pointsman.store.scripts import _text
from pooling import ORGANIZATION, choice, make_pool, new_lead, publish
from proving import proven
from support import THOROUGH

KEYS = Keys(ORGANIZATION)
TURNS = 1_000_000 if THOROUGH else 20_000
AT_ONCE = 5_000
PAGE = 100
RARE, SOME = 1000, 10
TAKE_TURNS = (
    _text("lib/turn.lua")
    + """
local keys = {pool = KEYS[1], cycle = KEYS[2], history = KEYS[3], stats = KEYS[4]}
for n = tonumber(ARGV[2]) + 1, tonumber(ARGV[3]) do
  local source = n % 1000 == 0 and 'system' or n % 10 == 0 and 'meta' or 'webhook'
  local _, pointer = rotation_stands(keys.pool, ARGV[1])
  rotation_take(keys, pointer, {lead = string.format('%024x', n), source = source,
    at = string.format('%.0f', 1771977600000 + n * 1000), limit = 1000000, why = ARGV[4]}, nil)
end
"""
)
"""Turns as fast as Redis takes them: the same text as in every script that takes one."""


def fill(redis_url: str, pool: Pool) -> float:
    """Take turns; return the bytes that each of them takes of Redis' memory."""
    i = pool.id
    names = [KEYS.pool(i), KEYS.cycle(i), KEYS.history(i), KEYS.stats(i)]
    why = f'"f":10,"c":"{pool.connections[0].id}"'
    with Redis.from_url(redis_url) as client:
        for start in range(0, TURNS, AT_ONCE):
            client.eval(TAKE_TURNS, 4, *names, pool.revision, start, start + AT_ONCE, why)
        told = [KEYS.history(i), *(KEYS.rows(i, s) for s in ("webhook", "meta", "system"))]
        return sum(client.memory_usage(key, samples=0) or 0 for key in told) / TURNS


@pytest.mark.timeout(900)
async def test_any_page_of_a_long_history_is_there_at_once(
    store: RedisStore, redis_url: str
) -> None:
    """Under 50 ms, also of one source, also of a rare one; at most 200 bytes for each turn."""
    pool = make_pool([f"m{n}" for n in range(7)])
    await publish(store, pool)

    each = fill(redis_url, pool)

    assert each <= 200
    pools = PoolStore(store)
    totals = {None: TURNS, "webhook": TURNS // 10 * 9, "system": TURNS // RARE}
    totals["meta"] = TURNS // SOME - TURNS // RARE
    for source, total in totals.items():
        for offset in (0, total // 3, total // 2, max(0, total - PAGE), total):
            times = []
            for _ in range(3):
                begun = time.perf_counter()
                page = await pools.assignments(
                    ORGANIZATION, pool.id, limit=PAGE, offset=offset, source=source
                )
                times.append(time.perf_counter() - begun)
            assert page.total == total
            found = [row.turn for row in page.assignments]
            assert found == sorted(found, reverse=True)
            assert len(found) == min(PAGE, total - offset)
            assert all(source in (None, row.source) for row in page.assignments)
            assert min(times) < 0.05, (source, offset, times)
    proof = await proven(store, ORGANIZATION, pool.id)
    assert (proof.verdict, proof.checked) == ("proven", TURNS)


async def test_a_source_is_listed_as_before_where_its_rows_are_not_numbered(
    store: RedisStore,
) -> None:
    """A history of an earlier version, whole or its older part; and one that was cut."""
    pool = make_pool(["ada", "bob"])
    await publish(store, pool)
    leads, pools = LeadStore(store, Settings()), PoolStore(store)
    for n in range(12):
        lead = new_lead(source=("meta", "webhook")[n % 2])
        await leads.take(ORGANIZATION, lead, choice(pool))
    rows = KEYS.rows(pool.id, "meta")

    async def listed(limit: int, offset: int) -> list[int]:
        page = await pools.assignments(
            ORGANIZATION, pool.id, limit=limit, offset=offset, source="meta"
        )
        assert page.total == 6
        return [row.turn for row in page.assignments]

    whole = [11, 9, 7, 5, 3, 1]
    for kept in (6, 3, 0):
        await store.redis.ltrim(rows, -kept, -1) if kept else await store.redis.delete(rows)
        assert await listed(10, 0) == whole
        assert await listed(2, 1) == whole[1:3]
        assert await listed(2, 4) == whole[4:]
        assert await listed(2, 6) == []
    await store.redis.rpush(rows, *range(2, 14, 2))  # numbers of other rows
    assert await listed(10, 0) == whole
