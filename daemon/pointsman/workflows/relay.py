"""From the outbox to the job queue.

A script cannot reach the job queue, so it writes a job down beside the change that calls for it,
and this relay tells the queue. A relay that dies in between tells it twice; that is harmless.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pointsman import observe
from pointsman.store.away import AWAY
from pointsman.store.outbox import Outbox, Posted
from pointsman.workflows.docket import Jobs
from pointsman.workflows.readership import Readership

__all__ = ["Relay"]

BLOCK = 1000

_OLDEST = "0-0"
_PAUSE = 0.5


class Relay:
    """Relays the jobs of the organizations whose events this daemon reads."""

    def __init__(self, readership: Readership, outbox: Outbox, jobs: Jobs) -> None:
        self._readership = readership
        self._outbox = outbox
        self._jobs = jobs
        self._after: dict[str, str] = {}

    async def run(self, stopping: asyncio.Event) -> None:
        """Relay until cancelled, at the latest until ``stopping`` is set.

        A cancel alone would not do: the client of Redis may swallow one that comes with a reply.
        """
        while not stopping.is_set():
            try:
                await self._relay()
            except AWAY as error:
                observe.log().warning(observe.JOBS_INTERRUPTED, reason=str(error))
                self._after.clear()
                await asyncio.sleep(_PAUSE)

    async def _relay(self) -> None:
        held = [one.id for one in self._readership.held]
        self._after = {one: self._after.get(one, _OLDEST) for one in held}
        if not held:
            await asyncio.sleep(_PAUSE)
            return
        for organization_id, posted in await self._outbox.read(self._after, BLOCK):
            await self._post(organization_id, posted)

    async def _post(self, organization_id: str, posted: Sequence[Posted]) -> None:
        queued = await self._jobs.add(posted)
        await self._outbox.remove(organization_id, queued)
        if len(queued) == len(posted):
            self._after[organization_id] = posted[-1].id
        else:
            self._after[organization_id] = _OLDEST
            await asyncio.sleep(_PAUSE)
