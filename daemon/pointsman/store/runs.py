"""Workflow runs in Redis: begun, claimed, moved on step by step, read.

Every write but a claim answers again what it answered first: beginning a run by the run's id,
settling a step by the claim's token. A claim that is sent twice is a second claim by the same
caller, which is as good as the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, cast

from orjson import dumps

from pointsman.ids import milliseconds
from pointsman.model import Change
from pointsman.settings import Settings
from pointsman.store.away import unavailable_if_away
from pointsman.store.events import GROUP, Verdict
from pointsman.store.keys import Keys
from pointsman.store.legs import Leg
from pointsman.store.redis import Argument, RedisStore
from pointsman.store.run_hash import parse_run, step_text
from pointsman.store.run_state import HERE, Job, NewRun, Run, placed
from pointsman.store.snapshots import pack

__all__ = ["Begun", "RunStore", "Stored"]

LISTED = 100_000
"""Runs of a workflow that are listed; older ones are still found by their id."""

LEASE = 15_000
"""How long a run that goes on here is left alone before it is resumed, in milliseconds."""

Stored = Literal["stored", "cancelled", "lost", "outdated"]
"""What came of storing steps: the run was cancelled meanwhile (then nothing goes on), somebody else
has it by now, or a record is not what they were made from (then nothing was stored)."""

_STORED: Mapping[int, Stored] = {1: "stored", 2: "cancelled", 0: "lost", -1: "outdated"}
_HERE = 1
_SKIPPED = 2
_OVER = 3
_RESUMED = 512
_KEPT_TEXTS = 1024


class Begun(NamedTuple):
    """What came of beginning the runs of an event: those to go on with here, ids of the skipped.

    ``over`` are the ids of those that are stored with their end. The verdict can be ``outdated``,
    too: what was done ahead was done with a record that is another by now.
    """

    verdict: Verdict
    here: Sequence[Run] = ()
    skipped: frozenset[str] = frozenset()
    over: frozenset[str] = frozenset()


class RunStore:
    """The runs of all organizations in one Redis."""

    def __init__(self, store: RedisStore, settings: Settings) -> None:
        self.store = store
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
        over: Sequence[Leg] = (),
        now: int | None = None,
    ) -> Begun:
        """Begin the runs of an event and acknowledge it.

        A run that exists is left as it is. Nothing is written unless the verdict is ``done``.
        ``over`` are the legs of those that begin as ``done``: what they did was done ``now``.
        """
        now = now or milliseconds()
        for leg in over:
            leg.pending.watch(organization_id)
        snapshot = pack(trigger) if len(over) < len(runs) else dumps(trigger)
        keys = self._create_keys(organization_id, placed(change), runs)
        keys += [name for leg in over for name in leg.pending.names]
        shared: list[Argument] = [
            *(GROUP, lease, generation, now, self._ttl, LISTED, now + LEASE),
            *(change.id, change.module, placed(change), change.revision, change.depth, snapshot),
            *(Keys(organization_id).prefix, len(runs)),
        ]
        steps = [argument for leg in over for argument in _done_args(leg)]
        verdict, begun = await self._create(organization_id, keys, shared, runs, steps)
        outcomes = list(zip(runs, begun, strict=False))
        here = [
            Run.begun(organization_id, change, run, generation=verdict.generation, now=now)
            for run, outcome in outcomes
            if outcome == _HERE
        ]
        for begun_here in here:
            begun_here.trigger = trigger
        skipped, ended = (
            frozenset(run.id for run, outcome in outcomes if outcome == wanted)
            for wanted in (_SKIPPED, _OVER)
        )
        return Begun(verdict, here, skipped, ended)

    async def _create(
        self,
        organization_id: str,
        keys: Sequence[str],
        shared: Sequence[Argument],
        runs: Sequence[NewRun],
        steps: Sequence[Argument],
    ) -> tuple[Verdict, Sequence[int]]:
        """Call the script, with the texts of definitions if it does not have them."""
        known = all((organization_id, run.digest) in self._defined for run in runs)
        for with_text in (False, True) if known else (True,):
            args: list[Argument] = list(shared)
            for run in runs:
                args += _create_args(run, with_text=with_text)
            status, current, *begun = await self.store.call("create_runs", keys, [*args, *steps])
            if status != b"undefined":
                break
        if status == b"done":
            self._defined.update((organization_id, run.digest) for run in runs)
        return Verdict(status.decode(), current), begun

    def _create_keys(
        self, organization_id: str, record_id: str, runs: Sequence[NewRun]
    ) -> list[str]:
        keys = Keys(organization_id)
        names = [keys.events, keys.lease("events"), keys.generation, keys.running, keys.outbox]
        names += (keys.lead(record_id), keys.lead_runs(record_id), keys.workflows)
        for run in runs:
            names += (
                keys.run(run.id),
                keys.workflow_runs(run.workflow_id),
                keys.definition(run.digest),
            )
        return [*names, keys.dead_letters]

    async def claim(self, job: Job) -> Run | None:
        """Take a run to do its current step; ``None`` if it is not this ticket's."""
        keys, now = Keys(job.organization_id), milliseconds()
        fields = await self.store.call(
            "claim_run",
            [keys.run(job.run_id), keys.running],
            [
                *(job.ticket, f"{job.record_id}/{job.run_id}", now, now + LEASE),
                *(keys.prefix, self._ttl),
            ],
        )
        return parse_run(job.organization_id, job.run_id, fields) if fields else None

    async def settle(self, leg: Leg) -> Stored:
        """Store the steps of a leg, what they write, and what follows the last of them."""
        run, pending = leg.run, leg.pending
        keys, now = Keys(run.organization_id), milliseconds()
        records, following = leg.rows(), leg.following
        pending.watch(run.organization_id)
        names = [keys.run(run.id), keys.running, keys.outbox, keys.dead_letters]
        names += (keys.events, *pending.names)
        if following.due > now:
            names += self._lasting(run)
        stored = await self.store.call(
            "settle_steps",
            names,
            [
                *(run.token, f"{leg.step}:{leg.attempt}", now),
                *(self._ttl + max(0, following.due - now), following.kind),
                *(f"{run.step} {run.attempt} {run.began}", following.status, following.error),
                str(run.job) if following.kind in {"job", "retry"} else "",
                *(following.due, f"{run.record_id}/{run.id}", now + LEASE),
                *(" ".join(map(str, leg.failed)), keys.prefix, self._ttl, pending.told),
                f"{len(records)} {pending.count} {leg.first}",
                *map(step_text, records),
                *pending.args,
            ],
        )
        return _STORED[stored]

    def _lasting(self, run: Run) -> list[str]:
        """Return what is kept as long as a run that waits."""
        keys = Keys(run.organization_id)
        return [
            keys.definition(run.digest),
            keys.lead_runs(run.record_id),
            keys.workflow_runs(run.workflow_id),
        ]

    async def abandoned(self, organization_id: str) -> list[Job]:
        """Return the runs that went on where events are read and whose reader is gone."""
        with unavailable_if_away():
            found = await self.store.redis.zrangebyscore(
                Keys(organization_id).running, 0, milliseconds(), start=0, num=_RESUMED
            )
        pairs = [cast("bytes", member).decode().split("/") for member in found]
        return [Job(organization_id, record, run, HERE) for record, run in pairs]

    async def dead(self, organization_id: str) -> int:
        """Return how many dead letters there are."""
        with unavailable_if_away():
            return int(await self.store.redis.zcard(Keys(organization_id).dead_letters))

    async def definition(self, run: Run) -> bytes | None:
        """Return the definition that a run began with; ``None`` if it is lost."""
        text = self._texts.get(run.digest)
        if text is None:
            text, *_ = await self._peek(run.organization_id, run.digest)
        if text is not None and len(self._texts) < _KEPT_TEXTS:
            self._texts[run.digest] = text
        return text

    async def exists(self, job: Job) -> bool:
        """Return whether a job's run is still kept."""
        _, fields = await self._peek(job.organization_id, "", job.run_id)
        return bool(fields)

    async def _peek(self, organization_id: str, digest: str, *run_ids: str) -> list[Any]:
        """Return a definition, and the fields of each run: none if it is not kept."""
        keys = Keys(organization_id)
        names = [keys.definition(digest), *map(keys.run, run_ids)]
        answer: list[Any] = await self.store.call("read_runs", names, [keys.prefix])
        return answer

    async def read(self, organization_id: str, run_id: str) -> Run | None:
        """Return a run with its steps; ``None`` if it is unknown."""
        return next(iter(await self.several(organization_id, [run_id])), None)

    async def runs(
        self, organization_id: str, workflow_id: str, limit: int, offset: int
    ) -> tuple[list[Run], int]:
        """Return a workflow's runs, newest first, and how many are listed in all."""
        listed = Keys(organization_id).workflow_runs(workflow_id)
        with unavailable_if_away():
            async with self.store.redis.pipeline(transaction=False) as pipe:
                pipe.zrevrange(listed, offset, offset + limit - 1)
                pipe.zcard(listed)
                ids, total = await pipe.execute()
        return await self.several(organization_id, [one.decode() for one in ids]), total

    async def several(self, organization_id: str, run_ids: Sequence[str]) -> list[Run]:
        """Return those runs that are still kept."""
        if not run_ids:
            return []
        _, *found = await self._peek(organization_id, "", *run_ids)
        return [
            parse_run(organization_id, run_id, fields)
            for run_id, fields in zip(run_ids, found, strict=True)
            if fields
        ]


def _done_args(leg: Leg) -> list[Argument]:
    run, pending, rows = leg.run, leg.pending, leg.rows()
    return [
        f"{len(rows)} {pending.count} {run.step} {run.attempt} {run.began}",
        " ".join(map(str, leg.failed)),
        pending.told,
        *map(step_text, rows),
        *pending.args,
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
