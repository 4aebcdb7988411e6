"""A lead that nobody accepted in time goes on to the next, a few times; then what the pool says.

The timer that tells of it proves nothing: the script looks whether the lead still is with whoever
had to accept it till then. How often it goes on, and what comes after, are the pool's rules of now.
"""

from __future__ import annotations

from collections.abc import Callable

from orjson import dumps

from pointsman import observe
from pointsman.flows.decide import choose_next, fallback_of
from pointsman.flows.ownership import agreed
from pointsman.ids import milliseconds
from pointsman.model import Organization, Pool, Rules
from pointsman.store.owners import Asked, Outcome, Ownership, OwnerStore
from pointsman.store.pools import PoolStore
from pointsman.store.timers import Timer

__all__ = ["PURPOSE", "Acceptances"]

PURPOSE = "accept-by"
"""Of the timers that scripts set: their id is the lead's."""

_SOURCE = "system"
_BY = "accept-by"


class Acceptances:
    """Passes on what is not accepted, for every organization."""

    def __init__(
        self,
        owners: OwnerStore,
        pools: PoolStore,
        rules: Rules,
        *,
        clock: Callable[[], int] = milliseconds,
    ) -> None:
        self._owners = owners
        self._pools = pools
        self._rules = rules
        self._clock = clock

    async def ring(self, organization: Organization, timer: Timer) -> None:
        """Look at the lead that a timer is about."""
        lead, _ = await self._owners.read(organization.id, timer.id)
        if lead is None or lead.assignment is None or lead.due != timer.due:
            return
        now = max(self._clock(), timer.due)
        pool = organization.pools.get(lead.assignment.pool_id)
        outcome = await self._go_on(organization, timer, lead, pool, now)
        if outcome is None:
            outcome = await self._end(organization, timer, lead, pool, now)
        if outcome:
            observe.child(observe.NOT_ACCEPTED, organization.handle, outcome).inc()
            observe.log().info(
                observe.LEAD_NOT_ACCEPTED,
                lead_id=timer.id,
                organization=organization.handle,
                outcome=outcome,
            )

    async def _go_on(
        self,
        organization: Organization,
        timer: Timer,
        lead: Ownership,
        pool: Pool | None,
        now: int,
    ) -> str | None:
        """Give the lead to the next of its pool; ``None`` if that is not to be, or cannot."""
        if pool is None or pool.accept is None or lead.hops >= pool.accept.hops:
            return None
        outcome = await self._pass(organization, timer, pool.id, f'"g":"{_BY}"', now)
        return _named(outcome, "passed_on")

    async def _end(
        self,
        organization: Organization,
        timer: Timer,
        lead: Ownership,
        pool: Pool | None,
        now: int,
    ) -> str | None:
        """Do what is to be done at last; what the pool no longer asks for leaves the lead alone."""
        then = "keep" if pool is None or pool.accept is None else pool.accept.then
        if pool is not None and pool.accept is not None and then == "fallback":
            other = fallback_of(organization, pool) if lead.hops <= pool.accept.hops else None
            if other is not None:
                why = f'"g":"{_BY}","b":{dumps(pool.id).decode()}'
                outcome = await self._pass(organization, timer, other.id, why, now)
                if named := _named(outcome, "fallback"):
                    return named
        how = "not_accepted" if then == "unassign" else "keep"
        outcome = await self._owners.release(
            organization.id, timer.id, _asked(timer, how), at=now, how=how, due=timer.due
        )
        return _named(outcome, "unassigned" if how == "not_accepted" else "kept")

    async def _pass(
        self, organization: Organization, timer: Timer, pool_id: str, why: str, now: int
    ) -> Outcome:
        return await agreed(
            self._rules,
            self._pools,
            organization,
            pool_id,
            lambda pool: self._owners.pass_on(
                organization.id,
                timer.id,
                choose_next(pool, why, now),
                _asked(timer, pool_id),
                at=now,
                source=_SOURCE,
                due=timer.due,
            ),
        )


def _asked(timer: Timer, what: str) -> Asked:
    return Asked(_BY, f"{timer.purpose}:{timer.id}:{timer.due}:{what}", origin=_BY)


def _named(outcome: Outcome, done: str) -> str | None:
    """Return what to call an outcome: "" if there was nothing to do, ``None`` if it cannot be."""
    if outcome.status == "done":
        return done
    return None if outcome.status in {"none", "no_pool"} else ""
