"""What has to be looked after now and then: abandoned runs, streams that grow, how far behind."""

from __future__ import annotations

import asyncio
import contextlib

from pointsman import observe
from pointsman.store.away import AWAY
from pointsman.store.events import EventStore
from pointsman.store.runs import RunStore
from pointsman.workflows.readership import Held, Readership
from pointsman.workflows.runs import Runner

__all__ = ["Upkeep"]

EVERY = 5.0
"""Seconds between rounds."""


class Upkeep:
    """Looks after the organizations whose events this daemon reads."""

    def __init__(
        self, readership: Readership, events: EventStore, runs: RunStore, runner: Runner
    ) -> None:
        self._readership = readership
        self._events = events
        self._runs = runs
        self._runner = runner

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
        organization = self._readership.organization(held.id)
        if organization is None:
            return
        for job in await self._runs.abandoned(held.id):
            await self._runner.claim(organization, job)
