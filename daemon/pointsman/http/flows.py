"""``/api/v1/flows``: the flows of an organization, read and changed.

The files are written by whoever publishes them: what is answered with success stands in the file
and is live everywhere, unless somebody has to deploy it. What cannot be saved is answered 422 with
``errors`` by place, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

from pointsman.config.changes import Write
from pointsman.errors import Refused
from pointsman.flow import Flow
from pointsman.http.answers import answer, error_body
from pointsman.http.auth import Gatekeeper
from pointsman.http.body import parse_json, require_json
from pointsman.http.flow_access import (
    ALL,
    READ,
    WRITE,
    any_flow_named,
    flow_named,
    flows_caller,
)
from pointsman.http.flow_bodies import api_pointer, check_depth, document_of, flow_body
from pointsman.http.services import Services
from pointsman.model import Organization
from pointsman.store.stored import rfc3339
from pointsman.store.versions import VersionStore

__all__ = ["FlowHandlers"]

_PATH = "/api/v1/flows"
_MOST = 1000


class FlowHandlers:
    """Handlers of flows themselves."""

    def __init__(self, services: Services, gatekeeper: Gatekeeper) -> None:
        self._rules = services.rules
        self._changes = services.changes
        self._control = services.control
        self._versions = VersionStore(services.store)
        self._gatekeeper = gatekeeper

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the application serves of this."""
        return (
            web.get(_PATH, self.flows),
            web.post(_PATH, self.create),
            web.put(_PATH, self.update_all),
            web.get(f"{_PATH}/{{id}}", self.flow),
            web.put(f"{_PATH}/{{id}}", self.update),
            web.delete(f"{_PATH}/{{id}}", self.delete),
        )

    async def flows(self, request: web.Request) -> web.Response:
        """List all flows."""
        organization, _ = flows_caller(self._gatekeeper, request, READ)
        return answer(await self._told(organization, organization.distinct_saved_flows()))

    async def flow(self, request: web.Request) -> web.Response:
        """Answer a flow."""
        organization, _ = flows_caller(self._gatekeeper, request, READ)
        flow = flow_named(organization, request.match_info["id"])
        return answer((await self._told(organization, [flow]))[0])

    async def create(self, request: web.Request) -> web.Response:
        """Make a flow; the caller may choose its id."""
        organization, by = self._caller(request, WRITE)
        body = await _body(request)
        try:
            content = _document(organization, None, body)
            return await self._write(organization, "create", content, by, HTTPStatus.CREATED)
        except Refused as refusal:
            return _unsaved(refusal)

    async def update(self, request: web.Request) -> web.Response:
        """Change a flow; what the body leaves out stays."""
        organization, by = self._caller(request, WRITE)
        flow = flow_named(organization, request.match_info["id"])
        body = await _body(request)
        try:
            content = _document(organization, flow, body)
            return await self._write(organization, "update", content, by)
        except Refused as refusal:
            return _unsaved(refusal)

    async def update_all(self, request: web.Request) -> web.Response:
        """Change several flows, all of them or none."""
        organization, by = self._caller(request, ALL)
        bodies = await _bodies(request)
        try:
            content = {"flows": _documents(organization, bodies)}
            after = await self._written(organization, "update_all", content, by)
        except Refused as refusal:
            return _unsaved(refusal)
        return answer(await self._told(after, after.distinct_saved_flows()))

    async def delete(self, request: web.Request) -> web.Response:
        """Remove a flow and answer it as it was."""
        organization, by = self._caller(request, WRITE)
        flow = any_flow_named(organization, request.match_info["id"])
        (told,) = await self._told(organization, [flow])
        await self._written(organization, "delete", {"id": flow.id}, by)
        return answer(told)

    def _caller(self, request: web.Request, scope: str) -> tuple[Organization, str]:
        """Return whose key it is, and how the generation tells who asked."""
        organization, key = flows_caller(self._gatekeeper, request, scope)
        return organization, f"API key '{key.name}'"

    async def _write(
        self,
        organization: Organization,
        kind: str,
        content: Mapping[str, Any],
        by: str,
        status: int = HTTPStatus.OK,
    ) -> web.Response:
        """Have one flow made or changed; answer it as it is then."""
        write = Write(organization.handle, f"flow.{kind}", content, by)
        written = await self._changes.write(write)
        after = await self._rules.catch_up(organization.handle, written.generation)
        if after is None or written.id not in after.saved_flows:
            raise _gone()
        (told,) = await self._told(after, [after.saved_flows[written.id]])
        return answer(told, status)

    async def _written(
        self, organization: Organization, kind: str, content: Mapping[str, Any], by: str
    ) -> Organization:
        """Have flows changed; return the organization as it is then."""
        write = Write(organization.handle, f"flow.{kind}", content, by)
        written = await self._changes.write(write)
        after = await self._rules.catch_up(organization.handle, written.generation)
        if after is None:
            raise _gone()
        return after

    async def _told(self, organization: Organization, flows: Sequence[Flow]) -> list[Any]:
        """Return flows with their times, and with what is wrong in their files now."""
        versions = await self._versions.of_flows(organization.id, [flow.id for flow in flows])
        wrong = self._wrong(organization)
        return [
            {
                **flow_body(organization, flow),
                "errors": wrong.get(flow.file, {}),
                "created_at": _time(version.created),
                "updated_at": _time(version.updated),
            }
            for flow, version in zip(flows, versions, strict=True)
        ]

    def _wrong(self, organization: Organization) -> Mapping[str, dict[str, str]]:
        """Return what keeps files of the tree from being published, by file and place."""
        found: dict[str, dict[str, str]] = {}
        for problem in self._control.problems():
            *_, handle, folder, name = ("", "", *problem.file.split("/"))
            if handle == organization.handle:
                place = api_pointer(problem.pointer) or "flow"
                found.setdefault(f"{folder}/{name}", {})[place] = problem.message
        return found


async def _body(request: web.Request) -> dict[str, Any]:
    require_json(request)
    body = parse_json(await request.read())
    check_depth(body)
    return body


async def _bodies(request: web.Request) -> list[dict[str, Any]]:
    require_json(request)
    try:
        bodies = orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        raise Refused(f"the body is not valid JSON: {error}") from error
    if not isinstance(bodies, list) or not all(isinstance(body, dict) for body in bodies):
        raise Refused("the body must be a JSON array of flows")
    if len(bodies) > _MOST:
        raise Refused(f"at most {_MOST} flows can be changed at once")
    check_depth(bodies)
    return bodies


def _document(
    organization: Organization, flow: Flow | None, body: Mapping[str, Any], under: str = ""
) -> dict[str, Any]:
    """Return what a body says, in the words of files; refuse what has none."""
    errors: dict[str, str] = {}

    def report(place: str, message: str) -> None:
        errors.setdefault(under + place, message)

    document = document_of(organization, flow, body, report)
    if flow is not None:
        if body.get("id") is not None and str(body["id"]).lower() != flow.id:
            report("id", f"the flow's id is {flow.id} and cannot be changed")
        document["id"] = flow.id
    elif body.get("id") is None:
        document.pop("id", None)
    if errors:
        raise Refused(
            "; ".join(f"{place}: {said}" for place, said in errors.items()), errors=errors
        )
    return document


def _documents(
    organization: Organization, bodies: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return what the bodies say; every one must name another flow that is there."""
    errors: dict[str, str] = {}
    found: dict[str, dict[str, Any]] = {}
    for place, body in enumerate(bodies):
        flow = organization.saved_flows.get(str(body.get("id", "")).lower())
        if flow is None or flow.id in found:
            why = "no flow has this id" if flow is None else "this flow is here twice"
            errors[f"[{place}].id"] = why
            continue
        try:
            found[flow.id] = _document(organization, flow, body, f"[{place}].")
        except Refused as refusal:
            errors |= refusal.errors
    if errors:
        raise Refused(
            "; ".join(f"{place}: {said}" for place, said in errors.items()), errors=errors
        )
    return list(found.values())


def _unsaved(refusal: Refused) -> web.Response:
    """Answer why a flow cannot be saved; what is no fault of the flow is refused as ever."""
    if not refusal.errors:
        raise refusal
    errors = {api_pointer(place) or "flow": said for place, said in refusal.errors.items()}
    told = "; ".join(f"{place}: {said}" for place, said in errors.items())
    return answer(
        {**error_body(told, "VALIDATION_ERROR"), "errors": errors},
        HTTPStatus.UNPROCESSABLE_ENTITY,
    )


def _gone() -> Refused:
    return Refused(
        "what was written is removed again already", status=HTTPStatus.CONFLICT, code="CONFLICT"
    )


def _time(at: int | None) -> str | None:
    return None if at is None else rfc3339(at)
