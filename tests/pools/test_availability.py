"""What availability and caps in files compile to, and what in them cannot be."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from pointsman.calendar import Absence, Schedule
from pointsman.model import Cap
from pointsman.pools.availability import compile_availability
from pooling import make_pool, refuse
from trees import compiled, findings, write

HOURS = [
    {"days": ["mon", "tue"], "from": "13:00", "to": "17:30"},
    {"days": ["mon"], "from": "09:00", "to": "12:00"},
    {"days": ["sun"], "from": "22:00", "to": "06:00"},
]


def problems(document: dict[str, Any]) -> list[str]:
    told: list[str] = []
    compile_availability(document, "UTC", lambda path, message: told.append(f"{path}: {message}"))
    return told


def test_hours_are_openings_of_days_in_order() -> None:
    schedule = compile_availability({"hours": HOURS}, "Europe/Berlin", refuse)

    assert schedule == Schedule(
        "Europe/Berlin",
        hours=(((540, 720), (780, 1050)), ((780, 1050),), (), (), (), (), ((1320, 1800),)),
    )
    assert compile_availability(None, "UTC", refuse) is None


def test_days_away_are_dates() -> None:
    away = {
        "holidays": ["2026-12-25"],
        "out_of_office": [{"from": "2026-08-03", "to": "2026-08-03"}],
    }

    assert compile_availability(away, "UTC", refuse) == Schedule(
        "UTC",
        holidays=frozenset([date(2026, 12, 25)]),
        absences=(Absence(date(2026, 8, 3), date(2026, 8, 3)),),
    )


@pytest.mark.parametrize(
    ("hours", "told"),
    [
        (
            [{"from": "09:00", "to": "09:00"}],
            "('hours', 0): ends when it begins; for a whole day write from 00:00 to 24:00",
        ),
        (
            [{"from": "09:00", "to": "12:00"}, {"days": ["wed"], "from": "11:59", "to": "13:00"}],
            "('hours', 1): overlaps with hours[0]",
        ),
        (
            [{"days": ["mon"], "from": "05:00", "to": "09:00"}, HOURS[2]],
            "('hours', 1): overlaps with hours[0]",
        ),
    ],
)
def test_openings_that_cannot_be_are_told(hours: list[Any], told: str) -> None:
    """Also from Sunday night to Monday morning."""
    assert problems({"hours": hours}) == [told]


def test_openings_may_touch() -> None:
    assert not problems(
        {"hours": [{"from": "00:00", "to": "12:00"}, {"from": "12:00", "to": "24:00"}]}
    )


def test_days_that_cannot_be_are_told() -> None:
    assert problems(
        {
            "holidays": ["1066-10-14"],
            "out_of_office": [
                {"from": "2026-08-03", "to": "2026-08-02"},
                {"from": "2026-08-03", "to": "9999-12-31"},
            ],
        }
    ) == [
        "('holidays', 0): expected a year from 2000 to 2999, found 1066",
        "('out_of_office', 0): 'to' is before 'from'; both days are away",
        "('out_of_office', 1, 'to'): expected a year from 2000 to 2999, found 9999",
    ]


def test_what_a_pool_says_comes_on_top_of_what_the_member_has() -> None:
    member = {"hours": HOURS, "holidays": ["2026-12-25"]}
    own = {"hours": HOURS[:1], "out_of_office": [{"from": "2026-08-03", "to": "2026-08-16"}]}

    def schedules(own: dict[str, Any] | None, member: dict[str, Any] | None) -> list[Schedule]:
        written = {"member": "ada"} | ({"availability": own} if own else {})
        pool = make_pool([written], availability={"ada": member} if member else None)
        return list(pool.participants[0].schedules)

    whole, narrow = (compile_availability(one, "UTC", refuse) for one in (member, own))
    assert schedules(None, None) == []
    assert schedules(None, member) == [whole]
    assert schedules(own, None) == [narrow]
    assert schedules(own, member) == [
        narrow,
        Schedule("UTC", holidays=frozenset([date(2026, 12, 25)])),
    ]
    assert schedules({"holidays": ["2026-01-01"]}, member) == [
        whole,
        Schedule("UTC", holidays=frozenset([date(2026, 1, 1)])),
    ]


def test_zones_that_are_not_named_are_the_organizations() -> None:
    organization = compiled(
        {
            "organization.yaml": """\
name: Acme
time_zone: Asia/Tokyo
integrations: {lead_webhook: {enabled: true}}
members:
  - {handle: ada, name: Ada, availability: {hours: [{from: "09:00", to: "17:00"}]}}
  - {handle: bruno, name: Bruno}
""",
            "pools/inbound.yaml": """\
name: Inbound
participants: [ada, {member: bruno, caps: [{limit: 3, per: week}]}]
connections: [{source: webhook}]
""",
        }
    )

    (pool,) = organization.pools.values()
    ada, bruno = pool.participants
    assert [schedule.zone for schedule in ada.schedules] == ["Asia/Tokyo"]
    assert bruno.caps == (Cap(3, "week", "Asia/Tokyo"),)


def test_findings_have_their_place_in_either_file(tmp_path: Any) -> None:
    root = write(
        tmp_path,
        {
            "organization.yaml": """\
name: Acme
integrations: {lead_webhook: {enabled: true}}
members:
  - {handle: ada, name: Ada, availability: {hours: [{from: "09:00", to: "09:00"}]}}
  - {handle: bruno, name: Bruno}
""",
            "pools/inbound.yaml": """\
id: 0d1c5a0e-7d3b-5f0c-8a51-6e1b9d3f2c47
name: Inbound
participants:
  - ada
  - member: bruno
    availability: {holidays: [1999-01-01]}
    caps: [{limit: 3, per: day}, {limit: 2, per: day, time_zone: UTC}]
connections: [{source: webhook}]
""",
        },
    )

    assert "\n".join(findings(root)) == (
        "acme/organization.yaml:4:53: members[0].availability.hours[0]: ends when it begins; for a "
        "whole day write from 00:00 to 24:00\n"
        "acme/pools/inbound.yaml:6:31: participants[1].availability.holidays[0]: expected a year "
        "from 2000 to 2999, found 1999\n"
        "acme/pools/inbound.yaml:7:34: participants[1].caps[1]: there is a cap per day already; "
        "keep the lower one"
    )
