from __future__ import annotations

from typing import Any

import pytest

from pointsman.fields.types import field_types
from readings import NOW


@pytest.mark.parametrize(
    ("posted", "normal", "valid", "attributes"),
    [
        ("TX", "TX", True, {"name": "Texas"}),
        ("tx", "TX", True, {"name": "Texas"}),
        ("Texas", "TX", True, {"name": "Texas"}),
        ("TEXAS", "TX", True, {"name": "Texas"}),
        ("new york", "NY", True, {"name": "New York"}),
        ("West Virginia", "WV", True, {"name": "West Virginia"}),
        ("Puerto Rico", "PR", True, {"name": "Puerto Rico"}),
        ("Quebec", "QC", True, {"name": "Quebec"}),
        ("on", "ON", True, {"name": "Ontario"}),
        ("district of columbia", "DC", True, {"name": "District of Columbia"}),
        ("Yukon", "YT", True, {"name": "Yukon"}),
        ("AE", "AE", True, {"name": "AE"}),
        ("TX ", "TX ", True, {"name": "TX "}),
        ("Île-de-France", "Île-de-France", True, {"name": "Île-de-France"}),
        ("zz", "zz", True, {"name": "zz"}),
        ("", "", True, {"name": ""}),
        (5, "5", True, {"name": "5"}),
    ],
)
def test_codes_and_names_become_codes(
    posted: Any, normal: Any, valid: bool | None, attributes: dict[str, Any]
) -> None:
    value = field_types["state"].value(posted, NOW)

    assert value is not None
    assert (value.normal, value.valid, value.attributes) == (normal, valid, attributes)
