"""Carrying a run on: its current step, and what follows, as far as this caller may go.

The reader of events does quick steps only and hands the run to a job at the first other one; a job
does every step up to the end or the next retry. Both store results with the token of their claim,
so of two that believe to have a run, one is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pointsman import observe
from pointsman.delivery import Delivery
from pointsman.dispatch import (
    Asleep,
    Done,
    Failed,
    Outcome,
    Redactor,
    Retries,
    Retry,
    dispatch,
    is_secret_name,
)
from pointsman.errors import ActionError
from pointsman.ids import milliseconds
from pointsman.model import Organization
from pointsman.plugin import ActionContext, actions
from pointsman.store.away import AWAY
from pointsman.store.notifications import NotificationStore
from pointsman.store.records import RecordStore
from pointsman.store.run_state import HERE, Job, Next, Run, StepRecord
from pointsman.store.runs import RunStore
from pointsman.store.stored import rfc3339
from pointsman.workflows.assigning import Assigner
from pointsman.workflows.compile import Definition, Step, read_definition
from pointsman.workflows.inbox import RunInbox
from pointsman.workflows.run_record import RunRecord

__all__ = ["Runner", "is_quick"]

INTERRUPTIONS = 5
"""Claims without a result after which a step is taken to be what ends its daemons."""

Fields = Mapping[str, Any]

_STATUS = {Done: "succeeded", Asleep: "waiting", Retry: "waiting", Failed: "failed"}


def is_quick(kind: str) -> bool:
    """Return whether an action may run where events are read."""
    found = actions.recall(kind)
    return found is not None and found.quick


class Runner:
    """Does the steps of runs."""

    def __init__(
        self,
        *,
        runs: RunStore,
        records: RecordStore,
        assigner: Assigner,
        notifications: NotificationStore,
        delivery: Delivery,
        retries: Retries,
    ) -> None:
        self._runs = runs
        self._records = records
        self._assigner = assigner
        self._notifications = notifications
        self._delivery = delivery
        self._retries = retries

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

    async def go_on(self, organization: Organization, run: Run, definition: Definition) -> None:
        """Do the steps of a run that began here."""
        with _border(run.id):
            await self._do_steps(organization, run, definition)

    async def _carry_on(self, organization: Organization, run: Run) -> None:
        text = await self._runs.definition(run)
        if text is not None:
            await self._do_steps(organization, run, read_definition(text))
        else:
            lost = Failed("the definition that this run began with is no longer kept")
            await self._settle(organization, run, _record(run, Step("", "")), lost, ())

    async def _do_steps(self, organization: Organization, run: Run, definition: Definition) -> None:
        """Do the steps of a claimed run, up to its end or to where a job is to go on."""
        steps = definition.steps
        going = True
        while going:
            step = steps[run.step]
            record = _record(run, step)
            outcome = await self._outcome(organization, run, step, record)
            going = await self._settle(organization, run, record, outcome, steps)

    async def _outcome(
        self, organization: Organization, run: Run, step: Step, record: StepRecord
    ) -> Outcome:
        """Do one attempt at a step; put its input into ``record``."""
        if run.interrupted >= INTERRUPTIONS:
            return Failed(f"{run.interrupted} daemons ended while doing this step; it is given up")
        try:
            config, record.missing = step.config.render(_scope(organization, run))
        except ActionError as error:
            return Failed(str(error))
        record.input = _redactor(organization).options(step.type, config)
        context = await self._context(organization, run, step)
        return await dispatch(step.type, config, context, self._retries)

    async def _context(self, organization: Organization, run: Run, step: Step) -> ActionContext:
        """Return what an action gets beside its options."""
        record = RunRecord(self._records, self._assigner, organization, run, step.id)
        return ActionContext(
            event=run.type,
            trigger=run.trigger,
            delivery_id=f"{run.id}:{run.step + 1}",
            attempt=run.attempt - run.earlier,
            now=datetime.fromtimestamp(run.began / 1000, UTC),
            record=record,
            inbox=RunInbox(self._notifications, self._records, organization, run, record),
            http=await self._delivery.outgoing(organization.allow_networks, organization.id),
            credentials=organization.credentials,
            mail=organization.mail,
            twilio=organization.twilio,
            steps=_outputs(run),
            time_zone=organization.time_zone,
            module=run.module,
            member=organization.member,
        )

    async def _settle(
        self,
        organization: Organization,
        run: Run,
        record: StepRecord,
        outcome: Outcome,
        steps: Sequence[Step],
    ) -> bool:
        """Store what came of a step; return whether the next one is this caller's too."""
        outcome = _told(outcome, _redactor(organization))
        following = _following(run, outcome, steps)
        record.finished = milliseconds()
        record.status = _STATUS[type(outcome)]
        if isinstance(outcome, Done):
            record.output = outcome.output
        elif not isinstance(outcome, Asleep):
            record.error = outcome.error
        if not await self._runs.settle(run, record, following):
            return False
        _report(organization, run, record, following)
        return following.kind == "step"


@contextmanager
def _border(run_id: str) -> Iterator[None]:
    """Let no bug of ours end the engine; what Redis says of itself passes."""
    try:
        yield
    except AWAY:
        raise
    except Exception:  # noqa: BLE001 - the border of one action
        observe.log().exception(observe.RUN_INTERRUPTED, run=run_id)


def _scope(organization: Organization, run: Run) -> dict[str, Any]:
    """Return what placeholders can name."""
    return {
        "trigger": run.trigger,
        "steps": _outputs(run),
        "owner": _owner(organization, run),
        "workflow": {"id": run.workflow_id, "name": run.name},
        "organization": {
            "id": organization.id,
            "name": organization.name,
            "time_zone": organization.time_zone,
        },
        "env": organization.environment,
        "now": rfc3339(run.began),
    }


def _owner(organization: Organization, run: Run) -> dict[str, Any]:
    """Return who owned the record when the run began, as organization.yaml has them now."""
    member = organization.members.get(run.trigger.get("owner_id") or "")
    if member is None:
        return {}
    return {name: getattr(member, name) for name in ("id", "handle", "name", "email", "phone")}


def _outputs(run: Run) -> list[Any]:
    """Return what the steps before the current one gave."""
    return [record.output for record in run.steps[: run.step]]


def _record(run: Run, step: Step) -> StepRecord:
    return StepRecord(step.id, step.type, "running", run.attempt, milliseconds(), 0)


def _redactor(organization: Organization) -> Redactor:
    named = (value for name, value in organization.environment.items() if is_secret_name(name))
    return Redactor((*organization.secrets(), *named))


def _told(outcome: Outcome, redactor: Redactor) -> Outcome:
    """Return an outcome as it may be stored."""
    if isinstance(outcome, Done):
        return replace(outcome, output=redactor.value(outcome.output))
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
    skipped = [StepRecord(one.id, one.type, "skipped", 0, 0, 0) for one in steps[run.step + 1 : to]]
    if to >= len(steps):
        return Next("end", "succeeded", skipped=skipped)
    if run.ticket == HERE and not is_quick(steps[to].type):
        return Next("job", "queued", skipped=skipped)
    return Next("step", "running", skipped=skipped)


def _report(organization: Organization, run: Run, record: StepRecord, following: Next) -> None:
    """Count and log what came of a step."""
    told = observe.log(organization=organization.handle, workflow=run.name, run=run.id)
    if record.status == "waiting" and record.error:
        told.info(observe.STEP_RETRIED, action=record.type, attempt=record.attempts)
    elif record.status == "failed":
        observe.child(observe.DEAD_LETTERS_ADDED, organization.handle).inc()
        told.warning(observe.STEP_FAILED, action=record.type, attempt=record.attempts)
    if following.kind == "end" and not run.alone:
        failed = following.status == "failed"
        outcome = "failed" if failed else "completed"
        observe.child(observe.RUNS, organization.handle, outcome).inc()
        told.info(observe.RUN_FAILED if failed else observe.RUN_COMPLETED)
