"""Which pool a lead goes to, by where it came from.

The index is made once a load: connections are grouped by their *shape* (source and which keys they
give), so that a lead costs one look-up per shape, however many pools there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from orjson import dumps

from pointsman.model import Connection, Match, Origin, Pool
from pointsman.store.history import FALLBACKS

__all__ = ["PRECEDENCE", "PoolIndex", "clashes", "fallback_type", "given_keys"]

PRECEDENCE = (
    "meta_ad",
    "meta_form",
    "meta_campaign",
    "meta_page",
    "meta",
    "automation_key",
    "automation",
    "workflow",
    "webhook_key",
    "utm_campaign",
    "webhook",
)
"""How leads find pools, most specific first; ``manual`` comes after all of them."""

_KEYS = (
    "meta_ad_id",
    "meta_form_id",
    "meta_campaign_id",
    "meta_page_id",
    "provider",
    "source_key",
    "workflow_id",
    "utm_campaign",
)
_META = {
    "meta_ad_id": "meta_ad",
    "meta_form_id": "meta_form",
    "meta_campaign_id": "meta_campaign",
    "meta_page_id": "meta_page",
}
_ANYWHERE = frozenset({"system", "whatsapp"})
_CONNECTED = frozenset({"webhook", "meta", "automation", "workflow"})


class _Shape(NamedTuple):
    """All connections that give the same keys: the values of those keys, to the best match."""

    values: Callable[[Origin], Any]
    best: dict[Any, tuple[tuple[int, str], Match]]


class PoolIndex:
    """Finds the pool of an origin among the pools of one load."""

    def __init__(self, pools: Iterable[Pool]) -> None:
        self.pools = sorted((pool for pool in pools), key=_rank)
        active = [pool for pool in self.pools if pool.active]
        self._inbound = _Index([pool for pool in active if pool.assign_inbound_leads])
        manual = [pool for pool in active if pool.assign_manual_leads]
        self._manual = _Index(manual)
        self._first_manual = _matched(manual[0], "manual") if manual else None

    def match(self, origin: Origin, source: str = "webhook") -> Match | None:
        """Return the pool that the most specific connection leads to.

        ``source`` is what history will record: ``manual`` looks among the pools that take manual
        leads, everything else among those that take inbound ones.
        """
        if source == "manual":
            return self._manual.find(origin) or self._first_manual
        found = self._inbound.find(origin)
        if found is None and (source in _ANYWHERE or origin.source not in _CONNECTED):
            return self._inbound.generic
        return found


class _Index:
    """The connections of some pools, by source, then by shape, most specific shapes first."""

    def __init__(self, pools: Sequence[Pool]) -> None:
        shapes: dict[tuple[str, int, int, tuple[str, ...]], _Shape] = {}
        for pool in pools:
            for connection in pool.connections:
                if connection.active:
                    _enter(shapes, pool, connection)
        self._sources = {
            source: [
                [shapes[key] for key in equals]
                for _, equals in groupby(keys, key=lambda key: key[:3])
            ]
            for source, keys in groupby(sorted(shapes), key=lambda key: key[0])
        }
        self.generic = self.find(Origin("webhook"))

    def find(self, origin: Origin) -> Match | None:
        """Return the match by the most specific connection."""
        for equals in self._sources.get(origin.source, ()):
            found = None
            for shape in equals:
                hit = shape.best.get(shape.values(origin))
                if hit is not None and (found is None or hit[0] < found[0]):
                    found = hit
            if found is not None:
                return found[1]
        return None


def given_keys(connection: Connection) -> tuple[str, ...]:
    """Return the names of the keys that a connection gives, its source aside."""
    return tuple(name for name in _KEYS if getattr(connection, name) is not None)


def fallback_type(connection: Connection) -> str:
    """Return the name of the rule by which a connection matches: that of its best key."""
    given = given_keys(connection)
    if connection.source == "meta":
        return next((rule for name, rule in _META.items() if name in given), "meta")
    if connection.source == "automation":
        return "automation_key" if "source_key" in given else "automation"
    if connection.source == "workflow":
        return "workflow"
    if "source_key" in given:
        return "webhook_key"
    return "utm_campaign" if "utm_campaign" in given else "webhook"


def clashes(pools: Iterable[Pool]) -> Iterator[tuple[Pool, Pool, Connection]]:
    """Yield pairs of active pools that an identical connection leads to: only the first gets leads.

    The connection is the second pool's.
    """
    first: dict[tuple[Any, ...], Pool] = {}
    for pool in sorted((pool for pool in pools if pool.active), key=_rank):
        for connection in pool.connections:
            content = (connection.source, *(getattr(connection, name) for name in _KEYS))
            if connection.active and first.setdefault(content, pool) is not pool:
                yield first[content], pool, connection


def _enter(
    shapes: dict[tuple[str, int, int, tuple[str, ...]], _Shape], pool: Pool, connection: Connection
) -> None:
    given = given_keys(connection)
    rule = fallback_type(connection)
    key = (connection.source, PRECEDENCE.index(rule), -len(given), given)
    shape = shapes.get(key)
    if shape is None:
        shape = shapes[key] = _Shape(attrgetter(*given) if given else _nothing, {})
    hit = (_rank(pool), _matched(pool, rule, connection.id))
    values = shape.values(connection)  # type: ignore[arg-type]
    if values not in shape.best or hit[0] < shape.best[values][0]:
        shape.best[values] = hit


def _matched(pool: Pool, rule: str, connection_id: str | None = None) -> Match:
    """Return a match with its reason written out: once a load, not once a lead."""
    why = dumps({"f": FALLBACKS.index(rule), "c": connection_id}).decode()[1:-1]
    return Match(pool, rule, connection_id, why)


def _nothing(_: Origin) -> None:
    """Return the values of no keys."""


def _rank(pool: Pool) -> tuple[int, str]:
    return -pool.priority, pool.file
