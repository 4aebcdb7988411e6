"""Suppression lists: what flows find in them, and who of two is the first."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.fields.types import field_types
from pointsman.flow import SuppressionList
from pointsman.flows.intake import Intake
from pointsman.flows.lists import item
from pointsman.flows.submissions import Outcome, Submissions
from pointsman.model import Organization
from pointsman.settings import Settings
from pointsman.store.caps import CapStore
from pointsman.store.flow_events import FlowEvents
from pointsman.store.leads import LeadStore
from pointsman.store.lists import ListStore
from pointsman.store.redis import RedisStore
from pooling import LoadedRules
from trees import compiled

SECRET = b"s" * 32
DAY = 86_400_000
LISTS = {
    "lists/seen.yaml": "{name: Seen, kind: duplicate, type: email}\n",
    "lists/no-calls.yaml": "{name: No calls, kind: dnc, type: phone, hashed: true}\n",
    "lists/short.yaml": "{name: Short, retention: 1d}\n",
}
FLOW = """
name: Checked
fields: [email, phone_1]
ping_enabled: true
pricing: {prices: [{amount: 3}]}
list_checks:
  duplicate:
    value: "{{lead.email}}"
    list_name: seen
    lookback: {value: 30, interval: day}
  dnc: {value: "{{lead.phone_1}}", list_name: no-calls}
acceptance_criteria:
  rule_set:
    op: and
    rules:
      - {lhv: suppressionlist.is_duplicate, op: is false}
      - {lhv: suppressionlist.is_dnc, op: is false}
  reason: known
sources: [{key: a}]
steps: []
"""


class Desk:
    """A flow with lists and a clock."""

    def __init__(self, store: RedisStore) -> None:
        self.now = 1_700_000_000_000
        self.store = store

        made = compiled({**LISTS, "flows/checked.yaml": FLOW})
        self.organization: Organization = replace(made, secret=SECRET)
        rules = LoadedRules(self.organization)
        intake = Intake(LeadStore(store, Settings()), rules, clock=self.clock)
        self.submissions = Submissions(intake, CapStore(store), clock=self.clock)
        self.flow = self.organization.named_flows["checked"]
        self.lists = ListStore(store)

    def clock(self) -> int:
        return self.now

    def list(self, name: str) -> SuppressionList:
        return next(one for one in self.organization.lists.values() if one.name == name)

    async def add(self, name: str, *values: str) -> int:
        listed = self.list(name)
        items = [item(listed, value, SECRET) for value in values]
        return await self.lists.add(self.organization.id, listed, items, self.now)

    async def post(self, **lead: Any) -> Outcome:
        source = self.flow.sources[0]
        outcome, _ = await self.submissions.post(
            self.organization, self.flow, source, lead, address=None
        )
        return outcome

    async def ping(self, **lead: Any) -> Outcome:
        source = self.flow.sources[0]
        return await self.submissions.ping(self.organization, self.flow, source, lead, address=None)


POSTED = st.one_of(
    st.from_regex(
        r" ?\(?[2-9][0-9]{2}\)?[ .-]?[2-9][0-9]{2}[ .-]?[0-9]{4}( x[0-9]{1,4})?", fullmatch=True
    ),
    st.from_regex(r" ?[A-Za-z0-9.+_-]{1,9}@[A-Za-z0-9-]{1,9}\.(COM|org|co\.uk) ?", fullmatch=True),
    st.from_regex(
        r"[0-9]{1,4}[-/. ][0-9]{1,2}[-/. ][0-9]{1,4}( [0-9]{1,2}:[0-9]{2})?", fullmatch=True
    ),
    st.from_regex(r"[$<>]?-?[0-9]{1,7}([.,][0-9]{1,3})?[%k+]?( ?- ?[0-9]{1,4})?", fullmatch=True),
    st.sampled_from(
        ["Texas", "tx", "O'Brien, JR", "MCDONALD", "Yes", "male", "78701-1234", "k1a 0b1"]
    ),
    st.text(max_size=20),
)


@given(st.sampled_from(sorted(field_types)), POSTED)
def test_a_field_of_a_lists_type_stands_for_what_was_posted(kind: str, posted: str) -> None:
    listed = SuppressionList("a" * 24, "Seen", "lists/seen.yaml", type=kind)
    read = field_types[kind].parse(posted.strip(), None)

    assert item(listed, read, SECRET) == item(listed, posted, SECRET)


@pytest.mark.parametrize(
    ("kind", "posted"), [("state", "\tTexas "), ("phone", " 512-789-1111 "), ("email", " a@b.ORG ")]
)
def test_blanks_around_what_was_posted_mean_nothing(kind: str, posted: str) -> None:
    listed = SuppressionList("a" * 24, "Seen", "lists/seen.yaml", type=kind)

    assert item(listed, field_types[kind].parse(posted, None), SECRET) == item(
        listed, posted.strip(), SECRET
    )


@pytest.fixture
def desk(store: RedisStore) -> Desk:
    return Desk(store)


async def test_a_late_duplicate_is_found_within_the_lookback_and_not_after(desk: Desk) -> None:
    """D2."""
    first = await desk.post(email="Ada@Example.com")
    desk.now += 3 * 3_600_000
    late = await desk.post(email=" ada@example.COM ")
    desk.now += 31 * DAY
    after = await desk.post(email="ada@example.com")

    assert [one.outcome for one in (first, late, after)] == ["success", "failure", "success"]
    assert late.reason == "known"


async def test_of_many_copies_that_come_together_one_succeeds(desk: Desk) -> None:
    """D1."""
    outcomes = await asyncio.gather(*(desk.post(email="ada@example.com") for _ in range(20)))

    assert sorted(one.outcome for one in outcomes) == ["failure"] * 19 + ["success"]


async def test_a_lead_that_fails_leaves_no_trace_in_the_list(desk: Desk) -> None:
    await desk.add("No calls", sha256(b"5125551234").hexdigest())

    refused = await desk.post(email="ada@example.com", phone_1="(512) 555-1234")
    taken = await desk.post(email="ada@example.com")

    assert (refused.outcome, taken.outcome) == ("failure", "success")


async def test_a_ping_asks_the_lists_and_claims_nothing(desk: Desk) -> None:
    assert (await desk.ping(email="ada@example.com")).outcome == "success"
    assert (await desk.post(email="ada@example.com")).outcome == "success"
    assert (await desk.ping(email="ada@example.com")).reason == "known"


async def test_a_blank_value_is_in_no_list(desk: Desk) -> None:
    assert [(await desk.post()).outcome for _ in range(2)] == ["success", "success"]


async def test_an_item_goes_when_its_time_is_over_and_when_it_is_taken_out(desk: Desk) -> None:
    listed = desk.list("Short")
    found = item(listed, "X", SECRET)
    assert await desk.add("Short", "x", "y") == 2
    assert await desk.add("Short", "x") == 0

    assert await desk.lists.find(desk.organization.id, [(listed, found, 0)], desk.now) == [True]
    late = desk.now + DAY + 1000
    assert await desk.lists.find(desk.organization.id, [(listed, found, 0)], late) == [False]
    assert await desk.lists.remove(desk.organization.id, listed, [found], desk.now) == 1
    assert await desk.lists.find(desk.organization.id, [(listed, found, 0)], desk.now) == [False]


async def test_a_checked_lead_is_one_round_trip_and_one_that_a_list_knows_two(desk: Desk) -> None:
    await desk.post(email="a@example.com")

    before = desk.store.round_trips
    assert (await desk.post(email="b@example.com")).outcome == "success"
    between = desk.store.round_trips
    assert (await desk.post(email="b@example.com")).outcome == "failure"

    assert (between - before, desk.store.round_trips - between) == (1, 2)


@pytest.mark.parametrize(
    ("email", "called", "known"),
    [
        ("ada@example.com", "5125551234", {"is_duplicate", "is_dnc"}),
        ("ada@example.com", "5125554321", {"is_duplicate"}),
        ("bea@example.com", "5125551234", {"is_dnc"}),
        ("", "5125551234", {"is_dnc"}),
        ("bea@example.com", "5125554321", set()),
    ],
)
async def test_what_each_list_knows_is_told_apart(
    desk: Desk, email: str, called: str, known: set[str]
) -> None:
    await desk.add("Seen", "ada@example.com")
    await desk.add("No calls", sha256(b"5125551234").hexdigest())

    outcome = await desk.post(phone_1=called, **({"email": email} if email else {}))

    assert outcome.outcome == ("failure" if known else "success")
    told = await FlowEvents(desk.store).of_lead(desk.organization.id, outcome.lead_id or "")
    listed = told[-1]["vars"]["suppressionlist"]
    assert {name for name, there in listed.items() if there} == known
