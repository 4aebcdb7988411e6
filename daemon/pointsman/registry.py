"""Name to thing, for everything that can be added: actions, operators, field types, step types.

A registry refuses a second thing of the same name loudly and suggests near names for an unknown
one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Generic, TypeVar

from pointsman.errors import PointsmanError

__all__ = ["Registry", "nearest"]

T = TypeVar("T")


def nearest(name: str, known: list[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the known name next to ``name``, or nothing."""
    found = get_close_matches(name, known, n=1)
    return f"; did you mean '{found[0]}'?" if found else ""


class Registry(Mapping[str, T], Generic[T]):
    """Things of one ``kind`` (the word used in messages) by their names."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._things: dict[str, T] = {}

    def add(self, name: str, thing: T) -> T:
        """Add ``thing``; another thing under the same name is an error of whoever wrote it."""
        if name in self._things:
            raise PointsmanError(f"{self.kind} '{name}' is defined twice")
        self._things[name] = thing
        return thing

    def __getitem__(self, name: str) -> T:
        return self._things[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._things)

    def __len__(self) -> int:
        return len(self._things)

    def explain_missing(self, name: str) -> str:
        """Return the message for an unknown ``name``, with the nearest known one."""
        known = ", ".join(sorted(self._things))
        return f"unknown {self.kind} '{name}'{nearest(name, list(self._things))} (known: {known})"
