from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from pointsman.model import Snapshot, Workflow
from pointsman.workflows.compile import compile_workflow, read_definition

WRITTEN: dict[str, Any] = {
    "name": "Greet",
    "trigger_module": "leads",
    "trigger_type": "lead_created",
    "trigger_filters": {"conditions": [{"field": "source", "operator": "equals", "value": "web"}]},
    "actions": [
        {"action_type": "add_tag", "config": {"tag": "{{trigger.first_name}}"}},
        {"action_type": "add_tag", "config": {"tag": "new"}, "on_error": "continue"},
    ],
}


def compiled(document: Mapping[str, Any]) -> tuple[Workflow, list[tuple[tuple[Any, ...], str]]]:
    problems: list[tuple[tuple[Any, ...], str]] = []
    workflow = compile_workflow(
        file="workflows/greet.yaml",
        document=document,
        workflow_id="w",
        organization_id="o",
        report=lambda path, message: problems.append((path, message)),
    )
    return workflow, problems


def test_a_workflow_is_what_its_file_says() -> None:
    workflow, problems = compiled(WRITTEN)

    assert problems == []
    assert (workflow.name, workflow.trigger_type, workflow.active) == (
        "Greet",
        "lead_created",
        True,
    )
    assert [(action.type, action.on_error) for action in workflow.actions] == [
        ("add_tag", "fail"),
        ("add_tag", "continue"),
    ]
    assert workflow.matches(Snapshot({"source": "web"}))
    assert not workflow.matches(Snapshot({"source": "fair"}))


def test_what_is_left_out_has_its_default() -> None:
    workflow, problems = compiled({"trigger_type": "lead_assigned", "actions": []})

    assert problems == []
    assert (workflow.name, workflow.module, workflow.active) == ("greet", "leads", True)
    assert workflow.matches(Snapshot({}))


def test_the_digest_is_that_of_the_meaning_and_not_of_the_spelling() -> None:
    shuffled = dict(reversed(WRITTEN.items()))
    other = {**WRITTEN, "name": "Greets"}

    assert compiled(WRITTEN)[0].digest == compiled(shuffled)[0].digest
    assert compiled(WRITTEN)[0].digest != compiled(other)[0].digest


def test_switching_a_workflow_off_leaves_its_definition_alone() -> None:
    off = compiled({**WRITTEN, "is_active": False})[0]

    assert (off.active, off.digest) == (False, compiled(WRITTEN)[0].digest)


def test_a_run_reads_its_steps_from_the_definition() -> None:
    workflow, _ = compiled(WRITTEN)

    definition = read_definition(workflow.definition)

    assert (definition.id, definition.name) == ("w", "Greet")
    assert [step.id for step in definition.steps] == [action.id for action in workflow.actions]
    config, missing = definition.steps[0].config.render({"trigger": {"first_name": "Ada"}})
    assert (config, missing) == ({"tag": "Ada"}, [])
    assert orjson.loads(workflow.definition)["v"] == 1


def test_an_action_keeps_its_id_when_others_come_and_go() -> None:
    one, two = (action.id for action in compiled(WRITTEN)[0].actions)
    keyed = {"action_type": "add_tag", "config": {"tag": "x"}, "key": "mark"}
    actions = [{"action_type": "add_tag", "config": {"tag": "first"}}, *WRITTEN["actions"], keyed]

    more = compiled({**WRITTEN, "actions": actions})[0].actions
    renamed = compiled({**WRITTEN, "actions": [{**keyed, "config": {"tag": "y"}}]})[0].actions

    assert [action.id for action in more[1:3]] == [one, two]
    assert more[3].id == renamed[0].id


def test_equal_actions_have_ids_of_their_own() -> None:
    same = {"action_type": "add_tag", "config": {"tag": "x"}}

    workflow, problems = compiled({**WRITTEN, "actions": [same, same]})

    assert problems == []
    assert workflow.actions[0].id != workflow.actions[1].id


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        ({"trigger_type": "task_created"}, ("trigger_type",), "is no event of 'leads'"),
        ({"trigger_module": "tasks"}, ("trigger_type",), "is no event of 'tasks'"),
        (
            {"trigger_filters": {"conditions": [{"field": "a", "operator": "equal", "value": 1}]}},
            ("trigger_filters", "conditions", 0, "operator"),
            "did you mean 'equals'?",
        ),
        (
            {"actions": [{"action_type": "add_tags"}]},
            ("actions", 0, "action_type"),
            "did you mean 'add_tag'?",
        ),
        ({"actions": [{"action_type": "add_tag"}]}, ("actions", 0, "config"), "'tag' or 'tags'"),
        (
            {"actions": [{"action_type": "webhook", "config": {"url": "nope"}}]},
            ("actions", 0, "config", "url"),
            "valid URL",
        ),
        (
            {"actions": [{"action_type": "add_tag", "config": {"tag": "{{lead.name}}"}}]},
            ("actions", 0, "config", "tag"),
            "unknown name 'lead'",
        ),
        (
            {"actions": [{"action_type": "add_tag", "config": {"tag": "{{steps.1.x}}"}}]},
            ("actions", 0, "config", "tag"),
            "not an earlier step",
        ),
        (
            {"actions": [{"id": "a", "action_type": "add_tag", "config": {"tag": "x"}}] * 2},
            ("actions", 0),
            "two actions have the id a",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    changes: dict[str, Any], path: tuple[Any, ...], message: str
) -> None:
    _, problems = compiled({**WRITTEN, **changes})

    assert problems[0][0] == path
    assert message in problems[0][1]


def branch(**inside: Any) -> dict[str, Any]:
    return {"action_type": "branch", "config": {"conditions": {}, **inside}}


def test_actions_inside_of_others_are_steps_in_the_order_of_the_file() -> None:
    tag = {"action_type": "add_tag", "config": {"tag": "x"}}
    inner = branch(**{"then": [tag], "else": [tag, tag]})

    workflow, problems = compiled(
        {**WRITTEN, "actions": [branch(then=[inner, tag]), branch(**{"else": [tag]}), tag]}
    )

    steps = read_definition(workflow.definition).steps
    assert problems == []
    assert [(step.type, step.following, dict(step.branches)) for step in steps] == [
        ("branch", 6, {"then": 1, "else": 6}),
        ("branch", 5, {"then": 2, "else": 3}),
        ("add_tag", 5, {}),
        ("add_tag", 4, {}),
        ("add_tag", 5, {}),
        ("add_tag", 6, {}),
        ("branch", 8, {"then": 8, "else": 7}),
        ("add_tag", 8, {}),
        ("add_tag", 9, {}),
    ]
    assert workflow.actions[4].place == (
        *("actions", 0, "config", "then", 0),
        *("config", "else", 1),
    )
    assert len({step.id for step in steps}) == len(steps)


@pytest.mark.parametrize(
    ("action", "path", "message"),
    [
        (branch(), ("actions", 0, "config"), "'branch' needs actions in then or else"),
        (
            branch(then=[{"action_type": "add_tagg"}]),
            ("actions", 0, "config", "then", 0, "action_type"),
            "did you mean 'add_tag'?",
        ),
        (
            branch(then=[{"action_type": "add_tag", "config": {"tag": "{{steps.2.x}}"}}]),
            ("actions", 0, "config", "then", 0, "config", "tag"),
            "this is step 2",
        ),
        (
            {"action_type": "branch", "config": {"conditions": {"conditions": [1]}, "then": []}},
            ("actions", 0, "config", "conditions"),
            "conditions[0]: expected an object",
        ),
    ],
)
def test_what_is_wrong_inside_of_an_action_is_told_with_its_place(
    action: dict[str, Any], path: tuple[Any, ...], message: str
) -> None:
    _, problems = compiled({**WRITTEN, "actions": [action]})

    assert problems[0][0] == path
    assert message in problems[0][1]


def test_every_problem_is_told_and_not_the_first_one_only() -> None:
    actions = [{"action_type": "nope"}, {"action_type": "add_tag", "config": {"tagg": "x"}}]

    _, problems = compiled({**WRITTEN, "trigger_type": "x", "actions": actions})

    assert len(problems) >= 3
