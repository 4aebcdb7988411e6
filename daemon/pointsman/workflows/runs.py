"""Carrying a run on: its current step, and what follows, as far as this caller may go.

The reader of events does quick steps only and hands the run to a job at the first other one; a job
does every step up to the end or the next retry. Both store results with the token of their claim,
so of two that believe to have a run, one is refused. Quick steps in a row are stored together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from pointsman import observe
from pointsman.dispatch import Asleep, Done, Failed, Outcome, Redactor, Retry
from pointsman.ids import milliseconds
from pointsman.model import Organization
from pointsman.plugin import actions
from pointsman.store.away import AWAY
from pointsman.store.legs import Leg, Unready
from pointsman.store.pending import Copies
from pointsman.store.records import RecordStore
from pointsman.store.run_state import HERE, Job, Next, Run, StepRecord
from pointsman.store.runs import RunStore
from pointsman.workflows.attempts import Attempts
from pointsman.workflows.compile import Definition, Step, read_definition

__all__ = ["Runner", "is_quick", "may_run_ahead"]

_STATUS = {Done: "succeeded", Asleep: "waiting", Retry: "waiting", Failed: "failed"}


def is_quick(kind: str) -> bool:
    """Return whether an action may run where events are read."""
    found = actions.recall(kind)
    return found is not None and found.quick


def may_run_ahead(kind: str) -> bool:
    """Return whether an action may run before the run is stored: it can do nothing but wait."""
    found = actions.recall(kind)
    return found is not None and found.quick and found.built_in


class Runner:
    """Does the steps of runs."""

    def __init__(self, *, runs: RunStore, records: RecordStore, attempts: Attempts) -> None:
        self._runs = runs
        self._records = records
        self._attempts = attempts

    async def claim(self, organization: Organization, job: Job) -> bool:
        """Take a job's run, if it still is that job's, and carry it on.

        Returns ``False`` if a bug got in the way: then the run waits to be claimed again, a few
        times at most.
        """
        with _border(job.run_id):
            run = await self._runs.claim(job)
            if run is not None:
                await self._carry_on(organization, run)
            return True
        return False

    async def run_ahead(
        self, organization: Organization, run: Run, definition: Definition, copies: Copies
    ) -> Leg:
        """Do the first steps of a run that is not stored yet, as far as nobody can see them.

        ``copies`` of records may spare reading them.
        """
        leg = Leg(run, self._records, copies, ahead=True)
        with _border(run.id):
            await self._do_some(organization, leg, definition.steps, apart=False)
            return leg
        leg.undo()
        return leg

    async def go_on(self, organization: Organization, leg: Leg, definition: Definition) -> None:
        """Do the steps of a run that began here, those after the ones that were done ahead."""
        leg.ahead = False
        with _border(leg.run.id):
            if not leg.done or await self._store(organization, leg):
                await self._do_steps(organization, leg, definition.steps)
            return
        leg.pending.forget()

    def told(self, organization: Organization, leg: Leg) -> None:
        """Tell of the steps of a leg that is stored."""
        for record, following in leg.done:
            _report(organization, leg.run, record, following)

    async def _carry_on(self, organization: Organization, run: Run) -> None:
        text, leg = await self._runs.definition(run), Leg(run, self._records)
        if text is not None:
            await self._do_steps(organization, leg, read_definition(text).steps)
        else:
            lost = Failed("the definition that this run began with is no longer kept")
            self._take(organization, leg, _record(run, Step("", "")), lost, ())
            await self._store(organization, leg)

    async def _do_steps(self, organization: Organization, leg: Leg, steps: Sequence[Step]) -> None:
        """Do the steps of a claimed run, up to its end or to where a job is to go on."""
        going, apart = True, False
        while going:
            apart = await self._do_some(organization, leg, steps, apart=apart)
            going = not leg.done or await self._store(organization, leg)

    async def _do_some(
        self, organization: Organization, leg: Leg, steps: Sequence[Step], *, apart: bool
    ) -> bool:
        """Do steps up to where they are to be stored; return whether the next must stand apart."""
        while True:
            step = steps[leg.run.step]
            leg.enter(quick=not apart and is_quick(step.type))
            if not await self._do(organization, leg, step, steps):
                if leg.is_torn:
                    leg.undo()
                return True
            if leg.is_full or not _is_more(leg, steps):
                return False
            apart = False

    async def _do(
        self, organization: Organization, leg: Leg, step: Step, steps: Sequence[Step]
    ) -> bool:
        """Do a step and take it for done; ``False`` if those before it are to be stored first."""
        record = _record(leg.run, step)
        try:
            outcome = await self._attempts.make(organization, leg, step, record)
        except Unready:
            return False
        if not leg.unready:
            self._take(organization, leg, record, outcome, steps)
        return not leg.unready

    def _take(
        self,
        organization: Organization,
        leg: Leg,
        record: StepRecord,
        outcome: Outcome,
        steps: Sequence[Step],
    ) -> None:
        """Take a step for done: what came of it is what is going to be stored."""
        outcome = _told(outcome, self._attempts.redactor(organization))
        following = _following(leg.run, outcome, steps)
        record.finished = milliseconds()
        record.status = _STATUS[type(outcome)]
        if isinstance(outcome, Done):
            record.output = outcome.output
        elif isinstance(outcome, Asleep):
            record.slept = record.attempts
        else:
            record.error = outcome.error
        leg.add(record, following)

    async def _store(self, organization: Organization, leg: Leg) -> bool:
        """Store the steps of a leg; return whether what comes next is this caller's too."""
        stored = await self._runs.settle(leg)
        if stored == "outdated":
            leg.undo()
            return True
        if stored != "stored":
            leg.pending.forget()
            return False
        self.told(organization, leg)
        goes_on = leg.following.kind == "step"
        leg.stored()
        return goes_on


@contextmanager
def _border(run_id: str) -> Iterator[None]:
    """Let no bug of ours end the engine; what Redis says of itself passes."""
    try:
        yield
    except AWAY:
        raise
    except Exception:  # noqa: BLE001 - the border of one action
        observe.log().exception(observe.RUN_INTERRUPTED, run=run_id)


def _record(run: Run, step: Step) -> StepRecord:
    slept = run.steps[run.step].slept if run.step < len(run.steps) else None
    return StepRecord(step.id, step.type, "running", run.attempt, milliseconds(), 0, slept=slept)


def _told(outcome: Outcome, redactor: Redactor) -> Outcome:
    """Return an outcome as it may be stored."""
    if isinstance(outcome, Done):
        return Done(redactor.value(outcome.output), outcome.branch)
    if isinstance(outcome, Asleep):
        return outcome
    return replace(outcome, error=redactor.text(outcome.error))


def _following(run: Run, outcome: Outcome, steps: Sequence[Step]) -> Next:
    """Return what follows the current step if it came out like this."""
    if isinstance(outcome, Asleep):
        return Next("retry", "waiting", int(outcome.until.timestamp() * 1000))
    if isinstance(outcome, Retry):
        due = milliseconds() + int(outcome.delay.total_seconds() * 1000)
        return Next("retry", "waiting", due)
    failed = isinstance(outcome, Failed)
    if run.alone:
        return Next("end", run.alone, error=run.error or "", dead=failed)
    if isinstance(outcome, Failed) and (not steps or steps[run.step].on_error != "continue"):
        return Next("end", "failed", error=f"step {run.step + 1}: {outcome.error}", dead=True)
    return _onwards(run, outcome, steps)._replace(dead=failed)


def _onwards(run: Run, outcome: Outcome, steps: Sequence[Step]) -> Next:
    """Return what follows a step after which the run goes on, if there is more to do."""
    step = steps[run.step]
    chosen = outcome.branch if isinstance(outcome, Done) else None
    to = step.branches.get(chosen, step.following) if chosen else step.following
    passed = steps[run.step + 1 : to]
    skipped = [StepRecord(one.id, one.type, "skipped", 0, 0, 0) for one in passed]
    if to >= len(steps):
        return Next("end", "succeeded", skipped=skipped)
    if run.ticket == HERE and not is_quick(steps[to].type):
        return Next("job", "queued", skipped=skipped)
    return Next("step", "running", skipped=skipped)


def _is_more(leg: Leg, steps: Sequence[Step]) -> bool:
    """Return whether the step that comes next can be stored together with those before it."""
    if leg.following.kind != "step":
        return False
    if leg.ahead:
        return may_run_ahead(steps[leg.run.step].type)
    return leg.run.ticket == HERE or is_quick(steps[leg.run.step].type)


def _report(organization: Organization, run: Run, record: StepRecord, following: Next) -> None:
    """Count and log what came of a step."""
    if record.error is not None:
        told = observe.log(organization=organization.handle, workflow=run.name, run=run.id)
        tried = {"action": record.type, "attempt": record.attempts}
        if record.status == "waiting":
            told.info(observe.STEP_RETRIED, **tried)
        elif record.status == "failed":
            observe.child(observe.DEAD_LETTERS_ADDED, organization.handle).inc()
            told.warning(observe.STEP_FAILED, **tried)
    if following.kind == "end" and not run.alone:
        failed = following.status == "failed"
        outcome = "failed" if failed else "completed"
        observe.child(observe.RUNS, organization.handle, outcome).inc()
        over = observe.RUN_FAILED if failed else observe.RUN_COMPLETED
        observe.run_line(over, organization.handle, run.name, run.id)
