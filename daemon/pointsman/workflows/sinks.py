"""Sinks: plugins that are told of what happens to records, each at its own pace.

Every sink has its own consumer group and connection, so a slow one holds up itself only. A sink
that a reload brought is told of events from then on, one that it took away of none; what it did not
acknowledge waits for a week.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from pointsman import guard, observe
from pointsman.delivery import Delivery
from pointsman.dispatch import Retries, Retry
from pointsman.errors import ActionError, TransientError
from pointsman.model import Change, Organization, Rules
from pointsman.modules import MODULES
from pointsman.plugin import Event, SinkContext, SinkType, sinks
from pointsman.store.away import AWAY
from pointsman.store.events import Entry, parse_change
from pointsman.store.records import RecordStore
from pointsman.store.redis import RedisStore
from pointsman.store.sinks import SinkStore
from pointsman.store.streams import StreamConnection
from pointsman.workflows.sink_events import events_of

__all__ = ["SinkReader", "Sinks"]

RETRIES = Retries(first=timedelta(seconds=1), longest=timedelta(minutes=1), attempts=8)
"""How often a sink is told of an event that it fails at; the events of other records go on."""

_LOOK = 1.0
_RENEW = 5.0
_BLOCK = 1000
_PAUSE = 0.5
_RECORDS = 16


class Sinks:
    """Runs a reader for every sink that there is."""

    def __init__(
        self, rules: Rules, store: RedisStore, records: RecordStore, url: str, holder: str
    ) -> None:
        self._rules = rules
        self._store = store
        self._records = records
        self._url = url
        self._holder = holder

    async def run(self, delivery: Delivery, retries: Retries = RETRIES) -> None:
        """Run until cancelled; sinks that come, change and go are followed."""
        running: dict[str, tuple[SinkType, asyncio.Task[None]]] = {}
        async with asyncio.TaskGroup() as rooms:
            while True:
                for name, (sink, task) in list(running.items()):
                    if sinks.get(name) is not sink or task.done():
                        task.cancel()
                        await asyncio.wait({task})
                        del running[name]
                for name, sink in sinks.items():
                    if name not in running:
                        reader = self._reader(sink, delivery, retries)
                        running[name] = (sink, rooms.create_task(reader.run(self._url)))
                await asyncio.sleep(_LOOK)

    def _reader(self, sink: SinkType, delivery: Delivery, retries: Retries) -> SinkReader:
        waiting = SinkStore(self._store, sink.name, self._holder, outcomes=sink.outcomes)
        return SinkReader(sink, self._rules, waiting, self._records, delivery, retries=retries)


@dataclass(slots=True)
class _Held:
    """An organization whose events this process tells a sink of."""

    organization_id: str
    lease: str
    adopted: bool = False


class SinkReader:
    """Tells one sink of events, one batch after the other."""

    def __init__(
        self,
        sink: SinkType,
        rules: Rules,
        waiting: SinkStore,
        records: RecordStore,
        delivery: Delivery,
        *,
        retries: Retries = RETRIES,
    ) -> None:
        self._sink = sink
        self._rules = rules
        self._waiting = waiting
        self._records = records
        self._delivery = delivery
        self._retries = retries
        self._held: dict[str, _Held] = {}
        self._room = asyncio.Semaphore(_RECORDS)

    async def run(self, url: str) -> None:
        """Tell until cancelled, through every loss of Redis."""
        try:
            async with StreamConnection.open(url) as connection, asyncio.TaskGroup() as rooms:
                rooms.create_task(self._keep())
                rooms.create_task(self._read_on(connection))
        finally:
            observe.child(observe.SINK_LAG, self._sink.name).set(0)
            for held in self._held.values():
                with contextlib.suppress(*AWAY):
                    await self._waiting.release(held.organization_id, held.lease)

    async def _keep(self) -> None:
        """Keep the rights that are held, and take those that are free."""
        while True:
            with contextlib.suppress(*AWAY):
                await self.renew()
            await asyncio.sleep(_RENEW)

    async def renew(self) -> None:
        """Take or renew the right to every organization, and measure what waits."""
        waiting = 0
        served = {one.id for one in self._rules.current.organizations.values()}
        for gone in self._held.keys() - served:
            del self._held[gone]
        for identifier in served:
            lease = await self._waiting.hold(identifier)
            if lease is None:
                self._held.pop(identifier, None)
                continue
            backlog = await self._waiting.keep(identifier)
            waiting += backlog.waiting
            self._drop(backlog.skipped)
            if identifier not in self._held or self._held[identifier].lease != lease:
                self._held[identifier] = _Held(identifier, lease)
        observe.child(observe.SINK_LAG, self._sink.name).set(waiting)

    async def _read_on(self, connection: StreamConnection) -> None:
        while True:
            try:
                await self.read(connection)
            except* AWAY as away:
                reason = str(away.exceptions[0])
                observe.log().warning(observe.SINK_INTERRUPTED, sink=self._sink.name, reason=reason)
                for held in self._held.values():
                    held.adopted = False
                await asyncio.sleep(_PAUSE)

    async def read(self, connection: StreamConnection, wait: int = _BLOCK) -> None:
        """Tell of one batch of each organization that has one."""
        for held in list(self._held.values()):
            await self._adopt(held)
        ready = [held.organization_id for held in self._held.values() if held.adopted]
        if not ready:
            await asyncio.sleep(_PAUSE)
            return
        for identifier, entries in await self._waiting.read(connection, ready, wait):
            await self._tell(identifier, entries)

    async def _adopt(self, held: _Held) -> None:
        """Tell again of what nobody acknowledged."""
        while not held.adopted:
            entries = await self._waiting.adopt(held.organization_id, held.lease)
            if entries is None:
                self._held.pop(held.organization_id, None)
                return
            await self._tell(held.organization_id, entries)
            held.adopted = not entries

    async def _tell(self, identifier: str, entries: Sequence[Entry]) -> None:
        """Tell of a batch, in order for each record, and acknowledge it."""
        organization = self._organization(identifier)
        if organization is None or not entries:
            return
        changes = [change for entry in entries if (change := self._wanted(entry))]
        records: dict[str, list[Event]] = defaultdict(list)
        for event in await events_of(organization, changes, self._records):
            records[event.record_id].append(event)
        async with asyncio.TaskGroup() as tasks:
            for events in records.values():
                tasks.create_task(self._in_order(organization, events))
        await self._waiting.acknowledge(identifier, [entry[0] for entry in entries])

    def _wanted(self, entry: Entry) -> Change | None:
        try:
            change = parse_change(entry)
        except ValueError:
            return None
        wanted = self._sink.events
        if not wanted:
            return change if change.module in MODULES else None
        return change if wanted.intersection(change.types) else None

    async def _in_order(self, organization: Organization, events: Sequence[Event]) -> None:
        http = await self._delivery.outgoing(organization.allow_networks, organization.id)
        async with self._room:
            for event in events:
                attempt = 1
                while again := await self._once(
                    event,
                    SinkContext(
                        f"{event.id}:{self._sink.name}", attempt, http, organization.credentials
                    ),
                ):
                    attempt += 1
                    await asyncio.sleep(again.total_seconds())

    async def _once(self, event: Event, context: SinkContext) -> timedelta | None:
        """Tell once; return when to try again, if that can help."""
        try:
            await self._call(event, context)
        except ActionError as final:
            self._drop(1, final)
            return None
        except TransientError as error:
            return self._later(event, context.attempt, error)
        observe.child(observe.SINK_EVENTS, self._sink.name, "done").inc()
        return None

    async def _call(self, event: Event, context: SinkContext) -> None:
        """Call the plugin; whatever it raises that it should not may pass."""
        plugin = f"sink:{self._sink.name}"
        told = cast("Coroutine[Any, Any, None]", self._sink.run(event, context))
        try:
            await guard.limited(told, plugin, self._sink.timeout.total_seconds())
        except (ActionError, TransientError, asyncio.CancelledError):
            raise
        except BaseException as bug:
            observe.child(observe.PLUGIN_FAILURES, plugin).inc()
            raise TransientError(type(bug).__name__) from bug

    def _later(self, event: Event, attempt: int, error: TransientError) -> timedelta | None:
        following = self._retries.after(attempt, error)
        if not isinstance(following, Retry):
            self._drop(1, error.__cause__ or error)
            return None
        observe.child(observe.SINK_EVENTS, self._sink.name, "retried").inc()
        observe.log().info(observe.SINK_RETRIED, sink=self._sink.name, event_id=event.id)
        return following.delay

    def _drop(self, count: int, error: BaseException | None = None) -> None:
        """Count and log what the sink will not be told of; not what an error says of a record."""
        if count:
            why = type(error).__name__ if error else "too far behind"
            observe.child(observe.SINK_EVENTS, self._sink.name, "dropped").inc(count)
            observe.log().error(observe.SINK_DROPPED, sink=self._sink.name, events=count, why=why)

    def _organization(self, identifier: str) -> Organization | None:
        served = self._rules.current.organizations.values()
        return next((one for one in served if one.id == identifier), None)
