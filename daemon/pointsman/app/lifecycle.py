"""One serving process: start, serve, stop.

Long-lived parts (store, engine, HTTP) never see a reload; what a reload swaps is behind
``Serving``. Parts start in an order in which everything that can fail comes before the first lead
is taken, and end in the reverse: no new request, those in flight done, then what they need.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from pointsman import guard
from pointsman.app.control import Control
from pointsman.app.health import Health, Report
from pointsman.app.link import Parent
from pointsman.app.listening import bind, reachable, served
from pointsman.app.loading import serving, sourced
from pointsman.app.server import Server, opened
from pointsman.app.timers import handlers
from pointsman.config.changes import Changes
from pointsman.config.presence import Presence
from pointsman.config.serving import Serving
from pointsman.delivery import Delivery
from pointsman.errors import PointsmanError
from pointsman.flows.firehose import Firehoses
from pointsman.flows.flights import Flights
from pointsman.flows.intake import Intake
from pointsman.flows.meta_leads import MetaLeads
from pointsman.flows.ownership import Owners
from pointsman.http.application import admin_application, application
from pointsman.http.services import MemoryGuard, Services
from pointsman.plugin import load_plugins
from pointsman.settings import Settings
from pointsman.store.feed import Feed
from pointsman.store.generations import GenerationStore
from pointsman.store.leadgens import LeadgenStore
from pointsman.store.leads import LeadStore
from pointsman.store.notifications import NotificationStore
from pointsman.store.owners import OwnerStore
from pointsman.store.pools import PoolStore
from pointsman.store.records import RecordStore
from pointsman.store.seen import SeenStore
from pointsman.workflows.engine import Engine
from pointsman.workflows.sinks import Sinks

__all__ = ["App", "background"]


@asynccontextmanager
async def background(*jobs: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run jobs beside the block; end them with it."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(job) for job in jobs]
        try:
            yield
        finally:
            for job in running:
                job.cancel()


class App:
    """The daemon in this process, from ``async with`` on; ``port`` is where it listens.

    With a ``parent`` it is a worker: it shares the port, and the parent loads the tree.
    """

    serving: Serving
    control: Control
    port: int
    _changes: Changes

    def __init__(self, settings: Settings, parent: Parent | None = None) -> None:
        self.settings = settings
        self._parent = parent
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self._parts = AsyncExitStack()
        self._health: Health | None = None

    async def reload(self) -> Mapping[str, int]:
        """Load the tree as ``POST /-/reload`` does."""
        return await self.control.reload()

    @property
    def url(self) -> str:
        """Where to call the daemon from this machine."""
        return reachable(self.settings.host, self.port)

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._parts.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._health:
            self._health.stopping = True
        await self._parts.aclose()

    async def _start(self) -> None:
        settings, enter = self.settings, self._parts.enter_async_context
        load_plugins()
        self._parts.enter_context(guard.own_tasks())
        self._parts.enter_context(guard.watchdog())
        bound = self._bind(settings.host, settings.port)
        admin = self._bind(*_split(settings.admin_bind)) if settings.admin_bind else None
        self.port = bound.getsockname()[1]

        server = await enter(opened(settings))
        generations = GenerationStore(server.store, settings)
        self.serving = serving(settings, generations)
        memory = MemoryGuard()
        report = self._parent.report if self._parent else Report()
        self._health = health = Health(server.store, self.serving, memory, report)
        await self._load(generations, health)
        await enter(Presence(self.name, generations, self.serving, server.url).kept())
        await health.measure()
        await enter(background(health.watch()))

        delivery = await enter(Delivery.open())
        services = self._services(server, memory, delivery)
        engine = Engine(
            self.serving,
            server.store,
            settings,
            server.url,
            timers=handlers(services),
        )
        records = RecordStore(server.store, settings)
        told = Sinks(self.serving, server.store, records, server.url, self.name)
        copied = Firehoses(self.serving, server.store, settings, self.name)
        await enter(background(engine.run(), told.run(delivery), copied.run(), services.feed.run()))
        if admin:
            await enter(served(admin_application(services), admin, settings.drain_timeout))
        await enter(served(application(services), bound, settings.drain_timeout))
        self._parts.callback(services.feed.close)
        for watch in self._watches:
            await enter(background(watch.run()))

    def _bind(self, host: str, port: int) -> socket.socket:
        bound = bind(host, port, shared=self._parent is not None)
        self._parts.callback(bound.close)
        return bound

    async def _load(self, generations: GenerationStore, health: Health) -> None:
        """Serve the tree, or what is published, and prepare to keep up with it."""
        settings = self.settings
        source = sourced(settings, generations, self.serving, health.report, self._parent)
        self._watches = list(source.watches(source.load, poll=settings.poll_config))
        await source.start()
        load, self._changes = source.load, source.changes
        if self._parent and self._parent.publishes:
            load, self._changes = self._parent.reload, self._parent
        self.control = Control(self.serving, health, load)

    def _services(self, server: Server, memory: MemoryGuard, delivery: Delivery) -> Services:
        leads = LeadStore(server.store, self.settings)
        pools = PoolStore(server.store)
        flights = Flights(leads, self.serving, delivery, self.settings)
        intake = Intake(leads, self.serving, flights=flights)
        return Services(
            settings=self.settings,
            rules=self.serving,
            store=server.store,
            intake=intake,
            flights=flights,
            meta=MetaLeads(intake, LeadgenStore(server.store, self.settings), delivery),
            leads=leads,
            pools=pools,
            owners=Owners(OwnerStore(server.store, self.settings), pools, self.serving),
            seen=SeenStore(server.store),
            control=self.control,
            changes=self._changes,
            feed=Feed(NotificationStore(server.store, self.settings), server.url),
            delivery=delivery,
            memory=memory,
        )


def _split(address: str) -> tuple[str, int]:
    """Return host and port of ``HOST:PORT``; an IPv6 host stands in brackets."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise PointsmanError(f"admin_bind is '{address}'; expected HOST:PORT, e.g. 127.0.0.1:9090")
    return host.strip("[]"), int(port)
