from __future__ import annotations

from typing import Any

import pytest

from pointsman.fields.types import field_types
from readings import NOW


@pytest.mark.parametrize(
    ("posted", "normal", "valid", "attributes"),
    [
        ("2014-06-14T18:27:33Z", "2014-06-14T18:27:33.000Z", True, {}),
        ("2014-06-14T18:27:33.123Z", "2014-06-14T18:27:33.123Z", True, {}),
        ("2014-06-14T18:27:33.12345Z", "2014-06-14T18:27:33.000Z", True, {}),
        ("2014-06-14T18:27:33+05:00", "2014-06-14T13:27:33.000Z", True, {}),
        ("2014-06-14T18:27", "2014-06-14T18:27:00.000Z", True, {}),
        ("2014-06-14", "2014-06-14T12:00:00.000Z", True, {}),
        ("06/14/2014 6:27:33 PM", "2014-06-14T18:27:33.000Z", True, {}),
        ("06/14/2014 6:27:33 PM EST", "2014-06-14T23:27:33.000Z", True, {}),
        ("Sat Jun 14 2014 13:27:33 GMT-0500 (CDT)", "2014-06-14T18:27:33.000Z", True, {}),
        ("Sat, 14 Jun 2014 18:27:33 GMT", "2014-06-14T18:27:33.000Z", True, {}),
        ("14 June 2014 15:00", "2014-06-14T15:00:00.000Z", True, {}),
        ("18/07/2014", "2014-07-18T12:00:00.000Z", True, {}),
        ("14.06.2014 10:00", "2014-06-14T10:00:00.000Z", True, {}),
        ("6/14/14", "2014-06-14T12:00:00.000Z", True, {}),
        ("June 2014", "2014-06-01T12:00:00.000Z", True, {}),
        ("June 5th at 3", "2026-06-05T03:00:00.000Z", True, {}),
        ("6:27 PM", "2026-11-21T18:27:00.000Z", True, {}),
        ("9.30am", "2026-11-21T09:30:00.000Z", True, {}),
        ("18:27:33", "2026-11-21T18:27:33.000Z", True, {}),
        ("12am", "2026-11-21T00:00:00.000Z", True, {}),
        ("12pm", "2026-11-21T12:00:00.000Z", True, {}),
        ("6:27 p.m.", "2026-11-21T18:27:00.000Z", True, {}),
        ("6:27 PM GMT+2", "2026-11-21T16:27:00.000Z", True, {}),
        ("5 o'clock", "2026-11-21T05:00:00.000Z", True, {}),
        ("noon", "2026-11-21T12:00:00.000Z", True, {}),
        ("midnight", "2026-11-22T00:00:00.000Z", True, {}),
        ("now", "2026-11-21T15:34:56.789Z", True, {}),
        ("tomorrow", "2026-11-22T15:34:56.789Z", True, {}),
        ("tomorrow 9am", "2026-11-22T09:00:00.000Z", True, {}),
        ("day after tomorrow", "2026-11-23T15:34:56.789Z", True, {}),
        ("yesterday", "2026-11-20T15:34:56.789Z", True, {}),
        ("tonight", "2026-11-21T22:00:00.000Z", True, {}),
        ("this morning", "2026-11-21T06:00:00.000Z", True, {}),
        ("monday", "2026-11-23T12:00:00.000Z", True, {}),
        ("next monday", "2026-11-23T12:00:00.000Z", True, {}),
        ("last friday", "2026-11-20T12:00:00.000Z", True, {}),
        ("friday 3pm", "2026-11-20T15:00:00.000Z", True, {}),
        ("in 2 hours", "2026-11-21T17:34:56.789Z", True, {}),
        ("2 hours ago", "2026-11-21T13:34:56.789Z", True, {}),
        ("in half an hour", "2026-11-21T16:04:56.789Z", True, {}),
        ("in 1.5 days", "2026-11-23T03:34:56.789Z", True, {}),
        ("3 weeks ago", "2026-10-31T15:34:56.789Z", True, {}),
        ("+2 hours", "2026-11-21T17:34:56.789Z", True, {}),
        ("5 minutes from now", "2026-11-21T15:39:56.789Z", True, {}),
        ("next month", "2026-12-21T15:34:56.789Z", True, {}),
        ("last year", "2025-11-21T15:34:56.789Z", True, {}),
        ("6/14", "2026-06-14T12:00:00.000Z", True, {}),
        ("March 3rd", "2027-03-03T12:00:00.000Z", True, {}),
        ("february", "2027-02-01T12:00:00.000Z", True, {}),
        ("2014-02-30", "2014-02-30", False, {}),
        ("2014-06-14T24:00:00Z", "2014-06-14T24:00:00Z", False, {}),
        ("25:00", "25:00", False, {}),
        ("24:00", "24:00", False, {}),
        ("13:00 pm", "13:00 pm", False, {}),
        ("1402770453", "1402770453", False, {}),
        ("20140614", "20140614", False, {}),
        ("2014", "2014", False, {}),
        ("5", "5", False, {}),
        ("garbage", "garbage", False, {}),
        ("", "", False, {}),
        ({"foo": 42}, "[object Object]", False, {}),
        ("in 2 hours and 30 minutes", "2026-11-21T18:04:56.789Z", True, {}),
        ("in two hours", "2026-11-21T17:34:56.789Z", True, {}),
        ("in 1h30m", "2026-11-21T17:04:56.789Z", True, {}),
        ("in 1h30", "in 1h30", False, {}),
        ("in 1.5 months", "2027-01-04T15:34:56.789Z", True, {}),
        ("in 1.5 weeks", "2026-12-02T15:34:56.789Z", True, {}),
        ("within 3 days", "2026-11-24T15:34:56.789Z", True, {}),
        ("1 week 2 days ago", "2026-11-12T15:34:56.789Z", True, {}),
        ("half an hour ago", "2026-11-21T15:04:56.789Z", True, {}),
        ("several days ago", "2026-11-14T15:34:56.789Z", True, {}),
        ("last 3 days", "2026-11-18T15:34:56.789Z", True, {}),
        ("next 6 months", "2027-05-21T15:34:56.789Z", True, {}),
        ("+1 day 2 hours", "2026-11-22T17:34:56.789Z", True, {}),
        ("this week", "2026-11-15T12:00:00.000Z", True, {}),
        ("this month", "2026-11-01T12:00:00.000Z", True, {}),
        ("this year", "2026-01-01T12:00:00.000Z", True, {}),
        ("weekend", "2026-11-21T12:00:00.000Z", True, {}),
        ("next weekend", "2026-11-28T12:00:00.000Z", True, {}),
        ("last weekend", "2026-11-15T12:00:00.000Z", True, {}),
        ("friday next week", "2026-11-27T12:00:00.000Z", True, {}),
        ("past friday", "2026-11-20T12:00:00.000Z", True, {}),
        ("tues", "tues", False, {}),
        ("the day after tomorrow", "2026-11-23T15:34:56.789Z", True, {}),
        ("2 days after tomorrow", "2026-11-24T15:34:56.789Z", True, {}),
        ("an hour after noon", "2026-11-21T13:00:00.000Z", True, {}),
        ("2 hours before midnight", "2026-11-21T22:00:00.000Z", True, {}),
        ("tonight at 8", "2026-11-21T20:00:00.000Z", True, {}),
        ("tomorrow night", "2026-11-22T20:00:00.000Z", True, {}),
        ("last night at 9", "2026-11-20T09:00:00.000Z", True, {}),
        ("8 in the evening", "2026-11-21T20:00:00.000Z", True, {}),
        ("7 at night", "2026-11-21T19:00:00.000Z", True, {}),
        ("tomorrow midnight", "2026-11-22T00:00:00.000Z", True, {}),
        ("9am-5pm", "2026-11-21T09:00:00.000Z", True, {}),
        ("5 - 6 pm", "2026-11-21T17:00:00.000Z", True, {}),
        ("9 to 5", "2026-11-21T09:00:00.000Z", True, {}),
        ("9:00-17:00", "2026-11-21T09:00:00.000Z", True, {}),
        ("June 14-16, 2014", "2014-06-14T12:00:00.000Z", True, {}),
        ("14 to 16 June 2014", "2014-06-14T12:00:00.000Z", True, {}),
        ("June 14 - June 16", "2026-06-14T12:00:00.000Z", True, {}),
        ("14/Jun/2014", "2014-06-14T12:00:00.000Z", True, {}),
        ("06/2014", "2014-06-01T12:00:00.000Z", True, {}),
        ("Sat Jun 14 18:27:33 2014", "2014-06-14T18:27:33.000Z", True, {}),
        ("3 o clock", "2026-11-21T03:00:00.000Z", True, {}),
        ("06/14/2014 6:27:33\u202fPM", "2014-06-14T18:27:33.000Z", True, {}),
    ],
)
def test_machines_and_peoples_spellings_are_read(
    posted: Any, normal: Any, valid: bool | None, attributes: dict[str, Any]
) -> None:
    value = field_types["time"].value(posted, NOW)

    assert value is not None
    assert (value.normal, value.valid, value.attributes) == (normal, valid, attributes)


@pytest.mark.parametrize("part", ["1d", "in 1 day and ", "2 days after ", "14 to ", "june ", "at "])
def test_long_texts_take_little_time(part: str) -> None:
    """The limits of a body let a value have 64 KiB."""
    value = field_types["time"].value(part * 20_000, NOW)

    assert value is not None
    assert isinstance(value.normal, str)
