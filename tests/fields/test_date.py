from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.fields.date import day_by_format, day_of
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
        ("2nd June 2014", "2014-06-02", True, {}),
        ("Jun. 2, 1980", "1980-06-02", True, {}),
        ("18 Jul 2014", "2014-07-18", True, {}),
        ("2014-6-2", "2014-06-02", True, {}),
        ("June 2014", "2014-06-20", True, {}),
        ("June", "2026-06-01", True, {}),
        ("Monday", "Monday", False, {}),
        ("fri", "fri", False, {}),
        ("14", "2026-11-14", True, {}),
        ("6022014", "6022-01-04", True, {}),
        (" 18/07/2014 ", " 18/07/2014 ", False, {}),
        (" 6/2/2014 ", "2014-06-02", True, {}),
        ("  20140602  ", "  20140602  ", False, {}),
        ("June 2nd", "June 2nd", False, {}),
        ("Tue Jun 02 2014", "2014-02-20", True, {}),
        ("Tue, 02 Jun 2014", "Tue, 02 Jun 2014", False, {}),
        ("2014-Jun-02", "2002-06-20", True, {}),
        ("2014-06-02/2014-07-02", "2014-06-02", True, {}),
        ("2014-1-80f", "2014-1-80f", False, {}),
        ("6-2", "0006-02-01", True, {}),
        ("6/", "2026-06-01", True, {}),
        ("$5", "2026-11-05", True, {}),
        ("2 février 2014", "2 février 2014", False, {}),
        ("2014\u201106\u201102", "2014\u201106\u201102", False, {}),
    ],
)
def test_the_month_comes_first_where_both_are_possible(
    posted: Any, normal: Any, valid: bool | None, attributes: dict[str, Any]
) -> None:
    value = field_types["date"].value(posted, NOW)

    assert value is not None
    assert (value.normal, value.valid, value.attributes) == (normal, valid, attributes)


@pytest.mark.parametrize("year", ["0000", "0001", "0069", "1900", "2000", "2023", "2024", "9999"])
def test_the_quick_way_reads_usual_days_as_their_formats_do(year: str) -> None:
    """Every month and day, also those that there are not, of years with and without a leap day."""
    for month, day in product(range(14), range(33)):
        for text in (f"{month:02}/{day:02}/{year}", f"{year}-{month:02}-{day:02}"):
            read = day_by_format(text, NOW)

            assert day_of(text, NOW) == (read and read.isoformat()), text


@given(
    st.text("0159/-W \u0661", min_size=10, max_size=10)
    | st.from_regex(r"[0-9W]{2,4}[/-][0-9W]{2,3}[/-][0-9W]{1,4}", fullmatch=True)
)
def test_the_quick_way_reads_only_what_a_format_reads_the_same(text: str) -> None:
    read = day_by_format(text, NOW)

    assert day_of(text, NOW) == (read and read.isoformat())
