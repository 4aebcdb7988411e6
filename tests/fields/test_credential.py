from __future__ import annotations

from typing import Any

import pytest

from pointsman.fields.types import field_types
from readings import NOW


@pytest.mark.parametrize(
    ("posted", "normal", "valid", "attributes"),
    [
        ("sekret-pazzward", "sekret-pazzward", True, {}),
        ("", "", True, {}),
        ("483571ec0724", "483571ec0724", True, {}),
        (12345, "12345", True, {}),
        ({"a": 1}, "[object Object]", True, {}),
    ],
)
def test_a_secret_is_kept_as_it_was_posted(
    posted: Any, normal: Any, valid: bool | None, attributes: dict[str, Any]
) -> None:
    value = field_types["credential"].value(posted, NOW)

    assert value is not None
    assert (value.normal, value.valid, value.attributes) == (normal, valid, attributes)
