"""From events to runs: reads the streams of the organizations that this daemon has the right to.

Whatever goes wrong in a batch ends the same way: what was not acknowledged is adopted and read
again from its oldest, so nothing is lost and the events of a record keep their order.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from pointsman import observe
from pointsman.ids import derived
from pointsman.model import Change, Organization, Rules, Snapshot, Workflow
from pointsman.store.away import AWAY
from pointsman.store.events import Entry, EventStore, EventStream, Verdict, parse_change
from pointsman.store.pending import Copies
from pointsman.store.records import RecordStore
from pointsman.store.run_state import NewRun
from pointsman.store.runs import RunStore
from pointsman.workflows.beginning import Beginning, Matched
from pointsman.workflows.loads import Loads
from pointsman.workflows.matching import Index, matching
from pointsman.workflows.readership import Held, Readership
from pointsman.workflows.runs import Runner, is_quick

__all__ = ["Reader"]

BLOCK = 1000
"""Milliseconds that a read waits: how long a newly held organization may wait to be read too."""

_RECORDS = 64
"""Records whose runs go on at the same time."""

_PORTION = 16
"""Records whose runs begin in one turn of the event loop."""

_PAUSE = 0.1
_LONGEST_PAUSE = 5.0

Concerned = tuple[Change, Sequence[Workflow]]
"""An event, and the workflows that wait for one of its types."""

Leaf = TypeVar("Leaf", bound=BaseException)


class _Again(Exception):
    """What was read is to be judged again, by a newer generation or by another daemon."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__()
        self.verdict = verdict


class Reader:
    """Handles events, one batch after the other."""

    def __init__(
        self,
        *,
        rules: Rules,
        readership: Readership,
        events: EventStore,
        stream: EventStream,
        records: RecordStore,
        runs: RunStore,
        runner: Runner,
        loads: Loads,
    ) -> None:
        self._rules = rules
        self._loads = loads
        self._readership = readership
        self._events = events
        self._stream = stream
        self._records = records
        self._runs = runs
        self._runner = runner
        self._indexes: dict[str, Index] = {}
        self._room = asyncio.Semaphore(_RECORDS)
        self._pause = _PAUSE
        self.waiting = False
        """Whether there is nothing to do at this moment, so that a cancel interrupts nothing."""

    async def run(self, stopping: asyncio.Event) -> None:
        """Read until ``stopping`` is set; the batch at hand is finished."""
        while not stopping.is_set():
            try:
                await self._read()
                self._pause = _PAUSE
            except* AWAY as group:
                observe.log().warning(observe.EVENTS_INTERRUPTED, reason=str(_first(group)))
                self._readership.doubt()
                await asyncio.sleep(self._pause)
                self._pause = min(self._pause * 2, _LONGEST_PAUSE)

    async def _read(self) -> None:
        """Handle one batch of each organization that has one."""
        for held in self._readership.held:
            if not held.adopted:
                await self._adopt(held)
        ready = {held.id: held for held in self._readership.held if held.adopted}
        if not ready:
            await asyncio.sleep(_PAUSE)
            return
        self.waiting = True
        try:
            batches = await self._stream.read(list(ready), BLOCK)
        finally:
            self.waiting = False
        for organization_id, entries in batches:
            held = ready[organization_id]
            held.adopted = await self._handle(held, entries)

    async def _adopt(self, held: Held) -> None:
        """Handle what was read and not acknowledged, by whomever."""
        while entries := await self._events.adopt(held.id, self._readership.holder, held.lease):
            if not await self._handle(held, entries):
                return
        if entries is None:
            self._readership.lose(held)
        else:
            held.adopted = True

    async def _handle(self, held: Held, entries: Sequence[Entry]) -> bool:
        """Start the runs of a batch; return whether all of it was acknowledged."""
        organization = self._readership.organization(held.id)
        if organization is None:
            await self._readership.give_up(held)
            return False
        again: Verdict | None = None
        try:
            await self._start(organization, held, entries)
        except* _Again as group:
            again = _first(group).verdict
        if again is None:
            observe.child(observe.EVENTS_HANDLED, organization.handle).inc(len(entries))
            return True
        await self._catch_up(organization, held, again)
        return False

    async def _catch_up(self, organization: Organization, held: Held, verdict: Verdict) -> None:
        """Do what a verdict asks for before the batch is read again."""
        if verdict.status == "lost":
            self._readership.lose(held)
            return
        newer = await self._rules.catch_up(organization.handle, verdict.generation)
        if newer is None or newer.generation < verdict.generation:
            await self._readership.give_up(held)
            await asyncio.sleep(_PAUSE)

    async def _start(
        self, organization: Organization, held: Held, entries: Sequence[Entry]
    ) -> None:
        index = self._index(organization)
        concerned = index.concerned
        if index.counted:
            await self._loads.note(organization.id, index.counted, entries)
        quiet: list[bytes] = []
        loud: list[Concerned] = []
        for entry in entries:
            try:
                if workflows := concerned(entry[1]):
                    loud.append((parse_change(entry), workflows))
                    continue
            except ValueError:
                observe.log().error(observe.EVENT_FAILED, event_id=entry[0].decode())
            quiet.append(entry[0])
        records = await self._match(organization, loud, quiet) if loud else {}
        if quiet:
            _check(
                await self._events.acknowledge(
                    organization.id, held.lease, organization.generation, quiet
                )
            )
        if records:
            async with asyncio.TaskGroup() as tasks:
                for number, matched in enumerate(records.values(), 1):
                    tasks.create_task(self._begin_in_order(organization, held, matched))
                    if number % _PORTION == 0:
                        # What these ask of Redis is on its way while the next are worked out.
                        await asyncio.sleep(0)

    def _index(self, organization: Organization) -> Index:
        index = self._indexes.get(organization.id)
        if index is None or index.organization is not organization:
            index = self._indexes[organization.id] = Index(organization)
        return index

    async def _match(
        self,
        organization: Organization,
        loud: Sequence[Concerned],
        quiet: list[bytes],
    ) -> dict[str, list[Matched]]:
        """Return the events that start runs, by record; add the ids of the others to ``quiet``."""
        read = await self._records.read_since(
            organization.id,
            [(change.module, change.record_id, change.revision) for change, _ in loud],
        )
        records: dict[str, list[Matched]] = defaultdict(list)
        for (change, workflows), record in zip(loud, read, strict=True):
            snapshot = record and record.snapshot(change.revision)
            found = _judge(workflows, change, snapshot) if snapshot else ()
            if record and snapshot and found:
                records[change.record_id].append(Matched(change, record, snapshot, found))
            else:
                quiet.append(change.id.encode())
        return records

    async def _begin_in_order(
        self, organization: Organization, held: Held, events: Sequence[Matched]
    ) -> None:
        copies: Copies = {
            (event.change.module, event.change.record_id): event.record
            for event in events
            if not event.record.deleted
        }
        async with self._room:
            for event in events:
                await self._begin(organization, held, event, copies)

    async def _begin(
        self, organization: Organization, held: Held, event: Matched, copies: Copies
    ) -> None:
        """Begin the runs of one event, and do their quick steps."""
        new = [_new_run(organization, event.change, workflow) for workflow in event.workflows]
        # What is left of another daemon may be what ended it: such runs are there before they go.
        beginning = Beginning(self._runs, self._records, self._runner, organization, event, copies)
        if held.adopted:
            await beginning.run_ahead(new)
        begun = await beginning.store(new, held.lease)
        _check(begun.verdict)
        _report(organization, new, begun.skipped)
        await beginning.go_on(begun)


def _new_run(organization: Organization, change: Change, workflow: Workflow) -> NewRun:
    first = workflow.actions[0].type if workflow.actions else None
    trigger = workflow.trigger_type
    run = NewRun(
        id=derived(organization.id, "run", change.id, workflow.id),
        workflow_id=workflow.id,
        name=workflow.name,
        type=trigger,
        definition=workflow.definition,
        digest=workflow.digest,
        begins="job",
        status="queued",
        concurrency=workflow.concurrency,
    )
    if change.depth > organization.workflow_depth:
        may = organization.workflow_depth
        error = f"not begun: {change.depth} runs in a row caused each other, {may} may"
        return replace(run, begins="never", status="cancelled", error=error)
    if first is None:
        return replace(run, begins="never", status="succeeded")
    return replace(run, begins="here", status="running") if is_quick(first) else run


def _report(organization: Organization, runs: Sequence[NewRun], skipped: frozenset[str]) -> None:
    """Count the runs of an event; log those that were not begun."""
    for run in runs:
        outcome = "skipped" if run.id in skipped else "started"
        if run.begins == "never":
            outcome = "refused"
            observe.log().warning(observe.RUN_REFUSED, workflow=run.name, run=run.id)
        observe.child(observe.RUNS, organization.handle, outcome).inc()


def _judge(workflows: Sequence[Workflow], change: Change, snapshot: Snapshot) -> Sequence[Workflow]:
    try:
        return matching(workflows, change, snapshot)
    except Exception:  # noqa: BLE001 - the border of one lead
        observe.log().exception(observe.EVENT_FAILED, lead=change.record_id, event_id=change.id)
        return ()


def _check(verdict: Verdict) -> None:
    if verdict.status != "done":
        raise _Again(verdict)


def _first(group: BaseExceptionGroup[Leaf]) -> Leaf:
    """Return one exception of a group, however deep it is."""
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found
