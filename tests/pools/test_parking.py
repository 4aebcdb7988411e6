"""Leads that wait in line: who comes first when somebody is back, and what ends the waiting."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pointsman.flows.decide import choose
from pointsman.model import Organization, Origin, Pool
from pointsman.pools.explain import explain_turn
from pointsman.store.leads import Taken
from pooling import ORGANIZATION, make_organization, make_pool, new_lead
from rotating import HANDLE_OF, HANDLES, KEYS, Deployment, published_pool, run

DAY = 86_400_000
HOURS = {"time_zone": "America/New_York", "hours": [{"from": "09:00", "to": "17:00"}]}


def at(text: str) -> int:
    zone = ZoneInfo("America/New_York")
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


NIGHT, MORNING = at("2026-03-03T03:00"), at("2026-03-03T09:00")


def capped(handle: str, limit: int, per: str = "day") -> dict[str, Any]:
    zone = "America/New_York"
    return {"member": handle, "caps": [{"limit": limit, "per": per, "time_zone": zone}]}


def in_hours(*handles: str) -> list[Any]:
    return [{"member": handle, "availability": HOURS} for handle in handles]


def parked(people: list[Any], **document: Any) -> dict[str, Any]:
    return {"people": people, "when_nobody": "park", **document}


def line(deployment: Deployment, pool: Pool) -> list[str]:
    return [lead.decode() for lead in deployment.store.client.zrange(KEYS.parked(pool.id), 0, -1)]


def timers(deployment: Deployment, pool: Pool) -> list[tuple[str, int]]:
    """Return what the outbox has for the pool's line: what tells the timers apart, and when."""
    entries = [fields for _, fields in deployment.store.client.xrange(KEYS.outbox)]
    told = [(fields[b"timer"].decode(), int(fields[b"due"])) for fields in entries]
    assert all(name.startswith(f"park/{pool.id}") for name, _ in told)
    return [(name.partition(":")[2], due) for name, due in told]


def owners(deployment: Deployment, leads: list[Taken]) -> list[str | None]:
    keys = [KEYS.lead(taken.lead_id) for taken in leads]
    found = [deployment.store.client.hget(key, "owner") for key in keys]
    return [owner and HANDLE_OF[owner.decode()] for owner in found]


def test_a_lead_that_nobody_can_take_waits_and_is_told_so(deployment: Deployment) -> None:
    pool = published_pool(deployment, in_hours("m0", "m1"), when_nobody="park")

    taken = [deployment.post(pool, NIGHT + n) for n in range(3)]

    assert {(t.status, t.reason, t.assignment) for t in taken} == {("taken", "parked", None)}
    assert line(deployment, pool) == [t.lead_id for t in taken]
    state = run(deployment.pools.state(ORGANIZATION, pool, NIGHT))
    assert (state.parked, state.oldest, state.turn) == (3, NIGHT, 1)
    assert timers(deployment, pool) == [("", MORNING)]
    assert explain_turn(state)[-1] == "3 leads wait in line already, and this one would go behind"


def test_the_line_is_served_oldest_first_and_everyone_takes_turns(deployment: Deployment) -> None:
    """R19: the first in line comes first, and nobody gets them all."""
    pool = published_pool(deployment, in_hours("m0", "m1", "m2"), when_nobody="park")
    waiting = [deployment.post(pool, NIGHT) for _ in range(7)]

    drained = deployment.drain(pool, MORNING)

    assert (drained.status, drained.left) == ("drained", 0)
    assert drained.served == tuple((t.lead_id, "webhook") for t in waiting)
    assert owners(deployment, waiting) == ["m0", "m1", "m2"] * 2 + ["m0"]
    assert [row["l"] for row in deployment.rows(pool)] == [t.lead_id for t in waiting]
    assert {row["z"] for row in deployment.rows(pool)} == {NIGHT}
    assert deployment.serve(pool, 1, MORNING) == ["m1"]


def test_nobody_new_overtakes_those_who_wait(deployment: Deployment) -> None:
    """R19: someone is back, and the next lead to come goes behind, and wakes the line."""
    pool = published_pool(deployment, in_hours("m0", "m1"), when_nobody="park")
    first = deployment.post(pool, NIGHT)

    second = deployment.post(pool, MORNING)

    assert second.reason == "parked"
    assert timers(deployment, pool)[-1] == (second.lead_id, 0)
    deployment.drain(pool, MORNING)
    assert owners(deployment, [first, second]) == ["m0", "m1"]
    assert deployment.post(pool, MORNING).assignment


def test_a_cap_bounds_what_the_line_gives_to_anybody(deployment: Deployment) -> None:
    """R19: full people get no more than their caps when the window turns; the others wait on."""
    people = [capped("m0", 2), capped("m1", 1)]
    pool = published_pool(deployment, people, when_nobody="park")
    today, tomorrow = at("2026-03-03T12:00"), at("2026-03-04T00:00")
    leads = [deployment.post(pool, today) for _ in range(8)]
    assert owners(deployment, leads) == ["m0", "m1", "m0", *[None] * 5]
    assert timers(deployment, pool) == [("", tomorrow)]

    assert deployment.drain(pool, tomorrow - 1).status == "waiting"
    assert deployment.drain(pool, tomorrow).left == 2

    assert owners(deployment, leads[3:]) == ["m1", "m0", "m0", None, None]
    assert timers(deployment, pool)[-1] == ("", tomorrow + DAY)
    deployment.drain(pool, tomorrow + DAY)
    assert owners(deployment, leads[6:]) == ["m1", "m0"]


def test_a_quota_holds_however_often_the_line_is_looked_at(deployment: Deployment) -> None:
    """R14: a hundred runs on one day give nobody more than their quota."""
    people = [capped("m0", 7, "week"), capped("m1", 5, "week")]
    pool = published_pool(deployment, people, when_nobody="park")
    first = at("2026-03-03T00:00")
    leads = [deployment.post(pool, first) for _ in range(60)]

    for n in range(100):
        deployment.drain(pool, first + n * DAY // 101)

    assert Counter(owners(deployment, leads)) == {"m0": 7, "m1": 5, None: 48}
    assert owners(deployment, leads)[12:] == [None] * 48
    assert timers(deployment, pool) == [("", at("2026-03-09T00:00"))]


def test_a_long_line_is_served_in_pieces(deployment: Deployment) -> None:
    pool = published_pool(deployment, in_hours("m0", "m1"), when_nobody="park")
    leads = [deployment.post(pool, NIGHT) for _ in range(10)]

    told = [deployment.drain(pool, MORNING, most=4) for _ in range(3)]

    assert [(d.status, d.left) for d in told] == [("more", 6), ("more", 2), ("drained", 0)]
    assert owners(deployment, leads) == ["m0", "m1"] * 5


def test_a_change_of_the_pool_wakes_the_line(deployment: Deployment) -> None:
    """Someone is switched on again; every publication looks, and only where anyone waits."""
    off = [{"member": "m0", "is_active": False}]
    pool = published_pool(deployment, off, when_nobody="park")
    lead = deployment.post(pool, NIGHT)
    assert timers(deployment, pool) == []

    pool = published_pool(deployment, ["m0"], when_nobody="park")

    assert timers(deployment, pool) == [("2", 0)]
    assert deployment.drain(pool, NIGHT).left == 0
    assert owners(deployment, [lead]) == ["m0"]
    published_pool(deployment, ["m0", "m1"], when_nobody="park")
    assert len(timers(deployment, pool)) == 1


def test_those_who_wait_are_served_though_new_ones_do_not_wait_any_more(
    deployment: Deployment,
) -> None:
    lead = deployment.post(published_pool(deployment, in_hours("m0"), when_nobody="park"), NIGHT)

    pool = published_pool(deployment, in_hours("m0"))

    assert deployment.post(pool, NIGHT).reason == "no_eligible_participant"
    deployment.drain(pool, MORNING)
    assert owners(deployment, [lead]) == ["m0"]


def test_a_pool_s_line_goes_and_comes_back_with_it(deployment: Deployment) -> None:
    pool = published_pool(deployment, in_hours("m0"), when_nobody="park")
    lead = deployment.post(pool, NIGHT)
    client = deployment.store.client

    deployment.publish()

    assert client.ttl(KEYS.parked(pool.id)) > 0
    assert deployment.drain(pool, MORNING).status == "gone"
    deployment.publish(pool)
    assert client.ttl(KEYS.parked(pool.id)) == -1
    deployment.drain(pool, MORNING)
    assert owners(deployment, [lead]) == ["m0"]


def test_a_line_is_served_by_the_pool_of_now(deployment: Deployment) -> None:
    pool = published_pool(deployment, in_hours("m0"), when_nobody="park")
    deployment.post(pool, NIGHT)
    published_pool(deployment, in_hours("m0", "m1"), when_nobody="park")

    assert deployment.drain(pool, MORNING).status == "stale"
    deployment.store.client.delete(KEYS.pool(pool.id))
    assert deployment.drain(pool, MORNING).status == "lost"
    assert len(line(deployment, pool)) == 1


@pytest.mark.parametrize("what", ["erased", "assigned", "owned"])
def test_who_is_settled_otherwise_is_no_longer_in_line(deployment: Deployment, what: str) -> None:
    pool = published_pool(deployment, in_hours("m0", "m1"), when_nobody="park")
    first, second = (deployment.post(pool, NIGHT) for _ in range(2))
    if what == "erased":
        run(deployment.leads.records.erase(ORGANIZATION, "leads", first.lead_id))
    elif what == "assigned":
        other = make_pool(["m5"], file="pools/other.yaml")
        deployment.publish(pool, other)
        assert assign(deployment, other, first).assignment
    else:
        deployment.store.client.hset(KEYS.lead(first.lead_id), "owner", "someone")
        assert line(deployment, pool) == [first.lead_id, second.lead_id]
    if what != "owned":
        assert line(deployment, pool) == [second.lead_id]

    drained = deployment.drain(pool, MORNING)

    assert [lead for lead, _ in drained.served] == [second.lead_id]
    assert owners(deployment, [second]) == ["m0"]
    assert (
        not deployment.store.client.hexists(KEYS.lead(first.lead_id), "parked") or what == "owned"
    )


def assign(deployment: Deployment, pool: Pool, lead: Taken, now: int = NIGHT) -> Taken:
    """Assign a stored lead through a pool, as the API does on request."""
    organization = make_organization([pool])
    chosen = choose(organization, None, Origin("webhook"), "webhook", now)
    assert chosen
    return run(
        deployment.leads.assign(
            ORGANIZATION, lead.lead_id, chosen, source="system", operation=new_lead().id, at=now
        )
    )


def test_who_is_in_line_stays_there_once(deployment: Deployment) -> None:
    pool = published_pool(deployment, in_hours("m0"), when_nobody="park")
    first, second = (deployment.post(pool, NIGHT) for _ in range(2))

    again = [assign(deployment, pool, first), assign(deployment, pool, second, MORNING)]

    assert [t.reason for t in again] == ["parked", "parked"]
    assert line(deployment, pool) == [first.lead_id, second.lead_id]
    other = make_pool(in_hours("m5"), file="pools/other.yaml", when_nobody="park")
    deployment.publish(pool, other)
    assert assign(deployment, other, first).reason == "parked"
    assert (line(deployment, pool), line(deployment, other)) == (
        [second.lead_id],
        [first.lead_id],
    )


def test_a_line_has_an_end(deployment: Deployment) -> None:
    pool = published_pool(deployment, in_hours("m0"), when_nobody="park")
    deployment.store.client.zadd(KEYS.parked(pool.id), {f"{n:024x}": n for n in range(100_000)})

    assert deployment.post(pool, NIGHT).reason == "no_eligible_participant"


class Two:
    """A pool that falls back on another, as every daemon has them."""

    def __init__(
        self, deployment: Deployment, first: dict[str, Any], other: dict[str, Any]
    ) -> None:
        self.deployment = deployment
        self.first = make_pool(first.pop("people"), fallback_pool="overflow", **first)
        people = other.pop("people")
        self.other = make_pool(people, file="pools/overflow.yaml", connections=[], **other)
        deployment.publish(self.first, self.other)

    @property
    def organization(self) -> Organization:
        return make_organization([self.first, self.other])

    def post(self, now: int) -> Taken:
        """Post a lead as the intake does: the first pool is asked, then the other."""
        lead = new_lead(at=now)
        chosen = choose(self.organization, None, Origin("webhook"), "webhook", now)
        taken: Taken | None = None
        while chosen and (taken is None or taken.status == "none"):
            taken = run(self.deployment.leads.take(ORGANIZATION, lead, chosen))
            chosen = chosen.otherwise
        assert taken
        return taken


def test_the_fallback_is_asked_before_anybody_waits(deployment: Deployment) -> None:
    """And again for those who wait: whoever of both pools is back first serves the first."""
    early = {"hours": [{"from": "07:00", "to": "08:00"}], "time_zone": "America/New_York"}
    overflow = [{"member": "m5", "availability": early, "caps": [{"limit": 2, "per": "day"}]}]
    two = Two(deployment, parked(in_hours("m0")), {"people": overflow, "skip_policy": "hold_turn"})
    leads = [two.post(NIGHT) for _ in range(3)]
    assert [t.reason for t in leads] == ["parked"] * 3
    assert line(deployment, two.first) == [t.lead_id for t in leads]
    assert timers(deployment, two.first) == [("", at("2026-03-03T07:00"))]

    drained = deployment.drain(two.first, at("2026-03-03T07:00"), two.other)

    assert (drained.status, drained.left) == ("waiting", 1)
    assert owners(deployment, leads) == ["m5", "m5", None]
    assert [row["b"] for row in deployment.rows(two.other)] == [two.first.id] * 2
    assert timers(deployment, two.first)[-1] == ("", at("2026-03-03T08:00"))
    deployment.drain(two.first, MORNING, two.other)
    assert owners(deployment, leads) == ["m5", "m5", "m0"]
    assert "b" not in deployment.rows(two.first)[0]


def test_nobody_new_overtakes_by_way_of_the_fallback(deployment: Deployment) -> None:
    """R19: the fallback is back, and whoever waits for the first pool comes before new leads."""
    two = Two(deployment, parked(in_hours("m0")), {"people": [capped("m5", 1)]})
    day = at("2026-03-03T23:00")
    served, waits = two.post(day), two.post(day)

    late = two.post(at("2026-03-04T00:00"))

    assert owners(deployment, [served, waits, late]) == ["m5", None, None]
    assert line(deployment, two.first) == [waits.lead_id, late.lead_id]


def test_leads_of_another_pool_do_not_overtake_the_fallback_s_own(deployment: Deployment) -> None:
    early = {"hours": [{"from": "07:00", "to": "08:00"}], "time_zone": "America/New_York"}
    overflow = parked([{"member": "m5", "availability": early}])
    two = Two(deployment, parked(in_hours("m0")), overflow)
    own, seven = deployment.post(two.other, NIGHT), at("2026-03-03T07:00")

    guest = two.post(seven)

    assert line(deployment, two.first) == [guest.lead_id]
    assert deployment.drain(two.first, seven, two.other).status == "waiting"
    deployment.drain(two.other, seven)
    assert owners(deployment, [own, guest]) == ["m5", None]
    deployment.drain(two.first, seven, two.other)
    assert owners(deployment, [guest]) == ["m5"]


def test_where_only_the_fallback_parks_leads_wait_there(deployment: Deployment) -> None:
    off = [{"member": "m0", "is_active": False}]
    two = Two(deployment, {"people": off}, parked(in_hours("m5")))
    lead = two.post(NIGHT)
    assert (lead.reason, line(deployment, two.other)) == ("parked", [lead.lead_id])

    deployment.drain(two.other, MORNING)

    assert owners(deployment, [lead]) == ["m5"]
    assert deployment.rows(two.other)[0]["b"] == two.first.id


def test_a_person_s_owner_counts_for_those_who_wait_too(deployment: Deployment) -> None:
    marks = f"email={'e' * 32}"
    pool = published_pool(deployment, in_hours(*HANDLES[:3]), when_nobody="park", sticky={})
    noon = at("2026-03-02T12:00")
    assert deployment.serve(pool, 1, noon) == ["m0"]
    assert owners(deployment, [deployment.post(pool, noon, marks)]) == ["m1"]
    leads = [deployment.post(pool, NIGHT, m) for m in ("-", marks, "-", marks)]

    deployment.drain(pool, MORNING)

    assert owners(deployment, leads) == ["m2", "m1", "m0", "m1"]
