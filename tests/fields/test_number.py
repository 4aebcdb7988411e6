from __future__ import annotations

from typing import Any

import pytest

from pointsman.fields.types import field_types
from readings import NOW


@pytest.mark.parametrize(
    ("posted", "normal", "valid", "attributes"),
    [
        ("1,000", 1000, True, {}),
        ("$1,100 per month", 1100, True, {}),
        ("(5)", 5, True, {}),
        ("1e3", 13, True, {}),
        ("-1.50", -1.5, True, {}),
        (".5", 0.5, True, {}),
        ("5.", 5.0, True, {}),
        ("100.999", 100.999, True, {}),
        (7, 7, True, {}),
        (7.25, 7.25, True, {}),
        ("007", 7, True, {}),
        ("123456789012345678", 1.2345678901234568e17, True, {}),
        ("", None, False, {}),
        ("5-", None, False, {}),
        ("1.2.3", None, False, {}),
        ("--5", None, False, {}),
        ("-", None, False, {}),
        (".", None, False, {}),
        ("abc", None, False, {}),
        (True, None, False, {}),
        (["1"], None, False, {}),
        ({}, None, False, {}),
    ],
)
def test_all_but_digits_dot_and_minus_is_dropped(
    posted: Any, normal: Any, valid: bool | None, attributes: dict[str, Any]
) -> None:
    value = field_types["number"].value(posted, NOW)

    assert value is not None
    read = value.normal if value.valid else None
    assert (read, value.valid, value.attributes) == (normal, valid, attributes)
