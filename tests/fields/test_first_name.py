from __future__ import annotations

from typing import Any

import pytest

from pointsman.fields.types import field_types
from readings import NOW


@pytest.mark.parametrize(
    ("posted", "normal", "valid", "attributes"),
    [
        ("Mike", "Mike", None, {}),
        (" ada ", " ada ", None, {}),
        ("O'Neil", "O'Neil", None, {}),
        ("", "", None, {}),
        (5, "5", False, {}),
        (False, "false", False, {}),
    ],
)
def test_a_name_is_kept_as_it_was_posted(
    posted: Any, normal: Any, valid: bool | None, attributes: dict[str, Any]
) -> None:
    value = field_types["first_name"].value(posted, NOW)

    assert value is not None
    assert (value.normal, value.valid, value.attributes) == (normal, valid, attributes)
