"""Whoever had a person's last lead gets the next one: what that does to turns, caps and memory."""

from __future__ import annotations

from typing import Any

import pytest

from pointsman.flows.terms import marks_of
from pointsman.ids import keyed
from pointsman.model import Pool
from pointsman.pools.compile import published
from pointsman.pools.explain import explain_turn
from pointsman.store.leads import Taken
from pooling import ORGANIZATION, make_organization, make_pool
from rotating import HANDLE_OF, HANDLES, KEYS, Deployment, published_pool, run

DAY = 86_400_000
NOON = 1_772_000_000_000
DANA = f"email={'d' * 32},phone={'1' * 32}"
ELI = f"email={'e' * 32}"
AWAY = {"out_of_office": [{"from": "2026-02-25", "to": "2026-02-26"}]}


def who(taken: Taken) -> str | None:
    return taken.assignment and HANDLE_OF[taken.assignment.member_id]


def served(deployment: Deployment, pool: Pool, marks: str, at: int = NOON) -> str | None:
    return who(deployment.post(pool, at, marks))


def test_a_person_who_comes_again_goes_to_the_same_owner(deployment: Deployment) -> None:
    """Out of turn: whoever is next stays next, and the history says why."""
    pool = published_pool(deployment, HANDLES[:3], sticky={})

    came = [served(deployment, pool, marks) for marks in (DANA, ELI, DANA, DANA, "-", "-")]

    assert came == ["m0", "m1", "m0", "m0", "m2", "m0"]
    told = [None, None, "email", "email", None, None]
    assert [row.get("y") for row in deployment.rows(pool)] == told


@pytest.mark.parametrize(
    ("by", "again", "expected"),
    [
        (["email", "phone"], f"email={'9' * 32},phone={'1' * 32}", "m0"),
        (["phone"], f"phone={'1' * 32},phone={'2' * 32}", "m0"),
        (["phone"], f"phone={'2' * 32},phone={'1' * 32}", "m0"),
        (["email"], f"email={'9' * 32},phone={'1' * 32}", "m1"),
    ],
)
def test_a_person_is_known_by_what_the_pool_says(
    deployment: Deployment, by: list[str], again: str, expected: str
) -> None:
    pool = published_pool(deployment, HANDLES[:2], sticky={"by": by})
    served(deployment, pool, DANA)

    assert served(deployment, pool, again) == expected


def test_of_two_owners_the_kind_named_first_counts(deployment: Deployment) -> None:
    both = f"email={'e' * 32},phone={'1' * 32}"
    pool = published_pool(deployment, HANDLES[:3], sticky={"by": ["phone", "email"]})
    assert [served(deployment, pool, m) for m in (ELI, f"phone={'1' * 32}")] == ["m0", "m1"]

    assert served(deployment, pool, both) == "m1"

    assert deployment.rows(pool)[-1]["y"] == "phone"


def test_an_owner_is_remembered_for_the_window_after_the_last_lead(deployment: Deployment) -> None:
    pool = published_pool(deployment, HANDLES[:2], sticky={"within": "2h"})
    served(deployment, pool, ELI)
    key = KEYS.owner(pool.id, "e" * 32)
    client = deployment.store.client
    client.pexpire(key, 1000)

    served(deployment, pool, ELI)

    assert 7_190_000 < client.pttl(key) <= 7_200_000
    client.delete(key)
    assert served(deployment, pool, ELI) == "m1"


@pytest.mark.parametrize(
    ("owner", "reason"),
    [
        ({"is_active": False}, "inactive"),
        ({"weight": 0}, "weight_zero"),
        ({"availability": AWAY}, "out_of_office"),
        ({"caps": [{"limit": 1, "per": "day"}]}, "at_cap"),
        (None, "not_in_pool"),
    ],
)
def test_an_owner_who_cannot_be_served_is_followed_by_whoever_is_next(
    deployment: Deployment, owner: dict[str, Any] | None, reason: str
) -> None:
    """And the history says why; from then on the lead's new owner counts."""
    capped = owner if reason == "at_cap" and owner else {}
    pool = published_pool(deployment, [{"member": "m0", **capped}, "m1", "m2"], sticky={})
    assert served(deployment, pool, DANA) == "m0"

    first = [] if owner is None else [{"member": "m0", **owner}]
    changed = published_pool(deployment, [*first, "m1", "m2"], sticky={})

    assert [served(deployment, changed, DANA) for _ in range(2)] == ["m1", "m1"]
    rows = deployment.rows(changed)
    assert rows[1]["x"] == ["email", pool.participants[0].member.id, reason]
    assert (rows[2]["y"], "x" in rows[2]) == ("email", False)


def test_an_owner_is_found_wherever_a_change_of_the_list_puts_them(deployment: Deployment) -> None:
    served(deployment, published_pool(deployment, HANDLES[:4], sticky={}), DANA)

    turned = published_pool(deployment, ["m5", "m6", *HANDLES[3::-1]], sticky={})

    assert [served(deployment, turned, DANA) for _ in range(2)] == ["m0", "m0"]


def test_a_lead_of_their_own_counts_for_the_owner_s_cap(deployment: Deployment) -> None:
    people = [{"member": "m0", "caps": [{"limit": 2, "per": "day"}]}, "m1"]
    pool = published_pool(deployment, people, sticky={})

    assert [served(deployment, pool, ELI) for _ in range(3)] == ["m0", "m0", "m1"]
    assert [served(deployment, pool, "-") for _ in range(2)] == ["m1", "m1"]


def test_a_turn_taken_ahead_is_paid_with_the_next_one(deployment: Deployment) -> None:
    pool = published_pool(deployment, HANDLES[:3], sticky={"takes_turn": True})
    assert [served(deployment, pool, m) for m in (ELI, ELI, ELI)] == ["m0"] * 3

    came = deployment.serve(pool, 9, NOON)

    assert came == ["m1", "m2", "m1", "m2", "m1", "m2", "m0", "m1", "m2"]
    paid = [[pool.participants[0].id, "turn_taken"]]
    told = [row.get("k") for row in deployment.rows(pool)[3:]]
    assert told == [None, None, paid, None, paid, None, None, None, None]
    assert not deployment.store.client.exists(KEYS.owed(pool.id))


def test_where_everyone_took_turns_ahead_somebody_is_served(deployment: Deployment) -> None:
    """Each pays one in turn, and whoever is through first is next."""
    pool = published_pool(deployment, HANDLES[:2], sticky={"takes_turn": True})
    assert [served(deployment, pool, m) for m in (ELI, DANA)] == ["m0", "m1"]
    assert [served(deployment, pool, m) for m in (ELI, ELI, DANA)] == ["m0", "m0", "m1"]

    assert deployment.serve(pool, 4, NOON) == ["m1", "m0", "m1", "m0"]


def test_no_more_than_ten_turns_are_taken_ahead(deployment: Deployment) -> None:
    pool = published_pool(deployment, HANDLES[:2], sticky={"takes_turn": True})
    for _ in range(30):
        served(deployment, pool, ELI)

    assert deployment.serve(pool, 12, NOON) == ["m1"] * 11 + ["m0"]


def test_a_turn_that_is_held_is_the_one_that_is_taken_ahead(deployment: Deployment) -> None:
    away = {"member": "m0", "availability": AWAY}
    people = [away, "m1", "m2"]
    document = {"sticky": {"takes_turn": True}, "skip_policy": "hold_turn"}
    pool = published_pool(deployment, people, **document)
    assert served(deployment, pool, ELI, NOON - 3 * DAY) == "m0"
    assert deployment.serve(pool, 3, 1_772_107_200_000) == ["m1", "m2", "m1"]

    assert served(deployment, pool, ELI, NOON + 3 * DAY) == "m0"

    assert deployment.serve(pool, 3, NOON + 3 * DAY) == ["m2", "m0", "m1"]


def test_what_was_taken_ahead_ends_with_what_it_hung_on(deployment: Deployment) -> None:
    def pool(**document: Any) -> Pool:
        return published_pool(deployment, HANDLES[:3], **document)

    first = pool(sticky={"takes_turn": True})
    changes: tuple[dict[str, Any], ...] = ({"sticky": {}}, {})
    for change in changes:
        pool(sticky={"takes_turn": True})
        served(deployment, first, ELI)
        served(deployment, first, ELI)
        assert deployment.store.client.exists(KEYS.owed(first.id))
        pool(**change)
        assert not deployment.store.client.exists(KEYS.owed(first.id))
    pool(sticky={"takes_turn": True})
    served(deployment, first, ELI)
    owing = first.participants[0].id
    assert deployment.store.client.hkeys(KEYS.owed(first.id)) == [owing.encode()]

    assert run(deployment.pools.point(ORGANIZATION, first.id, owing))

    assert deployment.serve(first, 1, NOON) == ["m0"]


def test_a_lead_of_their_own_is_not_where_a_lost_pointer_goes_on(deployment: Deployment) -> None:
    """R8."""
    pool = published_pool(deployment, HANDLES[:4], sticky={})
    assert [served(deployment, pool, m) for m in (ELI, "-", ELI)] == ["m0", "m1", "m0"]
    deployment.store.client.delete(KEYS.pool(pool.id))

    assert run(deployment.pools.restore(ORGANIZATION, published(pool))) == "restored"

    assert deployment.serve(pool, 2, NOON) == ["m2", "m3"]


def test_an_erased_lead_leaves_no_owner_that_no_other_lead_needs(deployment: Deployment) -> None:
    pool = published_pool(deployment, HANDLES[:3], sticky={})
    first, second = (deployment.post(pool, NOON, DANA) for _ in range(2))
    client = deployment.store.client
    keys = [KEYS.owner(pool.id, mark) for mark in ("d" * 32, "1" * 32)]
    assert client.exists(*keys) == 2

    assert run(deployment.leads.records.erase(ORGANIZATION, "leads", first.lead_id))

    assert client.exists(*keys) == 2
    assert all(0 < client.pttl(key) <= 30 * DAY for key in keys)
    assert run(deployment.leads.records.erase(ORGANIZATION, "leads", second.lead_id))
    assert client.exists(*keys) == 0
    assert served(deployment, pool, DANA) == "m1"


def test_erasing_an_old_lead_forgets_nothing_that_began_after_it(deployment: Deployment) -> None:
    pool = published_pool(deployment, HANDLES[:3], sticky={})
    old = deployment.post(pool, NOON, ELI)
    deployment.store.client.delete(KEYS.owner(pool.id, "e" * 32))
    assert served(deployment, pool, ELI) == "m1"

    run(deployment.leads.records.erase(ORGANIZATION, "leads", old.lead_id))

    assert served(deployment, pool, ELI) == "m1"


def test_what_is_stored_of_a_person_is_keyed_hashes(deployment: Deployment) -> None:
    """Without the organization's secret nobody can try addresses against them."""
    pool = published_pool(deployment, HANDLES[:3], sticky={})
    organization = make_organization([pool])
    body = {"email": "Dana <DANA@Example.com>", "phone_1": "(512) 789-1111", "phone_2": "n/a"}
    same = {"email": "dana@example.com", "phone_3": "512.789.1111", "phone_1": "512***1111"}
    told = [organization.fields.take(data) for data in (body, same)]

    first, second = (marks_of(organization, [pool], data) for data in told)

    assert first == second
    assert first == ",".join(
        f"{kind}={keyed(organization.secret, kind, value)}"
        for kind, value in (("email", "dana@example.com"), ("phone", "5127891111"))
    )
    assert marks_of(organization, [make_pool(["m0"])], told[0]) == "-"
    assert marks_of(organization, [pool], {"email": "nobody", "phone_1": 7}) == "-"


def test_explaining_tells_of_the_owner(deployment: Deployment) -> None:
    people = [{"member": "m0", "caps": [{"limit": 2, "per": "day"}]}, "m1"]
    pool = published_pool(deployment, people, sticky={})
    served(deployment, pool, DANA)

    def told() -> list[str]:
        return explain_turn(run(deployment.pools.state(ORGANIZATION, pool, NOON, marks=DANA)))

    assert told() == ["1. M0 had the last lead with this email"]
    served(deployment, pool, DANA)
    assert told() == [
        "whoever had the last lead with this email cannot take it: a cap is used up",
        "2. M1 is next",
    ]
