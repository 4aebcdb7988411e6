"""What flows have counted and told: ``/api/v1/caps``, ``/ping_limits`` and ``/events``.

Keys are snake_case, as in the flows API that these come from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

from pointsman.calendar import FOREVER
from pointsman.errors import Refused
from pointsman.flow import Filter, Quota
from pointsman.flows.quotas import every
from pointsman.http.answers import answer, listing
from pointsman.http.auth import Gatekeeper
from pointsman.http.event_parts import parts_of
from pointsman.http.query import choice, invalid, page
from pointsman.http.services import Services
from pointsman.ids import milliseconds, parse_event_id
from pointsman.model import Organization
from pointsman.rules.rulesets import Rules, compile_rules
from pointsman.store.caps import CapStore, Counter
from pointsman.store.flow_events import FlowEvents, Span
from pointsman.store.stored import rfc3339

__all__ = ["FlowReadHandlers"]

_MOST = 1_000
_USUAL = 100
_CHUNK = 200
_SCANNED = 5_000
"""Events that one request looks at; who asks for more goes on from the last."""

_COPIED = ("rule_set", "reason")

Owned = tuple[Quota, Mapping[str, str]]


class FlowReadHandlers:
    """Handlers of counters and events."""

    def __init__(self, services: Services, gatekeeper: Gatekeeper) -> None:
        self._gatekeeper = gatekeeper
        self._caps = CapStore(services.store)
        self._events = FlowEvents(services.store)

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the application serves of this."""
        return (
            web.get("/api/v1/caps", self.caps),
            web.get("/api/v1/ping_limits", self.ping_limits),
            web.get("/api/v1/events", self.events),
            web.get("/api/v1/events/{id}", self.event),
        )

    async def caps(self, request: web.Request) -> web.Response:
        """List the caps of all flows, sources and steps with their counters."""
        organization, _ = self._gatekeeper.caller(request, "caps:read")
        return await self._counters(request, organization, list(_caps(organization)))

    async def ping_limits(self, request: web.Request) -> web.Response:
        """List the ping limits of all flows and sources with their counters."""
        organization, _ = self._gatekeeper.caller(request, "caps:read")
        return await self._counters(request, organization, list(_limits(organization)))

    async def _counters(
        self, request: web.Request, organization: Organization, owned: list[Owned]
    ) -> web.Response:
        limit, offset = page(request)
        shown = owned[offset : offset + limit]
        quotas = [quota for quota, _ in shown]
        counters = await self._caps.read(organization.id, quotas, milliseconds())
        rows = [_counted(quota, owner, counters[quota.id]) for quota, owner in shown]
        return listing(rows, total=len(owned), limit=limit, offset=offset)

    async def event(self, request: web.Request) -> web.Response:
        """Read one event."""
        organization, _ = self._gatekeeper.caller(request, "events:read")
        found = await self._events.read(organization.id, request.match_info["id"].lower())
        if found is None:
            raise Refused(
                "no such event, or none any more", status=HTTPStatus.NOT_FOUND, code="NOT_FOUND"
            )
        return answer(_event(found))

    async def events(self, request: web.Request) -> web.Response:
        """List events, newest first unless asked otherwise."""
        organization, _ = self._gatekeeper.caller(request, "events:read")
        span, limit, rules = _span(request), _limit(request), _rules(request, organization)
        shape = parts_of(request)
        found: list[Mapping[str, Any]] = []
        scanned, beyond = 0, None
        while len(found) < limit and scanned < _SCANNED:
            asked = span.beyond(beyond)
            some, beyond = await self._events.page(organization.id, asked, _CHUNK)
            scanned += _CHUNK
            found += [one for one in some if rules is None or rules.passes({**one["vars"], **one})]
            if beyond is None:
                break
        shown = found[:limit]
        more = len(found) > limit or beyond is not None
        last = shown[-1]["id"] if len(found) >= limit and shown else beyond
        told = {"limit": limit, "has_more": more, "last_id": last if more else None}
        return answer({"data": [shape(_event(one)) for one in shown], "pagination": told})


def _caps(organization: Organization) -> Iterator[Owned]:
    for flow in organization.distinct_flows():
        for quota in every(flow.caps):
            yield quota, {"flow_id": flow.id}
        for source in flow.sources:
            for quota in every(source.caps):
                yield quota, {"flow_id": flow.id, "source_id": source.id}
        for step in flow.taken():
            for quota in every(() if isinstance(step, Filter) else step.caps):
                yield quota, {"flow_id": flow.id, "step_id": step.id}


def _limits(organization: Organization) -> Iterator[Owned]:
    for flow in organization.distinct_flows():
        for quota in flow.ping_limits:
            yield quota, {"flow_id": flow.id}
        for source in flow.sources:
            for quota in source.ping_limits:
                yield quota, {"flow_id": flow.id, "source_id": source.id}


def _counted(quota: Quota, owner: Mapping[str, str], counter: Counter) -> dict[str, Any]:
    return {
        "id": quota.id,
        "type": "volume",
        "name": quota.name,
        "maximum": quota.maximum,
        "duration": quota.duration,
        "duration_units": quota.unit,
        "time_zone": quota.time_zone,
        "count": counter.count,
        "failed_count": counter.failed,
        "started_at": rfc3339(counter.start),
        "expires_at": rfc3339(counter.end),
        **{name: quota.written[name] for name in _COPIED if name in quota.written},
        **owner,
    }


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    return {**event, "at": rfc3339(event["at"])}


def _span(request: web.Request) -> Span:
    newest = choice(request, "sort", ("asc", "desc")) != "asc"
    before, after = _event_id(request, "before_id"), _event_id(request, "after_id")
    start = _time(request, "start", 0)
    return Span(start, _time(request, "end", FOREVER), newest, before, after)


def _event_id(request: web.Request, name: str) -> str | None:
    text = request.query.get(name)
    if text is not None and parse_event_id(text) is None:
        raise invalid([f"{name}: must be the id of an event"])
    return text and text.lower()


def _time(request: web.Request, name: str, otherwise: int) -> int:
    text = request.query.get(name)
    if text is None:
        return otherwise
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise invalid([f"{name}: must be a time such as 2026-06-22T18:04:15Z"]) from None


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", str(_USUAL))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:5]) <= _MOST:
        raise invalid([f"limit: must be a whole number from 1 to {_MOST}"])
    return int(text)


def _rules(request: web.Request, organization: Organization) -> Rules | None:
    text = request.query.get("rules")
    if text is None:
        return None
    try:
        written = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise invalid(["rules: must be a JSON array of rules"]) from None
    if not isinstance(written, list) or not written:
        raise invalid(["rules: must be a JSON array of rules"])
    problems: list[str] = []
    rules = compile_rules(
        {"op": "and", "rules": written},
        lambda path, said: problems.append(f"{'.'.join(map(str, path))}: {said}"),
        types=organization.fields.types,
    )
    if problems:
        raise invalid(problems)
    return rules
