"""What has to be looked after now and then: abandoned runs, streams and lines that grow."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time

from pointsman import observe
from pointsman.model import Organization
from pointsman.store.away import AWAY
from pointsman.store.events import EventStore
from pointsman.store.parking import ParkingStore
from pointsman.store.record_lists import RecordLists
from pointsman.store.runs import RunStore
from pointsman.workflows.readership import Held, Readership
from pointsman.workflows.runs import Runner

__all__ = ["Upkeep"]

EVERY = 5.0
"""Seconds between rounds."""

TRIMMED_EVERY = 60.0
"""Seconds between looks at the oldest records of the lists."""


class Upkeep:
    """Looks after the organizations whose events this daemon reads."""

    def __init__(
        self,
        *,
        readership: Readership,
        events: EventStore,
        runs: RunStore,
        lines: ParkingStore,
        records: RecordLists,
        runner: Runner,
    ) -> None:
        self._readership = readership
        self._events = events
        self._runs = runs
        self._lines = lines
        self._records = records
        self._runner = runner
        self._trimmed: dict[str, float] = {}

    async def run(self, stopping: asyncio.Event) -> None:
        """Look after everything until ``stopping`` is set."""
        while not stopping.is_set():
            for held in self._readership.held:
                with contextlib.suppress(*AWAY):
                    await self.look_after(held)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), EVERY)

    async def look_after(self, held: Held) -> None:
        """Measure and trim one organization's stream, and resume the runs of dead readers."""
        backlog = await self._events.trim(held.id)
        observe.child(observe.EVENTS_LAG, held.handle).set(backlog)
        dead = await self._runs.dead(held.id)
        observe.child(observe.DEAD_LETTERS, held.handle).set(dead)
        organization = self._readership.organization(held.id)
        if organization is None:
            return
        for job in await self._runs.abandoned(held.id):
            await self._runner.claim(organization, job)
        await self._measure_lines(organization)
        await self._trim_lists(held.id)

    async def _trim_lists(self, organization_id: str) -> None:
        """Take records that ended out of the lists, now and then."""
        now = time.monotonic()
        if now - self._trimmed.get(organization_id, -math.inf) >= TRIMMED_EVERY:
            self._trimmed[organization_id] = now
            await self._records.trim(organization_id)

    async def _measure_lines(self, organization: Organization) -> None:
        pools = [pool for pool in organization.pools.values() if pool.parks]
        waiting = await self._lines.waiting(organization.id, [pool.id for pool in pools])
        for pool, number in zip(pools, waiting, strict=True):
            observe.child(observe.PARKED, organization.handle, pool.file).set(number)
