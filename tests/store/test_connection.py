"""What a cancelled task was doing with Redis never keeps it from ending."""

from __future__ import annotations

import asyncio

from pointsman.store.redis import RedisStore

MOMENTS = 200


async def _ask(store: RedisStore) -> None:
    while True:
        await store.redis.ping()


async def test_a_loop_that_asks_redis_ends_at_whatever_moment_it_is_cancelled(
    store: RedisStore,
) -> None:
    """A daemon whose loop missed its cancellation would never stop."""
    for moment in range(MOMENTS):
        asking = asyncio.create_task(_ask(store))
        for _ in range(moment % 40):
            await asyncio.sleep(0)
        asking.cancel()

        ended, _ = await asyncio.wait({asking}, timeout=5)

        assert ended, f"cancelled at step {moment % 40} of the loop, it goes on"
