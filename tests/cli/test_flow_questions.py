"""``pointsman eval rule``."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

import shells
from pointsman.cli import main

TEXAS = {"lhv": "lead.state", "op": "is equal to", "rhv": "TX"}
ADULT = {"lhv": "lead.dob.age", "op": "is greater than or equal to", "rhv": 18}

answers = partial(shells.answers, "rule")


def test_a_lead_passes_or_the_reason_says_why_not() -> None:
    both = {"op": "and", "rules": [TEXAS, ADULT]}
    types = {"dob": "dob"}

    told = answers(
        {"rule": TEXAS, "lead": {"state": "texas"}, "types": {"state": "state"}},
        {"rule": TEXAS, "lead": {"state": "florida"}, "types": {"state": "state"}},
        {"rule": both, "lead": {"state": "TX", "dob": "6/2/1980"}, "types": types},
        {"rule": both, "lead": {"state": "TX", "dob": "6/2/2020"}, "types": types},
        {"rule": {}, "lead": {}},
        {"rule": None},
    )

    assert told == [
        {"passes": True, "reason": None},
        {"passes": False, "reason": "lead.state must be equal to TX"},
        {"passes": True, "reason": None},
        {"passes": False, "reason": "lead.dob.age must be greater than or equal to 18"},
        {"passes": True, "reason": None},
        {"passes": True, "reason": None},
    ]


def test_now_is_when_the_lead_was_submitted() -> None:
    recent = {"lhv": "lead.moved", "op": "is within the last", "rhv": "30 days"}
    question = {"rule": recent, "lead": {"moved": "10/30/2026"}, "types": {"moved": "date"}}
    clock = {"lhv": "submission.timestamp", "op": "is less than", "rhv": "2026-12-01"}

    told = answers(
        {**question, "submission": {"timestamp": "2026-11-21T12:00:00Z"}},
        {**question, "submission": {"timestamp": "2026-12-21T12:00:00Z"}},
        {"rule": clock, "submission": {"timestamp": "2026-11-21T12:00:00Z"}},
        {"rule": {"lhv": "submission.ip", "op": "is blank"}, "submission": None},
    )

    assert [answer["passes"] for answer in told] == [True, False, True, True]


def test_fields_are_the_standard_ones_unless_types_says_otherwise() -> None:
    area = {"lhv": "lead.phone_1.area", "op": "is equal to", "rhv": "512"}
    lead = {"phone_1": "(512) 789-1111"}

    told = answers(
        {"rule": area, "lead": lead},
        {"rule": area, "lead": lead, "types": {"phone_1": "string"}},
        {"rule": {"lhv": "lead.mine", "op": "is less than", "rhv": 5}, "lead": {"mine": "4"}},
        {"rule": {"lhv": "random", "op": "is less than", "rhv": 5}, "random": 4},
    )

    assert [answer.get("passes") for answer in told] == [True, None, True, True]
    assert told[1]["error"].startswith("rule.lhv: 'phone_1' is of type string, which has no")


def test_types_that_are_named_are_all_that_there_are() -> None:
    """What a question says of its fields is not mixed with what they are called elsewhere."""
    state = {"rule": {**TEXAS, "lhv": "{{ lead.state }}"}, "lead": {"state": "Texas"}}
    older = {"lhv": "lead.is_test", "op": "is less than", "rhv": 5}

    told = answers(
        state,
        {**state, "types": {}},
        {**state, "types": {"lead.state": "state"}},
        {"rule": older, "lead": {"is_test": "4"}, "types": {"state": "state"}},
    )

    assert [answer["passes"] for answer in told] == [True, False, True, True]
    assert told[1]["reason"] == "lead.state must be equal to TX"


def test_every_wrong_question_is_answered_with_an_error_in_its_place() -> None:
    wrong = [
        "nope",
        "[]",
        "{}",
        {"rule": 5},
        {"rule": []},
        {"rule": {"lhv": "lead.state"}},
        {"rule": {"lhv": ["lead.state"], "op": ["is blank"]}},
        {"rule": {"lhv": "lead.state", "op": "is equal to"}},
        {"rule": {"lhv": "lead.state", "op": "is less than", "rhv": 1}},
        {"rule": {"op": "and", "rules": {}}},
        {"rule": TEXAS, "lead": []},
        {"rule": TEXAS, "types": []},
        {"rule": TEXAS, "types": {"state": ["state"]}},
        {"rule": TEXAS, "types": {"state": "stat"}},
        {"rule": TEXAS, "submission": 5},
        {"rule": TEXAS, "submission": {"timestamp": "soon"}},
        {"rule": TEXAS, "submission": {"timestamp": [1]}},
        '{"rule": ' + '{"op": "and", "rules": [' * 100 + "]}" * 100 + "}",
        '{"rule": ' + '{"op": "and", "rules": [' * 50_000 + "]}" * 50_000 + "}",
        '{"rule": {"lhv": "lead.state", "op": "is equal to", "rhv": NaN}}',
    ]

    told = answers(*wrong, {"rule": TEXAS, "lead": {"state": "TX"}})

    assert [set(answer) for answer in told[:-1]] == [{"error"}] * len(wrong)
    assert told[-1] == {"passes": True, "reason": None}


def test_hostile_leads_are_answered() -> None:
    rule = {"lhv": "lead.x", "op": "matches pattern", "rhv": "/(a+)+$/"}
    lead = '{"x": "' + "a" * 60_000 + '!"}'

    told = answers(
        '{"rule": ' + json.dumps(rule) + ', "lead": ' + lead + "}",
        '{"rule": {"lhv": "lead.x", "op": "is less than", "rhv": 5}, "lead": {"x": 1e999}}',
        {"rule": {**TEXAS, "rhv": "\ud800"}, "lead": {"state": "\ud800"}},
    )

    assert [answer["passes"] for answer in told] == [False, False, True]


def test_numbers_and_times_beyond_all_bounds_are_answered() -> None:
    huge, late = 10**400, "9999-12-31T23:59:59-23:59"
    less = {"lhv": "lead.x", "op": "is less than", "rhv": huge}
    shown = {**less, "lhv": '{{format lead.x format="0,0.00 a"}}'}
    recent = {"lhv": "lead.x", "op": "is within the last", "rhv": "999999 years"}

    told = answers(
        {"rule": less, "lead": {"x": huge}, "types": {"x": "number"}},
        {"rule": less, "lead": {"x": 1}, "types": {}},
        {"rule": shown, "lead": {"x": huge}, "types": {}},
        {"rule": recent, "lead": {"x": late}, "submission": {"timestamp": late}},
    )

    assert [answer["passes"] for answer in told] == [False, True, False, True]


def test_a_rule_can_stand_in_the_command_line(tmp_path: Path) -> None:
    lead = tmp_path / "lead.json"
    lead.write_text('{"state": "FL", "roof_age": "20 years", "ssn": "123-45-6789"}')
    types = '{"roof_age": "number"}'
    known = {"lhv": "lead.ssn", "op": "is not blank"}
    old = {"lhv": "lead.roof_age", "op": "is less than", "rhv": 10}
    asked = json.dumps({"op": "and", "rules": [known, old]})

    told = CliRunner().invoke(
        main, ["eval", "rule", asked, "--lead", str(lead), "--types", types, "--trace"]
    )

    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout) == {
        "passes": False,
        "reason": "lead.roof_age must be less than 10",
        "trace": [
            {
                "path": "rule.rules[0]",
                "lhv": "lead.ssn",
                "op": "is not blank",
                "actual": "*********",
                "expected": None,
                "result": True,
            },
            {
                "path": "rule.rules[1]",
                "lhv": "lead.roof_age",
                "op": "is less than",
                "actual": 20,
                "expected": 10,
                "result": False,
            },
        ],
    }


@pytest.mark.parametrize(
    "arguments", [[], ["nope"], ["[]"], ['{"lhv": "lead.x"}'], [json.dumps(TEXAS), "--types", "["]]
)
def test_wrong_usage_says_what_to_do(arguments: list[str]) -> None:
    answer = CliRunner().invoke(main, ["eval", "rule", *arguments])

    assert answer.exit_code == 2
    assert "RULE" in answer.output


def test_an_answer_comes_before_the_next_question_and_nothing_large_is_loaded() -> None:
    """The command starts in under half a second."""
    script = (
        "import sys; from pointsman.cli import main; main(standalone_mode=False); "
        "large = {'pydantic', 'aiohttp', 'redis', 'docket', 'phonenumbers', 're2'}; "
        "sys.stderr.write(str(sorted(large & set(sys.modules))))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, "eval", "rule", "--jsonl"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        for state in ("TX", "FL"):
            process.stdin.write(json.dumps({"rule": TEXAS, "lead": {"state": state}}) + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["passes"] is (state == "TX")
        process.stdin.close()
        assert process.stderr.read() == "[]"


def test_a_lead_can_stand_in_the_command_line_and_loads_nothing_large() -> None:
    """A rule about one field is answered in under half a second."""
    script = (
        "import sys; from pointsman.cli import main; "
        "main(sys.argv[1:], standalone_mode=False); "
        "sys.stderr.write(str(sorted({'pydantic', 'aiohttp', 'redis', 're2'} & set(sys.modules))))"
    )
    area = json.dumps({"lhv": "lead.phone_1.area", "op": "is equal to", "rhv": "512"})
    asked = ["eval", "rule", area, "--lead", '{"phone_1": "(512) 789-1111"}']

    done = subprocess.run(
        [sys.executable, "-c", script, *asked], capture_output=True, text=True, check=True
    )

    assert json.loads(done.stdout)["passes"] is True
    assert done.stderr == "[]"
