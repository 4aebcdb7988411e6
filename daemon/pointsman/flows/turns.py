"""Turns in pools: taken with a lead that is stored, or by one that is; decided until Redis agrees.

A request keeps the rules it began with, but for one thing: when Redis refuses its pool as changed
meanwhile, the decision about the pool, and nothing else, is made again with the pools of now.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pointsman import observe
from pointsman.errors import Unavailable
from pointsman.flows.pointers import restore_pointer
from pointsman.model import Organization, Rules
from pointsman.store.leads import Choice, Idempotency, LeadStore, NewLead, Taken
from pointsman.store.pools import PoolStore

__all__ = ["NO_POOL", "Turns", "not_loaded"]

NO_POOL = "no_matching_pool"

_TRIES = 4
_AGAIN = frozenset({"stale", "gone", "lost", "none"})


class Turns:
    """Gives leads their turns, for every organization."""

    def __init__(self, leads: LeadStore, rules: Rules) -> None:
        self._leads = leads
        self._pools = PoolStore(leads.store)
        self._rules = rules
        self._catching_up: set[str] = set()

    async def keep(
        self,
        organization: Organization,
        lead: NewLead,
        choose_in: Callable[[Organization], Choice | None],
        *,
        assign: bool = True,
        idempotency: Idempotency | None = None,
    ) -> Taken:
        """Store a lead, with a turn in the pool that ``choose_in`` finds; all of it, or nothing."""
        choice = choose_in(organization) if assign else None
        reason = NO_POOL if assign else ""
        taken = await self._leads.take(
            organization.id, lead, choice, reason=reason, idempotency=idempotency
        )
        if taken.status in _AGAIN:
            taken = await self._decide_again(
                organization,
                taken,
                choose_in,
                lambda again: self._leads.take(
                    organization.id, lead, again, reason=NO_POOL, idempotency=idempotency
                ),
            )
        if taken.generation > organization.generation:
            await self.catch_up(organization, taken.generation)
        return taken

    async def give(
        self,
        organization: Organization,
        choose_in: Callable[[Organization], Choice | None],
        attempt: Callable[[Choice | None], Awaitable[Taken]],
    ) -> Taken:
        """Give a stored lead its turn with ``attempt``, in the pool that ``choose_in`` finds."""
        taken = await attempt(choose_in(organization))
        if taken.status in _AGAIN:
            taken = await self._decide_again(organization, taken, choose_in, attempt)
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
        raise not_loaded(organization, taken.generation)

    async def _restore(self, organization: Organization, choice: Choice | None) -> None:
        """Rebuild a lost pointer from the pool's history, and tell the operator."""
        if choice is None:
            return
        if pool := organization.pools.get(choice.pool_id):
            await restore_pointer(self._pools, organization, pool)
        await self._restore(organization, choice.otherwise)

    async def catch_up(self, organization: Organization, generation: int) -> Organization:
        """Serve the newer generation that Redis told of; one request at a time pays for it."""
        if organization.handle in self._catching_up:
            return organization
        self._catching_up.add(organization.handle)
        try:
            return await self._rules.catch_up(organization.handle, generation) or organization
        finally:
            self._catching_up.discard(organization.handle)


def not_loaded(organization: Organization, generation: int) -> Unavailable:
    """Return what to raise when Redis goes on refusing what this daemon knows of a pool."""
    return Unavailable(
        f"organization '{organization.handle}': a pool was changed, and this daemon has not loaded "
        f"generation {generation} yet; try again"
    )


async def _ask_next(
    choice: Choice | None, attempt: Callable[[Choice | None], Awaitable[Taken]]
) -> Taken:
    """Ask the pool that comes after the one in which nobody may be served."""
    return await attempt(choice.otherwise if choice else None)
