from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest

from pointsman.errors import Refused
from pointsman.fields.limits import check


def nested(depth: int) -> dict[str, Any]:
    body: dict[str, Any] = {"a": "x"}
    for _ in range(depth - 1):
        body = {"a": body}
    return body


@pytest.mark.parametrize(
    "body",
    [
        nested(20),
        {"a": "x" * 64 * 1024},
        {f"k{n}": n for n in range(1_000)},
        {"a": list(range(999))},
    ],
    ids=["depth", "text", "keys", "items"],
)
def test_a_body_at_the_limit_is_taken(body: dict[str, Any]) -> None:
    check(body)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (nested(21), "a: nested deeper than 20 levels"),
        (nested(50_000), "a: nested deeper than 20 levels"),
        ({"a": "x" * (64 * 1024 + 1)}, "a: the value is longer than 64 KiB"),
        ({"a": "é" * (32 * 1024 + 1)}, "a: the value is longer than 64 KiB"),
        ({"a": [{"b": "x" * 70_000}]}, "a: the value is longer than 64 KiB"),
        ({f"k{n}": n for n in range(1_001)}, "the body has more than 1000 parameters"),
        ({"a": list(range(1_000))}, "the body has more than 1000 parameters"),
        (
            {"a": [[]] * 600, "b": {str(n): {} for n in range(600)}},
            "the body has more than 1000 parameters",
        ),
        ({"k" * 20_000: 1}, "a name in the body is too long"),
    ],
)
def test_a_body_beyond_a_limit_is_refused(body: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused, match=message) as refused:
        check(body)

    assert refused.value.status is HTTPStatus.BAD_REQUEST
