"""Several serving processes: this one watches, publishes and supervises, its workers serve.

Workers share the port (``SO_REUSEPORT``). One that dies is started again; one that cannot even
start the first time ends the daemon, because the next would fail in the same way.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Self
from uuid import uuid4

from pointsman import observe
from pointsman.app.health import Report
from pointsman.app.lifecycle import background
from pointsman.app.link import Line, Message, answered, dump_settings, plugins_of, reported
from pointsman.app.listening import bind, reachable
from pointsman.app.loading import Following, Publishing, serving, sourced
from pointsman.app.server import opened
from pointsman.config.dropins import Found
from pointsman.config.presence import Presence
from pointsman.config.serving import Serving
from pointsman.errors import PointsmanError
from pointsman.plugin import load_plugins
from pointsman.settings import Settings
from pointsman.store.generations import GenerationStore

__all__ = ["Workers"]

_GRACE = 5.0
_TAKEN = 5.0
_PAUSES = (0.1, 0.5, 2.0, 5.0)
_HEALTHY = 10.0


class Workers:
    """The daemon as a parent with workers, from ``async with`` on; like ``App`` to its caller."""

    serving: Serving
    port: int

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self._parts = AsyncExitStack()
        self._report = Report()
        self._lines: dict[Line, int] = {}
        self._supplies = 0
        self._took = asyncio.Event()
        self._hello: Mapping[str, object] = {}
        self._source: Publishing | Following

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
        await self._parts.aclose()

    async def reload(self) -> Mapping[str, int]:
        """Load the tree and tell the workers what came of it."""
        try:
            return await self._source.load()
        finally:
            for line in self._lines:
                line.send(reported(self._report))

    async def _start(self) -> None:
        settings, enter = self.settings, self._parts.enter_async_context
        load_plugins()
        # Bound and never listened on: it keeps the port for the workers.
        bound = bind(settings.host, settings.port, shared=True)
        self._parts.callback(bound.close)
        self.port = bound.getsockname()[1]

        server = await enter(opened(settings))
        generations = GenerationStore(server.store, settings)
        self.serving = serving(settings, generations)
        self._source = source = sourced(settings, generations, self.serving, self._report)
        source.plugins.spread = self._spread
        await source.start()
        await enter(Presence(self.name, generations, self.serving, server.url).kept())
        self._hello = {
            "publishes": settings.config_role == "publisher",
            "settings": dump_settings(
                settings,
                config_role="follower",
                plugins_dir=None,
                workers=1,
                redis_url=server.url,
                port=self.port,
                port_file=None,
                ready_fd=None,
            ),
        }
        await self._start_workers()
        for watch in source.watches(self.reload, poll=settings.poll_config):
            await enter(background(watch.run()))

    async def _start_workers(self) -> None:
        loop = asyncio.get_running_loop()
        ready: list[asyncio.Future[None]] = [
            loop.create_future() for _ in range(self.settings.workers)
        ]
        keepers = map(self._keep, ready)
        await self._parts.enter_async_context(background(*keepers))
        await asyncio.gather(*ready)

    async def _keep(self, ready: asyncio.Future[None]) -> None:
        """Keep one worker running; ``ready`` tells of its first start."""
        failures = 0
        while True:
            began = time.monotonic()
            status = await self._run(ready)
            if not ready.done():
                told = f"a worker ended with status {status} while it started; see the log"
                ready.set_exception(PointsmanError(told))
                return
            failures = failures + 1 if time.monotonic() - began < _HEALTHY else 0
            pause = _PAUSES[min(failures, len(_PAUSES) - 1)]
            observe.log().error(observe.WORKER_ENDED, status=status, restart_in=pause)
            await asyncio.sleep(pause)

    async def _run(self, ready: asyncio.Future[None]) -> int:
        """Run a worker from its start to its end; return its exit status."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                "pointsman.app.worker",
                str(theirs.fileno()),
                pass_fds=(theirs.fileno(),),
            )
        line = await Line.on(ours)
        try:
            line.send({**self._hello, **plugins_of(self._source.plugins.adopted.files, 0)})
            line.send(reported(self._report))
            self._lines[line] = 0
            await self._converse(line, ready)
            return await process.wait()
        finally:
            self._lines.pop(line, None)
            line.close()
            await self._end(process)

    async def _converse(self, line: Line, ready: asyncio.Future[None]) -> None:
        """Do what a worker asks for until it is gone."""
        async with asyncio.TaskGroup() as asked:
            async for message in line.messages():
                if "asked" in message:
                    asked.create_task(self._answer(line, message))
                elif "took" in message:
                    self._lines[line] = message["took"]
                    self._took.set()
                elif not ready.done():
                    ready.set_result(None)

    async def _spread(self, found: Found) -> None:
        """Give workers the plugins that were adopted; wait, within bounds, until they use them."""
        self._supplies += 1
        for line in self._lines:
            line.send(plugins_of(found.files, self._supplies))
        with suppress(TimeoutError):
            async with asyncio.timeout(_TAKEN):
                while any(taken < self._supplies for taken in self._lines.values()):
                    self._took.clear()
                    await self._took.wait()

    async def _answer(self, line: Line, message: Message) -> None:
        line.send(await answered(message, self.reload, self._source.changes))

    async def _end(self, process: Process) -> None:
        """Stop a worker: let it finish what is in flight, but not for ever."""
        if process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(2 * self.settings.drain_timeout.total_seconds() + _GRACE):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
