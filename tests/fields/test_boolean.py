from __future__ import annotations

from typing import Any

import pytest

from pointsman.fields.types import field_types
from readings import NOW


@pytest.mark.parametrize(
    ("posted", "normal", "valid", "attributes"),
    [
        ("true", True, True, {}),
        ("T", True, True, {}),
        ("Yes.", True, True, {}),
        ("y", True, True, {}),
        ("1", True, True, {}),
        (1, True, True, {}),
        (1.0, True, True, {}),
        (True, True, True, {}),
        ("false", False, True, {}),
        ("F", False, True, {}),
        ("no", False, True, {}),
        (" N ", False, True, {}),
        ("0", False, True, {}),
        (0, False, True, {}),
        (False, False, True, {}),
        ("on", False, False, {}),
        ("2", False, False, {}),
        ("", False, False, {}),
        ("maybe", False, False, {}),
        (2, False, False, {}),
        (["y"], False, False, {}),
        ({}, False, False, {}),
        (-1, False, False, {}),
        (0.1, False, False, {}),
        ("-1", True, True, {}),
    ],
)
def test_yes_and_no_are_read_in_their_usual_spellings(
    posted: Any, normal: Any, valid: bool | None, attributes: dict[str, Any]
) -> None:
    value = field_types["boolean"].value(posted, NOW)

    assert value is not None
    assert (value.normal, value.valid, value.attributes) == (normal, valid, attributes)
