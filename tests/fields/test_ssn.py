from __future__ import annotations

from typing import Any

import pytest

from pointsman.fields.types import field_types
from readings import NOW


@pytest.mark.parametrize(
    ("posted", "normal", "valid", "attributes"),
    [
        (
            "123-45-6789",
            "123456789",
            True,
            {"first_three": "123", "middle_two": "45", "last_four": "6789"},
        ),
        (
            "123 45 6789",
            "123456789",
            True,
            {"first_three": "123", "middle_two": "45", "last_four": "6789"},
        ),
        (
            "123456789",
            "123456789",
            True,
            {"first_three": "123", "middle_two": "45", "last_four": "6789"},
        ),
        (
            123456789,
            "123456789",
            True,
            {"first_three": "123", "middle_two": "45", "last_four": "6789"},
        ),
        (
            "000-00-0000",
            "000000000",
            True,
            {"first_three": "000", "middle_two": "00", "last_four": "0000"},
        ),
        (
            "abc 123456789",
            "123456789",
            True,
            {"first_three": "123", "middle_two": "45", "last_four": "6789"},
        ),
        ("12345678", "12345678", False, {}),
        ("1234567890", "1234567890", False, {}),
        ("***-**-6789", "***-**-6789", False, {}),
        ("\uff11\uff12\uff13456789", "\uff11\uff12\uff13456789", False, {}),
        ("", "", False, {}),
    ],
)
def test_nine_digits_are_a_number(
    posted: Any, normal: Any, valid: bool | None, attributes: dict[str, Any]
) -> None:
    value = field_types["ssn"].value(posted, NOW)

    assert value is not None
    assert (value.normal, value.valid, value.attributes) == (normal, valid, attributes)
