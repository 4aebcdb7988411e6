"""One call of the API as data, and what lists take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pointsman.http.query import LARGEST

__all__ = ["PAGED", "Operation"]

Schema = Mapping[str, Any]

_LIMIT: Schema = {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}
_OFFSET: Schema = {"type": "integer", "minimum": 0, "maximum": LARGEST, "default": 0}
_PAGES: Schema = {"type": "integer", "minimum": 1, "maximum": LARGEST, "default": 1}
PAGED: Mapping[str, Schema] = {"limit": _LIMIT, "page": _PAGES, "offset": _OFFSET}


@dataclass(frozen=True, slots=True)
class Operation:
    """One call; ``body`` and ``answer`` are schemas, ``errors`` statuses of its own.

    400 of what cannot be read, 401, 403 and 503 belong to every call and are not listed. ``links``
    tell which calls take what this one answers, and where it is found.
    """

    method: str
    path: str
    name: str
    summary: str
    scope: str
    answer: Schema
    status: int = 200
    query: Mapping[str, Schema] | None = None
    body: Schema | None = None
    needs_body: bool = True
    media: str = "application/json"
    errors: tuple[int, ...] = ()
    links: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def group(self) -> str:
        """What the call is about."""
        return self.path.removeprefix("/api/v1/").strip("/").partition("/")[0]
