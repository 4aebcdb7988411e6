from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from pointsman.plugin import Branch
from pointsman.store.redis import RedisStore
from pointsman.testing import Received, action_context, perform, receiver
from working import House, add_tag, engine, make_workflow, organization_with, webhook

RICH = {"conditions": [{"field": "score", "operator": "greater_than", "value": 50}]}
WEB = {"conditions": [{"field": "first_name", "operator": "equals", "value": "Web"}]}


def branch(conditions: dict[str, Any], **inside: Any) -> dict[str, Any]:
    return {"action_type": "branch", "config": {"conditions": conditions, **inside}}


@pytest.mark.parametrize(
    ("conditions", "taken"),
    [
        (RICH, "then"),
        ({"logic": "OR", "conditions": [WEB, RICH]}, "then"),
        ({"logic": "AND", "conditions": [WEB, RICH]}, "else"),
        ({}, "then"),
        ({"conditions": [{"field": "steps.1.status", "operator": "equals", "value": 200}]}, "then"),
        ({"conditions": [{"field": "steps.2.x.0", "operator": "is_empty"}]}, "else"),
        ({"conditions": [{"field": "steps.3.x", "operator": "is_empty"}]}, "then"),
    ],
)
async def test_conditions_decide_by_the_record_and_earlier_steps(
    conditions: dict[str, Any], taken: str
) -> None:
    steps = [{"status": 200}, {"x": ["a"]}]

    async with action_context({"score": "70"}, steps=steps) as context:
        assert await perform("branch", {"conditions": conditions}, context) == Branch(taken)


@pytest.mark.parametrize(
    "conditions",
    [
        None,
        [],
        {"conditions": [{"field": "a", "operator": "equal", "value": 1}]},
        {"conditions": [{"field": "a", "operator": "any_change"}]},
        {"conditions": [{"conditions": [{"field": "a", "operator": "changed_to", "value": 1}]}]},
    ],
)
async def test_conditions_that_cannot_decide_are_refused(conditions: Any) -> None:
    async with action_context() as context:
        with pytest.raises(ValidationError):
            await perform("branch", {"conditions": conditions}, context)


@pytest.mark.parametrize(
    ("lead", "tags", "statuses"),
    [
        ((70, "Web"), ["begin", "rich", "web", "rich-end", "end"], "+++++-+-+"),
        ((70, "Fair"), ["begin", "rich", "no-web", "rich-end", "end"], "++++-++-+"),
        ((10, "Web"), ["begin", "poor", "end"], "++-----++"),
    ],
)
async def test_the_branch_taken_is_run_and_the_other_one_skipped(
    store: RedisStore, redis_url: str, lead: tuple[int, str], tags: list[str], statuses: str
) -> None:
    inner = branch(WEB, **{"then": [add_tag("web")], "else": [add_tag("no-web")]})
    workflow = make_workflow(
        add_tag("begin"),
        branch(
            RICH,
            **{
                "then": [add_tag("rich"), inner, add_tag("rich-end")],
                "else": [add_tag("poor")],
            },
        ),
        add_tag("end"),
    )
    house = House(store, organization_with(workflow))

    async with engine(house, redis_url):
        posted = await house.post(score=lead[0], first_name=lead[1])
        (run,) = await house.finished(workflow)

    kinds = "".join({"succeeded": "+", "skipped": "-"}[step.status] for step in run.steps)
    order = "".join(step.type[0] for step in run.steps)
    assert await house.tags(posted) == tags
    assert run.status == "succeeded"
    assert (order, kinds) == ("ababaaaaa", statuses)
    assert run.steps[1].output == {"branch": "then" if lead[0] > 50 else "else"}


async def test_what_is_last_may_be_skipped_and_a_branch_may_have_one_side_only(
    store: RedisStore, redis_url: str
) -> None:
    workflow = make_workflow(branch(RICH, then=[add_tag("rich"), add_tag("{{steps.1.branch}}")]))
    house = House(store, organization_with(workflow))

    async with engine(house, redis_url):
        poor = await house.post(score=1)
        rich = await house.post(score=99)
        runs = await house.finished(workflow, 2)

    assert await house.tags(poor) == []
    assert await house.tags(rich) == ["rich", "then"]
    steps = {run.record_id: [step.status for step in run.steps] for run in runs}
    assert steps == {
        poor: ["succeeded", "skipped", "skipped"],
        rich: ["succeeded", "succeeded", "succeeded"],
    }
    assert {run.status for run in runs} == {"succeeded"}


async def test_a_branch_goes_on_by_a_job_and_counts_every_step(
    store: RedisStore, redis_url: str
) -> None:
    async def answer(_: Received) -> web.StreamResponse:
        return web.json_response({"tier": "gold"})

    gold = {"conditions": [{"field": "steps.1.body.tier", "operator": "equals", "value": "gold"}]}
    async with receiver(answer) as peer:
        workflow = make_workflow(
            webhook(peer.url),
            branch(gold, **{"then": [add_tag("x")], "else": [webhook(f"{peer.url}else")]}),
            webhook(peer.url, body="{{steps.3.added.0}}{{steps.4.status}}"),
        )
        house = House(store, organization_with(workflow))

        async with engine(house, redis_url):
            await house.post()
            (run,) = await house.finished(workflow)

    assert [step.status for step in run.steps] == [
        "succeeded", "succeeded", "succeeded", "skipped", "succeeded",
    ]  # fmt: skip
    assert [request.headers["webhook-id"] for request in peer.requests] == [
        f"{run.id}:1",
        f"{run.id}:5",
    ]
    assert peer.requests[1].body == b"x"
    assert run.steps[4].missing == ["steps.4.status"]


async def test_a_branch_that_fails_skips_both_sides_if_the_run_may_go_on(
    store: RedisStore, redis_url: str
) -> None:
    big = "{{trigger.first_name}}" * 40
    failing = {"conditions": [{"field": "a", "operator": "equals", "value": big}]}
    workflow = make_workflow(
        {**branch(failing, then=[add_tag("then")]), "on_error": "continue"}, add_tag("end")
    )
    house = House(store, organization_with(workflow))

    async with engine(house, redis_url):
        lead = await house.post(first_name="x" * 50_000)
        (run,) = await house.finished(workflow)

    assert [step.status for step in run.steps] == ["failed", "skipped", "succeeded"]
    assert await house.tags(lead) == ["end"]
