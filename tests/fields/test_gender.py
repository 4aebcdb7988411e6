from __future__ import annotations

from typing import Any

import pytest

from pointsman.fields.types import field_types
from readings import NOW


@pytest.mark.parametrize(
    ("posted", "normal", "valid", "attributes"),
    [
        ("m", "male", True, {"abbr": "M"}),
        ("M", "male", True, {"abbr": "M"}),
        ("male", "male", True, {"abbr": "M"}),
        ("MALE", "male", True, {"abbr": "M"}),
        (" f ", "female", True, {"abbr": "F"}),
        ("Female", "female", True, {"abbr": "F"}),
        ("\tfemale\n", "female", True, {"abbr": "F"}),
        ("o", "other", True, {"abbr": "O"}),
        ("Other", "other", True, {"abbr": "O"}),
        ("x", "x", False, {"abbr": None}),
        ("woman", "woman", False, {"abbr": None}),
        ("non-binary", "non-binary", False, {"abbr": None}),
        ("", "", False, {"abbr": None}),
        (5, "5", False, {"abbr": None}),
        (["m"], "male", True, {"abbr": "M"}),
    ],
)
def test_three_words_and_their_letters_are_read(
    posted: Any, normal: Any, valid: bool | None, attributes: dict[str, Any]
) -> None:
    value = field_types["gender"].value(posted, NOW)

    assert value is not None
    assert (value.normal, value.valid, value.attributes) == (normal, valid, attributes)
