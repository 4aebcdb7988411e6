"""Who may use the flows API, and what its calls name.

An organization that has switched the API off is answered as somebody who is not known at all.
"""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from pointsman.errors import Refused
from pointsman.flow import Flow
from pointsman.http.auth import Gatekeeper
from pointsman.model import ApiKey, Organization

__all__ = ["ALL", "DEPLOY", "READ", "WRITE", "flow_named", "flows_caller"]

READ = "flows:read"
WRITE = "flows:write"
DEPLOY = "flows:deploy"
ALL = "superuser"


def flows_caller(
    gatekeeper: Gatekeeper, request: web.Request, *scopes: str
) -> tuple[Organization, ApiKey]:
    """Return whose key a request carries, if its organization has the flows API."""
    organization, key = gatekeeper.caller(request, *scopes)
    if not organization.flows_api:
        raise Refused(
            "this organization has no flows API; in organization.yaml set "
            "integrations.flows.enabled: true",
            status=HTTPStatus.UNAUTHORIZED,
            code="UNAUTHORIZED",
        )
    return organization, key


def flow_named(organization: Organization, identifier: str) -> Flow:
    """Return a flow by its id or by its file's name."""
    named = organization.named_flows
    flow = named.get(identifier) or named.get(identifier.lower())
    if flow is None:
        raise Refused("no such flow", status=HTTPStatus.NOT_FOUND, code="NOT_FOUND")
    return flow
