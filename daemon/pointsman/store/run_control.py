"""What people do to runs: end them, let them try again, do them over.

Every call is one script that compares what a run is with what it must be, so of two callers who
want different things one is told. A run that is cancelled under its step's hands keeps what came of
that step: see ``cancel_run.lua``.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import uuid4

from pointsman.ids import milliseconds
from pointsman.model import Workflow
from pointsman.settings import Settings
from pointsman.store.keys import Keys
from pointsman.store.redis import Argument, RedisStore
from pointsman.store.run_state import Run
from pointsman.store.runs import LISTED
from pointsman.store.snapshots import pack

__all__ = ["Replayed", "RunControl"]


class Replayed(NamedTuple):
    """What came of a replay: ``begun``, ``skipped``; ``unknown``, ``stale``: nothing was done."""

    status: str
    generation: int


class RunControl:
    """Changes runs from outside."""

    def __init__(self, store: RedisStore, settings: Settings) -> None:
        self._store = store
        self._ttl = int(settings.event_retention.total_seconds() * 1000)

    async def cancel(self, run: Run, why: str) -> str:
        """Cancel a run; return ``cancelled``, its status if it was over, or ``unknown``."""
        keys = Keys(run.organization_id)
        names = [keys.run(run.id), keys.running, keys.outbox]
        member = f"{run.record_id}/{run.id}"
        args: list[Argument] = [milliseconds(), member, why, keys.prefix, self._ttl]
        status: bytes = await self._store.call("cancel_run", names, args)
        return status.decode()

    async def retry(self, run: Run, step: int | None = None) -> str:
        """Do the step again that a run failed at, and what follows; or an earlier one, alone.

        Returns ``queued``, or why not: ``unknown``, ``open``, ``whole``, ``undefined``, ``busy``.
        """
        keys = Keys(run.organization_id)
        names = [
            keys.run(run.id),
            keys.outbox,
            keys.dead_letters,
            keys.definition(run.digest),
            keys.once(uuid4().hex),
            keys.lead_runs(run.record_id),
            keys.workflow_runs(run.workflow_id),
        ]
        wanted: Argument = "" if step is None else step
        args = [wanted, milliseconds(), self._ttl, keys.prefix]
        status, *_ = await self._store.call("retry_run", names, args)
        return bytes(status).decode()

    async def replay(self, run: Run, workflow: Workflow, new_id: str, generation: int) -> Replayed:
        """Begin a run under ``new_id`` that repeats ``run`` on the workflow of a generation."""
        keys = Keys(run.organization_id)
        names = [
            keys.run(run.id),
            keys.run(new_id),
            keys.workflow_runs(workflow.id),
            keys.definition(workflow.digest),
            keys.lead_runs(run.record_id),
            keys.workflows,
            keys.outbox,
            keys.generation,
            keys.lead(run.record_id),
        ]
        args: list[Argument] = [
            *(milliseconds(), self._ttl, LISTED, keys.prefix, generation, workflow.definition),
            *(new_id, run.id, workflow.digest, workflow.id, workflow.name, workflow.trigger_type),
            *(workflow.concurrency, "job" if workflow.actions else "never"),
            *(run.event, run.module, run.record_id, run.revision, run.depth, pack(run.trigger)),
        ]
        status, current = await self._store.call("replay_run", names, args)
        return Replayed(status.decode(), current)
