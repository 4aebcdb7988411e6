"""A workflow run: what is known of it.

A run belongs to one *ticket* at a time: ``here`` while whoever reads the events does it, else the
job of one attempt at one step. A claim by the right ticket gets a new token, and a result is stored
only with the newest one, so what an older claim still comes up with is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Self

from pointsman.model import Change
from pointsman.modules import place

__all__ = [
    "HERE",
    "Job",
    "NewRun",
    "Next",
    "Run",
    "Standing",
    "StepRecord",
    "placed",
]

HERE = "here"
"""The ticket of runs that go on where the events are read."""


def placed(change: Change) -> str:
    """Return where a run's record lies: a lead's id alone, or such as ``task:<id>``."""
    leads = change.module == "leads"
    return change.record_id if leads else place(change.module, change.record_id)


class Job(NamedTuple):
    """The job that a run waits for. ``record_id`` is the place of the run's record, if known."""

    organization_id: str
    record_id: str
    run_id: str
    ticket: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the job of a text."""
        return cls(*text.rsplit("/", 3))

    def __str__(self) -> str:
        return "/".join(self)


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run to begin: ``here`` at once, by a ``job``, or ``never`` (a record that it was refused).

    ``done``: its steps are, and it is stored with its end.

    ``definition`` is the workflow's canonical JSON, ``digest`` its digest.
    """

    id: str
    workflow_id: str
    name: str
    type: str
    definition: bytes
    digest: str
    begins: Literal["here", "job", "never", "done"]
    status: str
    error: str = ""
    concurrency: str = "allow"


@dataclass(slots=True)
class StepRecord:
    """What is kept of a step: the newest attempt, its input without secrets, its output.

    ``slept`` is the newest attempt at which nothing failed and it asked to be done again later.
    """

    id: str
    type: str
    status: str
    attempts: int
    started: int
    finished: int
    input: Any = None
    output: Any = None
    error: str | None = None
    missing: Sequence[str] = field(default_factory=list)
    slept: int | None = None


@dataclass(slots=True)
class Run:
    """A run as Redis has it; ``step`` counts from 0, times are milliseconds.

    ``record_id`` is the place of its record, as ``placed`` tells; ``trigger`` is the record as
    the event left it; ``interrupted`` counts the daemons that died during this attempt;
    ``began`` is when the current step was first reached. ``earlier`` are the attempts at the
    step before somebody asked to try again; ``alone`` is the status to return to if only this
    step is done again. ``replay`` is the run that this one repeats.
    """

    organization_id: str
    id: str
    record_id: str
    module: str
    event: str
    type: str
    revision: int
    depth: int
    trigger: Mapping[str, Any]
    workflow_id: str
    name: str
    digest: str
    generation: int
    status: str
    ticket: str
    token: int
    step: int
    attempt: int
    created: int
    updated: int
    began: int
    interrupted: int = 0
    finished: int | None = None
    due: int | None = None
    error: str | None = None
    version: int = 1
    earlier: int = 0
    alone: str | None = None
    replay: str | None = None
    steps: list[StepRecord] = field(default_factory=list)

    @classmethod
    def begun(
        cls, organization_id: str, change: Change, new: NewRun, *, generation: int, now: int
    ) -> Self:
        """Return a run that begins here, as create_runs.lua stores it, but for its trigger."""
        return cls(
            organization_id=organization_id,
            id=new.id,
            record_id=placed(change),
            module=change.module,
            event=change.id,
            type=new.type,
            revision=change.revision,
            depth=change.depth,
            trigger={},
            workflow_id=new.workflow_id,
            name=new.name,
            digest=new.digest,
            generation=generation,
            status=new.status,
            ticket=HERE,
            token=1,
            step=0,
            attempt=1,
            created=now,
            updated=now,
            began=now,
        )

    @property
    def subject(self) -> str:
        """The id of the record, in whatever module."""
        return self.record_id.rpartition(":")[2]

    @property
    def job(self) -> Job:
        """The job that does the current step."""
        return Job(self.organization_id, self.record_id, self.id, f"{self.step}:{self.attempt}")

    def standing(self) -> Standing:
        """Return where it stands."""
        return Standing(
            self.step, self.attempt, self.began, self.earlier, self.interrupted, self.status
        )

    def go_back(self, stood: Standing) -> None:
        """Stand where it stood before, with the steps before that."""
        del self.steps[stood.step :]
        self.step, self.attempt, self.began, self.earlier, self.interrupted, self.status = stood

    def move(self, record: StepRecord, following: Next, now: int) -> None:
        """Become what settle_steps.lua stores."""
        self.steps[self.step :] = [record, *following.skipped]
        self.status, self.updated, self.interrupted = following.status, now, 0
        if following.kind == "retry":
            self.attempt += 1
        elif following.kind != "end":
            self.step, self.attempt = self.step + 1 + len(following.skipped), 1
            self.began, self.earlier = now, 0


class Standing(NamedTuple):
    """Where a run stands, as far as that changes with its steps."""

    step: int
    attempt: int
    began: int
    earlier: int
    interrupted: int
    status: str


class Next(NamedTuple):
    """What follows a step, and the run's status from then on.

    ``step``: the next one, by the same claim; ``job``: the next one, by a job; ``retry``: this one
    again, by a job that is ``due`` then; ``end``. ``skipped`` are the steps between this and the
    next one. ``dead`` tells whether this step failed for good.
    """

    kind: Literal["step", "job", "retry", "end"]
    status: str
    due: int = 0
    error: str = ""
    skipped: Sequence[StepRecord] = ()
    dead: bool = False
