from __future__ import annotations

from typing import Any

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.fields.types import field_types
from readings import NOW


@pytest.mark.parametrize(
    ("posted", "normal", "valid", "attributes"),
    [
        (
            "5127891111",
            "5127891111",
            True,
            {
                "area": "512",
                "exchange": "789",
                "line": "1111",
                "number": "7891111",
                "extension": None,
                "country_code": "US",
                "country_calling_code": 1,
                "type": None,
                "is_tollfree": False,
            },
        ),
        (
            " 512-789-1111 ",
            "5127891111",
            True,
            {
                "area": "512",
                "exchange": "789",
                "line": "1111",
                "number": "7891111",
                "extension": None,
                "country_code": "US",
                "country_calling_code": 1,
                "type": None,
                "is_tollfree": False,
            },
        ),
        (
            "(512) 789-1111",
            "5127891111",
            True,
            {
                "area": "512",
                "exchange": "789",
                "line": "1111",
                "number": "7891111",
                "extension": None,
                "country_code": "US",
                "country_calling_code": 1,
                "type": None,
                "is_tollfree": False,
            },
        ),
        (
            "1.512.789.1111",
            "5127891111",
            True,
            {
                "area": "512",
                "exchange": "789",
                "line": "1111",
                "number": "7891111",
                "extension": None,
                "country_code": "US",
                "country_calling_code": 1,
                "type": None,
                "is_tollfree": False,
            },
        ),
        (
            "+1 512 789 1111",
            "5127891111",
            True,
            {
                "area": "512",
                "exchange": "789",
                "line": "1111",
                "number": "7891111",
                "extension": None,
                "country_code": "US",
                "country_calling_code": 1,
                "type": None,
                "is_tollfree": False,
            },
        ),
        (
            "tel:5127891111",
            "5127891111",
            True,
            {
                "area": "512",
                "exchange": "789",
                "line": "1111",
                "number": "7891111",
                "extension": None,
                "country_code": "US",
                "country_calling_code": 1,
                "type": None,
                "is_tollfree": False,
            },
        ),
        (
            "8775551212",
            "8775551212",
            True,
            {
                "area": "877",
                "exchange": "555",
                "line": "1212",
                "number": "5551212",
                "extension": None,
                "country_code": "US",
                "country_calling_code": 1,
                "type": None,
                "is_tollfree": True,
            },
        ),
        (
            "8335551212",
            "8335551212",
            True,
            {
                "area": "833",
                "exchange": "555",
                "line": "1212",
                "number": "5551212",
                "extension": None,
                "country_code": "US",
                "country_calling_code": 1,
                "type": None,
                "is_tollfree": False,
            },
        ),
        (
            "1-800-FLOWERS",
            "8003569377",
            True,
            {
                "area": "800",
                "exchange": "356",
                "line": "9377",
                "number": "3569377",
                "extension": None,
                "country_code": "US",
                "country_calling_code": 1,
                "type": None,
                "is_tollfree": True,
            },
        ),
        (
            "8765550100",
            "8765550100",
            True,
            {
                "area": "876",
                "exchange": "555",
                "line": "0100",
                "number": "5550100",
                "extension": None,
                "country_code": "US",
                "country_calling_code": 1,
                "type": None,
                "is_tollfree": False,
            },
        ),
        (
            "5127891111x123",
            "5127891111x123",
            True,
            {
                "area": "512",
                "exchange": "789",
                "line": "1111",
                "number": "7891111",
                "extension": "123",
                "country_code": "US",
                "country_calling_code": 1,
                "type": None,
                "is_tollfree": False,
            },
        ),
        (
            "5127891111 ext. 123",
            "5127891111x123",
            True,
            {
                "area": "512",
                "exchange": "789",
                "line": "1111",
                "number": "7891111",
                "extension": "123",
                "country_code": "US",
                "country_calling_code": 1,
                "type": None,
                "is_tollfree": False,
            },
        ),
        (
            "5127891111#123",
            "5127891111x123",
            True,
            {
                "area": "512",
                "exchange": "789",
                "line": "1111",
                "number": "7891111",
                "extension": "123",
                "country_code": "US",
                "country_calling_code": 1,
                "type": None,
                "is_tollfree": False,
            },
        ),
        (
            "5127891111,123",
            "5127891111x123",
            True,
            {
                "area": "512",
                "exchange": "789",
                "line": "1111",
                "number": "7891111",
                "extension": "123",
                "country_code": "US",
                "country_calling_code": 1,
                "type": None,
                "is_tollfree": False,
            },
        ),
        (
            "+44 20 7946 0958",
            "2079460958",
            True,
            {
                "area": "20",
                "number": "79460958",
                "extension": None,
                "country_code": "GB",
                "country_calling_code": 44,
                "type": None,
                "is_tollfree": False,
            },
        ),
        (
            "011 44 20 7946 0958",
            "2079460958",
            True,
            {
                "area": "20",
                "number": "79460958",
                "extension": None,
                "country_code": "GB",
                "country_calling_code": 44,
                "type": None,
                "is_tollfree": False,
            },
        ),
        (
            "+390694502713",
            "0694502713",
            True,
            {
                "area": "06",
                "number": "94502713",
                "extension": None,
                "country_code": "IT",
                "country_calling_code": 39,
                "type": None,
                "is_tollfree": False,
            },
        ),
        (
            "+33 1 42 68 53 00",
            "142685300",
            True,
            {
                "area": "1",
                "number": "42685300",
                "extension": None,
                "country_code": "FR",
                "country_calling_code": 33,
                "type": None,
                "is_tollfree": False,
            },
        ),
        (
            "+44 800 123 4567",
            "8001234567",
            True,
            {
                "area": "800",
                "number": "1234567",
                "extension": None,
                "country_code": "GB",
                "country_calling_code": 44,
                "type": None,
                "is_tollfree": True,
            },
        ),
        (
            "5127891111m",
            "5127891111",
            True,
            {
                "area": "512",
                "exchange": "789",
                "line": "1111",
                "number": "7891111",
                "extension": None,
                "country_code": "US",
                "country_calling_code": 1,
                "type": "mobile",
                "is_tollfree": False,
            },
        ),
        (
            "5127891111(h)",
            "5127891111",
            True,
            {
                "area": "512",
                "exchange": "789",
                "line": "1111",
                "number": "7891111",
                "extension": None,
                "country_code": "US",
                "country_calling_code": 1,
                "type": "home",
                "is_tollfree": False,
            },
        ),
        (
            "5127891111 w",
            "5127891111",
            True,
            {
                "area": "512",
                "exchange": "789",
                "line": "1111",
                "number": "7891111",
                "extension": None,
                "country_code": "US",
                "country_calling_code": 1,
                "type": "work",
                "is_tollfree": False,
            },
        ),
        (
            "5127891111 c)",
            "5127891111",
            True,
            {
                "area": "512",
                "exchange": "789",
                "line": "1111",
                "number": "7891111",
                "extension": None,
                "country_code": "US",
                "country_calling_code": 1,
                "type": "mobile",
                "is_tollfree": False,
            },
        ),
        (
            "5127891111x12m",
            "5127891111x12",
            True,
            {
                "area": "512",
                "exchange": "789",
                "line": "1111",
                "number": "7891111",
                "extension": "12",
                "country_code": "US",
                "country_calling_code": 1,
                "type": "mobile",
                "is_tollfree": False,
            },
        ),
        (
            "1111m",
            "1111",
            False,
            {
                "area": "***",
                "exchange": "111",
                "line": "1",
                "number": "1111",
                "extension": None,
                "country_code": "US",
                "country_calling_code": 1,
                "type": "mobile",
                "is_tollfree": False,
            },
        ),
        (
            "1-(512) *** ****",
            "512*******",
            True,
            {
                "area": "512",
                "exchange": "***",
                "line": "****",
                "number": "*******",
                "extension": None,
                "country_code": "US",
                "country_calling_code": 1,
                "type": None,
                "is_tollfree": False,
            },
        ),
        (
            "1-(5*2) *** **11",
            "5*2*****11",
            True,
            {
                "area": "5*2",
                "exchange": "***",
                "line": "**11",
                "number": "*****11",
                "extension": None,
                "country_code": "US",
                "country_calling_code": 1,
                "type": None,
                "is_tollfree": False,
            },
        ),
        (
            "1-(512) *** **** x**",
            "512*******x**",
            True,
            {
                "area": "512",
                "exchange": "***",
                "line": "****",
                "number": "*******",
                "extension": "**",
                "country_code": "US",
                "country_calling_code": 1,
                "type": None,
                "is_tollfree": False,
            },
        ),
        (
            "**********",
            "**********",
            True,
            {
                "area": "***",
                "exchange": "***",
                "line": "****",
                "number": "*******",
                "extension": None,
                "country_code": "US",
                "country_calling_code": 1,
                "type": None,
                "is_tollfree": False,
            },
        ),
        (
            "+44 20 **** ****",
            "20********",
            True,
            {
                "area": "20",
                "number": "********",
                "extension": None,
                "country_code": "GB",
                "country_calling_code": 44,
                "type": None,
                "is_tollfree": False,
            },
        ),
        (
            "512 789 111",
            "512789111",
            False,
            {
                "area": "***",
                "exchange": "512",
                "line": "7891",
                "number": "5127891",
                "extension": None,
                "country_code": "US",
                "country_calling_code": 1,
                "type": None,
                "is_tollfree": False,
            },
        ),
        (
            "7891111",
            "7891111",
            False,
            {
                "area": "***",
                "exchange": "789",
                "line": "1111",
                "number": "7891111",
                "extension": None,
                "country_code": "US",
                "country_calling_code": 1,
                "type": None,
                "is_tollfree": False,
            },
        ),
        (
            "5555550000",
            "5555550000",
            False,
            {
                "area": "555",
                "exchange": "555",
                "line": "0000",
                "number": "5550000",
                "extension": None,
                "country_code": "US",
                "country_calling_code": 1,
                "type": None,
                "is_tollfree": False,
            },
        ),
        (
            "1115551212",
            "1115551212",
            False,
            {
                "area": "***",
                "exchange": "111",
                "line": "5551",
                "number": "1115551",
                "extension": None,
                "country_code": "US",
                "country_calling_code": 1,
                "type": None,
                "is_tollfree": False,
            },
        ),
        (
            "9999999999",
            "9999999999",
            False,
            {
                "area": "999",
                "exchange": "999",
                "line": "9999",
                "number": "9999999",
                "extension": None,
                "country_code": "US",
                "country_calling_code": 1,
                "type": None,
                "is_tollfree": False,
            },
        ),
        ("donkey kong", "donkey kong", False, {}),
        ("+999123456789", "+999123456789", False, {}),
        ("", "", False, {}),
        (
            5127891111,
            "5127891111",
            True,
            {
                "area": "512",
                "exchange": "789",
                "line": "1111",
                "number": "7891111",
                "extension": None,
                "country_code": "US",
                "country_calling_code": 1,
                "type": None,
                "is_tollfree": False,
            },
        ),
        ({"foo": 42}, "[object Object]", False, {}),
    ],
)
def test_numbers_are_read_in_their_usual_spellings(
    posted: Any, normal: Any, valid: bool | None, attributes: dict[str, Any]
) -> None:
    value = field_types["phone"].value(posted, NOW)

    assert value is not None
    assert (value.normal, value.valid, value.attributes) == (normal, valid, attributes)


@pytest.mark.parametrize("rest", ["0005555", "2001111", "5551212", "9110000"])
def test_of_every_area_the_same_numbers_are_valid_as_to_the_library(rest: str) -> None:
    for area in range(200, 1000):
        value = field_types["phone"].value(f"{area}{rest}")

        assert value is not None
        number = phonenumbers.PhoneNumber(1, int(f"{area}{rest}"))
        assert value.valid is phonenumbers.is_valid_number(number), area


@given(st.from_regex(r"\(?[2-9][0-9]{2}\)?[ .-]{0,2}[0-9]{3}[ .-]?[0-9]{4}", fullmatch=True))
def test_the_quick_way_reads_usual_spellings_as_the_library_does(text: str) -> None:
    read = phonenumbers.parse(text, "US")
    value = field_types["phone"].value(text)

    assert value is not None
    assert value.normal == phonenumbers.national_significant_number(read)
    assert value.valid is phonenumbers.is_valid_number(read)
    for longer, kind in ((f"+1{value.normal}", None), (f"{text} (m)", "mobile")):
        other = field_types["phone"].value(longer)
        assert other is not None
        assert (other.normal, other.valid) == (value.normal, value.valid)
        assert list(other.attributes.items()) == list({**value.attributes, "type": kind}.items())


def test_what_is_left_of_a_letter_that_tells_the_kind_is_trimmed() -> None:
    value = field_types["phone"].value(" 512-789-1111 (h)")

    assert value is not None
    assert (value.raw, value.attributes["type"]) == ("512-789-1111", "home")
