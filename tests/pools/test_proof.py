"""Whether a history is what the rules give: what was tampered with, lost or doubled is found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from orjson import dumps, loads

from owning import MINUTE, opened
from pointsman.model import Pool
from pointsman.pools.evidence import Proof
from pointsman.store.history import assignment_of
from pointsman.store.redis import RedisStore
from pooling import ORGANIZATION, choice, make_pool, new_lead
from proving import proven
from rotating import HANDLES, KEYS, Deployment, published_pool, run

Rows = list[dict[str, Any]]

NOON = 1_772_020_800_000
AWAY = {"out_of_office": [{"from": "2000-01-01", "to": "2999-12-31"}]}


def rewrite(deployment: Deployment, pool: Pool, change: Callable[[Rows], object]) -> None:
    """Put a changed history in the place of the one that was written."""
    rows = deployment.rows(pool)
    change(rows)
    client, key = deployment.store.client, KEYS.history(pool.id)
    client.delete(key)
    client.rpush(key, *(dumps(row) for row in rows))


def told(proof: Proof) -> list[str]:
    return [str(finding) for finding in proof.findings]


def swap(rows: Rows, first: int, second: int, *, numbers: bool = True) -> None:
    """Exchange two rows; without their numbers everything else of them alone."""
    rows[first], rows[second] = rows[second], rows[first]
    if not numbers:
        rows[first]["t"], rows[second]["t"] = rows[second]["t"], rows[first]["t"]


@pytest.fixture
def pool(deployment: Deployment) -> Pool:
    pool = published_pool(deployment, HANDLES[:4])
    deployment.serve(pool, 10)
    return pool


def test_an_honest_history_is_proven(deployment: Deployment, pool: Pool) -> None:
    proof = deployment.proof(pool)

    assert (proof.verdict, proof.checked, proof.findings) == ("proven", 10, [])
    assert (proof.first, proof.last, proof.unproven, proof.dropped) == (1, 10, 0, 0)


@pytest.mark.parametrize("place", [0, 4, 9])
def test_a_row_that_was_taken_out_is_missed(deployment: Deployment, pool: Pool, place: int) -> None:
    rewrite(deployment, pool, lambda rows: rows.pop(place))

    proof = deployment.proof(pool)

    assert proof.verdict == "refuted"
    assert any("missing" in line or "counters" in line for line in told(proof)), told(proof)


def test_a_row_that_was_put_in_twice_is_found(deployment: Deployment, pool: Pool) -> None:
    rewrite(deployment, pool, lambda rows: rows.insert(5, dict(rows[4])))

    assert "turn 5: stands where 6 must be: doubled or out of order" in told(deployment.proof(pool))


def test_rows_that_were_swapped_are_found(deployment: Deployment, pool: Pool) -> None:
    rewrite(deployment, pool, lambda rows: swap(rows, 3, 4))
    assert "turn 4: stands where 6 must be: doubled or out of order" in told(deployment.proof(pool))


def test_turns_that_were_swapped_are_found(deployment: Deployment, pool: Pool) -> None:
    """Also with their numbers put right."""
    rewrite(deployment, pool, lambda rows: swap(rows, 3, 4, numbers=False))

    m0, m3 = pool.participants[0].member.id, pool.participants[3].member.id
    assert told(deployment.proof(pool))[:2] == [
        f"turn 4: went to {m0}; by the rules it was that of {m3}",
        f"turn 5: went to {m3}; by the rules it was that of {pool.participants[1].member.id}",
    ]


def test_a_member_that_was_changed_is_found(deployment: Deployment, pool: Pool) -> None:
    """By the order of turns, and by the counters."""
    one, two = (person.member.id for person in pool.participants[1:3])

    def change(rows: Rows) -> None:
        rows[5] |= {"m": two, "o": 3}

    rewrite(deployment, pool, change)

    findings = told(deployment.proof(pool))
    assert findings[0] == f"turn 6: went to {two}; by the rules it was that of {one}"
    assert f"{two} has 3 rows, the counter tells of 2" in findings


def test_someone_passed_over_without_a_word_is_found(deployment: Deployment) -> None:
    people: list[Any] = ["m0", {"member": "m1", "is_active": False}, "m2"]
    pool = published_pool(deployment, people)
    deployment.serve(pool, 4)
    assert deployment.proof(pool).verdict == "proven"

    rewrite(deployment, pool, lambda rows: rows[1].pop("k"))

    (line,) = told(deployment.proof(pool))
    assert line.startswith("turn 2: passed over ")
    assert line.endswith("but the history tells of nobody")


def test_an_excuse_that_was_made_up_is_found(deployment: Deployment, pool: Pool) -> None:
    """Someone who was not passed over, or who is told inactive and is not."""
    one = pool.participants[1].id

    def change(rows: Rows) -> None:
        rows[4]["k"] = [[one, "inactive"]]

    rewrite(deployment, pool, change)

    assert deployment.proof(pool).verdict == "refuted"


def test_a_pointer_that_was_moved_past_the_commands_is_found(
    deployment: Deployment, pool: Pool
) -> None:
    deployment.store.client.hset(KEYS.pool(pool.id), "position", 0)

    m0, m2 = pool.participants[0].member.id, pool.participants[2].member.id
    assert told(deployment.proof(pool)) == [
        f"turn 11: is {m0}'s by the pointer, by the rules it is {m2}'s"
    ]


def test_the_commands_move_it_and_are_in_the_proof(deployment: Deployment, pool: Pool) -> None:
    """With who did it."""
    third = pool.participants[2].id
    assert run(deployment.pools.point(ORGANIZATION, pool.id, third, by="ada@desk"))
    assert deployment.serve(pool, 2) == ["m2", "m3"]
    assert run(deployment.pools.point_to_first(ORGANIZATION, pool.id, by="ada@desk"))
    assert deployment.serve(pool, 2) == ["m0", "m1"]

    proof = deployment.proof(pool)

    assert (proof.verdict, proof.findings, proof.checked) == ("proven", [], 14)
    moves = [loads(move) for move in deployment.store.client.lrange(KEYS.moves(pool.id), 0, -1)]
    assert [(move["e"], move["t"], move.get("by")) for move in moves] == [
        ("created", 1, None),
        ("point", 11, "ada@desk"),
        ("first", 13, "ada@desk"),
    ]


def test_a_reset_that_no_rule_gives_is_found(deployment: Deployment, pool: Pool) -> None:
    published_pool(deployment, HANDLES[:5])
    client, key = deployment.store.client, KEYS.moves(pool.id)
    move = loads(client.lindex(key, -1)) | {"e": "reset", "p": 0}
    client.lset(key, -1, dumps(move))

    assert told(deployment.proof(pool))[0] == (
        "turn 11: the pointer was reset before it, against on_change"
    )


def test_many_passed_over_are_proven_by_name_and_by_number(deployment: Deployment) -> None:
    """Ten are named, the others counted by reason; held turns and those waiting likewise."""
    people: list[Any] = [
        {"member": f"p{n}", "availability": AWAY}
        if n % 2
        else {"member": f"p{n}", "is_active": False}
        for n in range(40)
    ]
    pool = published_pool(deployment, [*people, "m0", "m1"], skip_policy="hold_turn")
    for _ in range(3):
        deployment.store.client.hset(KEYS.pool(pool.id), "position", 0)
        run(deployment.pools.point_to_first(ORGANIZATION, pool.id))
        deployment.post(pool, NOON)

    deployment.post(pool, NOON)

    proof = deployment.proof(pool)
    assert (proof.verdict, proof.findings) == ("proven", [])
    last = deployment.rows(pool)[-1]
    assert last["j"] == "1i2o3i4o5i6o7i8o9i10o+30"
    metadata = loads(assignment_of(pool.id, dumps(last)).metadata)
    assert metadata["waiting"][1] == {"turnOrder": 2, "reason": "out_of_office"}
    assert metadata["waitingMore"] == 30
    rewrite(deployment, pool, lambda rows: rows[-1].update({"j": "1i2o"}))
    assert "are told to have been away" in told(deployment.proof(pool))[0]


def test_what_is_older_than_the_records_is_told_not_claimed(
    deployment: Deployment, pool: Pool
) -> None:
    """A history from before lists of people were kept: from its next publication on it is."""
    client = deployment.store.client
    client.delete(KEYS.moves(pool.id), KEYS.people(pool.id))
    client.hdel(KEYS.pool(pool.id), "people")
    before = deployment.proof(pool)
    deployment.publish(pool)
    deployment.serve(pool, 5)

    after = deployment.proof(pool)

    assert (before.verdict, before.checked, before.unproven) == ("partly", 0, 10)
    assert (after.verdict, after.checked, after.unproven) == ("partly", 5, 10)


def test_a_history_that_lost_its_beginning_is_proven_from_the_next_mark_on(
    deployment: Deployment,
) -> None:
    """The pointer's state is noted every 10,000 turns, so that old rows may go."""
    pool = published_pool(deployment, HANDLES[:3])
    client = deployment.store.client
    client.hset(KEYS.pool(pool.id), "turn", 9_990)
    client.delete(KEYS.moves(pool.id))
    client.hdel(KEYS.pool(pool.id), "people")
    deployment.publish(pool)
    limited = deployment.limited(25)

    for _ in range(30):
        run(limited.take(ORGANIZATION, new_lead(), choice(pool)))
    proof = deployment.proof(pool)

    marks = [loads(move)["t"] for move in client.lrange(KEYS.moves(pool.id), 0, -1)]
    assert marks == [9_990, 10_001]
    assert (proof.dropped, proof.first, proof.last) == (6, 9_996, 10_019)
    assert (proof.verdict, proof.unproven, proof.checked) == ("partly", 5, 19)


def test_numbers_that_begin_anew_are_no_gap(deployment: Deployment) -> None:
    """R23."""
    pool = published_pool(deployment, HANDLES[:3])
    client = deployment.store.client
    client.hset(KEYS.pool(pool.id), "turn", 2**63 - 3)
    client.delete(KEYS.moves(pool.id))
    client.hdel(KEYS.pool(pool.id), "people")
    deployment.publish(pool)
    deployment.serve(pool, 5)
    published_pool(deployment, HANDLES[1:4])
    deployment.serve(pool=make_pool(HANDLES[1:4]), number=4)

    proof = deployment.proof(pool)

    assert (proof.verdict, proof.findings, proof.checked) == ("proven", [], 9)


async def test_everything_that_can_happen_to_a_lead_is_proven(store: RedisStore) -> None:
    """By hand, passed on, not accepted, taken away, credited: each as its row tells."""
    pool = make_pool(
        HANDLES[:4],
        accept={"within": "10m", "hops": 2, "then": "unassign"},
        skip_policy="hold_turn",
        sticky={"takes_turn": True},
    )
    office = await opened(store, pool)
    leads = [await office.lead(email=f"p{n % 3}@example.com") for n in range(6)]
    await office.credit(leads[0])
    await office.pass_on(leads[1], credit=True)
    await office.hand(leads[2], "m3", "reassign", pool_id=pool.id, credit=True)
    for timer in await office.timers():
        office.now = max(office.now, timer.due)
        await office.ring(timer, office.now + MINUTE)
    await office.credit(leads[3])
    await office.serve(6)

    proof = await proven(store, ORGANIZATION, pool.id)

    assert (proof.verdict, told(proof)) == ("proven", [])
    assert proof.checked > 14
