"""Which organizations' events this daemon has the right to read.

The right is a lease in Redis. To lose it unnoticed does no harm (Redis checks it with every write),
so nothing here has to be quick or certain; it has to be renewed in time.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from pointsman import observe
from pointsman.model import Organization, Rules, Ruleset
from pointsman.store.away import AWAY
from pointsman.store.events import EventStore

__all__ = ["Held", "Readership"]

_TICK = 0.5
_RENEWAL = 5.0


@dataclass(slots=True)
class Held:
    """The right to read one organization.

    ``adopted`` is false until what earlier readers left is done; nothing new is read before.
    """

    id: str
    handle: str
    lease: str
    renewed: float
    adopted: bool = False


class Readership:
    """The rights of this daemon, under a name of its own (``holder``)."""

    def __init__(self, rules: Rules, events: EventStore, holder: str | None = None) -> None:
        self.holder = holder or uuid4().hex
        self._rules = rules
        self._events = events
        self._held: dict[str, Held] = {}
        self._served: Ruleset | None = None
        self._by_id: dict[str, Organization] = {}

    @property
    def held(self) -> Sequence[Held]:
        """What this daemon may read now."""
        return list(self._held.values())

    def organization(self, organization_id: str) -> Organization | None:
        """Return the organization as it is served now."""
        if self._served is not (current := self._rules.current):
            self._served = current
            self._by_id = {one.id: one for one in current.organizations.values()}
        return self._by_id.get(organization_id)

    async def keep(self, stopping: asyncio.Event) -> None:
        """Take and renew rights until ``stopping`` is set."""
        while not stopping.is_set():
            await self.renew()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _TICK)

    async def renew(self) -> None:
        """Take every right that is free and renew those that are due."""
        served = {one.id: one for one in self._rules.current.organizations.values()}
        for held in self.held:
            if held.id not in served:
                await self.give_up(held)
        due = time.monotonic() - _RENEWAL
        wanted = [
            one
            for one in served.values()
            if one.id not in self._held or self._held[one.id].renewed < due
        ]
        async with asyncio.TaskGroup() as renewals:
            for organization in wanted:
                renewals.create_task(self._renew(organization))

    async def _renew(self, organization: Organization) -> None:
        try:
            lease = await self._events.hold(organization.id, self.holder)
        except AWAY:
            return
        held = self._held.get(organization.id)
        if held is not None and held.lease == lease:
            held.renewed = time.monotonic()
        elif lease is not None:
            self._held[organization.id] = Held(
                organization.id, organization.handle, lease, time.monotonic()
            )
            observe.log().info(observe.EVENTS_TAKEN_OVER, organization=organization.handle)
        elif held is not None:
            self.lose(held)

    def doubt(self) -> None:
        """Take it that events may have been read and not handled, everywhere."""
        for held in self._held.values():
            held.adopted = False

    def lose(self, held: Held) -> None:
        """Note that another daemon has the right."""
        if self._held.get(held.id) is held:
            del self._held[held.id]

    async def give_up(self, held: Held) -> None:
        """Leave an organization to whoever comes next."""
        self.lose(held)
        with contextlib.suppress(*AWAY):
            await self._events.release(held.id, held.lease)

    async def release(self) -> None:
        """Give every right up."""
        for held in self.held:
            await self.give_up(held)
