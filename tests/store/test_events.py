from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis

from pointsman.store import events as module
from pointsman.store.events import GROUP, Entry, EventStore, EventStream, Verdict, parse_change
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore
from support import wait_until

ORGANIZATION = "o"
KEYS = Keys(ORGANIZATION)


@pytest.fixture(name="events")
def event_store(store: RedisStore) -> EventStore:
    return EventStore(store)


async def write(redis: Redis, number: int) -> list[Any]:
    """Append so many events and return their ids."""
    text = "lead_created,lead_assigned leads 5f 1 intake 0 1700000000000"
    return [await redis.xadd(KEYS.events, {"e": text}) for _ in range(number)]


async def held(events: EventStore, holder: str) -> str:
    lease = await events.hold(ORGANIZATION, holder)
    assert lease
    return lease


def ids(entries: list[Entry] | None) -> list[bytes]:
    assert entries is not None
    return [entry[0] for entry in entries]


def test_an_entry_says_what_changed() -> None:
    change = parse_change((b"5-0", b"lead_created,lead_assigned leads 5f 1 intake 0 17"))

    assert change.types == ("lead_created", "lead_assigned")
    assert (change.id, change.module, change.record_id) == ("5-0", "leads", "5f")
    assert (change.revision, change.origin, change.depth, change.at) == (1, "intake", 0, 17)


async def test_one_daemon_at_a_time_has_the_right_to_read(events: EventStore) -> None:
    lease = await held(events, "a")

    assert await events.hold(ORGANIZATION, "b") is None
    assert await held(events, "a") == lease

    await events.release(ORGANIZATION, lease)
    other = await held(events, "b")
    assert int(other.split()[0]) > int(lease.split()[0])


async def test_only_its_holder_gives_a_right_up(events: EventStore) -> None:
    lease = await held(events, "a")

    await events.release(ORGANIZATION, "0 b")

    assert await held(events, "a") == lease


async def test_a_right_that_is_not_renewed_ends(
    events: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEASE", 50)
    await held(events, "a")

    await wait_until(lambda: events.hold(ORGANIZATION, "b"), "the right is free")

    assert await events.hold(ORGANIZATION, "a") is None


async def test_what_a_dead_reader_left_is_adopted_oldest_first_and_its_name_forgotten(
    events: EventStore, redis: Redis
) -> None:
    written = await write(redis, 3)
    await redis.xgroup_create(KEYS.events, GROUP, "0")
    await redis.xreadgroup(GROUP, "dead", {KEYS.events: ">"}, count=2)
    lease = await held(events, "me")

    adopted = await events.adopt(ORGANIZATION, "me", lease)
    assert ids(adopted) == written[:2]
    assert ids(await events.adopt(ORGANIZATION, "me", lease)) == written[:2]

    await events.acknowledge(ORGANIZATION, lease, 0, written[:2])
    assert await events.adopt(ORGANIZATION, "me", lease) == []
    consumers = await redis.xinfo_consumers(KEYS.events, GROUP)
    assert [consumer["name"] for consumer in consumers] == [b"me"]


async def test_a_stream_is_read_from_its_beginning(
    events: EventStore, redis: Redis, redis_url: str
) -> None:
    written = await write(redis, 2)
    lease = await held(events, "me")
    assert await events.adopt(ORGANIZATION, "me", lease) == []

    async with EventStream.open(redis_url, "me") as stream:
        ((organization, entries),) = await stream.read([ORGANIZATION], 100)
        assert (organization, ids(entries)) == (ORGANIZATION, written)
        assert await stream.read([ORGANIZATION], 10) == []


async def test_who_lost_the_right_can_neither_adopt_nor_acknowledge(
    events: EventStore, redis: Redis
) -> None:
    """A reader that was stopped for a while wakes and does no harm."""
    old = await held(events, "old")
    written = await write(redis, 1)
    await events.adopt(ORGANIZATION, "old", old)
    await events.release(ORGANIZATION, old)
    await held(events, "new")

    assert await events.adopt(ORGANIZATION, "old", old) is None
    assert await events.acknowledge(ORGANIZATION, old, 0, written) == Verdict("lost", 0)


async def test_events_judged_by_an_older_generation_are_not_acknowledged(
    events: EventStore, redis: Redis
) -> None:
    lease = await held(events, "me")
    written = await write(redis, 1)
    await events.adopt(ORGANIZATION, "me", lease)
    await redis.hset(KEYS.generation, "number", "2")

    assert await events.acknowledge(ORGANIZATION, lease, 1, written) == Verdict("stale", 2)
    assert await events.acknowledge(ORGANIZATION, lease, 2, written) == Verdict("done", 2)


async def test_a_stream_is_trimmed_below_what_any_group_still_has_to_do(
    events: EventStore, redis: Redis
) -> None:
    written = await write(redis, 1000)
    await redis.xgroup_create(KEYS.events, GROUP, "0")
    await redis.xgroup_create(KEYS.events, "slow", "0")
    await redis.xreadgroup(GROUP, "me", {KEYS.events: ">"})
    await redis.xack(KEYS.events, GROUP, *written[:900])
    await redis.xreadgroup("slow", "you", {KEYS.events: ">"}, count=500)

    assert await events.trim(ORGANIZATION) == 100
    assert await redis.xlen(KEYS.events) == 1000

    await redis.xack(KEYS.events, "slow", *written[:400])
    await events.trim(ORGANIZATION)
    left = [entry[0] for entry in await redis.xrange(KEYS.events) or ()]
    assert 600 <= len(left) < 700
    assert left == written[-len(left) :]


async def test_a_stream_that_nobody_reads_yet_is_left_alone(
    events: EventStore, redis: Redis
) -> None:
    await write(redis, 300)

    assert await events.trim(ORGANIZATION) == 300
    assert await redis.xlen(KEYS.events) == 300
    assert await events.trim("nobody") == 0
