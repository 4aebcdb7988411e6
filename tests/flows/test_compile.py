from __future__ import annotations

from typing import Any

from pointsman.flows.compile import compile_flow
from pointsman.model import Flow
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
    assert [(s.pool_id, s.enabled) for s in flow.steps] == [(SALES.id, True)]


def test_a_flow_without_fields_keeps_all() -> None:
    assert make_flow([]).fields is None


def test_pools_that_are_not_there_are_told_with_the_nearest_name() -> None:
    _, told = compiled(steps=[{"type": "pool", "pool": "sale"}, {"type": "pool", "pool": "x-y"}])

    assert told == [
        (("steps", 0, "pool"), "no pool 'sale'; did you mean 'sales'?"),
        (("steps", 1, "pool"), "no pool 'x-y'; expected the name of a file in pools/"),
    ]


def test_only_one_pool_step_can_be_enabled() -> None:
    step = {"type": "pool", "pool": "sales"}

    _, fine = compiled(steps=[step, {**step, "enabled": False}])
    _, told = compiled(steps=[step, step])

    assert fine == []
    assert [path for path, _ in told] == [("steps", 1)]


def test_a_source_named_twice_is_told() -> None:
    _, told = compiled(
        sources=[{"intake": "webhook"}, {"intake": "webhook", "source_key": "k"}, {"name": "x"}]
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
