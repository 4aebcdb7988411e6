from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.rules.operators import operators
from pointsman.rules.paths import MISSING

TABLE: list[tuple[str, Any, Any, bool]] = [
    ("equals", "website", "website", True),
    ("equals", "Website", "website", False),
    ("equals", "website ", "website", False),
    ("equals", 1, 1, True),
    ("equals", 1, 1.0, True),
    ("equals", 1, "1", True),
    ("equals", "1", 1, True),
    ("equals", " 1.50 ", 1.5, True),
    ("equals", "1.5", 1.5, True),
    ("equals", 1.5, "1.50", True),
    ("equals", "10", "10.0", False),
    ("equals", "1_000", 1000, False),
    ("equals", "nan", "nan", True),
    ("equals", "inf", float("inf"), False),
    ("equals", "abc", 1, False),
    ("equals", 12345678901234567890, "12345678901234567890", True),
    ("equals", 12345678901234567891, "12345678901234567890", False),
    ("equals", 1, True, False),
    ("equals", True, 1, False),
    ("equals", 0, False, False),
    ("equals", "true", True, False),
    ("equals", True, True, True),
    ("equals", True, "true", False),
    ("equals", True, "1", False),
    ("equals", None, None, True),
    ("equals", MISSING, None, True),
    ("equals", "", None, False),
    ("equals", None, "", False),
    ("equals", MISSING, "", False),
    ("equals", MISSING, "x", False),
    ("equals", MISSING, 0, False),
    ("equals", ["a", 1], ["a", 1], True),
    ("equals", ["a", 1], ["a", True], False),
    ("equals", ["a"], "a", False),
    ("equals", "a", ["a"], False),
    ("equals", {"a": 1}, {"a": "1"}, True),
    ("equals", {"a": 1, "b": 2}, {"a": 1}, False),
    ("equals", "2026-06-01T10:00:00Z", "2026-06-01T12:00:00+02:00", True),
    ("equals", "2026-06-01T10:00:00.000Z", "2026-06-01T10:00:00Z", True),
    ("equals", "2026-06-01T10:00:01Z", "2026-06-01T10:00:00Z", False),
    ("equals", "2026-99-01T10:00:01Z", "2026-06-01T10:00:00Z", False),
    ("in", "CA", ["CA", "NV"], True),
    ("in", "ca", ["CA", "NV"], False),
    ("in", "5", [4, 5], True),
    ("in", 5, ["4", "5"], True),
    ("in", True, [1, 2], False),
    ("in", MISSING, ["CA"], False),
    ("in", MISSING, [None], True),
    ("in", None, [None, "a"], True),
    ("in", ["CA"], ["CA", "NV"], False),
    ("in", "CA", [], False),
    ("is_empty", MISSING, None, True),
    ("is_empty", None, None, True),
    ("is_empty", "", None, True),
    ("is_empty", " \t\n\u00a0", None, True),
    ("is_empty", [], None, True),
    ("is_empty", {}, None, True),
    ("is_empty", 0, None, False),
    ("is_empty", False, None, False),
    ("is_empty", "0", None, False),
    ("is_empty", [None], None, False),
]


@pytest.mark.parametrize(("name", "field", "value", "expected"), TABLE)
def test_the_truth_table(name: str, field: Any, value: Any, expected: bool) -> None:
    """D8: 1 is not true; numbers and numeric texts compare as numbers."""
    test = operators[name].build(value, False)

    assert test(field) is expected


@pytest.mark.parametrize(
    ("name", "field", "value", "expected"),
    [
        ("equals", "WEBSITE", "website", True),
        ("equals", "stra\u00dfe", "STRASSE", True),
        ("equals", ["A"], ["a"], True),
        ("equals", 1, "a", False),
        ("equals", MISSING, "a", False),
        ("in", "ca", ["CA", "NV"], True),
        ("in", "tx", ["CA", "NV"], False),
    ],
)
def test_case_is_ignored_where_it_is_asked_for(
    name: str, field: Any, value: Any, expected: bool
) -> None:
    assert operators[name].build(value, True)(field) is expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(JSON, JSON)
def test_equals_answers_the_same_whichever_side_is_written(one: Any, other: Any) -> None:
    assert operators["equals"].build(one, False)(other) is operators["equals"].build(other, False)(
        one
    )


@given(JSON)
def test_every_value_equals_itself_and_is_in_a_list_of_itself(value: Any) -> None:
    assert operators["equals"].build(value, False)(value) is True
    assert operators["in"].build([value], False)(value) is True


@pytest.mark.parametrize("name", sorted(operators))
def test_every_operator_has_a_manual(name: str) -> None:
    assert operators[name].manual
