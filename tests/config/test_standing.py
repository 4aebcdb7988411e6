from __future__ import annotations

import pytest

from pointsman.config.standing import NOTHING, Standing, standing


@pytest.mark.parametrize(
    ("tree", "remembered", "current", "expected"),
    [
        ("a", None, None, Standing.NEW),
        ("a", "a", None, Standing.NEW),
        ("a", None, NOTHING, Standing.NEW),
        ("a", None, "a", Standing.SAME),
        ("a", "b", "a", Standing.SAME),
        ("b", "a", "a", Standing.CHILD),
        ("a", "a", "b", Standing.BEHIND),
        ("b", "a", "c", Standing.DRIFT),
        ("b", None, "a", Standing.DRIFT),
    ],
)
def test_who_may_publish(
    tree: str, remembered: str | None, current: str | None, expected: Standing
) -> None:
    """A tree goes over the generation that it was made from, and over no other."""
    assert standing(tree, remembered, current) is expected
