from __future__ import annotations

from typing import Any

import pytest

from pointsman.fields.types import field_types
from readings import NOW


@pytest.mark.parametrize(
    ("posted", "normal", "valid", "attributes"),
    [
        ("Jones", "Jones", None, {}),
        ("van der Berg", "van der Berg", None, {}),
        ("", "", None, {}),
        (5, "5", False, {}),
        (["x"], "x", False, {}),
    ],
)
def test_a_name_is_kept_as_it_was_posted(
    posted: Any, normal: Any, valid: bool | None, attributes: dict[str, Any]
) -> None:
    value = field_types["last_name"].value(posted, NOW)

    assert value is not None
    assert (value.normal, value.valid, value.attributes) == (normal, valid, attributes)
