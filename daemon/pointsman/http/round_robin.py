"""``/api/v1/round-robin``: what a pool is, whom it served, and an assignment on request.

What a pool *is* comes from the ruleset of this request; whose turn it is and the counters come from
Redis, and reading them takes no turn.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

from aiohttp import web

from pointsman.errors import Refused
from pointsman.flows.account import account_for_turn
from pointsman.http.answers import answer, listing
from pointsman.http.auth import Gatekeeper
from pointsman.http.body import parse_json, require_json, text_header
from pointsman.http.intake import IDEMPOTENCY_KEY, LONGEST_KEY
from pointsman.http.leads import no_lead
from pointsman.http.pools import pool_details, pool_row
from pointsman.http.query import SOURCES, choice, invalid, page
from pointsman.http.services import Services
from pointsman.http.taken import assignment_content
from pointsman.ids import lead_uuid, parse_lead_id
from pointsman.model import Member, Organization, Pool
from pointsman.store.leads import Idempotency
from pointsman.store.pools import StoredAssignment
from pointsman.store.seen import Times
from pointsman.store.stored import rfc3339

__all__ = ["RoundRobinHandlers"]

_READ = "round-robin:read"
_WRITE = "round-robin:write"
_PATH = "/api/v1/round-robin"
_STATUSES = ("all", "active", "inactive")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


class RoundRobinHandlers:
    """Handlers of ``/api/v1/round-robin``."""

    def __init__(self, services: Services, gatekeeper: Gatekeeper) -> None:
        self._intake = services.intake
        self._pools = services.pools
        self._seen = services.seen
        self._memory = services.memory
        self._gatekeeper = gatekeeper

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the application serves of this."""
        return (
            web.post(f"{_PATH}/assign", self.assign),
            web.get(_PATH, self.pools),
            web.get(f"{_PATH}/{{id}}", self.pool),
            web.get(f"{_PATH}/{{id}}/assignments", self.assignments),
        )

    async def assign(self, request: web.Request) -> web.Response:
        """Run a stored lead through the pool that its origin leads to."""
        organization, key = self._gatekeeper.caller(request, _WRITE)
        require_json(request)
        named = text_header(request, IDEMPOTENCY_KEY, LONGEST_KEY)
        raw = await request.read()
        lead_id, source = _wanted(parse_json(raw))
        self._memory.check()
        operation = (
            Idempotency.of(f"assign\n{key.sha256}\n{lead_id}", named, raw) if named else None
        )
        taken = await self._intake.assign(
            organization, lead_id, source, operation=operation and operation.key
        )
        if taken.status == "unknown":
            raise no_lead()
        if taken.assignment is not None:
            account_for_turn(organization, taken, source)
        return answer(assignment_content(taken))

    async def pool(self, request: web.Request) -> web.Response:
        """Answer a pool with its people, connections, counters and who is next."""
        organization, _ = self._gatekeeper.caller(request, _READ)
        pool = _pool(request, organization)
        state, seen = await asyncio.gather(
            self._pools.state(organization.id, pool), self._seen.pool(organization.id, pool.id)
        )
        return answer(pool_details(organization, pool, state, seen))

    async def pools(self, request: web.Request) -> web.Response:
        """List pools, newest first."""
        organization, _ = self._gatekeeper.caller(request, _READ)
        limit, offset = page(request)
        found = _wanted_pools(request, organization)
        times = await self._seen.pools(organization.id, [pool.id for pool in found])
        ordered = sorted(zip(found, times, strict=True), key=_age)
        shown = ordered[offset : offset + limit]
        states = await self._pools.states(organization.id, [pool for pool, _ in shown])
        rows = [
            pool_row(organization, pool, state, times)
            for (pool, times), state in zip(shown, states, strict=True)
        ]
        return listing(rows, total=len(found), limit=limit, offset=offset)

    async def assignments(self, request: web.Request) -> web.Response:
        """List a pool's assignments, newest first."""
        organization, _ = self._gatekeeper.caller(request, _READ)
        pool_id = await self._remembered(request, organization)
        limit, offset = page(request)
        source = choice(request, "source", SOURCES)
        found = await self._pools.assignments(
            organization.id, pool_id, limit=limit, offset=offset, source=source
        )
        rows = [_row(entry, organization.members) for entry in found.assignments]
        return listing(rows, total=found.total, limit=limit, offset=offset)

    async def _remembered(self, request: web.Request, organization: Organization) -> str:
        """Return the id of a pool that is there, or whose history is kept."""
        pool_id = request.match_info["id"].lower()
        known = pool_id in organization.pools
        if not known and organization.keep_history and _UUID.fullmatch(pool_id):
            known = await self._pools.is_gone(organization.id, pool_id)
        if not known:
            raise _no_pool()
        return pool_id


def _pool(request: web.Request, organization: Organization) -> Pool:
    pool = organization.pools.get(request.match_info["id"].lower())
    if pool is None:
        raise _no_pool()
    return pool


def _no_pool() -> Refused:
    return Refused("no such pool", status=HTTPStatus.NOT_FOUND, code="NOT_FOUND")


def _wanted_pools(request: web.Request, organization: Organization) -> list[Pool]:
    """Return the pools that the query's ``status`` and ``query`` leave."""
    status = choice(request, "status", _STATUSES)
    part = request.query.get("query", "").casefold()
    return [
        pool
        for pool in organization.pools.values()
        if part in pool.name.casefold() and status in (None, "all", _status(pool))
    ]


def _status(pool: Pool) -> str:
    return "active" if pool.active else "inactive"


def _age(entry: tuple[Pool, Times]) -> tuple[int, str]:
    """Return what puts the newest first; of one age, the order of the files' names."""
    pool, times = entry
    return -(times.created or 0), pool.file


def _wanted(body: Mapping[str, Any]) -> tuple[str, str]:
    """Return the lead's id and the source that an assignment is asked for with."""
    lead_id, source = body.get("leadId"), body.get("source", "system")
    problems = [f"{name}: is not known here" for name in body if name not in {"leadId", "source"}]
    if lead_id is None:
        problems.append("leadId: is required")
    elif not isinstance(lead_id, str) or not _is_id(lead_id):
        problems.append("leadId: must be a lead's id (a UUID)")
    if not isinstance(source, str) or source not in SOURCES:
        problems.append(f"source: must be one of {', '.join(SOURCES)}")
    if problems:
        raise invalid(problems)
    identifier = parse_lead_id(str(lead_id))
    if identifier is None:
        raise no_lead()
    return identifier, str(source)


def _is_id(text: str) -> bool:
    """Tell whether ``text`` is an id at all; a UUID that no lead can have is only unknown."""
    if parse_lead_id(text) is not None:
        return True
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def _row(entry: StoredAssignment, members: Mapping[str, Member]) -> dict[str, Any]:
    member = members.get(entry.member_id)
    return {
        "id": entry.id,
        "leadId": lead_uuid(entry.lead_id),
        "assignedUserId": entry.member_id,
        "source": entry.source,
        "turnOrder": entry.order,
        "metadata": entry.metadata,
        "createdAt": rfc3339(entry.at),
        "userName": member.name if member else None,
        "userEmail": member.email if member else None,
    }
