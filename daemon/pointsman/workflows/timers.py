"""Timers that are due, handed to those who know what to do.

Who that is comes from the app: the engine brings what was set in one floor to a handler of another
and knows of neither. A handler that fails is asked again, but not for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from pointsman import observe
from pointsman.model import Organization
from pointsman.store.away import AWAY
from pointsman.store.timers import Handler, Timer
from pointsman.workflows.docket import Jobs
from pointsman.workflows.readership import Readership

__all__ = ["Timers"]

FAILURES = 5
"""Times that a handler may raise before its timer is given up."""

_AWAY = 1.0


class Timers:
    """Rings the timers of the organizations that are served here."""

    def __init__(self, handlers: Mapping[str, Handler], readership: Readership) -> None:
        self._handlers = handlers
        self._readership = readership

    async def ring(self, jobs: Jobs, text: str) -> None:
        """Do what a timer is for; wait while Redis is away.

        What cannot be done here (an organization or a purpose that this daemon does not know)
        comes again later, to whichever daemon can do it then.
        """
        timer = Timer.parse(text)
        while True:
            organization = self._readership.organization(timer.organization_id)
            handler = self._handlers.get(timer.purpose)
            try:
                if organization is None or handler is None:
                    await jobs.park(timer)
                else:
                    await self._handle(jobs, handler, organization, timer)
            except AWAY as error:
                observe.log().warning(observe.JOBS_INTERRUPTED, reason=str(error))
                await asyncio.sleep(_AWAY)
            else:
                return

    async def _handle(
        self, jobs: Jobs, handler: Handler, organization: Organization, timer: Timer
    ) -> None:
        try:
            await handler(organization, timer)
        except AWAY:
            raise
        except Exception:  # noqa: BLE001 - the border of one action
            failures = timer.failures + 1
            given_up = failures >= FAILURES
            observe.log(purpose=timer.purpose, about=timer.id).exception(
                observe.TIMER_FAILED, failures=failures, given_up=given_up
            )
            if not given_up:
                await jobs.park(timer._replace(failures=failures))
