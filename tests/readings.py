"""What the tests of field types share."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

__all__ = ["JSON", "NOW", "TEXTS"]

NOW = datetime(2026, 11, 21, 15, 34, 56, 789_000, UTC)
"""A Saturday."""

TEXTS = (
    st.text() | st.text("0123456789-/.:,+*x@() tTzZ", max_size=40) | st.text("aA1 -.", max_size=9)
)
"""Arbitrary texts, and more often those that look like numbers, dates, phones and addresses."""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
