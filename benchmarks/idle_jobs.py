"""Docket by itself: jobs that do nothing, with the settings that the daemon's own queue has."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from docket import Docket, Worker

from pointsman.workflows.docket import Jobs

__all__ = ["drained"]

_AT_ONCE = 200


async def drained(url: str, number: int) -> float:
    """Return how many jobs a second docket takes, from the first queued to the last done."""
    done = 0
    last = asyncio.Event()

    async def nothing(text: str) -> None:
        nonlocal done
        done += bool(text)
        if done == number:
            last.set()

    async with Jobs.open(url, "bench", {"nothing": nothing}) as queue:
        docket: Docket = queue._docket  # noqa: SLF001 - the same queue, told nothing by us
        worker: Worker = queue._worker  # noqa: SLF001
        running = asyncio.create_task(worker.run_forever())
        begin = time.monotonic()
        for first in range(0, number, _AT_ONCE):
            now = datetime.now(UTC)
            await docket.add_many(
                docket.call("nothing", when=now, key=str(n))(str(n + 1))
                for n in range(first, min(first + _AT_ONCE, number))
            )
        await last.wait()
        taken = time.monotonic() - begin
        running.cancel()
        await asyncio.wait([running])
    return number / taken
