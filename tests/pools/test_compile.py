from __future__ import annotations

from typing import Any

import pytest

from pointsman.model import Pool, Sticky
from pointsman.pools.compile import compile_pool, published
from pointsman.pools.sticky import compile_sticky
from pooling import make_pool, member, refuse

ADA = member("ada")
GONE = member("gone", active=False)


def problems(document: dict[str, Any]) -> list[tuple[tuple[str | int, ...], str]]:
    told: list[tuple[tuple[str | int, ...], str]] = []
    compile_pool(
        file="pools/x.yaml",
        document={"name": "X", **document},
        pool_id="p",
        organization_id="o",
        members={"ada": ADA, ADA.id: ADA},
        report=lambda path, message: told.append((path, message)),
    )
    return told


def test_participants_are_ordered_as_written() -> None:
    pool = make_pool(["cy", {"member": "ada", "is_active": False}, "bob"])

    assert [(p.order, p.member.handle, p.active) for p in pool.participants] == [
        (1, "cy", True),
        (2, "ada", False),
        (3, "bob", True),
    ]


def test_weights_make_the_order_of_turns() -> None:
    pool = make_pool([{"member": "ada", "weight": 4}, "bob", {"member": "cy", "weight": 0}])

    ada, bob, cy = (f"|{p.member.id}|{p.id}" for p in pool.participants)
    assert pool.turns == (0, 0, 1, 0, 0, 2)
    assert published(pool)["cycle"] == [
        *(f"1|1{ada}", f"1|1{ada}", f"2|1{bob}"),
        *(f"1|1{ada}", f"1|1{ada}", f"3|2{cy}"),
    ]


def test_an_order_of_turns_that_is_too_long_is_told() -> None:
    heavy = {f"m{n}": 990 + n % 7 for n in range(11)}
    told: list[str] = []
    compile_pool(
        file="pools/x.yaml",
        document={
            "name": "X",
            "participants": [{"member": name, "weight": weight} for name, weight in heavy.items()],
        },
        pool_id="p",
        organization_id="o",
        members={name: member(name) for name in heavy},
        report=lambda path, message: told.append(f"{path}: {message}"),
    )

    assert len(told) == 1
    assert told[0].startswith(
        "('participants',): with these weights the order of turns repeats only after 10917 of "
        "them, at most 10000 are possible; choose "
    )


def test_ids_follow_pool_and_member_unless_written() -> None:
    one, other = make_pool(["ada", "bob"]), make_pool(["bob", {"member": "ada"}])
    written = make_pool([{"member": "ada", "id": "x"}], connections=[{"id": "y"}])

    assert {p.id for p in one.participants} == {p.id for p in other.participants}
    assert one.connections[0].id == other.connections[0].id
    assert (written.participants[0].id, written.connections[0].id) == ("x", "y")


def test_unknown_and_doubled_members_are_all_told_with_the_nearest_name() -> None:
    told = problems({"participants": ["adaa", "ada", {"member": ADA.id}]})

    assert told == [
        (
            ("participants", 0),
            "no member 'adaa'; did you mean 'ada'?; members are in organization.yaml",
        ),
        (
            ("participants", 2, "member"),
            f"'{ADA.id}' is in the pool already, at participants[1]",
        ),
    ]


def test_nobody_is_remembered_for_longer_than_a_year() -> None:
    def problem(within: str) -> str:
        told: list[str] = []
        compile_sticky({"within": within}, lambda path, message: told.append(f"{path}: {message}"))
        return "".join(told)

    assert problem("366d") == "('sticky', 'within'): at most 365d are possible, found 366d"
    assert not problem("8760h")
    assert compile_sticky(None, refuse) is None
    assert compile_sticky({}, refuse) == Sticky(("email", "phone"), 30 * 86_400_000)


def test_fallback_pools_that_cannot_be_are_told() -> None:
    def problem(named: str) -> str:
        told: list[str] = []
        compile_pool(
            file="pools/x.yaml",
            document={"name": "X", "participants": [], "fallback_pool": named},
            pool_id="p",
            organization_id="o",
            members={},
            report=lambda path, message: told.append(f"{path}: {message}"),
            pools={"x": "p", "other": "q"},
        )
        return "".join(told)

    assert problem("othre") == "('fallback_pool',): no pool 'othre'; did you mean 'other'?"
    assert problem("x").endswith("is this pool itself; name another, or leave it out")
    assert not problem("other")


def test_connections_that_cannot_work_are_told() -> None:
    told = problems(
        {
            "connections": [
                {"source": "automation"},
                {"source": "workflow"},
                {"source": "webhook"},
                {"is_active": False},
            ]
        }
    )

    assert told == [
        (("connections", 0), "a connection of source 'automation' needs 'provider'"),
        (("connections", 1), "a connection of source 'workflow' needs 'workflow_id'"),
        (("connections", 3), "the same connection is there already, at connections[2]"),
    ]


@pytest.mark.parametrize(
    "same",
    [
        make_pool(["ada", "bob"], name="Other"),
        make_pool(["ada", "bob"], priority=3),
        make_pool(["ada", "bob"], connections=[]),
    ],
)
def test_the_revision_ignores_what_no_turn_depends_on(same: Pool) -> None:
    assert same.revision == make_pool(["ada", "bob"]).revision


@pytest.mark.parametrize(
    "other",
    [
        make_pool(["bob", "ada"]),
        make_pool(["ada"]),
        make_pool(["ada", {"member": "bob", "is_active": False}]),
        make_pool(["ada", {"member": "bob", "weight": 2}]),
        make_pool(["ada", "bob"], is_active=False),
        make_pool(["ada", "bob"], assign_inbound_leads=False),
        make_pool(["ada", "bob"], assign_manual_leads=True),
        make_pool(["ada", "bob"], on_change="reset"),
    ],
)
def test_the_revision_tells_what_a_turn_depends_on(other: Pool) -> None:
    assert other.revision != make_pool(["ada", "bob"]).revision


def test_a_member_who_left_is_published_as_inactive() -> None:
    """R17: also where the pool's file still has the person."""
    pool = compile_pool(
        file="pools/x.yaml",
        document={"name": "X", "participants": ["gone"]},
        pool_id="p",
        organization_id="o",
        members={"gone": GONE},
        report=lambda *_: None,
    )

    assert published(pool)["cycle"] == [f"1|0|{GONE.id}|{pool.participants[0].id}"]
