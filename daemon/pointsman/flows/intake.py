"""A lead's way in: what it says, which pool it goes to, whose turn it is.

A flow that names the lead's intake decides alone; without one the pools' connections do. A request
keeps the rules it began with, but for one thing: when Redis refuses its pool as changed meanwhile,
the decision about the pool, and nothing else, is made again with the pools of now.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import uuid4

from pointsman import observe
from pointsman.errors import Unavailable
from pointsman.flows.decide import choose, flow_of, keep_fields
from pointsman.ids import lead_id as new_lead_id
from pointsman.ids import milliseconds, parse_lead_id
from pointsman.model import Organization, Origin, Rules
from pointsman.pools.compile import published
from pointsman.store.leads import Choice, Idempotency, LeadStore, NewLead, Taken
from pointsman.store.pools import PoolStore

__all__ = ["Intake"]

_TRIES = 4
_AGAIN = frozenset({"stale", "gone", "lost", "none"})
_NO_POOL = "no_matching_pool"


class Intake:
    """Takes leads in and assigns them, for every organization."""

    def __init__(
        self, leads: LeadStore, rules: Rules, *, clock: Callable[[], int] = milliseconds
    ) -> None:
        self._leads = leads
        self._clock = clock
        self._pools = PoolStore(leads.store)
        self._rules = rules
        self._catching_up: set[str] = set()

    async def take(
        self,
        organization: Organization,
        body: Mapping[str, Any],
        origin: Origin,
        *,
        source: str,
        created_by: str = "intake",
        assign: bool = True,
        idempotency: Idempotency | None = None,
        operation_lead_id: str | None = None,
        depth: int = 0,
    ) -> Taken:
        """Store a lead and give it its turn; all of it, or nothing.

        ``source`` is what history records. ``operation_lead_id`` (24 hex digits) makes a repeated
        call the same lead. Raises ``Refused`` for a body that does not fit the fields.
        """
        data = organization.fields.take(body)
        flow = flow_of(organization, origin)
        if flow is not None and flow.fields is not None:
            data = keep_fields(data, flow.fields)
        now = self._clock()
        identifier = operation_lead_id or new_lead_id(now)
        lead = NewLead(identifier, now, data, origin, source, created_by, depth)
        choice = choose(organization, flow, origin, source, now) if assign else None
        reason = _NO_POOL if assign else ""
        taken = await self._leads.take(
            organization.id, lead, choice, reason=reason, idempotency=idempotency
        )
        if taken.status in _AGAIN:
            taken = await self._decide_again(
                organization,
                taken,
                lambda current: choose(current, flow, origin, source, now),
                lambda again: self._leads.take(
                    organization.id, lead, again, reason=_NO_POOL, idempotency=idempotency
                ),
            )
        if taken.generation > organization.generation:
            await self._catch_up(organization, taken.generation)
        return taken

    async def assign(
        self,
        organization: Organization,
        lead_id: str,
        source: str,
        *,
        operation: str | None = None,
        created_by: str = "api",
        depth: int = 0,
    ) -> Taken:
        """Give a stored lead without an owner its turn, by where it came from.

        The status is ``unknown`` if there is no such lead. ``operation`` makes a repeated call the
        same turn.
        """
        identifier = parse_lead_id(lead_id)
        if identifier is None:
            return Taken("unknown", organization.generation, lead_id)
        lead, generation = await self._leads.read(organization.id, identifier)
        if lead is None:
            return Taken("unknown", generation, identifier)
        if generation > organization.generation:
            organization = await self._catch_up(organization, generation)
        named = operation or uuid4().hex
        flow, now = flow_of(organization, lead.origin), self._clock()

        async def attempt(choice: Choice | None) -> Taken:
            if choice is None:
                reason = "already_assigned" if lead.owner else _NO_POOL
                return Taken("taken", generation, identifier, None, reason)
            return await self._leads.assign(
                organization.id,
                identifier,
                choice,
                source=source,
                operation=named,
                created_by=created_by,
                depth=depth,
                at=now,
            )

        taken = await attempt(choose(organization, flow, lead.origin, source, now))
        if taken.status in _AGAIN:
            taken = await self._decide_again(
                organization,
                taken,
                lambda current: choose(current, flow, lead.origin, source, now),
                attempt,
            )
        return taken

    async def _decide_again(
        self,
        organization: Organization,
        taken: Taken,
        choose_in: Callable[[Organization], Choice | None],
        attempt: Callable[[Choice | None], Awaitable[Taken]],
    ) -> Taken:
        """Ask the fallback pool; repeat the decision with the pools of now until Redis agrees."""
        current: Organization | None = organization
        if taken.status == "none":
            taken = await _ask_next(choose_in(organization), attempt)
        for _ in range(_TRIES):
            if taken.status not in _AGAIN:
                return taken
            observe.child(observe.STALE_DECISIONS, organization.handle).inc()
            observe.log().info(observe.DECISION_REPEATED, lead=taken.lead_id, because=taken.status)
            if taken.status == "lost" and current is not None:
                await self._restore(current, choose_in(current))
            current = await self._rules.catch_up(organization.handle, taken.generation)
            choice = choose_in(current) if current else None
            taken = await attempt(choice)
            if taken.status == "none":
                taken = await _ask_next(choice, attempt)
        if taken.status not in _AGAIN:
            return taken
        if taken.status == "gone":
            return await attempt(None)
        raise Unavailable(
            f"organization '{organization.handle}': a pool was changed, and this daemon has not "
            f"loaded generation {taken.generation} yet; try again"
        )

    async def _restore(self, organization: Organization, choice: Choice | None) -> None:
        """Rebuild a lost pointer from the pool's history, and tell the operator."""
        if choice is None:
            return
        if pool := organization.pools.get(choice.pool_id):
            effect = await self._pools.restore(organization.id, published(pool))
            if effect != "unchanged":
                observe.log().warning(
                    observe.POOL_POINTER_LOST, pool=pool.id, file=pool.file, effect=effect
                )
        await self._restore(organization, choice.otherwise)

    async def _catch_up(self, organization: Organization, generation: int) -> Organization:
        """Serve the newer generation that Redis told of; one request at a time pays for it."""
        if organization.handle in self._catching_up:
            return organization
        self._catching_up.add(organization.handle)
        try:
            return await self._rules.catch_up(organization.handle, generation) or organization
        finally:
            self._catching_up.discard(organization.handle)


async def _ask_next(
    choice: Choice | None, attempt: Callable[[Choice | None], Awaitable[Taken]]
) -> Taken:
    """Ask the pool that comes after the one in which nobody may be served."""
    return await attempt(choice.otherwise if choice else None)
