"""What waits for a sink: the stream of events as a consumer group of its own sees it.

One daemon at a time tells a sink of an organization's events, by a right that it renews, so that
the events of a record come in order. What nobody acknowledged is told again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pointsman.ids import milliseconds
from pointsman.store.away import unavailable_if_away
from pointsman.store.events import LEASE, SINK_KEPT, Entry
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore
from pointsman.store.streams import StreamConnection

__all__ = ["MOST_WAITING", "Backlog", "SinkStore"]

BATCH = 64
"""Most entries of one stream that are read at once."""

MOST_WAITING = 100_000
"""Entries that may wait for a sink; one that is further behind skips them all."""


class Backlog(NamedTuple):
    """How many entries wait for a sink, and how many it will never get."""

    waiting: int
    skipped: int


class SinkStore:
    """What waits for the sink called ``name``; ``holder`` is this process.

    ``outcomes``: it asks how runs and submissions end, which is written down only where one does.
    """

    def __init__(
        self, store: RedisStore, name: str, holder: str, *, outcomes: bool = False
    ) -> None:
        self._store = store
        self._name = name
        self._holder = holder
        self._outcomes = outcomes
        self._group = f"sink:{name}"

    async def hold(self, organization_id: str) -> str | None:
        """Take or renew the right to tell; ``None`` while another daemon has it."""
        keys = Keys(organization_id)
        held = await self._store.call(
            "hold_events", [keys.lease(self._group), keys.leases], [self._holder, LEASE]
        )
        return held.decode() if held else None

    async def release(self, organization_id: str, lease: str) -> None:
        """Give the right up."""
        key = Keys(organization_id).lease(self._group)
        await self._store.call("release_events", [key], [lease])

    async def keep(self, organization_id: str, most: int = MOST_WAITING) -> Backlog:
        """Note that the sink is there, from now on if it is new; return what waits for it."""
        keys = Keys(organization_id)
        told = await self._store.call(
            "keep_sink",
            [keys.events, keys.sinks, keys.outcomes],
            [self._name, milliseconds(), most, SINK_KEPT if self._outcomes else ""],
        )
        return Backlog(*told)

    async def adopt(self, organization_id: str, lease: str) -> list[Entry] | None:
        """Return the oldest events that were told and not acknowledged; ``None``: right lost."""
        keys = Keys(organization_id)
        entries = await self._store.call(
            "adopt_events",
            [keys.events, keys.lease(self._group)],
            [self._group, self._holder, lease, BATCH],
        )
        return None if entries is None else [(one[0], one[1][1]) for one in entries if one[1]]

    async def read(
        self, connection: StreamConnection, organization_ids: Sequence[str], wait: int
    ) -> list[tuple[str, list[Entry]]]:
        """Return new events by organization; nothing if none came in ``wait`` milliseconds."""
        keys = {Keys(one).events: one for one in organization_ids}
        command = ("XREADGROUP", "GROUP", self._group, self._holder, "COUNT", BATCH)
        found = await connection.read(command, dict.fromkeys(keys, ">"), wait)
        return [
            (keys[key], [(one[0], one[1][1]) for one in entries if one[1]])
            for key, entries in found
        ]

    async def acknowledge(self, organization_id: str, ids: Sequence[bytes]) -> None:
        """Let events be told no more."""
        with unavailable_if_away():
            await self._store.redis.xack(Keys(organization_id).events, self._group, *ids)
