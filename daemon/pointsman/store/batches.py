"""What the job queue is told of runs: jobs of one organization, one or many, as one text.

The queue pickles the text and keeps it twice for each job, so it is short; but it must say all that
whoever gets it has to know, for it is all that they get.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

from pointsman.ids import compact, expanded
from pointsman.store.run_state import Job

__all__ = ["CARRY_ON", "Batch"]

CARRY_ON = "carry_on"
"""The task of jobs that go on with a run."""

_COMPACT = 22


class Batch(NamedTuple):
    """Jobs of one organization that the queue is told of as one.

    Its text is all that the queue is told: ``<organization><run><ticket>,<run><ticket>,...``. Ids
    have 22 characters there, so that the text of one job fits into a compact hash of Redis.
    """

    jobs: Sequence[Job]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the jobs of a text; such as have other ids are written in full."""
        if "/" in text:
            return cls([Job.parse(one) for one in text.split(",")])
        organization_id = expanded(text[:_COMPACT])
        return cls(
            [
                Job(organization_id, "", expanded(one[:_COMPACT]), one[_COMPACT:])
                for one in text[_COMPACT:].split(",")
            ]
        )

    def __str__(self) -> str:
        organization_id = compact(self.organization_id)
        runs = [compact(one.run_id) for one in self.jobs]
        if organization_id is None or None in runs:
            return ",".join(map(str, self.jobs))
        told = (f"{run}{one.ticket}" for run, one in zip(runs, self.jobs, strict=True))
        return organization_id + ",".join(told)

    @property
    def organization_id(self) -> str:
        """Whose they are."""
        return self.jobs[0].organization_id

    @property
    def task(self) -> str:
        """Who does them."""
        return CARRY_ON

    @property
    def key(self) -> str:
        """What tells them from others: run, step and attempt of the first, which is in no other."""
        first = self.jobs[0]
        return f"{compact(first.run_id) or first.run_id}:{first.ticket}"
