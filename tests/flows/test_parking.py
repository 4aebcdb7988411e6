"""Lines of pools, as the daemons serve them: by timers, by the rules of now, at the same moment."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from redis.asyncio import Redis

from pointsman.calendar import Window
from pointsman.flows.intake import Intake
from pointsman.flows.parking import PURPOSE, Parking
from pointsman.ids import milliseconds
from pointsman.model import Organization, Origin, Pool
from pointsman.observe import REGISTRY
from pointsman.settings import Settings
from pointsman.store.keys import Keys
from pointsman.store.leads import LeadStore, Taken
from pointsman.store.parking import ParkingStore
from pointsman.store.pools import PoolStore
from pointsman.store.redis import RedisStore
from pointsman.store.timers import Timer
from pointsman.workflows import upkeep
from pooling import ORGANIZATION, LoadedRules, make_organization, make_pool, publish
from support import wait_until
from working import House, engine

KEYS = Keys(ORGANIZATION)
WEB = Origin("webhook")
OFF = {"member": "ada", "is_active": False}
DANA = {"email": "dana@example.com"}


class Daemon:
    """What one daemon has of the way in and of the lines; ``now`` is its clock."""

    def __init__(self, store: RedisStore, *pools: Pool, generation: int = 1) -> None:
        self.organization = make_organization(pools, generation=generation)
        self.rules = LoadedRules(self.organization)
        self.now = milliseconds()
        self.leads = LeadStore(store, Settings())
        self.pools = PoolStore(store)
        self.intake = Intake(self.leads, self.rules, clock=lambda: self.now)
        lines = ParkingStore(store, Settings())
        self.parking = Parking(lines, self.pools, self.rules, clock=lambda: self.now)

    async def take(self, **body: str) -> Taken:
        return await self.intake.take(self.organization, body or DANA, WEB, source="webhook")

    async def drain(self, pool: Pool) -> int:
        return await self.parking.drain(self.organization, pool.id)

    async def owner(self, taken: Taken) -> str | None:
        lead, _ = await self.leads.read(ORGANIZATION, taken.lead_id)
        assert lead
        pools = self.organization.pools.values()
        people = {p.member.id: p.member.handle for pool in pools for p in pool.participants}
        return people[lead.owner] if lead.owner else None


async def test_two_copies_that_arrive_together_go_to_one_person(
    redis_url: str, store: RedisStore
) -> None:
    """D1: on two daemons at the same moment, again and again; in one round trip each."""
    pool = make_pool(["ada", "bob", "cy"], sticky={"by": ["phone"]})
    await publish(store, pool)
    async with RedisStore.open(redis_url) as elsewhere:
        daemons = [Daemon(store, pool), Daemon(elsewhere, pool)]
        for n in range(20):
            before = store.round_trips

            pair = await asyncio.gather(*(d.take(phone_1=f"512-555-{n:04}") for d in daemons))

            assert len({taken.assignment and taken.assignment.member_id for taken in pair}) == 1
            # The first may have to bring the script.
            assert store.round_trips == before + 1 or not n
    state = await PoolStore(store).state(ORGANIZATION, pool)
    counts = [count for count, _ in state.members.values()]
    assert sum(counts) == 40
    assert max(counts) - min(counts) <= 2


async def test_a_pool_without_owners_or_a_line_pays_nothing(
    store: RedisStore, redis: Redis
) -> None:
    pool = make_pool(["ada", "bob"], skip_policy="hold_turn")
    await publish(store, pool)

    assert (await Daemon(store, pool).take()).assignment

    assert not [key async for key in redis.scan_iter("*:owner:*")]
    assert not await redis.exists(KEYS.parked(pool.id), KEYS.outbox)


async def test_two_daemons_serve_one_line_and_nobody_twice(
    redis_url: str, store: RedisStore
) -> None:
    """R19: each of 230 leads takes one turn, in order, though three of them look at once."""
    closed = make_pool([OFF], when_nobody="park")
    await publish(store, closed)
    waiting = [(await Daemon(store, closed).take()).lead_id for _ in range(230)]
    opened = make_pool(["ada", "bob", "cy"], when_nobody="park")
    generation = await publish(store, opened)
    async with RedisStore.open(redis_url) as elsewhere:
        daemons = [Daemon(s, opened, generation=generation) for s in (store, elsewhere, store)]

        served = await asyncio.gather(*(daemon.drain(opened) for daemon in daemons))

    assert sum(served) == 230
    pools = PoolStore(store)
    page = await pools.assignments(ORGANIZATION, opened.id, limit=230)
    assert [entry.lead_id for entry in reversed(page.assignments)] == waiting
    state = await pools.state(ORGANIZATION, opened)
    assert sorted(count for count, _ in state.members.values()) == [76, 77, 77]
    assert state.parked == 0


@pytest.mark.parametrize("steps", range(6))
async def test_a_look_at_the_line_that_is_cut_off_anywhere_serves_nobody_by_half(
    store: RedisStore, redis: Redis, steps: int
) -> None:
    """R2, R19: whatever was done is done whole, and the next look goes on from there."""
    closed = make_pool([OFF], when_nobody="park")
    await publish(store, closed)
    leads = [await Daemon(store, closed).take() for _ in range(60)]
    opened = make_pool(["ada", "bob"], when_nobody="park")
    daemon = Daemon(store, opened, generation=await publish(store, opened))

    async with asyncio.TaskGroup() as group:
        cut = group.create_task(daemon.drain(opened))
        for _ in range(steps):
            await asyncio.sleep(0)
        cut.cancel()
    await daemon.drain(opened)

    assert [await daemon.owner(lead) for lead in leads] == ["ada", "bob"] * 30
    assert await redis.llen(KEYS.history(opened.id)) == 60
    assert not await redis.exists(KEYS.parked(opened.id))


async def test_a_line_is_served_with_the_rules_of_now(store: RedisStore) -> None:
    """R8: those published meanwhile are fetched, and a lost pointer is given back."""
    old = make_pool([OFF], when_nobody="park")
    generation = await publish(store, old)
    daemon = Daemon(store, old, generation=generation)
    first = await daemon.take()
    new = make_pool(["ada", "bob"], when_nobody="park")
    daemon.rules.latest = make_organization([new], generation=await publish(store, new))

    assert await daemon.drain(old) == 1

    assert daemon.rules.asked == [2]
    assert await daemon.owner(first) == "ada"
    daemon.organization = daemon.rules.latest
    await store.redis.zadd(KEYS.parked(new.id), {"0" * 24: 1})
    await store.redis.delete(KEYS.pool(new.id))
    second = await daemon.take()
    assert second.reason == "parked"
    await store.redis.delete(KEYS.pool(new.id))
    assert await daemon.drain(new) == 1
    assert await daemon.owner(second) == "bob"


@pytest.mark.parametrize("rest", ["gone", "inactive"])
async def test_a_pool_that_rests_keeps_its_line(store: RedisStore, rest: str) -> None:
    pool = make_pool([OFF], when_nobody="park")
    await publish(store, pool)
    daemon = Daemon(store, pool)
    lead = await daemon.take()
    resting = [] if rest == "gone" else [make_pool(["ada"], when_nobody="park", is_active=False)]
    daemon.organization = make_organization(resting, generation=await publish(store, *resting))

    assert await daemon.drain(pool) == 0

    back = make_pool(["ada"], when_nobody="park")
    daemon.organization = make_organization([back], generation=await publish(store, back))
    assert await daemon.drain(back) == 1
    assert await daemon.owner(lead) == "ada"


async def test_a_timer_has_come_whatever_the_clock_says(store: RedisStore) -> None:
    """A clock that is behind does not take the timer for too early."""
    people = [{"member": "ada", "caps": [{"limit": 1, "per": "hour"}]}]
    pool = make_pool(people, when_nobody="park")
    await publish(store, pool)
    daemon = Daemon(store, pool)
    leads = [await daemon.take() for _ in range(3)]
    assert pool.limits is not None
    due = pool.limits.until(daemon.now)

    for identifier in (pool.id, f"{pool.id}:{leads[1].lead_id}", pool.id):
        await daemon.parking.ring(daemon.organization, Timer(ORGANIZATION, "park", identifier, due))

    assert [await daemon.owner(lead) for lead in leads] == ["ada", "ada", None]


async def test_the_fallback_is_asked_for_those_who_wait(store: RedisStore) -> None:
    first = make_pool([OFF], when_nobody="park", fallback_pool="overflow")
    bob = {"member": "bob", "is_active": False}
    other = make_pool([bob], file="pools/overflow.yaml", connections=[])
    await publish(store, first, other)
    daemon = Daemon(store, first, other)
    before = store.round_trips
    lead = await daemon.take()
    assert (lead.reason, store.round_trips) == ("parked", before + 2)
    assert (await daemon.take()).reason == "parked"
    assert store.round_trips == before + 3

    other = make_pool(["bob"], file="pools/overflow.yaml", connections=[])
    generation = await publish(store, first, other)
    daemon = Daemon(store, first, other, generation=generation)
    await store.redis.delete(KEYS.pool(other.id))

    assert await daemon.drain(first) == 2
    assert await daemon.owner(lead) == "bob"


async def house_of(store: RedisStore, *pools: Pool) -> tuple[House, Organization]:
    organization = make_organization(pools, generation=await publish(store, *pools))
    return House(store, organization), organization


async def test_a_line_is_served_when_the_cap_s_window_turns(
    store: RedisStore, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R19: by itself, on whichever daemon is there, and counted."""
    ends = milliseconds() + 1200

    def soon(at: int, *_: object) -> Window:
        return Window(ends - 2_000, ends) if at < ends else Window(ends, ends + 3_600_000)

    monkeypatch.setattr("pointsman.pools.limits.window", soon)
    monkeypatch.setattr(upkeep, "EVERY", 0.05)
    people = [{"member": h, "caps": [{"limit": 1, "per": "hour"}]} for h in ("ada", "bob")]
    house, organization = await house_of(store, make_pool(people, when_nobody="park"))
    (pool,) = organization.pools.values()
    intake = Intake(house.leads, house.rules)
    taken = [
        await intake.take(organization, {"email": f"{n}@example.com"}, WEB, source="webhook")
        for n in range(7)
    ]
    assert Counter(t.reason for t in taken) == {None: 2, "parked": 5}
    parking = Parking(ParkingStore(store, house.settings), PoolStore(store), house.rules)
    labels = {"organization": "acme", "pool": pool.file}

    async with engine(house, redis_url, timers={PURPOSE: parking.ring}):
        await wait_until(
            lambda: REGISTRY.get_sample_value("pointsman_parked_leads", labels) == 3,
            "two of five are served and the others counted",
        )

    state = await PoolStore(store).state(ORGANIZATION, pool)
    assert sorted(count for count, _ in state.members.values()) == [2, 2]
    leads = [await house.leads.read(ORGANIZATION, t.lead_id) for t in taken]
    assert [lead is not None and lead.owner is not None for lead, _ in leads] == [True] * 4 + [
        False
    ] * 3


async def test_a_publication_and_a_new_lead_wake_the_line(
    store: RedisStore, redis_url: str
) -> None:
    """Both without a clock: someone is switched on; and a lead that came while others waited."""
    house, organization = await house_of(store, make_pool([OFF], when_nobody="park"))
    intake = Intake(house.leads, house.rules)
    first = await intake.take(organization, DANA, WEB, source="webhook")
    parking = Parking(ParkingStore(store, house.settings), PoolStore(store), house.rules)

    async def owned(taken: Taken) -> bool:
        lead, _ = await house.leads.read(ORGANIZATION, taken.lead_id)
        return lead is not None and lead.owner is not None

    async with engine(house, redis_url, timers={PURPOSE: parking.ring}):
        opened = make_pool(["ada"], when_nobody="park")
        organization = make_organization([opened], generation=await publish(store, opened))
        house.rules.latest = organization
        await wait_until(lambda: owned(first), "the publication wakes the line")

        await store.redis.zadd(KEYS.parked(opened.id), {"0" * 24: 1})
        second = await intake.take(organization, DANA, WEB, source="webhook")
        assert second.reason == "parked"
        await wait_until(lambda: owned(second), "the lead wakes the line")
