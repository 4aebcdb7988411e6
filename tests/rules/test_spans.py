"""Lengths of time in words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pointsman.rules.spans import Span, read_span

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "before"),
    [
        ("90 seconds", "2026-03-31T11:58:30"),
        ("1 Minute", "2026-03-31T11:59:00"),
        ("24hours", "2026-03-30T12:00:00"),
        ("30 days", "2026-03-01T12:00:00"),
        ("2 weeks", "2026-03-17T12:00:00"),
        ("1 month", "2026-02-28T12:00:00"),
        ("13 months", "2025-02-28T12:00:00"),
        ("18 years", "2008-03-31T12:00:00"),
        ("0 days", "2026-03-31T12:00:00"),
        ("999999 years", "0001-01-01T00:00:00"),
        ("999999 weeks", "0001-01-01T00:00:00"),
        ({"value": 3, "interval": "day"}, "2026-03-28T12:00:00"),
        ({"value": "3", "interval": "days"}, "2026-03-28T12:00:00"),
    ],
)
def test_spans_count_back_on_the_calendar(written: Any, before: str) -> None:
    """A month ends on its last day where it has no such day."""
    assert read_span(written).before(NOON) == datetime.fromisoformat(f"{before}+00:00")


def test_a_leap_day_has_its_year_before_on_the_28th() -> None:
    assert Span(1, "year").before(NOON.replace(2028, 2, 29)) == NOON.replace(2027, 2, 28)


@pytest.mark.parametrize(
    "written",
    ["", "30", "days", "-1 day", "1.5 days", "1 moon", "9999999 days", 5, None, [], {"value": 1}],
)
def test_what_is_no_span_is_told(written: Any) -> None:
    with pytest.raises(ValueError, match="such as '30 days'"):
        read_span(written)
