"""Jobs and timers that scripts have written down, of which the job queue was not told yet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple, Protocol, Self

from pointsman.store.away import unavailable_if_away
from pointsman.store.batches import Batch
from pointsman.store.keys import Keys
from pointsman.store.redis import Argument, RedisStore
from pointsman.store.streams import StreamConnection
from pointsman.store.timers import Timer

__all__ = ["Outbox", "Posted", "Work"]

_BATCH = 500


class Work(Protocol):
    """What the job queue is told: a text, and the key that tells it from any other.

    ``task`` is the name of who does it.
    """

    @property
    def task(self) -> str:
        """Return who does it."""

    @property
    def key(self) -> str:
        """Return what tells it from any other."""

    def __str__(self) -> str: ...


class Posted(NamedTuple):
    """An entry of the outbox, and when it is due (milliseconds; 0: at once).

    ``text`` is that of a job which is to be put in a bundle before the queue is told; else "".
    """

    id: str
    job: Work
    due: int
    text: str = ""


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
            (organizations[key], [_posted(organizations[key], *entry) for entry in entries])
            for key, entries in found
        ]

    async def bundle(
        self, organization_id: str, bundles: Sequence[Sequence[Posted]]
    ) -> list[Posted]:
        """Make one entry of each bundle, due with the last in it, and return these.

        One that cannot be told of, because somebody else was at it too, is read like any other.
        """
        args: list[Argument] = []
        for bundle in bundles:
            args += (max(one.due for one in bundle), len(bundle))
            for one in bundle:
                args += (one.id, one.text)
        made = await self._store.call("bundle_jobs", [Keys(organization_id).outbox], args)
        return [
            Posted(
                identifier.decode(),
                Batch.parse(",".join(one.text for one in bundle)),
                max(one.due for one in bundle),
            )
            for identifier, bundle in zip(made, bundles, strict=True)
            if identifier
        ]

    async def remove(self, organization_id: str, ids: Sequence[str]) -> None:
        """Forget entries that the job queue has been told of."""
        if ids:
            with unavailable_if_away():
                await self._store.redis.xdel(Keys(organization_id).outbox, *ids)


def _posted(organization_id: str, identifier: bytes, fields: Sequence[bytes]) -> Posted:
    """Return an entry: ``job``, ``jobs`` or ``timer`` with its text, and ``due``."""
    kind, told, _, when = fields
    text, due = told.decode(), int(when)
    if kind == b"timer":
        purpose, _, about = text.partition("/")
        return Posted(identifier.decode(), Timer(organization_id, purpose, about, due), due)
    batch = Batch.parse(text)
    return Posted(identifier.decode(), batch, due, text if kind == b"job" else "")
