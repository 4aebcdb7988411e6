"""The beginning of the runs of one event: steps that can be done before the run is stored are.

A run whose steps nobody can see before they are stored is stored once, with its end; if that turns
out to be made from what is outdated, it never was, and the run begins as all others do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pointsman.ids import milliseconds
from pointsman.model import Change, Organization, Snapshot, Workflow
from pointsman.store.legs import Leg
from pointsman.store.pending import Copies
from pointsman.store.records import RecordStore
from pointsman.store.run_state import NewRun, Run
from pointsman.store.runs import Begun, RunStore
from pointsman.store.stored import StoredRecord
from pointsman.workflows.compile import Definition, read_definition
from pointsman.workflows.runs import Runner, may_run_ahead

__all__ = ["Beginning", "Matched"]


@dataclass(frozen=True, slots=True)
class Matched:
    """An event with the workflows that it starts; ``record`` is as it was read."""

    change: Change
    record: StoredRecord
    snapshot: Snapshot
    workflows: Sequence[Workflow]


@dataclass(slots=True)
class Beginning:
    """The runs of an event; ``copies`` are records as they were a moment ago."""

    runs: RunStore
    records: RecordStore
    runner: Runner
    organization: Organization
    event: Matched
    copies: Copies
    now: int = field(default_factory=milliseconds)
    _legs: dict[str, Leg] = field(default_factory=dict)

    async def run_ahead(self, new: Sequence[NewRun]) -> None:
        """Do the first steps of the runs, as far as that can be done before they are stored."""
        for one in new:
            if one.begins != "here":
                continue
            definition = self._definition(one.digest)
            if one.concurrency != "allow" or not may_run_ahead(definition.steps[0].type):
                return
            leg = await self.runner.run_ahead(
                self.organization, self._run(one), definition, self.copies
            )
            if leg.done:
                self._legs[one.id] = leg
            if not leg.is_over:
                # What comes after it would be made from what is not stored with it.
                return

    def _run(self, one: NewRun) -> Run:
        run = Run.begun(
            self.organization.id,
            self.event.change,
            one,
            generation=self.organization.generation,
            now=self.now,
        )
        run.trigger = self.event.snapshot.current
        return run

    async def store(self, new: Sequence[NewRun], lease: str) -> Begun:
        """Store the runs, and that the event is handled."""
        begun = await self._create([self._ended(one) for one in new], lease)
        if begun.verdict.status == "outdated":
            self._legs.clear()
            self.copies.clear()
            begun = await self._create(new, lease)
        return begun

    async def go_on(self, begun: Begun) -> None:
        """Do what is left of those that begin here."""
        for identifier in begun.over:
            self.runner.told(self.organization, self._legs.pop(identifier))
        if not self._legs.keys() <= {run.id for run in begun.here}:
            # What a run would have left that was not begun is what nobody will find.
            self.copies.clear()
            self._legs.clear()
        for run in begun.here:
            leg = self._legs.pop(run.id, None)
            if leg is None:
                leg = Leg(run, self.records, self.copies)
            leg.run.generation = run.generation
            await self.runner.go_on(self.organization, leg, self._definition(run.digest))

    async def _create(self, runs: Sequence[NewRun], lease: str) -> Begun:
        return await self.runs.create(
            self.organization.id,
            self.event.change,
            self.event.snapshot.current,
            runs,
            lease=lease,
            generation=self.organization.generation,
            over=[self._legs[one.id] for one in runs if one.begins == "done"],
            now=self.now,
        )

    def _ended(self, one: NewRun) -> NewRun:
        """Return a run as it is stored with what was done ahead."""
        leg = self._legs.get(one.id)
        if leg is None or not leg.is_over:
            return one
        end = leg.following
        return replace(one, begins="done", status=end.status, error=end.error)

    def _definition(self, digest: str) -> Definition:
        return read_definition(
            next(one.definition for one in self.event.workflows if one.digest == digest)
        )
