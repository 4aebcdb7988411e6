"""Why a lead would go where it would go: its flow, every pool, and who is next.

Takes no turn and stores nothing; the decision itself is :mod:`pointsman.flows.decide`'s.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pointsman.flows.decide import choose, fallback_of, flow_of, keep_fields, source_keys
from pointsman.flows.terms import marks_of
from pointsman.ids import milliseconds
from pointsman.model import Flow, Organization, Origin, Pool
from pointsman.pools.explain import Verdict, explain, explain_turn
from pointsman.pools.match import PoolIndex
from pointsman.store.pools import PoolState

__all__ = ["Explanation", "explain_lead"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What would become of a lead; ``reason`` is why nobody would get it.

    ``closed`` is why it could not come in that way at all. ``fallback`` is the pool that would be
    asked because nobody of ``pool`` may be served; ``state`` is that of the pool asked last.
    """

    organization: str
    origin: Origin
    flow: Flow | None
    verdicts: tuple[Verdict, ...]
    pool: Pool | None
    state: PoolState | None
    turn: tuple[str, ...]
    reason: str | None
    closed: str | None = None
    fallback: Pool | None = None
    fallback_turn: tuple[str, ...] = ()


async def explain_lead(
    organization: Organization,
    body: Mapping[str, Any],
    origin: Origin,
    source: str,
    state_of: Callable[[Pool, str], Awaitable[PoolState]],
) -> Explanation:
    """Return the decision about a lead; raises ``Refused`` for a body that does not fit.

    ``state_of`` tells how a pool stands for a lead with the marks that it is given.
    """
    data = organization.fields.take(body)
    flow = flow_of(organization, origin)
    if flow is not None and flow.fields is not None:
        data = keep_fields(data, flow.fields)
    choice = choose(organization, flow, origin, source, milliseconds())
    pool = organization.pools[choice.pool_id] if choice else None
    state = await state_of(pool, marks_of(organization, [pool], data)) if pool else None
    turn = _turn(pool, state) if pool and state else ()
    empty = pool is not None and state is not None and state.next is None
    waits = pool is not None and state is not None and bool(pool.parks and state.parked)
    fallback = fallback_of(organization, pool) if pool and empty and not waits else None
    if fallback is not None:
        state = await state_of(fallback, marks_of(organization, [fallback], data))
    served = state is not None and state.next is not None and not waits
    verdicts = explain(PoolIndex(organization.pools.values()), origin, source)
    return Explanation(
        organization=organization.handle,
        origin=origin,
        flow=flow,
        verdicts=() if flow else tuple(verdicts),
        pool=pool,
        state=state,
        turn=turn,
        reason=None if served else _reason(pool, fallback),
        closed=_closed(organization, origin),
        fallback=fallback,
        fallback_turn=_turn(fallback, state) if fallback and state else (),
    )


def _turn(pool: Pool, state: PoolState) -> tuple[str, ...]:
    """Return who is next in a pool, and what they have to do about the lead."""
    accept = () if pool.accept is None else (pool.accept.told(),)
    return (*explain_turn(state), *accept)


def _reason(pool: Pool | None, fallback: Pool | None) -> str:
    """Return why nobody would get a lead, as its sender would be told."""
    if pool is None:
        return "no_matching_pool"
    parks = pool.parks or (fallback is not None and fallback.parks)
    return "parked" if parks else "no_eligible_participant"


def _closed(organization: Organization, origin: Origin) -> str | None:
    """Return why the address of that intake would answer 404."""
    switches = {
        "webhook": ("lead_webhook is not enabled", organization.lead_webhook),
        "automation": ("automation is not enabled", organization.automation),
        "meta": ("meta is missing or not enabled", organization.meta is not None),
    }
    why, switched_on = switches.get(origin.source, ("", True))
    if not switched_on:
        return f"integrations.{why} in organization.yaml"
    key, named = origin.source_key, (origin.source, origin.provider)
    if key is None or origin.source not in switches or key in source_keys(organization, *named):
        return None
    return f"no pool or flow has the source_key '{key}'"
