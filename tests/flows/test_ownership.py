"""Leads given, passed on, taken away and accepted by hand; turns given back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from owning import Office, asked, opened
from pointsman.store.redis import RedisStore
from pooling import make_pool, publish

DAILY = {"limit": 1, "per": "day"}


def capped(handle: str, **cap: Any) -> dict[str, Any]:
    return {"member": handle, "caps": [{**DAILY, **cap}]}


async def test_a_lead_given_by_hand_takes_no_turn(store: RedisStore) -> None:
    """R5: the pointer stays, and the pool knows nothing of it unless it is named."""
    office = await opened(store, make_pool(["ada", "bob"]))
    lead = await office.lead()
    await office.owners.release(office.organization, lead, asked())

    outcome = await office.hand(lead, "ada")

    assert outcome.status == "done"
    assert await office.owner(lead) == "ada"
    assert (await office.owned(lead)).assignment is None
    assert (await office.state()).total == 1
    assert await office.serve(2) == ["bob", "ada"]


async def test_a_lead_given_by_hand_in_a_pool_counts_there(store: RedisStore) -> None:
    """C1: history, counters and caps have it; the pointer stays, nor is it rebuilt by that."""
    pool = make_pool([capped("ada"), capped("bob"), "cyd"])
    office = await opened(store, pool)
    first = await office.lead()
    await office.owners.release(office.organization, first, asked())

    outcome = await office.hand(first, "ada", pool_id=pool.id, asked=asked(by="Jo's key"))

    assert outcome.told["turn"] == 2
    assert (await office.owned(first)).assignment
    assert (await office.metadata(first))[0] == {"by": "Jo's key", "turnTaken": False}
    state = await office.state()
    assert (state.total, state.members[office.member("ada")][0]) == (2, 2)
    await store.redis.delete(office.keys.pool(pool.id))
    assert await office.serve(3) == ["bob", "cyd", "cyd"]


async def test_only_what_fits_is_changed(store: RedisStore) -> None:
    """Every other wish is answered with why, and leaves the lead as it was."""
    office = await opened(store, make_pool(["ada", "bob"]), make_pool(["zoe"], file="pools/z.yaml"))
    lead = await office.lead()
    before = await store.redis.hgetall(office.keys.lead(lead))
    member, somebody = office.member("zoe"), office.member("bob")

    async def status(outcome: Any) -> str:
        return str((await outcome).status)

    assert await status(office.hand(lead, "bob")) == "owned"
    assert await status(office.hand(lead, "ada", "reassign")) == "same"
    assert await status(office.hand(lead, "zoe", "reassign", pool_id=office.pool.id)) == "outside"
    assert await status(office.hand("0" * 24, "bob")) == "unknown"
    assert await status(office.owners.accept(office.organization, lead, somebody, asked())) == (
        "stranger"
    )
    assert await store.redis.hgetall(office.keys.lead(lead)) == before
    await office.owners.release(office.organization, lead, asked())
    assert await status(office.owners.release(office.organization, lead, asked())) == "unowned"
    assert await status(office.hand(lead, "ada", "reassign")) == "unowned"
    assert await status(office.pass_on(lead)) == "unowned"
    assert await status(office.owners.accept(office.organization, lead, member, asked())) == (
        "unowned"
    )


async def test_a_lead_is_reassigned_to_the_next_of_the_rotation(store: RedisStore) -> None:
    """Who gets it takes a turn; who had it is stepped over and has used theirs, or gets it back."""
    office = await opened(store, make_pool(["ada", "bob", "cyd"]))
    first, second = await office.lead(), await office.lead()

    await office.pass_on(first)
    assert await office.owner(first) == "cyd"
    await office.pass_on(second, credit=True)

    assert await office.owner(second) == "ada"
    assert await office.serve(4) == ["bob", "bob", "cyd", "ada"]
    told = (await office.metadata(second))[1]
    assert told["ended"]["how"] == "reassigned"
    assert told["credited"]["turns"] == 1


async def test_nobody_else_to_reassign_to_leaves_the_lead(store: RedisStore) -> None:
    """R15: no next is no error, and no turn."""
    office = await opened(store, make_pool(["ada", {"member": "bob", "is_active": False}]))
    lead = await office.lead()

    outcome = await office.pass_on(lead)

    assert outcome.status == "none"
    assert await office.owner(lead) == "ada"
    assert (await office.state()).total == 1


async def test_an_unassigned_lead_is_assigned_like_any_other(store: RedisStore) -> None:
    """R22: nothing of the first assignment keeps it from the next; R5: each takes one turn."""
    office = await opened(store, make_pool(["ada", "bob", "cyd"]))
    lead = await office.lead()

    await office.owners.release(office.organization, lead, asked())

    assert await office.owner(lead) is None
    assert await office.assign(lead) == "bob"
    assert [row.get("ended", {}).get("how") for row in await office.metadata(lead)] == [
        None,
        "unassigned",
    ]
    assert (await office.state()).total == 2
    assert await office.serve(1) == ["cyd"]


@pytest.mark.parametrize("policy", ["lose_turn", "hold_turn"])
async def test_a_turn_given_back_is_first_in_line(store: RedisStore, policy: str) -> None:
    """Once, then the order goes on where it was."""
    office = await opened(store, make_pool(["ada", "bob", "cyd"], skip_policy=policy))
    first, _, _, _ = [await office.lead() for _ in range(4)]

    outcome = await office.credit(first)

    assert (outcome.told["turn"], outcome.told["caps"]) == (1, 0)
    assert (await office.state()).next == office.pool.participants[0]
    assert await office.serve(4) == ["ada", "bob", "cyd", "ada"]
    assert not await store.redis.hexists(office.keys.pool(office.pool.id), "credits")
    assert (await office.metadata(first))[0]["credited"]["by"] == "ops"


async def test_turns_given_back_are_taken_in_the_order_in_which_they_were_given(
    store: RedisStore,
) -> None:
    """Also two of one person, and also over a publication that moves people about."""
    office = await opened(store, make_pool(["ada", "bob", "cyd"]))
    leads = [await office.lead() for _ in range(5)]
    for place in (1, 0, 4):
        await office.credit(leads[place])
    changed = make_pool(["cyd", "dan", "bob", "ada"])
    await publish(store, changed)

    assert await Office(store, changed).serve(4) == ["bob", "ada", "bob", "cyd"]


async def test_a_credit_is_given_once_however_often_and_where_it_is_asked(
    store: RedisStore,
) -> None:
    """Two daemons, ten calls at once: one turn, one use of the cap, one answer."""
    office = await opened(store, make_pool([capped("ada", limit=2), capped("bob", limit=9)]))
    other = Office(store, office.pool)
    lead = await office.lead()
    offices = [office, other] * 5

    outcomes = await asyncio.gather(*[each.credit(lead) for each in offices])

    assert sorted(outcome.told["again"] for outcome in outcomes) == [False] + [True] * 9
    assert len({(o.told["at"], o.told["turn"], o.told["caps"]) for o in outcomes}) == 1
    assert outcomes[0].told["caps"] == 1
    assert await store.redis.llen(office.keys.held(office.pool.id)) == 1
    assert await office.serve(4) == ["ada", "bob", "ada", "bob"]
    types = await office.types(lead)
    assert types.count("lead_turn_credited") == 1


async def test_unassign_with_credit_and_a_credit_of_the_same_turn_are_one(
    store: RedisStore,
) -> None:
    """Exactly once for each assignment, whichever way it is asked for."""
    office = await opened(store, make_pool(["ada", "bob", "cyd"]))
    lead = await office.lead()

    outcome = await office.owners.release(office.organization, lead, asked(), credit=True)
    again = await office.credit(lead)

    assert outcome.told["credited"] is True
    assert again.told["again"] is True
    assert await office.serve(3) == ["ada", "bob", "cyd"]


async def test_the_cap_of_a_window_that_is_over_is_not_given_back(store: RedisStore) -> None:
    """C4, C1: the credit of yesterday's lead lets nobody have more today."""
    office = await opened(
        store, make_pool([capped("ada"), capped("bob", time_zone="America/New_York")])
    )
    office.now = int(datetime(2026, 10, 31, 12, tzinfo=UTC).timestamp() * 1000)
    yesterday = await office.lead()
    office.now = int(datetime(2026, 11, 1, 12, tzinfo=UTC).timestamp() * 1000)
    other, todays = await office.lead(), await office.lead()
    assert await office.owner(todays) == "ada"

    assert (await office.credit(yesterday)).told["caps"] == 0
    assert await office.serve(1) == ["-"]
    assert (await office.credit(other)).told["caps"] == 1
    assert await office.serve(2) == ["bob", "-"]
    assert (await office.credit(todays)).told["caps"] == 1
    assert await office.serve(2) == ["ada", "-"]


async def test_a_cap_that_came_later_gives_nothing_back(store: RedisStore) -> None:
    """C1: only what a turn has counted."""
    office = await opened(store, make_pool(["ada"]))
    lead = await office.lead()
    changed = make_pool([capped("ada")])
    await publish(store, changed)
    later = Office(store, changed)
    assert await later.serve(2) == ["ada", "-"]

    assert (await later.credit(lead)).told["caps"] == 0
    assert await later.serve(1) == ["-"]


async def test_by_hand_there_is_no_turn_to_give_back(store: RedisStore) -> None:
    """Only its use of the cap."""
    pool = make_pool([capped("ada"), "bob"])
    office = await opened(store, pool)
    first = await office.lead()
    lead = await office.lead()
    await office.hand(lead, "ada", "reassign", pool_id=pool.id)

    outcome = await office.credit(lead)

    assert (outcome.told["turn"], outcome.told["caps"]) == (0, 1)
    await office.credit(first)
    assert await office.serve(3) == ["ada", "bob", "bob"]


async def test_who_has_left_the_pool_gets_nothing_back(store: RedisStore) -> None:
    """R17: nothing is noted either, so that it can be asked again when they are back."""
    office = await opened(store, make_pool(["ada", "bob"]))
    lead = await office.lead()
    changed = make_pool(["bob"])
    await publish(store, changed)

    outcome = await Office(store, changed).credit(lead)

    assert outcome.status == "outside"
    assert "credited" not in (await office.metadata(lead))[0]


async def test_accepting_is_noted_once(store: RedisStore) -> None:
    """The second time tells when it was."""
    office = await opened(store, make_pool(["ada", "bob"]))
    lead, member = await office.lead(), office.member("ada")

    first = await office.owners.accept(office.organization, lead, member, asked())
    office.now += 5000
    again = await office.owners.accept(office.organization, lead, member, asked())

    assert first.told["at"] == again.told["at"] == (await office.owned(lead)).accepted
    assert (first.told["again"], again.told["again"]) == (False, True)
    assert "accepted" in (await office.metadata(lead))[0]
    assert (await office.types(lead)).count("lead_accepted") == 1


@pytest.mark.parametrize("what", ["hand", "pass", "release"])
async def test_a_change_sent_again_is_the_same_change(store: RedisStore, what: str) -> None:
    """A lost reply, or a sender's retry: one turn, one entry, one answer."""
    office = await opened(store, make_pool(["ada", "bob", "cyd"]))
    lead, who = await office.lead(), asked()

    async def change() -> Any:
        if what == "hand":
            return await office.hand(lead, "cyd", "reassign", asked=who, pool_id=office.pool.id)
        if what == "pass":
            return await office.pass_on(lead, asked=who)
        return await office.owners.release(office.organization, lead, who)

    answers = [await change() for _ in range(3)]

    assert answers[0] == answers[1] == answers[2]
    assert answers[0].status == "done"
    total = (await office.state()).total
    assert total == (1 if what == "release" else 2)
    assert len(await office.types(lead)) == 3


async def test_many_changes_at_once_leave_one_owner_and_true_counters(store: RedisStore) -> None:
    """Two daemons reassign one lead all the time: the history tells one story."""
    office = await opened(store, make_pool(["ada", "bob", "cyd"]))
    offices = [office, Office(store, office.pool)]
    lead = await office.lead()

    outcomes = await asyncio.gather(*[offices[n % 2].pass_on(lead) for n in range(20)])

    assert {outcome.status for outcome in outcomes} == {"done"}
    state, rows = await office.state(), await office.metadata(lead)
    assert state.total == 21
    assert sum(count for count, _ in state.members.values()) == 21
    assert [row.get("ended") is None for row in rows] == [True] + [False] * 20
    befores = [outcome.told["before"] for outcome in outcomes]
    members = [outcome.told["member"] for outcome in outcomes]
    assert all(one != other for one, other in zip(befores, members, strict=True))


async def test_the_sticky_owner_is_who_has_the_lead_now(store: RedisStore) -> None:
    """The person's next lead follows a reassignment; unassigned, it goes to whoever is next."""
    office = await opened(store, make_pool(["ada", "bob", "cyd"], sticky={"by": ["email"]}))
    lead = await office.lead(email="dana@example.com")
    await office.hand(lead, "cyd", "reassign")
    again = await office.lead(email="dana@example.com")
    assert await office.owner(again) == "cyd"

    for one in (lead, again):
        await office.owners.release(office.organization, one, asked())

    assert await office.assign(lead) == "bob"


async def test_a_freed_cap_serves_who_waits_in_line(store: RedisStore) -> None:
    """R19: a credit wakes the pool's line."""
    office = await opened(store, make_pool([capped("ada")], when_nobody="park"))
    first, waiting = await office.lead(), await office.lead()
    assert await office.owner(waiting) is None

    await office.credit(first)

    entries: Any = await store.redis.xrange(office.keys.outbox)
    assert any(fields[b"timer"].startswith(b"park/") for _, fields in entries)


async def test_a_lead_that_waits_leaves_the_line_when_it_is_given_away(store: RedisStore) -> None:
    """R19: nobody gets it a second time."""
    office = await opened(store, make_pool([capped("ada"), capped("bob")], when_nobody="park"))
    for _ in range(2):
        await office.lead()
    waiting = await office.lead()

    await office.hand(waiting, "bob")

    assert (await office.state()).parked == 0
