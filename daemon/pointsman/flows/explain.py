"""Why a lead would go where it would go: its flow, every pool, and who is next.

Takes no turn and stores nothing; the decision itself is :mod:`pointsman.flows.decide`'s.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pointsman.flows.decide import choose, fallback_of, flow_of, source_keys
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
    state_of: Callable[[Pool], Awaitable[PoolState]],
) -> Explanation:
    """Return the decision about a lead; raises ``Refused`` for a body that does not fit."""
    organization.fields.take(body)
    flow = flow_of(organization, origin)
    choice = choose(organization, flow, origin, source, milliseconds())
    pool = organization.pools[choice.pool_id] if choice else None
    state = await state_of(pool) if pool else None
    turn = tuple(explain_turn(state)) if state else ()
    empty = pool is not None and state is not None and state.next is None
    fallback = fallback_of(organization, pool) if pool and empty else None
    if fallback is not None:
        state = await state_of(fallback)
    served = state is not None and state.next is not None
    verdicts = explain(PoolIndex(organization.pools.values()), origin, source)
    return Explanation(
        organization=organization.handle,
        origin=origin,
        flow=flow,
        verdicts=() if flow else tuple(verdicts),
        pool=pool,
        state=state,
        turn=turn,
        reason=None if served else "no_eligible_participant" if pool else "no_matching_pool",
        closed=_closed(organization, origin),
        fallback=fallback,
        fallback_turn=tuple(explain_turn(state)) if fallback and state else (),
    )


def _closed(organization: Organization, origin: Origin) -> str | None:
    """Return why the webhook would answer 404."""
    if origin.source != "webhook":
        return None
    if not organization.lead_webhook:
        return "integrations.lead_webhook is not enabled in organization.yaml"
    if origin.source_key is None or origin.source_key in source_keys(organization):
        return None
    return f"no pool or flow has the source_key '{origin.source_key}'"
