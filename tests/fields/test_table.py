from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.errors import Refused
from pointsman.fields.standard import standard_fields
from pointsman.fields.table import FieldTable, compile_fields


def table(*fields: dict[str, Any]) -> FieldTable:
    def fail(path: tuple[str | int, ...], message: str) -> None:
        raise AssertionError(f"{path}: {message}")

    return compile_fields({"fields": list(fields)}, fail)


def reported(*fields: dict[str, Any]) -> list[tuple[tuple[str | int, ...], str]]:
    found: list[tuple[tuple[str | int, ...], str]] = []
    compile_fields({"fields": list(fields)}, lambda path, message: found.append((path, message)))
    return found


def test_known_fields_are_taken_in_both_spellings_and_typed() -> None:
    fields = table({"id": "roof_age", "type": "number"}, {"id": "homeowner", "type": "boolean"})
    body = {"firstName": "Ada", "last_name": "L", "roofAge": "12 years", "homeowner": "Yes"}

    assert fields.take(body) == {
        "first_name": "Ada",
        "last_name": "L",
        "roof_age": 12,
        "homeowner": True,
    }


def test_standard_fields_need_no_declaration() -> None:
    body = {
        "email": " Ada@Example.COM ",
        "phone_1": "555",
        "phone2": "556",
        "annualSalary": "$50,000",
    }

    assert table().take(body) == {
        "email": "ada@example.com",
        "phone_1": "555",
        "phone_2": "556",
        "annual_salary": 50_000,
    }
    assert len(standard_fields()) > 500


def test_a_declaration_wins_over_the_standard_type() -> None:
    assert table({"id": "annual_salary", "type": "string"}).take({"annual_salary": "$5"}) == {
        "annual_salary": "$5"
    }


def test_unknown_keys_go_to_custom_fields_unchanged() -> None:
    body = {"Prospect ID": 7, "nested": {"someKey": [1, {"a": None}]}, "": "x"}

    assert table().take(body) == {"custom_fields": body}


def test_what_only_the_daemon_may_set_goes_to_custom_fields() -> None:
    names = ("id", "owner_id", "ownerId", "created_at", "updatedAt", "source")
    body = dict.fromkeys(names, "1")

    assert table().take(body) == {"custom_fields": body}


def test_posted_custom_fields_are_merged_with_unknown_keys() -> None:
    body = {"customFields": {"plan": "pro", "a": 1}, "a": 2, "b": 3}

    assert table().take(body) == {"custom_fields": {"plan": "pro", "a": 2, "b": 3}}


@pytest.mark.parametrize(
    ("body", "data"),
    [
        ({"tags": ["a", "b", "a", " "]}, {"tags": ["a", "b"]}),
        ({"tags": "Will revert"}, {"tags": ["Will revert"]}),
        ({"tags": []}, {"tags": []}),
        ({"tags": [1]}, {"custom_fields": {"tags": [1]}}),
        ({"tags": {"a": 1}}, {"custom_fields": {"tags": {"a": 1}}}),
        ({"stage": "new"}, {"stage": "new"}),
        ({"stage": 3}, {"custom_fields": {"stage": 3}}),
        ({"score": "42"}, {"score": 42}),
        ({"score": "high"}, {"custom_fields": {"score": "high"}}),
        ({"custom_fields": "x"}, {"custom_fields": {"custom_fields": "x"}}),
        ({"custom_fields": None, "tags": None, "stage": None, "score": None}, {}),
    ],
)
def test_parts_of_every_record_take_what_fits_and_lose_nothing(
    body: dict[str, Any], data: dict[str, Any]
) -> None:
    assert table().take(body) == data


def test_of_both_spellings_snake_case_wins_and_the_other_is_kept() -> None:
    for body in ({"firstName": "A", "first_name": "B"}, {"first_name": "B", "firstName": "A"}):
        expected = {"first_name": "B", "custom_fields": {"firstName": "A"}}
        assert table().take(body) == expected


def test_a_value_that_cannot_be_read_keeps_its_text() -> None:
    fields = table({"id": "n", "type": "number"}, {"id": "b", "type": "boolean"})
    body = {"n": "many", "b": "on", "email": "nobody", "annual_salary": None}

    assert fields.take(body) == body


def test_values_are_stored_in_their_normal_forms() -> None:
    body = {
        "phone_1": "(512) 789-1111",
        "postal_code": 78704,
        "state": "texas",
        "ip_address": " 1.2.3.4 ",
        "gender": "F",
        "credit_score": "600 to 700",
        "moving_date": "6/2/2027",
        "website": "Example.com",
    }

    assert table().take(body) == {
        "phone_1": "5127891111",
        "postal_code": "78704",
        "state": "TX",
        "ip_address": "1.2.3.4",
        "gender": "female",
        "credit_score": "600-700",
        "moving_date": "2027-06-02",
        "website": "http://example.com/",
    }


def test_lists_objects_and_truths_are_kept_where_a_text_is_wanted() -> None:
    body = {"state": {"code": "TX"}, "address_1": ["1 Main St"], "phone_1": True}

    assert table().take(body) == body


def test_every_missing_or_blank_required_field_is_named() -> None:
    fields = table(
        {"id": "plan", "type": "string", "required": True},
        {"id": "email", "type": "email", "required": True},
        {"id": "roof_age", "type": "number", "required": True},
        {"id": "notes", "type": "string", "required": True},
    )

    with pytest.raises(Refused) as refused:
        fields.take({"plan": " \t", "roofAge": 0, "notes": None})

    assert refused.value.status is HTTPStatus.UNPROCESSABLE_ENTITY
    assert refused.value.code == "VALIDATION_ERROR"
    assert str(refused.value) == (
        "plan: is required and must not be blank; email: is required and must not be blank; "
        "notes: is required and must not be blank"
    )


def test_names_that_are_taken_or_alike_are_findings() -> None:
    field = {"type": "string"}
    found = reported(
        {"id": "owner_id", **field},
        {"id": "plan_b", **field},
        {"id": "planb", **field},
        {"id": "plan_b", **field},
        {"id": "custom_fields", **field},
    )

    assert [(path[1], message) for path, message in found] == [
        (0, "'owner_id' is a part of every record; rename the field"),
        (3, "senders cannot tell 'plan_b' from 'plan_b' above"),
        (4, "'custom_fields' is a part of every record; rename the field"),
    ]


@given(
    st.dictionaries(
        st.sampled_from(
            ["first_name", "firstName", "tags", "score", "id", "x", "custom_fields", "email"]
        )
        | st.text(max_size=5),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
            ),
            max_leaves=5,
        ),
        max_size=8,
    )
)
def test_every_posted_key_ends_up_in_the_lead(body: dict[str, Any]) -> None:
    data = table().take(body)

    kept = {**data, **data.get("custom_fields", {})}
    names = {"firstName": "first_name"}
    for key, value in body.items():
        if value is None and key in ("tags", "score", "custom_fields"):
            continue
        if key == "custom_fields" and isinstance(value, dict):
            continue
        assert key in kept or names.get(key) in kept
