from __future__ import annotations

from typing import Any

import pytest

from pointsman.fields.types import field_types
from readings import NOW


@pytest.mark.parametrize(
    ("posted", "normal", "valid", "attributes"),
    [
        ("06/02/2014", "2014-06-02", True, {"age": 12.4, "year": 2014}),
        ("11/21/1980", "1980-11-21", True, {"age": 46, "year": 1980}),
        ("11/22/1980", "1980-11-22", True, {"age": 45.9, "year": 1980}),
        ("11/20/1980", "1980-11-20", True, {"age": 46, "year": 1980}),
        ("2/29/2000", "2000-02-29", True, {"age": 26.7, "year": 2000}),
        ("01/01/2030", "2030-01-01", True, {"age": -2.2, "year": 2030}),
        ("11/21/2026", "2026-11-21", True, {"age": 0, "year": 2026}),
        ("Mon Jun 02 1980", "1980-06-02", True, {"age": 46.4, "year": 1980}),
        ("6/2/80", "1980-06-02", True, {"age": 46.4, "year": 1980}),
        ("garbage", "garbage", False, {}),
        ("", "", False, {}),
        (" 11/20/1980 ", "1980-11-20", True, {"age": 46, "year": 1980}),
        ("2/2/2014", "2014-02-02", True, {"age": 12.7, "year": 2014}),
        ("4/16/2026", "2026-04-16", True, {"age": 0.5, "year": 2026}),
        ("6/2/2014 13:00", "2014-06-02", True, {"age": 12.4, "year": 2014}),
    ],
)
def test_a_day_of_birth_has_a_year_and_an_age(
    posted: Any, normal: Any, valid: bool | None, attributes: dict[str, Any]
) -> None:
    value = field_types["dob"].value(posted, NOW)

    assert value is not None
    assert (value.normal, value.valid, value.attributes) == (normal, valid, attributes)
