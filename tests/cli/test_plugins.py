"""``pointsman plugins``: what the registry knows, told to people and to programs."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from pointsman.cli import main
from pointsman.cli.rows import Row, rows


def test_actions_are_listed_with_summary_and_origin() -> None:
    text = CliRunner().invoke(main, ["plugins", "list"])
    told = json.loads(CliRunner().invoke(main, ["plugins", "list", "--format", "json"]).stdout)

    assert text.exit_code == 0
    names = [action["name"] for action in told]
    assert names == sorted(names)
    assert {"add_tag", "webhook"} <= set(names)
    for action in told:
        assert f"{action['summary']}  [{action['origin']}]" in text.stdout


def test_an_action_is_described_with_its_options() -> None:
    answer = CliRunner().invoke(main, ["plugins", "describe", "webhook"])

    assert answer.exit_code == 0, answer.output
    assert answer.stdout.startswith("webhook  [pointsman.plugins.webhook]\n")
    assert '  method: POST | PUT | PATCH | GET | DELETE (default "POST")\n' in answer.stdout
    assert "(required)\n      Where to send" in answer.stdout
    assert "  auth.credential: " in answer.stdout


def test_an_action_is_described_as_json() -> None:
    answer = CliRunner().invoke(main, ["plugins", "describe", "add_tag", "--format", "json"])

    told = json.loads(answer.stdout)
    assert told["origin"] == "pointsman.plugins.add_tag"
    assert "tag" in told["options"]["properties"]


def test_an_unknown_action_is_told_with_the_nearest_one() -> None:
    answer = CliRunner().invoke(main, ["plugins", "describe", "webhok"])

    assert answer.exit_code == 2
    assert "did you mean 'webhook'?" in answer.stderr


def test_a_schema_becomes_rows_and_one_that_contains_itself_ends() -> None:
    group = {
        "type": "object",
        "properties": {
            "logic": {"enum": ["AND", "OR"], "default": "AND"},
            "of": {"type": "array", "items": {"$ref": "#/$defs/group"}, "description": "More."},
        },
    }
    schema = {"properties": {"top": {"$ref": "#/$defs/group"}}, "$defs": {"group": group}}

    assert list(rows(schema)) == [
        Row("top", "object", "optional", ""),
        Row("top.logic", "AND | OR", 'default "AND"', ""),
        Row("top.of", "list of object", "optional", "More."),
    ]
