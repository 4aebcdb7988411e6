from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.rules.operators import NEVER, operators
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
    ("equals", "2026-06-01", "2026-06-01", True),
    ("equals", "2026-06-01", "2026-06-01T00:00:00Z", True),
    ("equals", "2026-06-01T00:00:00", "2026-06-01T00:00:00Z", True),
    ("equals", "2026-06-01", "2026-06-02", False),
    ("not_equals", "website", "website", False),
    ("not_equals", "Website", "website", True),
    ("not_equals", 1, True, True),
    ("not_equals", "1", 1, False),
    ("not_equals", None, None, False),
    ("not_equals", None, "x", True),
    ("not_equals", MISSING, "x", True),
    ("not_equals", MISSING, "", True),
    ("not_equals", MISSING, None, True),
    ("contains", "solar roof", "roof", True),
    ("contains", "solar Roof", "roof", False),
    ("contains", "solar", "", True),
    ("contains", "zip 78701", 787, True),
    ("contains", 78701, "787", False),
    ("contains", ["hot", "new"], "hot", True),
    ("contains", ["hotter"], "hot", False),
    ("contains", ["Hot"], "hot", False),
    ("contains", [1, 2], "2", True),
    ("contains", [1, 2], True, False),
    ("contains", [True], 1, False),
    ("contains", [["a"]], ["a"], True),
    ("contains", ["a", "b"], ["a", "b"], False),
    ("contains", [], "a", False),
    ("contains", "true", True, False),
    ("contains", {"a": 1}, "a", False),
    ("contains", None, "a", False),
    ("contains", MISSING, "a", False),
    ("contains", MISSING, "", False),
    ("not_contains", "solar roof", "roof", False),
    ("not_contains", "solar", "roof", True),
    ("not_contains", ["hot"], "hot", False),
    ("not_contains", ["hot"], "new", True),
    ("not_contains", [], "new", True),
    ("not_contains", None, "a", True),
    ("not_contains", MISSING, "a", True),
    ("starts_with", "+49 30", "+49", True),
    ("starts_with", "Berlin", "ber", False),
    ("starts_with", "Berlin", "", True),
    ("starts_with", "78701", 787, True),
    ("starts_with", 78701, "787", False),
    ("starts_with", ["a"], "a", False),
    ("starts_with", None, "a", False),
    ("starts_with", MISSING, "a", False),
    ("is_not_empty", MISSING, None, False),
    ("is_not_empty", None, None, False),
    ("is_not_empty", " \t", None, False),
    ("is_not_empty", [], None, False),
    ("is_not_empty", "x", None, True),
    ("is_not_empty", 0, None, True),
    ("is_not_empty", False, None, True),
    ("is_not_empty", [None], None, True),
    ("greater_than", 10, 9, True),
    ("greater_than", 9, 9, False),
    ("greater_than", "10", 9, True),
    ("greater_than", 10, "9", True),
    ("greater_than", "10", "9", True),
    ("greater_than", " 9.5 ", 9, True),
    ("greater_than", 1e300, 10**18, True),
    ("greater_than", True, 0, False),
    ("greater_than", 1, False, False),
    ("greater_than", "abc", 1, False),
    ("greater_than", "abc", "1", False),
    ("greater_than", 1, "abc", False),
    ("greater_than", [2], 1, False),
    ("greater_than", 1, [0], False),
    ("greater_than", None, -1, False),
    ("greater_than", MISSING, -1, False),
    ("greater_than", "", -1, False),
    ("greater_than", 1, None, False),
    ("greater_than", "b", "a", True),
    ("greater_than", "B", "a", False),
    ("greater_than", "2026-06-02", "2026-06-01", True),
    ("greater_than", "2026-06-01T00:00:01Z", "2026-06-01", True),
    ("greater_than", "2026-06-01T01:00:00+02:00", "2026-06-01", False),
    ("greater_than", "2026-06-01T10:00:00Z", "2026-06-01T11:30:00+02:00", True),
    ("greater_than", "tomorrow", "2026-06-01", False),
    ("greater_than", "2026-13-01", "2026-06-01", False),
    ("greater_than", 20270101, "2026-06-01", False),
    ("less_than", 9, 10, True),
    ("less_than", 10, 10, False),
    ("less_than", "9", "10", True),
    ("less_than", "-1.5", -1, True),
    ("less_than", MISSING, 1, False),
    ("less_than", None, 1, False),
    ("less_than", "", "x", False),
    ("less_than", "", 1, False),
    ("less_than", False, 1, False),
    ("less_than", "a", "b", True),
    ("less_than", "1990-05-17", "2008-11-21", True),
    ("less_than", "2026-06-01", "2026-06-01T00:00:00Z", False),
    ("greater_or_equal", 10, 10, True),
    ("greater_or_equal", "10.0", "10", True),
    ("greater_or_equal", 9, 10, False),
    ("greater_or_equal", "2026-06-01", "2026-06-01T00:00:00Z", True),
    ("greater_or_equal", MISSING, 0, False),
    ("greater_or_equal", True, True, False),
    ("greater_or_equal", None, None, False),
    ("less_or_equal", 10, 10, True),
    ("less_or_equal", 11, 10, False),
    ("less_or_equal", "a", "a", True),
    ("less_or_equal", MISSING, 0, False),
    ("less_or_equal", {}, {}, False),
    ("not_in", "CA", ["CA", "NV"], False),
    ("not_in", "TX", ["CA", "NV"], True),
    ("not_in", "5", [4, 5], False),
    ("not_in", True, [1], True),
    ("not_in", "CA", [], True),
    ("not_in", None, ["CA"], True),
    ("not_in", None, [None], False),
    ("not_in", MISSING, ["CA"], True),
    ("not_in", MISSING, [None], True),
]

CHANGES: list[tuple[str, Any, Any, Any, bool]] = [
    ("changed_to", "new", "won", "won", True),
    ("changed_to", "new", "won", "new", False),
    ("changed_to", "new", "Won", "won", False),
    ("changed_to", "won", "won", "won", False),
    ("changed_to", MISSING, "won", "won", True),
    ("changed_to", None, "won", "won", True),
    ("changed_to", 4, "5", 5, True),
    ("changed_to", 5, "5", 5, False),
    ("changed_to", True, 1, 1, True),
    ("changed_to", "won", None, None, True),
    ("changed_to", "won", MISSING, None, True),
    ("changed_to", None, MISSING, None, False),
    ("changed_to", "2026-06-01", "2026-06-01T00:00:00Z", "2026-06-01", False),
    ("changed_to", ["a"], ["a", "b"], ["a", "b"], True),
    ("changed_to", NEVER, "won", "won", True),
    ("changed_to", NEVER, "new", "won", False),
    ("changed_to", NEVER, MISSING, "won", False),
    ("changed_to", NEVER, MISSING, None, False),
    ("changed_to", NEVER, None, None, False),
    ("changed_from", "new", "won", "new", True),
    ("changed_from", "new", "won", "won", False),
    ("changed_from", "new", "new", "new", False),
    ("changed_from", "new", MISSING, "new", True),
    ("changed_from", MISSING, "won", None, True),
    ("changed_from", MISSING, MISSING, None, False),
    ("changed_from", "5", 6, 5, True),
    ("changed_from", NEVER, "won", "won", False),
    ("changed_from", NEVER, "won", None, False),
    ("changed_from", NEVER, MISSING, None, False),
    ("any_change", "new", "won", None, True),
    ("any_change", "new", "new", None, False),
    ("any_change", MISSING, "x", None, True),
    ("any_change", "x", MISSING, None, True),
    ("any_change", "x", None, None, True),
    ("any_change", None, MISSING, None, False),
    ("any_change", 1, True, None, True),
    ("any_change", 1, 1.0, None, False),
    ("any_change", ["a"], ["a", "b"], None, True),
    ("any_change", {"a": 1}, {"a": 2}, None, True),
    ("any_change", {"a": 1}, {"a": 1}, None, False),
    ("any_change", NEVER, "x", None, True),
    ("any_change", NEVER, 0, None, True),
    ("any_change", NEVER, "", None, False),
    ("any_change", NEVER, " ", None, False),
    ("any_change", NEVER, [], None, False),
    ("any_change", NEVER, None, None, False),
    ("any_change", NEVER, MISSING, None, False),
]


@pytest.mark.parametrize(("name", "field", "value", "expected"), TABLE)
def test_the_truth_table(name: str, field: Any, value: Any, expected: bool) -> None:
    """D8: 1 is not true; numbers and numeric texts compare as numbers."""
    test = operators[name].build(value, False)

    assert test(field) is expected


@pytest.mark.parametrize(("name", "before", "now", "value", "expected"), CHANGES)
def test_the_truth_table_of_changes(
    name: str, before: Any, now: Any, value: Any, expected: bool
) -> None:
    """A new record's first value counts as changed to, never from."""
    assert operators[name].build(value, False)(before, now) is expected


def test_the_sixteen_operators_are_all_in_the_truth_tables() -> None:
    assert {name for name, *_ in TABLE} | {name for name, *_ in CHANGES} == set(operators)
    assert len(operators) == 16


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
        ("not_equals", "WEBSITE", "website", False),
        ("not_in", "ca", ["CA", "NV"], False),
        ("contains", "Solar Roof", "rOOF", True),
        ("contains", ["Hot"], "hot", True),
        ("not_contains", ["Hot"], "hot", False),
        ("starts_with", "Berlin", "BER", True),
        ("greater_than", "B", "a", True),
        ("less_or_equal", "A", "a", True),
    ],
)
def test_case_is_ignored_where_it_is_asked_for(
    name: str, field: Any, value: Any, expected: bool
) -> None:
    assert operators[name].build(value, True)(field) is expected


@pytest.mark.parametrize(
    ("name", "before", "now", "value", "expected"),
    [
        ("changed_to", "new", "WON", "won", True),
        ("changed_to", "Won", "WON", "won", False),
        ("changed_from", "NEW", "won", "new", True),
        ("any_change", "New", "new", None, False),
    ],
)
def test_a_change_of_case_alone_is_none_where_case_is_ignored(
    name: str, before: Any, now: Any, value: Any, expected: bool
) -> None:
    assert operators[name].build(value, True)(before, now) is expected


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


@given(JSON, st.lists(JSON, max_size=4), st.booleans())
def test_a_value_is_in_a_list_if_it_equals_an_item(
    value: Any, items: list[Any], ignore_case: bool
) -> None:
    equal = [operators["equals"].build(item, ignore_case)(value) for item in items]

    assert operators["in"].build(items, ignore_case)(value) is any(equal)


NEGATIVE = {"not_equals": "equals", "not_contains": "contains", "not_in": "in"}


@given(JSON, JSON)
def test_a_negative_operator_is_the_contrary_where_there_is_a_value(one: Any, value: Any) -> None:
    for negative, positive in NEGATIVE.items():
        wanted = [value] if negative == "not_in" else value
        holds = operators[positive].build(wanted, False)(one)

        assert operators[negative].build(wanted, False)(one) is not holds


@given(JSON)
def test_a_negative_operator_is_true_of_a_missing_field(value: Any) -> None:
    for negative in NEGATIVE:
        wanted = [value] if negative == "not_in" else value

        assert operators[negative].build(wanted, False)(MISSING) is True


@given(JSON, JSON)
def test_no_value_is_both_more_and_not_more(one: Any, value: Any) -> None:
    more, less, at_least, at_most = (
        operators[name].build(value, False)(one)
        for name in ("greater_than", "less_than", "greater_or_equal", "less_or_equal")
    )

    assert not (more and less)
    assert at_least is (more or (at_least and at_most))
    assert (at_least or at_most) is (more or less or (at_least and at_most))


@given(JSON, JSON, JSON)
def test_a_value_changed_to_and_from_what_it_is_and_was(before: Any, now: Any, value: Any) -> None:
    changed = operators["any_change"].build(None, False)(before, now)

    assert operators["changed_to"].build(now, False)(before, now) is changed
    assert operators["changed_from"].build(before, False)(before, now) is changed
    assert not (operators["changed_to"].build(value, False)(before, now) and not changed)


@pytest.mark.parametrize("name", sorted(operators))
def test_every_operator_has_a_manual(name: str) -> None:
    assert operators[name].manual
