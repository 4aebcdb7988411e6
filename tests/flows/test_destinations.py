"""Destinations: what their files say stands in the flows that name them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pointsman.flow import Auction, Recipient
from pointsman.peers import Answerer, dropping, receiver
from pointsman.store.redis import RedisStore
from selling import BUYS, REFUSES, buyer, selling
from trees import compiled, findings, write

CRM = """\
name: The CRM
timeout: 3
integration:
  module_id: json
  mappings: [{property: url, value: "https://crm.example/leads"}]
"""
FLOW = """\
name: Sold
sources: [{key: shop}]
destinations: [crm]
steps:
  - {type: recipient, destination: crm, timeout: 5, name: First}
  - key: bids
    type: auction
    steps: [{type: recipient, key: inner, destination: crm, pricing: {prices: [{amount: 2}]}}]
"""
FILES = {"destinations/crm.yaml": CRM, "flows/sold.yaml": FLOW}


def test_a_recipient_has_what_its_destination_says_and_its_own_over_it() -> None:
    """In groups too; behind the last step come those that the flow lists."""
    flow = compiled(FILES).named_flows["sold"]

    first, bids, last = flow.steps
    assert isinstance(first, Recipient)
    assert isinstance(bids, Auction)
    assert isinstance(last, Recipient)
    asked = [first, bids.steps[0], last]
    assert {step.integration.kind for step in asked} == {"json"}
    assert [(step.key, step.name, step.timeout) for step in asked] == [
        ("first", "First", 5),
        ("inner", "The CRM", 3),
        ("the_crm", "The CRM", 3),
    ]
    assert flow.document["destinations"] == ["crm"]


def test_ids_of_steps_do_not_hang_on_what_the_other_file_says() -> None:
    other = CRM.replace("/leads", "/in")

    before, after = (
        compiled({**FILES, "destinations/crm.yaml": text}).named_flows["sold"]
        for text in (CRM, other)
    )

    assert [step.id for step in before.steps] == [step.id for step in after.steps]


def test_who_stands_among_rivals_is_not_tried_again_whatever_the_destination_says() -> None:
    again = {**FILES, "destinations/crm.yaml": CRM + "retry_enabled: true\n"}

    first, bids, last = compiled(again).named_flows["sold"].steps

    assert isinstance(first, Recipient)
    assert isinstance(bids, Auction)
    assert isinstance(last, Recipient)
    assert [step.retry for step in (first, bids.steps[0], last)] == [True, False, True]


ASKED = {"type": "first_success", "key": "sold", "steps": [buyer("x"), buyer("y")]}


@pytest.mark.parametrize(
    ("step", "answers", "there"),
    [
        (buyer("x"), {"x": BUYS}, True),
        (buyer("x"), {"x": REFUSES}, True),
        (buyer("x"), {"x": dropping}, False),
        (ASKED, {"x": dropping, "y": BUYS}, True),
    ],
    ids=["success", "failure", "error", "an error inside of a step"],
)
async def test_a_flows_destinations_get_no_lead_that_a_step_ended_with_an_error_for(
    store: RedisStore, step: dict[str, Any], answers: dict[str, Answerer], *, there: bool
) -> None:
    """What one of them comes to is nothing to the next."""
    async with receiver(dropping) as broken, receiver(BUYS) as working:
        files = {
            f"destinations/{name}.yaml": CRM.replace("https://crm.example/leads", one.url)
            for name, one in (("one", broken), ("other", working))
        }
        names = ["one", "other"]
        async with selling(store, [step], answers, beside=files, destinations=names) as market:
            events = await market.sell()

        told = [(each["outcome"], each.get("reason")) for each in events[-3:-1]]
        skipped = ("skip", "a step before ended with an error")
        assert [one[0] for one in told] == ["error", "success"] if there else told == [skipped] * 2
        assert bool(working.requests) is there


def test_a_name_that_leads_nowhere_is_a_finding_in_the_flow(tmp_path: Path) -> None:
    both = FLOW.replace(
        "destination: crm, timeout: 5",
        "destination: crm, integration: {module_id: json, mappings: [{property: url, value: u}]}",
    )

    (doubled,) = findings(write(tmp_path / "a", {**FILES, "flows/sold.yaml": both}))
    assert doubled.endswith("the destination says how it is asked; remove one of them")
    assert doubled.startswith("acme/flows/sold.yaml:5:54: steps[0].integration: ")
    neither = FLOW.replace("destination: crm, timeout", "timeout")
    (missing,) = findings(write(tmp_path / "b", {**FILES, "flows/sold.yaml": neither}))
    assert "the key 'integration' is missing" in missing
    misspelt = FLOW.replace("destinations: [crm]", "destinations: [crn]")
    assert findings(write(tmp_path / "c", {**FILES, "flows/sold.yaml": misspelt})) == [
        "acme/flows/sold.yaml:3:16: destinations[0]: no destination 'crn'; did you mean 'crm'?"
    ]


def test_a_wrong_template_is_a_finding_in_the_destination(tmp_path: Path) -> None:
    broken = CRM.replace("https://crm.example/leads", "{{lead.email")

    found = findings(write(tmp_path, {"destinations/crm.yaml": broken}))

    assert len(found) == 1
    assert found[0].startswith("acme/destinations/crm.yaml:5:")
