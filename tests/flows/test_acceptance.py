"""Leads that are not accepted in time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from owning import MINUTE, Office, asked, opened
from pointsman.store.redis import RedisStore
from pointsman.store.timers import Timer
from pooling import make_pool, publish

ACCEPT = {"within": "15m", "hops": 2}


async def test_a_lead_that_nobody_accepts_goes_on_to_the_next(store: RedisStore) -> None:
    """R20: hop by hop, each with a turn of its own, then it stays with the last one."""
    office = await opened(store, make_pool(["ada", "bob", "cyd", "dan"], accept=ACCEPT))
    lead, came = await office.lead(), office.now
    owners = [await office.owner(lead)]

    for hop in range(3):
        timer = (await office.timers())[hop]
        assert timer.due == came + 15 * MINUTE * (hop + 1)
        await office.ring(timer)
        owners.append(await office.owner(lead))

    assert owners == ["ada", "bob", "cyd", "cyd"]
    assert len(await office.timers()) == 3
    assert (await office.owned(lead)).due is None
    assert await office.serve(2) == ["dan", "ada"]
    told = await office.metadata(lead)
    assert [row["from"]["reason"] for row in told[:2]] == ["not_accepted"] * 2
    assert told[0]["from"]["userId"] == office.member("bob")
    assert [row["ended"]["how"] for row in told[1:]] == ["not_accepted"] * 2
    assert await office.types(lead) == [
        "lead_created", "lead_assigned", *["lead_not_accepted", "lead_assigned"] * 2,
        "lead_not_accepted",
    ]  # fmt: skip


async def test_without_accept_nothing_waits(store: RedisStore) -> None:
    """Pools that ask for nothing set no timer and write nothing more."""
    office = await opened(store, make_pool(["ada", "bob"]))

    lead = await office.lead()

    assert not await store.redis.xlen(office.keys.outbox)
    assert not await store.redis.hexists(office.keys.lead(lead), "accept")


async def test_a_turn_of_a_stored_lead_is_to_be_accepted_too(store: RedisStore) -> None:
    """R20: whichever way the lead was assigned."""
    office = await opened(store, make_pool(["ada", "bob"], accept=ACCEPT))
    lead = await office.lead()
    await office.owners.release(office.organization, lead, asked())
    assert await office.assign(lead) == "bob"

    *_, timer = await office.timers()
    await office.ring(timer)

    assert await office.owner(lead) == "ada"


@pytest.mark.parametrize("what", ["accepted", "reassigned", "unassigned", "patched", "erased"])
async def test_what_happened_meanwhile_ends_the_waiting(store: RedisStore, what: str) -> None:
    """R20: the timer comes all the same, and does nothing."""
    office = await opened(store, make_pool(["ada", "bob", "cyd"], accept=ACCEPT))
    lead = await office.lead()
    (timer,) = await office.timers()
    if what == "accepted":
        member = office.member("ada")
        await office.owners.accept(office.organization, lead, member, asked())
    elif what == "reassigned":
        await office.hand(lead, "cyd", "reassign")
    elif what == "unassigned":
        await office.owners.release(office.organization, lead, asked())
    elif what == "patched":
        await store.redis.hset(office.keys.lead(lead), "owner", office.member("cyd"))
    else:
        await office.leads.records.erase(office.organization.id, "leads", lead)
    revision = await store.redis.hget(office.keys.lead(lead), "revision")
    owner = await store.redis.hget(office.keys.lead(lead), "owner")

    await office.ring(timer)

    assert await store.redis.hget(office.keys.lead(lead), "revision") == revision
    assert await store.redis.hget(office.keys.lead(lead), "owner") == owner
    assert (await office.state()).total == 1


async def test_timers_that_come_twice_late_or_to_two_daemons_pass_a_lead_on_once(
    store: RedisStore,
) -> None:
    """R20, R5: one turn is taken, however often and where the timer comes."""
    office = await opened(store, make_pool(["ada", "bob", "cyd"], accept=ACCEPT))
    other = Office(store, office.pool)
    lead = await office.lead()
    (timer,) = await office.timers()

    await asyncio.gather(*[each.ring(timer) for each in (office, other) for _ in range(5)])
    await office.ring(timer, timer.due + 60 * MINUTE)

    assert await office.owner(lead) == "bob"
    assert (await office.state()).total == 2
    assert len(await office.timers()) == 2


async def test_a_daemon_whose_clock_is_behind_does_not_lose_the_timer(store: RedisStore) -> None:
    """R20: that the timer came is the proof that its time has."""
    office = await opened(store, make_pool(["ada", "bob"], accept=ACCEPT))
    lead = await office.lead()
    (timer,) = await office.timers()

    await office.ring(timer, timer.due - 5 * MINUTE)

    assert await office.owner(lead) == "bob"


async def test_who_let_it_pass_is_not_asked_again(store: RedisStore) -> None:
    """R20: with two people and ten hops, the second one keeps it, whoever's turn it is."""
    office = await opened(store, make_pool(["ada", "bob"], accept={"within": "1m", "hops": 10}))
    lead = await office.lead()
    await office.ring((await office.timers())[0])
    assert await office.owner(lead) == "bob"

    await office.ring((await office.timers())[1])

    assert await office.owner(lead) == "bob"
    assert await office.serve(2) == ["ada", "bob"]


@pytest.mark.parametrize(
    ("then", "owner", "outcome"),
    [
        ("keep", "ada", None),
        ("unassign", None, "not_accepted"),
        ("fallback", "zoe", "not_accepted"),
    ],
)
async def test_after_the_last_hop_the_pool_says_what_happens(
    store: RedisStore, then: str, owner: str | None, outcome: str | None
) -> None:
    """R20: there is an end, and it is the one that the file names."""
    pool = make_pool(
        ["ada", "bob"],
        accept={"within": "1m", "hops": 0, "then": then},
        fallback_pool="overflow",
    )
    overflow = make_pool(["zoe"], file="pools/overflow.yaml", connections=[])
    office = await opened(store, pool, overflow)
    lead = await office.lead()

    await office.ring((await office.timers())[0])

    assert await office.owner(lead) == owner
    (row,) = await office.metadata(lead)
    assert row.get("ended", {}).get("how") == outcome
    if then == "unassign":
        assert await office.assign(lead) == "bob"


async def test_a_hop_counts_in_the_caps_of_who_gets_it_and_steps_over_the_full(
    store: RedisStore,
) -> None:
    """R20, C1: bob has one lead a day, and has it; the hop goes to cyd and counts there."""
    people = [
        "ada",
        {"member": "bob", "caps": [{"limit": 1, "per": "day"}]},
        {"member": "cyd", "caps": [{"limit": 1, "per": "day"}]},
    ]
    office = await opened(store, make_pool(people, accept=ACCEPT))
    office.now = int(datetime(2026, 3, 2, 9, tzinfo=UTC).timestamp() * 1000)
    first, _second = await office.lead(), await office.lead()

    await office.ring((await office.timers())[0])

    assert await office.owner(first) == "cyd"
    assert (await office.metadata(first))[0]["from"]["userId"] == office.member("ada")
    assert await office.serve(3) == ["ada", "ada", "ada"]


async def test_the_time_to_accept_is_that_of_the_pool_as_it_is_then(store: RedisStore) -> None:
    """R20: a hop after a publication is decided anew, on a daemon that has not loaded it yet."""
    old = make_pool(["ada", "bob", "cyd"], accept=ACCEPT)
    office = await opened(store, old)
    lead = await office.lead()
    new = make_pool(["ada", "cyd", "bob"], accept=ACCEPT)
    await publish(store, new)
    newer = Office(store, new)
    office.rules.latest = newer.organization

    await office.ring((await office.timers())[0])

    assert await office.owner(lead) == "bob"
    assert office.rules.asked


async def test_a_pool_that_is_gone_leaves_its_leads_where_they_are(store: RedisStore) -> None:
    """R20: no pool, no next; the lead stays with who has it."""
    office = await opened(store, make_pool(["ada", "bob"], accept=ACCEPT))
    lead = await office.lead()
    await publish(store)
    office.rules.latest = Office(store, make_pool(["ada"], file="pools/other.yaml")).organization

    await office.ring((await office.timers())[0])

    assert await office.owner(lead) == "ada"
    assert (await office.owned(lead)).due is None


async def test_a_timer_of_a_lead_that_is_not_there_does_nothing(store: RedisStore) -> None:
    office = await opened(store, make_pool(["ada"], accept=ACCEPT))

    await office.ring(Timer(office.organization.id, "accept-by", "0" * 24, office.now))

    assert not await store.redis.exists(office.keys.lead("0" * 24))
