"""Which parts of events a caller wants: ``include`` names them, or ``exclude`` all others.

Names are parted by commas, and dotted where they lie deeper: ``include=outcome,vars.lead.state``.
An event keeps its id, by which the next page is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from pointsman.http.query import invalid

__all__ = ["Event", "parts_of"]

Event = Mapping[str, Any]
_Parts = Sequence[Sequence[str]]
_MOST = 100
_ALWAYS = ("id",)


def parts_of(request: web.Request) -> Callable[[Event], Event]:
    """Return what makes an event what the caller wants to see of it."""
    wanted, unwanted = _named(request, "include"), _named(request, "exclude")
    if wanted is not None and unwanted is not None:
        raise invalid(["include: goes without 'exclude'; name what you want, or what you do not"])
    if wanted is not None:
        some = (_ALWAYS, *wanted)
        return lambda event: _only(event, some)
    if unwanted is not None:
        others = [name for name in unwanted if name != _ALWAYS]
        return lambda event: _without(event, others)
    return lambda event: event


def _named(request: web.Request, name: str) -> list[tuple[str, ...]] | None:
    if name not in request.query:
        return None
    listed = ",".join(request.query.getall(name)).split(",")
    found = [tuple(part.strip().split(".")) for part in listed if part.strip()]
    if not 0 < len(found) <= _MOST:
        raise invalid([f"{name}: must be 1 to {_MOST} names of properties, parted by commas"])
    return found


def _only(value: Event, parts: _Parts) -> Event:
    """Return what is named; what is named whole is whole."""
    found: dict[str, Any] = {}
    for name, inner in value.items():
        below = [part[1:] for part in parts if part[0] == name]
        if () in below or (below and not isinstance(inner, Mapping)):
            found[name] = inner
        elif below:
            found[name] = _only(inner, below)
    return found


def _without(value: Event, parts: _Parts) -> Event:
    found: dict[str, Any] = {}
    for name, inner in value.items():
        below = [part[1:] for part in parts if part[0] == name]
        if () not in below:
            deeper = below and isinstance(inner, Mapping)
            found[name] = _without(inner, below) if deeper else inner
    return found
