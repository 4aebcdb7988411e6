"""Leads as people send them: no two alike, so that what is squeezed is not squeezed too well."""

from __future__ import annotations

from random import Random
from string import ascii_letters, ascii_lowercase, digits
from typing import Any

from orjson import dumps

__all__ = ["person"]

_FIRST = ("Margaret", "Ada", "Grace", "Linus", "Barbara", "Edsger", "Radia", "Donald")
_STATES = ("CA", "NV", "TX", "OR", "AZ", "NY")
_SOURCES = ("google", "bing", "facebook", "newsletter")
_TEXT = """
the roof above our garage leaks since last storm and insurance asked for photos please call after
five we own house it was built in two thousand gutters are old quote wanted soon neighbour
recommended your company thanks solar panels battery permit how long does this take
"""


def person(random: Random, size: int, **custom: Any) -> dict[str, Any]:
    """Return the fields of a lead whose JSON has so many bytes; ``custom`` are its own fields."""
    told: dict[str, Any] = {
        "first_name": random.choice(_FIRST),
        "last_name": _letters(random, 9).title(),
        "email": f"{_letters(random, 12)}@example.com",
        "phone": f"+1415{random.randrange(2_000_000, 9_999_999)}",
        "city": _letters(random, 8).title(),
        "state": random.choice(_STATES),
        "custom_fields": {
            **custom,
            "utm_source": random.choice(_SOURCES),
            "click": "".join(random.choices(ascii_letters + digits, k=32)),
            "comments": "",
        },
    }
    words = " ".join(random.choices(_TEXT.split(), k=size // 4))
    told["custom_fields"]["comments"] = words[: max(0, size - len(dumps(told)))]
    return told


def _letters(random: Random, number: int) -> str:
    return "".join(random.choices(ascii_lowercase, k=number))
