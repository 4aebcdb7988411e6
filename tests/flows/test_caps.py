"""Caps and ping limits against real Redis: exactly so many, in the windows of a calendar."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pointsman.flows.intake import Intake
from pointsman.flows.submissions import Outcome, Submissions, TooMany
from pointsman.model import Organization
from pointsman.settings import Settings
from pointsman.store.caps import CapStore, Counter
from pointsman.store.leads import LeadStore
from pointsman.store.redis import RedisStore
from pooling import LoadedRules
from trees import compiled

FLOW = """
name: Capped
fields: [state, email]
ping_enabled: true
%s
sources: [{key: a}]
steps: []
"""
TEN = "caps: [{key: ten, maximum: 10, duration_units: day, time_zone: America/New_York}]"
TEXANS = """caps:
  - key: all
    maximum: 3
    duration_units: month
    caps:
      - key: texas
        maximum: 1
        duration_units: month
        rule_set: {op: and, rules: [{lhv: lead.state, op: is equal to, rhv: TX}]}
        reason: "no more from {{lead.state}}"
"""


def at(text: str, zone: str = "America/New_York") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


class Desk:
    """A flow with a clock."""

    def __init__(self, store: RedisStore, extra: str) -> None:
        self.now = at("2026-06-01T12:00")
        self.store = store
        self.use(extra)

    def use(self, extra: str) -> None:
        """Serve the flow with other caps."""
        text = {"flows/capped.yaml": FLOW % extra}
        self.organization: Organization = compiled(text)
        intake = Intake(
            LeadStore(self.store, Settings()), LoadedRules(self.organization), clock=self.clock
        )
        self.submissions = Submissions(intake, CapStore(self.store), clock=self.clock)
        self.flow = self.organization.named_flows["capped"]

    def clock(self) -> int:
        return self.now

    async def post(self, **lead: Any) -> Outcome:
        source = self.flow.sources[0]
        outcome, _ = await self.submissions.post(
            self.organization, self.flow, source, lead, address=None
        )
        return outcome

    async def ping(self, **lead: Any) -> Outcome:
        source = self.flow.sources[0]
        return await self.submissions.ping(self.organization, self.flow, source, lead, address=None)

    async def counter(self, place: int = 0) -> Counter:
        quota = self.flow.caps[place]
        return (await CapStore(self.store).read(self.organization.id, [quota], self.now))[quota.id]


async def test_a_hundred_leads_at_once_on_a_cap_of_ten_are_ten(store: RedisStore) -> None:
    """C1."""
    desk = Desk(store, TEN)

    outcomes = await asyncio.gather(*(desk.post(state="TX") for _ in range(100)))

    assert sum(one.outcome == "success" for one in outcomes) == 10
    assert {one.reason for one in outcomes if one.outcome == "failure"} == {"Cap reached"}
    counter = await desk.counter()
    assert (counter.count, counter.failed) == (10, 90)


async def test_a_cap_begins_anew_when_the_day_does_where_it_counts(store: RedisStore) -> None:
    """C4: on days of 23 and 25 hours too."""
    desk = Desk(store, TEN.replace("10", "1"))
    found = []
    for moment in ("2026-03-07T23:59", "2026-03-08T00:00", "2026-03-08T23:59", "2026-03-09T00:00",
                   "2026-11-01T00:00", "2026-11-01T23:59", "2026-11-02T00:00"):  # fmt: skip
        desk.now = at(moment)
        found.append((await desk.post()).outcome)

    assert found == ["success", "success", "failure", "success", "success", "failure", "success"]


async def test_an_inner_cap_counts_where_the_outer_one_does_and_either_blocks(
    store: RedisStore,
) -> None:
    desk = Desk(store, TEXANS)

    outcomes = [await desk.post(state=state) for state in ("TX", "TX", "NY", "CA", "NV")]

    assert [one.outcome for one in outcomes] == [
        "success", "failure", "success", "success", "failure",
    ]  # fmt: skip
    assert outcomes[1].reason == "no more from TX"
    assert outcomes[4].reason == "Cap reached"
    assert (await desk.counter()).count == 3


async def test_a_failed_lead_is_not_counted(store: RedisStore) -> None:
    criteria = (
        "acceptance_criteria: {rule_set: {op: and, rules: [{lhv: lead.state, op: is not blank}]}}\n"
    )
    desk = Desk(store, criteria + TEN)

    assert (await desk.post()).outcome == "failure"

    assert (await desk.counter()).count == 0


async def test_windows_of_several_units_are_counted_from_the_first_use(store: RedisStore) -> None:
    desk = Desk(store, "caps: [{maximum: 1, duration: 2, duration_units: day, time_zone: UTC}]")
    found = []
    for day in (3, 4, 5, 6, 7):
        desk.now = at(f"2026-06-{day:02}T10:00", "UTC")
        found.append((await desk.post()).outcome)

    assert found == ["success", "failure", "success", "failure", "success"]


async def test_a_changed_maximum_keeps_the_count_and_changed_rules_do_not(
    store: RedisStore,
) -> None:
    cap = "caps: [{key: c, maximum: %s, duration_units: %s%s}]"
    desk = Desk(store, cap % (2, "day", ""))
    await desk.post()
    await desk.post()

    desk.use(cap % (3, "day", ""))
    assert (await desk.post()).outcome == "success"
    assert (await desk.post()).outcome == "failure"
    desk.use(cap % (3, "month", ""))  # longer: it keeps what it counted
    assert (await desk.post()).outcome == "failure"
    desk.use(cap % (3, "hour", ""))  # shorter: it begins anew
    assert (await desk.post()).outcome == "success"
    rules = ", rule_set: {op: and, rules: [{lhv: lead.state, op: is blank}]}"
    desk.use(cap % (1, "hour", rules))
    assert (await desk.post()).outcome == "success"


async def test_a_ping_sees_the_caps_and_fills_none(store: RedisStore) -> None:
    desk = Desk(store, "pricing: {prices: [{amount: 5}]}\n" + TEN.replace("10", "1"))

    before = await desk.ping()
    await desk.post()
    after = await desk.ping()

    assert (before.outcome, before.price) == ("success", 5)
    assert (after.outcome, after.reason, after.price) == ("failure", "Cap reached", 0)


async def test_every_ping_counts_and_beyond_the_limit_is_told_when_it_ends(
    store: RedisStore,
) -> None:
    desk = Desk(store, "ping_limits: [{maximum: 2, duration_units: hour, time_zone: UTC}]")
    desk.now = at("2026-06-01T12:15", "UTC")

    assert (await desk.ping()).reason == "no bid"
    await desk.ping()
    with pytest.raises(TooMany) as refused:
        await desk.ping()

    assert refused.value.seconds == 45 * 60
    desk.now = at("2026-06-01T13:00", "UTC")
    assert (await desk.ping()).reason == "no bid"


async def test_a_limit_of_several_units_ends_where_its_first_ping_has_it_end(
    store: RedisStore,
) -> None:
    limit = "ping_limits: [{maximum: 1, duration: 2, duration_units: day, time_zone: UTC}]"
    desk = Desk(store, limit)
    found = []
    for day in (3, 6, 7):  # the windows begin on the 3rd, 5th and 7th, whichever day is the first
        desk.now = at(f"2026-06-{day:02}T10:00", "UTC")
        found.append((await desk.ping()).reason)

    assert found == ["no bid"] * 3


async def test_what_is_shown_of_a_window_that_nobody_used_yet_is_what_it_will_be(
    store: RedisStore,
) -> None:
    desk = Desk(store, "caps: [{maximum: 1, duration: 2, duration_units: day, time_zone: UTC}]")
    desk.now = at("2026-06-03T10:00", "UTC")
    await desk.post()
    desk.now = at("2026-06-06T10:00", "UTC")

    counter = await desk.counter()

    assert (counter.count, counter.start) == (0, at("2026-06-05T00:00", "UTC"))
    assert counter.end == at("2026-06-07T00:00", "UTC")
