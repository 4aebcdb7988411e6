"""What an editor of files gets and gives: pure functions from what is published to new files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pointsman.model import Organization

__all__ = ["Edited", "Editor", "Subject"]


@dataclass(frozen=True, slots=True)
class Subject:
    """An organization as it is published; ``taken`` are all paths in its directory."""

    organization: Organization
    files: Mapping[str, bytes]
    taken: frozenset[str]


@dataclass(frozen=True, slots=True)
class Edited:
    """What becomes of one file, and ``id`` of the thing that is changed.

    One file, because renaming one into its place is all that a file system does at once. ``after``
    is ``None`` if the file goes; ``path`` if none changes. ``reset`` are pools whose pointer goes
    back to the first, ``erased`` those that leave no state.
    """

    id: str
    path: str | None = None
    after: bytes | None = None
    reset: frozenset[str] = frozenset()
    erased: frozenset[str] = frozenset()


Editor = Callable[[Subject, Mapping[str, Any]], Edited]
