"""Query strings of lists: what is out of range is refused, never clamped."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from aiohttp import web

from pointsman.errors import Refused

__all__ = ["LARGEST", "SOURCES", "Page", "choice", "invalid", "page"]

SOURCES = ("manual", "meta", "webhook", "whatsapp", "system")
"""Where an assignment can come from, as history records it."""

LARGEST = 10**15 - 1
"""The largest number that a query may name."""

_WHOLE = re.compile(r"[0-9]{1,15}", re.ASCII)
_MOST = 100
_USUAL = 50


class Page(NamedTuple):
    """Which part of a list is asked for."""

    limit: int
    offset: int


def page(request: web.Request) -> Page:
    """Return ``limit`` (1..100, 50 if absent) and ``offset`` (0 if absent) of the query.

    A ``page``, counted from 1, wins over an ``offset``.
    """
    query = request.query
    problems: list[str] = []
    limit = _whole(query.get("limit", str(_USUAL)))
    offset = _whole(query.get("offset", "0"))
    number = _whole(query.get("page", "1"))
    if limit is None or not 1 <= limit <= _MOST:
        problems.append(f"limit: must be a whole number from 1 to {_MOST}")
    if offset is None:
        problems.append("offset: must be a whole number from 0")
    if not number:
        problems.append("page: must be a whole number from 1")
    if problems or limit is None or offset is None or number is None:
        raise invalid(problems)
    return Page(limit, (number - 1) * limit if "page" in query else offset)


def choice(request: web.Request, name: str, known: Collection[str]) -> str | None:
    """Return one value out of ``known``, or ``None`` if the query does not name one."""
    value = request.query.get(name)
    if value is not None and value not in known:
        raise invalid([f"{name}: must be one of {', '.join(known)}"])
    return value


def invalid(problems: Collection[str]) -> Refused:
    """Return the refusal that lists every failing field as ``path: reason``."""
    return Refused("; ".join(problems), code="VALIDATION_ERROR")


def _whole(text: str) -> int | None:
    return int(text) if _WHOLE.fullmatch(text) else None
