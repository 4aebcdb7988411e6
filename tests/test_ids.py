"""Ids: two spellings of one lead, and names for what has none written."""

from __future__ import annotations

import hmac
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.ids import derived, element_ids, keyed, lead_id, lead_uuid, parse_lead_id, short

PARENT = "0d1c5a0e-7d3b-5f0c-8a51-6e1b9d3f2c47"


@given(st.binary(min_size=12, max_size=12))
def test_both_spellings_of_a_lead_id_are_one_id(raw: bytes) -> None:
    spelled = lead_uuid(raw.hex())

    assert UUID(spelled).version == 8
    assert UUID(spelled).variant == "specified in RFC 4122"
    assert parse_lead_id(spelled) == parse_lead_id(spelled.upper()) == raw.hex()
    assert parse_lead_id(raw.hex()) == raw.hex()


@given(st.text())
def test_what_is_no_lead_id_is_none(text: str) -> None:
    found = parse_lead_id(text)

    assert found is None or found == text.lower() or lead_uuid(found) == text.lower()


@pytest.mark.parametrize("text", ["", "x" * 24, "0" * 23, str(UUID(int=0)), derived("a")])
def test_other_uuids_and_lengths_are_no_lead_ids(text: str) -> None:
    assert parse_lead_id(text) is None


def test_lead_ids_sort_by_time() -> None:
    assert lead_id(1_000) < lead_id(1_001) < lead_id(2_000_000_000_000)


def test_the_short_form_of_a_uuid_is_its_first_twelve_bytes() -> None:
    assert short(PARENT) == "0d1c5a0e7d3b5f0c8a516e1b"


def test_an_element_is_named_by_id_key_or_content_wherever_it_stands() -> None:
    first, second = {"type": "pool", "pool": "a"}, {"key": "late", "type": "pool"}

    ids = element_ids(PARENT, "step", [first, second, {"id": "mine"}])

    assert element_ids(PARENT, "step", [{"id": "mine"}, second, first]) == ids[::-1]
    assert element_ids(PARENT, "step", [{"key": "late", "type": "other"}]) == [ids[1]]


def test_equal_elements_have_ids_of_their_own() -> None:
    twins = element_ids(PARENT, "step", [{"pool": "a"}, {"pool": "a"}])

    assert len(set(twins)) == 2


@given(st.binary(max_size=200), st.text(st.characters(exclude_categories=["Cs"])))
def test_a_keyed_hash_begins_as_the_hmac_does(secret: bytes, text: str) -> None:
    whole = hmac.digest(secret, f"email\n{text}".encode(), "sha256").hex()

    assert keyed(secret, "email", text) == whole[:32]


def test_a_keyed_hash_tells_kinds_and_organizations_apart() -> None:
    told = keyed(b"secret", "email", "ada@example.com")
    assert told == keyed(b"secret", "email", "ada@example.com")
    assert len(told) == 32
    assert told != keyed(b"secret", "phone", "ada@example.com")
    assert told != keyed(b"another", "email", "ada@example.com")
