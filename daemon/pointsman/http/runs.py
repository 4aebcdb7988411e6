"""``/api/v1/workflows/…/runs``: what workflows did, run by run.

Runs of a workflow that is no longer in the files are listed as long as they are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from aiohttp import web

from pointsman.errors import Refused
from pointsman.http.answers import answer, listing
from pointsman.http.auth import Gatekeeper
from pointsman.http.query import choice, page
from pointsman.http.run_views import run_details, run_row
from pointsman.http.services import Services
from pointsman.store.run_search import STATUSES, RunSearch
from pointsman.store.run_state import Run
from pointsman.store.runs import RunStore

__all__ = ["RunHandlers", "found_run"]

_READ = "workflows:read"
_PATH = "/api/v1/workflows"


class RunHandlers:
    """Handlers that show runs."""

    def __init__(self, services: Services, gatekeeper: Gatekeeper) -> None:
        self._runs = RunStore(services.store, services.settings)
        self._search = RunSearch(services.store, self._runs)
        self._gatekeeper = gatekeeper

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the application serves of this; before the routes of a workflow by its id."""
        return (
            web.get(f"{_PATH}/runs", self.every),
            web.get(f"{_PATH}/runs/{{id}}", self.run),
            web.get(f"{_PATH}/{{id}}/runs", self.runs),
        )

    async def run(self, request: web.Request) -> web.Response:
        """Answer a run with its steps."""
        organization, _ = self._gatekeeper.caller(request, _READ)
        return answer(run_details(await found_run(self._runs, request, organization.id)))

    async def every(self, request: web.Request) -> web.Response:
        """List runs across workflows, newest first."""
        organization, _ = self._gatekeeper.caller(request, _READ)
        limit, offset = page(request)
        workflow_id = request.query.get("workflowId")
        runs, total = await self._search.search(
            organization.id,
            limit,
            offset,
            status=choice(request, "status", STATUSES),
            workflow_id=workflow_id and workflow_id.lower(),
        )
        return listing(list(map(run_row, runs)), total=total, limit=limit, offset=offset)

    async def runs(self, request: web.Request) -> web.Response:
        """List a workflow's runs, newest first."""
        organization, _ = self._gatekeeper.caller(request, _READ)
        workflow_id = request.match_info["id"].lower()
        limit, offset = page(request)
        runs, total = await self._runs.runs(organization.id, workflow_id, limit, offset)
        if not total and workflow_id not in organization.workflows:
            raise Refused("no such workflow", status=HTTPStatus.NOT_FOUND, code="NOT_FOUND")
        return listing(list(map(run_row, runs)), total=total, limit=limit, offset=offset)


async def found_run(runs: RunStore, request: web.Request, organization_id: str) -> Run:
    """Return the run that a request's path names, or refuse."""
    run = await runs.read(organization_id, request.match_info["id"].lower())
    if run is None:
        raise Refused("no such run", status=HTTPStatus.NOT_FOUND, code="NOT_FOUND")
    return run
