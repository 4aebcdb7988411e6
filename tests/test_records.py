from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pointsman.model import Origin
from pointsman.records import camel, difference, record_json, snake, timeline
from pointsman.store.stored import LogEntry, StoredRecord, rfc3339

NAMES = st.lists(st.from_regex(r"[a-z]+", fullmatch=True), min_size=1).map("_".join)
RECORDS = st.dictionaries(st.sampled_from("abcd"), st.none() | st.integers(0, 2))


def lead(**data: Any) -> StoredRecord:
    log = [
        LogEntry(1, ("lead_created", "lead_assigned"), 1_000, "intake", 0, None),
        LogEntry(2, ("lead_updated",), 2_000, "workflow:w", 1, {"first_name": None, "tags": []}),
    ]
    return StoredRecord(
        "0" * 23 + "1", 2, data, 1_000, 2_000, "ada", "webhook", Origin("meta", meta_ad_id="9"), log
    )


def test_known_names_are_camel_case_and_custom_fields_are_left_alone() -> None:
    shown = record_json("acme", lead(first_name="Ada", custom_fields={"my_key": {"a_b": 1}}))

    assert shown == {
        "id": "00000000-0000-8000-8000-000000000001",
        "firstName": "Ada",
        "customFields": {"my_key": {"a_b": 1}},
        "organizationId": "acme",
        "ownerId": "ada",
        "tags": [],
        "stage": None,
        "createdBy": "intake",
        "source": "webhook",
        "origin": {"source": "meta", "metaAdId": "9"},
        "revision": 2,
        "createdAt": "1970-01-01T00:00:01.000Z",
        "updatedAt": "1970-01-01T00:00:02.000Z",
    }


def test_the_timeline_tells_what_happened_and_what_was_before() -> None:
    created, updated = timeline(lead())

    assert created["types"] == ["lead_created", "lead_assigned"]
    assert created["previous"] is None
    assert updated == {
        "revision": 2,
        "types": ["lead_updated"],
        "at": "1970-01-01T00:00:02.000Z",
        "origin": "workflow:w",
        "depth": 1,
        "previous": {"firstName": None, "tags": []},
    }


def test_times_are_utc_with_milliseconds() -> None:
    assert rfc3339(1_782_151_455_007) == "2026-06-22T18:04:15.007Z"


@given(NAMES)
def test_names_survive_both_spellings(name: str) -> None:
    assert snake(camel(name)) == name


@given(before=RECORDS, after=RECORDS)
def test_a_difference_undoes_its_change(before: dict[str, Any], after: dict[str, Any]) -> None:
    """What is ``None`` counts as absent."""
    previous = difference(before, after)

    undone = {**after, **(previous or {})}
    assert {n: v for n, v in undone.items() if v is not None} == {
        n: v for n, v in before.items() if v is not None
    }
    assert (previous is None) == all(before.get(n) == after.get(n) for n in "abcd")
