"""How large and deep a posted body may be, checked before anything looks at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pointsman.errors import Refused

__all__ = ["DEPTH", "PARAMETERS", "VALUE_BYTES", "check"]

DEPTH = 20
PARAMETERS = 1_000
VALUE_BYTES = 64 * 1024

_SURE = VALUE_BYTES // 4
"""Texts of fewer characters cannot exceed the limit, however many bytes each takes."""


def check(body: Mapping[str, Any]) -> None:
    """Raise ``Refused`` (400) for a body that has too much of anything."""
    count = len(body)
    for key, value in body.items():
        if len(key) > _SURE:
            raise Refused("a name in the body is too long")
        if isinstance(value, str):
            if len(value) > _SURE:
                _check_text(key, value)
        elif isinstance(value, dict | list):
            count += _size(key, value)
    if count > PARAMETERS:
        raise Refused(f"the body has more than {PARAMETERS} parameters")


def _check_text(key: str, text: str) -> None:
    if len(text.encode("utf-8", "surrogatepass")) > VALUE_BYTES:
        raise Refused(f"{key[:100]}: the value is longer than {VALUE_BYTES // 1024} KiB")


def _size(key: str, value: Any) -> int:
    """Return how many values are inside; level by level, as nesting may be deeper than a stack."""
    count, level, depth = 0, [value], 1
    while level:
        depth += 1
        if depth > DEPTH:
            raise Refused(f"{key[:100]}: nested deeper than {DEPTH} levels")
        below: list[Any] = []
        for item in level:
            inner = item.values() if isinstance(item, dict) else item
            count += len(inner)
            below += inner
        if count > PARAMETERS:
            raise Refused(f"the body has more than {PARAMETERS} parameters")
        for item in below:
            if isinstance(item, str) and len(item) > _SURE:
                _check_text(key, item)
        level = [item for item in below if isinstance(item, dict | list)]
    return count
