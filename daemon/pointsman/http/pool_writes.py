"""``/api/v1/round-robin``: pools made, changed and removed; what is answered is live everywhere.

The files are written by whoever publishes them: this room only reads what is asked for, and answers
in the words of the reference.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web

from pointsman.config.changes import Write, Written
from pointsman.errors import Refused
from pointsman.http.answers import answer
from pointsman.http.auth import Gatekeeper
from pointsman.http.body import parse_json, require_json
from pointsman.http.pool_bodies import connection_body, create_body, update_body
from pointsman.http.pools import connection_details, pool_head
from pointsman.http.services import Services
from pointsman.ids import derived
from pointsman.model import Organization, Pool

__all__ = ["PoolWriteHandlers"]

_WRITE = "round-robin:write"
_PATH = "/api/v1/round-robin"


class PoolWriteHandlers:
    """Handlers of everything under ``/api/v1/round-robin`` that changes what a pool is."""

    def __init__(self, services: Services, gatekeeper: Gatekeeper) -> None:
        self._rules = services.rules
        self._changes = services.changes
        self._pools = services.pools
        self._seen = services.seen
        self._gatekeeper = gatekeeper

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the application serves of this."""
        return (
            web.post(_PATH, self.create),
            web.patch(f"{_PATH}/{{id}}", self.update),
            web.delete(f"{_PATH}/{{id}}", self.delete),
            web.post(f"{_PATH}/{{id}}/connections", self.connect),
            web.delete(f"{_PATH}/{{id}}/connections/{{connection}}", self.disconnect),
        )

    async def create(self, request: web.Request) -> web.Response:
        """Make a pool."""
        organization, by = self._caller(request)
        content = {**create_body(await _body(request)), "made_by": self._maker(request)}
        written, after = await self._written(organization, "pool.create", content, by)
        pool = _of(after, written.id)
        state, seen = await asyncio.gather(
            self._pools.state(after.id, pool), self._seen.pool(after.id, pool.id)
        )
        return answer(pool_head(after, pool, state, seen.times), HTTPStatus.CREATED)

    async def update(self, request: web.Request) -> web.Response:
        """Change a pool."""
        organization, by = self._caller(request)
        pool = _pool(request, organization)
        content = update_body(await _body(request))
        await self._written(organization, "pool.update", {**content, "id": pool.id}, by)
        return answer({"success": True})

    async def delete(self, request: web.Request) -> web.Response:
        """Remove a pool with its people, connections and history."""
        organization, by = self._caller(request)
        pool = _pool(request, organization)
        written, _ = await self._written(organization, "pool.delete", {"id": pool.id}, by)
        return answer({"deleted": True, "id": written.id})

    async def connect(self, request: web.Request) -> web.Response:
        """Add a connection to a pool."""
        organization, by = self._caller(request)
        pool = _pool(request, organization)
        content = {"id": pool.id, "connection": connection_body(await _body(request))}
        written, after = await self._written(organization, "pool.connect", content, by)
        pool = _of(after, pool.id)
        connection = next((each for each in pool.connections if each.id == written.id), None)
        if connection is None:
            raise _gone()
        seen = await self._seen.pool(after.id, pool.id)
        told = connection_details(after, pool, connection, seen.part(connection.id))
        return answer(told, HTTPStatus.CREATED)

    async def disconnect(self, request: web.Request) -> web.Response:
        """Take a connection from a pool."""
        organization, by = self._caller(request)
        pool = _pool(request, organization)
        content = {"id": pool.id, "connection_id": request.match_info["connection"]}
        written, _ = await self._written(organization, "pool.disconnect", content, by)
        return answer({"deleted": True, "id": written.id})

    def _caller(self, request: web.Request) -> tuple[Organization, str]:
        """Return whose key it is, and how the generation tells who asked."""
        organization, key = self._gatekeeper.caller(request, _WRITE)
        return organization, f"API key '{key.name}'"

    def _maker(self, request: web.Request) -> str:
        """Return who makes a pool: id and name of the key."""
        organization, key = self._gatekeeper.caller(request, _WRITE)
        return f"{derived(organization.id, 'api_key', key.sha256)} {key.name}"

    async def _written(
        self, organization: Organization, kind: str, content: Mapping[str, Any], by: str
    ) -> tuple[Written, Organization]:
        """Have a change made; return what came of it, and the organization with it."""
        written = await self._changes.write(Write(organization.handle, kind, content, by))
        after = await self._rules.catch_up(organization.handle, written.generation)
        if after is None:
            raise _gone()
        return written, after


async def _body(request: web.Request) -> dict[str, Any]:
    require_json(request)
    return parse_json(await request.read())


def _pool(request: web.Request, organization: Organization) -> Pool:
    return _of(organization, request.match_info["id"].lower())


def _of(organization: Organization, pool_id: str) -> Pool:
    pool = organization.pools.get(pool_id)
    if pool is None:
        raise Refused("no such pool", status=HTTPStatus.NOT_FOUND, code="NOT_FOUND")
    return pool


def _gone() -> Refused:
    return Refused(
        "what was written is removed again already", status=HTTPStatus.CONFLICT, code="CONFLICT"
    )
