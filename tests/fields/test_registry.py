"""What every field type owes to rules, templates and whoever writes the next one."""

from __future__ import annotations

import math
import time
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.fields.text import as_text
from pointsman.fields.types import Value, field_types
from readings import JSON, NOW, TEXTS

KINDS = sorted(field_types)

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "boolean": (),
    "city": ("raw",),
    "credential": (),
    "date": ("raw",),
    "dob": ("raw", "age", "year"),
    "email": ("raw", "user", "domain", "host", "tld", "is_free", "is_disposable"),
    "first_name": ("raw",),
    "gender": ("raw", "abbr"),
    "ip": ("raw", "is_ipv4", "ipv6_format"),
    "last_name": ("raw",),
    "number": (),
    "phone": (
        "raw",
        "area",
        "exchange",
        "line",
        "number",
        "extension",
        "country_code",
        "country_calling_code",
        "type",
        "is_tollfree",
    ),
    "postal_code": ("raw", "country_code", "zip", "four", "fsa", "ldu", "outcode", "incode"),
    "range": ("raw", "mid", "max", "min", "avg"),
    "ssn": ("raw", "first_three", "middle_two", "last_four"),
    "state": ("raw", "name"),
    "street": ("raw", "number", "name"),
    "string": (),
    "time": ("raw",),
    "trustedform_url": (
        "raw",
        "type",
        "cert_id",
        "is_masked",
        "is_web",
        "is_mobile",
        "is_facebook",
        "host",
        "path",
    ),
    "url": ("raw", "protocol", "host", "port", "path", "query", "hash"),
}
"""What rules may ask a value of each type for, as the public table of types has it."""

BESIDES = {"postal_code": {"code", "district"}}
"""Attributes that the public types have and their table does not name."""

MASKED = {"credential", "dob", "ssn"}

FIXED_POINTS = sorted(set(KINDS) - {"phone"})
"""Types whose normal form is read as itself; a phone of another country has lost its code."""

HOSTILE = [
    "1" * 70_000,
    "a" * 70_000,
    " " * 70_000,
    "-" * 70_000,
    "1 " * 35_000,
    "1-" * 35_000,
    "(" * 70_000,
    "()" * 35_000,
    "<a@" * 23_000,
    '"\\' * 35_000,
    "a@" + "a." * 35_000,
    "http://" + "a." * 35_000,
    "http://" + "[" * 70_000,
    "+1" * 35_000,
    "5127891111" + "x" * 70_000,
    "5127891111" + " " * 70_000 + "m",
    "*" * 70_000,
    "jun " * 17_000,
    "in in in 1 " * 6_000,
    "12:" * 23_000,
    "::" * 35_000,
    "1.2.3.4" * 10_000,
    "2015-07-25" * 7_000,
    "\ud800" * 70_000,
    "\U0001f600" * 30_000,
]


def test_every_type_is_built() -> None:
    assert sorted(ATTRIBUTES) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_attributes_are_those_of_the_public_table(kind: str) -> None:
    known = tuple(field_types[kind].attributes)

    assert known[: len(ATTRIBUTES[kind])] == ATTRIBUTES[kind]
    assert set(known[len(ATTRIBUTES[kind]) :]) == BESIDES.get(kind, set())


@pytest.mark.parametrize("kind", KINDS)
def test_every_type_is_one_file_with_a_manual(kind: str) -> None:
    known = field_types[kind]
    summary, _, rest = known.manual.partition("\n")

    assert (files("pointsman.fields") / f"{kind}.py").is_file()
    assert summary.endswith((".", ";", ":")) or rest
    assert known.parse.__module__ == f"pointsman.fields.{kind}"


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_means_nothing_and_a_value_is_read_once(kind: str) -> None:
    known = field_types[kind]
    value = known.value("6/2/1980")

    assert known.value(None) is None
    assert known.value(value) is value


def test_exactly_the_types_of_secrets_are_masked() -> None:
    assert {kind for kind in KINDS if field_types[kind].mask} == MASKED


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(posted=JSON)
def test_no_value_is_too_odd(kind: str, posted: Any) -> None:
    """Reading never raises, and what is not valid keeps its text."""
    value = field_types[kind].value(posted, NOW)

    if posted is None:
        assert value is None
        return
    assert value is not None
    assert isinstance(value.normal, str | int | float | bool)
    assert set(value.attributes) <= set(ATTRIBUTES[kind]) | BESIDES.get(kind, set())
    field_types[kind].read(posted)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
@pytest.mark.parametrize("kind", KINDS)
def test_no_text_takes_long_or_grows(kind: str, text: str) -> None:
    """Longer than any value that is taken, and made for patterns to go astray."""
    started = time.process_time()
    value = field_types[kind].value(text, NOW)
    taken = time.process_time() - started

    assert taken < 1
    assert value is not None
    assert len(str(value)) <= 10 * len(text)


@pytest.mark.parametrize("kind", FIXED_POINTS)
@settings(max_examples=60, deadline=None)
@given(text=TEXTS)
def test_a_normal_form_is_read_as_itself(kind: str, text: str) -> None:
    """A lead that comes back through the API is not changed by being read again."""
    known = field_types[kind]
    once = known.value(text, NOW)
    assert once is not None

    if once.valid:
        again = known.value(once.normal, NOW)
        assert again is not None
        assert (again.normal, again.valid) == (once.normal, True)


@pytest.mark.parametrize("kind", ["ssn", "credential"])
@given(text=TEXTS)
def test_masked_secrets_show_nothing_but_their_length(kind: str, text: str) -> None:
    known = field_types[kind]
    value = known.value(text)
    assert value is not None
    assert known.mask is not None

    masked = known.mask(value)

    shown = [masked.normal, *masked.attributes.values(), masked.raw or ""]
    assert set("".join(shown)) <= {"*"}
    assert (masked.masked, value.masked) == (True, False)
    assert (len(masked.normal), masked.valid) == (len(value.normal), value.valid)


@settings(deadline=None)
@given(text=TEXTS)
def test_of_a_masked_birthday_only_the_year_is_left(text: str) -> None:
    known = field_types["dob"]
    value = known.value(text, NOW)
    assert value is not None
    assert known.mask is not None

    masked = known.mask(value)

    if value.valid:
        assert masked.normal == masked.raw == f"**/**/{value.attributes['year']:04}"
        assert masked.attributes == value.attributes
    else:
        assert set(masked.normal + masked.raw) <= {"*"}


@pytest.mark.parametrize(
    ("kind", "posted", "raw"),
    [
        ("phone", "5127891111 (m)", "5127891111"),
        ("phone", " 5127891111 ", " 5127891111 "),
        ("email", "User@Domain.Com", "User@Domain.Com"),
        ("number", "$5", "$5"),
        ("number", 5, 5),
        ("gender", ["m"], ["m"]),
        ("ssn", 123456789, "123456789"),
        ("date", 5, 5),
        ("city", "Austin", None),
        ("city", 5, 5),
        ("string", "x", None),
        ("credential", "x", None),
    ],
)
def test_what_was_posted_is_kept_beside(kind: str, posted: Any, raw: Any) -> None:
    value = field_types[kind].value(posted)

    assert value is not None
    assert value.raw == raw


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5.0, "5"),
        (-0.5, "-0.5"),
        (123456789012345680000, "123456789012345680000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (0.000001, "0.000001"),
        (1e-7, "1e-7"),
        (1.25e-9, "1.25e-9"),
        (-1e21, "-1e+21"),
        (100.25, "100.25"),
        (10**400, "Infinity"),
        (-(10**400), "-Infinity"),
        (-math.inf, "-Infinity"),
        (math.nan, "NaN"),
        (0.0, "0"),
        (False, "false"),
        ([1, [None, "a"], {}], "1,,a,[object Object]"),
    ],
)
def test_numbers_and_lists_have_one_text(value: Any, text: str) -> None:
    assert as_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_text_of_a_number_is_exact(number: float) -> None:
    assert float(as_text(number)) == number


def test_deep_lists_have_an_end() -> None:
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]

    assert as_text(deep) == ""


def test_a_value_prints_as_its_normal_form() -> None:
    assert str(Value("$5.50", 5.5)) == "5.5"
