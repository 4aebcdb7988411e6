"""``/api/v1/destinations``: the receivers of leads that flows name, and which flows name them.

A destination is made and changed as a file; over the API flows may name it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from pointsman.flow import Destination
from pointsman.flows.destinations import named_in
from pointsman.http.answers import answer
from pointsman.http.auth import Gatekeeper
from pointsman.http.flow_access import flows_caller
from pointsman.http.query import choice
from pointsman.model import Organization

__all__ = ["DestinationHandlers", "destination_json"]

_READ = "destinations:read"
_DELIVER = "deliver"
"""The only thing that can be asked of a destination."""


class DestinationHandlers:
    """Handlers of destinations."""

    def __init__(self, gatekeeper: Gatekeeper) -> None:
        self._gatekeeper = gatekeeper

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the application serves of this."""
        return (web.get("/api/v1/destinations", self.destinations),)

    async def destinations(self, request: web.Request) -> web.Response:
        """List destinations; with ``include=flow_usages`` also who uses them."""
        organization, _ = flows_caller(self._gatekeeper, request, _READ)
        used = choice(request, "include", ("flow_usages",)) is not None
        usages = _usages(organization) if used else {}
        return answer(
            [
                destination_json(each) | ({"flow_usages": usages[each.id]} if used else {})
                for each in organization.destinations.values()
            ]
        )


def destination_json(destination: Destination) -> dict[str, Any]:
    """Return a destination as the API tells it."""
    mappings = destination.document["integration"]["mappings"]
    urls = [each["value"] for each in mappings if each["property"] == "url"]
    action: dict[str, Any] = {"name": "Deliver the lead", "action_id": _DELIVER}
    if urls:
        action["webhook_url"] = urls[-1]
    return {"name": destination.name, "instance_id": destination.id, "actions": [action]}


def _usages(organization: Organization) -> Mapping[str, dict[str, Any]]:
    """Return which flows name each destination, by its id."""
    known = {name: each for each in organization.destinations.values() for name in _called(each)}
    users: dict[str, list[dict[str, str]]] = {each: [] for each in organization.destinations}
    saved = {flow.id: flow for flow in organization.distinct_saved_flows()}
    live = [flow for flow in organization.distinct_flows() if flow.id not in saved]
    for flow in (*saved.values(), *live):
        for identifier in named_in(flow.document, known):
            users[identifier].append({"id": flow.id, "name": flow.name})
    return {each: {"count": len(flows), "flows": flows} for each, flows in users.items()}


def _called(destination: Destination) -> tuple[str, str]:
    return destination.id, destination.stem
