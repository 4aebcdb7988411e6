"""The standard fields: names that every organization's leads have without being declared.

The names in ``standard.csv`` are those of ActiveProspect's public list of standard fields, so that
bodies written for its intake mean the same here.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

__all__ = ["standard_fields", "standard_names"]


@cache
def standard_fields() -> Mapping[str, str]:
    """Return the type of every standard field, by id; not every type is one that is read."""
    return {row["id"]: row["type"] for row in _rows()}


@cache
def standard_names() -> Mapping[str, str]:
    """Return what people call every standard field, by id."""
    return {row["id"]: row["name"] for row in _rows()}


def _rows() -> list[dict[str, str]]:
    with (files("pointsman.fields") / "standard.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))
