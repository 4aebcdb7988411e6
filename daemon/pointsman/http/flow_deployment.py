"""``/api/v1/flows/{id}/deploy``: what is saved made live, and what is live looked at.

Where what is saved is live anyway (``deploy: auto``), deploying answers as the reference does and
changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web

from pointsman.config.changes import Write
from pointsman.config.deployment import difference, not_manual
from pointsman.errors import Refused, Unavailable
from pointsman.flow import Flow
from pointsman.http.answers import answer
from pointsman.http.auth import Gatekeeper
from pointsman.http.body import parse_json, require_json
from pointsman.http.flow_access import DEPLOY, READ, any_flow_named, flows_caller
from pointsman.http.services import Services
from pointsman.model import Organization
from pointsman.store.deployments import Deployed, DeploymentStore, Version
from pointsman.store.generations import GenerationStore
from pointsman.store.stored import rfc3339

__all__ = ["DEPLOYED", "FlowDeploymentHandlers"]

DEPLOYED = "Your flow was deployed and the most recent changes are now live"
"""What the reference answers."""

_PATH = "/api/v1/flows/{id}/deploy"


class FlowDeploymentHandlers:
    """Handlers of what is live of flows."""

    def __init__(self, services: Services, gatekeeper: Gatekeeper) -> None:
        self._rules = services.rules
        self._changes = services.changes
        self._gatekeeper = gatekeeper
        self._generations = GenerationStore(services.store, services.settings)
        self._deployments = DeploymentStore(services.store)

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the application serves of this."""
        return (web.get(_PATH, self.state), web.post(_PATH, self.deploy))

    async def state(self, request: web.Request) -> web.Response:
        """Tell what of a flow is live, what is not, and what was."""
        organization, _ = flows_caller(self._gatekeeper, request, READ)
        flow = any_flow_named(organization, request.match_info["id"])
        live = (await self._deployments.live(organization.id)).get(flow.id)
        versions = await self._deployments.versions(organization.id, flow.id)
        return answer(
            {
                "id": flow.id,
                "deploy": "manual" if organization.manual_deploy else "auto",
                "live": flow.id in organization.named_flows,
                "version": live and live.version,
                "deployed_at": live and rfc3339(live.at),
                "pending": organization.undeployed.get(flow.id),
                "difference": await self._difference(organization, flow),
                "versions": list(map(_told, versions)),
            }
        )

    async def deploy(self, request: web.Request) -> web.Response:
        """Make what is saved live, or an earlier ``version`` again."""
        organization, key = flows_caller(self._gatekeeper, request, DEPLOY)
        flow = any_flow_named(organization, request.match_info["id"])
        number = _version_of(await _body(request))
        kind, content = "flow.deploy", {"flows": [flow.id]}
        if number is not None:
            kind, content = "flow.bring_back", await self._earlier(organization, flow, number)
        write = Write(organization.handle, kind, content, f"API key '{key.name}'")
        written = await self._changes.write(write)
        await self._rules.catch_up(organization.handle, written.generation)
        return answer({"message": DEPLOYED})

    async def _earlier(self, organization: Organization, flow: Flow, number: int) -> dict[str, Any]:
        """Return what an editor needs to know of an earlier version."""
        if not organization.manual_deploy:
            raise not_manual()
        for version in await self._deployments.versions(organization.id, flow.id):
            if version.number == number:
                one = version.deployed
                return {"flow": flow.id, "file": one.file, "text": one.text.decode()}
        raise Refused(
            f"the flow has no deployed version {number} any more; GET this address lists them",
            status=HTTPStatus.NOT_FOUND,
            code="NOT_FOUND",
        )

    async def _difference(self, organization: Organization, flow: Flow) -> str:
        if flow.id not in organization.undeployed:
            return ""
        number = organization.generation
        content = await self._generations.content(organization.id, number)
        if content is None:
            raise Unavailable(f"generation {number} was just replaced; try again")
        saved = organization.saved_flows.get(flow.id)
        after = Deployed(saved.file, content.files[saved.file]) if saved else None
        return "\n".join(difference((content.deployed or {}).get(flow.id), after))


async def _body(request: web.Request) -> Mapping[str, Any]:
    raw = await request.read()
    if not raw:
        return {}
    require_json(request)
    return parse_json(raw)


def _version_of(body: Mapping[str, Any]) -> int | None:
    """Return the version that a body asks for, if it asks for one."""
    for name in body.keys() - {"version"}:
        raise Refused(f"'{name}' is not known here; expected nothing, or a version")
    number = body.get("version")
    if number is None or (type(number) is int and number > 0):
        return number
    raise Refused("version: must be the number of an earlier version")


def _told(version: Version) -> Mapping[str, Any]:
    return {
        "version": version.number,
        "deployed_at": rfc3339(version.at),
        "deployed_by": version.by,
        "file": version.deployed.file,
    }
