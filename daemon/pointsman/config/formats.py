"""What ``format`` means in the schemas; each claim is checked, unlike by default."""

from __future__ import annotations

import re
from datetime import date, datetime
from ipaddress import ip_network
from uuid import UUID
from zoneinfo import ZoneInfo

from jsonschema import FormatChecker

__all__ = ["EXPECTED", "FORMATS", "moment"]

FORMATS = FormatChecker(formats=())

EXPECTED = {
    "uuid": "a UUID such as 2f1d6a52-6c0f-5d43-9f6e-0a1b2c3d4e5f",
    "email": "an email address such as ada@example.com",
    "date-time": "a time with its zone, such as 2027-01-31T09:30:00Z",
    "date": "a date such as 2026-12-25",
    "cidr": "a network such as 10.0.0.0/8",
    "time-zone": "an IANA time zone such as Europe/Berlin",
    "uri": "an address such as https://example.com/path",
}
"""What a message says was expected, by format."""

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+", re.ASCII)


def moment(text: str) -> datetime:
    """Return the instant of an RFC 3339 text; raises ``ValueError`` without a zone."""
    read = datetime.fromisoformat(text)
    if read.tzinfo is None or "T" not in text:
        raise ValueError("no time zone")
    return read


@FORMATS.checks("uuid", raises=ValueError)
def _uuid(value: object) -> bool:
    return not isinstance(value, str) or str(UUID(value)) == value.lower()


@FORMATS.checks("email")
def _email(value: object) -> bool:
    return not isinstance(value, str) or bool(_EMAIL.fullmatch(value))


@FORMATS.checks("date-time", raises=ValueError)
def _date_time(value: object) -> bool:
    return not isinstance(value, str) or bool(moment(value))


@FORMATS.checks("date", raises=ValueError)
def _date(value: object) -> bool:
    return not isinstance(value, str) or date.fromisoformat(value).isoformat() == value


@FORMATS.checks("cidr", raises=ValueError)
def _cidr(value: object) -> bool:
    return not isinstance(value, str) or bool(ip_network(value))


@FORMATS.checks("time-zone", raises=(ValueError, OSError, KeyError))
def _time_zone(value: object) -> bool:
    return not isinstance(value, str) or bool(ZoneInfo(value))
