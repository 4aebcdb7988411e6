from __future__ import annotations

from typing import Any

import pytest

from pointsman.fields.types import field_types
from readings import NOW


@pytest.mark.parametrize(
    ("posted", "normal", "valid", "attributes"),
    [
        ("1 - 10", "1-10", True, {"min": 1, "max": 10, "avg": 5.5, "mid": 5}),
        ("1-10", "1-10", True, {"min": 1, "max": 10, "avg": 5.5, "mid": 5}),
        ("1 to 10", "1-10", True, {"min": 1, "max": 10, "avg": 5.5, "mid": 5}),
        ("1to10", "1-10", True, {"min": 1, "max": 10, "avg": 5.5, "mid": 5}),
        ("1     to      10", "1-10", True, {"min": 1, "max": 10, "avg": 5.5, "mid": 5}),
        ("1 thru 10", "1-10", True, {"min": 1, "max": 10, "avg": 5.5, "mid": 5}),
        ("1 through 10", "1-10", True, {"min": 1, "max": 10, "avg": 5.5, "mid": 5}),
        ("1 10", "1-10", True, {"min": 1, "max": 10, "avg": 5.5, "mid": 5}),
        ("$1 to $10", "1-10", True, {"min": 1, "max": 10, "avg": 5.5, "mid": 5}),
        (
            "$1,000 to $10,000",
            "1000-10000",
            True,
            {"min": 1000, "max": 10000, "avg": 5500, "mid": 5500},
        ),
        (
            "999.95 to 10000.95",
            "999.95-10000.95",
            True,
            {"min": 999.95, "max": 10000.95, "avg": 5500.45, "mid": 5500},
        ),
        ("5 lbs - 10 lbs", "5-10", True, {"min": 5, "max": 10, "avg": 7.5, "mid": 7}),
        ("between 5 and 10", "5-10", True, {"min": 5, "max": 10, "avg": 7.5, "mid": 7}),
        ("10+", "10+", True, {"min": 10, "max": None, "avg": None, "mid": None}),
        ("10.5+", "10.5+", True, {"min": 10.5, "max": None, "avg": None, "mid": None}),
        ("$100k+", "100+", True, {"min": 100, "max": None, "avg": None, "mid": None}),
        ("-10+", "-10+", True, {"min": -10, "max": None, "avg": None, "mid": None}),
        ("10", "10", True, {"min": 10, "max": 10, "avg": 10, "mid": 10}),
        ("5.5", "5.5", True, {"min": 5.5, "max": 5.5, "avg": 5.5, "mid": 5.5}),
        (5.5, "5.5", True, {"min": 5.5, "max": 5.5, "avg": 5.5, "mid": 5.5}),
        ("007", "007", True, {"min": 7, "max": 7, "avg": 7, "mid": 7}),
        ("under 10", "under 10", True, {"min": 10, "max": 10, "avg": 10, "mid": 10}),
        ("10%", "10%", True, {"min": 10, "max": 10, "avg": 10, "mid": 10}),
        ("0", "0", True, {"min": 0, "max": 0, "avg": 0, "mid": 0}),
        ("-10", "-10", True, {"min": -10, "max": -10, "avg": -10, "mid": -10}),
        ("-10 - 10", "-10-10", True, {"min": -10, "max": 10, "avg": 0, "mid": 0}),
        (
            "1000.50-2000.75",
            "1000.5-2000.75",
            True,
            {"min": 1000.5, "max": 2000.75, "avg": 1500.63, "mid": 1500},
        ),
        ("10-1", "10-1", True, {"min": 10, "max": 1, "avg": 5.5, "mid": 5}),
        ("1-10-20", "-10-20", True, {"min": -10, "max": 20, "avg": 5, "mid": 5}),
        ("0830-1645", "830-1645", True, {"min": 830, "max": 1645, "avg": 1237.5, "mid": 1237}),
        (
            "2015-07-25",
            "1437782400000",
            True,
            {
                "min": 1437782400000,
                "max": 1437782400000,
                "avg": 1437782400000,
                "mid": 1437782400000,
            },
        ),
        (
            "1969-07-25",
            "-13824000000",
            True,
            {"min": -13824000000, "max": -13824000000, "avg": -13824000000, "mid": -13824000000},
        ),
        (
            "2015-07-01 - 2015-07-25",
            "1435708800000-1437782400000",
            True,
            {
                "min": 1435708800000,
                "max": 1437782400000,
                "avg": 1436745600000,
                "mid": 1436745600000,
            },
        ),
        (
            "2015-07-25T01:59:32.021Z",
            "1437789572021",
            True,
            {
                "min": 1437789572021,
                "max": 1437789572021,
                "avg": 1437789572021,
                "mid": 1437789572021,
            },
        ),
        (
            "2015-02-30",
            "1425254400000",
            True,
            {
                "min": 1425254400000,
                "max": 1425254400000,
                "avg": 1425254400000,
                "mid": 1425254400000,
            },
        ),
        ("2015-13-25", "NaN", False, {"min": None, "max": None, "avg": None, "mid": None}),
        ("1--10", "1--10", False, {"min": None, "max": None, "avg": None, "mid": None}),
        ("10 - -5", "10 - -5", False, {"min": None, "max": None, "avg": None, "mid": None}),
        ("1.2.3", "1.2.3", False, {"min": None, "max": None, "avg": None, "mid": None}),
        ("5-", "5-", False, {"min": None, "max": None, "avg": None, "mid": None}),
        ("asdf", "asdf", False, {"min": None, "max": None, "avg": None, "mid": None}),
        ("", "", False, {"min": None, "max": None, "avg": None, "mid": None}),
        (True, "true", False, {"min": None, "max": None, "avg": None, "mid": None}),
        ({"a": 1}, "[object Object]", False, {"min": None, "max": None, "avg": None, "mid": None}),
    ],
)
def test_two_numbers_an_open_one_or_a_single_one(
    posted: Any, normal: Any, valid: bool | None, attributes: dict[str, Any]
) -> None:
    value = field_types["range"].value(posted, NOW)

    assert value is not None
    assert (value.normal, value.valid, value.attributes) == (normal, valid, attributes)
