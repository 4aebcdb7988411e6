from __future__ import annotations

from typing import Any

import pytest

from pointsman.fields.types import field_types
from readings import NOW


@pytest.mark.parametrize(
    ("posted", "normal", "valid", "attributes"),
    [
        ("Austin", "Austin", None, {}),
        (" two words \n", " two words \n", None, {}),
        ("", "", None, {}),
        ("ünï", "ünï", None, {}),
        (5, "5", None, {}),
        (5.0, "5", None, {}),
        (1e21, "1e+21", None, {}),
        (1e-07, "1e-7", None, {}),
        (-0.0, "0", None, {}),
        (True, "true", None, {}),
        (["a", [1, None]], "a,1,", None, {}),
        ({"a": 1}, "[object Object]", None, {}),
    ],
)
def test_text_is_kept_as_it_is(
    posted: Any, normal: Any, valid: bool | None, attributes: dict[str, Any]
) -> None:
    value = field_types["string"].value(posted, NOW)

    assert value is not None
    assert (value.normal, value.valid, value.attributes) == (normal, valid, attributes)
