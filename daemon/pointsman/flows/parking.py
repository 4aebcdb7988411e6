"""Those who wait in a pool's line get their turn when somebody may be served again.

A timer says when to look: when people come back by the clock, after a publication, after a lead
that came while others waited. It proves nothing. The line is served by the pools of now, and what
Redis refuses as decided by older ones is decided again.
"""

from __future__ import annotations

from collections.abc import Callable

from pointsman import observe
from pointsman.flows.decide import choose_for_line
from pointsman.flows.pointers import restore_pointer
from pointsman.ids import milliseconds
from pointsman.model import Organization, Pool, Rules
from pointsman.store.parking import Drained, ParkingStore
from pointsman.store.pools import PoolStore
from pointsman.store.timers import Timer

__all__ = ["PURPOSE", "Parking"]

PURPOSE = "park"
"""Of the timers that scripts set: their id is the pool's, and whatever tells them apart."""

_TRIES = 4
_AGAIN = frozenset({"stale", "gone", "lost"})


class Parking:
    """Serves lines, for every organization."""

    def __init__(
        self,
        lines: ParkingStore,
        pools: PoolStore,
        rules: Rules,
        *,
        clock: Callable[[], int] = milliseconds,
    ) -> None:
        self._lines = lines
        self._pools = pools
        self._rules = rules
        self._clock = clock

    async def ring(self, organization: Organization, timer: Timer) -> None:
        """Look at the line that a timer is about."""
        await self.drain(organization, timer.id.partition(":")[0], timer.due)

    async def drain(self, organization: Organization, pool_id: str, due: int = 0) -> int:
        """Serve a pool's line as far as possible; return how many got an owner.

        ``due`` is a time that has come, whatever the clock says. A pool that is not active keeps
        its line; it is looked at again when that is published.
        """
        total, tries = 0, 0
        current: Organization | None = organization
        while current is not None and tries < _TRIES:
            pool = current.pools.get(pool_id)
            if pool is None or not pool.active:
                break
            now = max(self._clock(), due)
            choice = choose_for_line(current, pool, now)
            drained = await self._lines.drain(current.id, choice, now)
            total += len(drained.served)
            _account(current, drained)
            if drained.status in _AGAIN:
                tries += 1
                current = await self._again(current, pool, drained)
            elif drained.status != "more":
                break
        return total

    async def _again(
        self, organization: Organization, pool: Pool, drained: Drained
    ) -> Organization | None:
        """Prepare another try: give back a lost pointer, and serve the generation of now."""
        if drained.status == "lost":
            for one in (pool, organization.pools.get(pool.fallback or "")):
                if one is not None:
                    await restore_pointer(self._pools, organization, one)
        return await self._rules.catch_up(organization.handle, drained.generation)


def _account(organization: Organization, drained: Drained) -> None:
    """Count and log who got an owner."""
    for lead, source in drained.served:
        observe.child(observe.ASSIGNMENTS, organization.handle, source).inc()
        observe.log().info(
            observe.LEAD_ASSIGNED,
            lead_id=lead,
            organization=organization.handle,
            generation=drained.generation,
            source=source,
        )
