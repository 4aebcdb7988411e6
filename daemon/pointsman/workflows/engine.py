"""The workflow engine: from the event stream to finished runs.

``Engine(rules, store, settings, url)`` and ``async run()`` until cancelled. Any number of
engines may run on one Redis; each event still starts each workflow once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import MappingProxyType

from pointsman import observe
from pointsman.delivery import Delivery
from pointsman.dispatch import Retries
from pointsman.model import Rules
from pointsman.plugin import load_plugins
from pointsman.settings import Settings
from pointsman.store.away import AWAY
from pointsman.store.batches import CARRY_ON, Batch
from pointsman.store.events import EventStore, EventStream
from pointsman.store.notifications import NotificationStore
from pointsman.store.outbox import Outbox
from pointsman.store.own import OwnStore
from pointsman.store.parking import ParkingStore
from pointsman.store.pools import PoolStore
from pointsman.store.record_lists import RecordLists
from pointsman.store.records import RecordStore
from pointsman.store.redis import RedisStore
from pointsman.store.run_state import Job
from pointsman.store.runs import RunStore
from pointsman.store.timers import RING, Handler
from pointsman.workflows.assigning import Assigner
from pointsman.workflows.attempts import Attempts
from pointsman.workflows.docket import Jobs, Task
from pointsman.workflows.loads import Loads
from pointsman.workflows.reader import Reader
from pointsman.workflows.readership import Readership
from pointsman.workflows.relay import Relay
from pointsman.workflows.runs import Runner
from pointsman.workflows.timers import Timers
from pointsman.workflows.upkeep import Upkeep

__all__ = ["Engine"]

RUNS = 500
"""Runs that jobs of this daemon carry on at the same time."""

_AWAY = 1.0
_NO_TIMERS: Mapping[str, Handler] = MappingProxyType({})


class Engine:
    """Reads events, starts runs, does their steps; ``url`` is the one that ``store`` is open on.

    ``timers`` are the handlers of timers, by purpose.
    """

    def __init__(
        self,
        rules: Rules,
        store: RedisStore,
        settings: Settings,
        url: str,
        *,
        retries: Retries | None = None,
        timers: Mapping[str, Handler] = _NO_TIMERS,
    ) -> None:
        self._rules = rules
        self._store = store
        self._records = RecordStore(store, settings)
        self._lists = RecordLists(self._records, settings)
        self._owners = OwnStore(store, settings)
        self._settings = settings
        self._url = url
        self._drain = settings.drain_timeout.total_seconds()
        self._retries = retries or Retries()
        self._events = EventStore(store)
        self._runs = RunStore(store, settings)
        self._lines = ParkingStore(store, settings)
        self._readership = Readership(rules, self._events)
        self._timers = Timers(timers, self._readership)
        self._room = asyncio.Semaphore(RUNS)

    async def run(self) -> None:
        """Work until cancelled; then finish what is in flight, within the drain timeout."""
        load_plugins()
        async with AsyncExitStack() as stack:
            delivery = await stack.enter_async_context(Delivery.open())
            stream = await stack.enter_async_context(
                EventStream.open(self._url, self._readership.holder)
            )
            outbox = await stack.enter_async_context(Outbox.open(self._store, self._url))
            runner = Runner(
                runs=self._runs,
                records=self._records,
                attempts=Attempts(
                    assigner=Assigner(self._owners, PoolStore(self._store), self._rules),
                    notifications=NotificationStore(self._store, self._settings),
                    delivery=delivery,
                    retries=self._retries,
                ),
            )
            tasks: dict[str, Task] = {
                CARRY_ON: lambda text: self._jobs(runner, jobs, text),
                RING: lambda text: self._timers.ring(jobs, text),
            }
            jobs: Jobs = await stack.enter_async_context(
                Jobs.open(self._url, self._readership.holder, tasks)
            )
            await self._work(runner, stream, Relay(self._readership, outbox, jobs), jobs)

    async def _work(self, runner: Runner, stream: EventStream, relay: Relay, jobs: Jobs) -> None:
        stopping = asyncio.Event()
        reader = Reader(
            rules=self._rules,
            readership=self._readership,
            events=self._events,
            stream=stream,
            records=self._records,
            runs=self._runs,
            runner=runner,
            loads=Loads(self._owners),
        )
        upkeep = Upkeep(
            readership=self._readership,
            events=self._events,
            runs=self._runs,
            lines=self._lines,
            records=self._lists,
            runner=runner,
        )
        async with asyncio.TaskGroup() as rooms:
            rooms.create_task(self._readership.keep(stopping))
            rooms.create_task(upkeep.run(stopping))
            rooms.create_task(relay.run(stopping))
            reading = rooms.create_task(reader.run(stopping))
            working = rooms.create_task(jobs.run())
            try:
                await asyncio.Future()
            finally:
                stopping.set()
                working.cancel()
                if reader.waiting:
                    reading.cancel()
                await asyncio.wait({reading, working}, timeout=self._drain)
                await self._readership.release()

    async def _jobs(self, runner: Runner, jobs: Jobs, text: str) -> None:
        """Do what the queue was told of as one, each run for itself."""
        batch = Batch.parse(text)
        if len(batch.jobs) == 1:
            await self._job(runner, jobs, batch.jobs[0])
            return
        async with asyncio.TaskGroup() as runs:
            for job in batch.jobs:
                runs.create_task(self._job(runner, jobs, job))

    async def _job(self, runner: Runner, jobs: Jobs, job: Job) -> None:
        """Do a job; wait while Redis is away, for a job that ends in an error is lost."""
        while True:
            organization = self._readership.organization(job.organization_id)
            try:
                async with self._room:
                    if organization is None:
                        passed = not await self._runs.exists(job)
                    else:
                        passed = await runner.claim(organization, job)
                    if not passed:
                        await jobs.park(Batch([job]))
            except AWAY as error:
                observe.log().warning(observe.JOBS_INTERRUPTED, reason=str(error))
                await asyncio.sleep(_AWAY)
            else:
                return
