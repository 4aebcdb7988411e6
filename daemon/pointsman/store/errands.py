"""Deliveries of leads that arrived which are tried again, by any daemon that is there then.

One goes by the id of its event: the lead's, and the number of its step. What is to be delivered is
made anew of how the lead began, which stays under the lead until nothing is left to deliver.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import uuid4

from orjson import dumps, loads

from pointsman.settings import Settings
from pointsman.store.away import unavailable_if_away
from pointsman.store.flights import Flight, Places, TakenOver, flight_of
from pointsman.store.keys import Keys
from pointsman.store.redis import Argument, RedisStore

__all__ = ["Claimed", "ErrandStore", "Name", "again_text"]


class Name(NamedTuple):
    """Which delivery: of what lead, by the step of what number."""

    organization_id: str
    lead_id: str
    number: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery to try again: the lead's way, and what is told of the delivery."""

    flight: Flight
    told: Mapping[str, Any]


class ErrandStore:
    """Keeps the deliveries that are tried again of all organizations in one Redis."""

    def __init__(self, store: RedisStore, settings: Settings) -> None:
        self._store = store
        self._ttl = int(settings.event_retention.total_seconds() * 1000)

    async def claim(self, name: Name, token: str, now: int, lease: int) -> Claimed | None:
        """Take a delivery that is due; ``None`` if it is not, or somebody else has it."""
        args: list[Argument] = [name.number, now, token, lease]
        found = await self._store.call("claim_errand", self._keys(name)[:2], args)
        if not found:
            return None
        fields = {found[i].decode(): found[i + 1] for i in range(0, len(found), 2)}
        return Claimed(flight_of(fields), loads(fields[f"e{name.number}"]))

    async def begin(
        self, name: Name, token: str, lease: int, places: Places, event: Mapping[str, Any]
    ) -> str:
        """Tell that an attempt begins; return the cap of the step that is full.

        Raises ``TakenOver``.
        """
        args: list[Argument] = [name.number, places.now, token, lease, self._ttl, places.caps]
        args += [places.till, dumps(event)]
        found = await self._store.call("begin_errand", self._keys(name)[:2], args)
        if found == 0:
            raise TakenOver(name.lead_id)
        return "" if found == 1 else found.decode()

    async def settle(  # noqa: PLR0917 - all of one fact
        self,
        name: Name,
        token: str,
        places: Places,
        event: Mapping[str, Any],
        told: Mapping[str, Any],
        due: str,
    ) -> None:
        """Store what came of an attempt; ``due`` is when the next one is, "dead" or "".

        Raises ``TakenOver``.
        """
        mode = "keep" if event["outcome"] == "success" else "leave"
        args: list[Argument] = [name.number, places.now, token, self._ttl, places.caps, mode, due]
        args += [dumps(told), dumps(event)]
        if await self._store.call("settle_errand", self._keys(name), args) == 0:
            raise TakenOver(name.lead_id)

    async def revive(self, name: Name, now: int, told: Mapping[str, Any]) -> bool:
        """Try one that failed for good again, from ``now`` on; false if it did not fail."""
        args: list[Argument] = [name.number, now, dumps(told)]
        return bool(await self._store.call("revive_errand", self._keys(name), args) == 1)

    async def discard(self, name: Name) -> bool:
        """Forget one that failed for good."""
        args: list[Argument] = [name.number, "", ""]
        return bool(await self._store.call("revive_errand", self._keys(name), args) == 1)

    async def told(self, names: Sequence[Name]) -> list[Mapping[str, Any] | None]:
        """Return what is told of deliveries; ``None`` for those that are there no more."""
        with unavailable_if_away():
            async with self._store.redis.pipeline(transaction=False) as pipe:
                for name in names:
                    key = Keys(name.organization_id).errands(name.lead_id)
                    pipe.hget(key, f"e{name.number}")
                found = await pipe.execute()
        return [None if text is None else loads(text) for text in found]

    async def note(
        self, organization_id: str, lead_id: str, now: int, events: Sequence[Mapping[str, Any]]
    ) -> bool:
        """Tell what came later of a lead; false if its events are gone, or are too many."""
        keys = Keys(organization_id)
        there = await self._store.call(
            "note_events",
            [keys.lead(lead_id), keys.events, keys.once(uuid4().hex)],
            [now, self._ttl, *map(dumps, events)],
        )
        return bool(there[0])

    def _keys(self, name: Name) -> list[str]:
        keys = Keys(name.organization_id)
        return [keys.lead(name.lead_id), keys.events, keys.dead_letters]


def again_text(number: int, due: int, told: Mapping[str, Any]) -> str:
    """Return a delivery to be tried again as ``finish_submission`` takes it."""
    return f"{number} {due} {dumps(told).decode()}"
