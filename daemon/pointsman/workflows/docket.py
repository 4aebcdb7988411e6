"""The job queue: steps that wait, are tried again or take long; and timers.

pydocket keeps the queue, wakes what is due and hands a dead worker's jobs to another one. It is
told a text and nothing else, because it pickles what it is told; and it tells a key apart only
while a job waits or runs, so whether a job still has anything to do is decided by the run itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Self
from urllib.parse import parse_qs
from uuid import uuid4

from docket import Docket, Worker
from docket.execution import Disposition

from pointsman.store.away import unavailable_if_away
from pointsman.store.outbox import Posted, Work

__all__ = ["Jobs", "Task"]

NAME = "pm:docket"
"""All jobs of one Redis: docket keeps a queue in one slot."""

REDELIVERY = timedelta(seconds=15)
"""How long a dead worker's job lies before another one takes it; a living one renews."""

PARKED = timedelta(seconds=30)
"""How long a job of an organization that is not served here waits to be tried again."""

_CONCURRENCY = 500
_CHECK = timedelta(milliseconds=100)
_CONNECTIONS = 1000
_AT_ONCE = 16
"""Jobs that a worker takes with one read: a burst is shared with the workers beside it."""


Task = Callable[[str], Awaitable[None]]
"""Gets a job's text. One that is cancelled is done again elsewhere; one that raised is lost."""


class Jobs:
    """The queue, and this process's worker on it."""

    def __init__(self, docket: Docket, worker: Worker) -> None:
        self._docket = docket
        self._worker = worker

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, name: str, tasks: Mapping[str, Task]) -> AsyncIterator[Self]:
        """Connect to the queue; ``tasks`` are who does its work, by ``Work.task``."""
        async with Docket(
            name=NAME, url=_with_connections(url), execution_ttl=timedelta(0)
        ) as docket:
            for task, perform in tasks.items():
                docket.register(_registered(perform), names=[task])
            worker = Worker(
                docket,
                name=name,
                concurrency=_CONCURRENCY,
                minimum_check_interval=_CHECK,
                redelivery_timeout=REDELIVERY,
                message_batch=_AT_ONCE,
                reconnection_delay=timedelta(seconds=1),
                schedule_automatic_tasks=False,
            )
            async with worker:
                yield cls(docket, worker)

    async def run(self) -> None:
        """Do jobs until cancelled; then finish those begun, or on a second cancel, leave them."""
        await self._worker.run_forever()

    async def add(self, posted: Sequence[Posted]) -> list[str]:
        """Queue jobs, and return the ids of those that are queued now or were already."""
        calls = [
            self._docket.call(one.job.task, when=_when(one.due), key=one.job.key)(str(one.job))
            for one in posted
        ]
        with unavailable_if_away():
            added = await self._docket.add_many(calls)
        return [
            one.id
            for one, execution in zip(posted, added, strict=True)
            if execution.disposition in {Disposition.SCHEDULED, Disposition.ALREADY_SCHEDULED}
        ]

    async def park(self, work: Work) -> None:
        """Let work come again later, to whichever worker can do it then.

        Its own key is taken as long as it runs, so it comes back under another.
        """
        again = datetime.now(UTC) + PARKED
        key = f"{work.key}:{uuid4().hex}"
        with unavailable_if_away():
            await self._docket.add(work.task, when=again, key=key)(str(work))


def _registered(perform: Task) -> Task:
    """Return a function with the signature that the queue looks at."""

    async def task(text: str) -> None:
        await perform(text)

    return task


def _when(due: int) -> datetime:
    return datetime.fromtimestamp(due / 1000, UTC) if due else datetime.now(UTC)


def _with_connections(url: str) -> str:
    """Return the URL with a pool large enough for every job at once, unless it names a size."""
    _, found, query = url.partition("?")
    if "max_connections" in parse_qs(query):
        return url
    return f"{url}{'&' if found else '?'}max_connections={_CONNECTIONS}"
