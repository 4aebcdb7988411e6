"""From the outbox to the job queue.

A script cannot reach the job queue, so it writes a job down beside the change that calls for it,
and this relay tells the queue. A relay that dies in between tells it twice; that is harmless.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pointsman import observe
from pointsman.ids import milliseconds
from pointsman.store.away import AWAY
from pointsman.store.outbox import Outbox, Posted
from pointsman.workflows.bundles import GATHERED, Gathering, bundled
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
        self._gathered: dict[str, Gathering] = {}

    async def run(self, stopping: asyncio.Event) -> None:
        """Relay until cancelled, at the latest until ``stopping`` is set.

        A cancel alone would not do: the client of Redis may swallow one that comes with a reply.
        """
        while not stopping.is_set():
            try:
                await self._relay()
            except AWAY as error:
                observe.log().warning(observe.JOBS_INTERRUPTED, reason=str(error))
                self._begin_anew(*self._after)
                await asyncio.sleep(_PAUSE)

    async def _relay(self) -> None:
        held = [one.id for one in self._readership.held]
        self._begin_anew(*(self._after.keys() - held))
        if not held:
            await asyncio.sleep(_PAUSE)
            return
        after = {one: self._after.setdefault(one, _OLDEST) for one in held}
        block = int(GATHERED * 1000) if self._gathered else BLOCK
        for organization_id, posted in await self._outbox.read(after, block):
            self._after[organization_id] = posted[-1].id
            gathering = self._gathered.setdefault(organization_id, Gathering())
            await self._post(organization_id, gathering.sift(posted, milliseconds()))
        for organization_id, gathering in list(self._gathered.items()):
            await self._post(organization_id, gathering.ready())
            if not gathering:
                self._gathered.pop(organization_id, None)

    async def _post(self, organization_id: str, posted: Sequence[Posted]) -> None:
        """Put jobs into bundles, and hand these and everything else over."""
        told = [one for one in posted if not one.text]
        if bundles := bundled([one for one in posted if one.text], milliseconds()):
            told += await self._outbox.bundle(organization_id, bundles)
        if not told:
            return
        queued = await self._jobs.add(told)
        await self._outbox.remove(organization_id, queued)
        if len(queued) < len(told):
            self._begin_anew(organization_id)
            await asyncio.sleep(_PAUSE)

    def _begin_anew(self, *organization_ids: str) -> None:
        """Read outboxes from their beginning again: what was gathered is still there."""
        for organization_id in organization_ids:
            self._after.pop(organization_id, None)
            self._gathered.pop(organization_id, None)
