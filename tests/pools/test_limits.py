"""Hours, absences and caps against the real scripts: who is passed over, and what they keep."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from orjson import loads

from pointsman.pools.compile import published
from pointsman.pools.explain import explain_turn
from pooling import ORGANIZATION, choice, make_pool, member, new_lead
from rotating import HANDLES, KEYS, Deployment, published_pool, run

DAY = 86_400_000
NEW_YORK = "America/New_York"
OFFICE = {
    "time_zone": NEW_YORK,
    "hours": [
        {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "09:00", "to": "12:00"},
        {"from": "13:00", "to": "17:00"},
    ],
}
FORTNIGHT = {"out_of_office": [{"from": "2026-03-02", "to": "2026-03-15"}]}


def at(text: str, zone: str = NEW_YORK) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def capped(handle: str, limit: int, per: str = "day", zone: str = NEW_YORK) -> dict[str, Any]:
    return {"member": handle, "caps": [{"limit": limit, "per": per, "time_zone": zone}]}


def skipped(deployment: Deployment, pool_id: str) -> list[tuple[str, str]]:
    """Return whom the newest assignment passed over, and why."""
    (row,) = deployment.store.client.lrange(KEYS.history(pool_id), -1, -1)
    return [(one, reason) for one, reason in loads(row).get("k", ())]


@pytest.mark.parametrize("day", ["2026-01-15", "2026-07-15", "2026-03-08", "2026-11-01"])
def test_hours_are_kept_to_the_minute(deployment: Deployment, day: str) -> None:
    """C2, C3: by the clock on the wall, in winter, in summer, and where it is turned."""
    pool = published_pool(deployment, [{"member": "m0", "availability": OFFICE}, "m1"])
    ada = pool.participants[0].id

    for clock, there in (
        *(("08:59", False), ("09:00", True), ("11:59", True), ("12:00", False)),
        *(("12:59", False), ("13:00", True), ("16:59", True), ("17:00", False)),
    ):
        served = deployment.serve(pool, 2, at(f"{day}T{clock}"))
        assert sorted(served) == (["m0", "m1"] if there else ["m1", "m1"]), clock
        if not there:
            assert (ada, "out_of_hours") in skipped(deployment, pool.id)


def test_who_is_away_loses_the_turn_and_nothing_echoes(deployment: Deployment) -> None:
    """R12, R13: a fortnight off, then as if nothing had been."""
    pool = published_pool(deployment, ["m0", {"member": "m1", "availability": FORTNIGHT}, "m2"])

    assert deployment.serve(pool, 3, at("2026-03-01T12:00")) == ["m0", "m1", "m2"]
    assert deployment.serve(pool, 40, at("2026-03-09T12:00")) == ["m0", "m2"] * 20
    assert skipped(deployment, pool.id) == [(pool.participants[1].id, "out_of_office")]

    assert deployment.serve(pool, 6, at("2026-03-16T00:00")) == ["m0", "m1", "m2"] * 2
    assert deployment.serve(pool, 3, at("2026-04-14T12:00")) == ["m0", "m1", "m2"]


def test_a_held_turn_comes_first_and_only_once(deployment: Deployment) -> None:
    """R12, R13: however many turns were missed, the burst is one; afterwards nothing echoes."""
    people = ["m0", {"member": "m1", "availability": FORTNIGHT}, "m2"]
    pool = published_pool(deployment, people, skip_policy="hold_turn")

    assert deployment.serve(pool, 41, at("2026-03-09T12:00")) == [*["m0", "m2"] * 20, "m0"]

    served = deployment.serve(pool, 9, at("2026-03-16T00:00"))
    assert served == ["m1", "m1", "m2", *["m0", "m1", "m2"] * 2]
    assert deployment.serve(pool, 3, at("2026-04-14T12:00")) == ["m0", "m1", "m2"]
    rows = [loads(r) for r in deployment.store.client.lrange(KEYS.history(pool.id), 0, -1)]
    assert [row["t"] for row in rows if "h" in row] == [42]


def test_held_turns_are_served_in_the_order_in_which_they_were_missed(
    deployment: Deployment,
) -> None:
    away = [{"member": handle, "availability": FORTNIGHT} for handle in ("m1", "m2")]
    pool = published_pool(deployment, ["m0", *away, "m3"], skip_policy="hold_turn")
    deployment.serve(pool, 5, at("2026-03-09T12:00"))
    assert deployment.serve(pool, 3, at("2026-03-16T12:00")) == ["m1", "m2", "m1"]
    assert deployment.serve(pool, 5, at("2026-03-09T12:00")) == ["m3", "m0", "m3", "m0", "m3"]

    turned = published_pool(deployment, ["m3", *away[::-1], "m0"], skip_policy="hold_turn")

    assert deployment.serve(turned, 4, at("2026-03-16T12:00")) == ["m2", "m1", "m0", "m3"]


@pytest.mark.parametrize(
    ("people", "document"),
    [
        (["m0", "m2"], {"skip_policy": "hold_turn"}),
        (["m0", {"member": "m1", "weight": 0}, "m2"], {"skip_policy": "hold_turn"}),
        (["m0", "m1", "m2"], {"skip_policy": "lose_turn"}),
        (["m2", "m1", "m0"], {"skip_policy": "hold_turn", "on_change": "reset"}),
    ],
)
def test_held_turns_end_with_what_they_hung_on(
    deployment: Deployment, people: list[Any], document: dict[str, Any]
) -> None:
    """Removed, without a weight, without the policy, reset."""
    away = ["m0", {"member": "m1", "availability": FORTNIGHT}, "m2"]
    deployment.serve(published_pool(deployment, away, **document), 3, at("2026-03-09T12:00"))
    assert document["skip_policy"] == "lose_turn" or deployment.store.client.exists(
        KEYS.held(published_pool(deployment, away, **document).id)
    )

    pool = published_pool(deployment, people, **document)

    assert not deployment.store.client.exists(KEYS.held(pool.id))


def test_who_has_no_weight_holds_no_turn(deployment: Deployment) -> None:
    people: list[Any] = ["m0", {"member": "m1", "weight": 0}, "m2"]
    pool = published_pool(deployment, people, skip_policy="hold_turn")

    assert deployment.serve(pool, 4) == ["m0", "m2", "m0", "m2"]

    assert not deployment.store.client.exists(KEYS.held(pool.id))


def test_whoever_is_made_next_is_next_whatever_is_held(deployment: Deployment) -> None:
    people = ["m0", {"member": "m1", "availability": FORTNIGHT}, "m2"]
    pool = published_pool(deployment, people, skip_policy="hold_turn")
    deployment.serve(pool, 2, at("2026-03-09T12:00"))

    assert run(deployment.pools.point(ORGANIZATION, pool.id, pool.participants[2].id))

    assert deployment.serve(pool, 2, at("2026-03-16T12:00")) == ["m2", "m0"]


def test_a_held_turn_is_not_where_a_lost_pointer_goes_on(deployment: Deployment) -> None:
    """R8."""
    people = ["m0", {"member": "m1", "availability": FORTNIGHT}, "m2", "m3"]
    pool = published_pool(deployment, people, skip_policy="hold_turn")
    deployment.serve(pool, 2, at("2026-03-09T12:00"))
    assert deployment.serve(pool, 1, at("2026-03-16T12:00")) == ["m1"]
    deployment.store.client.delete(KEYS.pool(pool.id))

    run(deployment.pools.restore(ORGANIZATION, published(pool)))

    assert deployment.serve(pool, 2, at("2026-03-16T12:00")) == ["m3", "m0"]


def test_a_cap_ends_someones_turns_for_the_day(deployment: Deployment) -> None:
    pool = published_pool(deployment, [capped("m0", 2), "m1"])

    served = deployment.serve(pool, 8, at("2026-03-02T12:00"))

    assert served == ["m0", "m1", "m0", "m1", "m1", "m1", "m1", "m1"]
    assert skipped(deployment, pool.id) == [(pool.participants[0].id, "at_cap")]
    assert deployment.serve(pool, 4, at("2026-03-02T23:59")) == ["m1"] * 4
    assert deployment.serve(pool, 3, at("2026-03-03T00:00")) == ["m0", "m1", "m0"]
    assert 0 < deployment.store.client.ttl(KEYS.caps(pool.id)) <= 62 * 86_400


@pytest.mark.parametrize("day", ["2026-03-08", "2026-11-01"])
def test_a_day_of_23_or_25_hours_is_one_day_of_a_cap(deployment: Deployment, day: str) -> None:
    """C4: it resets once, at midnight of the zone."""
    pool = published_pool(deployment, [capped("m0", 3), "m1"])
    first = at(f"{day}T00:00")

    served = [
        deployment.serve(pool, 2, instant)
        for instant in range(first, first + DAY + DAY // 8, DAY // 48)
    ]

    counts = [pair.count("m0") for pair in served]
    length = {"2026-03-08": 46, "2026-11-01": 50}[day]
    assert sum(counts[:length]) == 3
    assert sum(counts[length:]) == 3


def test_a_quota_holds_however_often_leads_come(deployment: Deployment) -> None:
    """R14: a hundred runs on one day."""
    pool = published_pool(deployment, [capped("m0", 7), capped("m1", 5)])
    first = at("2026-03-02T00:00")

    served = [h for n in range(100) for h in deployment.serve(pool, 1, first + n * DAY // 101)]

    assert Counter(served) == {"m0": 7, "m1": 5, "-": 88}


def test_small_caps_of_long_windows_are_not_rounded(deployment: Deployment) -> None:
    """R16: 14 a month are 14, all on the first day if they come then; 1 is 1."""
    pool = published_pool(deployment, [capped("m0", 14, "month"), capped("m1", 1, "month")])

    assert Counter(deployment.serve(pool, 20, at("2026-03-01T00:00"))) == {
        "m0": 14,
        "m1": 1,
        "-": 5,
    }
    assert deployment.serve(pool, 1, at("2026-03-31T23:59")) == ["-"]
    assert deployment.serve(pool, 2, at("2026-04-01T00:00")) != ["-", "-"]


def test_everyone_at_a_cap_is_an_answer_and_takes_no_turn(deployment: Deployment) -> None:
    """R15."""
    pool = published_pool(deployment, [capped("m0", 1), capped("m1", 1)])

    assert deployment.serve(pool, 4, at("2026-03-02T12:00")) == ["m0", "m1", "-", "-"]

    state = run(deployment.pools.state(ORGANIZATION, pool, at("2026-03-02T12:00")))
    assert (state.next, state.turn) == (None, 3)
    assert [reason for _, reason in state.passed_over] == ["at_cap", "at_cap"]


def test_several_caps_count_at_once_each_in_its_zone(deployment: Deployment) -> None:
    both = {
        "member": "m0",
        "caps": [
            {"limit": 2, "per": "day", "time_zone": "Asia/Tokyo"},
            {"limit": 3, "per": "day", "time_zone": NEW_YORK},
        ],
    }
    pool = published_pool(deployment, [both])

    assert deployment.serve(pool, 3, at("2026-03-02T08:00")) == ["m0", "m0", "-"]
    assert deployment.serve(pool, 3, at("2026-03-02T12:00")) == ["m0", "-", "-"]
    assert deployment.serve(pool, 3, at("2026-03-03T00:00")) == ["m0", "-", "-"]


def test_a_changed_limit_keeps_what_is_used(deployment: Deployment) -> None:
    """Nor does it move the pointer, also where changes of the people reset it."""
    noon = at("2026-03-02T12:00")
    deployment.serve(
        published_pool(deployment, [capped("m0", 2), "m1"], on_change="reset"), 3, noon
    )

    pool = published_pool(deployment, [capped("m0", 3), "m1"], on_change="reset")

    assert deployment.serve(pool, 4, noon) == ["m1", "m0", "m1", "m1"]


def test_a_slow_clock_does_not_open_a_window_again(deployment: Deployment) -> None:
    """Two daemons differ by seconds over midnight: what one has begun the other goes on with."""
    pool = published_pool(deployment, [capped("m0", 2)])
    midnight = at("2026-03-03T00:00")

    assert deployment.serve(pool, 1, midnight) == ["m0"]
    assert deployment.serve(pool, 3, midnight - 1) == ["m0", "-", "-"]
    assert deployment.serve(pool, 1, midnight) == ["-"]


def test_a_person_who_returns_from_a_cap_has_one_turn_held(deployment: Deployment) -> None:
    """R19: no flood when the window begins anew."""
    pool = published_pool(deployment, [capped("m0", 2), "m1", "m2"], skip_policy="hold_turn")
    deployment.serve(pool, 40, at("2026-03-02T12:00"))

    served = deployment.serve(pool, 6, at("2026-03-03T12:00"))

    assert served[0] == "m0"
    assert Counter(served) == {"m0": 2, "m1": 2, "m2": 2}


def test_a_turn_costs_the_history_at_most_200_bytes(deployment: Deployment) -> None:
    """Where nobody was passed over, with everything on, at the millionth turn of a large pool."""
    people = [capped(f"p{n}", 1000) | {"availability": OFFICE, "weight": 9} for n in range(1000)]
    people[999]["weight"] = 18
    pool = published_pool(deployment, people, skip_policy="hold_turn")
    client = deployment.store.client
    client.hset(KEYS.pool(pool.id), mapping={"position": 1000, "turn": 1_000_000})
    why = f'"f":"meta_campaign","c":"{pool.connections[0].id}"'
    chosen = choice(pool, at("2026-03-02T11:00"))._replace(why=why)
    lead = new_lead(at=at("2026-03-02T11:00"), source="meta")

    taken = run(deployment.leads.take(ORGANIZATION, lead, chosen))

    assert taken.assignment
    (row,) = client.lrange(KEYS.history(pool.id), 0, -1)
    assert len(row) <= 200


def test_explaining_tells_who_is_kept_and_why(deployment: Deployment) -> None:
    noon = at("2026-03-09T12:00")
    away = {"member": "m0", "availability": FORTNIGHT}
    pool = published_pool(deployment, [away, capped("m1", 1), "m2"])
    deployment.serve(pool, 1, noon)

    told = explain_turn(run(deployment.pools.state(ORGANIZATION, pool, noon)))
    assert told == ["3. M2 is next"]
    deployment.serve(pool, 1, noon)

    assert explain_turn(run(deployment.pools.state(ORGANIZATION, pool, noon))) == [
        "1. M0 would be passed over: out of office",
        "2. M1 would be passed over: a cap is used up",
        "3. M2 is next",
    ]


def test_a_pool_without_limits_passes_none(deployment: Deployment) -> None:
    plain, weighted = make_pool(HANDLES[:3]), make_pool([{"member": "m0", "weight": 3}])

    assert plain.limits is None
    assert weighted.limits is None
    assert not deployment.store.client.keys("*:caps")


def test_hours_of_a_place_replace_those_of_the_member_and_absences_add_up(
    deployment: Deployment,
) -> None:
    nights = {"time_zone": NEW_YORK, "hours": [{"from": "22:00", "to": "06:00"}]}
    pool = make_pool(
        [{"member": "m0", "availability": nights}, "m1"],
        availability={"m0": FORTNIGHT | {"time_zone": NEW_YORK}},
    )
    deployment.publish(pool)

    assert deployment.serve(pool, 2, at("2026-03-01T23:00")) == ["m0", "m1"]
    assert deployment.serve(pool, 1, at("2026-03-01T12:00")) == ["m1"]
    assert deployment.serve(pool, 1, at("2026-03-09T23:00")) == ["m1"]
    assert skipped(deployment, pool.id) == [(pool.participants[0].id, "out_of_office")]


def test_the_revision_tells_what_limits_say() -> None:
    pools = [
        make_pool(["m0"]),
        make_pool(["m0"], skip_policy="hold_turn"),
        make_pool([{"member": "m0", "availability": OFFICE}]),
        make_pool([{"member": "m0", "availability": FORTNIGHT}]),
        make_pool(["m0"], availability={"m0": OFFICE | {"time_zone": "UTC"}}),
        make_pool([capped("m0", 1)]),
        make_pool([capped("m0", 2)]),
        make_pool([capped("m0", 1, zone="UTC")]),
    ]

    assert len({pool.revision for pool in pools}) == len(pools)
    assert make_pool([capped("m0", 1)]).revision == pools[5].revision
    assert member("m0").availability is None
