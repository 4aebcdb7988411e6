"""Workflow runs in Redis: begun, claimed, moved on step by step, read.

Every write but a claim answers again what it answered first: beginning a run by the run's id,
settling a step by the claim's token. A claim that is sent twice is a second claim by the same
caller, which is as good as the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from orjson import dumps

from pointsman.ids import milliseconds
from pointsman.model import Change
from pointsman.settings import Settings
from pointsman.store.away import unavailable_if_away
from pointsman.store.events import GROUP, Verdict
from pointsman.store.keys import Keys
from pointsman.store.redis import Argument, RedisStore
from pointsman.store.run_state import HERE, Job, NewRun, Next, Run, StepRecord, placed

__all__ = ["Begun", "RunStore"]

LISTED = 100_000
"""Runs of a workflow that are listed; older ones are still found by their id."""

LEASE = 15_000
"""How long a run that goes on here is left alone before it is resumed, in milliseconds."""

_HERE = 1
_SKIPPED = 2
_GOES_ON = 1
_RESUMED = 512
_KEPT_TEXTS = 1024


class Begun(NamedTuple):
    """What came of beginning the runs of an event: those to go on with here, ids of the skipped."""

    verdict: Verdict
    here: Sequence[Run] = ()
    skipped: frozenset[str] = frozenset()


class RunStore:
    """The runs of all organizations in one Redis."""

    def __init__(self, store: RedisStore, settings: Settings) -> None:
        self._store = store
        self._ttl = int(settings.event_retention.total_seconds() * 1000)
        self._defined: set[tuple[str, str]] = set()
        self._texts: dict[str, bytes] = {}

    async def create(
        self,
        organization_id: str,
        change: Change,
        trigger: Mapping[str, Any],
        runs: Sequence[NewRun],
        *,
        lease: str,
        generation: int,
    ) -> Begun:
        """Begin the runs of an event and acknowledge it.

        A run that exists is left as it is. Nothing is written unless the verdict is ``done``.
        """
        now = milliseconds()
        snapshot = dumps(trigger)
        keys = self._create_keys(organization_id, placed(change), runs)
        shared: list[Argument] = [
            *(GROUP, lease, generation, now, self._ttl, LISTED, now + LEASE),
            *(change.id, change.module, placed(change), change.revision, change.depth, snapshot),
            Keys(organization_id).prefix,
        ]
        known = all((organization_id, run.digest) in self._defined for run in runs)
        for with_text in (False, True) if known else (True,):
            args: list[Argument] = list(shared)
            for run in runs:
                args += _create_args(run, with_text=with_text)
            status, current, *begun = await self._store.call("create_runs", keys, args)
            if status != b"undefined":
                break
        if status == b"done":
            self._defined.update((organization_id, run.digest) for run in runs)
        outcomes = list(zip(runs, begun, strict=False))
        here = [
            Run.begun(organization_id, change, run, generation=current, now=now)
            for run, outcome in outcomes
            if outcome == _HERE
        ]
        for begun_here in here:
            begun_here.trigger = trigger
        skipped = frozenset(run.id for run, outcome in outcomes if outcome == _SKIPPED)
        return Begun(Verdict(status.decode(), current), here, skipped)

    def _create_keys(
        self, organization_id: str, record_id: str, runs: Sequence[NewRun]
    ) -> list[str]:
        keys = Keys(organization_id)
        names = [keys.events, keys.lease("events"), keys.generation, keys.running, keys.outbox]
        names += (keys.lead(record_id), keys.lead_runs(record_id), keys.workflows)
        for run in runs:
            names += (
                keys.run(record_id, run.id),
                keys.run_index(run.id),
                keys.workflow_runs(run.workflow_id),
                keys.definition(run.digest),
            )
        return names

    async def claim(self, job: Job) -> Run | None:
        """Take a run to do its current step; ``None`` if it is not this ticket's."""
        keys, now = Keys(job.organization_id), milliseconds()
        fields = await self._store.call(
            "claim_run",
            [keys.run(job.record_id, job.run_id), keys.running],
            [
                *(job.ticket, f"{job.record_id}/{job.run_id}", now, now + LEASE),
                *(keys.prefix, self._ttl),
            ],
        )
        return Run.parse(job.organization_id, job.run_id, fields) if fields else None

    async def settle(self, run: Run, record: StepRecord, following: Next) -> bool:
        """Store a step's record and what follows, and move ``run`` on.

        Returns ``False`` if the run was claimed meanwhile (then nothing is stored) or cancelled
        (then the record is).
        """
        keys, now = Keys(run.organization_id), milliseconds()
        names = [keys.run(run.record_id, run.id), keys.running, keys.outbox, keys.dead_letters]
        if following.due > now:
            names += self._lasting(run)
        kept = self._ttl + max(0, following.due - now)
        stored = await self._store.call(
            "settle_step",
            names,
            [
                *(run.token, f"{run.step}:{run.attempt}", now, kept, dumps(record)),
                *(following.kind, following.status, following.error),
                str(run.job(following)) if following.kind in {"job", "retry"} else "",
                following.due,
                f"{run.record_id}/{run.id}",
                now + LEASE,
                "dead" if following.dead else "",
                *(keys.prefix, self._ttl),
                *map(dumps, following.skipped),
            ],
        )
        if stored == _GOES_ON:
            run.move(record, following, now)
        return bool(stored == _GOES_ON)

    def _lasting(self, run: Run) -> list[str]:
        """Return what is kept as long as a run that waits."""
        keys = Keys(run.organization_id)
        return [
            keys.run_index(run.id),
            keys.definition(run.digest),
            keys.lead_runs(run.record_id),
            keys.workflow_runs(run.workflow_id),
        ]

    async def abandoned(self, organization_id: str) -> list[Job]:
        """Return the runs that went on where events are read and whose reader is gone."""
        with unavailable_if_away():
            found = await self._store.redis.zrangebyscore(
                Keys(organization_id).running, 0, milliseconds(), start=0, num=_RESUMED
            )
        pairs = [cast("bytes", member).decode().split("/") for member in found]
        return [Job(organization_id, record, run, HERE) for record, run in pairs]

    async def dead(self, organization_id: str) -> int:
        """Return how many dead letters there are."""
        with unavailable_if_away():
            return int(await self._store.redis.zcard(Keys(organization_id).dead_letters))

    async def definition(self, run: Run) -> bytes | None:
        """Return the definition that a run began with; ``None`` if it is lost."""
        text = self._texts.get(run.digest)
        if text is None:
            _, text = await self._peek(run.organization_id, run.record_id, run.id, run.digest)
        if text is not None and len(self._texts) < _KEPT_TEXTS:
            self._texts[run.digest] = text
        return text

    async def exists(self, job: Job) -> bool:
        """Return whether a job's run is still kept."""
        fields, _ = await self._peek(job.organization_id, job.record_id, job.run_id, "")
        return bool(fields)

    async def _peek(
        self, organization_id: str, record_id: str, run_id: str, digest: str
    ) -> tuple[Any, bytes | None]:
        keys = Keys(organization_id)
        fields, text = await self._store.call(
            "read_run", [keys.run(record_id, run_id), keys.definition(digest)]
        )
        return fields, text

    async def read(self, organization_id: str, run_id: str) -> Run | None:
        """Return a run with its steps; ``None`` if it is unknown."""
        return next(iter(await self.several(organization_id, [run_id])), None)

    async def runs(
        self, organization_id: str, workflow_id: str, limit: int, offset: int
    ) -> tuple[list[Run], int]:
        """Return a workflow's runs, newest first, and how many are listed in all."""
        listed = Keys(organization_id).workflow_runs(workflow_id)
        with unavailable_if_away():
            async with self._store.redis.pipeline(transaction=False) as pipe:
                pipe.zrevrange(listed, offset, offset + limit - 1)
                pipe.zcard(listed)
                ids, total = await pipe.execute()
        return await self.several(organization_id, [one.decode() for one in ids]), total

    async def several(self, organization_id: str, run_ids: Sequence[str]) -> list[Run]:
        """Return those runs that are still kept, in two round trips."""
        keys = Keys(organization_id)
        with unavailable_if_away():
            async with self._store.redis.pipeline(transaction=False) as pipe:
                for run_id in run_ids:
                    pipe.get(keys.run_index(run_id))
                records = [record.decode() if record else "" for record in await pipe.execute()]
            async with self._store.redis.pipeline(transaction=False) as pipe:
                for record, run_id in zip(records, run_ids, strict=True):
                    pipe.hgetall(keys.run(record, run_id))
                found = await pipe.execute()
        return [
            Run.parse(organization_id, run_id, fields)
            for run_id, fields in zip(run_ids, found, strict=True)
            if fields
        ]


def _create_args(run: NewRun, *, with_text: bool) -> list[Argument]:
    return [
        run.id,
        run.begins,
        run.definition if with_text else "",
        run.digest,
        run.workflow_id,
        run.name,
        run.type,
        run.status,
        run.error,
        run.concurrency,
    ]
