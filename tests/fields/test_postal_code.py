from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.fields.types import field_types
from readings import NOW


@pytest.mark.parametrize(
    ("posted", "normal", "valid", "attributes"),
    [
        (
            "78704",
            "78704",
            True,
            {"country_code": "US", "code": "78704", "zip": "78704", "four": None},
        ),
        (
            "  78704  ",
            "78704",
            True,
            {"country_code": "US", "code": "78704", "zip": "78704", "four": None},
        ),
        (
            "78704-1234",
            "78704-1234",
            True,
            {"country_code": "US", "code": "78704-1234", "zip": "78704", "four": "1234"},
        ),
        (
            "787041234",
            "78704-1234",
            True,
            {"country_code": "US", "code": "787041234", "zip": "78704", "four": "1234"},
        ),
        (
            "78704 1234",
            "78704-1234",
            True,
            {"country_code": "US", "code": "78704 1234", "zip": "78704", "four": "1234"},
        ),
        (
            "78704   - 1234",
            "78704-1234",
            True,
            {"country_code": "US", "code": "78704   - 1234", "zip": "78704", "four": "1234"},
        ),
        (
            "78704-",
            "78704",
            True,
            {"country_code": "US", "code": "78704-", "zip": "78704", "four": None},
        ),
        (
            "00000",
            "00000",
            True,
            {"country_code": "US", "code": "00000", "zip": "00000", "four": None},
        ),
        (
            "q2e 4u7",
            "Q2E 4U7",
            True,
            {"country_code": "CA", "code": "Q2E 4U7", "fsa": "Q2E", "district": "Q", "ldu": "4U7"},
        ),
        (
            "Q2E4U7",
            "Q2E 4U7",
            True,
            {"country_code": "CA", "code": "Q2E4U7", "fsa": "Q2E", "district": "Q", "ldu": "4U7"},
        ),
        (
            "q2e      4u7",
            "Q2E 4U7",
            True,
            {
                "country_code": "CA",
                "code": "Q2E      4U7",
                "fsa": "Q2E",
                "district": "Q",
                "ldu": "4U7",
            },
        ),
        (
            "A1 1AA",
            "A1 1AA",
            True,
            {"country_code": "GB", "code": "A1 1AA", "outcode": "A1", "incode": "1AA"},
        ),
        (
            "A11AA",
            "A1 1AA",
            True,
            {"country_code": "GB", "code": "A11AA", "outcode": "A1", "incode": "1AA"},
        ),
        (
            "A111AA",
            "A11 1AA",
            True,
            {"country_code": "GB", "code": "A111AA", "outcode": "A11", "incode": "1AA"},
        ),
        (
            "a1a 1aa",
            "A1A 1AA",
            True,
            {"country_code": "GB", "code": "A1A 1AA", "outcode": "A1A", "incode": "1AA"},
        ),
        (
            "SW1A 1AA",
            "SW1A 1AA",
            True,
            {"country_code": "GB", "code": "SW1A 1AA", "outcode": "SW1A", "incode": "1AA"},
        ),
        (
            "AA11A 1AA",
            "AA11A 1AA",
            True,
            {"country_code": "GB", "code": "AA11A 1AA", "outcode": "AA11A", "incode": "1AA"},
        ),
        (
            "aa1 1aa",
            "AA1 1AA",
            True,
            {"country_code": "GB", "code": "AA1 1AA", "outcode": "AA1", "incode": "1AA"},
        ),
        (" ", "", True, {"country_code": "US", "code": None, "zip": None, "four": None}),
        ("7870", "7870", False, {}),
        ("787044", "787044", False, {}),
        ("78704-12", "78704-12", False, {}),
        ("78704--1234", "78704--1234", False, {}),
        ("q2e-4u7", "q2e-4u7", False, {}),
        ("GIR 0AA", "GIR 0AA", False, {}),
        ("garbage", "garbage", False, {}),
        ("\uff107870", "\uff107870", False, {}),
        (
            78704,
            "78704",
            True,
            {"country_code": "US", "code": "78704", "zip": "78704", "four": None},
        ),
        ({"foo": 42}, "[object Object]", False, {}),
    ],
)
def test_codes_of_three_countries_are_read(
    posted: Any, normal: Any, valid: bool | None, attributes: dict[str, Any]
) -> None:
    value = field_types["postal_code"].value(posted, NOW)

    assert value is not None
    assert (value.normal, value.valid, value.attributes) == (normal, valid, attributes)


@given(st.from_regex(r"\d{4,6}", fullmatch=True) | st.from_regex(r"[0-9]{5}", fullmatch=True))
def test_five_digits_read_the_same_with_a_blank_around_them(text: str) -> None:
    """The quick way and the long one; digits of other scripts are no code in either."""
    alone, among = (field_types["postal_code"].value(one, NOW) for one in (text, f" {text}"))

    assert alone is not None
    assert among is not None
    assert (alone.normal, alone.valid) == (among.normal.strip(), among.valid)
    assert list(alone.attributes.items()) == list(among.attributes.items())
