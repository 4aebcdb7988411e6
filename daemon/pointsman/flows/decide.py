"""Which pool a lead shall take a turn in, decided from rules alone.

Nothing here talks to Redis: the same question is asked again with newer rules when Redis refuses
the answer as stale.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orjson import dumps

from pointsman.model import Flow, Organization, Origin, Pool
from pointsman.store.leads import Choice

__all__ = ["choose", "fallback_of", "flow_of", "keep_fields", "source_keys"]

_ALWAYS_KEPT = frozenset({"tags", "stage", "score"})
"""Not fields of a sender's form, but parts of every record."""


def flow_of(organization: Organization, origin: Origin) -> Flow | None:
    """Return the enabled flow that names the intake a lead came through."""
    found = organization.flows.get((origin.source, origin.source_key))
    return found[0] if found is not None and found[0].enabled else None


def source_keys(organization: Organization) -> frozenset[str]:
    """Return every key that the webhook has an address for: those that pools and flows name."""
    of_flows = {key for intake, key in organization.flows if intake == "webhook" and key}
    of_pools = {
        connection.source_key
        for pool in organization.pools.values()
        for connection in pool.connections
        if connection.source == "webhook" and connection.source_key
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
    organization: Organization, flow: Flow | None, origin: Origin, source: str, now: int
) -> Choice | None:
    """Return the flow's pool, or without a flow the one that the origin leads to.

    ``now`` is in milliseconds: who may be served hangs on it.
    """
    if flow is not None:
        return _step_choice(organization, flow, source, now)
    match = organization.matcher.match(origin, source)
    if match is None:
        return None
    return _choice(organization, match.pool, match.why, now)


def _step_choice(organization: Organization, flow: Flow, source: str, now: int) -> Choice | None:
    """Return the choice of the flow's pool step; only the pool's switches are consulted."""
    step = next((step for step in flow.steps if step.enabled), None)
    pool = organization.pools.get(step.pool_id) if step else None
    if step is None or pool is None or not pool.active:
        return None
    open_ = pool.assign_manual_leads if source == "manual" else pool.assign_inbound_leads
    why = dumps({"w": flow.id, "p": step.id}).decode()[1:-1]
    return _choice(organization, pool, why, now) if open_ else None


def _choice(organization: Organization, pool: Pool, told: str, now: int) -> Choice:
    if pool.limits is None:
        return Choice(pool.id, pool.revision, told)
    limits = pool.limits.at(now)
    if pool.fallback is None:
        return Choice(pool.id, pool.revision, told, limits)
    other = fallback_of(organization, pool)
    if other is None:
        return Choice(pool.id, pool.revision, told, _last(limits))
    from_here = f'{told},"b":"{pool.id}"'
    of_other = "" if other.limits is None else other.limits.at(now)
    last = Choice(other.id, other.revision, from_here, _last(of_other))
    return Choice(pool.id, pool.revision, told, limits, last)


def fallback_of(organization: Organization, pool: Pool) -> Pool | None:
    """Return the active pool that is asked if nobody of ``pool`` may be served."""
    other = organization.pools.get(pool.fallback) if pool.fallback else None
    return other if other is not None and other.active else None


def _last(limits: str) -> str:
    """Return limits for a pool after which no other is asked."""
    policy, space, rest = limits.partition(" ")
    return policy.removesuffix("+") + space + rest
