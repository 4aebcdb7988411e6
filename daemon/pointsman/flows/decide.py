"""Which pool a lead shall take a turn in, decided from rules alone.

Nothing here talks to Redis: the same question is asked again with newer rules when Redis refuses
the answer as stale.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from orjson import dumps

from pointsman.calendar import FOREVER
from pointsman.flows.terms import NO_MARKS, marks_of, terms
from pointsman.model import Flow, Organization, Origin, Pool, PoolStep, Source
from pointsman.store.leads import Choice

__all__ = [
    "choose",
    "choose_for_line",
    "choose_next",
    "fallback_of",
    "flow_of",
    "keep_fields",
    "route_of",
    "source_keys",
]

NOTHING: Mapping[str, Any] = MappingProxyType({})

_ALWAYS_KEPT = frozenset({"tags", "stage", "score"})
"""Not fields of a sender's form, but parts of every record."""


def flow_of(organization: Organization, origin: Origin) -> Flow | None:
    """Return the flow that decides about leads of an origin."""
    found = route_of(organization, origin)
    return found[0] if found is not None else None


def route_of(organization: Organization, origin: Origin) -> tuple[Flow, Source] | None:
    """Return the enabled flow and its source that name an intake, the most exactly."""
    flows = organization.flows
    if not flows:
        return None
    narrow = (f"{origin.source}/{origin.provider}",) if origin.provider else ()
    for intake in (*narrow, origin.source):
        found = flows.get((intake, origin.source_key)) or flows.get((intake, None))
        if found is not None and found[0].enabled:
            return found
    return None


def source_keys(
    organization: Organization, source: str = "webhook", provider: str | None = None
) -> frozenset[str]:
    """Return every key that an intake has an address for: those that pools and flows name."""
    intakes = {source, f"{source}/{provider}"}
    of_flows = {key for intake, key in organization.flows if intake in intakes and key}
    of_pools = {
        connection.source_key
        for pool in organization.pools.values()
        for connection in pool.connections
        if connection.source == source and connection.provider == provider and connection.source_key
    }
    return frozenset(of_flows | of_pools)


def keep_fields(data: Mapping[str, Any], fields: frozenset[str]) -> dict[str, Any]:
    """Return what a flow keeps of a lead's data: its fields, wherever the lead has them."""
    kept = {name: v for name, v in data.items() if name in fields or name in _ALWAYS_KEPT}
    custom = {name: v for name, v in data.get("custom_fields", {}).items() if name in fields}
    if custom:
        kept["custom_fields"] = custom
    return kept


def choose(
    organization: Organization,
    flow: Flow | None,
    origin: Origin,
    source: str,
    now: int,
    *,
    data: Mapping[str, Any] = NOTHING,
) -> Choice | None:
    """Return the flow's pool, or without a flow the one that the origin leads to.

    ``now`` is in milliseconds: who may be served hangs on it. ``data`` is the lead's: whose it was
    before may.
    """
    if flow is not None:
        step = next((s for s in flow.taken() if isinstance(s, PoolStep)), None)
        if step is None:
            return None
        return step_choice(organization, flow, step, source, now, data=data)
    match = organization.matcher.match(origin, source)
    if match is None:
        return None
    return _choice(organization, match.pool, match.why, now, data)


def choose_for_line(organization: Organization, pool: Pool, now: int) -> Choice:
    """Return the choice of ``pool`` for those who wait in its line; each has marks of their own."""
    other = fallback_of(organization, pool)
    limits = "" if pool.limits is None else pool.limits.at(now)
    till = _until(pool, other, now)
    own = terms(pool, pool, till, NO_MARKS)
    if other is None:
        return Choice(
            pool.id, pool.revision, "-", _last(limits), terms=own, accept=_accept(pool, now)
        )
    last = Choice(
        other.id,
        other.revision,
        "-",
        "" if other.limits is None else _last(other.limits.at(now)),
        terms=terms(other, pool, till, NO_MARKS),
        accept=_accept(other, now),
    )
    return Choice(pool.id, pool.revision, "-", limits, last, own, _accept(pool, now))


def choose_next(pool: Pool, why: str, now: int) -> Choice:
    """Return the choice of ``pool`` for a lead that is passed on: no line, no owner of before."""
    limits = "" if pool.limits is None else _last(pool.limits.at(now))
    return Choice(pool.id, pool.revision, why, limits, accept=_accept(pool, now))


def step_choice(
    organization: Organization,
    flow: Flow,
    step: PoolStep,
    source: str,
    now: int,
    *,
    data: Mapping[str, Any],
) -> Choice | None:
    """Return the choice of a flow's pool step; only the pool's switches are consulted."""
    pool = organization.pools.get(step.pool_id)
    if pool is None or not pool.active:
        return None
    open_ = pool.assign_manual_leads if source == "manual" else pool.assign_inbound_leads
    return _choice(organization, pool, _by_step(flow.id, step.id), now, data) if open_ else None


@lru_cache(maxsize=16_384)
def _by_step(flow_id: str, step_id: str) -> str:
    return dumps({"w": flow_id, "p": step_id}).decode()[1:-1]


def _choice(
    organization: Organization, pool: Pool, told: str, now: int, data: Mapping[str, Any]
) -> Choice:
    accept = _accept(pool, now)
    if pool.limits is None:
        return Choice(pool.id, pool.revision, told, accept=accept)
    limits = pool.limits.at(now)
    other = fallback_of(organization, pool) if pool.fallback else None
    line = pool if pool.parks else None
    till = _until(pool, other, now) if line or other else 0
    marks = _marks(organization, pool, other, data)
    own = terms(pool, line, till, marks)
    if other is None:
        return Choice(pool.id, pool.revision, told, _last(limits), terms=own, accept=accept)
    from_here = f'{told},"b":"{pool.id}"'
    of_other = "" if other.limits is None else other.limits.at(now)
    theirs = terms(other, line or (other if other.parks else None), till, marks)
    last = Choice(
        other.id,
        other.revision,
        from_here,
        _last(of_other),
        terms=theirs,
        accept=_accept(other, now),
    )
    return Choice(pool.id, pool.revision, told, limits, last, own, accept)


def _accept(pool: Pool, now: int) -> str:
    return "" if pool.accept is None else pool.accept.at(now)


def _until(pool: Pool, other: Pool | None, now: int) -> int:
    """Return when, by the clock alone, anyone may be back who is away from either pool."""
    limits = [each.limits for each in (pool, other) if each is not None and each.limits is not None]
    return min((one.until(now) for one in limits), default=FOREVER)


def _marks(
    organization: Organization, pool: Pool, other: Pool | None, data: Mapping[str, Any]
) -> str:
    pools = [each for each in (pool, other) if each is not None and each.sticky is not None]
    return marks_of(organization, pools, data) if pools else NO_MARKS


def fallback_of(organization: Organization, pool: Pool) -> Pool | None:
    """Return the active pool that is asked if nobody of ``pool`` may be served."""
    other = organization.pools.get(pool.fallback) if pool.fallback else None
    return other if other is not None and other.active else None


def _last(limits: str) -> str:
    """Return limits for a pool after which no other is asked."""
    policy, space, rest = limits.partition(" ")
    return policy.removesuffix("+") + space + rest
