"""The proof of a pool's turns, from a daemon's own store."""

from __future__ import annotations

from pointsman.pools.evidence import Proof, state_of
from pointsman.pools.proof import Replay
from pointsman.store.redis import RedisStore
from pointsman.store.whole_pools import WholePools

__all__ = ["proven"]


async def proven(store: RedisStore, organization_id: str, pool_id: str) -> Proof:
    """Hold a pool's history against the rules."""
    pools = WholePools(store)
    whole = await pools.snapshot(organization_id, pool_id)
    replay = Replay(state_of(whole))
    async for rows in pools.rows(organization_id, pool_id, whole):
        for row in rows:
            replay.row(row)
    return replay.end()
