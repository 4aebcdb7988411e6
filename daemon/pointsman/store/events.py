"""The event stream of an organization, as its one reader sees it.

One daemon at a time reads an organization, by a right that it renews; every script that
acknowledges checks that the right still is the caller's, so a reader that was stopped for a while
can do no harm when it wakes. What was read and not acknowledged is never lost: ``adopt`` finds it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Self

from pointsman.ids import milliseconds
from pointsman.model import Change
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore
from pointsman.store.streams import StreamConnection

__all__ = ["GROUP", "Entry", "EventStore", "EventStream", "Verdict", "parse_change"]

GROUP = "workflows"
"""The consumer group of the workflow engine."""

LEASE = 15_000
"""How long the right to read lasts unless it is renewed, in milliseconds."""

SINK_KEPT = 7 * 24 * 3_600_000
"""How long events wait for a sink that no daemon has, in milliseconds."""

BATCH = 512
"""Most entries of one stream that are read at once."""

Entry = tuple[bytes, bytes]
"""Id and text of an entry."""


class Verdict(NamedTuple):
    """What Redis said: ``done``; or, and then nothing was done, ``stale`` or ``lost``.

    ``generation`` is the current one.
    """

    status: str
    generation: int


class EventStore:
    """What a reader does beside reading."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store

    async def hold(self, organization_id: str, holder: str) -> str | None:
        """Take or renew the right to read; ``None`` while another daemon has it."""
        keys = Keys(organization_id)
        held = await self._store.call(
            "hold_events", [keys.lease("events"), keys.leases], [holder, LEASE]
        )
        return held.decode() if held else None

    async def release(self, organization_id: str, lease: str) -> None:
        """Give the right up."""
        await self._store.call("release_events", [Keys(organization_id).lease("events")], [lease])

    async def adopt(self, organization_id: str, consumer: str, lease: str) -> list[Entry] | None:
        """Return the oldest events that nobody has acknowledged; ``None`` if the right is lost.

        To be repeated until there are none, before anything new is read.
        """
        keys = Keys(organization_id)
        entries = await self._store.call(
            "adopt_events", [keys.events, keys.lease("events")], [GROUP, consumer, lease, BATCH]
        )
        return None if entries is None else _entries(entries)

    async def acknowledge(
        self, organization_id: str, lease: str, generation: int, ids: Sequence[bytes]
    ) -> Verdict:
        """Acknowledge events that were judged by ``generation`` and start no run."""
        keys = Keys(organization_id)
        status, current = await self._store.call(
            "acknowledge_events",
            [keys.events, keys.lease("events"), keys.generation],
            [GROUP, lease, generation, *ids],
        )
        return Verdict(status.decode(), current)

    async def trim(self, organization_id: str) -> int:
        """Forget what every group has acknowledged; return how many events wait for this one.

        A sink that no daemon has had for long is waited for no more.
        """
        keys = Keys(organization_id)
        backlog: int = await self._store.call(
            "trim_events", [keys.events, keys.sinks], [GROUP, milliseconds() - SINK_KEPT]
        )
        return backlog


class EventStream:
    """Blocks until an organization has new events."""

    def __init__(self, connection: StreamConnection, consumer: str) -> None:
        self._connection = connection
        self._command = ("XREADGROUP", "GROUP", GROUP, consumer, "COUNT", BATCH)

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, consumer: str) -> AsyncIterator[Self]:
        """Keep a connection for reading until the block ends."""
        async with StreamConnection.open(url) as connection:
            yield cls(connection, consumer)

    async def read(
        self, organization_ids: Sequence[str], milliseconds: int
    ) -> list[tuple[str, list[Entry]]]:
        """Return new events by organization; nothing if none came in time.

        Raises ``Unavailable`` if there was no reply; ``adopt`` finds what it may have said.
        """
        keys = {Keys(one).events: one for one in organization_ids}
        found = await self._connection.read(self._command, dict.fromkeys(keys, ">"), milliseconds)
        return [(keys[key], _entries(entries)) for key, entries in found]


def parse_change(entry: Entry) -> Change:
    """Return what an entry says."""
    identifier, text = entry
    types, module, record, revision, origin, depth, at = text.decode().split(" ")
    return Change(
        identifier.decode(),
        tuple(types.split(",")),
        module,
        record,
        int(revision),
        origin,
        int(depth),
        int(at),
    )


def _entries(entries: Sequence[Any]) -> list[Entry]:
    """Return (id, text) of each entry; one that was deleted meanwhile has no fields."""
    return [(entry[0], entry[1][1]) for entry in entries if entry[1]]
