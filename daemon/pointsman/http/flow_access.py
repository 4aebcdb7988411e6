"""Who may use the flows API, and what its calls name.

An organization that has switched the API off is answered as somebody who is not known at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from pointsman.errors import Refused
from pointsman.flow import Flow
from pointsman.http.auth import Gatekeeper
from pointsman.model import ApiKey, Organization

__all__ = ["ALL", "DEPLOY", "READ", "WRITE", "any_flow_named", "flow_named", "flows_caller"]

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
    """Return a flow, as it is saved, by its id or by its file's name."""
    return _found(identifier, organization.saved_flows)


def any_flow_named(organization: Organization, identifier: str) -> Flow:
    """Return a flow also if it is live and its file is gone."""
    return _found(identifier, organization.saved_flows, organization.named_flows)


def _found(identifier: str, *named: Mapping[str, Flow]) -> Flow:
    for flows in named:
        if flow := flows.get(identifier) or flows.get(identifier.lower()):
            return flow
    raise Refused("no such flow", status=HTTPStatus.NOT_FOUND, code="NOT_FOUND")
