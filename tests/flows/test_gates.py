"""What stands before a flow's steps."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pointsman.flows.gates import OUT_OF_HOURS, Refusal, price_of, refusal
from pointsman.model import Flow
from pooling import make_flow

NEW_YORK = "America/New_York"
OFFICE = {
    "time_zone": NEW_YORK,
    "hours": [{"from": "09:00", "to": "12:00"}, {"from": "13:00", "to": "17:00"}],
}


def at(text: str, fold: int = 0) -> int:
    """Return a time on the wall in New York as milliseconds."""
    there = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(NEW_YORK), fold=fold)
    return int(there.timestamp() * 1000)


def flow(source: dict[str, Any] | None = None, **document: Any) -> Flow:
    return make_flow([], sources=[{"key": "site", "name": "Site", **(source or {})}], **document)


def refused(known: Flow, lead: dict[str, Any], when: int = 0) -> Refusal | None:
    return refusal(known, known.sources[0], {"lead": lead}, when)


def criteria(field: str, **more: Any) -> dict[str, Any]:
    rules = [{"lhv": f"lead.{field}", "op": "is not equal to", "rhv": "FL"}]
    return {"acceptance_criteria": {"rule_set": {"op": "and", "rules": rules}, **more}}


@pytest.mark.parametrize("day", ["2026-01-14", "2026-07-15", "2026-03-08", "2026-11-01"])
def test_hours_of_operation_are_those_of_the_wall(day: str) -> None:
    """C2, C3: in winter, in summer, and on both days on which the clock is turned."""
    office = flow(hours_of_operation=OFFICE)
    open_at = {"08:59": False, "09:00": True, "11:59": True, "12:00": False, "12:59": False}
    open_at |= {"13:00": True, "16:59": True, "17:00": False}

    for clock, is_open in open_at.items():
        told = refused(office, {}, at(f"{day}T{clock}"))
        assert told == (None if is_open else ("failure", OUT_OF_HOURS)), clock


def test_the_first_criteria_that_fail_answer_alone_with_what_they_say() -> None:
    both = flow(source=criteria("city"), **criteria("state", reason="not from {{lead.state}}"))

    assert refused(both, {"state": "FL", "city": "fl"}) == ("failure", "not from FL")
    assert refused(both, {"state": "TX", "city": "fl"}) == (
        "failure",
        "lead.city must not be equal to FL",
    )
    assert refused(both, {}) is None


@pytest.mark.parametrize(
    ("outcome", "reason"), [("error", "lead.state must not be equal to FL"), ("success", None)]
)
def test_a_reason_is_for_what_is_no_success(outcome: str, reason: str | None) -> None:
    assert refused(flow(**criteria("state", outcome=outcome)), {"state": "FL"}) == (outcome, reason)


PRICES = {"prices": [{"amount": 1}, {"amount": 2.5, "rule_set": {"op": "and", "rules": [
    {"lhv": "lead.state", "op": "is equal to", "rhv": "TX"}]}}]}  # fmt: skip
TEXAN_ONLY = {"prices": [PRICES["prices"][1]]}


@pytest.mark.parametrize(
    ("own", "source", "state", "posted", "price"),
    [
        (PRICES, None, "TX", None, 2.5),
        (PRICES, None, "NY", None, 1),
        (PRICES, None, "NY", "9", 1),
        (TEXAN_ONLY, None, "NY", None, 0),
        (TEXAN_ONLY, {"prices": [{"amount": 7}]}, "NY", None, 7),
        (TEXAN_ONLY, {"prices": [{"amount": 7}]}, "TX", None, 2.5),
        ({"override": True}, None, "NY", "$9.50", 9.5),
        ({"override": True}, None, "NY", "1000000.01", 0),
        ({"override": True}, None, "NY", "-1", 0),
        ({"override": True}, {"prices": [{"amount": 7}]}, "NY", None, 7),
        (None, None, "NY", "9", 0),
    ],
)
def test_the_last_price_that_fits_counts(
    own: Any, source: Any, state: str, posted: str | None, price: float
) -> None:
    known = flow(
        source={"pricing": source} if source else None, **({"pricing": own} if own else {})
    )
    parameters = {} if posted is None else {"price": posted}

    assert price_of(known, known.sources[0], {"lead": {"state": state}}, parameters) == price
