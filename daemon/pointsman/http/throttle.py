"""Limits of calls a minute: of the API by key, of an intake by client address.

Both are off unless somebody sets them, and then cost one round trip. What is counted is in Redis,
so any number of daemons count together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from ipaddress import IPv6Address, ip_network

from aiohttp import web
from aiohttp.typedefs import Handler

from pointsman.errors import Refused
from pointsman.http.auth import Gatekeeper
from pointsman.http.peers import Peers
from pointsman.ids import keyed, milliseconds
from pointsman.model import Organization
from pointsman.store.calls import CallStore, Counted

__all__ = ["AddressLimit", "throttled"]

_API = "/api/v1/"
_TOLD = web.RequestKey("rate", Mapping[str, str])
_HOUSEHOLD = 64
"""Bits of an IPv6 address that belong to one client, who has all the others."""


class AddressLimit:
    """Holds client addresses to what an organization's ``intake.limit`` says."""

    def __init__(self, calls: CallStore, peers: Peers) -> None:
        self._calls = calls
        self._peers = peers

    async def check(self, request: web.Request, organization: Organization, limit: int) -> None:
        """Refuse a call from an address that made its calls of this minute."""
        address = self._peers.client(request)
        client = str(address or request.remote)
        if isinstance(address, IPv6Address):
            client = str(ip_network((address, _HOUSEHOLD), strict=False))
        who = keyed(organization.secret, "address", client)
        counted = await self._calls.count(organization.id, who, limit)
        if not counted.allowed:
            raise _too_many(f"{limit} requests a minute from one address", limit, counted)


def throttled(app: web.Application, calls: CallStore, gatekeeper: Gatekeeper, limit: int) -> None:
    """Hold the API keys that call ``app`` to ``limit`` calls a minute each."""

    @web.middleware
    async def throttle(request: web.Request, handler: Handler) -> web.StreamResponse:
        found = gatekeeper.known(request) if request.path.startswith(_API) else None
        if found is not None:
            organization, key = found
            counted = await calls.count(organization.id, key.sha256[:32], limit)
            request[_TOLD] = _headers(limit, counted)
            if not counted.allowed:
                raise _too_many(f"{limit} calls a minute with the key '{key.name}'", limit, counted)
        return await handler(request)

    async def tell(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(request.get(_TOLD, {}))

    app.middlewares.append(throttle)
    app.on_response_prepare.append(tell)


def _headers(limit: int, counted: Counted) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(counted.left),
        "X-RateLimit-Reset": str(math.ceil(counted.until / 1000)),
    }


def _too_many(what: str, limit: int, counted: Counted) -> Refused:
    seconds = max(1, math.ceil((counted.until - milliseconds()) / 1000))
    return Refused(
        f"no more than {what}; try again in {seconds} s",
        status=HTTPStatus.TOO_MANY_REQUESTS,
        code="RATE_LIMITED",
        headers={"Retry-After": str(seconds), **_headers(limit, counted)},
    )
