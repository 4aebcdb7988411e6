"""``pointsman run``: the daemon as a process, with signals and an exit status.

SIGTERM and Ctrl-C finish what is in flight and exit with 0; SIGHUP loads the configuration again.
"""

from __future__ import annotations

import asyncio
import signal
import sys

from pointsman import observe
from pointsman.app.collecting import collect_seldom
from pointsman.app.ending import Ending
from pointsman.app.greeting import announce, greeting
from pointsman.app.lifecycle import App, background
from pointsman.app.loading import attempt
from pointsman.app.workers import Workers
from pointsman.settings import Settings

__all__ = ["Signals", "run"]


class Signals:
    """The signals of this process: ``stop`` is set once it shall end."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self._reload = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.stop.set)
        loop.add_signal_handler(signal.SIGINT, self.stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload.set)

    async def reload_on(self, app: App | Workers) -> None:
        """Load the configuration at every SIGHUP; what is wrong with it is in the log."""
        while True:
            await self._reload.wait()
            self._reload.clear()
            await attempt(app.reload)


def run(settings: Settings) -> int:
    """Serve until told to stop; return the exit status.

    Raises ``PointsmanError`` if the daemon cannot start.
    """
    observe.configure_logging(settings)
    with Ending() as ending:
        return asyncio.run(_run(settings, ending))


async def _run(settings: Settings, ending: Ending) -> int:
    with ending.inside():
        await _serve(settings)
        observe.log().info(observe.DAEMON_STOPPED)
    return 0


async def _serve(settings: Settings) -> None:
    signals = Signals()
    daemon = App(settings) if settings.workers == 1 else Workers(settings)
    async with daemon as app, background(signals.reload_on(app)):
        collect_seldom()
        announce(app.port, settings.port_file, settings.ready_fd)
        sys.stdout.write(greeting(app.url, app.serving.current))
        sys.stdout.flush()
        observe.log().info(observe.DAEMON_STARTED, url=app.url, node=app.name)
        await signals.stop.wait()
    if settings.port_file:
        settings.port_file.unlink(missing_ok=True)
