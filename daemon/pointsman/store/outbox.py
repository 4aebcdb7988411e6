"""Jobs that scripts have written down and that the job queue has not been told of yet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple, Self

from pointsman.store.away import unavailable_if_away
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore
from pointsman.store.run_state import Job
from pointsman.store.streams import StreamConnection

__all__ = ["Outbox", "Posted"]

_BATCH = 500


class Posted(NamedTuple):
    """A job of the outbox, and when it is due (milliseconds; 0: at once)."""

    id: str
    job: Job
    due: int


class Outbox:
    """The outboxes of all organizations in one Redis."""

    def __init__(self, store: RedisStore, connection: StreamConnection) -> None:
        self._store = store
        self._connection = connection

    @classmethod
    @asynccontextmanager
    async def open(cls, store: RedisStore, url: str) -> AsyncIterator[Self]:
        """Keep a connection for reading until the block ends."""
        async with StreamConnection.open(url) as connection:
            yield cls(store, connection)

    async def read(
        self, after: Mapping[str, str], milliseconds: int
    ) -> list[tuple[str, list[Posted]]]:
        """Return what was posted by each organization after an entry; wait if there is nothing."""
        organizations = {Keys(one).outbox: one for one in after}
        streams = {Keys(one).outbox: last for one, last in after.items()}
        found = await self._connection.read(("XREAD", "COUNT", _BATCH), streams, milliseconds)
        return [
            (
                organizations[key],
                [
                    Posted(entry.decode(), Job.parse(fields[1].decode()), int(fields[3]))
                    for entry, fields in entries
                ],
            )
            for key, entries in found
        ]

    async def remove(self, organization_id: str, ids: Sequence[str]) -> None:
        """Forget entries that the job queue has been told of."""
        if ids:
            with unavailable_if_away():
                await self._store.redis.xdel(Keys(organization_id).outbox, *ids)
