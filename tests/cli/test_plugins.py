"""``pointsman plugins``: what the registry knows, told to people and to programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pointsman.cli import main
from pointsman.cli.rows import Row, rows
from pointsman.registry import Stage
from trees import write

FILES = ("acme_sms.py", "test_acme_sms.py", "README.md")
USES = """\
name: Say
trigger_module: leads
trigger_type: lead_created
actions: [{action_type: acme_say}]
"""


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


DROPPED = '''
from pointsman.plugin import (
    ActionContext, Event, Options, SinkContext, StepContext, action, sink, step
)
from pydantic import Field

class Model(Options):
    """Options."""

    model: str = Field(description="Which model to ask.")

@step("acme_score")
async def acme_score(options: Model, context: StepContext) -> None:
    """Score it."""

@action("acme_say")
async def acme_say(options: Options, context: ActionContext) -> None:
    """Say it."""

@sink("acme_audit", events=("lead_assigned",))
async def acme_audit(event: Event, context: SinkContext) -> None:
    """Write down who got what."""
'''


PLATE = '''
from pointsman.fields.types import Value, field_type

@field_type("acme_plate")
def plate(posted, now):
    """Read a licence plate."""
    text = "".join(c for c in str(posted).upper() if c.isalnum())
    return Value(posted, text, valid=True)
'''


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "acme_say.py").write_text(DROPPED)
    yield folder
    Stage().adopt()


def test_what_is_dropped_in_is_listed_described_and_in_the_schema(folder: Path) -> None:
    given = ["--plugins-dir", str(folder)]
    listed = CliRunner().invoke(main, ["plugins", "list", *given])
    described = CliRunner().invoke(main, ["plugins", "describe", "acme_audit", *given])
    told = CliRunner().invoke(
        main, ["plugins", "describe", "acme_audit", "--format", "json", *given]
    )
    schema = CliRunner().invoke(main, ["schema", "workflow", *given])

    assert f"  Say it.  [{folder}/acme_say.py]\n" in listed.stdout
    assert f"  sink: Write down who got what.  [{folder}/acme_say.py]\n" in listed.stdout
    assert described.stdout.startswith(f"acme_audit  [{folder}/acme_say.py], sink\n")
    assert json.loads(told.stdout)["events"] == ["lead_assigned"]
    assert "acme_say" in json.loads(schema.stdout)["$defs"]["action_type"]["enum"]


def test_what_is_wrong_with_a_dropped_in_file_is_told_and_the_rest_is_listed(folder: Path) -> None:
    (folder / "acme_two.py").write_text("1 / 0")

    answer = CliRunner().invoke(main, ["plugins", "list", "--plugins-dir", str(folder)])

    assert "acme_say" in answer.stdout
    assert answer.stderr.startswith(f"{folder}/acme_two.py:1:1: cannot be imported: Zero")


def test_check_tells_of_plugins_and_of_who_uses_them(folder: Path, tmp_path: Path) -> None:
    root = write(tmp_path / "tree", {"workflows/say.yaml": USES})
    given = [str(root), "--plugins-dir", str(folder)]

    assert CliRunner().invoke(main, ["check", *given]).exit_code == 0
    (folder / "acme_say.py").write_text("def f(:")
    answer = CliRunner().invoke(main, ["check", *given])

    assert answer.exit_code == 1
    assert f"{folder}/acme_say.py:1:7: is no Python: invalid syntax" in answer.stdout
    assert "actions[0].action_type: 'acme_say' is not known here" in answer.stdout


def test_an_operator_is_described_too() -> None:
    answer = CliRunner().invoke(main, ["plugins", "describe", "equals"])

    assert answer.stdout.startswith("equals  [pointsman.rules.operators], operator\n")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("sms", "'sms' is no name for a plugin; write who and what, such as acme_sms"),
        ("Acme-SMS", "is no name for a plugin"),
        ("add_tag", "there is an action 'add_tag' already"),
        ("acme_sms", "is there already; choose another name or another place"),
    ],
)
def test_a_plugin_is_not_begun_under_a_name_that_cannot_be(
    tmp_path: Path, name: str, told: str
) -> None:
    """That what it writes passes its test is tested with the documentation."""
    (tmp_path / "acme_sms").mkdir()

    answer = CliRunner().invoke(main, ["plugins", "new", name, "--in", str(tmp_path)])

    assert answer.exit_code == 1
    assert told in answer.stderr


def test_a_step_that_is_dropped_in_is_listed_described_and_in_the_schema(folder: Path) -> None:
    given = ["--plugins-dir", str(folder)]
    listed = CliRunner().invoke(main, ["plugins", "list", *given])
    described = CliRunner().invoke(main, ["plugins", "describe", "acme_score", *given])
    schema = CliRunner().invoke(main, ["schema", "flow", *given])

    assert "step type: Score it.  [" in listed.stdout
    assert described.stdout.partition("\n")[0].endswith("acme_say.py], step type")
    assert "  model: string (required)\n      Which model to ask." in described.stdout
    assert "Options of acme_score: Score it." in schema.stdout


def test_a_new_plugin_can_be_a_step(tmp_path: Path) -> None:
    call = ["plugins", "new", "acme_score", "--kind", "step", "--in", str(tmp_path)]
    answer = CliRunner().invoke(main, call)

    assert answer.exit_code == 0, answer.output
    assert '@step("acme_score"' in (tmp_path / "acme_score/acme_score.py").read_text()


def test_a_new_plugin_is_a_folder_of_three_files(tmp_path: Path) -> None:
    answer = CliRunner().invoke(main, ["plugins", "new", "acme_sms", "--in", str(tmp_path)])

    names = [str(tmp_path / "acme_sms" / name) for name in FILES]
    assert (answer.exit_code, answer.stdout.split()) == (0, names)
    assert answer.stderr == f"Try it: python -m pytest {tmp_path / 'acme_sms'}\n"


def test_eval_knows_the_types_and_operators_that_are_dropped_in(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "acme_plate.py").write_text(PLATE)
    monkeypatch.setenv("POINTSMAN_PLUGINS_DIR", str(folder))

    answer = CliRunner().invoke(main, ["eval", "field", "acme_plate", "m-ab 123"])

    assert answer.exit_code == 0, answer.output
    assert '"MAB123"' in answer.stdout
