"""What a flow keeps of what was sent, and what of that may be stored."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pointsman.fields.types import Value, field_types
from pointsman.flows.form import Form
from pointsman.rules.variables import plain
from readings import JSON, NOW, TEXTS

TYPES = {"first_name": "first_name", "dob": "dob", "ssn": "ssn", "phone_1": "phone", "n": "number"}
AT = int(NOW.timestamp() * 1000)
LEADS = st.dictionaries(
    st.sampled_from([*TYPES, "other"]),
    JSON | TEXTS | st.sampled_from(["06/02/1980", "123-45-6789", "512-789-1111", "512-789-****"]),
)


@given(LEADS)
def test_a_lead_is_read_by_its_types_and_stored_plain_but_for_what_is_masked(
    posted: dict[str, Any],
) -> None:
    form = Form(TYPES, frozenset(TYPES))
    lead = form.read(posted, AT)

    assert list(lead) == [name for name in sorted(TYPES) if posted.get(name) is not None]
    for name, value in lead.items():
        if isinstance(value, Value):
            assert str(value) == str(field_types[TYPES[name]].parse(posted[name], NOW))
    stored = form.stored(lead)
    for name, value in lead.items():
        if field_types[TYPES[name]].mask is None:
            assert str(stored[name]) == str(plain(value))
        elif name == "ssn":
            assert all(one is None or not one.strip("*") for one in _leaves(stored[name]))


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return [leaf for one in inner for leaf in _leaves(one)]
    return [value]
