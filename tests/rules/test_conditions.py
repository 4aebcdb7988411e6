from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.model import Snapshot
from pointsman.rules.conditions import compile_filters
from pooling import refuse


def matches(filters: Mapping[str, Any] | None, record: Mapping[str, Any]) -> bool:
    return compile_filters(filters, refuse)(Snapshot(record))


def problems(filters: Mapping[str, Any]) -> list[tuple[tuple[str | int, ...], str]]:
    found: list[tuple[tuple[str | int, ...], str]] = []
    compile_filters(filters, lambda path, message: found.append((path, message)), ("filters",))
    return found


def equals(field: str, value: Any) -> dict[str, Any]:
    return {"field": field, "operator": "equals", "value": value}


@pytest.mark.parametrize("filters", [None, {}, {"logic": "OR"}, {"logic": "OR", "conditions": []}])
def test_no_condition_matches_everything(filters: Mapping[str, Any] | None) -> None:
    assert matches(filters, {})


@pytest.mark.parametrize(
    ("logic", "a", "b", "expected"),
    [
        ("AND", 1, 1, True),
        ("AND", 1, 0, False),
        ("AND", 0, 1, False),
        ("OR", 1, 0, True),
        ("OR", 0, 1, True),
        ("OR", 0, 0, False),
    ],
)
def test_and_wants_all_and_or_wants_one(logic: str, a: int, b: int, expected: bool) -> None:
    filters = {"logic": logic, "conditions": [equals("a", 1), equals("b", 1)]}

    assert matches(filters, {"a": a, "b": b}) is expected


def test_and_is_the_default() -> None:
    assert not matches({"conditions": [equals("a", 1), equals("b", 1)]}, {"a": 1, "b": 0})


@pytest.mark.parametrize(
    "field",
    [
        "first_name",
        "firstName",
        "custom_fields.favouriteColour",
        "customFields.favouriteColour",
        "account.name",
        "tags.0",
        "address1",
        "address_1",
        "company.phone",
        "companyInfo.phone1",
    ],
)
def test_a_field_is_reached_in_both_spellings_and_by_path(field: str) -> None:
    record = {
        "first_name": "x",
        "custom_fields": {"favouriteColour": "x"},
        "account": {"name": "x"},
        "tags": ["x"],
        "address_1": "x",
        "company.phone": "x",
        "company_info": {"phone_1": "x"},
    }

    assert matches({"conditions": [equals(field, "x")]}, record)


@pytest.mark.parametrize(
    "field", ["tags.1", "tags.name", "first_name.upper", "account.name.0", "nobody"]
)
def test_a_path_that_leads_nowhere_is_a_missing_field(field: str) -> None:
    record = {"first_name": "x", "account": {"name": "x"}, "tags": ["x"]}

    assert matches({"conditions": [{"field": field, "operator": "is_empty"}]}, record)


@pytest.mark.parametrize(
    ("condition", "path", "message"),
    [
        ({"field": "a", "operator": "equal", "value": 1}, ("operator",), "did you mean 'equals'?"),
        ({"field": "a", "operator": "equals"}, (), "'equals' needs a value"),
        ({"field": "a", "operator": "in", "value": "x"}, ("value",), "'in' takes a list"),
        ({"field": "a", "operator": "is_empty", "value": 1}, ("value",), "takes no value"),
        ({"field": "a", "operator": "not_in", "value": "x"}, ("value",), "takes a list"),
        ({"field": "a", "operator": "any_change", "value": 1}, ("value",), "takes no value"),
        ({"field": "a", "operator": "changed_to"}, (), "'changed_to' needs a value"),
        ({"field": "a b", "operator": "is_empty"}, ("field",), "not a field path"),
        ({"field": "{{trigger.a}}", "operator": "is_empty"}, ("field",), "not a field path"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    condition: Mapping[str, Any], path: tuple[str, ...], message: str
) -> None:
    nested = {"conditions": [equals("a", 1), {"logic": "OR", "conditions": [condition]}]}

    ((found, told),) = problems(nested)

    assert found == ("filters", "conditions", 1, "conditions", 0, *path)
    assert message in told


def test_every_problem_is_told_and_not_the_first_one_only() -> None:
    assert len(problems({"conditions": [{"field": "a", "operator": "x"}] * 3})) == 3


STAGE: dict[str, Any] = {"field": "customFields.dealStage", "operator": "changed_to", "value": "b"}


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({"custom_fields": {"deal_stage": "a"}}, {"custom_fields": {"deal_stage": "b"}}, True),
        ({"custom_fields": {"deal_stage": "b"}}, {"custom_fields": {"deal_stage": "b"}}, False),
        ({}, {"custom_fields": {"deal_stage": "b"}}, True),
        (None, {"custom_fields": {"deal_stage": "b"}}, True),
        (None, {"custom_fields": {"deal_stage": "a"}}, False),
        (None, {}, False),
    ],
)
def test_a_change_is_between_the_record_before_and_now(
    before: Mapping[str, Any] | None, now: Mapping[str, Any], expected: bool
) -> None:
    nested = {"conditions": [equals("a", 1), {"logic": "OR", "conditions": [STAGE, STAGE]}]}

    assert compile_filters(nested, refuse)(Snapshot({**now, "a": 1}, before)) is expected


def test_a_field_that_an_update_leaves_alone_has_not_changed() -> None:
    """D7, D8: an update of another field is no change of this one."""
    before, now = {"stage": "won", "score": 1}, {"stage": "won", "score": 2}

    for name, value in (("changed_to", "won"), ("changed_from", "won"), ("any_change", None)):
        filters = {"conditions": [{"field": "stage", "operator": name, "value": value}]}
        assert compile_filters(filters, refuse)(Snapshot(now, before)) is False


TREES = st.recursive(
    st.sampled_from([equals("a", 1), equals("b", 1), equals("c", 1)]),
    lambda inner: st.fixed_dictionaries(
        {
            "logic": st.sampled_from(["AND", "OR"]),
            "conditions": st.lists(inner, min_size=1, max_size=3),
        }
    ),
    max_leaves=8,
)
RECORDS = st.fixed_dictionaries({name: st.integers(0, 1) for name in "abc"})


def by_hand(tree: Mapping[str, Any], record: Mapping[str, int]) -> bool:
    if "conditions" not in tree:
        return bool(record[tree["field"]] == tree["value"])
    answers = [by_hand(part, record) for part in tree["conditions"]]
    return all(answers) if tree["logic"] == "AND" else any(answers)


@given(TREES, RECORDS)
def test_nested_groups_obey_and_and_or(tree: Mapping[str, Any], record: Mapping[str, int]) -> None:
    assert matches({"logic": "AND", "conditions": [tree]}, record) is by_hand(tree, record)


@given(st.lists(TREES, min_size=2, max_size=4), st.sampled_from(["AND", "OR"]), RECORDS, st.data())
def test_neither_order_nor_grouping_matters(
    trees: list[Mapping[str, Any]], logic: str, record: Mapping[str, int], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(trees))
    cut = data.draw(st.integers(1, len(trees) - 1))
    grouped = [{"logic": logic, "conditions": shuffled[:cut]}, *shuffled[cut:]]

    flat = matches({"logic": logic, "conditions": trees}, record)

    assert matches({"logic": logic, "conditions": grouped}, record) is flat
