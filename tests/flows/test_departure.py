"""How a lead began its way, as another daemon reads it."""

from __future__ import annotations

import pytest
from orjson import loads

from pointsman.flows.departure import resumed, state_of
from pointsman.flows.passage import Way, enter
from pointsman.model import Origin
from pointsman.store.flights import Flight
from trees import MINIMAL, compiled

LEAD = "01a201a4cb6d5c4b4f11fb36"
FLOW = """
name: Sold
sources: [{key: a, pricing: {prices: [{amount: 7}]}}]
pricing: {prices: [{amount: 5}]}
steps: []
"""


@pytest.mark.parametrize(("order", "price"), [("", 5), ("flow_first", 5), ("source_first", 7)])
def test_whose_price_counts_is_the_organizations_choice_on_any_daemon(
    order: str, price: float
) -> None:
    """It is the order of when the lead came, also where that is changed meanwhile."""
    said = f"pricing_order: {order}\n" if order else ""
    files = {"organization.yaml": f"{MINIMAL['organization.yaml']}{said}", "flows/sold.yaml": FLOW}
    organization, changed = compiled(files), compiled({"flows/sold.yaml": FLOW})
    flow = organization.named_flows["sold"]
    submission = enter(organization, flow, flow.sources[0], {}, lead_id=LEAD, at=0)
    submission.look_up({})
    submission.admit()

    flight = Flight(loads(state_of(submission, Way(Origin("flow", flow.id), "system", "flow"))), {})
    again, _ = resumed(changed, LEAD, flight)

    assert (submission.price, again.price) == (price, price)
