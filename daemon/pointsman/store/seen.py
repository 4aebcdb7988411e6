"""When things that files define were first published and last changed; kept in Redis, not in files.

A restart or a move to another machine does not change it. The publishing script writes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore

__all__ = ["NEVER", "Seen", "SeenStore", "Times"]

_OWN = frozenset({b"created", b"updated", b"file", b"by"})


class Times(NamedTuple):
    """First published and last changed, in milliseconds; ``None`` for what never was published.

    ``by`` is who made it, ``<id> <name>`` of an API key; ``None``: a file did.
    """

    created: int | None = None
    updated: int | None = None
    by: str | None = None


NEVER = Times()


class Seen(NamedTuple):
    """The times of a pool, and by id those of its participants and connections."""

    times: Times = NEVER
    parts: Mapping[str, Times] = {}

    def part(self, identifier: str) -> Times:
        """Return the times of a part, at worst those of the whole."""
        return self.parts.get(identifier, self.times)


class SeenStore:
    """Reads the times of pools."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store

    async def pool(self, organization_id: str, pool_id: str) -> Seen:
        """Return the times of a pool and of its parts."""
        kept: dict[bytes, bytes] = await self._store.redis.hgetall(  # type: ignore[assignment]
            Keys(organization_id).seen(pool_id)
        )
        parts = {
            name.decode(): _times(*told.split()[:2])
            for name, told in kept.items()
            if name not in _OWN
        }
        own = (kept.get(name) for name in (b"created", b"updated", b"by"))
        return Seen(_times(*own), parts)

    async def pools(self, organization_id: str, pool_ids: Sequence[str]) -> list[Times]:
        """Return the times of several pools, in one round trip."""
        keys = Keys(organization_id)
        async with self._store.redis.pipeline(transaction=False) as pipe:
            for identifier in pool_ids:
                pipe.hmget(keys.seen(identifier), "created", "updated", "by")
            return [_times(*found) for found in await pipe.execute()]


def _times(created: bytes | None, updated: bytes | None, by: bytes | None = None) -> Times:
    first, last = (int(at) if at else None for at in (created, updated))
    return Times(first, last, by.decode() if by else None)
