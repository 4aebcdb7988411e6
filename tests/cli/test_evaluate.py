"""``pointsman eval``: field types tried from the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from typer.testing import CliRunner

from pointsman.cli import main
from pointsman.cli.lines import answer_lines

PHONE = {
    "string": "5127891111x12",
    "value": "5127891111x12",
    "valid": True,
    "raw": "(512) 789-1111 x12",
    "masked": None,
    "area": "512",
    "exchange": "789",
    "line": "1111",
    "number": "7891111",
    "extension": "12",
    "country_code": "US",
    "country_calling_code": 1,
    "type": None,
    "is_tollfree": False,
}


def told(*arguments: str) -> Any:
    answer = CliRunner().invoke(main, ["eval", "field", *arguments])
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def answers(text: str | bytes, *arguments: str) -> list[Any]:
    answer = CliRunner().invoke(main, ["eval", "field", "--jsonl", *arguments], input=text)
    assert answer.exit_code == 0, answer.output
    return [json.loads(line) for line in answer.stdout.splitlines()]


def test_a_value_is_told_with_every_attribute() -> None:
    assert told("phone", "(512) 789-1111 x12") == PHONE


def test_words_count_from_the_given_time() -> None:
    assert told("time", "tomorrow 9am", "--now", "2026-11-21T12:00:00Z")["string"] == (
        "2026-11-22T09:00:00.000Z"
    )
    assert told("dob", "6/2/1980", "--now", "2026-11-21")["age"] == 46.4


def test_masked_shows_what_events_keep() -> None:
    assert told("ssn", "123-45-6789", "--masked") == {
        "string": "*********",
        "value": "*********",
        "valid": True,
        "raw": "***********",
        "masked": True,
        "first_three": "***",
        "middle_two": "**",
        "last_four": "****",
    }
    assert told("city", "Austin", "--masked")["string"] == "Austin"


def test_whole_numbers_have_no_fraction_and_no_exponent() -> None:
    found = answers(
        '{"type": "number", "input": "12345678901234567890"}\n{"type": "number", "input": 5.0}\n'
    )

    assert [answer["value"] for answer in found] == [12345678901234567000, 5]
    assert told("range", "1.5-2.5")["max"] == 2.5


def test_no_value_is_nothing() -> None:
    assert told("phone") == dict.fromkeys(("string", "value", "valid", "raw", "masked"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fone", "x"], "unknown field type 'fone'; did you mean 'phone'?"),
        ([], "give a field type, or --jsonl"),
        (["dob", "x", "--now", "soon"], "now: expected a time such as 2026-01-31T09:00:00Z"),
    ],
)
def test_wrong_usage_says_what_to_do(arguments: list[str], message: str) -> None:
    answer = CliRunner().invoke(main, ["eval", "field", *arguments])

    assert answer.exit_code == 2
    assert message in " ".join(answer.output.split())


def test_every_line_gets_one_answer_in_order_whatever_is_wrong_with_it() -> None:
    lines = [
        '{"type": "phone", "input": "(512) 789-1111 x12"}',
        "",
        "nope",
        "[1]",
        "{}",
        '{"type": "fone", "input": "x"}',
        '{"type": ["phone"], "input": "x"}',
        '{"type": "dob", "input": "6/2/1980", "options": {"now": "2026-11-21T12:00:00Z"}}',
        '{"type": "dob", "input": "6/2/1980", "options": {"now": 5}}',
        '{"type": "dob", "input": "6/2/1980", "options": []}',
        '{"type": "dob", "input": "6/2/1980", "options": 5}',
        '{"type": "number", "input": "many"}',
        '{"type": "number", "input": NaN}',
        '{"type": "number", "input": 1e999}',
        '{"type": "string", "input": [1e999]}',
        '{"type": "string"}',
        '{"type": "number", "input": ' + "9" * 5_000 + "}",
        '{"type": "number", "input": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"type": "string", "input": "\\ud800 é"}',
        '{"type": "boolean", "input": "yes"}',
    ]

    found = answers("\n".join(lines))

    assert found[0] == PHONE
    assert found[7]["age"] == 46.4
    assert (found[11]["value"], found[11]["string"]) == (None, "NaN")
    assert (found[13]["value"], found[13]["valid"]) == (None, False)
    assert found[18]["string"] == "\ud800 é"
    assert found[19]["value"] is True
    assert [place for place, answer in enumerate(found) if set(answer) == {"error"}] == [
        *range(1, 7), 8, 10, 12, 16, 17,
    ]  # fmt: skip
    assert len(found) == len(lines)


def test_a_line_that_is_no_text_is_answered_too() -> None:
    found = answers(b'\xff\xfe\n{"type": "string", "input": "a"}\n')

    assert set(found[0]) == {"error"}
    assert found[1]["string"] == "a"


def test_lines_without_a_time_take_that_of_the_option() -> None:
    line = '{"type": "time", "input": "now"}'

    assert answers(line, "--now", "2026-01-31T09:00:00Z")[0]["string"] == "2026-01-31T09:00:00.000Z"


def test_an_answer_is_written_before_the_next_line_is_read() -> None:
    """So a program can hold a conversation over pipes."""
    program = [sys.executable, "-m", "pointsman", "eval", "field", "--jsonl"]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for value, normal in (("m", "male"), ("F", "female")):
            question = {"type": "gender", "input": value}
            process.stdin.write(json.dumps(question).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["string"] == normal
        process.stdin.close()
        assert process.wait(30) == 0


def test_libraries_of_other_types_are_not_loaded() -> None:
    """The command starts in under half a second."""
    code = (
        "import sys; sys.argv = ['pointsman', 'eval', 'field', 'boolean', 'yes']\n"
        "from pointsman.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = ('phonenumbers', 'ada_url', 'disposable_email_domains', 'aiohttp', 'pydantic')\n"
        "print(*(name for name in heavy if name in sys.modules), file=sys.stderr)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )

    assert answer.stderr == "\n"


def test_a_closed_input_has_no_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)

    answer_lines(lambda question: question)
