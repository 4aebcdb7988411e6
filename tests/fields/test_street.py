from __future__ import annotations

from typing import Any

import pytest

from pointsman.fields.types import field_types
from readings import NOW


@pytest.mark.parametrize(
    ("posted", "normal", "valid", "attributes"),
    [
        (
            "4203 Guadalupe St",
            "4203 Guadalupe St",
            True,
            {"number": "4203", "name": "Guadalupe St"},
        ),
        (
            "  4203\tGuadalupe   St ",
            "4203\tGuadalupe   St",
            True,
            {"number": "4203", "name": "Guadalupe   St"},
        ),
        (
            "00283 Ondricka Street",
            "00283 Ondricka Street",
            True,
            {"number": "00283", "name": "Ondricka Street"},
        ),
        ("PO Box 215", "PO Box 215", True, {"number": "PO", "name": "Box 215"}),
        ("4203\nGuadalupe", "4203\nGuadalupe", True, {"number": "4203", "name": "Guadalupe"}),
        ("4203", "4203", False, {}),
        ("", "", False, {}),
        ("Main St\nApt 2", "Main St\nApt 2", False, {}),
        ("a b\u2028c", "a b\u2028c", False, {}),
        (42, "42", False, {}),
        ({"a": 1}, "[object Object]", True, {"number": "[object", "name": "Object]"}),
    ],
)
def test_the_first_word_is_the_number(
    posted: Any, normal: Any, valid: bool | None, attributes: dict[str, Any]
) -> None:
    value = field_types["street"].value(posted, NOW)

    assert value is not None
    assert (value.normal, value.valid, value.attributes) == (normal, valid, attributes)
