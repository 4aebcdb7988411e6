from __future__ import annotations

from typing import Any

import pytest

from pointsman.fields.types import field_types
from readings import NOW


@pytest.mark.parametrize(
    ("posted", "normal", "valid", "attributes"),
    [
        ("Mon Jun 02 2014", "2014-06-02", True, {}),
        ("Jun 02 2014", "2014-06-02", True, {}),
        ("06/02/2014", "2014-06-02", True, {}),
        ("6/2/2014", "2014-06-02", True, {}),
        ("6/2/14", "2014-06-02", True, {}),
        ("2014-06-02", "2014-06-02", True, {}),
        ("06-02-2014", "2014-06-02", True, {}),
        ("06022014", "2014-06-02", True, {}),
        ("20140602", "2014-06-02", True, {}),
        ("June 2nd, 2014", "2014-06-02", True, {}),
        ("Monday, June 2, 2014", "2014-06-02", True, {}),
        ("Fri 18 July 2014", "2014-07-18", True, {}),
        ("18 July 2014", "2014-07-18", True, {}),
        ("18/07/2014", "2014-07-18", True, {}),
        ("18/7/14", "2014-07-18", True, {}),
        ("2014-18-07", "2014-07-18", True, {}),
        ("18-07-2014", "2014-07-18", True, {}),
        ("18072014", "2014-07-18", True, {}),
        ("20141807", "2014-07-18", True, {}),
        ("2-Jun-2014", "2014-06-02", True, {}),
        ("02-JUN-14", "2014-06-02", True, {}),
        ("5th June 2014", "2014-06-05", True, {}),
        ("Sept 5 2014", "2014-09-05", True, {}),
        ("06.02.2014", "2014-06-02", True, {}),
        ("06 02 2014", "2014-06-02", True, {}),
        ("2014.06.02", "2014-06-02", True, {}),
        ("060214", "2014-06-02", True, {}),
        ("80-12-31", "1980-12-31", True, {}),
        ("1/1/68", "2068-01-01", True, {}),
        ("1/1/69", "1969-01-01", True, {}),
        ("6/14", "2026-06-14", True, {}),
        ("June 2", "2026-06-02", True, {}),
        ("2 June", "2026-06-02", True, {}),
        ("06/02/2014 6:27 PM", "2014-06-02", True, {}),
        ("2014-06-02T23:00:00-05:00", "2014-06-02", True, {}),
        ("Mon, 02 Jun 2014 13:00:00 GMT", "2014-06-02", True, {}),
        ("DOB: 06/02/1980", "1980-06-02", True, {}),
        ("02/29/2016", "2016-02-29", True, {}),
        ("02/29/2014", "02/29/2014", False, {}),
        ("02/30/2014", "02/30/2014", False, {}),
        ("13/13/2014", "13/13/2014", False, {}),
        ("2014/06/02", "2014/06/02", False, {}),
        ("18.07.2014", "18.07.2014", False, {}),
        ("05-05-80", "05-05-80", False, {}),
        ("13-6-2014", "13-6-2014", False, {}),
        ("00/00/0000", "00/00/0000", False, {}),
        ("99999999", "99999999", False, {}),
        ("1402704000", "1402704000", False, {}),
        ("today", "today", False, {}),
        ("garbage", "garbage", False, {}),
        ("", "", False, {}),
        (True, "true", False, {}),
        ({"foo": 42}, "[object Object]", False, {}),
    ],
)
def test_the_month_comes_first_where_both_are_possible(
    posted: Any, normal: Any, valid: bool | None, attributes: dict[str, Any]
) -> None:
    value = field_types["date"].value(posted, NOW)

    assert value is not None
    assert (value.normal, value.valid, value.attributes) == (normal, valid, attributes)
