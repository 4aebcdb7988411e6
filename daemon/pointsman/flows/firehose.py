"""Copies of all events of flows, written to an organization's object store or folder.

One daemon at a time writes an organization's, from a place that is kept in Redis: after a crash the
last batch is written once more, over itself. A store that fails holds up nothing but these copies,
all of the organization; events wait for it where they are kept anyway. What was erased while it
was being written is removed again.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from orjson import dumps

from pointsman import observe
from pointsman.errors import TransientError
from pointsman.flow import Copies, Flow
from pointsman.ids import milliseconds
from pointsman.model import Firehose, Organization, Rules
from pointsman.objects import Objects
from pointsman.settings import Settings
from pointsman.store.away import AWAY
from pointsman.store.firehose import Batch, FirehoseStore
from pointsman.store.flow_events import Event
from pointsman.store.redis import RedisStore

__all__ = ["Firehoses", "Writer"]

_LOOK = 1.0
_TOGETHER = 16
_FIRST, _LONGEST = 1.0, 60.0
_LEAD = 24
_USUAL = Copies()


class Firehoses:
    """Runs a writer for every organization that has a firehose."""

    def __init__(self, rules: Rules, store: RedisStore, settings: Settings, holder: str) -> None:
        self._rules = rules
        self._places = FirehoseStore(store, settings, holder)

    async def run(self) -> None:
        """Run until cancelled; firehoses that come, change and go are followed."""
        running: dict[str, tuple[Firehose, asyncio.Task[None]]] = {}
        looked = milliseconds()
        async with asyncio.TaskGroup() as rooms:
            while True:
                wanted = {
                    one.id: (one, one.firehose)
                    for one in self._rules.current.organizations.values()
                    if one.firehose
                }
                for identifier, (kept, task) in list(running.items()):
                    if identifier not in wanted or wanted[identifier][1] != kept:
                        task.cancel()
                        await asyncio.wait({task})
                        del running[identifier]
                for identifier, (organization, kept) in wanted.items():
                    if identifier not in running:
                        flows = partial(_flows, self._rules, organization.handle)
                        writer = Writer(organization, kept, self._places, flows, since=looked)
                        running[identifier] = (kept, rooms.create_task(writer.run()))
                looked = milliseconds()
                await asyncio.sleep(_LOOK)


def _flows(rules: Rules, handle: str) -> Sequence[Flow]:
    """Return the flows of an organization as they are now."""
    organization = rules.current.organizations.get(handle)
    return organization.distinct_flows() if organization else ()


class Writer:
    """Writes one organization's events, batch after batch; ``flows`` say what they have otherwise.

    Where an event that is gone was written, nobody knows any more: it is removed everywhere.
    ``opened`` opens a store; a firehose that is new begins with what came from ``since`` on.
    """

    def __init__(
        self,
        organization: Organization,
        kept: Firehose,
        places: FirehoseStore,
        flows: Callable[[], Sequence[Flow]] = tuple,
        opened: Callable[[Firehose], Objects] = Objects,
        *,
        since: int | None = None,
    ) -> None:
        self._since = since
        self._flows = flows
        self._opened = opened
        self._copies: Mapping[str, Copies] = {}
        self._buckets: dict[str | None, Objects] = {}
        self._id = organization.id
        self._label = organization.handle
        self._kept = kept
        self._places = places
        self._failures = 0
        self._room = asyncio.Semaphore(_TOGETHER)

    async def run(self) -> None:
        """Write until cancelled, through every loss of Redis and of the store."""
        lease = None
        try:
            while True:
                try:
                    lease = await self._places.hold(self._id)
                    more = lease is not None and await self.write(lease)
                    self._recovered()
                except (TransientError, *AWAY) as error:
                    await asyncio.sleep(self._again(error))
                else:
                    await asyncio.sleep(0 if more else _LOOK)
        finally:
            self._measure(Batch(0, 0, 0, ()))
            if lease is not None:
                with contextlib.suppress(*AWAY):
                    await self._places.release(self._id, lease)

    async def write(self, lease: str) -> bool:
        """Write one batch; return whether there may be more.

        The place is asked for first: what comes while the store cannot be opened waits for it.
        """
        batch = await self._places.following(self._id, lease, since=self._since)
        self._measure(batch or Batch(0, 0, 0, ()))
        self._store(_USUAL)
        if batch is None or not batch.ids:
            return False
        self._copies = {flow.id: flow.copies for flow in self._flows()}
        found = await self._places.events(self._id, batch.ids)
        events = [event for event in found if self._of(event).wanted]
        await _all(*(self._put(event) for event in events))
        gone = await self._places.gone(self._id, batch.ids)
        await _all(*(self._delete(one) for one in gone))
        if not await self._places.settle(self._id, lease, batch.upto):
            return False
        observe.child(observe.FIREHOSE_EVENTS, self._label, "written").inc(len(events))
        waiting = batch.waiting - len(batch.ids)
        self._measure(batch._replace(waiting=waiting, oldest=batch.upto if waiting else 0))
        return waiting > 0

    async def _put(self, event: Event) -> None:
        copies = self._of(event)
        async with self._room:
            await self._store(copies).put(self._path(event["id"], copies), dumps(event))

    async def _delete(self, event_id: str) -> None:
        for copies in {_USUAL, *self._copies.values()}:
            async with self._room:
                await self._store(copies).delete(self._path(event_id, copies))

    def _of(self, event: Event) -> Copies:
        flow = event.get("vars", {}).get("flow", {})
        return self._copies.get(flow.get("id", ""), _USUAL)

    def _store(self, copies: Copies) -> Objects:
        """Return where copies go, opened when it is needed first."""
        if copies.bucket not in self._buckets:
            there = self._kept
            if copies.bucket is not None:
                kind = there.url.partition(":")[0]
                there = replace(there, url=f"{kind}://{copies.bucket}")
            self._buckets[copies.bucket] = self._opened(there)
        return self._buckets[copies.bucket]

    def _path(self, event_id: str, copies: Copies) -> str:
        prefix = self._kept.prefix if copies.prefix is None else copies.prefix
        return f"{prefix}/{event_id[:_LEAD]}/{event_id}.json".removeprefix("/")

    def _measure(self, batch: Batch) -> None:
        age = max(0.0, (milliseconds() - batch.oldest) / 1000) if batch.oldest else 0.0
        observe.child(observe.FIREHOSE_LAG, self._label).set(batch.waiting)
        observe.child(observe.FIREHOSE_AGE, self._label).set(age)

    def _again(self, error: BaseException) -> float:
        """Count and log a failure; return after how many seconds to try again."""
        self._failures += 1
        if not isinstance(error, AWAY):
            observe.child(observe.FIREHOSE_EVENTS, self._label, "retried").inc()
        pause = min(_LONGEST, _FIRST * 2.0 ** min(self._failures - 1, 10))
        told = {"organization": self._label, "why": str(error), "failures": self._failures}
        observe.log().warning(observe.FIREHOSE_FAILED, **told)
        return pause * random.uniform(0.5, 1.0)  # noqa: S311 - no secret

    def _recovered(self) -> None:
        if self._failures:
            observe.log().info(observe.FIREHOSE_RECOVERED, organization=self._label)
            self._failures = 0


async def _all(*jobs: Coroutine[Any, Any, None]) -> None:
    """Do all of it, and then raise the first error there was."""
    for done in await asyncio.gather(*jobs, return_exceptions=True):
        if done is not None:
            raise done
