"""Whether a stored lead can be assigned now, and why or why not.

Any lead that nobody has can be, however old it is and whoever had it before; what is missing then
is a pool for it, or somebody who may be served. Takes no turn.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pointsman.flows.decide import choose, fallback_of, flow_of
from pointsman.ids import milliseconds
from pointsman.model import Organization, Pool
from pointsman.pools.explain import explain, explain_turn
from pointsman.pools.match import PoolIndex
from pointsman.store.owners import Ownership
from pointsman.store.pools import PoolState
from pointsman.store.stored import StoredRecord

__all__ = ["Assignable", "assignable"]

_MOST = 20
"""Sentences of an explanation; a large organization has thousands of pools."""

StateOf = Callable[[Pool], Awaitable[PoolState]]


@dataclass(frozen=True, slots=True)
class Assignable:
    """Whether ``/assign`` would give the lead to somebody; if not, the word that it answers."""

    possible: bool
    reason: str | None
    explanation: tuple[str, ...]


async def assignable(
    organization: Organization, lead: StoredRecord, owner: Ownership, state_of: StateOf
) -> Assignable:
    """Return whether a lead can be assigned now."""
    if owner.owner is not None:
        return _no("already_assigned", _whose(organization, owner.owner))
    flow = flow_of(organization, lead.origin)
    choice = choose(organization, flow, lead.origin, lead.source, milliseconds(), data=lead.data)
    pool = organization.pools.get(choice.pool_id) if choice else None
    if pool is None:
        if flow is not None:
            return _no("no_matching_pool", f"flow '{flow.name}' names no pool that takes it")
        return _no("no_matching_pool", *_verdicts(organization, lead))
    told: list[str] = []
    for asked in (pool, fallback_of(organization, pool)):
        if asked is not None:
            state = await state_of(asked)
            told += [f"{asked.name} ({asked.file}): {line}" for line in explain_turn(state)]
            if state.next is not None and not state.parked:
                return Assignable(possible=True, reason=None, explanation=_short(told))
    return _no("parked" if owner.parked else "no_eligible_participant", *told)


def _no(reason: str, *told: str) -> Assignable:
    return Assignable(possible=False, reason=reason, explanation=_short(told))


def _short(told: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """Return the last sentences, which say how it ends, and how many others there are."""
    if len(told) <= _MOST:
        return tuple(told)
    left = len(told) - _MOST
    return (f"({left} more)", *told[-_MOST:])


def _whose(organization: Organization, member_id: str) -> str:
    member = organization.members.get(member_id)
    name = member.name if member else f"somebody who is no member any more ({member_id})"
    return f"it is assigned to {name}; reassign or unassign it"


def _verdicts(organization: Organization, lead: StoredRecord) -> list[str]:
    """Return why no pool takes the lead."""
    index = PoolIndex(organization.pools.values())
    return [
        f"{verdict.pool.name} ({verdict.pool.file}): {'; '.join(verdict.reasons)}"
        for verdict in explain(index, lead.origin, lead.source)
    ]
