"""How long people have to accept a lead, as it is told to the script of a turn."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from owning import opened
from pointsman.calendar import FOREVER, Schedule, add_working_time, standing
from pointsman.pools.accept import PoolAccept, compile_accept
from pointsman.store.redis import RedisStore
from pooling import make_pool, member, refuse

HOUR = 3_600_000
NINE_TO_FIVE = {
    "hours": [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00"}]
}
NEW_YORK = {**NINE_TO_FIVE, "time_zone": "America/New_York"}
KABUL = {"hours": [{"from": "22:00", "to": "02:30"}], "time_zone": "Asia/Kabul"}


def at(text: str, zone: str = "America/New_York", fold: int = 0) -> int:
    moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return int(moment.timestamp() * 1000)


def due(told: str, now: int, order: int) -> int:
    """Return when the script would set the timer."""
    within, usual, others = told.split(" ")
    found = re.search(rf",{order}=(\d+),", others)
    return now + int(within) + int(found[1] if found else usual)


def pool_of(people: Mapping[str, Any], within: str) -> Any:
    accept = {"within": within, "working_hours": True}
    listed = [
        {"member": handle, **({"availability": written} if written else {})}
        for handle, written in people.items()
    ]
    return make_pool(listed, accept=accept)


@given(
    start=st.integers(at("2026-03-05T00:00"), at("2026-11-03T00:00")),
    steps=st.lists(st.integers(0, 3 * HOUR), min_size=1, max_size=12),
    minutes=st.integers(1, 40 * 60),
)
def test_everybody_has_the_working_time_from_then_on(
    start: int, steps: list[int], minutes: int
) -> None:
    """C4, R20: for whoever may be served, at any time and in any order of questions."""
    people = {"ada": NEW_YORK, "bob": KABUL, "cyd": None, "dan": NEW_YORK}
    pool = pool_of(people, f"{minutes}m")
    assert pool.accept is not None
    now = start
    for step in (0, *steps):
        now += step
        for person in pool.participants:
            if standing(person.schedules, now).reason is None:
                expected = add_working_time(person.schedules, now, minutes * 60_000)
                assert due(pool.accept.at(now), now, person.order) == expected


@pytest.mark.parametrize(
    ("came", "within", "over"),
    [
        ("2026-10-30T16:00", "2h", "2026-11-02T10:00"),
        ("2026-03-06T16:30", "1h", "2026-03-09T09:30"),
        ("2026-11-02T10:00", "15m", "2026-11-02T10:15"),
    ],
)
async def test_working_time_is_right_across_both_changes_of_the_clock(
    store: RedisStore, came: str, within: str, over: str
) -> None:
    """C4: over the weekends of 2026-03-08 and 2026-11-01 in New York."""
    office = await opened(store, pool_of({"ada": NEW_YORK, "bob": NEW_YORK}, within))
    office.now = at(came)

    lead = await office.lead()

    (timer,) = await office.timers()
    assert timer.due == at(over)
    assert (await office.owned(lead)).due == at(over)


@pytest.mark.parametrize("fold", [0, 1])
async def test_an_hour_within_the_hour_that_comes_twice_is_an_hour(
    store: RedisStore, fold: int
) -> None:
    """C4: 01:30 on 2026-11-01, the first or the second of them."""
    nights = {"hours": [{"from": "00:00", "to": "24:00"}], "time_zone": "America/New_York"}
    office = await opened(store, pool_of({"ada": nights}, "1h"))
    office.now = at("2026-11-01T01:30", fold=fold)

    await office.lead()

    (timer,) = await office.timers()
    assert timer.due == office.now + HOUR


async def test_who_never_works_again_is_not_waited_for(store: RedisStore) -> None:
    """Somebody whose absence has no end gets no timer that never comes."""
    schedule = Schedule("UTC", holidays=frozenset(), hours=((),) * 7)

    accept = PoolAccept(
        [
            make_pool(["ada"])
            .participants[0]
            .__class__("p", member("ada"), 1, schedules=(schedule,))
        ],
        HOUR,
        working_hours=True,
    )

    assert due(accept.at(0), 0, 1) >= FOREVER


def test_people_who_work_alike_are_told_of_together() -> None:
    """A thousand people make no long text while their hours are the same."""
    pool = pool_of({f"p{n}": NEW_YORK for n in range(1000)} | {"cyd": None}, "2h")

    assert len(pool.accept.at(at("2026-11-02T16:00"))) < 100


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"within": "31d"}, "accept.within: at most 30d are possible, found 31d"),
        (
            {"within": "1h", "then": "fallback"},
            "accept.then: 'fallback' needs a 'fallback_pool' beside 'accept'",
        ),
    ],
)
def test_what_cannot_be_is_told(document: dict[str, Any], said: str) -> None:
    found: list[str] = []

    compile_accept(
        document, (), lambda path, text: found.append(f"{'.'.join(map(str, path))}: {text}"),
        fallback=False,
    )  # fmt: skip

    assert found == [said]


def test_left_out_nothing_is_asked() -> None:
    """The documented default is off, and a pool's revision is what it was without the key."""
    assert compile_accept(None, (), refuse, fallback=False) is None
    plain, asking = make_pool(["ada"]), make_pool(["ada"], accept={"within": "1m"})
    assert plain.accept is None
    assert plain.revision != asking.revision


def test_it_is_told_as_a_sentence() -> None:
    """``pointsman explain`` says what whoever gets a lead has to do."""
    pool = make_pool(
        ["ada"], accept={"within": "90m", "working_hours": True, "hops": 2, "then": "unassign"}
    )

    assert pool.accept
    assert pool.accept.told() == (
        "to be accepted within 90m of working time, else it goes on, 2 times at most; "
        "then: unassign"
    )
