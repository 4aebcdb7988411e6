from __future__ import annotations

from typing import Any

import pytest

from pointsman.flows.compile import compile_flow
from pointsman.model import Flow, PoolStep
from pooling import make_flow, make_pool

SALES = make_pool(["ada"], file="pools/sales.yaml")


def compiled(**document: Any) -> tuple[Flow, list[tuple[tuple[str | int, ...], str]]]:
    told: list[tuple[tuple[str | int, ...], str]] = []
    flow = compile_flow(
        file="flows/web.yaml",
        document={"name": "Web", **document},
        flow_id="f",
        organization_id="o",
        pools={"sales": SALES.id, SALES.id: SALES.id},
        report=lambda path, message: told.append((path, message)),
    )
    return flow, told


def test_a_flow_has_its_sources_steps_and_fields() -> None:
    flow = make_flow(
        [SALES],
        sources=[{"intake": "webhook", "source_key": "site"}],
        fields=["email"],
        steps=[{"type": "pool", "pool": "sales"}],
    )

    assert flow.enabled
    assert flow.fields == frozenset({"email"})
    assert [(s.intake, s.source_key, s.name) for s in flow.sources] == [("webhook", "site", "site")]
    assert [(s.pool_id, s.enabled) for s in flow.steps if isinstance(s, PoolStep)] == [
        (SALES.id, True)
    ]


def test_a_flow_without_fields_keeps_all() -> None:
    assert make_flow([]).fields is None


def test_pools_that_are_not_there_are_told_with_the_nearest_name() -> None:
    _, told = compiled(steps=[{"type": "pool", "pool": "sale"}, {"type": "pool", "pool": "x-y"}])

    assert told == [
        (("steps", 0, "pool"), "no pool 'sale'; did you mean 'sales'?"),
        (("steps", 1, "pool"), "no pool 'x-y'; expected the name of a file in pools/"),
    ]


def test_pools_stand_one_after_the_other_and_not_side_by_side() -> None:
    step = {"type": "pool", "pool": "sales"}

    _, fine = compiled(steps=[step, step])
    _, told = compiled(steps=[{"type": "parallel", "steps": [step, step]}])

    assert fine == []
    assert [path for path, _ in told] == [("steps", 0)]


@pytest.mark.parametrize(
    ("lhv", "reason", "led"),
    [
        ("lead.us.x", "Call us at {{lead.us.x}}, {{random}}", False),
        ("lead.state", "us.outcome is asked by nobody", True),
        ("us.outcome", "", True),
        (" us", "", True),
        ("us-west.outcome", "", True),
        ("lead.state", "why: {{us.reason}}", True),
        ("lead.state", "{{#if us}}taken{{/if}}", True),
        ("lead.state", "{{[us].reason}} {{us[reason]}}", True),
        ("lead.state", "{{this.us.reason}}", True),
        ("lead.state", "{{format\nus.reason '0'}}", True),
        ("lead.state", "{{math '2-us.price'}}", True),
    ],
)
def test_a_flow_whose_steps_name_a_pool_waits_for_what_comes_of_it(
    lhv: str, reason: str, *, led: bool
) -> None:
    """However it is written; a word that only looks so costs time and changes nothing."""
    rules = {"op": "and", "rules": [{"lhv": lhv, "op": "is blank"}]}
    stops = {"type": "filter", "key": "f", "rule_set": rules, "reason": reason}

    flow, _ = compiled(steps=[{"type": "pool", "key": "us", "pool": "sales"}, stops])

    assert flow.calls_out is led


def test_no_step_stands_in_the_place_of_what_rules_call_otherwise() -> None:
    """Else the answer of a recipient called Lead would be the lead for the steps behind it."""
    asked = {"type": "recipient", "integration": {"module_id": "json", "mappings": []}}
    steps = [
        {**asked, "name": "Lead"},
        {**asked, "name": "Lead", "key": "leads"},
        {"type": "first_success", "key": "firsts", "steps": [{**asked, "key": "bid"}]},
        {"type": "filter", "key": "source", "rule_set": {"op": "and", "rules": []}},
    ]

    _, told = compiled(steps=steps)

    assert told == [
        (
            ("steps", 0, "name"),
            "rules and templates find something else under 'lead'; give the step another key",
        ),
        (
            ("steps", 2, "steps", 0, "key"),
            "rules and templates find something else under 'bid'; give the step another key",
        ),
    ]


def test_a_source_named_twice_is_told() -> None:
    _, told = compiled(
        sources=[
            {"intake": "webhook"},
            {"intake": "webhook", "source_key": "k"},
            {"intake": "webhook", "name": "x"},
            {"name": "own address only"},
        ]
    )

    assert told == [(("sources", 2), "intake 'webhook' is a source of this flow already")]


def test_ids_are_written_or_follow_key_or_content_and_never_collide() -> None:
    step = {"type": "pool", "pool": "sales", "enabled": False}
    steps = [{**step, "id": "written"}, step, step, {**step, "key": "a"}]

    ids = [s.id for s in compiled(steps=steps)[0].steps]
    renamed = [{**step, "key": "a", "pool": SALES.id}]

    assert ids[0] == "written"
    assert len(set(ids)) == 4
    assert compiled(steps=renamed)[0].steps[0].id == ids[3]


RECIPIENT = {
    "type": "recipient",
    "integration": {
        "module_id": "json",
        "mappings": [{"property": "url", "value": "https://x.org"}],
    },
}
NOW = {"op": "and", "rules": [{"lhv": "random", "op": "is not blank"}]}


def inside(kind: str, *steps: dict[str, Any]) -> list[tuple[tuple[str | int, ...], str]]:
    return compiled(steps=[{"type": kind, "steps": list(steps)}])[1]


def test_what_cannot_stand_in_a_step_that_holds_others_is_told() -> None:
    stops = {"type": "filter", "rule_set": NOW}
    assert inside("parallel", RECIPIENT, {"type": "first_success", "steps": [RECIPIENT]}) == []
    assert inside("parallel", RECIPIENT, stops) == [
        (
            ("steps", 0, "steps", 1, "type"),
            (
                "the steps of 'parallel' are taken at once, so a filter among them could stop none "
                "of the others; put it before or behind"
            ),
        )
    ]
    assert inside("parallel", {"type": "parallel", "steps": [RECIPIENT]}) == [
        (
            ("steps", 0, "steps", 0, "type"),
            "its steps are taken at once already; move those of the inner 'parallel' out",
        )
    ]


def test_recipients_of_whom_one_gets_the_lead_are_not_tried_again() -> None:
    step = {**RECIPIENT, "retry_enabled": True}

    assert inside("parallel", step) == []
    assert inside("first_success", step) == [
        (
            ("steps", 0, "steps", 0, "retry_enabled"),
            "the lead goes to the next recipient instead; remove it",
        )
    ]


def test_bidders_bid_and_nobody_else() -> None:
    bid = {**RECIPIENT, "bid": {"integration": RECIPIENT["integration"]}}
    fixed = {**RECIPIENT, "pricing": {"prices": [{"amount": 4}]}}
    place = ("steps", 0, "steps", 0)

    assert inside("auction", bid, fixed) == []
    assert inside("auction", RECIPIENT) == [
        (place, "it bids nothing: add 'bid', how it is asked, or 'pricing.prices'")
    ]
    assert inside("first_success", bid) == [
        ((*place, "bid"), "only recipients in an 'auction' bid; remove it")
    ]


def test_steps_are_numbered_as_they_stand_with_those_inside_of_others() -> None:
    bid = {**RECIPIENT, "bid": {"integration": RECIPIENT["integration"]}}
    flow, told = compiled(
        steps=[RECIPIENT, {"type": "auction", "steps": [bid, bid]}, {**RECIPIENT, "enabled": False}]
    )

    assert told == []
    first, auction, last = flow.steps
    inner = [number for one in auction.steps for number in (one.number, one.bid.number)]  # type: ignore[union-attr]
    assert [first.number, auction.number, *sorted(inner), last.number] == [1, 2, 3, 4, 5, 6, 7]


def test_feedback_with_a_credential_names_it() -> None:
    step = {**RECIPIENT, "feedback": {"auth": "credential"}}

    assert compiled(steps=[step])[1] == [
        (
            ("steps", 0, "feedback", "auth"),
            (
                "name the credential of organization.yaml that the recipient proves itself with: "
                "credential"
            ),
        )
    ]
