"""What happens to an assignment after it was made, because somebody asks for it.

Each change is one script: what it does to the lead, to turns and to caps is done or is not. What
Redis refuses as decided by older pools is decided again by those of now.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from orjson import dumps

from pointsman import observe
from pointsman.flows.decide import choose_next
from pointsman.flows.pointers import restore_pointer
from pointsman.flows.turns import not_loaded
from pointsman.ids import milliseconds
from pointsman.model import Organization, Pool, Rules
from pointsman.store.history import StoredAssignment
from pointsman.store.owners import Asked, Outcome, OwnerStore, Pooled
from pointsman.store.pools import PoolStore

__all__ = ["Owners", "agreed"]

_TRIES = 4
_AGAIN = frozenset({"stale", "gone", "lost"})


async def agreed(
    rules: Rules,
    pools: PoolStore,
    organization: Organization,
    pool_id: str,
    attempt: Callable[[Pool], Awaitable[Outcome]],
) -> Outcome:
    """Attempt something with a pool until Redis agrees on what the pool is.

    The status is ``no_pool`` if there is no such pool any more, or it is not active.
    """
    current: Organization | None = organization
    for _ in range(_TRIES):
        pool = current.pools.get(pool_id) if current else None
        if current is None or pool is None or not pool.active:
            return Outcome("no_pool", organization.generation)
        outcome = await attempt(pool)
        if outcome.status not in _AGAIN:
            return outcome
        observe.child(observe.STALE_DECISIONS, organization.handle).inc()
        if outcome.status == "lost":
            await restore_pointer(pools, current, pool)
        current = await rules.catch_up(organization.handle, outcome.generation)
    raise not_loaded(organization, outcome.generation)


class Owners:
    """Changes who has a lead, for every organization."""

    def __init__(
        self,
        owners: OwnerStore,
        pools: PoolStore,
        rules: Rules,
        *,
        clock: Callable[[], int] = milliseconds,
    ) -> None:
        self.store = owners
        self._pools = pools
        self._rules = rules
        self._clock = clock

    async def hand(
        self,
        organization: Organization,
        lead_id: str,
        member_id: str,
        asked: Asked,
        *,
        how: str,
        pool_id: str | None = None,
        credit: bool = False,
    ) -> Outcome:
        """Give a lead to a member: no turn is taken; in a pool, it counts in their caps.

        ``how`` is ``assign`` (nobody may have it) or ``reassign`` (somebody must).
        """
        now = self._clock()

        async def attempt(pool: Pool | None) -> Outcome:
            limits = pool.limits.at(now) if pool and pool.limits else ""
            return await self.store.hand(
                organization.id,
                lead_id,
                member_id,
                asked,
                at=now,
                how=how,
                pool=Pooled(pool.id, pool.revision, limits) if pool else None,
                credit=credit,
            )

        if pool_id is None:
            return await attempt(None)
        return await agreed(self._rules, self._pools, organization, pool_id, attempt)

    async def pass_on(
        self,
        organization: Organization,
        lead_id: str,
        asked: Asked,
        *,
        pool_id: str,
        credit: bool = False,
    ) -> Outcome:
        """Give a lead to the next of a pool's rotation, but not to who has it; they take a turn."""
        now = self._clock()
        why = f'"g":{dumps(asked.by).decode()}'
        return await agreed(
            self._rules,
            self._pools,
            organization,
            pool_id,
            lambda pool: self.store.pass_on(
                organization.id,
                lead_id,
                choose_next(pool, why, now),
                asked,
                at=now,
                credit=credit,
            ),
        )

    async def release(
        self, organization: Organization, lead_id: str, asked: Asked, *, credit: bool = False
    ) -> Outcome:
        """Take a lead from who has it, so that it can be assigned again."""
        return await self.store.release(
            organization.id, lead_id, asked, at=self._clock(), credit=credit
        )

    async def accept(
        self, organization: Organization, lead_id: str, member_id: str, asked: Asked
    ) -> Outcome:
        """Note that a lead's owner accepts it."""
        return await self.store.accept(organization.id, lead_id, member_id, asked, at=self._clock())

    async def credit(
        self, organization: Organization, pool_id: str, turn: StoredAssignment, asked: Asked
    ) -> Outcome:
        """Give the turn of an assignment back to whoever took it, once."""
        return await self.store.credit(organization.id, pool_id, turn, asked, at=self._clock())
