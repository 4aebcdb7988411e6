"""``/api/v1/workflows/runs/{id}/…``: what people do to runs.

What was asked for is done when the answer is sent, but for a step under way: that may still end,
and nothing follows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from uuid import uuid4

from aiohttp import web

from pointsman import observe
from pointsman.errors import Refused
from pointsman.http.answers import answer
from pointsman.http.auth import Gatekeeper
from pointsman.http.run_views import run_details
from pointsman.http.runs import found_run
from pointsman.http.services import Services
from pointsman.model import Organization, Workflow
from pointsman.store.run_control import Replayed, RunControl
from pointsman.store.run_state import Run
from pointsman.store.runs import RunStore

__all__ = ["RunChanges", "RunControlHandlers"]

_RUNS = "/api/v1/workflows/runs/{id}"
_WHY_NOT = {
    "open": "the run is not over yet; cancel it, or wait for its end",
    "whole": "no step of this run failed for good; to do all of it again, replay it",
    "undefined": "the definition that this run began with is no longer kept; replay the run",
    "busy": "another run of this record is open, and the workflow has concurrency: skip",
}


class RunChanges:
    """Runs, as handlers read and change them."""

    def __init__(self, services: Services) -> None:
        self.store = RunStore(services.store, services.settings)
        self.control = RunControl(services.store, services.settings)

    async def again(self, organization: Organization, run: Run) -> Run:
        """Return a run as it is now."""
        now = await self.store.read(organization.id, run.id)
        if now is None:
            raise _unknown("run")
        return now

    async def retry(self, organization: Organization, run: Run, step: int | None = None) -> Run:
        """Let a run do a step again."""
        outcome = await self.control.retry(run, step)
        if outcome == "unknown":
            raise _unknown("run")
        if outcome in _WHY_NOT:
            raise _conflict(_WHY_NOT[outcome])
        _tell(organization, run, "retried", observe.RUN_RETRIED)
        return await self.again(organization, run)


class RunControlHandlers:
    """Handlers that cancel, retry and replay runs."""

    def __init__(self, services: Services, gatekeeper: Gatekeeper) -> None:
        self._runs = RunChanges(services)
        self._rules = services.rules
        self._gatekeeper = gatekeeper

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the application serves of this."""
        return (
            web.post(f"{_RUNS}/cancel", self.cancel),
            web.post(f"{_RUNS}/retry", self.retry),
            web.post(f"{_RUNS}/replay", self.replay),
        )

    async def cancel(self, request: web.Request) -> web.Response:
        """End a run without its further steps."""
        organization, key = self._gatekeeper.caller(request, "workflows:write")
        run = await found_run(self._runs.store, request, organization.id)
        status = await self._runs.control.cancel(run, f"cancelled by API key '{key.name}'")
        if status == "unknown":
            raise _unknown("run")
        if status != "cancelled":
            raise _conflict(f"the run is over already: {status}")
        if run.status != "cancelled":
            _tell(organization, run, "cancelled", observe.RUN_CANCELLED)
        return answer(run_details(await self._runs.again(organization, run)))

    async def retry(self, request: web.Request) -> web.Response:
        """Let a failed run go on from the step that it failed at."""
        organization, _ = self._gatekeeper.caller(request, "workflows:write")
        run = await found_run(self._runs.store, request, organization.id)
        return answer(run_details(await self._runs.retry(organization, run)))

    async def replay(self, request: web.Request) -> web.Response:
        """Begin a run anew on its workflow as it is now."""
        organization, _ = self._gatekeeper.caller(request, "workflows:write")
        old = await found_run(self._runs.store, request, organization.id)
        new_id = str(uuid4())
        done = await self._replayed(organization, old, new_id)
        while done.status == "stale":
            newer = await self._rules.catch_up(organization.handle, done.generation)
            if newer is None or newer.generation < done.generation:
                raise _conflict("this daemon cannot serve what is published; ask another one")
            organization = newer
            done = await self._replayed(organization, old, new_id)
        if done.status == "unknown":
            raise _unknown("run")
        _tell(organization, old, "replayed", observe.RUN_REPLAYED)
        new = await self._runs.store.read(organization.id, new_id)
        return answer(run_details(new or old), HTTPStatus.CREATED)

    async def _replayed(self, organization: Organization, old: Run, new_id: str) -> Replayed:
        workflow = _current(organization, old)
        return await self._runs.control.replay(old, workflow, new_id, organization.generation)


def _current(organization: Organization, run: Run) -> Workflow:
    """Return the workflow of a run as it is now, if it may begin runs for that record."""
    workflow = organization.workflows.get(run.workflow_id)
    if workflow is None:
        raise _conflict(f"the workflow '{run.name}' is no longer there; there is nothing to replay")
    if not workflow.active:
        raise _conflict(f"the workflow '{workflow.name}' is not active; switch it on first")
    if workflow.module != run.module:
        raise _conflict(f"the workflow '{workflow.name}' is about {workflow.module} now")
    return workflow


def _tell(organization: Organization, run: Run, outcome: str, event: str) -> None:
    observe.child(observe.RUNS, organization.handle, outcome).inc()
    observe.log().info(event, organization=organization.handle, workflow=run.name, run=run.id)


def _unknown(thing: str) -> Refused:
    return Refused(f"no such {thing}", status=HTTPStatus.NOT_FOUND, code="NOT_FOUND")


def _conflict(message: str) -> Refused:
    return Refused(message, status=HTTPStatus.CONFLICT, code="CONFLICT")
