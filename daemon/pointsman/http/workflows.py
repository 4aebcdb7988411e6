"""``/api/v1/workflows``: the workflows of an organization, read and changed.

The files are written by whoever publishes them: what is answered with success stands in the file
and is live everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web

from pointsman.config.changes import Write, Written
from pointsman.config.schema import composed
from pointsman.errors import Refused
from pointsman.http.answers import answer, listing
from pointsman.http.auth import Gatekeeper
from pointsman.http.body import parse_json, require_json
from pointsman.http.query import choice, page
from pointsman.http.services import Services
from pointsman.http.spelling import api_place
from pointsman.http.workflow_bodies import create_body, toggle_body, update_body
from pointsman.http.workflow_views import workflow_json
from pointsman.model import Organization, Workflow
from pointsman.modules import MODULES
from pointsman.store.versions import Version, VersionStore

__all__ = ["WorkflowHandlers"]

_READ = "workflows:read"
_WRITE = "workflows:write"
_PATH = "/api/v1/workflows"


class WorkflowHandlers:
    """Handlers of workflows themselves; their runs have others."""

    def __init__(self, services: Services, gatekeeper: Gatekeeper) -> None:
        self._rules = services.rules
        self._changes = services.changes
        self._versions = VersionStore(services.store)
        self._gatekeeper = gatekeeper

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the application serves of this; after the routes of runs."""
        return (
            web.get(_PATH, self.workflows),
            web.post(_PATH, self.create),
            web.get(f"{_PATH}/{{id}}", self.workflow),
            web.put(f"{_PATH}/{{id}}", self.update),
            web.patch(f"{_PATH}/{{id}}/toggle", self.toggle),
            web.delete(f"{_PATH}/{{id}}", self.delete),
        )

    async def workflows(self, request: web.Request) -> web.Response:
        """List workflows, newest first."""
        organization, _ = self._gatekeeper.caller(request, _READ)
        limit, offset = page(request)
        module = choice(request, "module", tuple(MODULES))
        found = [one for one in organization.workflows.values() if module in {None, one.module}]
        versions = await self._versions.versions(organization.id, [one.id for one in found])
        newest = sorted(zip(found, versions, strict=True), key=_age)
        rows = await self._told(organization, newest[offset : offset + limit])
        return listing(rows, total=len(found), limit=limit, offset=offset)

    async def workflow(self, request: web.Request) -> web.Response:
        """Answer a workflow with its actions."""
        organization, _ = self._gatekeeper.caller(request, _READ)
        return answer(await self._one(organization, request.match_info["id"]))

    async def create(self, request: web.Request) -> web.Response:
        """Make a workflow."""
        return await self._write(request, "create", create_body, HTTPStatus.CREATED)

    async def update(self, request: web.Request) -> web.Response:
        """Change a workflow."""
        return await self._write(request, "update", update_body)

    async def toggle(self, request: web.Request) -> web.Response:
        """Switch a workflow on or off."""
        return await self._write(request, "toggle", toggle_body)

    async def delete(self, request: web.Request) -> web.Response:
        """Remove a workflow; what it did stays on record."""
        organization, by = self._caller(request)
        workflow = _workflow(organization, request.match_info["id"])
        content = {"id": workflow.id}
        written = await self._written(Write(organization.handle, "workflow.delete", content, by))
        await self._rules.catch_up(organization.handle, written.generation)
        return answer({"deleted": True, "id": written.id})

    def _caller(self, request: web.Request) -> tuple[Organization, str]:
        """Return whose key it is, and how the generation tells who asked."""
        organization, key = self._gatekeeper.caller(request, _WRITE)
        return organization, f"API key '{key.name}'"

    async def _write(
        self,
        request: web.Request,
        kind: str,
        read: Callable[[Mapping[str, Any]], Mapping[str, Any]],
        status: int = HTTPStatus.OK,
    ) -> web.Response:
        """Have a change made, by what ``read`` makes of the body; answer the workflow after it."""
        organization, by = self._caller(request)
        named = request.match_info.get("id")
        of = {"id": _workflow(organization, named).id} if named else {}
        raw = await request.read()
        content = {**read(_parsed(request, raw) if raw or kind != "toggle" else {}), **of}
        written = await self._written(Write(organization.handle, f"workflow.{kind}", content, by))
        after = await self._rules.catch_up(organization.handle, written.generation)
        if after is None or written.id not in after.workflows:
            raise Refused(
                "what was written is removed again already",
                status=HTTPStatus.CONFLICT,
                code="CONFLICT",
            )
        return answer(await self._one(after, written.id), status)

    async def _written(self, write: Write) -> Written:
        """Have a change made; what is wrong with it is told by its place in the body."""
        try:
            return await self._changes.write(write)
        except Refused as error:
            if not error.errors:
                raise
            root = composed("workflow")
            told = (f"{api_place(place, root)}: {why}" for place, why in error.errors.items())
            raise Refused("; ".join(told), status=error.status, code=error.code) from error

    async def _one(self, organization: Organization, workflow_id: str) -> dict[str, Any]:
        workflow = _workflow(organization, workflow_id)
        (version,) = await self._versions.versions(organization.id, [workflow.id])
        (told,) = await self._told(organization, [(workflow, version)])
        return told

    async def _told(
        self, organization: Organization, shown: Sequence[tuple[Workflow, Version]]
    ) -> list[dict[str, Any]]:
        ran = await self._versions.ran(organization.id, [workflow.id for workflow, _ in shown])
        return [
            workflow_json(organization, workflow, version, each)
            for (workflow, version), each in zip(shown, ran, strict=True)
        ]


def _parsed(request: web.Request, raw: bytes) -> dict[str, Any]:
    require_json(request)
    return parse_json(raw)


def _workflow(organization: Organization, workflow_id: str) -> Workflow:
    workflow = organization.workflows.get(workflow_id.lower())
    if workflow is None:
        raise Refused("no such workflow", status=HTTPStatus.NOT_FOUND, code="NOT_FOUND")
    return workflow


def _age(entry: tuple[Workflow, Version]) -> tuple[int, str]:
    """Return what puts the newest first; of one age, the order of the files' names."""
    workflow, version = entry
    return -(version.created or 0), workflow.file
