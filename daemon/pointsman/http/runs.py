"""``/api/v1/workflows``: what workflows did, run by run.

Runs of a workflow that is no longer in the files are listed as long as they are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web

from pointsman.errors import Refused
from pointsman.http.answers import answer, listing
from pointsman.http.auth import Gatekeeper
from pointsman.http.names import camel_keys
from pointsman.http.query import numbered_page
from pointsman.http.services import Services
from pointsman.ids import lead_uuid
from pointsman.store.run_state import Run, StepRecord
from pointsman.store.runs import RunStore
from pointsman.store.stored import rfc3339

__all__ = ["RunHandlers"]

_READ = "workflows:read"
_PATH = "/api/v1/workflows"


class RunHandlers:
    """Handlers of ``/api/v1/workflows/.../runs``."""

    def __init__(self, services: Services, gatekeeper: Gatekeeper) -> None:
        self._runs = RunStore(services.store, services.settings)
        self._gatekeeper = gatekeeper

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the application serves of this."""
        return (
            web.get(f"{_PATH}/runs/{{id}}", self.run),
            web.get(f"{_PATH}/{{id}}/runs", self.runs),
        )

    async def run(self, request: web.Request) -> web.Response:
        """Answer a run with its steps."""
        organization, _ = self._gatekeeper.caller(request, _READ)
        run = await self._runs.read(organization.id, request.match_info["id"].lower())
        if run is None:
            raise _unknown("run")
        steps = [_step(step, order) for order, step in enumerate(run.steps, start=1)]
        return answer({**_summary(run), "trigger": camel_keys(run.trigger), "steps": steps})

    async def runs(self, request: web.Request) -> web.Response:
        """List a workflow's runs, newest first."""
        organization, _ = self._gatekeeper.caller(request, _READ)
        workflow_id = request.match_info["id"].lower()
        limit, offset = numbered_page(request)
        runs, total = await self._runs.runs(organization.id, workflow_id, limit, offset)
        if not total and workflow_id not in organization.workflows:
            raise _unknown("workflow")
        return listing([_summary(run) for run in runs], total=total, limit=limit, offset=offset)


def _unknown(thing: str) -> Refused:
    return Refused(f"no such {thing}", status=HTTPStatus.NOT_FOUND, code="NOT_FOUND")


def _summary(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "workflowId": run.workflow_id,
        "workflowName": run.name,
        "triggerModule": run.module,
        "triggerType": run.type,
        "recordId": lead_uuid(run.record_id),
        "eventId": run.event,
        "depth": run.depth,
        "generation": run.generation,
        "definition": run.digest,
        "status": run.status,
        "error": run.error,
        "startedAt": rfc3339(run.created),
        "updatedAt": rfc3339(run.updated),
        "finishedAt": rfc3339(run.finished) if run.finished else None,
        "dueAt": rfc3339(run.due) if run.due and run.status == "waiting" else None,
    }


def _step(step: StepRecord, order: int) -> dict[str, Any]:
    return {
        "id": step.id,
        "actionType": step.type,
        "sortOrder": order,
        "status": step.status,
        "attempts": step.attempts,
        "input": step.input,
        "missing": step.missing,
        "output": step.output,
        "error": step.error,
        "startedAt": rfc3339(step.started) if step.started else None,
        "finishedAt": rfc3339(step.finished) if step.finished else None,
    }
