from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.rules.interpolate import compile_template, template_problems

SCOPE: dict[str, Any] = {
    "trigger": {
        "first_name": "Ada",
        "score": 7,
        "vip": True,
        "nothing": None,
        "tags": ["a", "b"],
        "account": {"name": "Lovelace Ltd"},
        "custom_fields": {"favouriteColour": "red"},
    },
    "steps": [{"status": 200, "body": {"id": "x1"}}],
    "workflow": {"id": "w", "name": "Greet"},
    "organization": {"id": "o", "name": "Acme"},
    "now": "2026-06-22T18:04:15.000Z",
    "env": {"SITE": "https://acme.example"},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{trigger.first_name}}", "Ada"),
        ("{{trigger.firstName}}", "Ada"),
        ("{{ trigger.first_name }}", "Ada"),
        ("Hi {{trigger.first_name}}!", "Hi Ada!"),
        ("{{trigger.account.name}}", "Lovelace Ltd"),
        ("{{trigger.tags.0}}", "a"),
        ("{{trigger.customFields.favouriteColour}}", "red"),
        ("{{trigger.score}}", 7),
        ("score {{trigger.score}}", "score 7"),
        ("{{trigger.vip}}", True),
        ("is {{trigger.vip}}", "is true"),
        ("{{trigger.tags}}", ["a", "b"]),
        ("tags {{trigger.tags}}", 'tags ["a","b"]'),
        ("{{trigger.nothing}}", None),
        ("<{{trigger.nothing}}>", "<>"),
        ("{{steps.1.body.id}}", "x1"),
        ("{{workflow.name}} of {{organization.name}}", "Greet of Acme"),
        ("{{now}}", "2026-06-22T18:04:15.000Z"),
        ("{{env.SITE}}/x", "https://acme.example/x"),
        ('{"a":{"b":"{{trigger.score}}"}}', '{"a":{"b":"7"}}'),
        ("no placeholder", "no placeholder"),
        ("{{ }}", "{{ }}"),
        ("{{trigger.first_name", "{{trigger.first_name"),
        (5, 5),
    ],
)
def test_placeholders_stand_for_values(text: Any, value: Any) -> None:
    assert compile_template(text).render(SCOPE) == (value, [])


@pytest.mark.parametrize("text", ["{{trigger.nobody}}", "{{steps.2.status}}", "{{steps.0.status}}"])
def test_what_is_missing_is_empty_text_and_recorded(text: str) -> None:
    path = text[2:-2]

    assert compile_template(text).render(SCOPE) == ("", [path])
    assert compile_template(f"<{text}>").render(SCOPE) == ("<>", [path])


def test_lists_and_objects_are_filled_in_all_the_way_down() -> None:
    written = {"to": ["{{trigger.first_name}}", {"score": "{{trigger.score}}"}], "n": 1}

    value, _ = compile_template(written).render(SCOPE)

    assert value == {"to": ["Ada", {"score": 7}], "n": 1}


@pytest.mark.parametrize(
    "path",
    [
        "trigger.__class__",
        "trigger.first_name.__class__.__mro__",
        "trigger.first_name.upper",
        "trigger.items",
        "trigger.tags.append",
        "trigger.tags.-1",
        "now.__class__",
        "steps.__init__.__globals__",
        "env.HOME",
        "env.__class__",
    ],
)
def test_no_path_reaches_the_inside_of_an_object(path: str) -> None:
    """D9: a template reaches items of the data and nothing else."""
    value, missing = compile_template(f"{{{{{path}}}}}").render(SCOPE)

    assert (value, missing) == ("", [path])


@given(st.text(max_size=20), st.sampled_from(["{{now}}", "{{trigger.score}}", "{{trigger", "}}"]))
def test_braces_inside_the_data_stay_text(text: str, braces: str) -> None:
    """D9: what a placeholder stands for is never evaluated again."""
    hostile = f"{text}{braces}{text}"
    scope = {"trigger": {"name": hostile}}

    assert compile_template("{{trigger.name}}").render(scope)[0] == hostile
    assert compile_template("a{{trigger.name}}b").render(scope)[0] == f"a{hostile}b"
    assert compile_template("{{{{trigger.name}}}}").render(scope)[0] != "{{7}}"


@pytest.mark.parametrize(
    ("written", "place", "message"),
    [
        ({"a": "{{triger.x}}"}, ("a",), "did you mean 'trigger'?"),
        ({"a": ["{{lead.x}}"]}, ("a", 0), "unknown name 'lead'"),
        ({"a": {"b": "{{trigger.x + 1}}"}}, ("a", "b"), "is not a path with filters"),
        ({"a": "{{trigger.x"}, ("a",), "does not end"),
        ({"a": "{{env.A.B}}"}, ("a",), "names no variable"),
        ({"a": "{{env}}"}, ("a",), "names no variable"),
        ({"a": "{{}}"}, ("a",), "is not a path"),
        ({"a": "{{steps.2.x}}"}, ("a",), "not an earlier step"),
        ({"a": "{{steps.0.x}}"}, ("a",), "not an earlier step"),
        ({"a": "{{workflow.nam}}"}, ("a",), "'workflow' has id, name below it"),
        ({"a": "{{now.year}}"}, ("a",), "'now' has nothing below it"),
    ],
)
def test_what_can_be_known_to_be_wrong_is_told(
    written: Any, place: tuple[str | int, ...], message: str
) -> None:
    ((found, told),) = template_problems(written, step=2)

    assert found == place
    assert message in told


def test_nothing_is_wrong_with_what_can_be_filled_in() -> None:
    written = ["{{trigger}}", "{{trigger.x.y.0}}", "{{steps.1.a}}", "{{workflow.name}}", "{{now}}"]

    assert template_problems(written, step=2) == []
