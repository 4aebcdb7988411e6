"""A lead's way in, with the rules of several generations and one real Redis."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from orjson import loads
from redis.asyncio import Redis

from pointsman.errors import Refused, Unavailable
from pointsman.flows.intake import Intake
from pointsman.ids import lead_uuid
from pointsman.model import Organization, Origin, Pool
from pointsman.settings import Settings
from pointsman.store.keys import Keys
from pointsman.store.leads import Idempotency, LeadStore, Taken
from pointsman.store.pools import PoolStore
from pointsman.store.redis import RedisStore
from pooling import ORGANIZATION, LoadedRules, make_flow, make_organization, make_pool, publish

KEYS = Keys(ORGANIZATION)
WEB = Origin("webhook")
SITE = Origin("webhook", source_key="site")
BODY = {"email": "x@example.com", "utm": "y"}


@pytest.fixture
def leads(store: RedisStore) -> LeadStore:
    return LeadStore(store, Settings())


async def serve(store: RedisStore, *pools: Pool, **parts: Any) -> Organization:
    """Publish the pools and return the organization as a daemon that loaded it has it."""
    return make_organization(pools, generation=await publish(store, *pools), **parts)


def pool_of(taken: Taken) -> str | None:
    return taken.assignment and taken.assignment.pool_id


async def test_a_lead_goes_to_the_pool_that_its_origin_leads_to(leads: LeadStore) -> None:
    site = make_pool(["ada"], file="pools/site.yaml", connections=[{"source_key": "site"}])
    rest = make_pool(["bob"], file="pools/rest.yaml")
    organization = await serve(leads.store, site, rest)
    intake = Intake(leads, LoadedRules(organization))

    taken = [await intake.take(organization, BODY, o, source="webhook") for o in (SITE, WEB)]

    assert [pool_of(t) for t in taken] == [site.id, rest.id]
    history = await PoolStore(leads.store).assignments(ORGANIZATION, site.id)
    connection = site.connections[0].id
    assert history.assignments[0].metadata == (
        f'{{"match":{{"fallbackType":"webhook_key","connectionId":"{connection}"}}}}'
    )


async def test_a_lead_that_no_pool_wants_is_kept_and_says_so(leads: LeadStore) -> None:
    organization = await serve(leads.store)
    intake = Intake(leads, LoadedRules(organization))

    taken = await intake.take(organization, BODY, WEB, source="webhook")
    asked_not_to = await intake.take(organization, BODY, WEB, source="webhook", assign=False)

    assert (taken.assignment, taken.reason) == (None, "no_matching_pool")
    assert (asked_not_to.assignment, asked_not_to.reason) == (None, None)
    stored, _ = await leads.read(ORGANIZATION, taken.lead_id)
    assert stored is not None
    assert stored.data == {"email": "x@example.com", "custom_fields": {"utm": "y"}}


async def test_nobody_eligible_is_an_answer(leads: LeadStore) -> None:
    organization = await serve(leads.store, make_pool([{"member": "ada", "is_active": False}]))

    taken = await Intake(leads, LoadedRules(organization)).take(
        organization, BODY, WEB, source="webhook"
    )

    assert (taken.assignment, taken.reason) == (None, "no_eligible_participant")


async def test_who_may_be_served_hangs_on_the_clock(leads: LeadStore) -> None:
    """C2: both ways a lead gets a turn, and both with what the same window has seen."""
    office = {"time_zone": "America/New_York", "hours": [{"from": "09:00", "to": "17:00"}]}
    ada = {"member": "ada", "availability": office, "caps": [{"limit": 2, "per": "day"}]}
    organization = await serve(leads.store, make_pool([ada]))
    now = 0
    intake = Intake(leads, LoadedRules(organization), clock=lambda: now)

    async def take(at: str) -> str | None:
        nonlocal now
        now = int(datetime.fromisoformat(at).timestamp() * 1000)
        taken = await intake.take(organization, BODY, WEB, source="webhook", assign=False)
        return (await intake.assign(organization, taken.lead_id, "system")).reason

    assert await take("2026-07-01T12:59:59Z") == "no_eligible_participant"
    assert await take("2026-07-01T13:00:00Z") is None
    assert (await intake.take(organization, BODY, WEB, source="webhook")).assignment
    assert await take("2026-07-01T13:00:01Z") == "no_eligible_participant"
    assert await take("2026-12-01T13:30:00Z") == "no_eligible_participant"
    assert await take("2026-12-01T14:00:00Z") is None


@pytest.fixture
async def overflowing(leads: LeadStore) -> tuple[Organization, Pool, Pool]:
    """A pool with one turn a day that falls back on another, which no connection leads to."""
    ada = {"member": "ada", "caps": [{"limit": 1, "per": "day"}]}
    first = make_pool([ada], fallback_pool="overflow")
    other = make_pool(
        ["bob", "cy"], file="pools/overflow.yaml", connections=[], assign_inbound_leads=False
    )
    return await serve(leads.store, first, other), first, other


async def test_a_pool_with_nobody_falls_back_on_another(
    leads: LeadStore, overflowing: tuple[Organization, Pool, Pool]
) -> None:
    """Both ways a lead gets a turn; the first pool's turn stays, the history says where from."""
    organization, first, other = overflowing
    intake = Intake(leads, LoadedRules(organization))
    key = Idempotency.of("intake", "k", b"")

    pools = [
        (await intake.take(organization, BODY, WEB, source="webhook", idempotency=once)).assignment
        for once in (None, key, key)
    ]
    later = await intake.take(organization, BODY, WEB, source="webhook", assign=False)
    assigned = (await intake.assign(organization, later.lead_id, "system")).assignment

    assert [turn and turn.pool_id for turn in (*pools, assigned)] == [
        first.id,
        *[other.id] * 3,
    ]
    assert assigned is not None
    assert assigned.order == 2
    state = await PoolStore(leads.store).state(ORGANIZATION, first)
    assert (state.turn, state.total) == (2, 1)
    newest, _ = (await PoolStore(leads.store).assignments(ORGANIZATION, other.id)).assignments
    assert loads(newest.metadata)["fallbackFrom"] == first.id
    assert loads(newest.metadata)["match"]["fallbackType"] == "webhook"


async def test_where_the_fallback_has_nobody_either_the_lead_is_kept(leads: LeadStore) -> None:
    """One step only: two pools that name each other do not ask for ever."""
    off = {"member": "ada", "is_active": False}
    first = make_pool([off], fallback_pool="overflow")
    other = make_pool([off], file="pools/overflow.yaml", connections=[])
    organization = await serve(
        leads.store, first, replace(other, fallback=first.id, limits=first.limits)
    )
    before = leads.store.round_trips

    taken = await Intake(leads, LoadedRules(organization)).take(
        organization, BODY, WEB, source="webhook"
    )

    assert (taken.status, taken.reason) == ("taken", "no_eligible_participant")
    assert leads.store.round_trips == before + 2
    assert (await leads.read(ORGANIZATION, taken.lead_id))[0]


async def test_an_inactive_fallback_is_not_asked(leads: LeadStore) -> None:
    first = make_pool([{"member": "ada", "is_active": False}], fallback_pool="overflow")
    other = make_pool(["bob"], file="pools/overflow.yaml", is_active=False)
    organization = await serve(leads.store, first, other)

    taken = await Intake(leads, LoadedRules(organization)).take(
        organization, BODY, WEB, source="webhook"
    )

    assert (taken.status, taken.reason) == ("taken", "no_eligible_participant")


@pytest.mark.parametrize("lost", ["inbound", "overflow"])
async def test_a_lost_pointer_of_either_pool_comes_back(
    leads: LeadStore, overflowing: tuple[Organization, Pool, Pool], lost: str
) -> None:
    """R8."""
    organization, first, other = overflowing
    intake = Intake(leads, LoadedRules(organization))
    for _ in range(2):
        await intake.take(organization, BODY, WEB, source="webhook")
    pool = {"inbound": first, "overflow": other}[lost]
    await leads.store.redis.delete(Keys(ORGANIZATION).pool(pool.id))

    taken = await intake.take(organization, BODY, WEB, source="webhook")

    assert taken.assignment
    assert (taken.assignment.pool_id, taken.assignment.order) == (other.id, 2)


async def test_a_fallback_that_was_changed_meanwhile_is_decided_again(
    leads: LeadStore, overflowing: tuple[Organization, Pool, Pool]
) -> None:
    organization, first, _ = overflowing
    rules = LoadedRules(organization)
    intake = Intake(leads, rules)
    await intake.take(organization, BODY, WEB, source="webhook")
    newer = make_pool(["dee"], file="pools/overflow.yaml", connections=[])
    rules.latest = await serve(leads.store, first, newer)

    taken = await intake.take(organization, BODY, WEB, source="webhook")

    assert taken.assignment
    assert taken.assignment.member_id == newer.participants[0].member.id


async def test_a_flow_that_names_the_intake_decides_alone(leads: LeadStore) -> None:
    """Its pool step names a pool whose connections are not consulted; others never see the lead."""
    named = make_pool(["ada"], file="pools/named.yaml", connections=[{"source": "meta"}])
    rest = make_pool(["bob"], file="pools/rest.yaml")
    flow = make_flow(
        [named],
        sources=[{"intake": "webhook", "source_key": "site"}],
        fields=["email"],
        steps=[{"type": "pool", "pool": "named"}],
    )
    organization = await serve(leads.store, named, rest, flows=[flow])
    intake = Intake(leads, LoadedRules(organization))

    taken = await intake.take(organization, BODY, SITE, source="webhook")
    beside = await intake.take(organization, BODY, WEB, source="webhook")

    assert (pool_of(taken), pool_of(beside)) == (named.id, rest.id)
    stored, _ = await leads.read(ORGANIZATION, taken.lead_id)
    assert stored is not None
    assert stored.data == {"email": "x@example.com"}
    history = await PoolStore(leads.store).assignments(ORGANIZATION, named.id)
    assert history.assignments[0].metadata == (
        f'{{"flow":{{"flowId":"{flow.id}","stepId":"{flow.steps[0].id}"}}}}'
    )


@pytest.mark.parametrize(
    ("switches", "step"),
    [
        ({"is_active": False}, {}),
        ({"assign_inbound_leads": False, "assign_manual_leads": True}, {}),
        ({}, {"enabled": False}),
    ],
)
async def test_a_flow_whose_pool_is_switched_off_assigns_nobody(
    leads: LeadStore, switches: dict[str, Any], step: dict[str, Any]
) -> None:
    named = make_pool(["ada"], file="pools/named.yaml", **switches)
    flow = make_flow(
        [named],
        sources=[{"intake": "webhook"}],
        steps=[{"type": "pool", "pool": "named", **step}],
    )
    organization = await serve(leads.store, named, make_pool(["bob"]), flows=[flow])

    taken = await Intake(leads, LoadedRules(organization)).take(
        organization, BODY, WEB, source="webhook"
    )

    assert (taken.assignment, taken.reason) == (None, "no_matching_pool")


async def test_a_disabled_flow_leaves_its_leads_to_the_pools(leads: LeadStore) -> None:
    rest = make_pool(["bob"])
    flow = make_flow([], enabled=False, sources=[{"intake": "webhook"}])
    organization = await serve(leads.store, rest, flows=[flow])

    taken = await Intake(leads, LoadedRules(organization)).take(
        organization, BODY, WEB, source="webhook"
    )

    assert pool_of(taken) == rest.id


async def test_a_pool_that_changed_meanwhile_is_decided_again_with_the_pools_of_now(
    leads: LeadStore,
) -> None:
    old = make_pool(["ada", "bob"])
    behind = await serve(leads.store, old)
    rules = LoadedRules(behind)
    new = make_pool(["cy", "bob"])
    rules.latest = await serve(leads.store, new)

    taken = await Intake(leads, rules).take(behind, BODY, WEB, source="webhook")

    assert taken.assignment is not None
    assert taken.assignment.participant_id == new.participants[1].id  # who came after ada
    assert rules.asked[0] == 2


async def test_a_pool_deleted_meanwhile_is_no_matching_pool(leads: LeadStore) -> None:
    behind = await serve(leads.store, make_pool(["ada"]))
    rules = LoadedRules(behind)
    rules.latest = await serve(leads.store)

    taken = await Intake(leads, rules).take(behind, BODY, WEB, source="webhook")

    assert (taken.assignment, taken.reason) == (None, "no_matching_pool")


async def test_a_deleted_pool_takes_no_lead_even_where_the_news_cannot_be_loaded(
    leads: LeadStore,
) -> None:
    behind = await serve(leads.store, make_pool(["ada"]))
    await publish(leads.store)

    taken = await Intake(leads, LoadedRules(behind)).take(behind, BODY, WEB, source="webhook")

    assert taken.reason == "no_matching_pool"


async def test_a_daemon_that_cannot_load_a_changed_pool_refuses_its_leads(
    leads: LeadStore, redis: Redis
) -> None:
    """Nothing is written, so the sender's retry is a lead on another daemon."""
    behind = await serve(leads.store, make_pool(["ada"]))
    await publish(leads.store, make_pool(["bob"]))

    with pytest.raises(Unavailable, match="has not loaded generation 2"):
        await Intake(leads, LoadedRules(behind)).take(behind, BODY, WEB, source="webhook")

    assert await redis.xlen(KEYS.events) == 0


async def test_news_of_other_things_are_caught_up_with_after_the_decision(
    leads: LeadStore,
) -> None:
    """The lead is decided by the rules it began with, if its pool is still the same."""
    pool = make_pool(["ada"])
    behind = await serve(leads.store, pool)
    rules = LoadedRules(behind)
    rules.latest = await serve(leads.store, pool, make_pool(["bob"], file="pools/x.yaml"))

    taken = await Intake(leads, rules).take(behind, BODY, WEB, source="webhook")

    assert pool_of(taken) == pool.id
    assert rules.asked == [2]


async def test_a_lost_pointer_costs_no_lead(leads: LeadStore, redis: Redis) -> None:
    """R8: it is rebuilt from the history on the way."""
    pool = make_pool(["ada", "bob", "cy"])
    organization = await serve(leads.store, pool)
    intake = Intake(leads, LoadedRules(organization))
    await intake.take(organization, BODY, WEB, source="webhook")
    await redis.delete(KEYS.pool(pool.id))

    taken = await asyncio.gather(
        *(intake.take(organization, BODY, WEB, source="webhook") for _ in range(5))
    )

    assert sorted(t.assignment.turn for t in taken if t.assignment) == [2, 3, 4, 5, 6]
    assert sorted(t.assignment.order for t in taken if t.assignment) == [1, 2, 2, 3, 3]


async def test_a_lead_costs_one_round_trip(leads: LeadStore) -> None:
    organization = await serve(leads.store, make_pool(["ada"]))
    intake = Intake(leads, LoadedRules(organization))
    before = leads.store.round_trips

    await intake.take(
        organization, BODY, WEB, source="webhook", idempotency=Idempotency.of("s", "k", b"")
    )

    assert leads.store.round_trips == before + 1


async def test_the_same_operation_is_the_same_lead(leads: LeadStore) -> None:
    organization = await serve(leads.store, make_pool(["ada", "bob"]))
    intake = Intake(leads, LoadedRules(organization))

    taken = [
        await intake.take(
            organization, BODY, WEB, source="system", operation_lead_id="0123456789abcdef01234567"
        )
        for _ in range(2)
    ]

    assert taken[0] == taken[1]


async def test_a_body_that_does_not_fit_is_refused_before_anything_is_written(
    leads: LeadStore, redis: Redis
) -> None:
    organization = await serve(leads.store, make_pool(["ada"]))
    deep: dict[str, Any] = {}
    for _ in range(30):
        deep = {"a": deep}

    with pytest.raises(Refused):
        await Intake(leads, LoadedRules(organization)).take(
            organization, deep, WEB, source="webhook"
        )

    assert await redis.xlen(KEYS.events) == 0


async def test_a_stored_lead_is_assigned_by_the_origin_it_came_with(leads: LeadStore) -> None:
    site = make_pool(["ada"], file="pools/site.yaml", connections=[{"source_key": "site"}])
    organization = await serve(leads.store, site, make_pool(["bob"]))
    intake = Intake(leads, LoadedRules(organization))
    lead = await intake.take(organization, BODY, SITE, source="webhook", assign=False)

    taken = await intake.assign(organization, lead_uuid(lead.lead_id), "system", operation="o")
    again = await intake.assign(organization, lead.lead_id, "system", operation="o")
    another = await intake.assign(organization, lead.lead_id, "system")

    assert pool_of(taken) == site.id
    assert again == taken
    assert (another.assignment, another.reason) == (None, "already_assigned")


async def test_assigning_tells_unknown_leads_and_missing_pools(leads: LeadStore) -> None:
    organization = await serve(leads.store)
    intake = Intake(leads, LoadedRules(organization))
    lead = await intake.take(organization, BODY, WEB, source="webhook")

    answers = [
        await intake.assign(organization, named, "system")
        for named in (lead.lead_id, "0" * 24, "nonsense")
    ]

    assert [(a.status, a.reason) for a in answers] == [
        ("taken", "no_matching_pool"),
        ("unknown", None),
        ("unknown", None),
    ]


async def test_assigning_uses_the_pools_of_the_current_generation(leads: LeadStore) -> None:
    """A daemon that is behind learns it from the read and decides with the newer pools."""
    behind = await serve(leads.store)
    rules = LoadedRules(behind)
    intake = Intake(leads, rules)
    lead = await intake.take(behind, BODY, WEB, source="webhook")
    pool = make_pool(["ada"])
    rules.latest = await serve(leads.store, pool)

    taken = await intake.assign(behind, lead.lead_id, "system")

    assert pool_of(taken) == pool.id


async def test_assigning_by_a_changed_pool_is_decided_again(leads: LeadStore, redis: Redis) -> None:
    organization = await serve(leads.store, make_pool(["ada"]))
    rules = LoadedRules(organization)
    intake = Intake(leads, rules)
    lead = await intake.take(organization, BODY, WEB, source="webhook", assign=False)
    new = make_pool(["bob"])
    await redis.hset(KEYS.pool(new.id), "revision", "of a moment")
    rules.latest = make_organization([make_pool(["ada"], is_active=False)], generation=1)

    taken = await intake.assign(organization, lead.lead_id, "system")

    assert taken.reason == "no_matching_pool"
