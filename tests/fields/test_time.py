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
    ],
)
def test_machines_and_peoples_spellings_are_read(
    posted: Any, normal: Any, valid: bool | None, attributes: dict[str, Any]
) -> None:
    value = field_types["time"].value(posted, NOW)

    assert value is not None
    assert (value.normal, value.valid, value.attributes) == (normal, valid, attributes)
