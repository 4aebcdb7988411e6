"""How many leads of a flow had which fields, by day; counted by the scripts that take leads in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date

from pointsman.store.away import unavailable_if_away
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore

__all__ = ["FieldUsage"]


class FieldUsage:
    """Reads the counters."""

    def __init__(self, store: RedisStore) -> None:
        self._redis = store.redis

    async def read(
        self, organization_id: str, flow_id: str, days: Sequence[date]
    ) -> Mapping[str, int]:
        """Return how many leads of some days had each field, in one round trip."""
        keys, counts = Keys(organization_id), Counter[str]()
        with unavailable_if_away():
            async with self._redis.pipeline(transaction=False) as pipe:
                for day in days:
                    pipe.hgetall(keys.used_fields(flow_id, day.isoformat()))
                for found in await pipe.execute():
                    counts.update({name.decode(): int(number) for name, number in found.items()})
        return counts
