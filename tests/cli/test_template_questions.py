"""``pointsman eval template``."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import shells
from pointsman.cli import main

VARIABLES = {"lead": {"phone_1": "(512) 789-1111", "first_name": "Ada"}, "random": 7}

answers = partial(shells.answers, "template")


def test_every_line_is_answered_in_order() -> None:
    told = answers(
        {"template": "{{lead.phone_1.area}}", "vars": VARIABLES, "types": {"phone_1": "phone"}},
        {"template": "{{lead.phone_1}}", "vars": VARIABLES},
        {"template": "{{lead.phone_1}}", "vars": VARIABLES, "types": {"phone_1": "phone"}},
        {"template": "{{random}}", "vars": VARIABLES},
        {"template": "{{lead}}", "vars": VARIABLES, "types": {"phone_1": "phone"}},
        {
            "template": "{{lead.company.name}} {{lead.x}}",
            "vars": {"lead": {"company": {"name": "Acme"}, "x": ["1", "2"]}},
            "types": {"company.name": "string", "x": "number", "gone": "dob"},
        },
        {"template": '{{math "1 / 0"}}'},
        {"template": "{{x}}", "vars": {"x": None}, "types": None},
        {"template": "no variables"},
    )

    assert [answer["result"] for answer in told] == [
        "512",
        "(512) 789-1111",
        "5127891111",
        7,
        {"phone_1": "5127891111", "first_name": "Ada"},
        "Acme 1,2",
        None,
        None,
        "no variables",
    ]


def test_variables_are_typed_and_named_as_they_are_told() -> None:
    area = "{{phone.area}} {{lead.phone.area}}"
    sent = {"submission": {"timestamp": "2026-03-08T06:59:00.000Z"}}

    told = answers(
        {"template": area, "vars": {"phone": "5127891111"}, "types": {"phone": "phone"}},
        {"template": area, "vars": {"lead.phone": "5127891111"}, "types": {"lead.phone": "phone"}},
        {"template": "{{my_crm.at.raw}}", "vars": {"my_crm": {"at": "6/2/2014"}},
         "types": {"my_crm.at": "date"}},
        {"template": '{{lead.dob.age}} {{format now format="YYYY"}}', "types": {"dob": "dob"},
         "vars": {"lead": {"dob": "3/8/2006"}, **sent}},
        {"template": "{{now}}", "vars": sent},
    )  # fmt: skip

    assert [answer["result"] for answer in told] == [
        "512 ",
        " 512",
        "6/2/2014",
        "20 2026",
        "2026-03-08T06:59:00.000Z",
    ]


def test_a_wrong_line_is_answered_with_an_error_in_its_place() -> None:
    wrong: list[Any] = [
        "nope",
        {},
        {"template": 7},
        {"template": "{{lead.x"},
        {"template": "{{nope lead.x}}"},
        {"template": "{{lead.x}}", "vars": []},
        {"template": "{{lead.x}}", "vars": {"lead": 1}, "types": {"x": "phone"}},
        {"template": "{{lead.x}}", "vars": {"lead": {}}, "types": {"x": "fone"}},
        {"template": "{{lead.x}}", "vars": {"lead": {}}, "types": {"x": 1}},
        {"template": "{{lead.x}}", "vars": {"lead": {}}, "types": {"": "phone"}},
        "[" * 100_000,
    ]

    told = answers(*wrong, {"template": "{{lead.x}}", "vars": {"lead": {"x": 10**30}}})

    assert [set(answer) for answer in told[:-1]] == [{"error"}] * len(wrong)
    assert "did you mean 'phone'" in told[7]["error"]
    assert told[-1] == {"result": 10**30}


def test_one_template_is_tried_on_a_file_with_the_standard_types(tmp_path: Path) -> None:
    file = tmp_path / "vars.json"
    file.write_text(json.dumps(VARIABLES))
    call = ["eval", "template", "{{lead.phone_1.area}} {{lead.first_name}}", "--vars", str(file)]

    standard = CliRunner().invoke(main, call)
    other = CliRunner().invoke(main, [*call, "--types", '{"first_name": "phone"}'])

    assert json.loads(standard.stdout) == {"result": "512 Ada"}
    assert json.loads(other.stdout) == {"result": " Ada"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "give a template"),
        (["{{x"], "close it with"),
        (["{{x}}", "--vars", "/no/such/file"], "No such file"),
        (["{{x}}", "--vars", "{"], "--vars"),
        (["{{x}}", "--vars", "{}", "--types", '{"x": "y"}', "--vars", '{"lead": {}}'], "types.x"),
    ],
)
def test_wrong_usage_says_what_to_do(arguments: list[str], told: str) -> None:
    answer = CliRunner().invoke(main, ["eval", "template", *arguments])

    assert answer.exit_code == 2
    assert told in answer.output


def test_nothing_large_is_loaded_to_answer() -> None:
    """The command answers in under half a second because it loads little."""
    script = (
        "import sys; from pointsman.cli import main; "
        "main(sys.argv[1:], standalone_mode=False); "
        "large = {'pydantic', 'aiohttp', 'redis', 'docket', 'structlog', 'lxml', 're2', 'Crypto'}; "
        "sys.stderr.write(str(sorted(large & set(sys.modules))))"
    )
    asked = ["eval", "template", '{{format now format="LT"}} {{math "1+1"}} {{md5 "x"}}']

    done = subprocess.run(
        [sys.executable, "-c", script, *asked], capture_output=True, text=True, check=True
    )

    assert json.loads(done.stdout)["result"].endswith("9dd4e461268c8034f5c8564e155c67a6")
    assert done.stderr == "[]"
