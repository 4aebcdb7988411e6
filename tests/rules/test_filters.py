from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.errors import ActionError
from pointsman.rules.filters import filters
from pointsman.rules.interpolate import LIMIT, compile_template, template_problems


def rendered(expression: str, value: Any, **scope: Any) -> tuple[Any, list[str]]:
    return compile_template(f"{{{{trigger.x | {expression}}}}}").render(
        {"trigger": {"x": value}, **scope}
    )


@pytest.mark.parametrize(
    ("expression", "value", "expected"),
    [
        ('default: "there"', "Ada", "Ada"),
        ('default: "there"', "", "there"),
        ('default: "there"', " \t", "there"),
        ('default: "there"', None, "there"),
        ('default: "there"', [], "there"),
        ('default: "there"', 0, 0),
        ('default: "there"', False, False),
        ("default: 5", None, 5),
        ("default: -1.5", None, -1.5),
        ("default: true", None, True),
        ("default: 'it \"is\" {{x}} | upper'", None, 'it "is" {{x}} | upper'),
        ('default: ""', None, ""),
        ("upper", "straße", "STRASSE"),
        ("upper", 5, 5),
        ("upper", ["a"], ["a"]),
        ("lower", "ADA", "ada"),
        ("title", "mary-jane o'brien", "Mary-Jane O'Brien"),
        ("title", "I DON'T KNOW", "I Don't Know"),
        ("title", "älter als 3a", "Älter Als 3A"),
        ("date", "2026-06-01T23:30:00Z", "2026-06-01"),
        ("date", "2026-06-01", "2026-06-01"),
        ('date: "%d.%m.%Y"', "2026-06-01", "01.06.2026"),
        ('date: "%-d %B %Y, %H:%M"', "2026-06-01T09:05:00Z", "1 June 2026, 09:05"),
        ('date: "%H:%M %Z", "Europe/Berlin"', "2026-06-01T09:05:00Z", "11:05 CEST"),
        ('date: "%Y-%m-%d", "Pacific/Kiritimati"', "2026-06-01", "2026-06-01"),
        ('date: "100%%"', "2026-06-01", "100%"),
        ('date: "%Y"', "0001-01-01T00:00:00+14:00", "1"),
        ("date", "tomorrow", "tomorrow"),
        ("date", 20260601, 20260601),
        ("date", None, None),
        ("number", 1234567, "1,234,567"),
        ("number", "1234.5", "1,234.5"),
        ("number", 1234.0, "1,234"),
        ("number", 0.1, "0.1"),
        ("number: 2", 1234.5, "1,234.50"),
        ("number: 2", 2.675, "2.68"),
        ("number: 0", "1999.6", "2,000"),
        ("number", "many", "many"),
        ("number", "1e999", "1e999"),
        ("number", True, True),
        ("phone", "(312) 555-0101", "+13125550101"),
        ("phone", "+49 30 901820", "+4930901820"),
        ("phone", 3125550101, "+13125550101"),
        ('phone: "national"', "+13125550101", "(312) 555-0101"),
        ('phone: "international"', "3125550101", "+1 312-555-0101"),
        ("phone", "call me", "call me"),
        ("phone", "12", "12"),
        ("phone", None, None),
        ("phone", "9" * 5000, "9" * 5000),
        ('default: "x" | upper', None, "X"),
        ('lower | title|default:"x"', "ADA B", "Ada B"),
    ],
)
def test_a_filter_makes_something_of_a_value(expression: str, value: Any, expected: Any) -> None:
    assert rendered(expression, value) == (expected, [])
    assert template_problems(f"{{{{trigger.x | {expression}}}}}", step=1) == []


def test_times_are_told_in_the_time_zone_of_the_organization() -> None:
    organization = {"time_zone": "America/Chicago"}

    told, _ = rendered('date: "%H:%M"', "2026-06-01T12:00:00Z", organization=organization)

    assert told == "07:00"


def test_a_default_stands_for_what_is_missing_and_nothing_is_recorded() -> None:
    template = compile_template('Hi {{trigger.first_name | default: "there"}}!')

    assert template.render({"trigger": {}}) == ("Hi there!", [])


@pytest.mark.parametrize("name", sorted(set(filters) - {"default"}))
def test_what_is_missing_stays_missing_through_a_filter(name: str) -> None:
    template = compile_template(f"<{{{{trigger.nobody | {filters[name].example}}}}}>")

    assert template.render({"trigger": {}}) == ("<>", ["trigger.nobody"])


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("uper", "unknown filter 'uper'; did you mean 'upper'?"),
        ("__class__", "unknown filter"),
        ("default", "write it as in 'default: \"there\"'"),
        ('default: "a", "b"', "write it as in"),
        ("upper: 1", "write it as in 'upper'"),
        ("default: there", "write it as in"),
        ("default: trigger.y", "write it as in"),
        ("date: x", "is not a path with filters"),
        ("number: 11", "decimals from 0 to 10"),
        ("number: true", "decimals from 0 to 10"),
        ('phone: "e165"', "e164, international, national"),
        ('date: "%Q"', "does not know '%Q'"),
        ('date: "%9999999d"', "does not know '%9'"),
        ('date: "%"', "does not know '%'"),
        ('date: "%H", "Mars/Phobos"', "time zone 'Mars/Phobos'"),
        ('date: "%H", "../../etc/passwd"', "time zone"),
        (f'date: "{"x" * 101}"', "at most 100 characters"),
        (" | ".join(["upper"] * 11), "more than 10 filters"),
        ("upper |", "is not a path with filters"),
        ("upper lower", "is not a path with filters"),
        ('default: "a', "does not end"),
    ],
)
def test_a_filter_that_cannot_work_is_a_problem_and_stays_text(
    expression: str, message: str
) -> None:
    text = f"{{{{trigger.x | {expression}}}}}"

    assert message in template_problems(text, step=1)[0][1]
    assert compile_template(text).render({"trigger": {"x": "a"}}) == (text, [])


@given(st.text(max_size=30))
def test_a_filter_never_looks_at_what_a_value_says(text: str) -> None:
    """D9: no value is evaluated, whatever filters it goes through."""
    hostile = f"{text}{{{{trigger.secret}}}}%(x)s{{0.__class__}}"

    for name in filters:
        told, _ = rendered(filters[name].example, hostile)
        assert str(told).lower() == hostile.lower() or name in {"upper", "title"}


def test_what_a_template_becomes_is_bounded() -> None:
    template = compile_template({"a": ["x{{trigger.x}}"] * 30, "b": "{{trigger.y}}"})

    assert template.render({"trigger": {"x": "a" * 1000, "y": [1]}})[0]["b"] == [1]
    with pytest.raises(ActionError, match="more than 1000000 characters"):
        template.render({"trigger": {"x": "a" * (LIMIT // 20), "y": 1}})
    with pytest.raises(ActionError, match="more than 1000000 characters"):
        template.render({"trigger": {"x": "", "y": ["a" * LIMIT]}})


@pytest.mark.parametrize(
    "hostile",
    [
        "{{" * 100_000,
        "{{a" * 70_000,
        '{{"' * 70_000,
        "{{'\"" * 50_000,
        "{{a|b:" + '"x",' * 40_000,
        "{{a" + " " * 200_000,
        "{{a" + "|a " * 60_000 + "}}",
        "{{" + "a." * 100_000 + "}}",
        "{{a | default: " + "1" * 200_000 + "}}",
    ],
    ids=range(9),
)
def test_a_template_is_read_in_one_pass(hostile: str) -> None:
    begun = time.process_time()

    compile_template(hostile).render({})
    template_problems(hostile, step=1)

    assert time.process_time() - begun < 2
