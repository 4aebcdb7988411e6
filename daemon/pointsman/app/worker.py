"""A worker process: ``python -m pointsman.app.worker DESCRIPTOR``, started by its parent only.

It follows what the parent publishes and shares the port with its siblings. Ctrl-C and SIGHUP are
the parent's to act on.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys

from pointsman import observe
from pointsman.app.collecting import collect_seldom
from pointsman.app.ending import Ending
from pointsman.app.lifecycle import App, background
from pointsman.app.link import Line, Parent
from pointsman.errors import PointsmanError
from pointsman.settings import Settings

__all__ = ["main"]


def main(descriptor: int) -> int:
    """Serve until told to stop or until the parent is gone; return the exit status."""
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    try:
        with Ending() as ending:
            asyncio.run(_run(descriptor, ending))
    except PointsmanError as error:
        observe.log().error(observe.WORKER_FAILED, why=str(error))
        return 1
    return 0


async def _run(descriptor: int, ending: Ending) -> None:
    with ending.inside():
        await _serve(descriptor)


async def _serve(descriptor: int) -> None:
    line = await Line.on(socket.socket(fileno=descriptor))
    hello = await line.receive()
    settings = Settings(**hello["settings"])
    observe.configure_logging(settings)
    parent = Parent(line, publishes=hello["publishes"])
    await parent.supplied(hello)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, parent.gone.set)
    async with background(parent.listen()), App(settings, parent):
        collect_seldom()
        line.send({"ready": True})
        await parent.gone.wait()
    line.close()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
