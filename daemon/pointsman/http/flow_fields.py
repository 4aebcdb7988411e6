"""``/api/v1/flows/{id}/fields``: which fields a flow keeps of its leads, and how many had each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from aiohttp import web

from pointsman.calendar import zone
from pointsman.fields.standard import standard_fields, standard_names
from pointsman.flow import Flow
from pointsman.http.answers import answer
from pointsman.http.auth import Gatekeeper
from pointsman.http.flow_access import READ, flow_named, flows_caller
from pointsman.http.query import choice
from pointsman.http.services import Services
from pointsman.ids import milliseconds
from pointsman.model import Organization
from pointsman.store.field_usage import FieldUsage

__all__ = ["TIMEFRAMES", "FlowFieldHandlers"]

TIMEFRAMES: Mapping[str, tuple[int, int]] = {
    "today": (0, 1),
    "yesterday": (1, 1),
    "previous_7_days": (1, 7),
    "previous_30_days": (1, 30),
}
"""How many days ago each one ends, and how many days it has."""


class FlowFieldHandlers:
    """Handlers of the fields of flows."""

    def __init__(self, services: Services, gatekeeper: Gatekeeper) -> None:
        self._gatekeeper = gatekeeper
        self._usage = FieldUsage(services.store)

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the application serves of this."""
        return (
            web.get("/api/v1/flows/{id}/fields", self.fields),
            web.get("/api/v1/flows/{id}/fields/usage", self.usage),
        )

    async def fields(self, request: web.Request) -> web.Response:
        """List the fields that a flow keeps."""
        organization, _ = flows_caller(self._gatekeeper, request, READ)
        flow = flow_named(organization, request.match_info["id"])
        return answer([_field(organization, name) for name in _kept(organization, flow)])

    async def usage(self, request: web.Request) -> web.Response:
        """Tell how many leads of some days had each field."""
        organization, _ = flows_caller(self._gatekeeper, request, READ)
        flow = flow_named(organization, request.match_info["id"])
        timeframe = choice(request, "timeframe", TIMEFRAMES) or "today"
        days = _days(organization.time_zone, *TIMEFRAMES[timeframe])
        counts = await self._usage.read(organization.id, flow.id, days)
        shown = counts if flow.fields is None else sorted(flow.fields)
        return answer({name: counts.get(name, 0) for name in shown})


def _kept(organization: Organization, flow: Flow) -> Sequence[str]:
    """Return the ids of a flow's fields, in its own order; all, if it names none."""
    types: Mapping[str, str] = organization.fields.types
    return [name for name in flow.document.get("fields", types) if name in types]


def _field(organization: Organization, name: str) -> dict[str, Any]:
    """Return a field as the API tells it."""
    standard = name in standard_fields()
    called = organization.fields.labels.get(name) or standard_names().get(name) or name
    return {
        "id": name,
        "name": called,
        "type": organization.fields.types[name],
        "standard": standard,
        "aggregate": False,
        "deprecated": False,
    }


def _days(time_zone: str, ended: int, count: int) -> list[date]:
    """Return the last days that ended so many days ago; 0 is today."""
    today = zone(time_zone).wall(milliseconds()).date()
    return [today - timedelta(days=ended + number) for number in range(count)]
