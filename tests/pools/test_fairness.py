"""Fairness over time: nobody starves, nobody catches up at once, nobody pays twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from pointsman.model import Pool
from rotating import HANDLES, Deployment, published_pool

MINUTE = 60_000
MIDNIGHT = 1_771_977_600_000
EVEN = {"hours": [{"from": f"{h:02}:00", "to": f"{h + 1:02}:00"} for h in range(0, 24, 2)]}
ODD = {
    "hours": [
        {"from": f"{h:02}:00", "to": "24:00" if h == 23 else f"{h + 1:02}:00"}
        for h in range(1, 24, 2)
    ]
}


def alternating(deployment: Deployment, pool: Pool, number: int) -> list[str]:
    """Serve leads of which every other one can only go to the one half of the people."""
    clock = (MIDNIGHT + (n % 2) * 60 * MINUTE for n in range(number))
    return [handle for at in clock for handle in deployment.serve(pool, 1, at)]


@pytest.mark.parametrize(
    "people",
    [["even", "even", "odd", "odd"], ["even", "odd", "even", "odd"], ["odd", "even", "odd"]],
)
def test_two_filters_over_one_pool_starve_nobody(deployment: Deployment, people: list[str]) -> None:
    """R7: one pointer and two sets of candidates that alternate; everyone who could is served."""
    hours = {"even": EVEN, "odd": ODD}
    listed = [
        {"member": handle, "availability": hours[kind]}
        for handle, kind in zip(HANDLES, people, strict=False)
    ]
    pool = published_pool(deployment, listed, skip_policy="hold_turn")

    counts = Counter(alternating(deployment, pool, 120))

    assert set(counts) == set(HANDLES[: len(people)])
    for kind in hours:
        alike = [counts[h] for h, own in zip(HANDLES, people, strict=False) if own == kind]
        assert sum(alike) == 60
        assert max(alike) - min(alike) <= 1


@pytest.mark.parametrize("policy", ["lose_turn", "hold_turn"])
@pytest.mark.parametrize("on_change", ["keep", "reset"])
@pytest.mark.parametrize("join", ["new", "reactivated", "back"])
def test_who_joins_gets_no_burst(
    deployment: Deployment, policy: str, on_change: str, join: str
) -> None:
    """R12: after a hundred leads without them, they have one of every four from then on."""
    document = {"skip_policy": policy, "on_change": on_change}
    newcomers: dict[str, list[Any]] = {
        "new": [],
        "reactivated": [{"member": "m3", "is_active": False}],
        "back": [{"member": "m3", "availability": EVEN}],
    }
    before = published_pool(deployment, [*HANDLES[:3], *newcomers[join]], **document)
    deployment.serve(before, 100, MIDNIGHT + 90 * MINUTE)

    pool = published_pool(deployment, HANDLES[:4], **document)
    served = deployment.serve(pool, 40, MIDNIGHT + 120 * MINUTE)

    held = policy == "hold_turn" and join != "new"
    assert 10 <= served.count("m3") <= 10 + held
    for start in range(held, 37):
        assert served[start : start + 4].count("m3") <= 1 + (held and start < 4)


def test_a_gap_of_a_fortnight_echoes_in_no_later_month(deployment: Deployment) -> None:
    """R13: a year of days of three leads: but for the fortnight, every week is as fair as any."""
    away = {"out_of_office": [{"from": "2026-03-02", "to": "2026-03-15"}]}
    people = ["m0", {"member": "m1", "availability": away}, "m2"]
    pool = published_pool(deployment, people)
    day = 24 * 60 * MINUTE
    first = 1_772_323_200_000  # 2026-03-01

    served = [deployment.serve(pool, 3, first + n * day) for n in range(120)]

    assert all("m1" not in of_day for of_day in served[1:15])
    assert all(Counter(d) == {"m0": 1, "m1": 1, "m2": 1} for d in served[16:])
