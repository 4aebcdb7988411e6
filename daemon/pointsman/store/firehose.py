"""How far an organization's firehose is, and who writes it.

The place is a time in the index of flow events: what comes later of a lead (a retry, feedback) has
a later time, so it is read like everything else, and a place that is kept is all that a crash
leaves to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pointsman.ids import milliseconds
from pointsman.settings import Settings
from pointsman.store.away import unavailable_if_away
from pointsman.store.events import LEASE
from pointsman.store.flow_events import Event, FlowEvents
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore

__all__ = ["Batch", "FirehoseStore"]

_RIGHT = "firehose"
_LEAD = 24
BATCH = 64
"""Most events that are written at once."""


class Batch(NamedTuple):
    """Events to be written, by ids that need not be there any more.

    ``upto`` is what to settle then; ``waiting`` how many there are with these, ``oldest`` since
    when the first of them waits, in milliseconds.
    """

    upto: int
    waiting: int
    oldest: int
    ids: Sequence[str]


class FirehoseStore:
    """The places of all organizations' firehoses; ``holder`` is this process."""

    def __init__(self, store: RedisStore, settings: Settings, holder: str) -> None:
        self._store = store
        self._events = FlowEvents(store)
        self._ttl = int(settings.event_retention.total_seconds() * 1000)
        self._holder = holder

    async def hold(self, organization_id: str) -> str | None:
        """Take or renew the right to write; ``None`` while another daemon has it."""
        keys = Keys(organization_id)
        held = await self._store.call(
            "hold_events", [keys.lease(_RIGHT), keys.leases], [self._holder, LEASE]
        )
        return held.decode() if held else None

    async def release(self, organization_id: str, lease: str) -> None:
        """Give the right up."""
        key = Keys(organization_id).lease(_RIGHT)
        await self._store.call("release_events", [key], [lease])

    async def following(
        self, organization_id: str, lease: str, most: int = BATCH, *, since: int | None = None
    ) -> Batch | None:
        """Return what to write next; ``None`` if the right was lost.

        A new firehose begins with what came from ``since`` on (milliseconds), or comes from now on.
        """
        now = milliseconds()
        keys = Keys(organization_id)
        found = await self._store.call(
            "follow_flows",
            [keys.events, keys.flow_events, keys.firehose, keys.lease(_RIGHT)],
            [lease, now, most, self._ttl, now if since is None else since],
        )
        if not found:
            return None
        upto, waiting, oldest, *ids = found
        return Batch(upto, waiting, oldest, [one.decode() for one in ids])

    async def events(self, organization_id: str, ids: Sequence[str]) -> list[Event]:
        """Return those events that are still there."""
        return await self._events.known(organization_id, ids)

    async def gone(self, organization_id: str, ids: Sequence[str]) -> list[str]:
        """Return the ids of events whose lead was erased, or whose time is over."""
        keys, leads = Keys(organization_id), list(dict.fromkeys(one[:_LEAD] for one in ids))
        with unavailable_if_away():
            async with self._store.redis.pipeline(transaction=False) as pipe:
                for lead in leads:
                    pipe.exists(keys.flow_story(lead))
                there = dict(zip(leads, await pipe.execute(), strict=True))
        return [one for one in ids if not there[one[:_LEAD]]]

    async def settle(self, organization_id: str, lease: str, upto: int) -> bool:
        """Note that everything up to a time is written; ``False`` if the right was lost."""
        keys = Keys(organization_id)
        places = [keys.firehose, keys.lease(_RIGHT)]
        settled = await self._store.call("settle_flows", places, [lease, upto, self._ttl])
        return bool(settled)
