"""``pointsman eval condition`` and ``pointsman eval interpolate``."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from typer.testing import CliRunner

from pointsman.cli import main
from shells import answers

WON = {"conditions": [{"field": "stage", "operator": "changed_to", "value": "won"}]}


def test_a_record_passes_or_does_not() -> None:
    filters = {
        "logic": "OR",
        "conditions": [
            {"field": "firstName", "operator": "equals", "value": "ada", "ignore_case": True},
            {"logic": "AND", "conditions": [{"field": "score", "operator": "in", "value": [1]}]},
        ],
    }

    told = answers(
        "condition",
        {"filters": filters, "current": {"first_name": "Ada"}},
        {"filters": filters, "current": {"score": "1"}},
        {"filters": filters, "current": {"score": True}},
        {"filters": {}, "current": {}},
        {"current": {}},
    )

    assert told == [{"passes": expected} for expected in (True, True, False, True, True)]


def test_a_record_without_a_previous_one_is_new() -> None:
    told = answers(
        "condition",
        {"filters": WON, "current": {"stage": "won"}},
        {"filters": WON, "current": {"stage": "won"}, "previous": {"stage": "won"}},
        {"filters": WON, "current": {"stage": "won"}, "previous": {}},
        {"filters": WON, "current": {"stage": "won"}, "previous": None},
    )

    assert [answer["passes"] for answer in told] == [True, False, True, True]


def test_every_wrong_question_is_answered_with_an_error_in_its_place() -> None:
    wrong = [
        "nope",
        "[]",
        "{}",
        {"current": []},
        {"current": {}, "previous": 1},
        {"current": {}, "filters": []},
        {"current": {}, "filters": {"field": "a", "operator": "is_empty"}},
        {"current": {}, "filters": {"conditions": "a"}},
        {"current": {}, "filters": {"conditions": [1]}},
        {"current": {}, "filters": {"logic": "XOR", "conditions": []}},
        {"current": {}, "filters": {"conditions": [{"field": "a", "operator": ["x"]}]}},
        {"current": {}, "filters": {"conditions": [{"field": ["a"], "operator": "is_empty"}]}},
        {"current": {}, "filters": {"conditions": [{"field": "a", "operator": "in", "value": 1}]}},
        '{"current": {}, "filters": ' + '{"conditions": [' * 50_000 + "]}" * 50_000 + "}",
    ]

    told = answers("condition", *wrong, {"current": {}})

    assert [set(answer) for answer in told[:-1]] == [{"error"}] * len(wrong)
    assert told[-1] == {"passes": True}


def test_an_error_says_where_and_what() -> None:
    filters = {"conditions": [{"conditions": [{"field": "a", "operator": "equal", "value": 1}]}]}

    (told,) = answers("condition", {"filters": filters, "current": {}})

    assert told["error"].startswith(
        "filters.conditions[0].conditions[0].operator: unknown operator 'equal'; did you mean"
    )


def test_placeholders_become_what_they_stand_for() -> None:
    trigger = {"first_name": "Ada", "tags": ["a", "b"], "hostile": "{{trigger.first_name}}"}

    told = answers(
        "interpolate",
        {"template": "Hi {{trigger.firstName}}", "trigger": trigger},
        {"template": "{{trigger.tags}}", "trigger": trigger},
        {"template": "{{trigger.tags.1}}!", "trigger": trigger},
        {"template": "<{{trigger.hostile}}>", "trigger": trigger},
        {"template": "{{trigger.nobody}}", "trigger": trigger},
        {"template": "{{steps.1.id}}", "steps": [{"id": 5}]},
        {"template": "{{steps.2.id}}", "steps": {"1": {}, "2": {"id": 6}}},
        {"template": {"a": ["{{trigger.x | default: 'y'}}"]}},
        {"template": "{{env.A}} {{organization.name}}", "env": {"A": 1}, "organization": {}},
        {"template": 5},
    )

    assert [answer["result"] for answer in told] == [
        "Hi Ada",
        ["a", "b"],
        "b!",
        "<{{trigger.first_name}}>",
        "",
        5,
        6,
        {"a": ["y"]},
        "1 ",
        5,
    ]


def test_a_step_that_is_not_there_is_as_empty_as_a_field() -> None:
    told = answers(
        "interpolate",
        {"template": "<{{steps.2.id}}>", "steps": [{"id": "a"}]},
        {"template": "{{steps.1.id}}"},
        {"template": "{{steps.3.id}}", "steps": {"3": {"id": "c"}, "x": 1}},
    )

    assert [answer["result"] for answer in told] == ["<>", "", "c"]


def test_a_value_that_says_nothing_may_stand_where_none_is_taken() -> None:
    values: tuple[Any, ...] = ("", None, [])
    blank = [{"field": "x", "operator": "is_empty", "value": value} for value in values]

    told = answers("condition", {"filters": {"conditions": blank}, "current": {}})

    assert told == [{"passes": True}]


def test_conditions_nested_without_end_are_told() -> None:
    deep = '{"filters": ' + '{"conditions": [' * 300 + "]}" * 300 + ', "current": {}}'

    told = answers("condition", deep, {"filters": {}, "current": {}})

    assert "nested deeper than 100 levels" in told[0]["error"]
    assert told[1] == {"passes": True}


def test_what_a_file_would_be_refused_for_is_an_error() -> None:
    wrong = [
        {},
        {"template": "{{lead.x}}"},
        {"template": "{{steps.0.x}}", "steps": [{}]},
        {"template": "{{trigger.x | nope}}"},
        {"template": "{{trigger.x"},
        {"template": "{{trigger}}", "trigger": []},
        {"template": "{{trigger}}", "steps": 5},
        {"template": "{{trigger.x}}" * 3, "trigger": {"x": "x" * 400_000}},
        '{"template": "{{trigger.x}}", "trigger": {"x": 1e999}}',
    ]

    told = answers("interpolate", *wrong, {"template": "{{trigger.x}}", "trigger": {"x": 10**30}})

    assert [set(answer) for answer in told[:-1]] == [{"error"}] * len(wrong)
    assert told[-1] == {"result": 10**30}


def test_one_question_can_stand_in_the_command_line() -> None:
    asked = json.dumps({"template": "{{trigger.x}}", "trigger": {"x": 1}})

    answer = CliRunner().invoke(main, ["eval", "interpolate", asked])

    assert (answer.exit_code, json.loads(answer.stdout)) == (0, {"result": 1})


@pytest.mark.parametrize("arguments", [[], ["nope"], ["[]"], ['{"current": 1}']])
def test_wrong_usage_says_what_to_do(arguments: list[str]) -> None:
    answer = CliRunner().invoke(main, ["eval", "condition", *arguments])

    assert answer.exit_code == 2
    assert "QUESTION" in answer.output


@pytest.mark.parametrize("command", ["condition", "interpolate"])
def test_an_answer_comes_before_the_next_question_and_nothing_large_is_loaded(command: str) -> None:
    script = (
        "import sys; from pointsman.cli import main; main(standalone_mode=False); "
        "large = {'pydantic', 'aiohttp', 'redis', 'docket'}; "
        "sys.stderr.write(str(sorted(large & set(sys.modules))))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, "eval", command, "--jsonl"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        for _ in range(2):
            process.stdin.write('{"current": {}, "template": "{{now}}"}\n')
            process.stdin.flush()
            assert set(json.loads(process.stdout.readline())) <= {"passes", "result"}
        process.stdin.close()
        assert process.stderr.read() == "[]"
