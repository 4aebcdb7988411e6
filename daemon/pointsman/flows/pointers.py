"""A pool's pointer that Redis has lost, rebuilt from the pool's history."""

from __future__ import annotations

from pointsman import observe
from pointsman.model import Organization, Pool
from pointsman.pools.compile import published
from pointsman.store.pools import PoolStore

__all__ = ["restore_pointer"]


async def restore_pointer(store: PoolStore, organization: Organization, pool: Pool) -> None:
    """Give a pool its lost pointer back, and tell the operator."""
    effect = await store.restore(organization.id, published(pool))
    if effect != "unchanged":
        observe.log().warning(
            observe.POOL_POINTER_LOST, pool=pool.id, file=pool.file, effect=effect
        )
