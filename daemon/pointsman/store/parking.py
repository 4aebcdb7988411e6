"""The lines of pools: leads that wait until somebody may be served.

A lead gets into a line in the script that would have assigned it; here the line is served. Every
lead of it takes an ordinary turn, in a script of its own choosing of who, so that any number of
daemons may serve one line at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pointsman.settings import Settings
from pointsman.store.keys import Keys
from pointsman.store.redis import Argument, RedisStore
from pointsman.store.stored import Choice

__all__ = ["Drained", "ParkingStore"]

BATCH = 50
"""Leads that one call looks at: Redis does nothing else meanwhile."""


class Drained(NamedTuple):
    """What became of a line: ``status`` as drain_pool.lua names it, and how many still wait.

    ``served`` are leads that got an owner, each with the source that history records.
    """

    status: str
    generation: int
    left: int = 0
    served: Sequence[tuple[str, str]] = ()


class ParkingStore:
    """The lines of all organizations in one Redis."""

    def __init__(self, store: RedisStore, settings: Settings) -> None:
        self._store = store
        ttl = int(settings.lead_retention.total_seconds() * 1000)
        log_ttl = int(settings.event_retention.total_seconds() * 1000)
        self._meta = f"parking 0 {ttl} {log_ttl} {settings.history_limit}"

    async def drain(
        self, organization_id: str, choice: Choice, at: int, *, most: int = BATCH
    ) -> Drained:
        """Serve a pool's line by ``choice``, until nobody may be served or ``most`` were."""
        keys = Keys(organization_id)
        names = [keys.events, keys.generation, *_pool_keys(keys, choice.pool_id)]
        args: list[Argument] = [at, self._meta, choice.text(), "", most]
        if choice.otherwise is not None:
            names += _pool_keys(keys, choice.otherwise.pool_id)
            args[3] = choice.otherwise.text()
        answer = await self._store.call("drain_pool", names, args)
        status, generation, *told = answer
        if not told:
            return Drained(status.decode(), generation)
        left, *served = told
        pairs = zip(served[::2], served[1::2], strict=True)
        leads = tuple((lead.decode(), source.decode()) for lead, source in pairs)
        return Drained(status.decode(), generation, left, leads)

    async def waiting(self, organization_id: str, pools: Sequence[str]) -> list[int]:
        """Return how many wait in each pool's line, in one round trip."""
        if not pools:
            return []
        keys = Keys(organization_id)
        async with self._store.redis.pipeline(transaction=False) as pipe:
            for pool in pools:
                pipe.zcard(keys.parked(pool))
            waiting: list[int] = await pipe.execute()
        return waiting


def _pool_keys(keys: Keys, pool: str) -> list[str]:
    return [
        keys.pool(pool),
        keys.cycle(pool),
        keys.history(pool),
        keys.stats(pool),
        keys.caps(pool),
        keys.held(pool),
    ]
